package fsb795

import (
	"fmt"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// NameLength says where a name is longer than X.520 has it. Production
// certificates are; nobody may refuse them for that.
func NameLength() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-name-length",
		Title:     "names have at most 64 characters",
		TitleRU:   "имена не длиннее 64 знаков",
		Cite:      "RFC 5280, appendix A.1 (ub-common-name, ub-organization-name)",
		Severity:  pki.Info,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "ub-common-name INTEGER ::= 64", "ub-organization-name INTEGER ::=
			// 64": in characters, not octets.
			var out []profile.Problem
			attributes(c.Subject, func(a pki.Attribute) {
				n := utf8.RuneCountInString(a.Value)
				if (a.Type == oid.CommonName || a.Type == oid.Organization) && n > 64 {
					out = append(out, profile.Found("subject."+a.Type.Name(), fmt.Sprintf("%d characters", n), fmt.Sprintf("знаков: %d", n))...)
				}
			})
			return out
		},
	}
}
