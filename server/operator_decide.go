package server

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

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
	if !isDecision(d) {
		return badQuery("decision")
	}
	may, _ := v.mayDecide(e)
	n := slices.IndexFunc(may, func(c choice) bool { return c.Decision == d })
	if n < 0 {
		return ca.ErrState
	}
	role := may[n].Role
	st := v.issuer().Statement(e, d, v.operator.Name, role)
	view := decideView{requestRow: v.requestRow(e), Decision: d, Role: role, Text: string(st.Text()), Operator: v.operator.Name}
	view.Encoded, view.File = base64.StdEncoding.EncodeToString(st.Text()), statementFile(st)
	view.Link = fmt.Sprintf("/desk/requests/%s/statement?decision=%s&role=%s&time=%s", e.ID, d, role, st.Time.UTC().Format(time.RFC3339))
	return v.show("decide", "requests", view)
}

// isDecision reports whether a word is a decision about a request.
func isDecision(d ca.Decision) bool {
	return d == ca.DecisionReview || d == ca.DecisionApprove || d == ca.DecisionReject
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
	case !isDecision(d):
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
