// Package ledgertest is the suite that every implementation of ca.Ledger
// passes. It is imported by tests only.
package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// Open opens the ledger kept at a place, which is a directory of the test. It
// is called again after Close to see what was kept.
type Open func(t *testing.T, dir string) ca.Ledger

var now = time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, tt := range []struct {
		name string
		f    func(t *testing.T, open Open)
	}{
		{"Empty", testEmpty},
		{"Add", testAdd},
		{"Rollback", testRollback},
		{"NoRecord", testNoRecord},
		{"Status", testStatus},
		{"RevokedStays", testRevokedStays},
		{"Listed", testListed},
		{"CRL", testCRL},
		{"CRLBase", testCRLBase},
		{"Issuer", testIssuer},
		{"BlockKey", testBlockKey},
		{"Journal", testJournal},
		{"Reopen", testReopen},
		{"Context", testContext},
		{"Concurrent", testConcurrent},
		{"Snapshot", testSnapshot},
		{"Requests", testRequests},
		{"RequestStates", testRequestStates},
		{"RequestStatePages", testRequestStatePages},
		{"Operators", testOperators},
		{"BlockedKeys", testBlockedKeys},
		{"Erase", testErase},
		{"SignedHeads", testSignedHeads},
		{"Pages", testPages},
		{"Search", testSearch},
		{"Expiring", testExpiring},
		{"Days", testDays},
		{"IndexPages", testIndexPages},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.f(t, open) })
	}
}

// serial returns the serial number n.
func serial(n byte) ca.Serial {
	var s ca.Serial
	s[ca.SerialSize-1] = n
	return s
}

func entry(n byte) ca.Entry {
	return ca.Entry{
		Serial: serial(n), Profile: "citizen", Subject: "CN=Иванов", KeyID: []byte{n}, NotBefore: now,
		NotAfter: now.AddDate(1, 0, 0), IssuedAt: now, Status: ca.Valid,
	}
}

func der(n byte) []byte { return []byte{0x30, 1, n} }

// update runs f with a journal record and fails the test on an error.
func update(t testing.TB, l ca.Ledger, f func(ca.Tx) error) {
	t.Helper()
	if err := tryUpdate(t.Context(), l, f); err != nil {
		t.Fatal(err)
	}
}

func tryUpdate(ctx context.Context, l ca.Ledger, f func(ca.Tx) error) error {
	return l.Update(ctx, func(tx ca.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		_, err := tx.Append(journal.Entry{Time: now, Event: "test"})
		return err
	})
}

