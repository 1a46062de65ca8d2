package rfc5280

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// BasicConstraints demands a critical extension of a CA, and no path length of
// anybody else.
func BasicConstraints() profile.Rule {
	return profile.Rule{
		ID:        "rfc5280-basic-constraints",
		Title:     "basicConstraints is critical in CA certificates, and only they have a path length",
		TitleRU:   "в сертификате УЦ basicConstraints помечено критическим, а длина пути бывает только у УЦ",
		Cite:      "RFC 5280, section 4.2.1.9",
		Severity:  pki.Error,
		Effective: published(),
		Applies:   func(c *pki.Certificate) bool { return c.IsCA || c.MaxPathLen >= 0 },
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			// "Conforming CAs MUST include this extension in all CA
			// certificates that contain public keys used to validate digital
			// signatures on certificates and MUST mark the extension as
			// critical in such certificates."
			if e, _ := c.Extension(oid.BasicConstraints); c.IsCA && !e.Critical {
				out = append(out, profile.Problem{Field: "basicConstraints", Detail: "not critical in a CA certificate", DetailRU: "в сертификате УЦ не критическое"})
			}
			// "CAs MUST NOT include the pathLenConstraint field unless the cA
			// boolean is asserted and the key usage extension asserts the
			// keyCertSign bit."
			if c.MaxPathLen >= 0 && (!c.IsCA || c.KeyUsage&pki.KeyUsageCertSign == 0) {
				out = append(out, profile.Problem{Field: "basicConstraints.pathLenConstraint", Detail: "present without cA and keyCertSign", DetailRU: "указано без cA и keyCertSign"})
			}
			return out
		},
	}
}
