package fsb795

import (
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Country demands countryName of subject and issuer.
func Country() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-country",
		Title:     "subject and issuer have the country RU",
		TitleRU:   "у владельца и издателя указана страна RU",
		Cite:      "FSB order No. 795; RFC 5280, appendix A.1 (X520countryName)",
		Severity:  pki.Warn,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			for _, n := range []struct {
				field string
				name  pki.Name
			}{{"subject", c.Subject}, {"issuer", c.Issuer}} {
				if v := n.name.Get(oid.Country); v != "RU" {
					out = append(out, profile.Found(n.field+".C", fmt.Sprintf("%q and not RU", v), fmt.Sprintf("«%s», а не RU", v))...)
				}
			}
			return out
		},
	}
}
