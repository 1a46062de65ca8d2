package fsb795

import (
	"strings"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// OrganizationINN demands the number of an organization in the form that was in
// use before INNLE: two zeros and ten digits in INN.
func OrganizationINN() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-organization-inn",
		Title:     "before the edition of 2021 an organization has its INN as 00 and ten digits",
		TitleRU:   "до редакции 2021 года ИНН организации записан как 00 и десять цифр",
		Cite:      "FSB order No. 795; RFC 9215, section 5.1",
		Severity:  pki.Warn,
		Effective: original(),
		Until:     effective(),
		Applies:   func(c *pki.Certificate) bool { return claims(c) && c.Subject.Get(oid.OGRN) != "" },
		Check: func(c *pki.Certificate) []profile.Problem {
			inn := c.Subject.Get(oid.INN)
			switch ten, padded := strings.CutPrefix(inn, "00"); {
			case inn == "" && c.Subject.Get(oid.INNLE) == "":
				return profile.Found("subject.INN", "absent", "отсутствует")
			case inn != "" && (!padded || pki.CheckINNLE(ten) != nil):
				return profile.Found("subject.INN", "not 00 and the ten digits of an organization", "не 00 и десять цифр ИНН организации")
			}
			return nil
		},
	}
}
