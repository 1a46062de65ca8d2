package pki

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// DNError says which part of the text of a distinguished name is wrong. Where
// a registration number is wrong it wraps an *IdentifierError.
type DNError struct {
	Attribute string // keyword as typed; "" where the text could not be split
	Reason    DNReason
	Err       error // cause, may be nil
}

// DNReason is the class of a DNError.
type DNReason string

// The reasons of a DNError.
const (
	DNSyntax     DNReason = "syntax"            // not RFC 4514 text
	DNUnknown    DNReason = "unknown-attribute" // no such keyword
	DNEmpty      DNReason = "empty"             // no attribute, or an empty value
	DNCharset    DNReason = "charset"           // a character that the attribute's type does not have
	DNCountry    DNReason = "country"           // C is not two letters
	DNIdentifier DNReason = "identifier"        // SNILS, INN, INNLE, OGRN or OGRNIP is wrong
	DNTooLong    DNReason = "too-long"          // text above limits.NameText or too many attributes
)

func (e *DNError) Error() string {
	at := ""
	if e.Attribute != "" {
		at = " " + e.Attribute
	}
	if e.Err != nil {
		return fmt.Sprintf("pki: name:%s: %v", at, strings.TrimPrefix(e.Err.Error(), "pki: "))
	}
	switch e.Reason {
	case DNUnknown:
		return fmt.Sprintf("pki: name: unknown attribute%s", at)
	case DNEmpty:
		return fmt.Sprintf("pki: name:%s: no value", at)
	case DNCharset:
		return fmt.Sprintf("pki: name:%s: has characters that this attribute cannot hold", at)
	case DNCountry:
		return fmt.Sprintf("pki: name:%s: must be a country code of two letters, such as RU", at)
	case DNTooLong:
		return "pki: name: too long"
	default:
		return fmt.Sprintf("pki: name:%s: not RFC 4514 text", at)
	}
}

func (e *DNError) Unwrap() error { return e.Err }

// attributeRow is what the project knows about one attribute of names.
type attributeRow struct {
	id      oid.OID
	keyword string
	other   []string // further spellings
	tag     byte     // string type when writing
	check   func(string) error
	cite    string
}

const (
	citeRFC = "RFC 5280, appendix A.1"
	citeFSB = "RFC 9215, section 5"
)

// attributeRows: keywords of RFC 4514, section 3, of CLI use and the Russian
// spellings; string types after RFC 5280, appendix A.1 and the order of the FSB.
var attributeRows = [...]attributeRow{
	{oid.CommonName, "CN", []string{"commonName"}, der.TagUTF8String, nil, citeRFC},
	{oid.Surname, "SN", []string{"surname"}, der.TagUTF8String, nil, citeRFC},
	{oid.GivenName, "G", []string{"GN", "givenName"}, der.TagUTF8String, nil, citeRFC},
	{oid.Organization, "O", []string{"organizationName"}, der.TagUTF8String, nil, citeRFC},
	{oid.OrganizationalUnit, "OU", []string{"organizationalUnitName"}, der.TagUTF8String, nil, citeRFC},
	{oid.Title, "T", []string{"title"}, der.TagUTF8String, nil, citeRFC},
	{oid.Country, "C", []string{"countryName"}, der.TagPrintableString, nil, citeRFC},
	{oid.StateOrProvince, "ST", []string{"S", "stateOrProvinceName"}, der.TagUTF8String, nil, citeRFC},
	{oid.Locality, "L", []string{"localityName"}, der.TagUTF8String, nil, citeRFC},
	{oid.StreetAddress, "STREET", []string{"streetAddress"}, der.TagUTF8String, nil, citeRFC},
	{oid.EmailAddress, "E", []string{"emailAddress", "email", "mail"}, der.TagIA5String, nil, citeRFC},
	{oid.SNILS, "SNILS", []string{"СНИЛС"}, der.TagNumericString, CheckSNILS, citeFSB},
	{oid.INN, "INN", []string{"ИНН"}, der.TagNumericString, CheckINN, citeFSB},
	{oid.INNLE, "INNLE", []string{"ИННЮЛ"}, der.TagNumericString, CheckINNLE, citeFSB},
	{oid.OGRN, "OGRN", []string{"ОГРН"}, der.TagNumericString, CheckOGRN, citeFSB},
	{oid.OGRNIP, "OGRNIP", []string{"ОГРНИП"}, der.TagNumericString, CheckOGRNIP, citeFSB},
	{oid.DomainComponent, "DC", []string{"domainComponent"}, der.TagIA5String, nil, citeRFC},
	{oid.UserID, "UID", []string{"userId"}, der.TagUTF8String, nil, "RFC 4519"},
	{oid.SerialNumberAttr, "serialNumber", nil, der.TagPrintableString, nil, citeRFC},
	{oid.DNQualifier, "dnQualifier", nil, der.TagPrintableString, nil, citeRFC},
	{oid.Initials, "initials", nil, der.TagUTF8String, nil, citeRFC},
	{oid.GenerationQualifier, "generationQualifier", nil, der.TagUTF8String, nil, citeRFC},
	{oid.Pseudonym, "pseudonym", nil, der.TagUTF8String, nil, citeRFC},
	{oid.NameAttr, "name", nil, der.TagUTF8String, nil, citeRFC},
	{oid.Description, "description", nil, der.TagUTF8String, nil, "RFC 4519"},
	{oid.PostalCode, "postalCode", nil, der.TagUTF8String, nil, "RFC 4519"},
	{oid.BusinessCategory, "businessCategory", nil, der.TagUTF8String, nil, "RFC 4519"},
	{oid.OrganizationIdentifier, "organizationIdentifier", nil, der.TagUTF8String, nil, "X.520"},
	{oid.UnstructuredName, "unstructuredName", nil, der.TagUTF8String, nil, "RFC 2985"},
}

