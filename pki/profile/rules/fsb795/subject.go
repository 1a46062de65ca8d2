package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Subject demands who the certificate is for: an organization with its
// numbers, or a person with theirs.
func Subject() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-subject",
		Title:     "the subject is an organization with OGRN and INNLE or a person with SNILS and INN",
		TitleRU:   "владелец – организация с ОГРН и ИНН ЮЛ или человек со СНИЛС и ИНН",
		Cite:      "FSB order No. 795; RFC 9215, section 5.1",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			need := []oid.OID{oid.SNILS, oid.INN}
			switch {
			case organization(c.Subject):
				need = []oid.OID{oid.Organization, oid.OGRN, oid.INNLE}
			case c.Subject.Get(oid.OGRNIP) != "":
			default:
				need = append(need, oid.CommonName, oid.Surname, oid.GivenName)
			}
			var out []profile.Problem
			for _, o := range need {
				if c.Subject.Get(o) == "" {
					out = append(out, profile.Found("subject."+o.Name(), "absent", "отсутствует")...)
				}
			}
			return out
		},
	}
}
