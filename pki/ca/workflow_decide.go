package ca

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Decide takes a signed decision: review, approve or reject. When as many people
// as the profile asks for have approved, the request is approved; one rejection
// rejects it. An approval that no longer counts, because its operator was removed,
// their certificate revoked or thirty days are over, may be replaced by another
// one. The errors are a *[StatementError] for a statement that is forged, of
// another request or authority, or malformed, [ErrStale], [ErrRole],
// [ErrSelfApproval], [ErrReplayed], [ErrState] and [ErrProfileChanged]. A
// refusal is put on record too.
func (i *Issuer) Decide(ctx context.Context, id string, statement, signature []byte, actor string) (RequestEntry, error) {
	return i.DecideNote(ctx, id, statement, signature, "", actor)
}

// DecideNote is Decide with a note for the request, at most 4 KiB
// (limits.RequestNote): why it was rejected. The note is not signed: it may hold
// personal data, which can be erased where a signed digest cannot.
func (i *Issuer) DecideNote(ctx context.Context, id string, statement, signature []byte, note, actor string) (RequestEntry, error) {
	return i.changeRequest(ctx, id, "request-decision", actor, func(tx ReadTx, e *RequestEntry) error {
		a, err := i.readStatement(tx, *e, statement, signature)
		if err != nil {
			return err
		}
		rule, err := i.approvalRule(*e)
		if err != nil {
			return err
		}
		if len(e.Approvals) >= limits.RequestStatements {
			return fmt.Errorf("%w: it has %d statements", ErrState, len(e.Approvals))
		}
		if err := e.annotate(note); err != nil {
			return err
		}
		switch a.Decision {
		case DecisionReview:
			return i.decideReview(e, a)
		case DecisionReject:
			return e.decideReject(a, rule)
		case DecisionApprove:
			return i.decideApprove(tx, e, a, rule)
		}
		return ErrRole // a submission decides nothing
	})
}

// decideReview takes a request into review: an operator or an approver does
// that, each once.
func (i *Issuer) decideReview(e *RequestEntry, a Approval) error {
	if slices.ContainsFunc(e.Approvals, func(o Approval) bool { return o.Operator == a.Operator && o.Decision == a.Decision }) {
		return ErrReplayed
	}
	e.Approvals = append(e.Approvals, a)
	return e.move(InReview)
}

// decideReject rejects. A draft, which nobody approves, may be thrown away by an
// operator too.
func (e *RequestEntry) decideReject(a Approval, rule ApprovalRule) error {
	if e.State != Draft && !slices.Contains(rule.Roles, a.Role) {
		return ErrRole
	}
	e.Approvals = append(e.Approvals, a)
	return e.move(Rejected)
}

// decideApprove counts one more person.
func (i *Issuer) decideApprove(tx ReadTx, e *RequestEntry, a Approval, rule ApprovalRule) error {
	people, _, err := i.count(tx, *e, rule)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(rule.Roles, a.Role):
		return ErrRole
	case e.State != Submitted && e.State != InReview && (e.State != Approved || len(people) >= rule.Count):
		return fmt.Errorf("%w: it is %s", ErrState, e.State)
	case a.Operator == e.Submitter:
		return ErrSelfApproval
	case slices.Contains(people, a.Operator):
		return ErrReplayed
	}
	e.Approvals = append(e.Approvals, a)
	switch {
	case e.State == Approved:
		return nil // in place of one that no longer counts
	case len(people)+1 >= rule.Count:
		return e.move(Approved)
	case e.State == Submitted:
		return e.move(InReview)
	}
	return nil
}

// annotate adds a line to the note.
func (e *RequestEntry) annotate(note string) error {
	switch {
	case note == "":
		return nil
	case e.Note != "":
		note = e.Note + "\n" + note
	}
	if len(note) > limits.RequestNote {
		return refuse("note", "longer than %d octets", limits.RequestNote)
	}
	e.Note = note
	return nil
}

