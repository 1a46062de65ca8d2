package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// KeyUsage demands a critical keyUsage by which signatures can be made.
func KeyUsage() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-key-usage",
		Title:     "keyUsage is critical and allows digital signatures",
		Cite:      "FSB order No. 795; RFC 5280, section 4.2.1.3",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			e, ok := c.Extension(oid.KeyUsage)
			switch {
			case !ok:
				return []profile.Problem{{Field: "keyUsage", Detail: "absent"}}
			case !e.Critical:
				return []profile.Problem{{Field: "keyUsage", Detail: "not critical"}}
			case c.KeyUsage&(pki.KeyUsageDigitalSignature|pki.KeyUsageContentCommitment) == 0:
				return []profile.Problem{{Field: "keyUsage", Detail: "neither digitalSignature nor nonRepudiation"}}
			}
			return nil
		},
	}
}
