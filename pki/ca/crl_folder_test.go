package ca_test

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// TestListInFolder: a list that is too large for the ledger is not there, and
// its number is.
func TestListInFolder(t *testing.T) {
	a, dir := publisher(t, "ecdsa-p256", lists())
	err := a.ledger.Update(t.Context(), func(tx ca.Tx) error {
		if err := tx.AddCRL(ca.CRLEntry{Number: 41, ThisUpdate: a.clock.t, NextUpdate: a.clock.t}); err != nil {
			return err
		}
		_, err := tx.Append(journal.Entry{Time: a.clock.t, Actor: "test", Event: "crl", Subject: "41"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.LastCRL(t.Context())
	wantErr(t, "LastCRL", err, ca.ErrListInFolder)
	if out, err := a.PublishDue(t.Context(), dir, "test"); err != nil || len(out) != 2 || out[0].Number != 42 || out[1].Base != 42 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestPublishRefused: what does not get onto the ledger does not get into the
// folder, and leaves nothing there.
func TestPublishRefused(t *testing.T) {
	a, dir := publisher(t, "ecdsa-p256", lists())
	if _, err := a.PublishDue(t.Context(), dir, "test"); err != nil {
		t.Fatal(err)
	}
	before := published(t, dir, "ca.crl").Number
	for name, l := range map[string]ca.Ledger{"at the end": refusing{a.ledger, true}, "at once": refusing{a.ledger, false}} {
		i, err := ca.New(t.Context(), a.config(l))
		if err != nil {
			t.Fatal(err)
		}
		for _, delta := range []bool{false, true} {
			if _, err := i.Publish(t.Context(), dir, delta, "test"); !errors.Is(err, errRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 8 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if now := published(t, dir, "ca.crl").Number; now.Cmp(before) != 0 || now.Cmp(big.NewInt(1)) != 0 {
		t.Errorf("number %v became %v", before, now)
	}
	// A folder of a ledger that is ahead of this one, after a restore.
	other, _ := publisher(t, "ecdsa-p256", lists())
	c := a.config(other.ledger)
	c.Certificate, c.Key, c.Now = other.cert, other.key, other.clock.now
	i, err := ca.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Publish(t.Context(), filepath.Clean(dir), true, "test")
	wantErr(t, "another authority's folder", err, ca.ErrNoBase)
}

func (a *authority) config(l ca.Ledger) ca.Config {
	s := settings()
	x := lists()
	s.CRLURLs, s.Lists = nil, &x
	return ca.Config{Certificate: a.cert, Key: a.key, Ledger: l, Rules: sets.All(), Settings: s, Now: a.clock.now}
}

var errRefused = errors.New("refused")

// refusing is a ledger that does not commit.
type refusing struct {
	ca.Ledger
	late bool
}

func (r refusing) Update(ctx context.Context, f func(ca.Tx) error) error {
	if !r.late {
		return errRefused
	}
	return r.Ledger.Update(ctx, func(tx ca.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return errRefused
	})
}

// TestPublishRestored publishes from a ledger that is older than the folder: the
// numbers go on behind those of the folder, and only the authority's own lists
// count.
func TestPublishRestored(t *testing.T) {
	a, dir := publisher(t, "ecdsa-p256", lists())
	dir = filepath.Join(dir, "lists [1]") // not a pattern
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	older, other := t.TempDir(), newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	for range 5 {
		if _, err := a.Publish(t.Context(), dir, false, "test"); err != nil {
			t.Fatal(err)
		}
	}
	restored := open(t, older, a.cert, a.key, a.clock, sets.All())
	s := settings()
	s.CRLURLs, s.Lists = nil, ptr(lists())
	i, err := ca.New(t.Context(), ca.Config{Certificate: a.cert, Key: a.key, Ledger: restored.ledger, Rules: sets.All(), Settings: s, Now: a.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	for name, der := range map[string][]byte{"ca-9of9.crl": signedList(t, other, 900), "ca-8of9.crl": []byte("no list"), "car.crl": signedList(t, a, 12), "others.crl": signedList(t, a, 70)} {
		if err := os.WriteFile(filepath.Join(dir, name), der, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := i.Publish(t.Context(), dir, true, "test"); !errors.Is(err, ca.ErrNoBase) {
		t.Errorf("a delta list to lists that the ledger does not know: %v", err)
	}
	p, err := i.Publish(t.Context(), dir, false, "test")
	if err != nil || p.Number != 13 {
		t.Fatalf("%+v, %v; want number 13", p, err)
	}
	for want := range uint64(2) {
		if p, err = i.Publish(t.Context(), dir, want == 1, "test"); err != nil || p.Number != 14+want {
			t.Fatalf("%+v, %v; want number %d", p, err, 14+want)
		}
	}
	numbers := map[string]string{}
	err = restored.ledger.View(t.Context(), func(tx ca.ReadTx) error {
		for r, err := range tx.Journal(journal.DefaultNode, 0) {
			if err != nil {
				return err
			}
			if r.Event == "crl" {
				numbers[r.Subject] = r.Data["folder"]
			}
		}
		return nil
	})
	if err != nil || len(numbers) != 3 || numbers["13"] != "12" || numbers["14"] != "" || numbers["15"] != "" {
		t.Errorf("on record: %v, %v", numbers, err)
	}
}

func ptr[T any](v T) *T { return &v }

// signedList is an empty list with a number.
func signedList(t *testing.T, a *authority, number int64) []byte {
	t.Helper()
	der, err := pki.CreateCRL(nil, &pki.CRLTemplate{Number: big.NewInt(number), ThisUpdate: a.clock.t, NextUpdate: a.clock.t.AddDate(0, 0, 1)}, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
