package pki

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Name is a distinguished name (RFC 5280, section 4.1.2.4). The zero value is
// the empty name.
type Name struct {
	Raw  []byte // DER of the RDNSequence
	RDNs [][]Attribute
}

// Attribute is one AttributeTypeAndValue.
type Attribute struct {
	Type  oid.OID
	Value string // decoded text; "#" and the DER in hex if the value is no string
	Tag   byte   // tag of the value: 0x0C UTF8String, 0x12 NumericString, 0x13 PrintableString …
	Raw   []byte // DER of the value; may be nil when creating
}

// ParseName parses exactly one DER RDNSequence. String values outside the
// alphabet of their type are read tolerantly; a certificate records them as
// findings.
func ParseName(data []byte) (Name, error) {
	if len(data) > limits.CertificateBytes {
		return Name{}, errors.New("pki: name: too large")
	}
	data = bytes.Clone(data)
	content, err := der.Single(data, asn1.SEQUENCE, "name")
	if err != nil {
		return Name{}, fmt.Errorf("pki: %w", err)
	}
	return parseName(data, content, "name", &recorder{})
}

// readName consumes one Name from s.
//
//	Name ::= CHOICE { rdnSequence RDNSequence }
//	RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
//	RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
func readName(s *cryptobyte.String, field string, r *recorder) (Name, error) {
	raw, err := der.ReadElement(s, asn1.SEQUENCE, field)
	if err != nil {
		return Name{}, err
	}
	whole := raw
	content, err := der.Read(&whole, asn1.SEQUENCE, field)
	if err != nil {
		return Name{}, err
	}
	return parseName(raw, content, field, r)
}

// usualRDNs is the room that is taken for a name: a citizen's has six or seven
// attributes, an organization's ten.
const usualRDNs = 8

func parseName(raw []byte, content cryptobyte.String, field string, r *recorder) (Name, error) {
	n := Name{Raw: raw}
	if !content.Empty() {
		n.RDNs = make([][]Attribute, 0, usualRDNs)
	}
	total := 0
	for !content.Empty() {
		set, err := der.Read(&content, asn1.SET, ".rdn")
		if err != nil {
			return Name{}, der.Under(field, err)
		}
		// "RelativeDistinguishedName ::= SET SIZE (1..MAX)", RFC 5280, 4.1.2.4.
		if set.Empty() {
			r.add(Warn, "rdn-empty", field, "a relative distinguished name has no attribute", "RFC 5280, 4.1.2.4")
		}
		rdn, err := parseRDN(set, field, r)
		if err != nil {
			return Name{}, err
		}
		if total += len(rdn); total > limits.NameAttributes {
			return Name{}, der.Bad(field, "more than "+strconv.Itoa(limits.NameAttributes)+" attributes")
		}
		n.RDNs = append(n.RDNs, rdn)
		if len(n.RDNs) > limits.NameAttributes {
			return Name{}, der.Bad(field, "more than "+strconv.Itoa(limits.NameAttributes)+" relative names")
		}
	}
	return n, nil
}

// parseRDN parses the contents of one SET OF AttributeTypeAndValue.
func parseRDN(set cryptobyte.String, field string, r *recorder) ([]Attribute, error) {
	var rdn []Attribute
	for !set.Empty() {
		if len(rdn) >= limits.NameAttributes {
			return nil, der.Bad(field, "more than "+strconv.Itoa(limits.NameAttributes)+" attributes")
		}
		pair, err := der.Read(&set, asn1.SEQUENCE, ".attribute")
		if err != nil {
			return nil, der.Under(field, err)
		}
		var a Attribute
		if !oid.Read(&pair, &a.Type) {
			return nil, der.Bad(field+".attribute.type", "not an object identifier")
		}
		raw, value, tag, err := der.ReadAny(&pair, ".value")
		if err != nil {
			return nil, der.Under(field+"."+string(a.Type), err)
		}
		if !pair.Empty() {
			return nil, der.Bad(field+"."+string(a.Type), "octets after the value")
		}
		a.Raw, a.Tag = raw, byte(tag)
		text, deviation, known := der.DecodeString(a.Tag, value)
		switch {
		case !known:
			text = "#" + hex.EncodeToString(raw)
			r.add(Warn, "name-value-type", field+"."+a.Type.Name(), fmt.Sprintf("the value is no character string (tag %#02x)", a.Tag), "RFC 5280, 4.1.2.4")
		case deviation != "":
			severity := r.grave()
			// Names of hosts and firms have "*" and "&", and issuers do not mind.
			tame := bytes.ReplaceAll(bytes.ReplaceAll(value, []byte("*"), nil), []byte("&"), nil)
			if _, other, _ := der.DecodeString(a.Tag, tame); other == "" {
				severity = Warn
			}
			r.add(severity, "string-alphabet", field+"."+a.Type.Name(), deviation, "X.680, 41")
		}
		a.Value = text
		checkAttributeType(a, field, r)
		rdn = append(rdn, a)
	}
	return rdn, nil
}

