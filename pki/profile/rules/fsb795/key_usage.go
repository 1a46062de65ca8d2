package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// KeyUsage demands a critical keyUsage by which documents can be signed. It does
// not speak about authorities: half of the accredited ones have a keyUsage that
// is not critical.
func KeyUsage() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-key-usage",
		Title:     "keyUsage is critical and allows digital signatures",
		TitleRU:   "keyUsage критическое и разрешает электронную подпись",
		Cite:      "FSB order No. 795; RFC 5280, section 4.2.1.3",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			e, ok := c.Extension(oid.KeyUsage)
			signs := pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
			switch {
			case !ok:
				return profile.Found("keyUsage", "absent", "отсутствует")
			case !e.Critical:
				// "Conforming CAs SHOULD mark this extension as critical."
				return profile.Found("keyUsage", "not critical", "не критическое")
			case c.KeyUsage&signs == 0:
				return profile.Found("keyUsage", "allows no signatures", "не разрешает подпись")
			}
			return nil
		},
	}
}
