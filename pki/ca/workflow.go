package ca

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
)

// What the way of a request refuses beside a *[StatementError].
var (
	// ErrState: the request is not in a state from which this is possible.
	ErrState = errors.New("ca: the state of the request does not allow that")
	// ErrRequestExists: the same request was handed in before.
	ErrRequestExists = errors.New("ca: this request was handed in before")
	// ErrSubmitter: the profile asks for approvals, and nobody vouches for who
	// handed the request in.
	ErrSubmitter = errors.New("ca: the profile asks for approvals, so the submission must be signed by an operator")
	// ErrSelfApproval: the submitter cannot approve.
	ErrSelfApproval = errors.New("ca: who handed a request in cannot approve it")
	// ErrReplayed: the person has approved this request already.
	ErrReplayed = errors.New("ca: this person has approved the request already")
	// ErrUnsigned: there are operators, and none of them signed.
	ErrUnsigned = errors.New("ca: there are operators, so one of them must sign that")
	// ErrRole: the operator does not have the role, or the role may not do it.
	ErrRole = errors.New("ca: the operator has no role for that")
	// ErrStale: the statement is too old or from the future.
	ErrStale = errors.New("ca: the statement is too old, or from the future")
	// ErrProfileChanged: the profile is not the one of the submission.
	ErrProfileChanged = errors.New("ca: the profile was changed since the request was handed in")
)

const (
	// statementAge is how old a statement may be when it comes in: a working
	// day and a night, for an approver who signs on a machine without a network.
	statementAge = 24 * time.Hour
	// statementSkew is how far clocks may differ.
	statementSkew = 5 * time.Minute
	// approvalLife is how long an approval lets something be issued.
	approvalLife = 30 * 24 * time.Hour
)

// Submission is a request that is handed in.
type Submission struct {
	Request        // CSR or Renewal, Days, IdentificationKind and Actor as there
	Profile string // "name" or "name@version"; "" as in IssueRequest
	Note    string // at most 4 KiB (limits.RequestNote)
	Draft   bool   // only keep it; Submit again hands it in
	// RenewalMessage is read by [Issuer.CheckRenewal] where CSR and Renewal are nil.
	RenewalMessage []byte
	// Submitter is who hands it in. It counts for the two-person rule only
	// where the caller has authenticated them and says so.
	Submitter     string
	Authenticated bool
	// Statement and Signature, where they are given, are the submitter's own: a
	// statement with the decision submit in the role operator.
	Statement, Signature []byte
}

// Submit checks a request by its profile, in full, and keeps it. The errors are
// those of [Issuer.Prepare], [ErrRequestExists], [ErrSubmitter] and, for a
// statement, those of [Issuer.Decide].
func (i *Issuer) Submit(ctx context.Context, s Submission) (RequestEntry, error) {
	e, err := i.submission(ctx, s)
	if err != nil {
		return e, i.refused(ctx, "request-submit", e.ID, s.Actor, err)
	}
	var out RequestEntry
	err = i.ledger.Update(ctx, func(tx Tx) error {
		out = e // a ledger may run this more than once
		old, err := tx.Request(e.ID)
		switch {
		case err == nil && old.State != Draft:
			return ErrRequestExists
		case err == nil:
			out.Version, out.Created = old.Version, old.Created
		case !errors.Is(err, ErrNotFound):
			return err
		}
		if err := i.checkSubmitter(tx, s, &out); err != nil {
			return err
		}
		return i.saveRequest(tx, &out, "request-"+string(out.State), s.Actor)
	})
	if err != nil {
		return e, i.refused(ctx, "request-submit", e.ID, s.Actor, err)
	}
	return out, nil
}

