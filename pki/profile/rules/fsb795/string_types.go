package fsb795

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// StringTypes demands the string types of the names.
func StringTypes() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-string-types",
		Title:     "the country is a PrintableString, an e-mail address an IA5String, other text a UTF8String",
		TitleRU:   "страна – PrintableString, адрес электронной почты – IA5String, прочий текст – UTF8String",
		Cite:      "FSB order No. 795; RFC 5280, appendix A.1",
		Severity:  pki.Warn,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			for _, n := range []struct {
				field string
				name  pki.Name
			}{{"subject", c.Subject}, {"issuer", c.Issuer}} {
				attributes(n.name, func(a pki.Attribute) {
					want := asn1.UTF8String
					switch a.Type {
					case oid.Country:
						want = asn1.PrintableString
					case oid.EmailAddress:
						want = asn1.IA5String
					case oid.SNILS, oid.INN, oid.INNLE, oid.OGRN, oid.OGRNIP:
						want = tagNumericString
					}
					if asn1.Tag(a.Tag) != want {
						out = append(out, profile.Found(n.field+"."+a.Type.Name(),
							fmt.Sprintf("string type %d and not %d", a.Tag, want), fmt.Sprintf("тип строки %d, а не %d", a.Tag, want))...)
					}
				})
			}
			return out
		},
	}
}
