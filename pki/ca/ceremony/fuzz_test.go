package ceremony_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony"
)

// FuzzParsePlan: what is read can be shown, in one line a step.
func FuzzParsePlan(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(planText, "ru")))
	f.Add([]byte(shortPlan))
	f.Add([]byte(crossPlan))
	f.Add([]byte("name: x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ceremony.ParsePlan(text)
		if err != nil {
			return
		}
		titles := p.Titles()
		if len(titles) != len(p.Steps) || p.Time().IsZero() || p.Digest() != ceremony.DigestOf(text) {
			t.Errorf("%d titles of %d steps, %s", len(titles), len(p.Steps), p.Time())
		}
		for _, title := range titles {
			if title == "" || strings.ContainsAny(title, "\n\r\x1b") {
				t.Errorf("title %q", title)
			}
		}
	})
}