func view(t *testing.T, l ca.Ledger, f func(ca.ReadTx) error) {
	t.Helper()
	if err := l.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func add(n ...byte) func(ca.Tx) error {
	return func(tx ca.Tx) error {
		for _, n := range n {
			if err := tx.Add(entry(n), der(n)); err != nil {
				return err
			}
		}
		return nil
	}
}

func mustOpen(t *testing.T, open Open) ca.Ledger {
	l := open(t, t.TempDir())
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func testEmpty(t *testing.T, open Open) {
	l := mustOpen(t, open)
	view(t, l, func(tx ca.ReadTx) error {
		_, err := tx.Entry(serial(1))
		wantErr(t, "Entry", err, ca.ErrNotFound)
		_, err = tx.Certificate(serial(1))
		wantErr(t, "Certificate", err, ca.ErrNotFound)
		_, err = tx.LastCRL()
		wantErr(t, "LastCRL", err, ca.ErrNotFound)
		_, err = tx.Issuer()
		wantErr(t, "Issuer", err, ca.ErrNotFound)
		for e, err := range tx.Entries(ca.Serial{}) {
			t.Errorf("Entries: %v, %v", e, err)
		}
		h, err := tx.Heads()
		if len(h) > 0 {
			t.Errorf("Heads: %v", h)
		}
		return err
	})
	if h, err := ca.VerifyJournal(t.Context(), l); err != nil || len(h) != 0 {
		t.Errorf("VerifyJournal: %v, %v", h, err)
	}
}

func testAdd(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, add(3, 1, 2))
	wantErr(t, "second Add", tryUpdate(t.Context(), l, add(2)), ca.ErrSerialUsed)
	wantErr(t, "twice in one Update", tryUpdate(t.Context(), l, add(4, 4)), ca.ErrSerialUsed)
	wantErr(t, "serial zero", tryUpdate(t.Context(), l, add(0)), ca.ErrSerialUsed)
	view(t, l, func(tx ca.ReadTx) error {
		e, err := tx.Entry(serial(2))
		if err != nil || e.Subject != "CN=Иванов" || !e.NotAfter.Equal(now.AddDate(1, 0, 0)) || !bytes.Equal(e.KeyID, []byte{2}) || e.Status != ca.Valid {
			t.Errorf("Entry: %+v, %v", e, err)
		}
		c, err := tx.Certificate(serial(2))
		if err != nil || !bytes.Equal(c, der(2)) {
			t.Errorf("Certificate: %x, %v", c, err)
		}
		for after, want := range map[byte][]byte{0: {1, 2, 3}, 1: {2, 3}, 2: {3}, 3: nil, 200: nil} {
			if got := numbers(t, tx.Entries(serial(after))); !slices.Equal(got, want) {
				t.Errorf("Entries after %d: %v, want %v", after, got, want)
			}
		}
		for range tx.Entries(ca.Serial{}) {
			break // an iteration may be left
		}
		return nil
	})
}

// numbers collects the last octets of the serial numbers.
func numbers(t *testing.T, entries func(func(ca.Entry, error) bool)) []byte {
	t.Helper()
	var got []byte
	for e, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Serial[ca.SerialSize-1])
	}
	return got
}

func testRollback(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, add(1))
	boom := errors.New("boom")
	err := l.Update(t.Context(), func(tx ca.Tx) error {
		if err := add(2)(tx); err != nil {
			return err
		}
		if _, err := tx.Entry(serial(2)); err != nil {
			t.Errorf("a change does not see itself: %v", err)
		}
		if err := tx.AddCRL(ca.CRLEntry{Number: 1, DER: der(1)}); err != nil {
			return err
		}
		if _, err := tx.Append(journal.Entry{Time: now, Event: "test"}); err != nil {
			return err
		}
		return boom
	})
	wantErr(t, "Update", err, boom)
	view(t, l, func(tx ca.ReadTx) error {
		_, err := tx.Entry(serial(2))
		wantErr(t, "Entry", err, ca.ErrNotFound)
		_, err = tx.LastCRL()
		wantErr(t, "LastCRL", err, ca.ErrNotFound)
		return nil
	})
	if h, err := ca.VerifyJournal(t.Context(), l); err != nil || h[journal.DefaultNode].Seq != 1 {
		t.Errorf("journal: %v, %v", h, err)
	}
}

func testNoRecord(t *testing.T, open Open) {
	l := mustOpen(t, open)
	wantErr(t, "Update", l.Update(t.Context(), add(1)), ca.ErrNoRecord)
	view(t, l, func(tx ca.ReadTx) error {
		_, err := tx.Entry(serial(1))
		wantErr(t, "Entry", err, ca.ErrNotFound)
		return nil
	})
	if err := l.Update(t.Context(), func(ca.Tx) error { return nil }); err != nil {
		t.Errorf("an Update that changes nothing: %v", err)
	}
}

func set(n byte, s ca.Status, r ca.Reason) func(ca.Tx) error {
	return func(tx ca.Tx) error {
		e, err := tx.Entry(serial(n))
		if err != nil {
			return err
		}
		e.Status, e.Reason, e.RevokedAt = s, r, now
		e.Subject = "CN=changed" // not a part of the status
		return tx.SetStatus(e)
	}
}

