package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

func (a *app) certLintCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "lint F [--profile P]",
		Short: a.t(text{"проверить состав сертификата по правилам", "check a certificate's contents against rules"}),
		Args:  args(1, 1, text{"файл сертификата", "the certificate's file"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			cert, err := a.readCertificate(arg[0])
			if err != nil {
				return err
			}
			return a.lint(cert, name)
		},
	}
	c.Flags().StringVar(&name, "profile", "all", a.t(text{
		"набор правил: pkix, qualified (для сертификатов, которые называют класс средств), fsb795 (для любого) или all",
		"rule set: pkix, qualified (for certificates that name a class of tools), fsb795 (for any) or all",
	}))
	return c
}

// A lintView is `cert lint --json`.
type lintView struct {
	Status   string        `json:"status"`
	Set      string        `json:"set"`
	Checked  int           `json:"checked"`
	Results  []lintResult  `json:"results"`
	Findings []findingView `json:"findings,omitempty"`
}

// A lintResult is what one rule said.
type lintResult struct {
	Rule     string   `json:"rule"`
	Title    string   `json:"title"`
	Cite     string   `json:"cite"`
	Severity string   `json:"severity"`
	Outcome  string   `json:"outcome"`
	Problems []string `json:"problems,omitempty"`
}

// lint runs a rule set over a certificate; an error finding is exit code 3.
func (a *app) lint(cert *pki.Certificate, name string) error {
	set, ok := sets.ByName(name)
	if !ok {
		return usageErrorf(text{"неизвестный набор правил «%s»: pkix, qualified, fsb795, all", "unknown rule set %q: pkix, qualified, fsb795, all"}, name)
	}
	rep := set.Lint(cert)
	v := lintView{Status: "valid", Set: rep.Set, Checked: rep.Checked(), Findings: findingViews(rep.Findings)}
	if rep.HasErrors() {
		v.Status = "invalid"
	}
	for _, r := range rep.Results {
		x := lintResult{Rule: r.Rule, Title: a.t(text{r.TitleRU, r.Title}), Cite: r.Cite, Severity: r.Severity.String(), Outcome: r.Outcome.String()}
		for _, p := range r.Problems {
			x.Problems = append(x.Problems, p.Field+": "+p.Text(a.lang == "ru"))
		}
		v.Results = append(v.Results, x)
	}
	if err := a.printLint(v); err != nil {
		return err
	}
	if v.Status == "invalid" {
		return verdict{exitInvalid}
	}
	return nil
}

// severityTexts names the severities in the output for people.
var severityTexts = map[string]text{
	"info":  {"к сведению", "info"},
	"warn":  {"замечание", "warning"},
	"error": {"ошибка", "error"},
}

func (a *app) printLint(v lintView) error {
	if a.json {
		return a.printJSON(v)
	}
	broken := 0
	for _, r := range v.Results {
		if r.Outcome != "broken" {
			continue
		}
		broken++
		fmt.Fprintf(a.out, "%s: %s (%s): %s\n", a.t(severityTexts[r.Severity]), r.Rule, r.Cite, r.Title)
		for _, p := range r.Problems {
			fmt.Fprintf(a.out, "    %s\n", safe(p))
		}
	}
	a.printFindings(v.Findings)
	a.sayf(text{"правил применено: %d, нарушено: %d", "rules applied: %d, broken: %d"}, v.Checked, broken)
	return nil
}
