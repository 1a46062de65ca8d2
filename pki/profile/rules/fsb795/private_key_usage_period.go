package fsb795

import (
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// PrivateKeyUsagePeriod demands that a period of the private key lies within
// the certificate's. Its start may be later than the certificate's: real
// qualified certificates have that.
func PrivateKeyUsagePeriod() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-private-key-usage-period",
		Title:     "privateKeyUsagePeriod does not end before it begins and not after the certificate",
		TitleRU:   "privateKeyUsagePeriod не кончается раньше, чем начинается, и не позже сертификата",
		Cite:      "FSB order No. 795; X.509, privateKeyUsagePeriod",
		Severity:  pki.Warn,
		Effective: original(),
		Applies: func(c *pki.Certificate) bool {
			return subscriber(c) && (!c.PrivateKeyNotBefore.IsZero() || !c.PrivateKeyNotAfter.IsZero())
		},
		Check: func(c *pki.Certificate) []profile.Problem {
			end := c.PrivateKeyNotAfter
			switch {
			case end.IsZero():
				return nil
			case end.Before(c.PrivateKeyNotBefore):
				return profile.Found("privateKeyUsagePeriod", "ends before it begins", "кончается раньше, чем начинается")
			case end.After(c.NotAfter):
				at := end.Format(time.RFC3339)
				return profile.Found("privateKeyUsagePeriod", "ends after the certificate: "+at, "кончается позже сертификата: "+at)
			}
			return nil
		},
	}
}
