package journal

import (
	"errors"
	"fmt"
	"iter"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki"
)

// VerifySigned does what [Verify] does, and compares the chain with every
// signed statement about it: signed yields those of one chain as they follow
// one another. A chain that was rewritten from some record on, digests and
// head included, is found by the first statement that contradicts it; the
// [DamageError] then has the narrowest range of records that the statements
// allow in Seq and Last.
func VerifySigned(records iter.Seq2[Record, error], head Head, signed iter.Seq2[ChainHead, error]) (Head, error) {
	next, stop := iter.Pull2(signed)
	defer stop()
	w := witness{node: head.Node, next: next}
	if err := w.advance(); err != nil {
		return Head{Node: head.Node}, err
	}
	var position uint64
	var bad error
	watched := func(yield func(Record, error) bool) {
		for r, err := range records {
			position++
			if !yield(r, err) {
				return
			}
			if err == nil {
				if bad = w.see(r, position); bad != nil {
					return
				}
			}
		}
	}
	last, err := Verify(watched, head)
	switch {
	case bad != nil:
		return last, bad
	case err != nil:
		return last, err
	case w.more:
		return last, &DamageError{Kind: Truncated, Node: head.Node, Seq: last.Seq + 1, Position: position + 1}
	}
	return last, nil
}

// witness compares a chain that is being read with signed statements.
type witness struct {
	node string
	next func() (ChainHead, error, bool)
	now  ChainHead // the statement that is compared next
	more bool      // now is one
	tree Tree
	seen uint64 // the number up to which statements agreed
}

// advance takes the next statement.
func (w *witness) advance() error {
	was := w.now
	c, err, ok := w.next()
	w.more = ok
	switch {
	case !ok:
		return nil
	case err != nil:
		return err
	case c.Node != w.node || c.Seq < was.Seq:
		return fmt.Errorf("%w: the statements about the chain %s do not follow one another", ErrHeads, w.node)
	}
	w.now = c
	return nil
}

// see compares one record that Verify accepted. A record out of its place is
// Verify's to find.
func (w *witness) see(r Record, position uint64) error {
	if !w.more || r.Seq != w.tree.size+1 {
		return nil
	}
	w.tree.Add(r.Hash)
	for w.more && w.now.Seq <= w.tree.size {
		if w.now.Seq == w.tree.size && (w.now.Hash != r.Hash || w.now.Root != w.tree.Root()) {
			first, last := w.differ()
			return &DamageError{Kind: Changed, Node: w.node, Seq: first, Last: last, Position: position}
		}
		w.seen = w.now.Seq
		if err := w.advance(); err != nil {
			return err
		}
	}
	return nil
}

// differ returns the range of records in which the tree that was read and the
// signed one differ: that of the first peak that differs, behind what earlier
// statements agreed on.
func (w *witness) differ() (first, last uint64) {
	var end uint64
	for i, p := range w.now.peaks {
		start := end + 1
		// The peaks are those of the bits of the size, from the highest.
		rest := w.now.Seq - end
		width := uint64(1)
		for width<<1 <= rest && width<<1 != 0 {
			width <<= 1
		}
		end += width
		if p != w.tree.peaks[i] {
			return max(start, w.seen+1), end
		}
	}
	return w.now.Seq, w.now.Seq
}

// VerifyHeads checks a whole series of signed heads: that they are numbered
// from 1 without gaps and carry one another's digests, that each is the
// authority's ([SignedHeads.VerifyBy]), and that no chain is forgotten or shorter
// than it was. It returns the last of them; the zero value for none. The error
// wraps [ErrHeads], [ErrAuthority] or [ErrHeadsSignature] and names the number.
func VerifyHeads(signed iter.Seq2[SignedHeads, error], authority *pki.Certificate) (SignedHeads, error) {
	var last SignedHeads
	for s, err := range signed {
		if err == nil {
			err = s.VerifyBy(authority)
		}
		switch {
		case err != nil:
		case last.Number == 0 && (s.Number != 1 || s.Prev != Digest{}):
			err = fmt.Errorf("%w: number 1 is missing", ErrHeads)
		case last.Number > 0 && (s.Number != last.Number+1 || s.Prev != last.Digest()):
			err = fmt.Errorf("%w: they do not follow number %d", ErrHeads, last.Number)
		default:
			err = s.grewFrom(last.Heads)
		}
		if err != nil {
			return last, &HeadsError{Number: last.Number + 1, Err: err}
		}
		last = s
	}
	return last, nil
}

func (h Heads) grewFrom(old Heads) error {
	for _, c := range old.Chains {
		if now, ok := h.Chain(c.Node); !ok || now.Seq < c.Seq {
			return fmt.Errorf("%w: the chain %s is shorter than it was", ErrHeads, c.Node)
		}
	}
	return nil
}

// AuthorityDigest returns what [Heads].Authority is for a certificate.
func AuthorityDigest(c *pki.Certificate) Digest { return streebog.Sum256(c.Raw) }

// HeadsError says which signed heads of a series are wrong.
type HeadsError struct {
	Number uint64 // the number that was expected
	Err    error
}

// Error names the number.
func (e *HeadsError) Error() string {
	return fmt.Sprintf("journal: signed heads number %d: %v", e.Number, e.Err)
}

// Unwrap returns the cause.
func (e *HeadsError) Unwrap() error { return e.Err }

// IsDamage reports whether an error of the verifying functions says that the
// journal is not what it was, in contrast to one that kept it from being read.
func IsDamage(err error) bool {
	var d *DamageError
	var h *HeadsError
	return errors.As(err, &d) || errors.As(err, &h) || errors.Is(err, ErrHeads) || errors.Is(err, ErrProof) ||
		errors.Is(err, ErrHeadsSignature) || errors.Is(err, ErrAuthority)
}
