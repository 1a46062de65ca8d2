package casock_test

import (
	"crypto"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestDesk walks a request through a serving authority, and checks that its
// refusals arrive as what they are.
func TestDesk(t *testing.T) {
	s := serve(t)
	c := s.dial(t)
	hire := func(name string, roles ...ca.Role) (*pki.Certificate, crypto.Signer) {
		t.Helper()
		key := must(alg.GenerateKey("gost2012-256", ""))(t)
		der := must(pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: must(pki.ParseDN("CN=" + name))(t)}, key))(t)
		cert := must(c.IssueRequest(t.Context(), "tsa", ca.Request{CSR: must(pki.ParseRequest(der))(t)}))(t)
		if o := must(c.AddOperator(t.Context(), ca.NewOperator{Name: name, Roles: roles, Certificate: cert}))(t); o.Name != name {
			t.Fatalf("%+v", o)
		}
		return cert, key
	}
	clerk, clerkKey := hire("clerk", ca.RoleOperator)
	anna, annaKey := hire("anna", ca.RoleApprover)
	_, err := c.AddOperator(t.Context(), ca.NewOperator{Name: "anya", Roles: []ca.Role{ca.RoleApprover}, Certificate: anna})
	if !errors.Is(err, ca.ErrOperatorExists) {
		t.Errorf("the same key again: %v", err)
	}
	sub := ca.Submission{Request: request(t, citizenDN), Profile: "citizen", Submitter: "liar", Authenticated: true}
	e := must(c.Submit(t.Context(), sub))(t)
	if e.State != ca.Submitted || e.Submitter == "liar" || e.Submitter == "" {
		t.Errorf("%+v", e)
	}
	if _, err := c.Submit(t.Context(), sub); !errors.Is(err, ca.ErrRequestExists) {
		t.Errorf("twice: %v", err)
	}
	signed := ca.Submission{Request: request(t, citizenDN), Profile: "citizen"}
	st := must(c.SubmissionStatement(t.Context(), signed, "clerk"))(t)
	a := must(st.Sign(rand.Reader, clerk, clerkKey))(t)
	signed.Statement, signed.Signature = a.Statement, a.Signature
	if e = must(c.Submit(t.Context(), signed))(t); e.Submitter != "clerk" {
		t.Errorf("%+v", e)
	}
	if _, err := c.Review(t.Context(), e.ID, ""); !errors.Is(err, ca.ErrUnsigned) {
		t.Errorf("an unsigned review: %v", err)
	}
	st = must(c.DecisionStatement(t.Context(), e.ID, ca.DecisionReview, "clerk", ca.RoleOperator))(t)
	a = must(st.Sign(rand.Reader, clerk, clerkKey))(t)
	if e = must(c.DecideNote(t.Context(), e.ID, a.Statement, a.Signature, "a call is needed", ""))(t); e.State != ca.InReview || e.Note != "a call is needed" {
		t.Errorf("%+v", e)
	}
	st = must(c.DecisionStatement(t.Context(), e.ID, ca.DecisionApprove, "anna", ca.RoleApprover))(t)
	a = must(st.Sign(rand.Reader, anna, annaKey))(t)
	var refused *ca.StatementError
	if _, err := c.Decide(t.Context(), e.ID, append([]byte("x"), a.Statement...), a.Signature, ""); !errors.As(err, &refused) || refused.Field != "text" {
		t.Errorf("a changed statement: %v", err)
	}
	if e = must(c.Decide(t.Context(), e.ID, a.Statement, a.Signature, ""))(t); e.State != ca.Approved {
		t.Errorf("%+v", e)
	}
	cert := must(c.IssueApproved(t.Context(), e.ID, ""))(t)
	if err := cert.CheckSignatureFrom(s.issuer.Certificate()); err != nil {
		t.Error(err)
	}
	if _, err := c.Reject(t.Context(), e.ID, "", ""); !errors.Is(err, ca.ErrUnsigned) {
		t.Errorf("an unsigned rejection: %v", err)
	}
	if _, err := c.IssueApproved(t.Context(), e.ID, ""); !errors.Is(err, ca.ErrState) {
		t.Errorf("issued twice: %v", err)
	}
	if found := must(c.FindRequest(t.Context(), e.ID[:10]))(t); found.State != ca.Issued {
		t.Errorf("%+v", found)
	}
	list, next, err := c.RequestPage(t.Context(), ca.RequestFilter{State: ca.Issued}, "", 0)
	if err != nil || len(list) != 1 || next != "" {
		t.Errorf("%d, %q, %v", len(list), next, err)
	}
	if _, err := c.Submit(t.Context(), ca.Submission{RenewalMessage: []byte("nonsense")}); !errors.Is(err, ca.ErrRenewal) {
		t.Errorf("renewal: %v", err)
	}
	must(c.RemoveOperator(t.Context(), "anna", ""))(t)
	if people := must(c.Operators(t.Context()))(t); len(people) != 2 || people[0].Removed.IsZero() {
		t.Errorf("%+v", people)
	}
}
