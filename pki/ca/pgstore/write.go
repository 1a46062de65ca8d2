package pgstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// writeTx implements [ca.Tx]. Records of the journal are kept until something
// asks for them or the transaction ends: nothing depends on them before.
type writeTx struct {
	readTx
	store    *Store
	changed  bool // something beside the journal was written
	recorded bool // a journal record was made

	head    *journal.Head // where the chain ends in this transaction; nil: not read
	base    journal.Head  // where it ends in the database, as far as it was flushed
	pending []journal.Record
	index   indexer // what is not in the indexes yet
}

// change runs a statement and returns how many rows it changed.
func (t *writeTx) change(sql string, args ...any) (int64, error) {
	t.changed = true
	return t.exec(sql, args...)
}

// SetIssuer implements [ca.Tx].
func (t *writeTx) SetIssuer(der []byte) error {
	old, err := t.Issuer()
	switch {
	case errors.Is(err, ca.ErrNotFound):
		_, err = t.change(`INSERT INTO meta (key, value) VALUES ($1, $2)`, issuerKey, der)
		return err
	case err != nil:
		return err
	case !bytes.Equal(old, der):
		return errors.New("pgstore: the ledger belongs to another authority")
	}
	return nil
}

// Add implements [ca.Tx]. The database decides whether the serial number is
// new: looking first would make every two nodes that issue conflict.
func (t *writeTx) Add(e ca.Entry, der []byte) error {
	if e.Serial == (ca.Serial{}) {
		return ca.ErrSerialUsed
	}
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("pgstore: entry: %w", err)
	}
	n, err := t.change(`WITH new AS (
			INSERT INTO entry (serial, listed, value) VALUES ($1, $2, $3) ON CONFLICT (serial) DO NOTHING RETURNING serial)
		INSERT INTO certificate (serial, der) SELECT serial, $4 FROM new`, e.Serial[:], e.OnCRL(), string(value), der)
	if err == nil && n == 0 {
		err = ca.ErrSerialUsed
	}
	if err == nil {
		t.index.add(e)
	}
	return err
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
	before := old
	old.Status, old.RevokedAt, old.Reason = e.Status, e.RevokedAt, e.Reason
	old.InvalidityDate, old.DroppedAfter = e.InvalidityDate, e.DroppedAfter
	value, err := json.Marshal(old)
	if err != nil {
		return fmt.Errorf("pgstore: entry: %w", err)
	}
	t.index.days.Change(before, old)
	_, err = t.change(`UPDATE entry SET listed = $2, value = $3 WHERE serial = $1`, old.Serial[:], old.OnCRL(), string(value))
	return err
}

// BlockKey implements [ca.Tx].
func (t *writeTx) BlockKey(keyID []byte) error {
	if len(keyID) == 0 {
		return errors.New("pgstore: an empty key identifier cannot be blocked")
	}
	_, err := t.change(`INSERT INTO blocked (key_id) VALUES ($1) ON CONFLICT DO NOTHING`, keyID)
	return err
}

// AddCRL implements [ca.Tx]. Numbers go up to 2^63-1.
func (t *writeTx) AddCRL(e ca.CRLEntry) error {
	if e.Number > maxNumber {
		return fmt.Errorf("pgstore: CRL: the number %d is too large", e.Number)
	}
	var last int64
	ok, err := t.row(`SELECT number FROM crl ORDER BY number DESC LIMIT 1`, nil, []any{&last})
	if err != nil {
		return err
	}
	if ok && e.Number <= uint64(last) {
		return ca.ErrCRLNumber
	}
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("pgstore: CRL: %w", err)
	}
	if _, err := t.change(`UPDATE crl SET der = NULL WHERE number = $1`, last); err != nil {
		return err
	}
	_, err = t.change(`INSERT INTO crl (number, value, der) VALUES ($1, $2, $3)`, int64(e.Number), string(value), e.DER)
	return err
}

// SaveRequest implements [ca.Tx].
func (t *writeTx) SaveRequest(e ca.RequestEntry) error {
	if e.ID == "" {
		return errors.New("pgstore: a request without an identifier")
	}
	old, err := t.Request(e.ID)
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	if old.Version != e.Version {
		return ca.ErrVersion
	}
	e.Version++
	return t.save(putRequest+` ON CONFLICT (id) DO UPDATE
		SET value = EXCLUDED.value, state = EXCLUDED.state, newest = EXCLUDED.newest`, "request", e.ID, e, string(e.State), -e.Created.Unix())
}

// SaveOperator implements [ca.Tx].
func (t *writeTx) SaveOperator(o ca.Operator) error {
	if o.Name == "" {
		return errors.New("pgstore: an operator without a name")
	}
	old, err := t.Operator(o.Name)
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	if old.Version != o.Version {
		return ca.ErrVersion
	}
	o.Version++
	return t.save(`INSERT INTO operator (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value`, "operator", o.Name, o)
}

// putRequest is what keeps a new request, with the columns by which those in a
// state are found.
const putRequest = `INSERT INTO request (id, value, state, newest) VALUES ($1, $2, $3, $4)`

// save writes a value as JSON, and further columns.
func (t *writeTx) save(sql, what, key string, v any, more ...any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("pgstore: %s: %w", what, err)
	}
	_, err = t.change(sql, append([]any{key, string(value)}, more...)...)
	return err
}