// approvalRule is what the request's profile asks for; where it asks for
// nobody, one approver may still decide. The profile must be the one of the
// submission.
func (i *Issuer) approvalRule(e RequestEntry) (ApprovalRule, error) {
	p, err := i.pinnedProfile(e)
	if err != nil {
		return ApprovalRule{}, err
	}
	if p.Approvals.Count == 0 {
		return ApprovalRule{Count: 1, Roles: []Role{RoleApprover}}, nil
	}
	return p.Approvals, nil
}

func (i *Issuer) pinnedProfile(e RequestEntry) (Profile, error) {
	p, err := i.profiles.Find(e.Profile)
	if err == nil && i.profiles.digests[p.Ref()] != e.ProfileDigest {
		err = ErrProfileChanged
	}
	return p, err
}

// readStatement checks a signed statement that comes in now.
func (i *Issuer) readStatement(tx ReadTx, e RequestEntry, text, signature []byte) (Approval, error) {
	s, err := ParseStatement(text)
	if err != nil {
		return Approval{}, err
	}
	// Each line must be that of this request here and now: a statement about
	// another request, profile or authority is worth nothing.
	want := i.Statement(e, s.Decision, s.Operator, s.Role)
	want.Time = s.Time
	for n, f := range want.fields() {
		if got := s.fields()[n][1]; got != f[1] {
			return Approval{}, badStatement(f[0], "it is of another one than this request")
		}
	}
	now := i.seconds()
	if s.Time.After(now.Add(statementSkew)) || now.Sub(s.Time) > statementAge {
		return Approval{}, ErrStale
	}
	a := Approval{Operator: s.Operator, Role: s.Role, Decision: s.Decision, At: s.Time, Statement: text, Signature: signature}
	return a, i.checkApproval(tx, a)
}

// checkApproval checks a signature with the certificate that is registered for
// its operator, and that the operator has the role.
func (i *Issuer) checkApproval(tx ReadTx, a Approval) error {
	o, err := tx.Operator(a.Operator)
	if errors.Is(err, ErrNotFound) {
		return ErrRole
	}
	if err != nil {
		return err
	}
	if !o.Has(a.Role) {
		return ErrRole
	}
	if a.At.Before(o.Added) {
		// A name that was removed may come back with another key; what its former
		// key signed counts no more.
		return &StatementError{Field: "time", Detail: "before the operator was registered", lapsed: true}
	}
	cert, err := pki.ParseCertificate(o.Certificate)
	if err != nil {
		return fmt.Errorf("ca: operator %s: %w", o.Name, err)
	}
	if a.At.Before(cert.NotBefore) || a.At.After(cert.NotAfter) {
		return badStatement("time", "outside the validity of the operator's certificate")
	}
	if a.At.Before(cert.PrivateKeyNotBefore) || !cert.PrivateKeyNotAfter.IsZero() && a.At.After(cert.PrivateKeyNotAfter) {
		return badStatement("time", "outside the period of the operator's key")
	}
	if err := i.checkOwn(tx, cert); err != nil {
		return err
	}
	return checkDetached(a.Statement, a.Signature, cert)
}

// checkOwn refuses an operator's certificate that this authority issued and has
// revoked or put on hold. Certificates of others count as registered.
func (i *Issuer) checkOwn(tx ReadTx, cert *pki.Certificate) error {
	if string(cert.RawIssuer) != string(i.cert.RawSubject) {
		return nil
	}
	serial, err := SerialFrom(cert.SerialNumber)
	if err != nil {
		return badStatement("signature", "the operator's certificate has no serial number")
	}
	e, err := tx.Entry(serial)
	if errors.Is(err, ErrNotFound) {
		return nil // of an earlier authority with the same name
	}
	if err == nil && e.Status != Valid {
		return &StatementError{Field: "signature", Detail: fmt.Sprintf("the operator's certificate is %s", e.Status), lapsed: true}
	}
	return err
}
