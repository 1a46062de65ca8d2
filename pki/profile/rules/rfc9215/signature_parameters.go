package rfc9215

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// SignatureParameters demands a signature algorithm without parameters. What
// OpenSSL writes breaks it, and every reader accepts that: a warning.
func SignatureParameters() profile.Rule {
	return profile.Rule{
		ID:        "rfc9215-signature-parameters",
		Title:     "the signature algorithm has no parameters",
		TitleRU:   "у алгоритма подписи нет параметров",
		Cite:      "RFC 9215, section 2",
		Severity:  pki.Warn,
		Effective: published(),
		Applies: func(c *pki.Certificate) bool {
			o := c.SignatureAlgorithm.OID
			return o == oid.GOST2012_256WithStreebog256 || o == oid.GOST2012_512WithStreebog512
		},
		Check: func(c *pki.Certificate) []profile.Problem {
			// "the encoding MUST omit the parameters field."
			if c.SignatureAlgorithm.Params == nil && c.TBSSignatureAlgorithm.Params == nil {
				return nil
			}
			return []profile.Problem{{Field: "signatureAlgorithm.parameters", Detail: "present", DetailRU: "есть"}}
		},
	}
}
