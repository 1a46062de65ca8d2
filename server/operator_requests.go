package server

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/verify"
)

// requestStates are the states in the order of their tabs.
func requestStates() []ca.RequestState {
	return []ca.RequestState{ca.Submitted, ca.InReview, ca.Approved, ca.Issued, ca.Rejected, ca.Draft}
}

// A tab is a choice of what a list shows.
type tab struct {
	Name, Link string
	Chosen     bool
}

// requestRow is a request in a list.
type requestRow struct {
	ca.RequestEntry
	Subject         string
	Count, Approved int // approvals that are needed and there
}

type requestsView struct {
	Tabs        []tab
	State       ca.RequestState
	Rows        []requestRow
	Next, First string
	All         bool // in every state, and so in another order
}

// requests lists requests in a state; without one, those that wait.
func (p *operatorPage) requests(v *visit) error {
	q := v.req.URL.Query()
	state, all := ca.RequestState(q.Get("state")), q.Get("state") == "all"
	if !all && state == "" {
		state = ca.Submitted
	}
	if !all && !state.Known() {
		return badQuery("state")
	}
	if err := v.reveal(); err != nil {
		return err
	}
	view := requestsView{State: state, All: all}
	if all {
		state = ""
	}
	list, next, err := v.issuer().RequestPage(v.req.Context(), ca.RequestFilter{State: state}, q.Get("after"), limits.PageRows)
	if err != nil {
		return err
	}
	for _, s := range append(requestStates(), "all") {
		view.Tabs = append(view.Tabs, tab{"state-" + string(s), "/desk/requests?state=" + string(s), s == view.State})
	}
	for _, e := range list {
		view.Rows = append(view.Rows, v.requestRow(e))
	}
	if next != "" {
		view.Next = v.link(map[string]string{"after": next, "lang": ""})
	}
	if q.Get("after") != "" {
		view.First = v.link(map[string]string{"after": "", "lang": ""})
	}
	return v.show("requests", "requests", view)
}

func (v *visit) requestRow(e ca.RequestEntry) requestRow {
	r := requestRow{RequestEntry: e}
	if v.masked && e.Note != "" {
		r.Note = "***" // free text: nobody knows what is in it
	}
	if csr, err := pki.ParseRequest(e.CSR); err == nil {
		r.Subject = v.name(csr.Subject.String())
	}
	if rule, err := v.rule(e); err == nil {
		r.Count = rule.Count
	}
	for _, a := range e.Approvals {
		if a.Decision == ca.DecisionApprove {
			r.Approved++
		}
	}
	return r
}

// rule is what the profile of a request asks for.
func (v *visit) rule(e ca.RequestEntry) (ca.ApprovalRule, error) {
	p, err := v.issuer().Profiles().Find(e.Profile)
	return p.Approvals, err
}

// A command is what somebody runs on the authority's machine.
type command struct{ Title, Line string }

// attributeRow is one attribute of a name.
type attributeRow struct{ Name, Value string }

type requestView struct {
	requestRow
	Attributes []attributeRow
	AltNames   []string
	Key        string
	Unreadable string // why the request cannot be read
	Report     *ruleReport
	Decisions  []choice // that this person may sign now
	Why        string   // name of the text that says why he cannot approve
	Commands   []command
	Done       ca.Decision // just taken
	Reveal     string      // link, where personal data is masked
}

// request shows one request.
func (p *operatorPage) request(v *visit) error {
	e, err := v.requestOf()
	if err != nil {
		return err
	}
	if err := v.reveal(); err != nil {
		return err
	}
	view := requestView{requestRow: v.requestRow(e), Done: ca.Decision(v.req.URL.Query().Get("done"))}
	if !isDecision(view.Done) {
		view.Done = ""
	}
	csr, err := pki.ParseRequest(e.CSR)
	if err != nil {
		view.Unreadable = err.Error()
	} else {
		view.Attributes, view.Key = v.attributes(csr.Subject), alg.KeyName(csr.PublicKey)
		for _, n := range csr.Requested().SubjectAltNames {
			view.AltNames = append(view.AltNames, v.altName(n))
		}
		if e.State != ca.Issued && e.State != ca.Rejected {
			view.Report = v.ruleReport(e)
		}
	}
	view.Decisions, view.Why = v.mayDecide(e)
	view.Commands = v.requestCommands(e)
	if v.masked {
		view.Reveal = v.link(map[string]string{"personal": "1", "lang": "", "done": ""})
	}
	return v.show("request", "requests", view)
}

// requestOf is the request that the address names.
func (v *visit) requestOf() (ca.RequestEntry, error) {
	id := v.req.PathValue("id")
	if !requestName.MatchString(id) {
		return ca.RequestEntry{}, ca.ErrNotFound
	}
	return v.issuer().Request(v.req.Context(), id)
}

