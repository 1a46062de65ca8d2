package journal

import (
	"fmt"
	"iter"
)

// Kind says what is wrong with a chain.
type Kind string

// What Verify can find. The values are stable.
const (
	// Malformed: a line is not a record.
	Malformed Kind = "malformed"
	// Changed: a record's content is not what was recorded.
	Changed Kind = "changed"
	// Removed: one or more records are missing between two that are there.
	Removed Kind = "removed"
	// Reordered: records are there, in the wrong order or twice.
	Reordered Kind = "reordered"
	// Truncated: records at the end are missing.
	Truncated Kind = "truncated"
	// Erased: a value is missing from a record, and no record says that it
	// was erased.
	Erased Kind = "erased"
	// Headless: the head that is kept apart from the records is missing, or
	// older than it can be.
	Headless Kind = "headless"
)

// DamageError says where a chain is broken.
type DamageError struct {
	Kind Kind
	// Node is the name of the chain.
	Node string
	// Seq is the number of the first record concerned: the one that was
	// changed, the first that is missing, or the one that stands in the wrong
	// place.
	Seq uint64
	// Last is the last record of a range that begins with Seq, where the place
	// is not known better; 0 where it is.
	Last uint64
	// Position is the place in the sequence that was read, from 1; for a
	// file it is the number of the line.
	Position uint64
	// Err is the cause where there is one.
	Err error
}

// Error names the kind, the record and the place.
func (e *DamageError) Error() string {
	place := fmt.Sprintf("record %d", e.Seq)
	if e.Last > e.Seq {
		place = fmt.Sprintf("one of the records %d to %d", e.Seq, e.Last)
	}
	s := fmt.Sprintf("journal: chain %s, %s at line %d: %s", e.Node, place, e.Position, e.Kind)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// Verify reads a whole chain and returns its head. The error is nil if and
// only if every record is intact and of the head's node, the records follow
// one another without a gap from number 1, and the chain reaches and contains
// the given head; a chain that goes on behind it is whole, since a crash may
// keep the head from being written after the record. A head with number 0
// asks for nothing: an end that was cut off is then not seen. A damaged chain
// gives a *[DamageError].
func Verify(records iter.Seq2[Record, error], head Head) (Head, error) {
	return VerifyFrom(Head{Node: head.Node}, records, head)
}

// VerifyFrom does the same for the part of a chain behind from, which the
// caller has verified before; the chain is from's.
func VerifyFrom(from Head, records iter.Seq2[Record, error], head Head) (Head, error) {
	v := verifier{last: from, head: head}
	for r, err := range records {
		v.position++
		if err != nil {
			return v.last, &DamageError{Kind: Malformed, Node: from.Node, Seq: v.last.Seq + 1, Position: v.position, Err: err}
		}
		if v.gap != nil {
			// Something is missing before the records read now: it was moved
			// if it turns up, and removed if it does not.
			if r.Seq == v.gap.Seq && r.Node == v.gap.Node {
				v.gap.Kind = Reordered
				return v.last, v.gap
			}
			continue
		}
		if err := v.next(r); err != nil {
			return v.last, err
		}
	}
	return v.last, v.end()
}

type verifier struct {
	last     Head
	head     Head
	position uint64
	gap      *DamageError // set at the first missing record
}

func (v *verifier) next(r Record) error {
	want := v.last.Seq + 1
	damage := func(k Kind, seq uint64) error {
		return &DamageError{Kind: k, Node: v.last.Node, Seq: seq, Position: v.position}
	}
	switch {
	case !r.Intact():
		return damage(Changed, want)
	case r.Node != v.last.Node:
		return damage(Changed, want) // a record of another chain in the place of this one's
	case r.Seq < want:
		return damage(Reordered, r.Seq)
	case r.Seq > want:
		v.gap = &DamageError{Kind: Removed, Node: v.last.Node, Seq: want, Position: v.position}
		return nil
	case r.Prev != v.last.Hash:
		// This record is what it was; the one before it was rewritten
		// together with its digest. Before the first there is nothing: there
		// the link itself is wrong.
		return damage(Changed, max(v.last.Seq, 1))
	case r.Seq == v.head.Seq && r.Hash != v.head.Hash:
		return damage(Changed, r.Seq) // the last record known from elsewhere
	}
	v.last = r.Head()
	return nil
}

func (v *verifier) end() error {
	if v.gap != nil {
		return v.gap
	}
	if v.last.Seq < v.head.Seq {
		return &DamageError{Kind: Truncated, Node: v.last.Node, Seq: v.last.Seq + 1, Position: v.position + 1}
	}
	return nil
}
