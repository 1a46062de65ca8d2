package rfc5280

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// SignatureAlgorithm demands the same algorithm inside and outside the signed
// part.
func SignatureAlgorithm() profile.Rule {
	return profile.Rule{
		ID:        "rfc5280-signature-algorithm",
		Title:     "the signature algorithm inside the signed part is the one outside it",
		TitleRU:   "алгоритм подписи внутри подписанной части тот же, что и снаружи",
		Cite:      "RFC 5280, section 4.1.1.2",
		Severity:  pki.Error,
		Effective: published(),
		Check: func(c *pki.Certificate) []profile.Problem {
			// "This field MUST contain the same algorithm identifier as the
			// signature field in the sequence tbsCertificate"
			if c.SignatureAlgorithm.Equivalent(c.TBSSignatureAlgorithm) {
				return nil
			}
			return []profile.Problem{{Field: "signatureAlgorithm", Detail: c.SignatureAlgorithm.OID.Name() +
				" outside, " + c.TBSSignatureAlgorithm.OID.Name() + " inside", DetailRU: "снаружи " + c.SignatureAlgorithm.OID.Name() +
				", внутри " + c.TBSSignatureAlgorithm.OID.Name()}}
		},
	}
}
