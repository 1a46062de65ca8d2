package fsb795

import (
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// PrivateKeyUsagePeriod demands that a period of the private key lies within
// the certificate's.
func PrivateKeyUsagePeriod() profile.Rule {
	return profile.Rule{
		ID:    "fsb795-private-key-usage-period",
		Title: "privateKeyUsagePeriod does not end before it begins and not after the certificate",
		Cite:  "FSB order No. 795; X.509, privateKeyUsagePeriod",
		// Real qualified certificates deviate: the start may be later than
		// the certificate's, and that is in order.
		Severity:  pki.Warn,
		Effective: effective(),
		Applies: func(c *pki.Certificate) bool {
			return subscriber(c) && (!c.PrivateKeyNotBefore.IsZero() || !c.PrivateKeyNotAfter.IsZero())
		},
		Check: func(c *pki.Certificate) []profile.Problem {
			end := c.PrivateKeyNotAfter
			switch {
			case end.IsZero():
				return nil
			case end.Before(c.PrivateKeyNotBefore):
				return []profile.Problem{{Field: "privateKeyUsagePeriod", Detail: "ends before it begins"}}
			case end.After(c.NotAfter):
				return []profile.Problem{{Field: "privateKeyUsagePeriod", Detail: "ends after the certificate: " + end.Format(time.RFC3339)}}
			}
			return nil
		},
	}
}
