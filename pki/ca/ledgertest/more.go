package ledgertest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// requestOf returns a request whose identifier begins with a digit.
func requestOf(n byte) ca.RequestEntry {
	return ca.RequestEntry{
		ID: strings.Repeat(fmt.Sprintf("%02x", n), 32), State: ca.Submitted, Profile: "citizen@1", CSR: der(n),
		Submitter: "Петрова", Created: now, Updated: now,
	}
}

func testRequests(t *testing.T, open Open) {
	l := mustOpen(t, open)
	save := func(e ca.RequestEntry) func(ca.Tx) error { return func(tx ca.Tx) error { return tx.SaveRequest(e) } }
	for _, n := range []byte{3, 1, 2} {
		update(t, l, save(requestOf(n)))
	}
	wantErr(t, "new although it is there", tryUpdate(t.Context(), l, save(requestOf(2))), ca.ErrVersion)
	changed := requestOf(2)
	changed.Version, changed.State, changed.Note = 1, ca.Approved, "проверено"
	update(t, l, save(changed))
	wantErr(t, "an old version", tryUpdate(t.Context(), l, save(changed)), ca.ErrVersion)
	future := requestOf(9)
	future.Version = 4
	wantErr(t, "a version of nothing", tryUpdate(t.Context(), l, save(future)), ca.ErrVersion)
	view(t, l, func(tx ca.ReadTx) error {
		e, err := tx.Request(changed.ID)
		if err != nil || e.Version != 2 || e.State != ca.Approved || e.Note != "проверено" || !bytes.Equal(e.CSR, der(2)) || !e.Created.Equal(now) {
			t.Errorf("Request: %+v, %v", e, err)
		}
		_, err = tx.Request("none")
		wantErr(t, "Request", err, ca.ErrNotFound)
		for _, tt := range []struct {
			after  string
			filter ca.RequestFilter
			want   []byte
		}{
			{"", ca.RequestFilter{}, []byte{1, 2, 3}},
			{requestOf(1).ID, ca.RequestFilter{}, []byte{2, 3}},
			{"", ca.RequestFilter{State: ca.Submitted}, []byte{1, 3}},
			{"", ca.RequestFilter{Submitter: "nobody"}, nil},
		} {
			var got []byte
			for e, err := range tx.Requests(tt.after, tt.filter) {
				if err != nil {
					return err
				}
				got = append(got, e.CSR[2])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Requests(%q, %v): %v, want %v", tt.after, tt.filter, got, tt.want)
			}
		}
		return nil
	})
}

func testOperators(t *testing.T, open Open) {
	l := mustOpen(t, open)
	save := func(o ca.Operator) func(ca.Tx) error { return func(tx ca.Tx) error { return tx.SaveOperator(o) } }
	one := ca.Operator{Name: "Петрова", Roles: []ca.Role{ca.RoleApprover}, Certificate: der(1), Added: now}
	update(t, l, save(one))
	update(t, l, save(ca.Operator{Name: "ivanov", Roles: []ca.Role{ca.RoleOperator}, Certificate: der(2), Added: now}))
	wantErr(t, "new although it is there", tryUpdate(t.Context(), l, save(one)), ca.ErrVersion)
	one.Version, one.Removed = 1, now
	update(t, l, save(one))
	view(t, l, func(tx ca.ReadTx) error {
		o, err := tx.Operator("Петрова")
		if err != nil || o.Version != 2 || !o.Removed.Equal(now) || o.Has(ca.RoleApprover) {
			t.Errorf("Operator: %+v, %v", o, err)
		}
		_, err = tx.Operator("петрова")
		wantErr(t, "Operator", err, ca.ErrNotFound)
		var names []string
		for o, err := range tx.Operators() {
			if err != nil {
				return err
			}
			names = append(names, o.Name)
		}
		if !slices.Equal(names, []string{"ivanov", "Петрова"}) { // by octets, whatever the locale
			t.Errorf("Operators: %q", names)
		}
		return nil
	})
}

func testBlockedKeys(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, func(tx ca.Tx) error {
		return errors.Join(tx.BlockKey([]byte{2}), tx.BlockKey([]byte{1, 9}), tx.BlockKey([]byte{2}))
	})
	view(t, l, func(tx ca.ReadTx) error {
		var got []string
		for k, err := range tx.BlockedKeys() {
			if err != nil {
				return err
			}
			got = append(got, string(k))
		}
		if !slices.Equal(got, []string{"\x01\x09", "\x02"}) {
			t.Errorf("BlockedKeys: %q", got)
		}
		return nil
	})
}

