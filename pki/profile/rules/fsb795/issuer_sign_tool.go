package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// IssuerSignTool demands the names of the issuer's tools and of their
// conformity certificates.
func IssuerSignTool() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-issuer-sign-tool",
		Title:     "issuerSignTool is present, not critical, and its four texts have their lengths",
		TitleRU:   "issuerSignTool есть, не критическое, четыре его строки нужной длины",
		Cite:      "FSB order No. 795; RFC 9215, section 5.4",
		Severity:  pki.Error,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			e, ok := c.Extension(oid.IssuerSignTool)
			if !ok || c.IssuerSignTool == nil {
				return profile.Found("issuerSignTool", "absent or not readable", "отсутствует или не читается")
			}
			if e.Critical {
				return profile.Found("issuerSignTool", "critical", "критическое")
			}
			var out []profile.Problem
			t := c.IssuerSignTool
			for _, f := range []struct {
				name, text string
				limit      int // "UTF8String(SIZE(1..200))", "UTF8String(SIZE(1..100))"
			}{{"signTool", t.SignTool, 200}, {"cATool", t.CATool, 200}, {"signToolCert", t.SignToolCert, 100}, {"cAToolCert", t.CAToolCert, 100}} {
				if !textLength(f.text, f.limit) {
					out = append(out, profile.Found("issuerSignTool."+f.name, "empty or too long", "пусто или слишком длинно")...)
				}
			}
			return out
		},
	}
}
