package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// Request implements [ca.ReadTx].
func (t readTx) Request(id string) (ca.RequestEntry, error) {
	v := t.bucket(requestBucket).Get([]byte(id))
	if v == nil {
		return ca.RequestEntry{}, ca.ErrNotFound
	}
	return decodeRequest([]byte(id), v)
}

func decodeRequest(key, v []byte) (ca.RequestEntry, error) {
	var e ca.RequestEntry
	if err := json.Unmarshal(v, &e); err != nil {
		return e, fmt.Errorf("boltstore: request %q: %w", key, err)
	}
	if e.ID != string(key) {
		return e, fmt.Errorf("boltstore: request %q: it names %q", key, e.ID)
	}
	return e, nil
}

// Requests implements [ca.ReadTx].
func (t readTx) Requests(after string, filter ca.RequestFilter) iter.Seq2[ca.RequestEntry, error] {
	if filter.State != "" {
		return t.inState(after, filter)
	}
	return func(yield func(ca.RequestEntry, error) bool) {
		c := t.bucket(requestBucket).Cursor()
		k, v := c.Seek([]byte(after))
		if after != "" && bytes.Equal(k, []byte(after)) {
			k, v = c.Next()
		}
		for ; k != nil; k, v = c.Next() {
			e, err := decodeRequest(k, v)
			if err == nil && !filter.Match(e) {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// SaveRequest implements [ca.Tx].
func (t *writeTx) SaveRequest(e ca.RequestEntry) error {
	if e.ID == "" {
		return errors.New("boltstore: a request without an identifier")
	}
	old, err := t.Request(e.ID)
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	if old.Version != e.Version {
		return ca.ErrVersion
	}
	e.Version++
	v, err := encodeRequest(e)
	if err != nil {
		return err
	}
	if err := t.putState(old, e); err != nil {
		return err
	}
	return t.put(requestBucket, []byte(e.ID), v)
}

// Operator implements [ca.ReadTx].
func (t readTx) Operator(name string) (ca.Operator, error) {
	v := t.bucket(operatorBucket).Get([]byte(name))
	if v == nil {
		return ca.Operator{}, ca.ErrNotFound
	}
	return decodeOperator([]byte(name), v)
}

func decodeOperator(key, v []byte) (ca.Operator, error) {
	var o ca.Operator
	if err := json.Unmarshal(v, &o); err != nil {
		return o, fmt.Errorf("boltstore: operator %q: %w", key, err)
	}
	if o.Name != string(key) {
		return o, fmt.Errorf("boltstore: operator %q: it names %q", key, o.Name)
	}
	return o, nil
}

// Operators implements [ca.ReadTx].
func (t readTx) Operators() iter.Seq2[ca.Operator, error] {
	return func(yield func(ca.Operator, error) bool) {
		c := t.bucket(operatorBucket).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			o, err := decodeOperator(k, v)
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// SaveOperator implements [ca.Tx].
func (t *writeTx) SaveOperator(o ca.Operator) error {
	if o.Name == "" {
		return errors.New("boltstore: an operator without a name")
	}
	old, err := t.Operator(o.Name)
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	if old.Version != o.Version {
		return ca.ErrVersion
	}
	o.Version++
	v, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("boltstore: operator: %w", err)
	}
	return t.put(operatorBucket, []byte(o.Name), v)
}