// attributes are those of a name, for a table.
func (v *visit) attributes(n pki.Name) []attributeRow {
	var out []attributeRow
	for _, rdn := range n.RDNs {
		for _, a := range rdn {
			row := attributeRow{a.Type.Name(), a.Value}
			if v.masked {
				// The mask knows which attributes name a person.
				one := pki.Name{RDNs: [][]pki.Attribute{{a}}}
				if _, masked, ok := strings.Cut(v.name(one.String()), "="); ok {
					row.Value = masked
				}
			}
			out = append(out, row)
		}
	}
	return out
}

// altName is an alternative name as a text.
func (v *visit) altName(n pki.GeneralName) string {
	kind := map[pki.GeneralNameKind]string{
		pki.RFC822Name: "email", pki.DNSName: "DNS", pki.DirectoryName: "DN", pki.URIName: "URI", pki.IPAddress: "IP", pki.RegisteredID: "OID",
	}[n.Kind]
	switch {
	case n.Name != nil:
		return kind + ": " + v.name(n.Name.String())
	case kind == "":
		return "otherName " + n.OID.Name()
	}
	return kind + ": " + v.name(n.Text)
}

// ruleReport is what the rules say about a request now.
type ruleReport struct {
	Refused string // why nothing could be issued; "" if it could
	Checked int    // rules that spoke
	Set     string
	Rows    []ruleRow
}

type ruleRow struct {
	Title, Cite, Severity string
	Problems              []string
}

// refusedByRules: the table says which.
const refusedByRules = "rules"

// ruleReport asks what would become of a request now; that changes nothing.
func (v *visit) ruleReport(e ca.RequestEntry) *ruleReport {
	ctx, cancel := context.WithTimeout(v.req.Context(), limits.PagePrepare)
	defer cancel()
	out := &ruleReport{}
	report, err := v.issuer().RequestReport(ctx, e.ID)
	var lint *ca.LintError
	switch {
	case errors.As(err, &lint):
		out.Refused = refusedByRules
	case err != nil:
		out.Refused = v.name(err.Error())
	}
	out.Set, out.Checked = report.Set, report.Checked()
	for _, b := range report.Broken(pki.Info) {
		row := ruleRow{Title: b.Title, Cite: b.Cite, Severity: strings.ToLower(b.Severity.String())}
		if v.lang == verify.Russian && b.TitleRU != "" {
			row.Title = b.TitleRU
		}
		for _, problem := range b.Problems {
			if !v.masked { // it quotes what it found
				row.Problems = append(row.Problems, problem.Text(v.lang == verify.Russian))
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// A choice is a decision that a person may sign, and in which role.
type choice struct {
	Decision ca.Decision
	Role     ca.Role
}

// mayDecide says which decisions this person may sign about a request, and where
// he might expect to approve it, why not.
func (v *visit) mayDecide(e ca.RequestEntry) (list []choice, why string) {
	rule, err := v.rule(e)
	if err != nil {
		return nil, "why-profile"
	}
	if rule.Count == 0 {
		rule.Roles = []ca.Role{ca.RoleApprover} // one approver may still decide
	}
	working := []ca.Role{ca.RoleOperator, ca.RoleApprover}
	add := func(d ca.Decision, roles []ca.Role) {
		if n := slices.IndexFunc(roles, v.operator.Has); n >= 0 {
			list = append(list, choice{d, roles[n]})
		}
	}
	if slices.Contains(e.State.Next(), ca.InReview) {
		add(ca.DecisionReview, working)
	}
	if e.State == ca.Submitted || e.State == ca.InReview {
		switch {
		case !slices.ContainsFunc(rule.Roles, v.operator.Has):
			why = "why-role"
		case e.Submitter == v.operator.Name:
			why = "why-own"
		case slices.ContainsFunc(e.Approvals, func(a ca.Approval) bool {
			return a.Operator == v.operator.Name && a.Decision == ca.DecisionApprove
		}):
			why = "why-again"
		default:
			add(ca.DecisionApprove, rule.Roles)
		}
	}
	if slices.Contains(e.State.Next(), ca.Rejected) {
		if e.State == ca.Draft {
			rule.Roles = working
		}
		add(ca.DecisionReject, rule.Roles)
	}
	return list, why
}

// requestCommands are what may happen to a request now, as commands.
func (v *visit) requestCommands(e ca.RequestEntry) []command {
	if !v.operator.Has(ca.RoleOperator) {
		return nil
	}
	rule, err := v.rule(e)
	if err != nil {
		return nil
	}
	id := e.ID[:16]
	var out []command
	if e.State == ca.Approved || rule.Count == 0 && (e.State == ca.Submitted || e.State == ca.InReview) {
		out = append(out, command{"command-issue", "gosklyuch ca request issue " + id + " --dir D -o " + id + ".cer"})
	}
	return out
}
