package ca

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gosklyuch/gosklyuch/pki"
)

// Request returns a request by its identifier, or [ErrNotFound].
func (i *Issuer) Request(ctx context.Context, id string) (RequestEntry, error) {
	var e RequestEntry
	err := i.ledger.View(ctx, func(tx ReadTx) (err error) { e, err = tx.Request(id); return err })
	return e, err
}

// RequestPage returns at most n requests that pass a filter, behind another one,
// in the order of [ReadTx].Requests, having looked at no more than 64 times as
// many. next is where to go on, "" at the end. A place that does not exist is
// [ErrNotFound].
func (i *Issuer) RequestPage(ctx context.Context, f RequestFilter, after string, n int) (list []RequestEntry, next string, err error) {
	err = i.ledger.View(ctx, func(tx ReadTx) error {
		list, next = nil, ""
		looked, last := 0, ""
		for e, err := range tx.Requests(after, RequestFilter{State: f.State}) {
			if err != nil {
				return err
			}
			if len(list) == n || looked == 64*n { // there is one more
				next = last
				return nil
			}
			if f.Match(e) {
				list = append(list, e)
			}
			looked, last = looked+1, e.ID
		}
		return nil
	})
	return list, next, err
}

// FindRequest returns the one request whose identifier begins with a prefix of
// at least eight digits. The error is [ErrNotFound] for none, and for several.
func (i *Issuer) FindRequest(ctx context.Context, prefix string) (RequestEntry, error) {
	if len(prefix) < 8 {
		return RequestEntry{}, fmt.Errorf("%w: at least eight digits of the identifier are needed", ErrNotFound)
	}
	var found []RequestEntry
	err := i.ledger.View(ctx, func(tx ReadTx) error {
		found = nil
		e, err := tx.Request(prefix)
		if err == nil {
			found = []RequestEntry{e}
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		for e, err := range tx.Requests(prefix, RequestFilter{}) {
			if err != nil {
				return err
			}
			if len(e.ID) < len(prefix) || e.ID[:len(prefix)] != prefix || len(found) == 2 {
				return nil
			}
			found = append(found, e)
		}
		return nil
	})
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%w: %d requests begin with %s", ErrNotFound, len(found), prefix)
	}
	if err != nil {
		return RequestEntry{}, err
	}
	return found[0], nil
}

// Reject rejects a request without a signed statement, with a note that says
// why. It is for requests of profiles that ask for no approvals, and for drafts;
// for others [Issuer.Decide]. Where operators are registered the error is
// [ErrUnsigned]: see [Issuer.Review].
func (i *Issuer) Reject(ctx context.Context, id, note, actor string) (RequestEntry, error) {
	return i.reject(ctx, id, note, "", actor)
}

// RejectBy is Reject by an operator whom the caller has authenticated. One who
// is not registered, or as an auditor only, is [ErrRole].
func (i *Issuer) RejectBy(ctx context.Context, id, note, operator string) (RequestEntry, error) {
	return i.reject(ctx, id, note, operator, operator)
}

func (i *Issuer) reject(ctx context.Context, id, note, operator, actor string) (RequestEntry, error) {
	return i.changeRequest(ctx, id, "request-reject", actor, func(tx ReadTx, e *RequestEntry) error {
		if err := mayAct(tx, operator); err != nil {
			return err
		}
		if p, err := i.profiles.Find(e.Profile); err == nil && p.Approvals.Count > 0 && e.State != Draft {
			return ErrApprovalNeeded
		}
		if err := e.annotate(note); err != nil {
			return err
		}
		return e.move(Rejected)
	})
}

// IssueApproved issues the certificate of a request. Everything is checked
// again: every signature on record, the roles as they are now, the profile, the
// request, and what it renews. A request whose profile asks for nobody may be
// issued as soon as it is handed in; one that asks for approvals only once it is
// approved, within thirty days of the oldest approval.
func (i *Issuer) IssueApproved(ctx context.Context, id, actor string) (*pki.Certificate, error) {
	const event = "request-issue"
	e, p, err := i.approved(ctx, id)
	if err != nil {
		return nil, i.refused(ctx, event, id, actor, err)
	}
	r, err := i.requestOf(ctx, e)
	if err != nil {
		return nil, i.refused(ctx, event, id, actor, err)
	}
	r.Actor = actor
	prepared, err := i.prepare(ctx, p, e.ProfileDigest, r)
	if err != nil {
		return nil, i.refused(ctx, event, id, actor, err)
	}
	cert, err := i.sign(prepared)
	if err != nil {
		return nil, err
	}
	err = i.commit(ctx, []signed{{prepared, cert}}, func(tx Tx, _ int, entry Entry) error {
		// SaveRequest compares versions: what was checked is what is issued.
		// The operators are looked at once more, in the transaction.
		if err := i.checkApprovals(tx, e, p); err != nil {
			return err
		}
		done := e
		done.Serial, done.Updated = entry.Serial, entry.IssuedAt
		if err := done.move(Issued); err != nil {
			return err
		}
		return tx.SaveRequest(done)
	})
	if err != nil {
		return nil, i.refused(ctx, event, id, actor, err)
	}
	return cert, nil
}

