package ca

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
)

// StateKind is what a [StateError] is about. The values are stable.
type StateKind string

// What the state of a ledger consists of.
const (
	StateAuthority   StateKind = "authority"   // the certificate that the ledger belongs to
	StateCertificate StateKind = "certificate" // named by the serial number
	StateBlockedKey  StateKind = "blocked-key" // named by the key identifier
	StateList        StateKind = "list"        // named by the number
	StateRequest     StateKind = "request"     // named by the identifier
	StateOperator    StateKind = "operator"    // named by the name
)

// StateError says where the state of a ledger is not what the records of its
// journal say: somebody wrote into the store.
type StateError struct {
	Kind StateKind `json:"kind"`
	// Name is which one; "" where a record names none and the ledger has none.
	Name string `json:"name,omitempty"`
	// Field is what differs, by the JSON name of the field of the entry; "entry"
	// where there is no entry, "record" where no record speaks of it, and
	// "listed" where the index of what the next list names is wrong.
	Field string `json:"field"`
	// Node and Seq are the place of the record that says otherwise; 0 for none.
	Node string `json:"node,omitempty"`
	Seq  uint64 `json:"seq,omitempty"`
	// Has and Wants are what the ledger and the journal say, where that is not
	// about a person.
	Has   string `json:"has,omitempty"`
	Wants string `json:"wants,omitempty"`
}

// Error names the place and the field.
func (e *StateError) Error() string {
	s := fmt.Sprintf("ca: the ledger is not what its journal says: %s %s: %s", e.Kind, e.Name, e.Field)
	if e.Has != "" || e.Wants != "" {
		s += fmt.Sprintf(": %q and not %q", e.Has, e.Wants)
	}
	if e.Seq > 0 {
		s += fmt.Sprintf(" (record %d of %s)", e.Seq, e.Node)
	}
	return s
}

// StateReport is what [VerifyState] looked at.
type StateReport struct {
	// Chains are the ends of the journal's chains, as [VerifyJournal] gives them.
	Chains       map[string]journal.Head `json:"chains,omitempty"`
	Certificates int                     `json:"certificates"`
	Requests     int                     `json:"requests"`
	Operators    int                     `json:"operators"`
	// Unproven is how many of these could not be compared because values of
	// their records were erased; First is one of them.
	Unproven int         `json:"unproven,omitempty"`
	First    *StateError `json:"first,omitempty"`
}

// VerifyState checks the whole journal, as [VerifyJournal] does, and then that
// the state of the ledger is what the records say, in one consistent view:
//
//   - every certificate has the record of its issue, with its digest, profile,
//     name and times, and what the entry says beside is in the certificate;
//   - its status, reason, time and invalidity date are those of its records,
//     it left the lists by a list beyond its validity, and the index of what the
//     next list names is right;
//   - every record of an issue has its certificate;
//   - keys are blocked that were revoked as compromised, and no others;
//   - the last list has the highest number on record, is what that record says,
//     and is signed by the authority;
//   - requests have the state, the version, the profile, the submitter and the
//     signed statements that their records say, and operators their certificate,
//     roles and times; none is missing.
//
// What no record holds is not compared: days, identification and note of a
// request, and a request that was issued in bulk and then removed. What cannot
// be compared because a value was erased is counted in the report.
//
// The error is that of VerifyJournal or a *[StateError] for the first place. In
// memory are 64 octets a certificate, about 200 for each that was ever on hold or
// revoked, and about 300 for each request that went over the desk.
func VerifyState(ctx context.Context, l Ledger) (StateReport, error) {
	var out StateReport
	err := l.View(ctx, func(tx ReadTx) error {
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		if len(heads) > limits.JournalChains {
			return fmt.Errorf("ca: journal: more than %d chains", limits.JournalChains)
		}
		b := newStateBook()
		chains, err := verifyJournal(ctx, tx, b.see)
		if err != nil {
			return err
		}
		b.issued.sort()
		v := &stateCheck{ctx: ctx, tx: tx, book: b}
		v.report.Chains = chains
		for _, check := range []func() error{v.authority, v.lists, v.certificates, v.requests, v.operators} {
			if err := check(); err != nil {
				return err
			}
		}
		out = v.report
		return nil
	})
	return out, err
}

// verifyJournal is [VerifyJournal] within a view; see is shown every record that
// was verified, chain by chain.
func verifyJournal(ctx context.Context, tx ReadTx, see func(journal.Record)) (map[string]journal.Head, error) {
	got := map[string]journal.Head{}
	series, err := verifySeries(ctx, tx)
	if err != nil {
		return got, err
	}
	series.see = see
	heads, err := tx.Heads()
	if err != nil {
		return got, err
	}
	for _, c := range series.last.Chains {
		if _, ok := heads[c.Node]; !ok {
			return got, &journal.DamageError{Kind: journal.Truncated, Node: c.Node, Seq: 1, Position: 1}
		}
	}
	for _, node := range slices.Sorted(maps.Keys(heads)) {
		if got[node], err = series.verifyChain(ctx, tx, heads[node]); err != nil {
			return got, err
		}
	}
	return got, series.tombs.Err()
}