func testErase(t *testing.T, open Open) {
	l := mustOpen(t, open)
	update(t, l, func(tx ca.Tx) error {
		_, err := tx.Append(journal.Entry{Time: now, Event: "issue", Subject: "1", Data: map[string]string{"name": "CN=Иванов", "profile": "citizen"}})
		return err
	})
	erase := func(seq uint64, field string) error {
		return tryUpdate(t.Context(), l, func(tx ca.Tx) error {
			e := journal.Erasure{Node: journal.DefaultNode, Seq: seq, Fields: []string{field}, Time: now}
			if _, err := tx.Erase(e.Node, e.Seq, e.Fields...); err != nil {
				return err
			}
			_, err := tx.Append(e.Entry())
			return err
		})
	}
	wantErr(t, "no such record", erase(99, "data.name"), ca.ErrNotFound)
	wantErr(t, "no such field", erase(1, "data.none"), journal.ErrNoField)
	if err := erase(1, "data.name"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "without a record", l.Update(t.Context(), func(tx ca.Tx) error {
		_, err := tx.Erase(journal.DefaultNode, 1, "subject")
		return err
	}), ca.ErrNoRecord)
	view(t, l, func(tx ca.ReadTx) error {
		for r, err := range tx.Journal(journal.DefaultNode, 0) {
			if err != nil {
				return err
			}
			if !r.Intact() || r.Seq == 1 && (r.Data["name"] != "" || r.Data["profile"] != "citizen" || r.Subject != "1") {
				t.Errorf("record: %+v", r)
			}
		}
		return nil
	})
	if _, err := ca.VerifyJournal(t.Context(), l); err != nil {
		t.Error(err)
	}
}

// signedHeads returns heads with a number that are well-formed; the signature
// is nobody's, since a ledger does not check it.
func signedHeads(n uint64) journal.SignedHeads {
	h := journal.SignedHeads{Heads: journal.Heads{Number: n, Time: now}, Algorithm: []byte{0x30, 0}, Signature: []byte{byte(n)}}
	if n > 1 {
		h.Prev = journal.Digest{1}
	}
	return h
}

func testSignedHeads(t *testing.T, open Open) {
	l := mustOpen(t, open)
	put := func(n uint64) func(ca.Tx) error {
		return func(tx ca.Tx) error { return tx.AddSignedHeads(signedHeads(n)) }
	}
	wantErr(t, "2 without 1", tryUpdate(t.Context(), l, put(2)), ca.ErrHeadsNumber)
	for n := range uint64(3) {
		update(t, l, put(n+1))
	}
	wantErr(t, "3 again", tryUpdate(t.Context(), l, put(3)), ca.ErrHeadsNumber)
	view(t, l, func(tx ca.ReadTx) error {
		last, err := tx.LastSignedHeads()
		if err != nil || last.Number != 3 || !last.Time.Equal(now) || last.Signature[0] != 3 {
			t.Errorf("LastSignedHeads: %+v, %v", last, err)
		}
		want := uint64(2)
		for h, err := range tx.SignedHeads(1) {
			if err != nil || h.Number != want {
				t.Errorf("SignedHeads: %+v, %v, want %d", h, err, want)
			}
			want++
		}
		if want != 4 {
			t.Errorf("SignedHeads ended before %d", want)
		}
		return nil
	})
}