func testStatus(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, add(1))
	wantErr(t, "unknown", tryUpdate(t.Context(), l, func(tx ca.Tx) error { return tx.SetStatus(entry(9)) }), ca.ErrNotFound)
	update(t, l, set(1, ca.OnHold, ca.CertificateHold))
	update(t, l, set(1, ca.Valid, 0))
	update(t, l, set(1, ca.Revoked, ca.Superseded))
	view(t, l, func(tx ca.ReadTx) error {
		e, err := tx.Entry(serial(1))
		if err != nil || e.Status != ca.Revoked || e.Reason != ca.Superseded || !e.RevokedAt.Equal(now) {
			t.Errorf("Entry: %+v, %v", e, err)
		}
		if e.Subject != "CN=Иванов" {
			t.Errorf("SetStatus changed the subject: %q", e.Subject)
		}
		return nil
	})
}

func testRevokedStays(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, add(1))
	update(t, l, set(1, ca.Revoked, ca.KeyCompromise))
	for name, f := range map[string]func(ca.Tx) error{
		"to valid": set(1, ca.Valid, 0), "to hold": set(1, ca.OnHold, ca.CertificateHold), "other reason": set(1, ca.Revoked, ca.Superseded),
		"other date": func(tx ca.Tx) error {
			e, err := tx.Entry(serial(1))
			if err != nil {
				return err
			}
			e.RevokedAt = now.Add(time.Hour)
			return tx.SetStatus(e)
		},
	} {
		wantErr(t, name, tryUpdate(t.Context(), l, f), ca.ErrRevoked)
	}
}

func testListed(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, add(1, 2, 3, 4))
	update(t, l, set(4, ca.Revoked, ca.Superseded))
	update(t, l, set(2, ca.OnHold, ca.CertificateHold))
	update(t, l, set(1, ca.OnHold, ca.CertificateHold))
	want := func(want ...byte) {
		t.Helper()
		view(t, l, func(tx ca.ReadTx) error {
			if got := numbers(t, tx.Listed()); !slices.Equal(got, want) {
				t.Errorf("Listed: %v, want %v", got, want)
			}
			return nil
		})
	}
	want(1, 2, 4)
	update(t, l, set(1, ca.Valid, 0))
	want(2, 4)
	update(t, l, func(tx ca.Tx) error {
		e, err := tx.Entry(serial(4))
		if err != nil {
			return err
		}
		e.DroppedAfter = 7
		return tx.SetStatus(e)
	})
	want(2)
}

func testCRL(t *testing.T, open Open) {
	l := mustOpen(t, open)
	crl := func(n uint64) func(ca.Tx) error {
		return func(tx ca.Tx) error {
			return tx.AddCRL(ca.CRLEntry{Number: n, ThisUpdate: now, NextUpdate: now.Add(time.Hour), Entries: 3, DER: der(byte(n))})
		}
	}
	for _, n := range []uint64{1, 2, 300} {
		update(t, l, crl(n))
	}
	for _, n := range []uint64{300, 299, 1, 0} {
		wantErr(t, fmt.Sprint("number ", n), tryUpdate(t.Context(), l, crl(n)), ca.ErrCRLNumber)
	}
	view(t, l, func(tx ca.ReadTx) error {
		e, err := tx.LastCRL()
		if err != nil || e.Number != 300 || e.Entries != 3 || !bytes.Equal(e.DER, der(44)) || !e.NextUpdate.Equal(now.Add(time.Hour)) {
			t.Errorf("LastCRL: %+v, %v", e, err)
		}
		return nil
	})
}

