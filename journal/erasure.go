package journal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The events of records by which a journal itself is checked. No value of such
// a record may be erased.
const (
	// EventErase: values of the record that the subject names, as node/number,
	// were erased; [EventEraseFields] are their names.
	EventErase = "erase"
	// EventHeads: heads were signed; the subject is their number.
	EventHeads = "heads"
)

// EventEraseFields is the data key under which a record of [EventErase] has the
// names of the erased fields, with a space between.
const EventEraseFields = "fields"

// ErrErasure is returned for an erasure that names nothing, or a record of
// [EventHeads] or [EventErase]: they name nobody, and the journal is checked by
// them.
var ErrErasure = errors.New("journal: this cannot be erased")

// Erasure names values of one record that are to be erased.
type Erasure struct {
	Node   string
	Seq    uint64
	Fields []string // as [Record.Fields] names them; at least one
	Actor  string
	Reason string // why, for example the number of the person's application
	Time   time.Time
}

// Entry is what must go on record together with the erasure.
func (e Erasure) Entry() Entry {
	return Entry{
		Time: e.Time, Actor: e.Actor, Event: EventErase, Subject: fmt.Sprintf("%s/%d", e.Node, e.Seq),
		Data: map[string]string{EventEraseFields: strings.Join(e.Fields, " "), "reason": e.Reason},
	}
}

// Check says whether an erasure of values of r, which need not be read yet
// beyond its event, is allowed: the error wraps [ErrErasure].
func (e Erasure) Check(r Record) error {
	switch {
	case len(e.Fields) == 0:
		return fmt.Errorf("%w: no field is named", ErrErasure)
	case slices.ContainsFunc(e.Fields, func(f string) bool { return strings.ContainsFunc(f, unicode.IsSpace) }):
		return fmt.Errorf("%w: a field with a space in its name", ErrErasure) // the record of it could not be read
	case checked(r):
		return fmt.Errorf("%w: a record of %q", ErrErasure, r.Event)
	}
	return nil
}

// checked reports whether the journal is checked by a record.
func checked(r Record) bool { return r.Event == EventErase || r.Event == EventHeads }

// place is that of a record.
type place struct {
	node string
	seq  uint64
}

// Tombstones compares the values that are missing from the records of a journal
// with what its records say about erasures: a value that somebody took away
// unseen leaves every digest as it was and is found by this alone. Every record
// of every chain must be shown to it, since an erasure may be on record in
// another chain. It keeps what was erased, and nothing of other records. The
// zero value is ready.
type Tombstones struct {
	gone map[place][]string // erased fields
	said map[place][]string // fields that records of erasures name
}

// See takes a record that [Verify] accepted.
func (t *Tombstones) See(r Record) {
	var gone []string
	for _, f := range r.Fields() {
		if _, erased := r.Value(f); erased {
			gone = append(gone, f)
		}
	}
	if len(gone) > 0 {
		if t.gone == nil {
			t.gone = map[place][]string{}
		}
		p := place{r.Node, r.Seq}
		t.gone[p] = gone
		if checked(r) {
			t.gone[p] = []string{""} // nothing excuses it
		}
		return
	}
	if p, ok := erasedPlace(r); ok {
		if t.said == nil {
			t.said = map[place][]string{}
		}
		t.said[p] = append(t.said[p], strings.Fields(r.Data[EventEraseFields])...)
	}
}

// erasedPlace reads which record an erasure was about. One cannot be announced:
// in its own chain it stands behind what was erased.
func erasedPlace(r Record) (place, bool) {
	node, number, ok := strings.Cut(r.Subject, "/")
	if r.Event != EventErase || !ok {
		return place{}, false
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || node == r.Node && seq >= r.Seq {
		return place{}, false
	}
	return place{node, seq}, true
}

// Err returns a *[DamageError] of the kind [Erased] for the first record, by
// node and number, from which a value is missing without a record of that.
func (t *Tombstones) Err() error {
	var found []place
	for p, fields := range t.gone {
		if slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(t.said[p], f) }) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil
	}
	p := slices.MinFunc(found, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.seq, b.seq))
	})
	return &DamageError{Kind: Erased, Node: p.node, Seq: p.seq, Position: p.seq}
}
