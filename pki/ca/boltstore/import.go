package boltstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

// importSuffix is added to a ledger's name while it is being filled.
const importSuffix = ".importing"

// Importer fills a new ledger beside its place; Finish puts it there. It
// implements [ca.Importer].
type Importer struct {
	store *Store
	path  string // of the ledger to be
	done  bool
}

var _ ca.Importer = (*Importer)(nil)

// Import begins a ledger at path that will hold what another one held: nothing
// is at path before Finish. What an interrupted import left is thrown away. A
// ledger that is there already gives [ca.ErrLedgerExists].
func Import(ctx context.Context, path string) (*Importer, error) {
	if err := free(path); err != nil {
		return nil, err
	}
	tmp := path + importSuffix
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("boltstore: %w", err)
	}
	s, err := Open(ctx, tmp)
	if err != nil {
		return nil, err
	}
	s.db.NoSync = true // Finish syncs once: before it there is no ledger to lose
	return &Importer{store: s, path: path}, nil
}

func free(path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		return fmt.Errorf("%w: %s", ca.ErrLedgerExists, path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("boltstore: %w", err)
	}
	return nil
}

// Import implements [ca.Importer].
func (i *Importer) Import(ctx context.Context, f func(ca.ImportTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return i.store.db.Update(func(tx *bolt.Tx) error {
		w := &writeTx{readTx: readTx{tx}, node: i.store.node, days: index.Tally{}}
		if err := f(importTx{w}); err != nil {
			return err
		}
		return w.flushIndex()
	})
}

// Finish implements [ca.Importer]: the ledger is on the disk before its name.
func (i *Importer) Finish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tmp := i.path + importSuffix
	if err := i.store.db.Sync(); err != nil {
		return fmt.Errorf("boltstore: %w", err)
	}
	if err := i.store.Close(); err != nil {
		return err
	}
	i.done = true
	if err := free(i.path); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, i.path); err != nil {
		return fmt.Errorf("boltstore: %w", err)
	}
	dir, err := os.Open(filepath.Dir(i.path))
	if err != nil {
		return nil //nolint:nilerr // the name follows with the system's next write-back
	}
	_ = dir.Sync() // unsupported for directories on some systems
	return dir.Close()
}

// Abandon implements [ca.Importer].
func (i *Importer) Abandon() error {
	if i.done {
		return nil
	}
	i.done = true
	err := i.store.Close()
	if rerr := os.Remove(i.path + importSuffix); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// importTx implements [ca.ImportTx].
type importTx struct{ *writeTx }

// PutOperator implements [ca.ImportTx].
func (t importTx) PutOperator(o ca.Operator) error {
	return t.putJSON(operatorBucket, []byte(o.Name), o)
}

// PutRequest implements [ca.ImportTx].
func (t importTx) PutRequest(e ca.RequestEntry) error {
	if err := t.putJSON(requestBucket, []byte(e.ID), e); err != nil {
		return err
	}
	return t.putState(ca.RequestEntry{}, e)
}

func (t importTx) putJSON(bucket string, key []byte, v any) error {
	if len(key) == 0 || t.bucket(bucket).Get(key) != nil {
		return fmt.Errorf("boltstore: %s %q: empty, or there already", bucket, key)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("boltstore: %s: %w", bucket, err)
	}
	return t.put(bucket, key, b)
}

// PutRecord implements [ca.ImportTx].
func (t importTx) PutRecord(r journal.Record) error {
	head, err := decodeHead(r.Node, t.bucket(headBucket).Get([]byte(r.Node)))
	if err != nil {
		return err
	}
	if r.Seq != head.Seq+1 || r.Prev != head.Hash {
		return fmt.Errorf("boltstore: journal: record %d of %s does not follow record %d", r.Seq, r.Node, head.Seq)
	}
	if err := t.putRecord(r); err != nil {
		return err
	}
	return t.put(headBucket, []byte(r.Node), append(number(r.Seq), r.Hash[:]...))
}
