package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// AuthorityKeyIdentifier demands to know which key of the issuer signed: one
// authority has several certificates under one name.
func AuthorityKeyIdentifier() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-authority-key-identifier",
		Title:     "authorityKeyIdentifier names the issuer's key and is not critical",
		TitleRU:   "authorityKeyIdentifier называет ключ издателя и не критическое",
		Cite:      "FSB order No. 795; RFC 5280, section 4.2.1.1",
		Severity:  pki.Warn,
		Effective: original(),
		Applies:   func(c *pki.Certificate) bool { return claims(c) && !c.IsSelfIssued() },
		Check: func(c *pki.Certificate) []profile.Problem {
			e, ok := c.Extension(oid.AuthorityKeyIdentifier)
			switch {
			case !ok || len(c.AuthorityKeyID) == 0:
				return profile.Found("authorityKeyIdentifier", "absent or without keyIdentifier", "отсутствует или без keyIdentifier")
			case e.Critical:
				// "Conforming CAs MUST mark this extension as non-critical."
				return profile.Found("authorityKeyIdentifier", "critical", "критическое")
			}
			return nil
		},
	}
}