// submission checks what can be checked before the ledger is changed.
func (i *Issuer) submission(ctx context.Context, s Submission) (RequestEntry, error) {
	if s.CSR == nil && s.Renewal == nil && len(s.RenewalMessage) > 0 {
		r, err := i.CheckRenewal(ctx, s.RenewalMessage)
		if err != nil {
			return RequestEntry{ID: streebog256(s.RenewalMessage)}, err // of the message: there may be no request in it
		}
		s.Renewal = r
	}
	if s.CSR == nil && s.Renewal != nil {
		s.CSR = s.Renewal.csr
	}
	if s.CSR == nil {
		return RequestEntry{}, errors.New("ca: a request is required")
	}
	e := RequestEntry{
		ID: RequestID(s.CSR), State: Submitted, Days: s.Days, IdentificationKind: s.IdentificationKind, CSR: s.CSR.Raw,
		Submitter: s.Submitter, Created: i.seconds(), Note: s.Note,
	}
	if s.Draft {
		e.State = Draft
	}
	if len(s.Note) > limits.RequestNote || len(s.Submitter) > limits.RequestNote {
		return e, refuse("note", "longer than %d octets", limits.RequestNote)
	}
	p, err := i.profileFor(s.Profile, s.CSR.Subject)
	if err != nil {
		return e, err
	}
	e.Profile, e.ProfileDigest = p.Ref(), i.profiles.digests[p.Ref()]
	if s.Renewal != nil {
		e.Renewal, e.Renews = s.Renewal.message, s.Renewal.old.Serial
	}
	// All rules run now: nobody's time is spent on what cannot be issued.
	_, err = i.prepare(ctx, p, e.ProfileDigest, s.Request)
	return e, err
}

// checkSubmitter finds out who hands a request in.
func (i *Issuer) checkSubmitter(tx ReadTx, s Submission, e *RequestEntry) error {
	if len(s.Signature) == 0 && len(s.Statement) == 0 {
		p, err := i.profiles.Find(e.Profile)
		if err == nil && p.Approvals.Count > 0 && !s.Authenticated && !s.Draft {
			err = ErrSubmitter
		}
		return err
	}
	a, err := i.readStatement(tx, *e, s.Statement, s.Signature)
	if err != nil {
		return err
	}
	if a.Decision != DecisionSubmit || a.Role != RoleOperator {
		return ErrRole
	}
	e.Submission, e.Submitter = &a, a.Operator
	return nil
}

// saveRequest keeps a request in its new state and puts that on record.
func (i *Issuer) saveRequest(tx Tx, e *RequestEntry, event, actor string) error {
	e.Updated = i.seconds()
	if err := tx.SaveRequest(*e); err != nil {
		return err
	}
	e.Version++
	data := map[string]string{"state": string(e.State), "profile": e.Profile, "profileDigest": e.ProfileDigest, "submitter": e.Submitter}
	if n := len(e.Approvals); n > 0 {
		data["statements"] = strconv.Itoa(n)
		data["statement"] = streebog256(slices.Concat(e.Approvals[n-1].Statement, e.Approvals[n-1].Signature))
		data["operator"] = e.Approvals[n-1].Operator
	}
	_, err := tx.Append(journal.Entry{Time: i.now(), Actor: actor, Event: event, Subject: e.ID, Data: data})
	return err
}

// refused puts a refusal on record and returns it. The record names the kind of
// the refusal and not its text, which may hold what an applicant wrote.
func (i *Issuer) refused(ctx context.Context, event, id, actor string, err error) error {
	if id == "" || ctx.Err() != nil {
		return err
	}
	lost := i.ledger.Update(ctx, func(tx Tx) error {
		_, err := tx.Append(journal.Entry{
			Time: i.now(), Actor: actor, Event: "refused", Subject: id,
			Data: map[string]string{"of": event, "reason": refusalReason(err)},
		})
		return err
	})
	return errors.Join(err, lost)
}

