package casock

import (
	"context"
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// The verbs of the operation "desk": what people do with requests.
const (
	deskSubmit     = "submit"
	deskSubmission = "submission-statement"
	deskFind       = "find"
	deskPage       = "page"
	deskReview     = "review"
	deskStatement  = "statement"
	deskDecide     = "decide"
	deskReject     = "reject"
	deskIssue      = "issue"
	deskOperators  = "operators"
	deskAdd        = "operator-add"
	deskRemove     = "operator-remove"
)

// deskPageSize is how many requests one page has: each may carry a request and
// its approvals.
const deskPageSize = 64

// deskQuery is the member "desk" of a request. A submission uses the members
// request, profile, days and identificationKind of the line itself.
type deskQuery struct {
	Verb      string          `json:"verb"`
	ID        string          `json:"id,omitempty"`    // a request, or a prefix for "find"
	After     string          `json:"after,omitempty"` // of a page
	State     ca.RequestState `json:"state,omitempty"`
	Submitter string          `json:"submitter,omitempty"` // a filter
	Renewal   []byte          `json:"renewal,omitempty"`
	Note      string          `json:"note,omitempty"`
	Draft     bool            `json:"draft,omitempty"`
	Statement []byte          `json:"statement,omitempty"`
	Signature []byte          `json:"signature,omitempty"`
	Decision  ca.Decision     `json:"decision,omitempty"`
	Operator  string          `json:"operator,omitempty"`
	Roles     []ca.Role       `json:"roles,omitempty"`
	Cert      []byte          `json:"certificate,omitempty"` // DER
}

// deskAnswer is the member "desk" of an answer.
type deskAnswer struct {
	Request   *ca.RequestEntry  `json:"request,omitempty"`
	Requests  []ca.RequestEntry `json:"requests,omitempty"`
	Next      string            `json:"next,omitempty"`
	Operators []ca.Operator     `json:"operators,omitempty"`
	Statement []byte            `json:"statement,omitempty"`
}

// desk carries out one verb.
func (s *Server) desk(ctx context.Context, actor string, q request) (out response, err error) {
	if q.Desk == nil {
		return out, fmt.Errorf("%w: no desk in the request", ErrProtocol)
	}
	d, i := q.Desk, s.issuer
	out.Desk = new(deskAnswer)
	switch d.Verb {
	case deskFind, deskReview, deskDecide, deskReject, deskSubmit:
		var e ca.RequestEntry
		e, err = s.deskRequest(ctx, actor, q)
		out.Desk.Request = &e
	case deskPage:
		out.Desk.Requests, out.Desk.Next, err = i.RequestPage(ctx, ca.RequestFilter{State: d.State, Submitter: d.Submitter}, d.After, deskPageSize)
	case deskSubmission:
		var sub ca.Submission
		if sub, err = submission(q, actor); err == nil {
			var st ca.Statement
			st, err = i.SubmissionStatement(ctx, sub, d.Operator)
			out.Desk.Statement = st.Text()
		}
	case deskStatement:
		var role ca.Role
		if len(d.Roles) == 1 {
			role = d.Roles[0]
		}
		var st ca.Statement
		st, err = i.DecisionStatement(ctx, d.ID, d.Decision, d.Operator, role)
		out.Desk.Statement = st.Text()
	case deskIssue:
		var c *pki.Certificate
		if c, err = i.IssueApproved(ctx, d.ID, actor); err == nil {
			out.Certificate = c.Raw
		}
	case deskOperators, deskAdd, deskRemove:
		out.Desk.Operators, err = s.deskPeople(ctx, actor, d)
	default:
		err = fmt.Errorf("%w: desk %q", ErrProtocol, d.Verb)
	}
	return out, err
}

func (s *Server) deskRequest(ctx context.Context, actor string, q request) (ca.RequestEntry, error) {
	d, i := q.Desk, s.issuer
	switch d.Verb {
	case deskFind:
		return i.FindRequest(ctx, d.ID)
	case deskReview:
		return i.Review(ctx, d.ID, actor)
	case deskReject:
		return i.Reject(ctx, d.ID, d.Note, actor)
	case deskDecide:
		return i.DecideNote(ctx, d.ID, d.Statement, d.Signature, d.Note, actor)
	}
	sub, err := submission(q, actor)
	if err != nil {
		return ca.RequestEntry{}, err
	}
	return i.Submit(ctx, sub)
}

func (s *Server) deskPeople(ctx context.Context, actor string, d *deskQuery) ([]ca.Operator, error) {
	switch d.Verb {
	case deskAdd:
		cert, err := pki.ParseCertificate(d.Cert)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ca.ErrOperator, err)
		}
		o, err := s.issuer.AddOperator(ctx, ca.NewOperator{Name: d.Operator, Roles: d.Roles, Certificate: cert, Actor: actor})
		return []ca.Operator{o}, err
	case deskRemove:
		o, err := s.issuer.RemoveOperator(ctx, d.Operator, actor)
		return []ca.Operator{o}, err
	}
	return s.issuer.Operators(ctx)
}

