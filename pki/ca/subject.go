package ca

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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
		for _, a := range rdn {
			if err := checkAttribute(p, subject, a); err != nil {
				return err
			}
		}
	}
	return nil
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

// wrongPersonName refuses what is no name of a person, and words in two
// alphabets: they look like a name and are another one.
func wrongPersonName(text string) string {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '-' }) {
		var latin, cyrillic bool
		for _, r := range word {
			latin = latin || unicode.Is(unicode.Latin, r)
			cyrillic = cyrillic || unicode.Is(unicode.Cyrillic, r)
			if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && !strings.ContainsRune("'’.()", r) {
				return fmt.Sprintf("%q is in no person's name", r)
			}
		}
		if latin && cyrillic {
			return fmt.Sprintf("%q mixes two alphabets", word)
		}
	}
	return ""
}
