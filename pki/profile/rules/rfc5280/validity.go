package rfc5280

import (
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Validity demands a validity period that is not empty.
func Validity() profile.Rule {
	return profile.Rule{
		ID:        "rfc5280-validity",
		Title:     "notAfter is not before notBefore",
		TitleRU:   "срок действия не кончается раньше, чем начинается",
		Cite:      "RFC 5280, section 4.1.2.5",
		Severity:  pki.Error,
		Effective: published(),
		Check: func(c *pki.Certificate) []profile.Problem {
			// "The validity period for a certificate is the period of time
			// from notBefore through notAfter, inclusive."
			if !c.NotAfter.Before(c.NotBefore) {
				return nil
			}
			return []profile.Problem{{Field: "validity", Detail: c.NotBefore.Format(time.RFC3339) + " to " + c.NotAfter.Format(time.RFC3339), DetailRU: "с " + c.NotBefore.Format(time.RFC3339) + " по " + c.NotAfter.Format(time.RFC3339)}}
		},
	}
}
