package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Form demands that a certificate claims the form of a qualified one at all.
// All other rules speak only about certificates that do: without this one they
// would find nothing wrong with any other certificate.
func Form() profile.Rule {
	return profile.Rule{
		ID:       "fsb795-form",
		Title:    "the certificate names a class of tools, the subject's tool, the issuer's tools and an identifier of its subject",
		TitleRU:  "в сертификате указаны класс средств, средство владельца, средства УЦ и номер владельца",
		Cite:     "FSB order No. 795; RFC 9215, section 5",
		Severity: pki.Error,
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			missing := func(absent bool, field, en, ru string) {
				if absent {
					out = append(out, profile.Found(field, en, ru)...)
				}
			}
			missing(!namesClass(c), "certificatePolicies", "no class of tools", "нет класса средств")
			missing(c.SubjectSignTool == "", "subjectSignTool", "absent", "отсутствует")
			missing(c.IssuerSignTool == nil, "issuerSignTool", "absent", "отсутствует")
			known := false
			for _, o := range []oid.OID{oid.SNILS, oid.INN, oid.OGRN, oid.OGRNIP, oid.INNLE} {
				known = known || c.Subject.Get(o) != ""
			}
			missing(!known, "subject", "no registration number", "нет ни одного номера владельца")
			return out
		},
	}
}
