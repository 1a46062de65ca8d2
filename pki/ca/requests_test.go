package ca_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestRequestPages walks through many requests in pages: each that passes the
// filter is seen once, in the order of its state, though states change on the
// way, and a page looks at a bounded number.
func TestRequestPages(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	const n = 700
	id := func(k int) string { return fmt.Sprintf("%064x", k*7919%n) }
	err := a.ledger.Update(t.Context(), func(tx ca.Tx) error {
		for k := range n {
			e := ca.RequestEntry{ID: id(k), State: ca.Submitted, Submitter: "many", CSR: []byte{1}, Created: a.clock.t.Add(-time.Duration(k) * time.Minute)}
			if k%100 == 50 {
				e.Submitter = "few"
			}
			if err := tx.SaveRequest(e); err != nil {
				return err
			}
		}
		_, err := tx.Append(journal.Entry{Time: a.clock.t, Event: "test"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	move := func(id string) {
		t.Helper()
		err := a.ledger.Update(t.Context(), func(tx ca.Tx) error {
			e, err := tx.Request(id)
			if err != nil {
				return err
			}
			e.State = ca.InReview
			_, rerr := tx.Append(journal.Entry{Time: a.clock.t, Event: "test"})
			return errors.Join(tx.SaveRequest(e), rerr)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var got, want []string
	for k := range n {
		want = append(want, id(k))
	}
	for after, more := "", true; more; more = after != "" {
		list, next, err := a.RequestPage(t.Context(), ca.RequestFilter{State: ca.Submitted}, after, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			got = append(got, e.ID)
		}
		if next != "" {
			move(next) // somebody takes the last one of the page
		}
		after = next
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d requests in another order than the newest first", len(got))
	}
	var few []string
	pages := 0
	for after, more := "", true; more; more = after != "" {
		list, next, err := a.RequestPage(t.Context(), ca.RequestFilter{Submitter: "few"}, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			few = append(few, e.ID)
		}
		after = next
		pages++
	}
	if len(few) != n/100 || !slices.IsSorted(few) || pages < 5 {
		t.Errorf("%d requests in %d pages", len(few), pages)
	}
	_, _, err = a.RequestPage(t.Context(), ca.RequestFilter{State: ca.Submitted}, "none", 1)
	wantErr(t, "behind one that is not there", err, ca.ErrNotFound)
}
