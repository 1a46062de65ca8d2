package fsb795

import (
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// IdentificationKind demands to know how the applicant was identified.
func IdentificationKind() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-identification-kind",
		Title:     "identificationKind is present and one of its four values",
		TitleRU:   "identificationKind есть и равен одному из четырёх значений",
		Cite:      "FSB order No. 795; RFC 9215, section 5.1",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "IdentificationKind ::= INTEGER { personal(0), remote-cert(1),
			// remote-passport(2), remote-system(3) }"
			if c.IdentificationKind == nil {
				return profile.Found("identificationKind", "absent or not readable", "отсутствует или не читается")
			}
			if k := *c.IdentificationKind; k < 0 || k > 3 {
				return profile.Found("identificationKind", fmt.Sprintf("value %d", k), fmt.Sprintf("значение %d", k))
			}
			return nil
		},
	}
}