// submission reads what is handed in. The submitter is the user that the kernel
// names; a signed statement names somebody else.
func submission(q request, actor string) (ca.Submission, error) {
	d := q.Desk
	s := ca.Submission{
		Profile: q.Profile, Note: d.Note, Draft: d.Draft, RenewalMessage: d.Renewal, Submitter: actor,
		Statement: d.Statement, Signature: d.Signature,
	}
	s.Days, s.IdentificationKind, s.Actor = q.Days, q.IdentificationKind, actor
	if len(d.Renewal) > 0 {
		return s, nil
	}
	var err error
	s.CSR, err = parseRequest(q.Request)
	return s, err
}

// ask sends one verb.
func (c *Client) askDesk(ctx context.Context, q request) (deskAnswer, error) {
	q.Op = opDesk
	a, err := c.ask(ctx, q)
	if err != nil {
		return deskAnswer{}, err
	}
	if a.Desk == nil {
		return deskAnswer{}, fmt.Errorf("%w: no desk in the answer", ErrProtocol)
	}
	return *a.Desk, nil
}

func (c *Client) deskEntry(ctx context.Context, q request) (ca.RequestEntry, error) {
	a, err := c.askDesk(ctx, q)
	if err != nil {
		return ca.RequestEntry{}, err
	}
	if a.Request == nil {
		return ca.RequestEntry{}, fmt.Errorf("%w: no request in the answer", ErrProtocol)
	}
	return *a.Request, nil
}

func submissionQuery(verb string, s ca.Submission) request {
	q := request{Profile: s.Profile, Days: s.Days, IdentificationKind: s.IdentificationKind, Desk: &deskQuery{
		Verb: verb, Renewal: s.RenewalMessage, Note: s.Note, Draft: s.Draft, Statement: s.Statement, Signature: s.Signature,
	}}
	if s.CSR != nil {
		q.Request = s.CSR.Raw
	}
	return q
}

// Submit is [ca.Issuer.Submit]. Submitter and actor are the server's to say.
func (c *Client) Submit(ctx context.Context, s ca.Submission) (ca.RequestEntry, error) {
	return c.deskEntry(ctx, submissionQuery(deskSubmit, s))
}

// SubmissionStatement is [ca.Issuer.SubmissionStatement].
func (c *Client) SubmissionStatement(ctx context.Context, s ca.Submission, operator string) (ca.Statement, error) {
	q := submissionQuery(deskSubmission, s)
	q.Desk.Operator = operator
	return c.statement(ctx, q)
}

// DecisionStatement is [ca.Issuer.DecisionStatement].
func (c *Client) DecisionStatement(ctx context.Context, id string, d ca.Decision, operator string, r ca.Role) (ca.Statement, error) {
	return c.statement(ctx, request{Desk: &deskQuery{Verb: deskStatement, ID: id, Decision: d, Operator: operator, Roles: []ca.Role{r}}})
}

