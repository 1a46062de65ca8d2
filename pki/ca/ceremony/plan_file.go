package ceremony

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// ParsePlan reads a plan from YAML of at most 256 KiB (limits.CeremonyPlan) in
// UTF-8. An unknown or repeated member, an anchor or alias, a tag, a second
// document and everything that cannot be done is an error, a *[PlanError]: a
// misspelt step must not silently be left out. Nothing is read besides.
func ParsePlan(text []byte) (*Plan, error) {
	bad := func(err error) (*Plan, error) {
		return nil, &PlanError{Field: "file", Detail: "not a plan", Err: err}
	}
	if len(text) > limits.CeremonyPlan {
		return bad(fmt.Errorf("larger than %d octets", limits.CeremonyPlan))
	}
	if !utf8.Valid(text) {
		return bad(errors.New("not UTF-8"))
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return bad(err)
	}
	if err := checkTree(&tree, 0); err != nil {
		return bad(err)
	}
	p := new(Plan)
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(p); err != nil {
		return bad(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return bad(errors.New("more than one document"))
	}
	p.digest = DigestOf(text)
	return p, p.check()
}

// checkTree refuses what makes YAML more than a table: aliases, which multiply,
// tags, which change what a value is, depth, and members without a value.
func checkTree(n *yaml.Node, depth int) error {
	switch {
	case depth > 8: // the form of a plan has six levels
		return errors.New("nested too deep")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return fmt.Errorf("line %d: anchors and aliases are not allowed", n.Line)
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Errorf("line %d: tags are not allowed", n.Line)
	case n.Kind == yaml.MappingNode && slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Tag == "!!merge" }):
		return fmt.Errorf("line %d: merge keys are not allowed", n.Line)
	case n.Tag == "!!null":
		return fmt.Errorf("line %d: a member without a value", n.Line)
	}
	for _, c := range n.Content {
		if err := checkTree(c, depth+1); err != nil {
			return err
		}
	}
	return nil
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
