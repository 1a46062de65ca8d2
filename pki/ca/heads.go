package ca

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
)

// headsDigest is the key under which the record of signed heads has their
// digest.
const headsDigest = "streebog256"

// Ledger returns the ledger that the issuer was made with.
func (i *Issuer) Ledger() Ledger { return i.ledger }

// SignHeads signs the ends of all chains of the journal with the authority's
// key, keeps that on the ledger and puts it on record. Where nothing but the
// signing of heads happened since the last time, those heads are returned and
// nothing is signed.
//
// Only the records since the last signed heads are read; they are verified on
// the way, and a damaged chain is not signed. No writer waits meanwhile.
func (i *Issuer) SignHeads(ctx context.Context, actor string) (journal.SignedHeads, error) {
	if err := i.checkTime(i.seconds()); err != nil {
		return journal.SignedHeads{}, err
	}
	for {
		out, err := i.signHeads(ctx, actor)
		// Another node signed in between: what it signed is a new beginning.
		if !errors.Is(err, ErrHeadsNumber) || ctx.Err() != nil {
			return out, err
		}
	}
}

// SignDueHeads does what [Issuer.SignHeads] does if the last signed heads are
// older than every, or if there are none and the first record is: it is for
// programs that run now and then. It reports whether they were due.
func (i *Issuer) SignDueHeads(ctx context.Context, actor string, every time.Duration) (bool, error) {
	due := i.now().Add(-every)
	var last time.Time
	err := i.ledger.View(ctx, func(tx ReadTx) error {
		h, err := tx.LastSignedHeads()
		if last = h.Time; err == nil || !errors.Is(err, ErrNotFound) {
			return err
		}
		last, err = firstRecord(tx)
		return err
	})
	if err != nil || last.IsZero() || last.After(due) {
		return false, err
	}
	_, err = i.SignHeads(ctx, actor)
	return true, err
}

// firstRecord returns when the oldest chain begins; the zero time if none does.
func firstRecord(tx ReadTx) (first time.Time, err error) {
	heads, err := tx.Heads()
	if err != nil {
		return first, err
	}
	for node := range heads {
		for r, err := range tx.Journal(node, 0) {
			if err != nil {
				return first, err
			}
			if first.IsZero() || r.Time.Before(first) {
				first = r.Time
			}
			break
		}
	}
	return first, nil
}

func (i *Issuer) signHeads(ctx context.Context, actor string) (journal.SignedHeads, error) {
	var last journal.SignedHeads
	var next journal.Heads
	news := false
	err := i.ledger.View(ctx, func(tx ReadTx) (err error) {
		if last, err = tx.LastSignedHeads(); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		// Their trees are continued: what somebody changed behind the
		// authority's back must not get its signature.
		if err := i.ownHeads(last); err != nil {
			return err
		}
		next, news, err = nextHeads(tx, last)
		return err
	})
	if err != nil || !news && last.Number > 0 {
		return last, err
	}
	next.Time, next.Authority = i.now(), journal.AuthorityDigest(i.cert)
	signed, err := next.Sign(i.rand, i.key)
	if err != nil {
		return journal.SignedHeads{}, err
	}
	digest := signed.Digest()
	err = i.ledger.Update(ctx, func(tx Tx) error {
		if err := tx.AddSignedHeads(signed); err != nil {
			return err
		}
		_, err := tx.Append(journal.Entry{
			Time: i.now(), Actor: actor, Event: journal.EventHeads, Subject: strconv.FormatUint(signed.Number, 10),
			Data: map[string]string{headsDigest: digest.String()},
		})
		return err
	})
	return signed, err
}

// ownHeads checks that signed heads, if there are any, are this authority's.
func (i *Issuer) ownHeads(h journal.SignedHeads) error {
	if h.Number == 0 {
		return nil
	}
	if err := h.VerifyBy(i.cert); err != nil {
		return &journal.HeadsError{Number: h.Number, Err: err}
	}
	return nil
}

