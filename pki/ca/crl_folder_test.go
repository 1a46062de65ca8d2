package ca_test

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
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
