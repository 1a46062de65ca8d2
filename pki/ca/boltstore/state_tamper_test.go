package boltstore_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

// TestStateTampered edits the state in the file itself.
func TestStateTampered(t *testing.T) {
	openNode := func(t *testing.T, dir, node string) ca.Ledger {
		t.Helper()
		l, err := boltstore.OpenWith(t.Context(), filepath.Join(dir, "ledger.db"), boltstore.Options{Node: node})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	tamper := func(t *testing.T, dir string, edit func(*ledgertest.RawState)) {
		t.Helper()
		db, err := bolt.Open(filepath.Join(dir, "ledger.db"), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bolt.Tx) error {
			r, err := readState(tx)
			if err != nil {
				return err
			}
			edit(r)
			return writeState(tx, r)
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	ledgertest.RunStateTampering(t, openNode, tamper)
}

func readState(tx *bolt.Tx) (*ledgertest.RawState, error) {
	r := &ledgertest.RawState{
		Entries: map[string]string{}, Listed: map[string]bool{}, Certificates: map[string]string{}, Blocked: map[string]bool{},
		Lists: map[uint64]string{}, Requests: map[string]string{}, Operators: map[string]string{},
	}
	each := func(name string, f func(k, v []byte)) error {
		return tx.Bucket([]byte(name)).ForEach(func(k, v []byte) error { f(k, v); return nil })
	}
	return r, errors.Join(
		each("entry", func(k, v []byte) { r.Entries[hex.EncodeToString(k)] = string(v) }),
		each("listed", func(k, _ []byte) { r.Listed[hex.EncodeToString(k)] = true }),
		each("certificate", func(k, v []byte) { r.Certificates[hex.EncodeToString(k)] = hex.EncodeToString(v) }),
		each("blocked", func(k, _ []byte) { r.Blocked[hex.EncodeToString(k)] = true }),
		each("crl", func(k, v []byte) { r.Lists[binary.BigEndian.Uint64(k)] = string(v) }),
		each("request", func(k, v []byte) { r.Requests[string(k)] = string(v) }),
		each("operator", func(k, v []byte) { r.Operators[string(k)] = string(v) }),
	)
}

func writeState(tx *bolt.Tx, r *ledgertest.RawState) error {
	var errs []error
	fresh := func(name string) func(k, v []byte) {
		errs = append(errs, tx.DeleteBucket([]byte(name)))
		b, err := tx.CreateBucket([]byte(name))
		errs = append(errs, err)
		return func(k, v []byte) { errs = append(errs, b.Put(k, v)) }
	}
	octets := func(text string) []byte {
		b, err := hex.DecodeString(text)
		errs = append(errs, err)
		return b
	}
	put := fresh("entry")
	for k, v := range r.Entries {
		put(octets(k), []byte(v))
	}
	put = fresh("listed")
	for k := range r.Listed {
		put(octets(k), []byte{})
	}
	put = fresh("certificate")
	for k, v := range r.Certificates {
		put(octets(k), octets(v))
	}
	put = fresh("blocked")
	for k := range r.Blocked {
		put(octets(k), []byte{})
	}
	put = fresh("crl")
	for n, v := range r.Lists {
		put(binary.BigEndian.AppendUint64(nil, n), []byte(v))
	}
	put = fresh("request")
	for k, v := range r.Requests {
		put([]byte(k), []byte(v))
	}
	put = fresh("operator")
	for k, v := range r.Operators {
		put([]byte(k), []byte(v))
	}
	return errors.Join(errs...)
}
