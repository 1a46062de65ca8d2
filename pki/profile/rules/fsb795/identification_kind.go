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
		Cite:      "FSB order No. 795; RFC 9215, section 5.1",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "IdentificationKind ::= INTEGER { personal(0), remote-cert(1),
			// remote-passport(2), remote-system(3) }"
			if c.IdentificationKind == nil {
				return []profile.Problem{{Field: "identificationKind", Detail: "absent or not readable"}}
			}
			if k := *c.IdentificationKind; k < 0 || k > 3 {
				return []profile.Problem{{Field: "identificationKind", Detail: fmt.Sprintf("value %d", k)}}
			}
			return nil
		},
	}
}