// refusalReason is a stable word for a refusal.
func refusalReason(err error) string {
	var request *RequestError
	var statement *StatementError
	var lint *LintError
	switch {
	case errors.As(err, &statement):
		return "statement: " + statement.Field
	case errors.As(err, &request):
		return "request: " + request.Field
	case errors.As(err, &lint):
		return "rules"
	}
	for _, r := range []struct {
		err  error
		word string
	}{
		{ErrState, "state"},
		{ErrRequestExists, "exists"},
		{ErrSubmitter, "submitter"},
		{ErrSelfApproval, "self-approval"},
		{ErrReplayed, "replayed"},
		{ErrUnsigned, "unsigned"},
		{ErrRole, "role"},
		{ErrStale, "stale"},
		{ErrProfileChanged, "profile-changed"},
		{ErrApprovalNeeded, "approval-needed"},
		{ErrKeyBlocked, "key-blocked"},
		{ErrSuperseded, "superseded"},
		{ErrProfile, "profile"},
		{ErrRenewal, "renewal"},
		{ErrNotFound, "not-found"},
		{ErrVersion, "version"},
		{ErrOutsideValidity, "outside-validity"},
	} {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "other"
}

// Review says that somebody works on a request. Where operators are registered
// the error is [ErrUnsigned]: one of them signs a statement with the decision
// review for [Issuer.Decide], or the caller has authenticated them and calls
// [Issuer.ReviewBy].
func (i *Issuer) Review(ctx context.Context, id, actor string) (RequestEntry, error) {
	return i.review(ctx, id, "", actor)
}

// ReviewBy is Review by an operator whom the caller has authenticated. One who
// is not registered, or as an auditor only, is [ErrRole].
func (i *Issuer) ReviewBy(ctx context.Context, id, operator string) (RequestEntry, error) {
	return i.review(ctx, id, operator, operator)
}

func (i *Issuer) review(ctx context.Context, id, operator, actor string) (RequestEntry, error) {
	return i.changeRequest(ctx, id, "request-review", actor, func(tx ReadTx, e *RequestEntry) error {
		if err := mayAct(tx, operator); err != nil {
			return err
		}
		return e.move(InReview)
	})
}

// mayAct lets a registered operator act without a signature, and anybody ("")
// while nobody is registered: then there is no key to sign with.
func mayAct(tx ReadTx, operator string) error {
	if operator != "" {
		o, err := tx.Operator(operator)
		if errors.Is(err, ErrNotFound) || err == nil && !o.Has(RoleOperator) && !o.Has(RoleApprover) {
			return ErrRole
		}
		return err
	}
	for o, err := range tx.Operators() {
		if err != nil {
			return err
		}
		if o.Has(RoleOperator) || o.Has(RoleApprover) {
			return ErrUnsigned
		}
	}
	return nil
}

// move changes the state where that is allowed.
func (e *RequestEntry) move(to RequestState) error {
	if !slices.Contains(e.State.Next(), to) {
		return fmt.Errorf("%w: it is %s", ErrState, e.State)
	}
	e.State = to
	return nil
}

// changeRequest lets f change a request and keeps it.
func (i *Issuer) changeRequest(ctx context.Context, id, event, actor string, f func(ReadTx, *RequestEntry) error) (RequestEntry, error) {
	var e RequestEntry
	err := i.ledger.Update(ctx, func(tx Tx) (err error) {
		if e, err = tx.Request(id); err != nil {
			return err
		}
		if err := f(tx, &e); err != nil {
			return err
		}
		return i.saveRequest(tx, &e, event, actor)
	})
	if err != nil {
		return e, i.refused(ctx, event, id, actor, err)
	}
	return e, nil
}

// Statement returns what an operator signs to decide about a request now.
func (i *Issuer) Statement(e RequestEntry, d Decision, operator string, r Role) Statement {
	return Statement{
		Authority: streebog256(i.cert.Raw), Request: e.ID, Profile: e.Profile, ProfileDigest: e.ProfileDigest,
		Days: e.Days, Identification: e.IdentificationKind, Renews: e.Renews, Decision: d, Operator: operator, Role: r, Time: i.seconds(),
	}
}

// DecisionStatement returns what an operator signs to decide about the request
// with an identifier.
func (i *Issuer) DecisionStatement(ctx context.Context, id string, d Decision, operator string, r Role) (Statement, error) {
	e, err := i.Request(ctx, id)
	return i.Statement(e, d, operator, r), err
}

// SubmissionStatement returns what an operator signs to hand a request in.
func (i *Issuer) SubmissionStatement(ctx context.Context, s Submission, operator string) (Statement, error) {
	e, err := i.submission(ctx, s)
	return i.Statement(e, DecisionSubmit, operator, RoleOperator), err
}
