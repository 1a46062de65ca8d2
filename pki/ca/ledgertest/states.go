package ledgertest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// requestAt is requestOf with a time of creation.
func requestAt(n byte, created time.Time) ca.RequestEntry {
	e := requestOf(n)
	e.Created = created
	return e
}

// requestsIn returns what tells the requests of requestOf apart.
func requestsIn(tx ca.ReadTx, after string, f ca.RequestFilter) (got []byte, err error) {
	for e, err := range tx.Requests(after, f) {
		if err != nil {
			return got, err
		}
		got = append(got, e.CSR[2])
	}
	return got, nil
}

// testRequestStates: requests in a state come by the time of their creation,
// the newest first, and a place in that order outlives the state.
func testRequestStates(t *testing.T, open Open) {
	dir := t.TempDir()
	l := open(t, dir)
	for n, created := range map[byte]time.Time{
		1: now, 2: now.Add(time.Hour), 3: now, 4: now.AddDate(0, 0, -1), 5: time.Unix(-5, 0).UTC(), 6: now.Add(2 * time.Hour),
	} {
		update(t, l, func(tx ca.Tx) error { return tx.SaveRequest(requestAt(n, created)) })
	}
	move := func(n byte, s ca.RequestState) func(ca.Tx) error {
		return func(tx ca.Tx) error {
			e, err := tx.Request(requestOf(n).ID)
			if err != nil {
				return err
			}
			e.State, e.Updated = s, now.AddDate(0, 0, 9)
			return tx.SaveRequest(e)
		}
	}
	check := func(after byte, s ca.RequestState, want ...byte) {
		t.Helper()
		id := ""
		if after > 0 {
			id = requestOf(after).ID
		}
		view(t, l, func(tx ca.ReadTx) error {
			got, err := requestsIn(tx, id, ca.RequestFilter{State: s})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s after %d: %v, %v; want %v", s, after, got, err, want)
			}
			return nil
		})
	}
	check(0, ca.Submitted, 6, 2, 1, 3, 4, 5)
	check(2, ca.Submitted, 1, 3, 4, 5)
	check(5, ca.Submitted)
	check(0, ca.Issued)
	check(0, "sub") // the beginning of a state
	update(t, l, move(1, ca.InReview))
	update(t, l, move(2, ca.Rejected))
	update(t, l, move(2, ca.Rejected)) // said again
	wantErr(t, "taken back", tryUpdate(t.Context(), l, func(tx ca.Tx) error {
		if err := move(3, ca.Issued)(tx); err != nil {
			return err
		}
		for s, want := range map[ca.RequestState][]byte{ca.Issued: {3}, ca.Submitted: {6, 4, 5}} {
			if got, err := requestsIn(tx, "", ca.RequestFilter{State: s}); err != nil || !slices.Equal(got, want) {
				t.Errorf("a change does not see its own: %s: %v, %v; want %v", s, got, err, want)
			}
		}
		return errBoom
	}), errBoom)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	defer l.Close() //nolint:errcheck // read only from here
	check(0, ca.Submitted, 6, 3, 4, 5)
	check(0, ca.InReview, 1)
	check(0, ca.Rejected, 2)
	check(1, ca.Submitted, 3, 4, 5) // it is in another state by now
	check(2, ca.InReview, 1)
	view(t, l, func(tx ca.ReadTx) error {
		if got, err := requestsIn(tx, "", ca.RequestFilter{State: ca.Submitted, Submitter: "nobody"}); err != nil || got != nil {
			t.Errorf("of nobody: %v, %v", got, err)
		}
		_, err := requestsIn(tx, requestOf(99).ID, ca.RequestFilter{State: ca.Submitted})
		wantErr(t, "behind one that is not there", err, ca.ErrNotFound)
		for range tx.Requests("", ca.RequestFilter{State: ca.Submitted}) {
			break // an iteration may be left
		}
		return nil
	})
}

var errBoom = errors.New("boom")

// testRequestStatePages: more requests in a state than an implementation
// fetches at a time, among many more in others.
func testRequestStatePages(t *testing.T, open Open) {
	l := mustOpen(t, open)
	const n = 3600
	update(t, l, func(tx ca.Tx) error {
		for i := range n {
			e := requestAt(1, now.Add(-time.Duration(i/2)*time.Second)) // two each second
			var id [32]byte
			binary.BigEndian.PutUint32(id[:], uint32(i*2654435761))
			e.ID, e.Version = hex.EncodeToString(id[:]), 0
			if i%3 > 0 {
				e.State = ca.Issued
			}
			if err := tx.SaveRequest(e); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, l, func(tx ca.ReadTx) error {
		for s, want := range map[ca.RequestState]int{ca.Submitted: n / 3, ca.Issued: n / 3 * 2} {
			got, last := 0, ca.RequestEntry{}
			for e, err := range tx.Requests("", ca.RequestFilter{State: s}) {
				if err != nil {
					return err
				}
				if got > 0 && (e.Created.After(last.Created) || e.Created.Equal(last.Created) && e.ID <= last.ID) {
					t.Fatalf("%s: %s behind %s", s, e.ID, last.ID)
				}
				last = e
				got++
			}
			if got != want {
				t.Errorf("%s: %d, want %d", s, got, want)
			}
		}
		return nil
	})
}
