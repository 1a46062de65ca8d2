package rfc5280

import (
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Version demands version 3 of a certificate with extensions.
func Version() profile.Rule {
	return profile.Rule{
		ID:        "rfc5280-version",
		Title:     "a certificate with extensions has version 3",
		TitleRU:   "сертификат с расширениями имеет версию 3",
		Cite:      "RFC 5280, section 4.1.2.1",
		Severity:  pki.Error,
		Effective: published(),
		Applies:   func(c *pki.Certificate) bool { return len(c.Extensions) > 0 },
		Check: func(c *pki.Certificate) []profile.Problem {
			// "When extensions are used, as expected in this profile, version
			// MUST be 3 (value is 2)."
			if c.Version == 3 {
				return nil
			}
			return []profile.Problem{{Field: "version", Detail: fmt.Sprintf("version %d with extensions", c.Version), DetailRU: fmt.Sprintf("версия %d с расширениями", c.Version)}}
		},
	}
}
