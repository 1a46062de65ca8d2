// Package profile checks certificates against written rules: what a standard
// demands of issuers, one rule a file, each with its clause and the date from
// which it applies. Rules and sets of rules are plain values; nothing is
// registered anywhere. A caller names the set that it wants, from package sets
// or its own.
//
// A rule speaks about the form of a certificate. Whether a certificate is
// trusted, unexpired or unrevoked is not its business.
package profile

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// Problem is one way in which a certificate breaks a rule.
type Problem struct {
	Field    string // ASN.1 path or extension name, such as "keyUsage"
	Detail   string // what was found, in English
	DetailRU string // the same in Russian; rules of other modules may leave it out
}

// Found returns one problem, for a rule that has found it.
func Found(field, detail, detailRU string) []Problem {
	return []Problem{{Field: field, Detail: detail, DetailRU: detailRU}}
}

// Text returns what was found in Russian or English. Where a rule has no Russian
// text it is the English one.
func (p Problem) Text(russian bool) string {
	if russian && p.DetailRU != "" {
		return p.DetailRU
	}
	return p.Detail
}

// Rule is one demand of a standard on a certificate.
type Rule struct {
	// ID is stable and starts with the source: "rfc5280-serial-number".
	ID string
	// Title says in one sentence what the rule demands, in English, and TitleRU
	// in Russian.
	Title, TitleRU string
	// Cite is the clause: "RFC 5280, section 4.1.2.2".
	Cite string
	// Severity grades a broken rule: with pki.Error a certificate is not
	// issued.
	Severity pki.Severity
	// Effective and Until bound the notBefore of the certificates that the
	// rule speaks about: [Effective, Until). Zero is unbounded.
	Effective, Until time.Time
	// Applies says which certificates the rule speaks about; nil means all.
	Applies func(*pki.Certificate) bool
	// Check returns what breaks the rule, nothing where it holds.
	Check func(*pki.Certificate) []Problem
}

// Outcome is what a rule says about a certificate. The zero value is
// NotApplicable.
type Outcome uint8

// The outcomes of a rule.
const (
	NotApplicable Outcome = iota // the rule does not speak about this certificate
	Passed                       // the rule holds
	Broken                       // it does not; Result.Severity says how grave that is
)

// String returns "not-applicable", "passed" or "broken".
func (o Outcome) String() string {
	switch o {
	case Passed:
		return "passed"
	case Broken:
		return "broken"
	default:
		return "not-applicable"
	}
}

// Run checks one certificate.
func (r Rule) Run(c *pki.Certificate) Result {
	res := Result{Rule: r.ID, Title: r.Title, TitleRU: r.TitleRU, Cite: r.Cite, Severity: r.Severity}
	switch {
	case !r.Effective.IsZero() && c.NotBefore.Before(r.Effective),
		!r.Until.IsZero() && !c.NotBefore.Before(r.Until),
		r.Applies != nil && !r.Applies(c):
		return res
	}
	res.Problems = r.Check(c)
	res.Outcome = Passed
	if len(res.Problems) > 0 {
		res.Outcome = Broken
	}
	return res
}

// Result is what one rule said.
type Result struct {
	Rule     string
	Title    string
	TitleRU  string
	Cite     string
	Severity pki.Severity // of the rule; it counts where Outcome is Broken
	Outcome  Outcome
	Problems []Problem
}

// Set is a list of rules under a name.
type Set struct {
	Name  string
	Rules []Rule
}

// Join returns a set of the rules of several, each rule once.
func Join(name string, sets ...Set) Set {
	out := Set{Name: name}
	for _, s := range sets {
		for _, r := range s.Rules {
			if !slices.ContainsFunc(out.Rules, func(o Rule) bool { return o.ID == r.ID }) {
				out.Rules = append(out.Rules, r)
			}
		}
	}
	return out
}

// Check reports a set that cannot be used: an empty one, which would pass
// everything, and a rule that is incomplete or occurs twice.
func (s Set) Check() error {
	if len(s.Rules) == 0 {
		return errors.New("profile: the set has no rules")
	}
	seen := make(map[string]bool)
	for _, r := range s.Rules {
		switch {
		case r.ID == "" || r.Title == "" || r.Cite == "" || r.Check == nil:
			return fmt.Errorf("profile: rule %q is incomplete", r.ID)
		case seen[r.ID]:
			return fmt.Errorf("profile: rule %q occurs twice", r.ID)
		}
		seen[r.ID] = true
	}
	return nil
}

// Lint runs every rule over a certificate.
func (s Set) Lint(c *pki.Certificate) Report {
	rep := Report{Set: s.Name, Findings: c.Findings, Results: make([]Result, 0, len(s.Rules))}
	for _, r := range s.Rules {
		rep.Results = append(rep.Results, r.Run(c))
	}
	return rep
}

// Report is what a set said about a certificate, with the deviations that the
// parser had recorded before.
type Report struct {
	Set      string
	Results  []Result // in the order of the set
	Findings []pki.Finding
}

// Broken returns the results of broken rules of at least the given severity.
func (r Report) Broken(least pki.Severity) []Result {
	var out []Result
	for _, res := range r.Results {
		if res.Outcome == Broken && res.Severity >= least {
			out = append(out, res)
		}
	}
	return out
}

// HasErrors reports whether a rule of severity pki.Error is broken or the
// parser recorded a finding of that severity.
func (r Report) HasErrors() bool {
	broken := func(res Result) bool { return res.Outcome == Broken && res.Severity >= pki.Error }
	return slices.ContainsFunc(r.Results, broken) || pki.HasErrors(r.Findings)
}

// Checked returns how many rules spoke about the certificate: a report that
// looked at nothing says nothing.
func (r Report) Checked() int {
	n := 0
	for _, res := range r.Results {
		if res.Outcome != NotApplicable {
			n++
		}
	}
	return n
}