// checkAttributeType records string types that differ from the prescribed one.
func checkAttributeType(a Attribute, field string, r *recorder) {
	row, ok := rowOf(a.Type)
	if ok && row.tag != der.TagUTF8String && a.Tag != row.tag {
		r.add(Info, "name-string-type", field+"."+row.keyword,
			fmt.Sprintf("the value has tag %#02x, prescribed is %#02x", a.Tag, row.tag), row.cite)
	}
	switch a.Tag {
	case der.TagTeletexString, der.TagBMPString, der.TagUniversalString:
		// "CAs conforming to this profile MUST use either the PrintableString
		// or UTF8String encoding of DirectoryString", RFC 5280, 4.1.2.4.
		r.add(Info, "name-old-string-type", field+"."+a.Type.Name(), "TeletexString, BMPString or UniversalString", "RFC 5280, 4.1.2.4")
	}
	if a.Value == "" {
		r.add(Warn, "name-value-empty", field+"."+a.Type.Name(), "the value is empty", "RFC 5280, appendix A.1")
	}
}

// IsEmpty reports whether the name has no attribute.
func (n Name) IsEmpty() bool {
	for _, rdn := range n.RDNs {
		if len(rdn) > 0 {
			return false
		}
	}
	return true
}

// Get returns the text of the most specific (last) attribute of type t, or "".
func (n Name) Get(t oid.OID) string {
	all := n.All(t)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// All returns the texts of all attributes of type t in encoding order.
func (n Name) All(t oid.OID) []string {
	var out []string
	for _, rdn := range n.RDNs {
		for _, a := range rdn {
			if a.Type == t {
				out = append(out, a.Value)
			}
		}
	}
	return out
}

// DER returns Raw if it is set and encodes RDNs otherwise: attributes with Raw
// as they are, the others as a string of type Tag (0: UTF8String).
func (n Name) DER() ([]byte, error) {
	if n.Raw != nil {
		return n.Raw, nil
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, rdn := range n.RDNs {
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
				encoded := make([][]byte, 0, len(rdn))
				for _, a := range rdn {
					encoded = append(encoded, a.encode(b))
				}
				// SET OF in DER is sorted (X.690, 11.6).
				sort.Slice(encoded, func(i, j int) bool { return bytes.Compare(encoded[i], encoded[j]) < 0 })
				for _, e := range encoded {
					b.AddBytes(e)
				}
			})
		}
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("pki: name: %w", err)
	}
	return out, nil
}

// encode returns the AttributeTypeAndValue; an error goes to b.
func (a Attribute) encode(b *cryptobyte.Builder) []byte {
	var one cryptobyte.Builder
	one.AddASN1(asn1.SEQUENCE, func(c *cryptobyte.Builder) {
		a.Type.Add(c)
		if a.Raw != nil {
			c.AddBytes(a.Raw)
			return
		}
		tag := a.Tag
		if tag == 0 {
			tag = der.TagUTF8String
		}
		c.AddASN1(asn1.Tag(tag), func(c *cryptobyte.Builder) { c.AddBytes([]byte(a.Value)) })
	})
	out, err := one.Bytes()
	if err != nil {
		b.SetError(err)
	}
	return out
}

