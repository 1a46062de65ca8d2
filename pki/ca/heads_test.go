package ca_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// edited is a ledger whose journal somebody rewrote behind its back.
type edited struct {
	ca.Ledger
	heads   func(map[string]journal.Head)
	last    func(*journal.SignedHeads)
	signed  func([]journal.SignedHeads) []journal.SignedHeads
	records func([]journal.Record) []journal.Record
}

type editedTx struct {
	ca.ReadTx
	e edited
}

func (e edited) View(ctx context.Context, f func(ca.ReadTx) error) error {
	return e.Ledger.View(ctx, func(tx ca.ReadTx) error { return f(editedTx{tx, e}) })
}

func (t editedTx) Heads() (map[string]journal.Head, error) {
	h, err := t.ReadTx.Heads()
	if t.e.heads != nil {
		t.e.heads(h)
	}
	return h, err
}

func (t editedTx) SignedHeads(after uint64) iter.Seq2[journal.SignedHeads, error] {
	return edit(t.ReadTx.SignedHeads(after), t.e.signed)
}

func (t editedTx) LastSignedHeads() (journal.SignedHeads, error) {
	h, err := t.ReadTx.LastSignedHeads()
	if t.e.last != nil {
		t.e.last(&h)
	}
	return h, err
}

func (t editedTx) Journal(node string, after uint64) iter.Seq2[journal.Record, error] {
	return edit(t.ReadTx.Journal(node, after), t.e.records)
}

