package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Issuer demands the name and the registration numbers of the authority.
func Issuer() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-issuer",
		Title:     "the issuer is named with its name and its numbers",
		TitleRU:   "издатель назван, и указаны его номера",
		Cite:      "FSB order No. 795",
		Severity:  pki.Warn,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			for _, o := range []oid.OID{oid.CommonName, oid.Organization, oid.OGRN} {
				if c.Issuer.Get(o) == "" {
					out = append(out, profile.Found("issuer."+o.Name(), "absent", "отсутствует")...)
				}
			}
			if c.Issuer.Get(oid.INN) == "" && c.Issuer.Get(oid.INNLE) == "" {
				out = append(out, profile.Found("issuer.INNLE", "absent, and no INN either", "отсутствует, как и ИНН")...)
			}
			return out
		},
	}
}
