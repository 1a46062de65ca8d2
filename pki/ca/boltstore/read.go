package boltstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// readTx implements [ca.ReadTx]. Values that bbolt returns point into the
// mapped file and die with the transaction: what leaves here is copied.
type readTx struct{ tx *bolt.Tx }

func (t readTx) bucket(name string) *bolt.Bucket { return t.tx.Bucket([]byte(name)) }

func (t readTx) get(bucket string, key []byte) ([]byte, error) {
	v := t.bucket(bucket).Get(key)
	if v == nil {
		return nil, ca.ErrNotFound
	}
	return bytes.Clone(v), nil
}

// Issuer implements [ca.ReadTx].
func (t readTx) Issuer() ([]byte, error) { return t.get(metaBucket, []byte(issuerKey)) }

// Entry implements [ca.ReadTx].
func (t readTx) Entry(s ca.Serial) (ca.Entry, error) {
	v := t.bucket(entryBucket).Get(s[:])
	if v == nil {
		return ca.Entry{}, ca.ErrNotFound
	}
	return decodeEntry(s[:], v)
}

func decodeEntry(key, v []byte) (ca.Entry, error) {
	e, plain := plainEntry(v)
	if !plain {
		if err := json.Unmarshal(v, &e); err != nil {
			return e, fmt.Errorf("boltstore: entry %x: %w", key, err)
		}
	}
	if !bytes.Equal(e.Serial[:], key) {
		return e, fmt.Errorf("boltstore: entry %x: it names serial number %s", key, e.Serial)
	}
	return e, nil
}

// Certificate implements [ca.ReadTx].
func (t readTx) Certificate(s ca.Serial) ([]byte, error) { return t.get(certificateBucket, s[:]) }

// Entries implements [ca.ReadTx].
func (t readTx) Entries(after ca.Serial) iter.Seq2[ca.Entry, error] {
	return func(yield func(ca.Entry, error) bool) {
		c := t.bucket(entryBucket).Cursor()
		k, v := c.Seek(after[:])
		if bytes.Equal(k, after[:]) {
			k, v = c.Next()
		}
		for ; k != nil; k, v = c.Next() {
			e, err := decodeEntry(k, v)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Listed implements [ca.ReadTx].
func (t readTx) Listed() iter.Seq2[ca.Entry, error] {
	return func(yield func(ca.Entry, error) bool) {
		c := t.bucket(listedBucket).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			v := t.bucket(entryBucket).Get(k)
			if v == nil {
				yield(ca.Entry{}, fmt.Errorf("boltstore: %x is listed and has no entry", k))
				return
			}
			e, err := decodeEntry(k, v)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// KeyBlocked implements [ca.ReadTx].
func (t readTx) KeyBlocked(keyID []byte) (bool, error) {
	return len(keyID) > 0 && t.bucket(blockedBucket).Get(keyID) != nil, nil
}

// LastCRL implements [ca.ReadTx].
func (t readTx) LastCRL() (ca.CRLEntry, error) {
	var e ca.CRLEntry
	k, v := t.bucket(crlBucket).Cursor().Last()
	if k == nil {
		return e, ca.ErrNotFound
	}
	if err := json.Unmarshal(v, &e); err != nil {
		return e, fmt.Errorf("boltstore: CRL %x: %w", k, err)
	}
	var err error
	e.DER, err = t.get(metaBucket, []byte(crlKey))
	return e, err
}

// number returns n as a key that sorts by its value.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
