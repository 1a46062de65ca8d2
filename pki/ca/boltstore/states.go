package boltstore

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// stateKey is the place of a request among those of its state: the newest come
// first, those of one second in the order of identifiers. No state has a zero
// octet in it.
func stateKey(e ca.RequestEntry) []byte {
	b := append([]byte(e.State), 0)
	return append(append(b, sortable(-e.Created.Unix())...), e.ID...)
}

// putState moves a request to its place among those of its state; old is what
// it was, with version 0 for a new one.
func (t *writeTx) putState(old, e ca.RequestEntry) error {
	if bytes.IndexByte([]byte(e.State), 0) >= 0 {
		return fmt.Errorf("boltstore: request %q: a zero octet in its state", e.ID)
	}
	if old.Version > 0 {
		if err := t.bucket(stateBucket).Delete(stateKey(old)); err != nil {
			return fmt.Errorf("boltstore: %s: %w", stateBucket, err)
		}
	}
	return t.put(stateBucket, stateKey(e), []byte{})
}

// inState iterates over the requests in a state behind another one, in whatever
// state that is now: its place stays, since the time of its creation does.
func (t readTx) inState(after string, filter ca.RequestFilter) iter.Seq2[ca.RequestEntry, error] {
	return func(yield func(ca.RequestEntry, error) bool) {
		prefix := append([]byte(filter.State), 0)
		begin := prefix
		if after != "" {
			e, err := t.Request(after)
			if err != nil {
				yield(ca.RequestEntry{}, err)
				return
			}
			e.State = filter.State
			begin = append(stateKey(e), 0) // the next key
		}
		c := t.bucket(stateBucket).Cursor()
		for k, _ := c.Seek(begin); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			e, err := t.requestAt(k[len(prefix):], filter.State)
			if err == nil && !filter.Match(e) {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// requestAt returns the request that the index names, by what follows the state.
func (t readTx) requestAt(place []byte, state ca.RequestState) (ca.RequestEntry, error) {
	if len(place) <= 8 {
		return ca.RequestEntry{}, fmt.Errorf("boltstore: the index of requests is malformed: %x", place)
	}
	id := place[8:]
	v := t.bucket(requestBucket).Get(id)
	if v == nil {
		return ca.RequestEntry{}, fmt.Errorf("boltstore: the index names request %q, which is not there", id)
	}
	e, err := decodeRequest(id, v)
	if err == nil && e.State != state {
		err = fmt.Errorf("boltstore: the index names request %q as %s, and it is %s", id, state, e.State)
	}
	return e, err
}
