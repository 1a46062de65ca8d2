package boltstore_test

import (
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

// toFormat2 takes away from a closed ledger what the older program did not
// know.
func toFormat2(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		var errs []error
		for _, name := range []string{"expiry", "word", "day", "state"} {
			errs = append(errs, tx.DeleteBucket([]byte(name)))
		}
		meta := tx.Bucket([]byte("meta"))
		return errors.Join(append(errs, meta.Delete([]byte("words")), meta.Put([]byte("format"), []byte("2")))...)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestUpgrade opens a ledger that the older program wrote.
func TestUpgrade(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	l := open(t, dir)
	ledgertest.FillPersons(t, l)
	want, err := ca.LedgerDigest(t.Context(), l)
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	toFormat2(t, path)
	for range 2 { // once made, the indexes stay
		l = open(t, dir)
		ledgertest.Reindexed(t, l)
		if got, err := ca.LedgerDigest(t.Context(), l); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// patience is a context that ends when it has been asked n times.
type patience struct {
	context.Context //nolint:containedctx // it is one
	n               int
}

func (p *patience) Err() error {
	if p.n--; p.n < 0 {
		return context.Canceled
	}
	return p.Context.Err()
}

// TestUpgradeInterrupted: a ledger that was brought up to date in part is no
// ledger of either format, and the next to open it goes on.
func TestUpgradeInterrupted(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	l := open(t, dir)
	const entries = limits.LedgerReindex + 7
	now := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	err := l.Update(t.Context(), func(tx ca.Tx) error {
		for n := range entries {
			e := ca.Entry{Subject: "CN=Иванов", NotAfter: now.AddDate(1, 0, 0), IssuedAt: now, Status: ca.Valid}
			e.Serial[0] = 1
			binary.BigEndian.PutUint32(e.Serial[8:], uint32(n*7919))
			if err := tx.Add(e, []byte{0x30, 0}); err != nil {
				return err
			}
		}
		_, err := tx.Append(journal.Entry{Time: now, Event: "test"})
		return err
	})
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	toFormat2(t, path)
	for n := range 3 { // before the first step, behind it, and in the end
		if s, err := boltstore.Open(&patience{t.Context(), n + 1}, path); err == nil {
			if n < 2 {
				t.Fatal("half of a ledger was opened")
			}
			l = s
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	defer l.Close() //nolint:errcheck // read only
	err = l.View(t.Context(), func(tx ca.ReadTx) error {
		for d, err := range tx.Days(now, now.Add(time.Hour)) {
			if err != nil || d.Issued != entries {
				t.Errorf("%+v, %v; want %d", d, err, entries)
			}
		}
		found, err := tx.Search("иванов", ca.Serial{}, entries)
		if len(found) != limits.SearchResults {
			t.Errorf("%d are found", len(found))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
