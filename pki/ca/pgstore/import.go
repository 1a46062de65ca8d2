package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// Importer fills the tables of a new ledger. It implements [ca.Importer].
// Until Finish a row says that the ledger is not complete, and Open refuses it.
type Importer struct {
	store *Store
	done  bool
}

var _ ca.Importer = (*Importer)(nil)

// tables holds every table with content, in an order in which they can be
// emptied.
var tables = [...]string{"certificate", "entry", "blocked", "crl", "request", "operator", "journal", "head", "heads", "expiry", "word", "day", "outcome", "meta"}

// Import begins a ledger in a database that has none. What an interrupted
// import left is thrown away. A ledger with anything in it gives
// [ca.ErrLedgerExists].
func Import(ctx context.Context, dsn string, o Options) (*Importer, error) {
	s, err := connect(ctx, dsn, o)
	if err != nil {
		return nil, err
	}
	err = s.migrate(ctx, true)
	if err == nil {
		err = s.retry(ctx, func(ctx context.Context) (class, error) {
			err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error { return begin(ctx, tx) })
			return classify(err), err
		})
	}
	if err != nil {
		s.pool.Close()
		return nil, err
	}
	return &Importer{store: s}, nil
}

// begin marks an empty ledger as incomplete, and empties an incomplete one.
func begin(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, unhurried); err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	var incomplete, filled bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM meta WHERE key = $1),
		EXISTS (SELECT 1 FROM meta) OR EXISTS (SELECT 1 FROM journal) OR EXISTS (SELECT 1 FROM entry)`, importKey).Scan(&incomplete, &filled)
	if err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	if filled && !incomplete {
		return ca.ErrLedgerExists
	}
	for _, t := range tables {
		if _, err := tx.Exec(ctx, `DELETE FROM `+t); err != nil {
			return fmt.Errorf("pgstore: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, '')`, importKey); err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	return nil
}

// Import implements [ca.Importer]. It is not done again after a lost
// connection: whoever copies begins anew.
func (i *Importer) Import(ctx context.Context, f func(ca.ImportTx) error) error {
	return pgx.BeginFunc(ctx, i.store.pool, func(ptx pgx.Tx) error {
		tx := &writeTx{readTx: readTx{ctx: ctx, tx: ptx}, store: i.store, index: newIndexer()}
		b := &importTx{writeTx: tx, batch: new(pgx.Batch), heads: map[string]journal.Head{}}
		if err := f(b); err != nil {
			return err
		}
		for _, h := range b.heads {
			b.batch.Queue(`INSERT INTO head (node, seq, hash) VALUES ($1, $2, $3)
				ON CONFLICT (node) DO UPDATE SET seq = EXCLUDED.seq, hash = EXCLUDED.hash`, h.Node, int64(h.Seq), h.Hash[:])
		}
		tx.index.queue(b.batch, i.store.node)
		_, err := tx.send(b.batch)
		return err
	})
}

// Finish implements [ca.Importer].
func (i *Importer) Finish(ctx context.Context) error {
	tag, err := i.store.pool.Exec(ctx, `DELETE FROM meta WHERE key = $1`, importKey)
	if err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return errors.New("pgstore: somebody else has touched the new ledger")
	}
	// The planner knows nothing of the new rows yet; if that takes too long, it
	// learns by itself, and the ledger is there.
	_, _ = i.store.pool.Exec(ctx, `ANALYZE`)
	i.done = true
	return i.store.Close()
}

// Abandon implements [ca.Importer]. The rows stay, marked as incomplete, until
// the next Import throws them away.
func (i *Importer) Abandon() error {
	if i.done {
		return nil
	}
	i.done = true
	return i.store.Close()
}

// importTx implements [ca.ImportTx]: statements are sent together.
type importTx struct {
	*writeTx
	batch *pgx.Batch
	heads map[string]journal.Head
}

// Add implements [ca.ImportTx].
func (t *importTx) Add(e ca.Entry, der []byte) error {
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("pgstore: entry: %w", err)
	}
	t.batch.Queue(`INSERT INTO entry (serial, listed, value) VALUES ($1, $2, $3)`, e.Serial[:], e.OnCRL(), string(value))
	t.index.add(e)
	t.batch.Queue(`INSERT INTO certificate (serial, der) VALUES ($1, $2)`, e.Serial[:], der)
	return nil
}

// BlockKey implements [ca.ImportTx].
func (t *importTx) BlockKey(keyID []byte) error {
	t.batch.Queue(`INSERT INTO blocked (key_id) VALUES ($1)`, keyID)
	return nil
}

// PutOperator implements [ca.ImportTx].
func (t *importTx) PutOperator(o ca.Operator) error {
	return t.put(`INSERT INTO operator (name, value) VALUES ($1, $2)`, o.Name, o)
}

// PutRequest implements [ca.ImportTx].
func (t *importTx) PutRequest(e ca.RequestEntry) error {
	return t.put(putRequest, e.ID, e, string(e.State), -e.Created.Unix())
}

func (t *importTx) put(sql, key string, v any, more ...any) error {
	value, err := json.Marshal(v)
	if err != nil || key == "" {
		return fmt.Errorf("pgstore: %q: %w", key, errors.Join(err, errors.New("it cannot be kept")))
	}
	t.batch.Queue(sql, append([]any{key, string(value)}, more...)...)
	return nil
}

// PutRecord implements [ca.ImportTx].
func (t *importTx) PutRecord(r journal.Record) error {
	if r.Seq > maxNumber {
		return errors.New("pgstore: journal: the chain is too long")
	}
	if err := queueRecords(t.batch, []journal.Record{r}); err != nil {
		return err
	}
	t.heads[r.Node] = r.Head()
	return nil
}
