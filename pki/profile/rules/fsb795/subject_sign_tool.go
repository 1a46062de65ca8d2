package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// SubjectSignTool demands the name of the subscriber's signature tool.
func SubjectSignTool() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-subject-sign-tool",
		Title:     "subjectSignTool is present, not critical, and has 1 to 200 characters",
		Cite:      "FSB order No. 795; RFC 9215, section 5.3",
		Severity:  pki.Error,
		Effective: effective(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "the following non-critical SubjectSignTool extension",
			// "SubjectSignTool ::= UTF8String(SIZE(1..200))"
			e, ok := c.Extension(oid.SubjectSignTool)
			switch {
			case !ok:
				return []profile.Problem{{Field: "subjectSignTool", Detail: "absent"}}
			case e.Critical:
				return []profile.Problem{{Field: "subjectSignTool", Detail: "critical"}}
			case !textLength(c.SubjectSignTool, 200):
				return []profile.Problem{{Field: "subjectSignTool", Detail: "not 1 to 200 characters"}}
			}
			return nil
		},
	}
}
