package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// OrganizationAddress demands the address of an organization.
func OrganizationAddress() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-organization-address",
		Title:     "an organization has its region, locality and street",
		TitleRU:   "у организации указаны регион, населённый пункт и улица",
		Cite:      "FSB order No. 795",
		Severity:  pki.Warn,
		Effective: original(),
		Applies:   func(c *pki.Certificate) bool { return claims(c) && organization(c.Subject) },
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			for _, o := range []oid.OID{oid.StateOrProvince, oid.Locality, oid.StreetAddress} {
				if c.Subject.Get(o) == "" {
					out = append(out, profile.Found("subject."+o.Name(), "absent", "отсутствует")...)
				}
			}
			return out
		},
	}
}
