package ca

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// checkSubject demands the attributes of the profile, and of every attribute its
// string type, length, characters and check digits.
func checkSubject(p Profile, subject pki.Name) error {
	for _, o := range p.Required {
		if strings.TrimSpace(subject.Get(o)) == "" {
			return refuse("subject."+o.Name(), "the profile %s requires it", p.Name)
		}
	}
	for _, rdn := range subject.RDNs {
		// RFC 5280, section 4.1.2.4: "RelativeDistinguishedName ::= SET SIZE
		// (1..MAX) OF AttributeTypeAndValue".
		if len(rdn) == 0 {
			return refuse("subject", "a relative distinguished name without an attribute")
		}
		if !inOrder(rdn) {
			return refuse("subject", "the attributes of a relative distinguished name are not sorted, or one stands twice")
		}
		for _, a := range rdn {
			if err := checkAttribute(p, subject, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// inOrder reports whether the attributes of a relative distinguished name stand
// as DER has them, and none twice. A name that was not parsed is sorted when it
// is written.
//
// X.690, section 11.6: "The encodings of the component values of a set-of value
// shall appear in ascending order".
func inOrder(rdn []pki.Attribute) bool {
	for i := 1; i < len(rdn); i++ {
		if len(rdn[i].Raw) == 0 || len(rdn[i-1].Raw) == 0 {
			continue
		}
		if bytes.Compare(encodedAttribute(rdn[i-1]), encodedAttribute(rdn[i])) >= 0 {
			return false
		}
	}
	return true
}

// encodedAttribute returns the DER of a parsed attribute.
func encodedAttribute(a pki.Attribute) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		a.Type.Add(b)
		b.AddBytes(a.Raw)
	})
	return b.BytesOrPanic()
}

func checkAttribute(p Profile, subject pki.Name, a pki.Attribute) error {
	field := "subject." + a.Type.Name()
	if p.Allowed != nil && !slices.Contains(p.Allowed, a.Type) && !slices.Contains(p.Required, a.Type) {
		return refuse(field, "it is outside the profile %s", p.Name)
	}
	if single(a.Type) && len(subject.All(a.Type)) > 1 {
		return refuse(field, "it stands more than once")
	}
	if err := checkNumber(a); err != nil {
		return &RequestError{Field: field, Detail: "wrong number", Err: err}
	}
	if detail := wrongType(a); detail != "" {
		return refuse(field, "%s", detail)
	}
	n := utf8.RuneCountInString(a.Value)
	if bound := maxLength(p, a.Type); n == 0 || n > bound {
		return refuse(field, "%d characters; from 1 to %d are accepted", n, bound)
	}
	if detail := wrongCharacters(a.Value); detail != "" {
		return refuse(field, "%s", detail)
	}
	if detail := wrongForm(a); detail != "" {
		return refuse(field, "%s", detail)
	}
	// The names of organizations may mix alphabets, as "МегаSoft" does.
	if p.Subscriber && a.Type == oid.CommonName && subject.Get(oid.OGRN) == "" && subject.Get(oid.INNLE) == "" {
		for word := range words(a.Value) {
			if mixed(word) {
				return refuse(field, "%q mixes two alphabets", word)
			}
		}
	}
	if p.Subscriber && (a.Type == oid.Surname || a.Type == oid.GivenName) {
		if detail := wrongPersonName(a.Value); detail != "" {
			return refuse(field, "%s", detail)
		}
	}
	return nil
}

// single reports whether an attribute names its subject and so stands once.
func single(t oid.OID) bool {
	switch t {
	case oid.CommonName, oid.Surname, oid.GivenName, oid.Country, oid.Organization,
		oid.SNILS, oid.INN, oid.INNLE, oid.OGRN, oid.OGRNIP:
		return true
	}
	return false
}

// wrongType says what is wrong with an attribute's string type.
//
// RFC 5280, section 4.1.2.4: DirectoryString "MUST use either the
// PrintableString or UTF8String" encoding, but for two exceptions that are for
// CAs with a past. Appendix A.1 has PrintableString for the country and
// IA5String for e-mail addresses and domain components; RFC 9215, section 5.1
// has NumericString for the Russian numbers.
func wrongType(a pki.Attribute) string {
	want := []asn1.Tag{asn1.UTF8String, asn1.PrintableString}
	switch a.Type {
	case oid.Country, oid.SerialNumberAttr, oid.DNQualifier:
		want = []asn1.Tag{asn1.PrintableString}
	case oid.EmailAddress, oid.DomainComponent:
		want = []asn1.Tag{asn1.IA5String}
	case oid.SNILS, oid.INN, oid.INNLE, oid.OGRN, oid.OGRNIP:
		want = []asn1.Tag{asn1.Tag(18)} // NumericString, which cryptobyte does not name
	}
	if !slices.Contains(want, asn1.Tag(a.Tag)) {
		return fmt.Sprintf("string type %d and not %d", a.Tag, want[0])
	}
	return ""
}

// maxLength is the bound of RFC 5280, appendix A.1, in characters. Names of
// organizations exceed ub-common-name and ub-organization-name where the profile
// says so; addresses have no bound of their own there beyond the 128 of
// localities.
func maxLength(p Profile, t oid.OID) int {
	switch t {
	case oid.Country:
		return 2
	case oid.CommonName, oid.Organization:
		if p.LongNames {
			return 1000
		}
		return 64
	case oid.OrganizationalUnit, oid.Title, oid.SerialNumberAttr, oid.DNQualifier:
		return 64
	case oid.Locality, oid.StateOrProvince, oid.StreetAddress:
		return 128
	}
	return 255 // ub-emailaddress-length; far beyond any person's name
}

// wrongCharacters refuses what a person does not see or sees as something else.
func wrongCharacters(text string) string {
	if !utf8.ValidString(text) {
		return "not UTF-8"
	}
	if strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
		return "white space around it, or two spaces in a row"
	}
	for _, r := range text {
		switch {
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp):
			return fmt.Sprintf("the character %U", r)
		case unicode.IsSpace(r) && r != ' ':
			return fmt.Sprintf("the white space %U", r)
		case !unicode.IsGraphic(r):
			return fmt.Sprintf("the character %U is not assigned", r)
		}
	}
	return ""
}

