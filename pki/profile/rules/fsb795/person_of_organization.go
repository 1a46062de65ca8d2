package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// PersonOfOrganization demands the numbers of the person whom the certificate of an
// organization names.
func PersonOfOrganization() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-person-of-organization",
		Title:     "a person who acts for an organization has a given name, SNILS and INN beside it",
		TitleRU:   "у человека, который действует от имени организации, указаны имя, СНИЛС и ИНН",
		Cite:      "FSB order No. 795; RFC 9215, section 5.1",
		Severity:  pki.Warn,
		Effective: effective(),
		Applies: func(c *pki.Certificate) bool {
			return subscriber(c) && organization(c.Subject) && c.Subject.Get(oid.Surname) != ""
		},
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			for _, o := range []oid.OID{oid.GivenName, oid.SNILS, oid.INN} {
				if c.Subject.Get(o) == "" {
					out = append(out, profile.Found("subject."+o.Name(), "absent", "отсутствует")...)
				}
			}
			return out
		},
	}
}