// testPages: more entries than an implementation fetches at a time.
func testPages(t *testing.T, open Open) {
	l := mustOpen(t, open)
	const n = 2500
	update(t, l, func(tx ca.Tx) error {
		for i := range n {
			e := entry(1)
			e.Serial[0], e.Serial[10], e.Serial[11] = 1, byte(i>>8), byte(i)
			if err := tx.Add(e, der(1)); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, l, func(tx ca.ReadTx) error {
		got, last := 0, ca.Serial{}
		for e, err := range tx.Entries(ca.Serial{}) {
			if err != nil {
				return err
			}
			if bytes.Compare(last[:], e.Serial[:]) >= 0 {
				t.Fatalf("%s behind %s", e.Serial, last)
			}
			// A question between two entries does not disturb the iteration.
			if _, err := tx.Certificate(e.Serial); err != nil {
				return err
			}
			last = e.Serial
			got++
		}
		if got != n {
			t.Errorf("%d entries, want %d", got, n)
		}
		return nil
	})
}

// Fill puts a little of everything on a ledger.
func Fill(t testing.TB, l ca.Ledger) {
	t.Helper()
	update(t, l, func(tx ca.Tx) error { return tx.SetIssuer(der(77)) })
	update(t, l, add(3, 1, 2, 200))
	update(t, l, set(2, ca.Revoked, ca.KeyCompromise))
	update(t, l, set(3, ca.OnHold, ca.CertificateHold))
	update(t, l, func(tx ca.Tx) error {
		err := errors.Join(tx.BlockKey([]byte{2}), tx.BlockKey([]byte{1}), tx.SaveRequest(requestOf(5)), tx.SaveRequest(requestOf(4)))
		for n := range uint64(2) {
			err = errors.Join(err, tx.AddCRL(ca.CRLEntry{Number: n + 7, ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 7), Entries: 2, DER: der(byte(n))}))
		}
		err = errors.Join(err, tx.AddCRL(ca.CRLEntry{Number: 9, Base: 8, ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 7), Entries: 2, DER: der(8)}))
		return errors.Join(err, tx.SaveOperator(ca.Operator{Name: "ivanov", Roles: []ca.Role{ca.RoleOperator, ca.RoleAuditor}, Certificate: der(2), Added: now, Removed: now}), tx.SaveOperator(ca.Operator{Name: "Петрова", Roles: []ca.Role{ca.RoleApprover}, Certificate: der(1), Added: now}),
			tx.AddSignedHeads(signedHeads(1)))
	})
	update(t, l, func(tx ca.Tx) error {
		e, err := tx.Request(requestOf(4).ID)
		if err != nil {
			return err
		}
		e.State, e.Note = ca.Issued, "a<b & \u2028 \x00"
		e.Submission = &ca.Approval{Operator: "ivanov", Role: ca.RoleOperator, Decision: ca.DecisionSubmit, At: now, Statement: []byte("{}"), Signature: der(3)}
		e.Approvals = []ca.Approval{{Operator: "Петрова", Role: ca.RoleApprover, Decision: ca.DecisionApprove, At: now, Statement: []byte("{}"), Signature: der(4)}}
		e.Serial, e.Renews, e.Renewal = serial(1), serial(2), der(9)
		if err := tx.SaveRequest(e); err != nil {
			return err
		}
		_, err = tx.Append(journal.Entry{Time: now, Event: "issue", Subject: "<&>", Data: map[string]string{"name": "CN=Иванов", "x": "\x00"}})
		return err
	})
	update(t, l, func(tx ca.Tx) error {
		e := journal.Erasure{Node: journal.DefaultNode, Seq: 6, Fields: []string{"data.name"}, Time: now}
		if _, err := tx.Erase(e.Node, e.Seq, e.Fields...); err != nil {
			return err
		}
		_, err := tx.Append(e.Entry())
		return err
	})
}

// verifyChains is ca.VerifyJournal without the signed heads, which Fill makes
// up.
func verifyChains(t *testing.T, l ca.Ledger) {
	t.Helper()
	view(t, l, func(tx ca.ReadTx) error {
		heads, err := tx.Heads()
		for node, h := range heads {
			if _, verr := journal.Verify(tx.Journal(node, 0), h); verr != nil {
				t.Errorf("%s: %v", node, verr)
			}
		}
		return err
	})
}

// Import begins the import of a ledger at a place.
type Import func(t *testing.T, dir string) ca.Importer

// RunImport runs the suite of an importer: what is copied to a new place and
// back has the same digest, and what was not finished is no ledger.
func RunImport(t *testing.T, open Open, begin Import) {
	dir := t.TempDir()
	from := open(t, dir)
	defer func() {
		if err := from.Close(); err != nil {
			t.Error(err)
		}
	}()
	Fill(t, from)
	fillPersons(t, from)
	want, err := ca.LedgerDigest(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	// The first copy is interrupted; the second one begins anew.
	var dump bytes.Buffer
	if _, err := ca.Dump(t.Context(), from, &dump); err != nil {
		t.Fatal(err)
	}
	cut := dump.Bytes()[:dump.Len()-40]
	if _, err := ca.Load(t.Context(), bytes.NewReader(cut), ca.LoadOptions{Open: func() (ca.Importer, error) { return begin(t, to), nil }}); !errors.Is(err, ca.ErrBackup) {
		t.Fatalf("a dump that was cut off: %v", err)
	}
	sum, err := ca.Copy(t.Context(), from, func() (ca.Importer, error) { return begin(t, to), nil })
	if err != nil || sum != want {
		t.Fatalf("Copy: %+v, %v; want %+v", sum, err, want)
	}
	l := open(t, to)
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got, err := ca.LedgerDigest(t.Context(), l); err != nil || got != want {
		t.Fatalf("the copy: %+v, %v; want %+v", got, err, want)
	}
	verifyChains(t, l)
	checkIndexes(t, from, l)
	update(t, l, add(201)) // the chain goes on
	wantErr(t, "a revocation stays", tryUpdate(t.Context(), l, set(2, ca.Valid, 0)), ca.ErrRevoked)
	verifyChains(t, l)
	if got, err := ca.LedgerDigest(t.Context(), l); err != nil || got.Digest == want.Digest {
		t.Errorf("a change does not show in the digest: %v", err)
	}
}
