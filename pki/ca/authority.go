package ca

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/gosklyuch/gosklyuch/pki"
)

// Authority is what `ca` commands ask of an authority, be it an [Issuer] in
// the same process or the socket of one that serves.
type Authority interface {
	// IssueRequest prepares and issues by a profile, "name" or "name@version";
	// "" picks the subscriber profile by [ProfileFor].
	IssueRequest(ctx context.Context, profile string, r Request) (*pki.Certificate, error)
	Revoke(ctx context.Context, r Revocation) (Entry, error)
	Hold(ctx context.Context, r Revocation) (Entry, error)
	Release(ctx context.Context, r Revocation) (Entry, error)
	CRL(ctx context.Context, actor string) (CRLEntry, error)
	// List iterates over the entries with a status, in the order of serial
	// numbers; "" is every status.
	List(ctx context.Context, s Status) iter.Seq2[Entry, error]
}

var _ Authority = (*Issuer)(nil)

var (
	// ErrProfile is returned for a profile name that is not known.
	ErrProfile = errors.New("ca: unknown profile")
	// ErrSuperseded is returned for a version of a profile that has a later
	// one. Only requests that were handed in under it are still issued by it:
	// what a later version asks for, such as approvals, nobody goes around by
	// naming an earlier one.
	ErrSuperseded = errors.New("ca: the profile has a later version")
)

// IssueRequest implements [Authority].
func (i *Issuer) IssueRequest(ctx context.Context, name string, r Request) (*pki.Certificate, error) {
	if r.CSR == nil {
		return nil, errors.New("ca: a request is required")
	}
	prepared, err := i.prepareNamed(ctx, name, r)
	if errors.Is(err, ErrApprovalNeeded) || errors.Is(err, ErrSuperseded) {
		// Somebody tried the way past the people who must agree.
		return nil, i.refused(ctx, "issue", RequestID(r.CSR), r.Actor, err)
	}
	if err != nil {
		return nil, err
	}
	return i.Issue(ctx, prepared)
}

// profileFor finds the profile that a reference or, where it is "", the subject
// names, for something new: the error is [ErrProfile] or [ErrSuperseded].
func (i *Issuer) profileFor(ref string, subject pki.Name) (Profile, error) {
	if ref == "" {
		return i.profiles.For(subject)
	}
	p, err := i.profiles.Find(ref)
	if err != nil {
		return Profile{}, err
	}
	if last, err := i.profiles.Find(p.Name); err != nil || last.Version != p.Version {
		return Profile{}, errors.Join(fmt.Errorf("%w: %s after %s", ErrSuperseded, last.Ref(), p.Ref()), err)
	}
	return p, nil
}

// page is how many entries List reads in one view, so that no writer waits
// for a consumer.
const page = 256

// List implements [Authority]. Entries that are added while it runs may or may
// not be seen.
func (i *Issuer) List(ctx context.Context, s Status) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var after Serial
		for {
			list, last, err := i.Page(ctx, s, after, page)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range list {
				if !yield(e, nil) {
					return
				}
			}
			if last == (Serial{}) {
				return
			}
			after = last
		}
	}
}

// Page returns at most n entries with a status behind a serial number, having
// looked at no more than 64 times as many. next is where to go on, zero at the
// end.
func (i *Issuer) Page(ctx context.Context, s Status, after Serial, n int) (list []Entry, next Serial, err error) {
	err = i.ledger.View(ctx, func(tx ReadTx) error {
		looked := 0
		for e, err := range tx.Entries(after) {
			if err != nil {
				return err
			}
			if s == "" || e.Status == s {
				list = append(list, e)
			}
			if looked++; len(list) == n || looked == 64*n {
				next = e.Serial
				return nil
			}
		}
		return nil
	})
	return list, next, err
}