// nextHeads continues the trees of the last heads up to the present ends, and
// reports whether any record on the way is of something else than heads.
func nextHeads(tx ReadTx, last journal.SignedHeads) (next journal.Heads, news bool, err error) {
	next.Number = last.Number + 1
	if last.Number > 0 {
		next.Prev = last.Digest()
	}
	heads, err := tx.Heads()
	if err != nil {
		return next, false, err
	}
	for _, c := range last.Chains {
		if _, ok := heads[c.Node]; !ok {
			return next, false, &journal.DamageError{Kind: journal.Truncated, Node: c.Node, Seq: 1, Position: 1}
		}
	}
	for _, node := range slices.Sorted(maps.Keys(heads)) {
		from, ok := last.Chain(node)
		if !ok {
			from.Head = journal.Head{Node: node}
		}
		tree := from.Tree()
		records := func(yield func(journal.Record, error) bool) {
			for r, err := range tx.Journal(node, from.Seq) {
				tree.Add(r.Hash)
				news = news || r.Event != journal.EventHeads
				if !yield(r, err) {
					return
				}
			}
		}
		if _, err := journal.VerifyFrom(from.Head, records, heads[node]); err != nil {
			return next, false, err
		}
		c, err := journal.NewChainHead(heads[node], tree)
		if err != nil { // records behind the head
			return next, false, &journal.DamageError{Kind: journal.Changed, Node: node, Seq: heads[node].Seq + 1, Position: tree.Size(), Err: err}
		}
		next.Chains = append(next.Chains, c)
	}
	return next, news, nil
}

// VerifyJournal checks the whole journal of a ledger: the series of signed
// heads and their signatures by the authority's key, and every chain against
// its head and against every signed statement about it, and that every value that is
// missing was erased on record. It returns the ends by
// the names of the nodes. The error is as [journal.VerifySigned] and
// [journal.VerifyHeads] give it; it names the first damage.
func VerifyJournal(ctx context.Context, l Ledger) (map[string]journal.Head, error) {
	var got map[string]journal.Head
	err := l.View(ctx, func(tx ReadTx) (err error) {
		got, err = verifyJournal(ctx, tx, func(journal.Record) {})
		return err
	})
	return got, err
}

// headsSeries is what is known of the signed heads while chains are verified.
type headsSeries struct {
	last    journal.SignedHeads
	digests map[uint64]journal.Digest
	tombs   *journal.Tombstones
	see     func(journal.Record) // takes every record that was verified
}

func verifySeries(ctx context.Context, tx ReadTx) (headsSeries, error) {
	s := headsSeries{digests: map[uint64]journal.Digest{}, tombs: new(journal.Tombstones)}
	der, err := tx.Issuer()
	if errors.Is(err, ErrNotFound) { // a new ledger, in which nothing is signed
		for h, err := range tx.SignedHeads(0) {
			return s, &journal.HeadsError{Number: h.Number, Err: errors.Join(journal.ErrAuthority, err)}
		}
		return s, nil
	}
	if err != nil {
		return s, err
	}
	authority, err := pki.ParseCertificate(der)
	if err != nil {
		return s.withoutAuthority(tx, err)
	}
	s.last, err = journal.VerifyHeads(func(yield func(journal.SignedHeads, error) bool) {
		for h, err := range tx.SignedHeads(0) {
			if err == nil {
				s.digests[h.Number] = h.Digest()
			}
			if !yield(h, errors.Join(err, ctx.Err())) {
				return
			}
		}
	}, authority)
	return s, err
}

// withoutAuthority stands in where the issuer's certificate cannot be read: no
// signed heads are an empty series all the same.
func (s headsSeries) withoutAuthority(tx ReadTx, cause error) (headsSeries, error) {
	for h := range tx.SignedHeads(0) {
		return s, &journal.HeadsError{Number: h.Number, Err: fmt.Errorf("%w: %w", journal.ErrAuthority, cause)}
	}
	return s, nil
}

