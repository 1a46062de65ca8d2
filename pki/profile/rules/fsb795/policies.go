package fsb795

import (
	"slices"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Policies demands every class of tools up to the certificate's own.
func Policies() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-policies",
		Title:     "certificatePolicies lists every class of tools from KC1 up to the certificate's own",
		TitleRU:   "certificatePolicies перечисляет все классы средств от КС1 до своего",
		Cite:      "FSB order No. 795; RFC 9215, section 5.2",
		Severity:  pki.Error,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "Certificates should include OIDs, starting from the lowest
			// (KC1) up to the strongest applicable."
			var out []profile.Problem
			higher := false
			all := classes()
			for i := len(all) - 1; i >= 0; i-- {
				has := slices.Contains(c.Policies, all[i])
				if higher && !has {
					out = append(out, profile.Found("certificatePolicies", all[i].Name()+" is missing", "нет "+all[i].Name())...)
				}
				higher = higher || has
			}
			return out
		},
	}
}