func rowOf(t oid.OID) (attributeRow, bool) {
	for i := range attributeRows {
		if attributeRows[i].id == t {
			return attributeRows[i], true
		}
	}
	return attributeRow{}, false
}

// rowByKeyword finds a keyword (letter case ignored), a dotted OID, or an OID
// with the prefix "OID." that CryptoPro prints.
func rowByKeyword(word string) (attributeRow, bool) {
	for i := range attributeRows {
		row := &attributeRows[i]
		if strings.EqualFold(word, row.keyword) {
			return *row, true
		}
		for _, o := range row.other {
			if strings.EqualFold(word, o) {
				return *row, true
			}
		}
	}
	if len(word) > 4 && strings.EqualFold(word[:4], "OID.") {
		word = word[4:]
	}
	id, err := oid.Parse(word)
	if err != nil {
		return attributeRow{}, false
	}
	if row, ok := rowOf(id); ok {
		return row, true
	}
	return attributeRow{id: id, keyword: word, tag: der.TagUTF8String}, true
}

// ParseDN reads the text of a distinguished name: RFC 4514, in which the first
// RDN of the text is the last of the encoding, with the keywords CN SN G O OU T
// C ST S L STREET E SNILS INN INNLE OGRN OGRNIP and others, the Russian
// spellings СНИЛС ИНН ИННЮЛ ОГРН ОГРНИП, and dotted OIDs. White space around
// separators is ignored and a value may stand in double quotes, with "" for a
// quote, as CryptoPro prints it. Registration numbers are reduced to digits
// (spaces and hyphens go) and their check digits verified. Errors are of type
// *DNError.
func ParseDN(text string) (Name, error) {
	if len(text) > limits.NameText {
		return Name{}, &DNError{Reason: DNTooLong}
	}
	if !utf8.ValidString(text) {
		return Name{}, &DNError{Reason: DNSyntax, Err: errors.New("the text is not UTF-8")}
	}
	p := dnParser{rest: text}
	var reversed [][]Attribute
	total := 0
	for {
		rdn, more, err := p.rdn()
		if err != nil {
			return Name{}, err
		}
		if total += len(rdn); total > limits.NameAttributes {
			return Name{}, &DNError{Reason: DNTooLong}
		}
		reversed = append(reversed, rdn)
		if !more {
			break
		}
	}
	n := Name{}
	for i := len(reversed) - 1; i >= 0; i-- {
		n.RDNs = append(n.RDNs, reversed[i])
	}
	raw, err := n.DER()
	if err != nil {
		return Name{}, &DNError{Reason: DNSyntax, Err: err}
	}
	return ParseName(raw)
}

type dnParser struct{ rest string }

// rdn parses "A=b+C=d" up to a comma or the end; more is true after a comma.
func (p *dnParser) rdn() (rdn []Attribute, more bool, err error) {
	for {
		a, sep, err := p.pair()
		if err != nil {
			return nil, false, err
		}
		rdn = append(rdn, a)
		if sep != '+' {
			return rdn, sep == ',', nil
		}
	}
}

// pair parses one "TYPE=value" and the separator after it (0 at the end).
func (p *dnParser) pair() (a Attribute, sep byte, err error) {
	word, rest, ok := strings.Cut(p.rest, "=")
	word = strings.TrimSpace(word)
	if !ok || word == "" || strings.ContainsAny(word, `,+"\<>;#`) {
		if strings.TrimSpace(p.rest) == "" {
			return a, 0, &DNError{Reason: DNEmpty}
		}
		return a, 0, &DNError{Reason: DNSyntax}
	}
	row, ok := rowByKeyword(word)
	if !ok {
		return a, 0, &DNError{Attribute: word, Reason: DNUnknown}
	}
	p.rest = strings.TrimLeft(rest, " ")
	var value string
	switch {
	case strings.HasPrefix(p.rest, "#"):
		return p.hexPair(word, row)
	case strings.HasPrefix(p.rest, `"`):
		value, ok = p.quoted()
	default:
		value, ok = p.plain()
	}
	if !ok {
		return a, 0, &DNError{Attribute: word, Reason: DNSyntax}
	}
	if sep, ok = p.separator(); !ok {
		return a, 0, &DNError{Attribute: word, Reason: DNSyntax}
	}
	a, err = newAttribute(word, row, value)
	return a, sep, err
}

