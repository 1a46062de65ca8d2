package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Algorithm demands the algorithms in force.
func Algorithm() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-algorithm",
		Title:     "key and signature are of GOST R 34.10-2012",
		TitleRU:   "ключ и подпись – по ГОСТ Р 34.10-2012",
		Cite:      "FSB order No. 795; RFC 9215, sections 2 and 4",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			if o := c.PublicKeyAlgorithm.OID; o != oid.GOST2012_256 && o != oid.GOST2012_512 {
				out = append(out, profile.Found("subjectPublicKeyInfo", o.Name(), "алгоритм "+o.Name())...)
			}
			if o := c.SignatureAlgorithm.OID; o != oid.GOST2012_256WithStreebog256 && o != oid.GOST2012_512WithStreebog512 {
				out = append(out, profile.Found("signatureAlgorithm", o.Name(), "алгоритм "+o.Name())...)
			}
			return out
		},
	}
}