// testCRLBase: a delta list keeps the complete one that it builds on, and a list
// that is too large for a ledger is not in it.
func testCRLBase(t *testing.T, open Open) {
	dir := t.TempDir()
	l := open(t, dir)
	put := func(e ca.CRLEntry) {
		t.Helper()
		update(t, l, func(tx ca.Tx) error {
			if err := tx.AddCRL(e); err != nil {
				return err
			}
			last, err := tx.LastCRL()
			checkCRL(t, "in its own change", last, err, e)
			return nil
		})
		view(t, l, func(tx ca.ReadTx) error {
			last, err := tx.LastCRL()
			checkCRL(t, "later", last, err, e)
			return nil
		})
	}
	complete := ca.CRLEntry{Number: 5, ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 7), Entries: 3, DER: der(5)}
	put(complete)
	delta := complete
	delta.Number, delta.Base = 6, 5
	put(delta)
	delta.Number = 7
	put(delta)
	large := ca.CRLEntry{Number: 8, ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 7), Entries: 100000}
	put(large)
	large.Number, large.Base = 9, 8
	put(large)
	large.DER = []byte{} // empty, and not nil
	large.Number = 10
	put(large)
	wantErr(t, "a delta list with an old number", tryUpdate(t.Context(), l, func(tx ca.Tx) error { return tx.AddCRL(delta) }), ca.ErrCRLNumber)
	put(ca.CRLEntry{Number: 11, ThisUpdate: now, NextUpdate: now, DER: der(11)})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	view(t, l, func(tx ca.ReadTx) error {
		last, err := tx.LastCRL()
		checkCRL(t, "opened again", last, err, ca.CRLEntry{Number: 11, ThisUpdate: now, NextUpdate: now, DER: der(11)})
		return nil
	})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func checkCRL(t *testing.T, when string, got ca.CRLEntry, err error, want ca.CRLEntry) {
	t.Helper()
	if err != nil || got.Number != want.Number || got.Base != want.Base || got.Entries != want.Entries ||
		!got.ThisUpdate.Equal(want.ThisUpdate) || !got.NextUpdate.Equal(want.NextUpdate) || !bytes.Equal(got.DER, want.DER) {
		t.Errorf("%s: LastCRL: %+v, %v; want %+v", when, got, err, want)
	}
}

func testIssuer(t *testing.T, open Open) {
	l := mustOpen(t, open)
	for range 2 {
		update(t, l, func(tx ca.Tx) error { return tx.SetIssuer(der(1)) })
	}
	if tryUpdate(t.Context(), l, func(tx ca.Tx) error { return tx.SetIssuer(der(2)) }) == nil {
		t.Error("another issuer is accepted")
	}
	view(t, l, func(tx ca.ReadTx) error {
		got, err := tx.Issuer()
		if !bytes.Equal(got, der(1)) {
			t.Errorf("Issuer: %x", got)
		}
		return err
	})
}

func testBlockKey(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, func(tx ca.Tx) error { return tx.BlockKey([]byte{1, 2}) })
	view(t, l, func(tx ca.ReadTx) error {
		for key, want := range map[string]bool{"\x01\x02": true, "\x01": false, "\x01\x02\x03": false, "": false} {
			if got, err := tx.KeyBlocked([]byte(key)); got != want || err != nil {
				t.Errorf("KeyBlocked(%x): %v, %v", key, got, err)
			}
		}
		return nil
	})
	if tryUpdate(t.Context(), l, func(tx ca.Tx) error { return tx.BlockKey(nil) }) == nil {
		t.Error("an empty key identifier is accepted")
	}
}

func testJournal(t *testing.T, open Open) {
	l := mustOpen(t, open)
	for i := range 5 {
		update(t, l, func(tx ca.Tx) error {
			_, err := tx.Append(journal.Entry{Time: now, Event: "first", Subject: fmt.Sprint(i), Data: map[string]string{"k": "v"}})
			return err
		})
	}
	head, err := ca.VerifyJournal(t.Context(), l)
	if err != nil || head[journal.DefaultNode].Seq != 10 {
		t.Fatalf("VerifyJournal: %v, %v", head, err)
	}
	view(t, l, func(tx ca.ReadTx) error {
		want := uint64(7)
		for r, err := range tx.Journal(journal.DefaultNode, 6) {
			if err != nil || r.Seq != want || !r.Intact() {
				t.Errorf("Journal: %+v, %v, want number %d", r, err, want)
			}
			want++
		}
		if want != 11 {
			t.Errorf("Journal ended before %d", want)
		}
		for r := range tx.Journal(journal.DefaultNode, ^uint64(0)) {
			t.Errorf("Journal behind the last number: %v", r)
		}
		return nil
	})
}

