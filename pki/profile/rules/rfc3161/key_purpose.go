// Package rfc3161 holds rules of RFC 3161, the time-stamp protocol, about the
// certificates of time-stamping authorities, one a file.
package rfc3161

import (
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// KeyPurpose demands that timeStamping is critical and the only purpose.
func KeyPurpose() profile.Rule {
	return profile.Rule{
		ID:        "rfc3161-key-purpose",
		Title:     "timeStamping is the only extended key usage, and critical",
		TitleRU:   "timeStamping – единственное назначение в extKeyUsage, и оно критическое",
		Cite:      "RFC 3161, section 2.3",
		Severity:  pki.Error,
		Effective: time.Date(2001, time.August, 1, 0, 0, 0, 0, time.UTC),
		Applies:   func(c *pki.Certificate) bool { return slices.Contains(c.ExtKeyUsage, oid.EKUTimeStamping) },
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			// "The corresponding certificate MUST contain only one instance of
			// the extended key usage field extension ... with KeyPurposeID
			// having value: id-kp-timeStamping."
			if len(c.ExtKeyUsage) > 1 {
				out = append(out, profile.Problem{Field: "extKeyUsage", Detail: "other purposes beside timeStamping", DetailRU: "кроме timeStamping есть и другие назначения"})
			}
			// "This extension MUST be critical."
			if !c.ExtKeyUsageCritical {
				out = append(out, profile.Problem{Field: "extKeyUsage", Detail: "not critical", DetailRU: "не критическое"})
			}
			return out
		},
	}
}
