package rfc5280

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Names demands an issuer name, and of a CA a subject name.
func Names() profile.Rule {
	return profile.Rule{
		ID:        "rfc5280-names",
		Title:     "the issuer is named, and so is the subject of a CA certificate",
		TitleRU:   "издатель назван, а в сертификате УЦ назван и владелец",
		Cite:      "RFC 5280, sections 4.1.2.4 and 4.1.2.6",
		Severity:  pki.Error,
		Effective: published(),
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			// "The issuer field MUST contain a non-empty distinguished name"
			if len(c.Issuer.RDNs) == 0 {
				out = append(out, profile.Problem{Field: "issuer", Detail: "empty", DetailRU: "пусто"})
			}
			// "If the subject is a CA ... then the subject field MUST be
			// populated with a non-empty distinguished name"
			if c.IsCA && len(c.Subject.RDNs) == 0 {
				out = append(out, profile.Problem{Field: "subject", Detail: "empty in a CA certificate", DetailRU: "пусто в сертификате УЦ"})
			}
			return out
		},
	}
}
