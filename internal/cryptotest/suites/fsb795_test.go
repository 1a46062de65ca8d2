package suites

import (
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// TestQualifiedRules runs the rules of the qualified certificate over the
// certificates of the accredited authorities and prints a table. A rule that is an
// error must hold for nearly all of them: one that does not is a wrong rule.
func TestQualifiedRules(t *testing.T) {
	type count struct {
		applied, broken int
		details         map[string]int
	}
	table := map[string]*count{}
	seen := 0
	walk(t, func(path string, data []byte) {
		blocks, err := der.Decode(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		for _, b := range blocks {
			c, err := pki.ParseCertificate(b.Bytes)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			seen++
			for _, r := range sets.FSB795().Lint(c).Results {
				x := table[r.Rule]
				if x == nil {
					x = &count{details: map[string]int{}}
					table[r.Rule] = x
				}
				if r.Outcome != profile.NotApplicable {
					x.applied++
				}
				if r.Outcome == profile.Broken {
					x.broken++
				}
				for _, p := range r.Problems {
					x.details[p.Field+": "+p.Detail]++
				}
			}
		}
	}, "03-certs/ru-accredited-ca")
	if table["fsb795-policies"].applied < 1190 || table["fsb795-identifiers"].applied < 1190 {
		t.Error("the rules looked at nothing")
	}
	if seen < 1190 {
		t.Errorf("%d certificates", seen)
	}
	for _, r := range sets.FSB795().Rules {
		x := table[r.ID]
		t.Logf("%-36s %5s applied %4d, broken %4d", r.ID, r.Severity, x.applied, x.broken)
		if r.Severity == pki.Error && x.broken*100 > x.applied {
			t.Errorf("%s: broken by %d of %d", r.ID, x.broken, x.applied)
		}
		var lines []string
		for d := range x.details {
			lines = append(lines, d)
		}
		slices.SortFunc(lines, func(a, b string) int { return x.details[b] - x.details[a] })
		for _, d := range lines[:min(len(lines), 8)] {
			t.Logf("        %4d %s", x.details[d], strings.ToValidUTF8(d, "?"))
		}
	}
}
