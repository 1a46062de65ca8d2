package rfc5280

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// KeyUsage demands that keyCertSign stands in CA certificates and nowhere else.
func KeyUsage() profile.Rule {
	return profile.Rule{
		ID:        "rfc5280-key-usage",
		Title:     "a CA certificate has keyUsage with keyCertSign, any other certificate has no keyCertSign",
		TitleRU:   "у сертификата УЦ в keyUsage есть keyCertSign, у других его нет",
		Cite:      "RFC 5280, section 4.2.1.3",
		Severity:  pki.Error,
		Effective: published(),
		Check: func(c *pki.Certificate) []profile.Problem {
			sign := c.KeyUsage&pki.KeyUsageCertSign != 0
			switch {
			case c.IsCA && !c.HasKeyUsage:
				// "Conforming CAs MUST include this extension in certificates
				// that contain public keys that are used to validate digital
				// signatures on other public key certificates or CRLs."
				return []profile.Problem{{Field: "keyUsage", Detail: "absent in a CA certificate", DetailRU: "отсутствует в сертификате УЦ"}}
			case c.IsCA && !sign:
				return []profile.Problem{{Field: "keyUsage", Detail: "no keyCertSign in a CA certificate", DetailRU: "в сертификате УЦ нет keyCertSign"}}
			case sign && !c.IsCA:
				// "If the keyCertSign bit is asserted, then the cA bit in the
				// basic constraints extension (Section 4.2.1.9) MUST also be
				// asserted."
				return []profile.Problem{{Field: "keyUsage", Detail: "keyCertSign without cA in basicConstraints", DetailRU: "keyCertSign без cA в basicConstraints"}}
			case c.HasKeyUsage && c.KeyUsage == 0:
				// "When the keyUsage extension appears in a certificate, at
				// least one of the bits MUST be set to 1."
				return []profile.Problem{{Field: "keyUsage", Detail: "no bit is set", DetailRU: "ни один бит не установлен"}}
			}
			return nil
		},
	}
}