// separator consumes ',' or '+' and returns it, or 0 at the end of the text.
func (p *dnParser) separator() (byte, bool) {
	p.rest = strings.TrimLeft(p.rest, " ")
	if p.rest == "" {
		return 0, true
	}
	c := p.rest[0]
	if c != ',' && c != '+' {
		return 0, false
	}
	p.rest = p.rest[1:]
	return c, true
}

// plain parses the string form of RFC 4514, section 3: backslash escapes of
// special characters and of hex pairs; unescaped spaces at the end are dropped.
func (p *dnParser) plain() (string, bool) {
	var b strings.Builder
	keep := 0 // length up to the last character that is not an unescaped space
	for i := 0; i < len(p.rest); {
		c := p.rest[i]
		switch c {
		case ',', '+':
			p.rest = p.rest[i:]
			return b.String()[:keep], utf8.ValidString(b.String())
		case '"', ';', '<', '>', 0:
			return "", false
		case '\\':
			n, ok := unescape(&b, p.rest[i:])
			if !ok {
				return "", false
			}
			i += n
			keep = b.Len()
			continue
		}
		b.WriteByte(c)
		if c != ' ' {
			keep = b.Len()
		}
		i++
	}
	p.rest = ""
	return b.String()[:keep], utf8.ValidString(b.String())
}

// unescape handles the backslash at the start of s and returns the octets used.
func unescape(b *strings.Builder, s string) (int, bool) {
	if len(s) >= 2 && strings.IndexByte(`,+"\<>;#= `, s[1]) >= 0 {
		b.WriteByte(s[1])
		return 2, true
	}
	if len(s) >= 3 {
		if v, err := hex.DecodeString(s[1:3]); err == nil {
			b.WriteByte(v[0])
			return 3, true
		}
	}
	return 0, false
}

// quoted parses a value in double quotes (RFC 2253, section 4).
func (p *dnParser) quoted() (string, bool) {
	var b strings.Builder
	s := p.rest
	for i := 1; i < len(s); {
		switch {
		case s[i] == '\\':
			n, ok := unescape(&b, s[i:])
			if !ok {
				return "", false
			}
			i += n
		case s[i] == '"' && i+1 < len(s) && s[i+1] == '"':
			b.WriteByte('"')
			i += 2
		case s[i] == '"':
			p.rest = s[i+1:]
			return b.String(), utf8.ValidString(b.String())
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return "", false
}

// hexPair parses "#" and the hex of one DER element.
func (p *dnParser) hexPair(word string, row attributeRow) (a Attribute, sep byte, err error) {
	end := strings.IndexAny(p.rest, ",+ ")
	if end < 0 {
		end = len(p.rest)
	}
	raw, err := hex.DecodeString(p.rest[1:end])
	s := cryptobyte.String(raw)
	var content cryptobyte.String
	var tag asn1.Tag
	if err != nil || !s.ReadAnyASN1(&content, &tag) || !s.Empty() {
		return a, 0, &DNError{Attribute: word, Reason: DNSyntax, Err: errors.New("the value after # is not the hex of one DER element")}
	}
	p.rest = p.rest[end:]
	sep, ok := p.separator()
	if !ok {
		return a, 0, &DNError{Attribute: word, Reason: DNSyntax}
	}
	a = Attribute{Type: row.id, Tag: byte(tag), Raw: raw}
	text, _, known := der.DecodeString(a.Tag, content)
	if !known {
		return a, sep, nil
	}
	// What the string form refuses, the hex form may not bring in.
	if row.check != nil {
		checked, err := newAttribute(word, row, text)
		if err == nil && checked.Value != text {
			err = &DNError{Attribute: word, Reason: DNCharset}
		}
		return a, sep, err
	}
	return a, sep, nil
}

// newAttribute checks and normalises a typed value.
func newAttribute(word string, row attributeRow, value string) (Attribute, error) {
	if row.check != nil {
		value = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(value)
	}
	if value == "" {
		return Attribute{}, &DNError{Attribute: word, Reason: DNEmpty}
	}
	if row.check != nil {
		if err := row.check(value); err != nil {
			return Attribute{}, &DNError{Attribute: word, Reason: DNIdentifier, Err: err}
		}
	}
	if row.id == oid.Country {
		value = strings.ToUpper(value)
		if len(value) != 2 || value[0] < 'A' || value[0] > 'Z' || value[1] < 'A' || value[1] > 'Z' {
			return Attribute{}, &DNError{Attribute: word, Reason: DNCountry}
		}
	}
	if _, deviation, _ := der.DecodeString(row.tag, []byte(value)); deviation != "" {
		return Attribute{}, &DNError{Attribute: word, Reason: DNCharset, Err: nil}
	}
	return Attribute{Type: row.id, Tag: row.tag, Value: value}, nil
}
