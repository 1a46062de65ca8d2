package boltstore

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

// upgrade makes a ledger of the format before into one of this one: the format
// changes first, so that the older program does not write any more, and then
// the indexes are filled in steps, of which each is on the disk. A killed one
// goes on where it was.
func (s *Store) upgrade(ctx context.Context) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte(metaBucket))
		if !bytes.Equal(meta.Get([]byte(formatKey)), []byte(formerFormat)) {
			return nil
		}
		for _, name := range newBuckets() {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		for _, key := range []string{indexingKey, indexingRequestsKey} {
			if err := meta.Put([]byte(key), []byte{}); err != nil {
				return err
			}
		}
		return meta.Put([]byte(formatKey), []byte(format))
	})
	for _, step := range []func() (bool, error){s.indexSome, s.indexRequests} {
		for more := true; err == nil && more; {
			if err = ctx.Err(); err == nil {
				more, err = step()
			}
		}
	}
	if err != nil {
		return fmt.Errorf("boltstore: %s: bringing it up to date: %w", s.path, err)
	}
	return nil
}

// indexSome indexes some of the entries that are not yet, and reports whether
// there are more.
func (s *Store) indexSome() (more bool, err error) {
	err = s.db.Update(func(btx *bolt.Tx) error {
		tx := &writeTx{readTx: readTx{btx}, node: s.node, days: index.Tally{}}
		meta := tx.bucket(metaBucket)
		at := meta.Get([]byte(indexingKey))
		if at == nil {
			return nil // done before
		}
		var last ca.Serial
		copy(last[:], at)
		n := 0
		for e, err := range tx.Entries(last) {
			if err != nil {
				return err
			}
			if err := tx.addToIndex(e); err != nil {
				return err
			}
			last = e.Serial
			if n++; n == limits.LedgerReindex {
				more = true
				break
			}
		}
		if err := tx.flushIndex(); err != nil {
			return err
		}
		if more {
			return meta.Put([]byte(indexingKey), last[:])
		}
		return meta.Delete([]byte(indexingKey))
	})
	return more, err
}

// indexRequests is indexSome for requests.
func (s *Store) indexRequests() (more bool, err error) {
	err = s.db.Update(func(btx *bolt.Tx) error {
		tx := &writeTx{readTx: readTx{btx}, node: s.node, days: index.Tally{}}
		meta := tx.bucket(metaBucket)
		at := meta.Get([]byte(indexingRequestsKey))
		if at == nil {
			return nil
		}
		last, n := string(at), 0
		for e, err := range tx.Requests(last, ca.RequestFilter{}) {
			if err != nil {
				return err
			}
			if err := tx.putState(ca.RequestEntry{}, e); err != nil {
				return err
			}
			last = e.ID
			if n++; n == limits.LedgerReindex {
				more = true
				break
			}
		}
		if more {
			return meta.Put([]byte(indexingRequestsKey), []byte(last))
		}
		return meta.Delete([]byte(indexingRequestsKey))
	})
	return more, err
}
