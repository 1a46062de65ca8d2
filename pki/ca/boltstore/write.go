package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

// writeTx implements [ca.Tx].
type writeTx struct {
	readTx
	node     string // whose chain is written
	changed  bool   // something beside the journal was written
	recorded bool   // a journal record was written

	days index.Tally   // not written yet
	last *lastPart     // nil: not read
	head *journal.Head // of the node's chain, ahead of what is written; nil: not read
}

func (t *writeTx) put(bucket string, key, value []byte) error {
	t.changed = true
	if err := t.bucket(bucket).Put(key, value); err != nil {
		return fmt.Errorf("boltstore: %s: %w", bucket, err)
	}
	return nil
}

// SetIssuer implements [ca.Tx].
func (t *writeTx) SetIssuer(der []byte) error {
	old, err := t.Issuer()
	switch {
	case errors.Is(err, ca.ErrNotFound):
		return t.put(metaBucket, []byte(issuerKey), der)
	case err != nil:
		return err
	case !bytes.Equal(old, der):
		return errors.New("boltstore: the ledger belongs to another authority")
	}
	return nil
}

// Add implements [ca.Tx].
func (t *writeTx) Add(e ca.Entry, der []byte) error {
	if e.Serial == (ca.Serial{}) || t.bucket(entryBucket).Get(e.Serial[:]) != nil {
		return ca.ErrSerialUsed
	}
	if err := t.put(certificateBucket, e.Serial[:], der); err != nil {
		return err
	}
	if err := t.addToIndex(e); err != nil {
		return err
	}
	return t.putEntry(e)
}

// putEntry writes an entry and keeps the index of what is listed in step.
func (t *writeTx) putEntry(e ca.Entry) error {
	v, err := encodeEntry(e)
	if err != nil {
		return err
	}
	if err := t.put(entryBucket, e.Serial[:], v); err != nil {
		return err
	}
	if e.OnCRL() {
		return t.put(listedBucket, e.Serial[:], []byte{})
	}
	if err := t.bucket(listedBucket).Delete(e.Serial[:]); err != nil {
		return fmt.Errorf("boltstore: %s: %w", listedBucket, err)
	}
	return nil
}

// SetStatus implements [ca.Tx].
func (t *writeTx) SetStatus(e ca.Entry) error {
	old, err := t.Entry(e.Serial)
	if err != nil {
		return err
	}
	if old.Status == ca.Revoked &&
		(e.Status != ca.Revoked || !e.RevokedAt.Equal(old.RevokedAt) || e.Reason != old.Reason || e.DroppedAfter < old.DroppedAfter) {
		return ca.ErrRevoked
	}
	t.days.Change(old, e)
	old.Status, old.RevokedAt, old.Reason = e.Status, e.RevokedAt, e.Reason
	old.InvalidityDate, old.DroppedAfter = e.InvalidityDate, e.DroppedAfter
	return t.putEntry(old)
}

// BlockKey implements [ca.Tx].
func (t *writeTx) BlockKey(keyID []byte) error {
	if len(keyID) == 0 {
		return errors.New("boltstore: an empty key identifier cannot be blocked")
	}
	return t.put(blockedBucket, keyID, []byte{})
}

// AddCRL implements [ca.Tx].
func (t *writeTx) AddCRL(e ca.CRLEntry) error {
	if k, _ := t.bucket(crlBucket).Cursor().Last(); k != nil && bytes.Compare(number(e.Number), k) <= 0 {
		return ca.ErrCRLNumber
	}
	v, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("boltstore: CRL: %w", err)
	}
	if err := t.put(crlBucket, number(e.Number), v); err != nil {
		return err
	}
	// Not nil: within its own transaction bbolt takes that for no value at all.
	return t.put(metaBucket, []byte(crlKey), append([]byte{}, e.DER...))
}