func edit[T any](in iter.Seq2[T, error], f func([]T) []T) iter.Seq2[T, error] {
	if f == nil {
		return in
	}
	return func(yield func(T, error) bool) {
		var list []T
		for v, err := range in {
			if err != nil {
				yield(v, err)
				return
			}
			list = append(list, v)
		}
		for _, v := range f(list) {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// headed is an authority with three signed heads and some records between.
func headed(t *testing.T) *authority {
	a := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	key := generate(t, "gost2012-256", "cryptopro-a")
	for n := range 3 {
		a.issue(t, "ocsp", "CN=Client", key)
		h, err := a.SignHeads(t.Context(), "test")
		if err != nil || h.Number != uint64(n+1) {
			t.Fatalf("%d, %v", h.Number, err)
		}
	}
	return a
}

func TestSignHeads(t *testing.T) {
	a := headed(t)
	h, err := a.SignHeads(t.Context(), "test")
	if err != nil || h.Number != 3 {
		t.Errorf("heads without news: %d, %v", h.Number, err)
	}
	got, err := ca.VerifyJournal(t.Context(), a.ledger)
	if err != nil || got["main"].Seq != 7 { // found, three of issue and heads
		t.Fatalf("%v, %v", got, err)
	}
	c, ok := h.Chain("main")
	if !ok || c.Seq != 6 || h.Verify(a.cert.PublicKey) != nil || h.Authority != journal.AuthorityDigest(a.cert) {
		t.Errorf("%+v", h)
	}
	a.clock.t = a.cert.NotAfter.Add(time.Second)
	_, err = a.SignHeads(t.Context(), "test")
	wantErr(t, "after the certificate", err, ca.ErrOutsideValidity)
}

// TestSignDueHeads: a program that runs now and then signs once an hour, and the
// first time an hour after the beginning.
func TestSignDueHeads(t *testing.T) {
	a := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	key := generate(t, "gost2012-256", "cryptopro-a")
	begin := a.clock.t
	for _, tt := range []struct {
		after time.Duration
		due   bool
		last  uint64
	}{
		{59 * time.Minute, false, 0}, {time.Hour, true, 1}, {time.Hour + time.Second, false, 1}, {2*time.Hour + time.Second, true, 2},
	} {
		a.clock.t = begin.Add(tt.after)
		a.issue(t, "ocsp", "CN=Client", key)
		due, err := a.SignDueHeads(t.Context(), "test", time.Hour)
		var last journal.SignedHeads
		verr := a.ledger.View(t.Context(), func(tx ca.ReadTx) (err error) {
			if last, err = tx.LastSignedHeads(); errors.Is(err, ca.ErrNotFound) {
				err = nil
			}
			return err
		})
		if due != tt.due || last.Number != tt.last || err != nil || verr != nil {
			t.Errorf("after %s: %v, number %d, %v, %v", tt.after, due, last.Number, err, verr)
		}
	}
	a.clock.t = begin.Add(24 * time.Hour)
	e := edited{Ledger: a.ledger, records: func(c []journal.Record) []journal.Record { return c[1:] }}
	i, err := ca.New(t.Context(), ca.Config{Certificate: a.cert, Key: a.key, Ledger: e, Rules: sets.All(), Settings: settings(), Now: a.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.SignDueHeads(t.Context(), "test", time.Hour); !journal.IsDamage(err) {
		t.Errorf("a damaged journal: %v", err)
	}
}

// forge rewrites everything from record n on, as one can who has the ledger.
func forge(n int) func(c []journal.Record) []journal.Record {
	return func(c []journal.Record) []journal.Record {
		head := journal.Head{Node: "main"}
		for i := range c {
			if i >= n-1 {
				e := c[i].Entry
				if i == n-1 {
					e.Actor = "somebody else"
				}
				r, err := head.Next(e)
				if err != nil {
					panic(err)
				}
				c[i] = r
			}
			head = c[i].Head()
		}
		return c
	}
}

func TestVerifyJournalFinds(t *testing.T) {
	a := headed(t)
	for name, tt := range map[string]struct {
		e     edited
		kind  journal.Kind
		first uint64
		heads uint64 // number of the signed heads that are wrong
	}{
		"removed":        {edited{records: func(c []journal.Record) []journal.Record { return slices.Delete(c, 2, 3) }}, journal.Removed, 3, 0},
		"chain gone":     {edited{heads: func(h map[string]journal.Head) { delete(h, "main") }}, journal.Truncated, 1, 0},
		"last heads":     {edited{signed: func(s []journal.SignedHeads) []journal.SignedHeads { return s[:2] }}, "", 0, 3},
		"all heads":      {edited{signed: func([]journal.SignedHeads) []journal.SignedHeads { return nil }}, "", 0, 1},
		"first heads":    {edited{signed: func(s []journal.SignedHeads) []journal.SignedHeads { return s[1:] }}, "", 0, 1},
		"heads in doubt": {edited{signed: func(s []journal.SignedHeads) []journal.SignedHeads { s[1].Signature[0]++; return s }}, "", 0, 2},
		"truncated": {edited{
			records: func(c []journal.Record) []journal.Record { return c[:4] },
			heads: func(h map[string]journal.Head) {
				delete(h, "main")
				h["main"] = journal.Head{Node: "main", Seq: 4, Hash: recordHash(t, a.ledger, 4)}
			},
		}, journal.Truncated, 5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tt.e.Ledger = a.ledger
			_, err := ca.VerifyJournal(t.Context(), tt.e)
			var d *journal.DamageError
			var h *journal.HeadsError
			switch {
			case tt.kind != "" && (!errors.As(err, &d) || d.Kind != tt.kind || d.Seq != tt.first):
				t.Errorf("got %v, want %s at %d", err, tt.kind, tt.first)
			case tt.heads > 0 && (!errors.As(err, &h) || h.Number != tt.heads):
				t.Errorf("got %v, want heads %d", err, tt.heads)
			}
		})
	}
}

func recordHash(t *testing.T, l ca.Ledger, seq uint64) (d journal.Digest) {
	t.Helper()
	err := l.View(t.Context(), func(tx ca.ReadTx) error {
		for r, err := range tx.Journal("main", seq-1) {
			d = r.Hash
			return err
		}
		return errors.New("no record")
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestVerifyJournalForged rewrites the chain with right digests and a right
// head; only the signed heads know.
func TestVerifyJournalForged(t *testing.T) {
	a := headed(t)
	for n, want := range map[int][2]uint64{1: {1, 2}, 2: {1, 2}, 3: {3, 4}, 4: {3, 4}, 5: {5, 6}, 6: {5, 6}} {
		var head journal.Head
		e := edited{
			Ledger: a.ledger,
			heads:  func(h map[string]journal.Head) { h["main"] = head },
		}
		var forged []journal.Record // once: salts differ from run to run
		e.records = func(c []journal.Record) []journal.Record {
			if forged == nil {
				forged = forge(n)(c)
				head = forged[len(forged)-1].Head()
			}
			return forged
		}
		view := func(tx ca.ReadTx) error {
			for range tx.Journal("main", 0) {
				break
			}
			return nil
		}
		if err := e.View(t.Context(), view); err != nil {
			t.Fatal(err)
		}
		_, err := ca.VerifyJournal(t.Context(), e)
		var d *journal.DamageError
		if !errors.As(err, &d) || d.Kind != journal.Changed || d.Seq != want[0] || d.Last != want[1] {
			t.Errorf("forged from %d: %v, want %v", n, err, want)
		}
	}
}

// TestSignHeadsRefuses: what was changed behind the authority's back does not get
// its signature.
func TestSignHeadsRefuses(t *testing.T) {
	a := headed(t)
	a.issue(t, "ocsp", "CN=Client", generate(t, "gost2012-256", "cryptopro-a"))
	for name, e := range map[string]edited{
		"last heads": {last: func(h *journal.SignedHeads) { h.Time = h.Time.Add(1) }},
		"authority":  {last: func(h *journal.SignedHeads) { h.Authority[0]++ }},
		"chain gone": {heads: func(h map[string]journal.Head) { delete(h, "main") }},
		"removed":    {records: func(c []journal.Record) []journal.Record { return c[1:] }},
		"no records": {records: func([]journal.Record) []journal.Record { return nil }},
	} {
		e.Ledger = a.ledger
		i, err := ca.New(t.Context(), ca.Config{Certificate: a.cert, Key: a.key, Ledger: e, Rules: sets.All(), Settings: settings(), Now: a.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		if h, err := i.SignHeads(t.Context(), "test"); !journal.IsDamage(err) {
			t.Errorf("%s: %d, %v", name, h.Number, err)
		}
	}
	if h, err := a.SignHeads(t.Context(), "test"); err != nil || h.Number != 4 {
		t.Errorf("%d, %v", h.Number, err)
	}
}

// TestEraseAndProve: an erased name leaves the ledger, and the journal, the
// signed heads and an old proof hold.
func TestEraseAndProve(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	a.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", "cryptopro-xcha"))
	if _, err := ca.Prove(t.Context(), a.ledger, "main", 2); !errors.Is(err, journal.ErrNotCovered) {
		t.Errorf("before heads: %v", err)
	}
	if _, err := a.SignHeads(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	old, err := ca.Prove(t.Context(), a.ledger, "main", 2)
	if err != nil || old.Verify(a.cert) != nil || !strings.Contains(old.Record.Data["name"], "Иванов") {
		t.Fatalf("%+v, %v", old.Record, err)
	}
	e := journal.Erasure{Node: "main", Seq: 2, Fields: []string{"data.name"}, Actor: "test", Reason: "заявление 7", Time: a.clock.t}
	r, err := ca.EraseRecord(t.Context(), a.ledger, e)
	if err != nil || !r.Intact() || r.Hash != old.Record.Hash {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := ca.VerifyJournal(t.Context(), a.ledger); err != nil {
		t.Error(err)
	}
	p, err := ca.Prove(t.Context(), a.ledger, "main", 2)
	if err != nil || p.Verify(a.cert) != nil || old.Verify(a.cert) != nil {
		t.Errorf("proofs: %v", err)
	}
	if b, err := json.Marshal(p); err != nil || strings.Contains(string(b), "Иванов") {
		t.Errorf("%s, %v", b, err)
	}
	err = a.ledger.View(t.Context(), func(tx ca.ReadTx) error {
		var last journal.Record
		for r, err := range tx.Journal("main", 0) {
			if err != nil || strings.Contains(r.Data["name"], "Иванов") {
				t.Errorf("record %d: %v", r.Seq, err)
			}
			last = r
		}
		if last.Event != "erase" || last.Subject != "main/2" || last.Data["fields"] != "data.name" || last.Data["reason"] != "заявление 7" {
			t.Errorf("%+v", last)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		e    journal.Erasure
		want error
	}{
		"heads":     {journal.Erasure{Node: "main", Seq: 3, Fields: []string{"subject"}}, journal.ErrErasure},
		"erasure":   {journal.Erasure{Node: "main", Seq: 4, Fields: []string{"subject"}}, journal.ErrErasure},
		"no field":  {journal.Erasure{Node: "main", Seq: 2}, journal.ErrErasure},
		"bad field": {journal.Erasure{Node: "main", Seq: 2, Fields: []string{"actor"}}, journal.ErrNoField},
		"no record": {journal.Erasure{Node: "main", Seq: 99, Fields: []string{"subject"}}, ca.ErrNotFound},
		"no chain":  {journal.Erasure{Node: "none", Seq: 2, Fields: []string{"subject"}}, ca.ErrNotFound},
	} {
		tt.e.Time, tt.e.Actor = a.clock.t, "test"
		_, err := ca.EraseRecord(t.Context(), a.ledger, tt.e)
		wantErr(t, name, err, tt.want)
	}
	if got, err := ca.VerifyJournal(t.Context(), a.ledger); err != nil || got["main"].Seq != 4 {
		t.Errorf("refused erasures left something: %v, %v", got, err)
	}
}

// TestSignHeadsNodes lets two nodes write their own chains of one ledger, one
// after the other as a file allows; the heads name both, and both verify.
func TestSignHeadsNodes(t *testing.T) {
	dir := t.TempDir()
	key := generate(t, "gost2012-256", "cryptopro-a")
	c := newClock()
	cert, err := ca.NewRoot(key, ca.RootOptions{Subject: dn(t, "CN=УЦ,C=RU"), Rules: sets.All(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	user := generate(t, "gost2012-256", "cryptopro-a")
	var last journal.SignedHeads
	for n, node := range []string{"n1", "n2", "n1", "n10"} {
		l, err := boltstore.OpenWith(t.Context(), filepath.Join(dir, ca.LedgerFile), boltstore.Options{Node: node})
		if err != nil {
			t.Fatal(err)
		}
		if err := ca.Found(t.Context(), l, cert, "test", c.now()); err != nil {
			t.Fatal(err)
		}
		i, err := ca.New(t.Context(), ca.Config{Certificate: cert, Key: key, Ledger: l, Rules: sets.All(), Settings: settings(), Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		a := &authority{Issuer: i, cert: cert, key: key, ledger: l, clock: c}
		a.issue(t, "ocsp", "CN=Client", user)
		if last, err = i.SignHeads(t.Context(), "test"); err != nil || last.Number != uint64(n+1) {
			t.Fatalf("%d, %v", last.Number, err)
		}
		heads, err := ca.VerifyJournal(t.Context(), l)
		if err != nil || heads[node].Node != node {
			t.Fatalf("%v, %v", heads, err)
		}
		if p, err := ca.Prove(t.Context(), l, node, 1); err != nil || p.Verify(cert) != nil || p.Record.Node != node {
			t.Errorf("%s: %v", node, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []uint64
	for _, chain := range last.Chains {
		sizes = append(sizes, chain.Seq)
	}
	// n1: found, issue, heads, issue, heads; n10: issue; n2: issue, heads.
	if !slices.Equal(sizes, []uint64{5, 1, 2}) {
		t.Errorf("%v", sizes)
	}
	if _, err := boltstore.OpenWith(t.Context(), filepath.Join(dir, ca.LedgerFile), boltstore.Options{Node: "Узел"}); err == nil {
		t.Error("a node with a bad name")
	}
}

// TestSignHeadsRace: who signs at the same time signs one after the other.
func TestSignHeadsRace(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	key := generate(t, "ecdsa-p256", "")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				if _, err := a.IssueRequest(t.Context(), "ocsp", ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, "CN=Client")}), Actor: "test"}); err != nil {
					t.Error(err)
				}
				if _, err := a.SignHeads(t.Context(), "test"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := ca.VerifyJournal(t.Context(), a.ledger); err != nil {
		t.Error(err)
	}
}
