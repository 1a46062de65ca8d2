package boltstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

func open(t *testing.T, dir string) ca.Ledger {
	t.Helper()
	s, err := boltstore.Open(t.Context(), filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLedger(t *testing.T) { ledgertest.Run(t, open) }

// TestHeld opens a ledger twice; the second gets the name of the first.
func TestHeld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	first := open(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := boltstore.Open(ctx, path)
	var held *boltstore.HeldError
	if !errors.As(err, &held) || !errors.Is(err, boltstore.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	host, _ := os.Hostname()
	if held.Holder.PID != os.Getpid() || held.Holder.Host != host || !strings.Contains(err.Error(), host) {
		t.Fatalf("holder: %+v; %v", held.Holder, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".holder"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the holder's file stays: %v", err)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
}

// TestWaits: the second process gets the ledger when the first one lets go.
func TestWaits(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	go func() {
		time.Sleep(100 * time.Millisecond)
		_ = first.Close() // an error shows as a timeout below
	}()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, f func(tx *bolt.Tx) error) string {
		path := filepath.Join(dir, name)
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(f), db.Close()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := write("foreign.db", func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("x")); return err })
	only := func(format string) string { // a head without a body
		return write("format"+format+".db", func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket([]byte("meta"))
			if err != nil {
				return err
			}
			return b.Put([]byte("format"), []byte(format))
		})
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{foreign, only("1"), only("2"), only("3"), only("4"), text, dir, filepath.Join(dir, "none", "ledger.db")} {
		if s, err := boltstore.Open(t.Context(), path); err == nil {
			t.Errorf("%s: opened", path)
			_ = s.Close()
		}
	}
}

// TestTampered edits the journal and the state behind the ledger's back.
func TestTampered(t *testing.T) {
	key := func(n byte) []byte { return []byte{'m', 'a', 'i', 'n', 0, 0, 0, 0, 0, 0, 0, 0, n} }
	for name, tt := range map[string]struct {
		edit func(b, head *bolt.Bucket) error
		kind journal.Kind
		seq  uint64
	}{
		"removed":   {func(b, _ *bolt.Bucket) error { return b.Delete(key(2)) }, journal.Removed, 2},
		"truncated": {func(b, _ *bolt.Bucket) error { return b.Delete(key(4)) }, journal.Truncated, 4},
		"changed": {func(b, _ *bolt.Bucket) error {
			return b.Put(key(3), []byte(strings.Replace(string(b.Get(key(3))), "issue", "nothing", 1)))
		}, journal.Changed, 3},
		"moved":    {func(b, _ *bolt.Bucket) error { return b.Put(key(2), b.Get(key(3))) }, journal.Malformed, 2},
		"cut head": {func(_, head *bolt.Bucket) error { return head.Delete([]byte("main")) }, journal.Changed, 1},
		"other head": {func(_, head *bolt.Bucket) error {
			return head.Put([]byte("main"), append(key(3)[5:], make([]byte, 32)...))
		}, journal.Changed, 3},
		"malformed": {func(b, _ *bolt.Bucket) error { return b.Put(key(1), []byte("{")) }, journal.Malformed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir)
			for range 4 {
				err := l.Update(t.Context(), func(tx ca.Tx) error {
					_, err := tx.Append(journal.Entry{Time: time.Unix(1, 0), Event: "issue"})
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(filepath.Join(dir, "ledger.db"), 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bolt.Tx) error { return tt.edit(tx.Bucket([]byte("journal")), tx.Bucket([]byte("head"))) })
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			l = open(t, dir)
			defer l.Close()
			_, err = ca.VerifyJournal(t.Context(), l)
			var d *journal.DamageError
			if !errors.As(err, &d) || d.Kind != tt.kind || d.Seq != tt.seq {
				t.Fatalf("got %v, want %s at %d", err, tt.kind, tt.seq)
			}
		})
	}
}
