package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

// TestJournalTampered edits the journal in the file itself.
func TestJournalTampered(t *testing.T) {
	openNode := func(t *testing.T, dir, node string) ca.Ledger {
		t.Helper()
		l, err := boltstore.OpenWith(t.Context(), filepath.Join(dir, "ledger.db"), boltstore.Options{Node: node})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	tamper := func(t *testing.T, dir string, edit func(*ledgertest.RawJournal)) {
		t.Helper()
		db, err := bolt.Open(filepath.Join(dir, "ledger.db"), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bolt.Tx) error {
			r, err := readRaw(tx)
			if err != nil {
				return err
			}
			edit(r)
			return writeRaw(tx, r)
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	ledgertest.RunTampering(t, openNode, tamper)
}

func readRaw(tx *bolt.Tx) (*ledgertest.RawJournal, error) {
	r := &ledgertest.RawJournal{Records: map[ledgertest.RawPlace]string{}, Heads: map[string]journal.Head{}, Signed: map[uint64]string{}}
	return r, errors.Join(
		tx.Bucket([]byte("journal")).ForEach(func(k, v []byte) error {
			node, seq, _ := bytes.Cut(k, []byte{0})
			r.Records[ledgertest.RawPlace{Node: string(node), Seq: binary.BigEndian.Uint64(seq)}] = string(v)
			return nil
		}),
		tx.Bucket([]byte("head")).ForEach(func(k, v []byte) error {
			r.Heads[string(k)] = journal.Head{Node: string(k), Seq: binary.BigEndian.Uint64(v), Hash: journal.Digest(v[8:])}
			return nil
		}),
		tx.Bucket([]byte("heads")).ForEach(func(k, v []byte) error {
			r.Signed[binary.BigEndian.Uint64(k)] = string(v)
			return nil
		}),
	)
}

func writeRaw(tx *bolt.Tx, r *ledgertest.RawJournal) error {
	var errs []error
	fresh := func(name string) *bolt.Bucket {
		errs = append(errs, tx.DeleteBucket([]byte(name)))
		b, err := tx.CreateBucket([]byte(name))
		errs = append(errs, err)
		return b
	}
	number := func(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }
	b := fresh("journal")
	for p, line := range r.Records {
		errs = append(errs, b.Put(number(append([]byte(p.Node), 0), p.Seq), []byte(line)))
	}
	b = fresh("head")
	for node, h := range r.Heads {
		errs = append(errs, b.Put([]byte(node), append(number(nil, h.Seq), h.Hash[:]...)))
	}
	b = fresh("heads")
	for n, text := range r.Signed {
		errs = append(errs, b.Put(number(nil, n), []byte(text)))
	}
	return errors.Join(errs...)
}
