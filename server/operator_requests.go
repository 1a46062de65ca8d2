package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile"
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
	if err := v.reveal("requests", ""); err != nil {
		return err
	}
	view := requestsView{State: state}
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
	Decisions  []ca.Decision // that this person may sign now
	Role       ca.Role       // in which
	Why        string        // name of the text that says why not
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
	if err := v.reveal("request", e.ID); err != nil {
		return err
	}
	view := requestView{requestRow: v.requestRow(e), Done: ca.Decision(v.req.URL.Query().Get("done"))}
	if view.Done != ca.DecisionApprove && view.Done != ca.DecisionReject {
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
			view.Report = v.ruleReport(e, csr)
		}
	}
	view.Decisions, view.Role, view.Why = v.mayDecide(e)
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

// ruleReport prepares the certificate as it would be issued, which changes
// nothing, and throws the permission away.
func (v *visit) ruleReport(e ca.RequestEntry, csr *pki.CertificateRequest) *ruleReport {
	ctx, cancel := context.WithTimeout(v.req.Context(), limits.PagePrepare)
	defer cancel()
	out := &ruleReport{}
	prof, err := v.issuer().Profiles().Find(e.Profile)
	if err != nil {
		out.Refused = err.Error()
		return out
	}
	// Whether people agreed is shown beside; here it is about the rules.
	prof.Approvals = ca.ApprovalRule{}
	r := ca.Request{CSR: csr, Days: e.Days, IdentificationKind: e.IdentificationKind, Actor: v.operator.Name}
	if len(e.Renewal) > 0 {
		if r.Renewal, err = v.issuer().CheckRenewal(ctx, e.Renewal); err != nil {
			out.Refused = err.Error()
			return out
		}
	}
	report, err := v.prepared(ctx, prof, r)
	if err != nil {
		out.Refused = err.Error()
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

// prepared is the report of a preparation, also of one that was refused.
func (v *visit) prepared(ctx context.Context, prof ca.Profile, r ca.Request) (profile.Report, error) {
	ready, err := v.issuer().Prepare(ctx, prof, r)
	var lint *ca.LintError
	if errors.As(err, &lint) {
		return lint.Report, errRules
	}
	if err != nil {
		return profile.Report{}, err
	}
	return ready.Report(), nil
}

// errRules: rules are broken, which the report names.
var errRules = errors.New("rules")

// mayDecide says which decisions this person may sign about a request, in which
// role, or why none.
func (v *visit) mayDecide(e ca.RequestEntry) (decisions []ca.Decision, role ca.Role, why string) {
	rule, err := v.rule(e)
	if err != nil {
		return nil, "", "why-profile"
	}
	if rule.Count == 0 {
		rule.Roles = []ca.Role{ca.RoleApprover} // one approver may still decide
	}
	n := slices.IndexFunc(rule.Roles, v.operator.Has)
	open := e.State == ca.Submitted || e.State == ca.InReview
	switch {
	case !open && e.State != ca.Approved:
		return nil, "", ""
	case n < 0:
		return nil, "", "why-role"
	}
	role = rule.Roles[n]
	approved := slices.ContainsFunc(e.Approvals, func(a ca.Approval) bool { return a.Operator == v.operator.Name })
	switch {
	case !open:
		return []ca.Decision{ca.DecisionReject}, role, ""
	case e.Submitter == v.operator.Name:
		return []ca.Decision{ca.DecisionReject}, role, "why-own"
	case approved:
		return []ca.Decision{ca.DecisionReject}, role, "why-again"
	}
	return []ca.Decision{ca.DecisionApprove, ca.DecisionReject}, role, ""
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
	if slices.Contains(e.State.Next(), ca.InReview) {
		out = append(out, command{"command-review", "gosklyuch ca request review " + id + " --dir D"})
	}
	if e.State == ca.Approved || rule.Count == 0 && (e.State == ca.Submitted || e.State == ca.InReview) {
		out = append(out, command{"command-issue", "gosklyuch ca request issue " + id + " --dir D -o " + id + ".cer"})
	}
	if slices.Contains(e.State.Next(), ca.Rejected) && (rule.Count == 0 || e.State == ca.Draft) {
		out = append(out, command{"command-reject", "gosklyuch ca request reject " + id + " --dir D --note \"…\""})
	}
	return out
}

type decideView struct {
	requestRow
	Decision ca.Decision
	Role     ca.Role
	Text     string
	Encoded  string // the statement in Base64: a form would change its line feeds
	Link     string // of the statement as a file
	File     string // its name
	Operator string
}

// decide shows a statement to sign and takes the signature back: a browser has
// no GOST key.
func (p *operatorPage) decide(v *visit) error {
	e, err := v.requestOf()
	if err != nil {
		return err
	}
	d := ca.Decision(v.req.URL.Query().Get("decision"))
	may, role, _ := v.mayDecide(e)
	if d != ca.DecisionApprove && d != ca.DecisionReject {
		return badQuery("decision")
	}
	if !slices.Contains(may, d) {
		return ca.ErrState
	}
	st := v.issuer().Statement(e, d, v.operator.Name, role)
	view := decideView{requestRow: v.requestRow(e), Decision: d, Role: role, Text: string(st.Text()), Operator: v.operator.Name}
	view.Encoded, view.File = base64.StdEncoding.EncodeToString(st.Text()), statementFile(st)
	view.Link = fmt.Sprintf("/desk/requests/%s/statement?decision=%s&role=%s&time=%s", e.ID, d, role, st.Time.UTC().Format(time.RFC3339))
	return v.show("decide", "requests", view)
}

// statementFile names the file of a statement.
func statementFile(s ca.Statement) string {
	return string(s.Decision) + "-" + s.Request[:8] + ".txt"
}

// statement gives the statement that decide showed as a file.
func (p *operatorPage) statement(v *visit) error {
	e, err := v.requestOf()
	if err != nil {
		return err
	}
	q := v.req.URL.Query()
	d, role := ca.Decision(q.Get("decision")), ca.Role(q.Get("role"))
	at, err := time.Parse(time.RFC3339, q.Get("time"))
	switch {
	case d != ca.DecisionApprove && d != ca.DecisionReject:
		return badQuery("decision")
	case err != nil || at.Year() < 2000 || at.Year() > 9999 || at.Nanosecond() != 0:
		return badQuery("time")
	case role != ca.RoleApprover && role != ca.RoleOperator:
		return badQuery("role")
	case !v.operator.Has(role):
		return ca.ErrRole
	}
	st := v.issuer().Statement(e, d, v.operator.Name, role)
	st.Time = at.UTC()
	v.attach(statementFile(st), "text/plain; charset=utf-8", st.Text())
	return nil
}

// decision takes a signed statement.
func (p *operatorPage) decision(v *visit) error {
	e, err := v.requestOf()
	if err != nil {
		return err
	}
	text, err := decodeBase64(v.req.PostFormValue("statement"))
	if err != nil {
		return badForm(err)
	}
	signature, err := v.upload("signature")
	if err != nil {
		return err
	}
	st, err := ca.ParseStatement(text)
	// Nobody brings another's decision: who is logged in is who signed.
	if err == nil && st.Operator != v.operator.Name {
		p.s.recordRefusal(v.req.Context(), v.req.Pattern, e.ID, v.operator.Name, "another-operator")
		return ca.ErrRole
	}
	if _, err := v.issuer().Decide(v.req.Context(), e.ID, text, signature, v.operator.Name); err != nil {
		return err
	}
	http.Redirect(v.w, v.req, "/desk/requests/"+e.ID+"?done="+string(st.Decision), http.StatusSeeOther)
	return nil
}
