package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// SubjectSignTool demands the name of the subject's signature tool.
func SubjectSignTool() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-subject-sign-tool",
		Title:     "subjectSignTool is present, not critical, and has 1 to 200 characters",
		TitleRU:   "subjectSignTool есть, не критическое, от 1 до 200 знаков",
		Cite:      "FSB order No. 795; RFC 9215, section 5.3",
		Severity:  pki.Error,
		Effective: original(),
		Applies:   subscriber,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "the following non-critical SubjectSignTool extension",
			// "SubjectSignTool ::= UTF8String(SIZE(1..200))"
			e, ok := c.Extension(oid.SubjectSignTool)
			switch {
			case !ok:
				return profile.Found("subjectSignTool", "absent", "отсутствует")
			case e.Critical:
				return profile.Found("subjectSignTool", "critical", "критическое")
			case !textLength(c.SubjectSignTool, 200):
				return profile.Found("subjectSignTool", "not 1 to 200 characters", "не от 1 до 200 знаков")
			}
			return nil
		},
	}
}
