package ceremony

import (
	"fmt"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/internal/strictyaml"
)

// ParsePlan reads a plan from YAML of at most 256 KiB (limits.CeremonyPlan) in
// UTF-8. An unknown or repeated member, an anchor or alias, a tag, a second
// document and everything that cannot be done is an error, a *[PlanError]: a
// misspelt step must not silently be left out. Nothing is read besides.
func ParsePlan(text []byte) (*Plan, error) {
	p := new(Plan)
	if err := strictyaml.Decode(text, limits.CeremonyPlan, p); err != nil {
		return nil, &PlanError{Field: "file", Detail: "not a plan", Err: err}
	}
	p.digest = DigestOf(text)
	return p, p.check()
}

// check looks at what can be said of a plan without its files.
func (p *Plan) check() error {
	bad := func(field, detail string) error { return &PlanError{Field: field, Detail: detail} }
	var err error
	if p.date, err = time.Parse(time.RFC3339, p.Date); err != nil || p.date.Nanosecond() != 0 || p.date.Year() < 2000 || p.date.Year() > 2100 {
		return bad("date", "the time of the ceremony as 2026-06-01T10:00:00Z is required")
	}
	p.date = p.date.UTC()
	switch {
	case !nameForm.MatchString(p.Name):
		return bad("name", "1 to 64 of a-z, 0-9 and hyphens are required")
	case p.Language != "ru" && p.Language != "en":
		return bad("language", `"ru" or "en" is required`)
	case len(p.Participants) == 0 || len(p.Participants) > limits.CeremonyPeople:
		return bad("participants", fmt.Sprintf("1 to %d people are required", limits.CeremonyPeople))
	case len(p.Steps) == 0 || len(p.Steps) > limits.CeremonySteps:
		return bad("steps", fmt.Sprintf("1 to %d steps are required", limits.CeremonySteps))
	}
	for _, t := range []struct{ field, text string }{{"title", p.Title}, {"place", p.Place}, {"program", p.Program}} {
		if t.text != "" && !line(t.text) {
			return bad(t.field, lineDetail)
		}
	}
	for i, who := range p.Participants {
		if !line(who.Name) || !line(who.Role) || who.Certificate != "" && !line(who.Certificate) {
			return bad("participants", fmt.Sprintf("%d: name, role and certificate are %s", i+1, lineDetail))
		}
		if slices.ContainsFunc(p.Participants[:i], func(o Participant) bool { return o.Name == who.Name }) {
			return bad("participants", fmt.Sprintf("%d: the name stands twice", i+1))
		}
	}
	c := &checker{plan: p, keys: map[string]*KeyStep{}, authorities: map[string]string{}, files: map[string]bool{}, backed: map[string]bool{}}
	for i := range p.Steps {
		if err := c.step(i+1, &p.Steps[i]); err != nil {
			return err
		}
	}
	if p.Sign == "" {
		p.Sign = c.first
	}
	if c.authorities[p.Sign] == "" {
		return bad("sign", "an authority of the ceremony must sign the transcript")
	}
	return nil
}