func (c *Client) statement(ctx context.Context, q request) (ca.Statement, error) {
	a, err := c.askDesk(ctx, q)
	if err != nil {
		return ca.Statement{}, err
	}
	return ca.ParseStatement(a.Statement)
}

// FindRequest is [ca.Issuer.FindRequest].
func (c *Client) FindRequest(ctx context.Context, prefix string) (ca.RequestEntry, error) {
	return c.deskEntry(ctx, request{Desk: &deskQuery{Verb: deskFind, ID: prefix}})
}

// RequestPage is [ca.Issuer.RequestPage]; the server says how many n is.
func (c *Client) RequestPage(ctx context.Context, f ca.RequestFilter, after string, _ int) ([]ca.RequestEntry, string, error) {
	a, err := c.askDesk(ctx, request{Desk: &deskQuery{Verb: deskPage, State: f.State, Submitter: f.Submitter, After: after}})
	return a.Requests, a.Next, err
}

// Review is [ca.Issuer.Review].
func (c *Client) Review(ctx context.Context, id, _ string) (ca.RequestEntry, error) {
	return c.deskEntry(ctx, request{Desk: &deskQuery{Verb: deskReview, ID: id}})
}

// Decide is [ca.Issuer.Decide].
func (c *Client) Decide(ctx context.Context, id string, statement, signature []byte, _ string) (ca.RequestEntry, error) {
	return c.deskEntry(ctx, request{Desk: &deskQuery{Verb: deskDecide, ID: id, Statement: statement, Signature: signature}})
}

// DecideNote is [ca.Issuer.DecideNote].
func (c *Client) DecideNote(ctx context.Context, id string, statement, signature []byte, note, _ string) (ca.RequestEntry, error) {
	return c.deskEntry(ctx, request{Desk: &deskQuery{Verb: deskDecide, ID: id, Statement: statement, Signature: signature, Note: note}})
}

// Reject is [ca.Issuer.Reject].
func (c *Client) Reject(ctx context.Context, id, note, _ string) (ca.RequestEntry, error) {
	return c.deskEntry(ctx, request{Desk: &deskQuery{Verb: deskReject, ID: id, Note: note}})
}

// IssueApproved is [ca.Issuer.IssueApproved].
func (c *Client) IssueApproved(ctx context.Context, id, _ string) (*pki.Certificate, error) {
	a, err := c.ask(ctx, request{Op: opDesk, Desk: &deskQuery{Verb: deskIssue, ID: id}})
	if err != nil {
		return nil, err
	}
	return pki.ParseCertificate(a.Certificate)
}

// Operators is [ca.Issuer.Operators].
func (c *Client) Operators(ctx context.Context) ([]ca.Operator, error) {
	a, err := c.askDesk(ctx, request{Desk: &deskQuery{Verb: deskOperators}})
	return a.Operators, err
}

// AddOperator is [ca.Issuer.AddOperator].
func (c *Client) AddOperator(ctx context.Context, n ca.NewOperator) (ca.Operator, error) {
	return c.operator(ctx, &deskQuery{Verb: deskAdd, Operator: n.Name, Roles: n.Roles, Cert: n.Certificate.Raw})
}

// RemoveOperator is [ca.Issuer.RemoveOperator].
func (c *Client) RemoveOperator(ctx context.Context, name, _ string) (ca.Operator, error) {
	return c.operator(ctx, &deskQuery{Verb: deskRemove, Operator: name})
}

func (c *Client) operator(ctx context.Context, d *deskQuery) (ca.Operator, error) {
	a, err := c.askDesk(ctx, request{Desk: d})
	if err != nil {
		return ca.Operator{}, err
	}
	if len(a.Operators) != 1 {
		return ca.Operator{}, fmt.Errorf("%w: no operator in the answer", ErrProtocol)
	}
	return a.Operators[0], nil
}