// approved reads a request that may be issued.
func (i *Issuer) approved(ctx context.Context, id string) (e RequestEntry, p Profile, err error) {
	err = i.ledger.View(ctx, func(tx ReadTx) error {
		if e, err = tx.Request(id); err != nil {
			return err
		}
		if p, err = i.pinnedProfile(e); err != nil {
			return err
		}
		if !slices.Contains(e.State.Next(), Issued) || p.Approvals.Count > 0 && e.State != Approved {
			return fmt.Errorf("%w: it is %s", ErrState, e.State)
		}
		return i.checkApprovals(tx, e, p)
	})
	return e, p, err
}

// checkApprovals holds that as many people agreed as the profile asks for, and
// that every statement on record is about this request. Where the profile's latest
// version asks for more people, the request must be handed in by that one.
func (i *Issuer) checkApprovals(tx ReadTx, e RequestEntry, p Profile) error {
	if last, err := i.profiles.Find(p.Name); err != nil || last.Approvals.Count > p.Approvals.Count {
		return errors.Join(fmt.Errorf("%w: %s asks for more people than %s", ErrSuperseded, last.Ref(), p.Ref()), err)
	}
	rule, err := i.approvalRule(e)
	if err != nil {
		return err
	}
	people, lapsed, err := i.count(tx, e, rule)
	if err != nil {
		return err
	}
	if len(people) < p.Approvals.Count {
		if lapsed != nil {
			return lapsed
		}
		return fmt.Errorf("%w: %d of %d", ErrApprovalNeeded, len(people), p.Approvals.Count)
	}
	return i.checkSubmission(tx, e)
}

// count returns the names of the people who agreed, from nothing but the signed
// statements and the register of operators as it is now. An approval that was
// good and no longer counts is left out; lapsed says why. What could not have
// been accepted, a changed statement or a forged signature, is an error: somebody
// wrote into the ledger.
func (i *Issuer) count(tx ReadTx, e RequestEntry, rule ApprovalRule) (people []string, lapsed, err error) {
	for _, a := range e.Approvals {
		if a.Decision != DecisionApprove {
			continue
		}
		err := i.recheck(tx, e, rule, a)
		var statement *StatementError
		switch {
		case err == nil:
			if !slices.Contains(people, a.Operator) {
				people = append(people, a.Operator)
			}
		case errors.Is(err, ErrRole), errors.Is(err, ErrStale), errors.As(err, &statement) && statement.lapsed:
			lapsed = err
		default:
			return nil, nil, err
		}
	}
	return people, lapsed, nil
}

// recheck checks one approval on record again.
func (i *Issuer) recheck(tx ReadTx, e RequestEntry, rule ApprovalRule, a Approval) error {
	s, err := i.recorded(e, a, DecisionApprove)
	if err != nil {
		return err
	}
	switch {
	case s.Operator == e.Submitter:
		return ErrSelfApproval
	case !slices.Contains(rule.Roles, s.Role):
		return ErrRole
	}
	if err := i.checkApproval(tx, a); err != nil {
		return err
	}
	if i.seconds().Sub(s.Time) > approvalLife {
		return ErrStale
	}
	return nil
}

// recorded reads a statement on record, which must be the one that the request
// and the record beside it give.
func (i *Issuer) recorded(e RequestEntry, a Approval, d Decision) (Statement, error) {
	s, err := ParseStatement(a.Statement)
	if err != nil {
		return s, err
	}
	want := i.Statement(e, d, s.Operator, s.Role)
	want.Time = s.Time
	switch {
	case string(want.Text()) != string(a.Statement):
		return s, badStatement("text", "it is of another one than this request")
	case s.Operator != a.Operator || s.Role != a.Role || !s.Time.Equal(a.At):
		return s, badStatement("text", "it is not what the record says")
	}
	return s, nil
}

// checkSubmission checks the submitter's own statement again, where there is one:
// the two-person rule rests on who the submitter is. Who handed a request in may
// have left since.
func (i *Issuer) checkSubmission(tx ReadTx, e RequestEntry) error {
	if e.Submission == nil {
		return nil // the name is of a caller who had authenticated them
	}
	s, err := i.recorded(e, *e.Submission, DecisionSubmit)
	if err != nil {
		return err
	}
	if s.Operator != e.Submitter {
		return badStatement("operator", "it is not what the record says")
	}
	o, err := tx.Operator(s.Operator)
	if err != nil {
		return err
	}
	cert, err := pki.ParseCertificate(o.Certificate)
	if err != nil {
		return fmt.Errorf("ca: operator %s: %w", o.Name, err)
	}
	return checkDetached(e.Submission.Statement, e.Submission.Signature, cert)
}

// requestOf reads what was kept back into a Request. A renewal is checked again:
// the earlier certificate may have been revoked since.
func (i *Issuer) requestOf(ctx context.Context, e RequestEntry) (Request, error) {
	csr, err := pki.ParseRequest(e.CSR)
	if err != nil {
		return Request{}, fmt.Errorf("ca: request %s: %w", e.ID, err)
	}
	if RequestID(csr) != e.ID {
		return Request{}, fmt.Errorf("ca: request %s: its content was changed", e.ID)
	}
	r := Request{CSR: csr, Days: e.Days, IdentificationKind: e.IdentificationKind}
	if len(e.Renewal) > 0 {
		if r.Renewal, err = i.CheckRenewal(ctx, e.Renewal); err != nil {
			return r, err
		}
		if r.Renewal.old.Serial != e.Renews {
			return r, refuseRenewal("it is of another certificate than the record says")
		}
	} else if e.Renews != (Serial{}) {
		if r.Renewal, err = i.SameKeyRenewal(ctx, csr, e.Renews); err != nil {
			return r, err
		}
	}
	return r, nil
}
