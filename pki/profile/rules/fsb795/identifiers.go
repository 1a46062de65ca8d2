package fsb795

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// tagNumericString is the universal tag 18, which cryptobyte does not name.
const tagNumericString = asn1.Tag(18)

// Identifiers demands the string type, the length and the check digits of the
// Russian numbers.
func Identifiers() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-identifiers",
		Title:     "SNILS, INN, INNLE, OGRN and OGRNIP are NumericStrings of their length with right check digits",
		Cite:      "FSB order No. 795; RFC 9215, section 5.1",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			for _, rdn := range c.Subject.RDNs {
				for _, a := range rdn {
					if detail := wrong(a); detail != "" {
						out = append(out, profile.Problem{Field: "subject." + a.Type.Name(), Detail: detail})
					}
				}
			}
			return out
		},
	}
}

// wrong says what is wrong with a numeric attribute, "" for nothing and for
// any other attribute.
func wrong(a pki.Attribute) string {
	var err error
	switch a.Type {
	case oid.SNILS:
		err = pki.CheckSNILS(a.Value)
	case oid.INN:
		// The number of an organization, written before the edition of 2021
		// as "00" and ten digits; it still occurs.
		if ten, old := strings.CutPrefix(a.Value, "00"); old && pki.CheckINNLE(ten) == nil {
			break
		}
		err = pki.CheckINN(a.Value)
	case oid.INNLE:
		err = pki.CheckINNLE(a.Value)
	case oid.OGRN:
		err = pki.CheckOGRN(a.Value)
	case oid.OGRNIP:
		err = pki.CheckOGRNIP(a.Value)
	default:
		return ""
	}
	switch {
	case err != nil:
		return err.Error()
	case a.Tag != byte(tagNumericString):
		return fmt.Sprintf("string type %d and not NumericString", a.Tag)
	}
	return ""
}