func (s headsSeries) verifyChain(ctx context.Context, tx ReadTx, head journal.Head) (journal.Head, error) {
	var stop error
	records := func(yield func(journal.Record, error) bool) {
		for r, err := range tx.Journal(head.Node, 0) {
			if err == nil {
				err = s.onRecord(r)
			}
			if stop = errors.Join(ctx.Err(), headsDamage(err)); stop != nil || !yield(r, err) {
				return
			}
			s.tombs.See(r)
			s.see(r)
		}
	}
	got, err := journal.VerifySigned(records, head, chainOf(tx, head.Node))
	switch {
	case stop != nil:
		return got, stop
	case err == nil && got != head:
		// In a ledger both commit together: nothing may stand behind.
		err = &journal.DamageError{Kind: journal.Changed, Node: head.Node, Seq: head.Seq + 1, Position: head.Seq + 1}
	}
	return got, err
}

// headsDamage returns the error if it is one about signed heads.
func headsDamage(err error) error {
	var h *journal.HeadsError
	if errors.As(err, &h) {
		return err
	}
	return nil
}

// onRecord compares the record of signed heads with those on the ledger: by it
// a removed end of the series is found.
func (s headsSeries) onRecord(r journal.Record) error {
	digest, erased := r.Value(journal.FieldData(headsDigest))
	if _, noSubject := r.Value(journal.FieldSubject); r.Event != journal.EventHeads || erased || noSubject {
		return nil // what was erased from such a record is for the tombstones to find
	}
	n, err := strconv.ParseUint(r.Subject, 10, 64)
	if known, ok := s.digests[n]; err != nil || !ok || known.String() != digest {
		return &journal.HeadsError{Number: n, Err: fmt.Errorf("%w: record %d of the chain %s knows them otherwise", journal.ErrHeads, r.Seq, r.Node)}
	}
	return nil
}

// chainOf yields what the signed heads say about one chain.
func chainOf(tx ReadTx, node string) iter.Seq2[journal.ChainHead, error] {
	return func(yield func(journal.ChainHead, error) bool) {
		for h, err := range tx.SignedHeads(0) {
			c, ok := h.Chain(node)
			if (ok || err != nil) && !yield(c, err) {
				return
			}
		}
	}
}

// Prove returns the proof that record seq of a node's chain stands under the
// last signed heads, with the authority's certificate. The errors are those of
// [journal.Prove]; without signed heads it is [journal.ErrNotCovered].
func Prove(ctx context.Context, l Ledger, node string, seq uint64) (journal.Proof, error) {
	var p journal.Proof
	err := l.View(ctx, func(tx ReadTx) error {
		signed, err := tx.LastSignedHeads()
		if errors.Is(err, ErrNotFound) {
			return journal.ErrNotCovered
		}
		if err != nil {
			return err
		}
		if p, err = journal.Prove(tx.Journal(node, 0), node, seq, signed); err != nil {
			return err
		}
		p.Certificate, err = tx.Issuer()
		return err
	})
	return p, err
}

// EraseRecord erases values of a record and puts that on record, with the names
// of the fields. It returns what is left of the record. The error is
// [ErrNotFound] for an unknown record, [journal.ErrNoField] for an unknown field
// and [journal.ErrErasure] for what may not be erased.
func EraseRecord(ctx context.Context, l Ledger, e journal.Erasure) (journal.Record, error) {
	var out journal.Record
	err := l.Update(ctx, func(tx Tx) error {
		r, err := tx.Erase(e.Node, e.Seq, e.Fields...)
		if err != nil {
			return err
		}
		if err := e.Check(r); err != nil {
			return err
		}
		out = r
		_, err = tx.Append(e.Entry())
		return err
	})
	return out, err
}