func testReopen(t *testing.T, open Open) {
	dir := t.TempDir()
	l := open(t, dir)
	update(t, l, add(1, 2))
	update(t, l, set(1, ca.Revoked, ca.KeyCompromise))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	view(t, l, func(tx ca.ReadTx) error {
		e, err := tx.Entry(serial(1))
		if err != nil || e.Status != ca.Revoked || e.Reason != ca.KeyCompromise {
			t.Errorf("Entry: %+v, %v", e, err)
		}
		return nil
	})
	if h, err := ca.VerifyJournal(t.Context(), l); err != nil || h[journal.DefaultNode].Seq != 2 {
		t.Errorf("VerifyJournal: %v, %v", h, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func testContext(t *testing.T, open Open) {
	l := mustOpen(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	err := tryUpdate(ctx, l, func(tx ca.Tx) error {
		cancel()
		return tx.Add(entry(1), der(1))
	})
	wantErr(t, "cancelled inside", err, context.Canceled)
	wantErr(t, "cancelled before", tryUpdate(ctx, l, add(2)), context.Canceled)
	wantErr(t, "View", l.View(ctx, func(ca.ReadTx) error { return nil }), context.Canceled)
	view(t, l, func(tx ca.ReadTx) error {
		if got := numbers(t, tx.Entries(ca.Serial{})); len(got) > 0 {
			t.Errorf("a cancelled Update left %v", got)
		}
		return nil
	})
}

// testConcurrent lets many writers race for the same serial numbers and CRL
// numbers: each number is given out once.
func testConcurrent(t *testing.T, open Open) {
	l := mustOpen(t, open)
	const writers, each = 4, 10
	won := make([]int, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				err := tryUpdate(t.Context(), l, func(tx ca.Tx) error {
					last, err := tx.LastCRL()
					if err != nil && !errors.Is(err, ca.ErrNotFound) {
						return err
					}
					if err := tx.AddCRL(ca.CRLEntry{Number: last.Number + 1}); err != nil {
						return err
					}
					return tx.Add(entry(byte(i+1)), der(byte(i+1)))
				})
				switch {
				case err == nil:
					won[w]++
				case !errors.Is(err, ca.ErrSerialUsed):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range won {
		total += n
	}
	if total != each {
		t.Errorf("%d serial numbers were given out %d times", each, total)
	}
	view(t, l, func(tx ca.ReadTx) error {
		last, err := tx.LastCRL()
		if last.Number != each {
			t.Errorf("last CRL number %d, want %d", last.Number, each)
		}
		return err
	})
	if h, err := ca.VerifyJournal(t.Context(), l); err != nil || h[journal.DefaultNode].Seq != each {
		t.Errorf("VerifyJournal: %v, %v", h, err)
	}
}

// testSnapshot: a view does not see what commits while it lasts. A writer may
// have to wait for the view to end, so the test waits for it only a moment.
func testSnapshot(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, add(1))
	done := make(chan error, 1)
	view(t, l, func(tx ca.ReadTx) error {
		go func() { done <- tryUpdate(context.Background(), l, add(2)) }()
		select {
		case err := <-done:
			done <- err
		case <-time.After(100 * time.Millisecond):
		}
		if _, err := tx.Entry(serial(2)); !errors.Is(err, ca.ErrNotFound) {
			t.Errorf("a view saw a later change: %v", err)
		}
		return nil
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	view(t, l, func(tx ca.ReadTx) error {
		_, err := tx.Entry(serial(2))
		return err
	})
}