// Equal compares two names by RFC 5280, section 7.1: attribute by attribute,
// strings prepared as RFC 4518 says (letter case, compatibility forms and the
// amount of white space do not count), whatever the string type; the attributes
// of a multi-valued RDN in any order.
func (n Name) Equal(o Name) bool {
	if n.Raw != nil && bytes.Equal(n.Raw, o.Raw) {
		return true
	}
	if len(n.RDNs) != len(o.RDNs) {
		return false
	}
	for i := len(n.RDNs) - 1; i >= 0; i-- { // names of one organization differ at the end
		if !equalRDN(n.RDNs[i], o.RDNs[i]) {
			return false
		}
	}
	return true
}

// equalRDN compares two relative names.
func equalRDN(a, b []Attribute) bool {
	if len(a) != len(b) || len(a) == 1 && a[0].Type != b[0].Type {
		return false
	}
	return rdnKey(a) == rdnKey(b)
}

// key returns a text that is the same for equal names.
func (n Name) key() string {
	var b strings.Builder
	for _, rdn := range n.RDNs {
		b.WriteString(rdnKey(rdn))
	}
	return b.String()
}

// rdnKey returns a text that is the same for equal relative names.
func rdnKey(rdn []Attribute) string {
	parts := make([]string, 0, len(rdn))
	for _, a := range rdn {
		parts = append(parts, a.key())
	}
	sort.Strings(parts)
	return "R" + strconv.Itoa(len(parts)) + strings.Join(parts, "")
}

func (a Attribute) key() string {
	kind, value := "=", ""
	if _, _, known := der.DecodeString(a.Tag, nil); known || a.Tag == 0 {
		value = foldValue(a.Value)
	} else {
		kind, value = "#", hex.EncodeToString(a.Raw)
	}
	// The length makes the text unambiguous.
	return string(a.Type) + kind + strconv.Itoa(len(value)) + ":" + value
}

// foldValue prepares a string for comparison (RFC 5280, 7.1): mapping, case
// folding, normalisation to NFKC and compression of white space (RFC 4518, 2.2,
// 2.3 and 2.6.1). Characters that RFC 4518, 2.4 prohibits are left in: names
// that have them are equal only to themselves.
func foldValue(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' || s[i] == 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return strings.ToLower(strings.Join(strings.Fields(s), " "))
	}
	s = strings.Map(mapRune, s)
	// Twice, because normalisation may bring forth letters that fold again.
	for range 2 {
		s = norm.NFKC.String(cases.Fold().String(s))
	}
	return strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
}

// mapRune is RFC 4518, section 2.2: what is invisible is mapped to nothing, and
// separators to a space.
func mapRune(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\v' || r == '\f' || r == '\r' || r == 0x85 || unicode.Is(unicode.Z, r):
		return ' '
	case r == 0xad || r == 0x1806 || r == 0x34f || r >= 0x180b && r <= 0x180d || r >= 0xfe00 && r <= 0xfe0f || r == 0xfffc || r == 0x200b:
		return -1
	case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// String returns the name as RFC 4514 text, most specific RDN first. Besides
// what RFC 4514, section 2.4 requires, characters that are not printable are
// written as hex pairs, so that the text is safe on a terminal.
func (n Name) String() string {
	var b strings.Builder
	for i := len(n.RDNs) - 1; i >= 0; i-- {
		for j, a := range n.RDNs[i] {
			if j > 0 {
				b.WriteByte('+')
			}
			b.WriteString(a.String())
		}
		if i > 0 {
			b.WriteByte(',')
		}
	}
	return b.String()
}

// String returns "TYPE=value" as RFC 4514, section 2.3 and 2.4 say.
func (a Attribute) String() string {
	row, ok := rowOf(a.Type)
	_, _, isString := der.DecodeString(a.Tag, nil)
	if !ok || !isString && (a.Tag != 0 || a.Raw != nil) {
		// "If the AttributeType is of the dotted-decimal form, the value is
		// represented by # and the hexadecimal of its BER encoding."
		keyword := string(a.Type)
		if ok {
			keyword = row.keyword
		}
		return keyword + "=#" + hex.EncodeToString(a.Raw)
	}
	return row.keyword + "=" + escapeValue(a.Value)
}

func escapeValue(s string) string {
	var b strings.Builder
	for i, r := range s {
		last := i+1 == len(s)
		switch {
		case strings.ContainsRune(`,+"\<>;`, r), i == 0 && (r == '#' || r == ' '), last && r == ' ':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r != ' ' && !unicode.IsPrint(r):
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, "\\%02X", c)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