// wrongForm says what is wrong with an attribute that has a form of its own.
func wrongForm(a pki.Attribute) string {
	switch a.Type {
	case oid.Country:
		// RFC 5280, appendix A.1: "X520countryName ::= PrintableString (SIZE
		// (2))", an ISO 3166 code; those are two capital letters.
		if len(a.Value) != 2 || strings.ContainsFunc(a.Value, func(r rune) bool { return r < 'A' || r > 'Z' }) {
			return "not two capital Latin letters"
		}
	case oid.EmailAddress:
		return wrongMailbox(a.Value)
	case oid.DomainComponent:
		// RFC 4519, section 2.4: one label of a domain name.
		if strings.Contains(a.Value, ".") {
			return "not one label of a domain name"
		}
		return wrongHost(a.Value)
	}
	return ""
}

// words iterates over what spaces and hyphens separate.
func words(text string) iter.Seq[string] {
	return strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '-' })
}

// mixed reports whether the letters of a word are of more than one alphabet:
// such a word looks like a name and is another one.
func mixed(word string) bool {
	var latin, cyrillic, other bool
	for _, r := range word {
		switch {
		case !unicode.IsLetter(r):
		case unicode.Is(unicode.Latin, r):
			latin = true
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
		default:
			other = true
		}
	}
	return latin && cyrillic || other && (latin || cyrillic)
}

// wrongPersonName refuses what is no name of a person, and words in two
// alphabets.
func wrongPersonName(text string) string {
	for word := range words(text) {
		for _, r := range word {
			if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && !strings.ContainsRune("'’.()", r) {
				return fmt.Sprintf("%q is in no person's name", r)
			}
		}
		if mixed(word) {
			return fmt.Sprintf("%q mixes two alphabets", word)
		}
	}
	return ""
}
