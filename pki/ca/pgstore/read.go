package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// readTx implements [ca.ReadTx]. It belongs to one goroutine.
type readTx struct {
	ctx context.Context //nolint:containedctx // ca.ReadTx has the lifetime of one call that has a context
	tx  pgx.Tx
	// err is the first error of the database: after it nothing of this
	// transaction counts.
	err error
	// answered: something was read.
	answered bool
}

// fail remembers an error of the database.
func (t *readTx) fail(err error) error {
	if t.err == nil {
		t.err = err
	}
	return fmt.Errorf("pgstore: %w", err)
}

// row reads one row: found is false where there is none.
func (t *readTx) row(sql string, args, into []any) (found bool, err error) {
	if t.err != nil {
		return false, t.err
	}
	err = t.tx.QueryRow(t.ctx, sql, args...).Scan(into...)
	if errors.Is(err, pgx.ErrNoRows) {
		t.answered = true
		return false, nil
	}
	if err != nil {
		return false, t.fail(err)
	}
	t.answered = true
	return true, nil
}

// exec runs a statement that changes rows and returns their number.
func (t *readTx) exec(sql string, args ...any) (int64, error) {
	if t.err != nil {
		return 0, t.err
	}
	tag, err := t.tx.Exec(t.ctx, sql, args...)
	if err != nil {
		return 0, t.fail(err)
	}
	return tag.RowsAffected(), nil
}

// page reads at most limits.LedgerPage rows of one key and one value.
func page[K, V any](t *readTx, sql string, args ...any) (keys []K, values []V, err error) {
	if t.err != nil {
		return nil, nil, t.err
	}
	rows, err := t.tx.Query(t.ctx, sql, append(args, limits.LedgerPage)...)
	if err != nil {
		return nil, nil, t.fail(err)
	}
	var k K
	var v V
	_, err = pgx.ForEachRow(rows, []any{&k, &v}, func() error {
		keys, values = append(keys, k), append(values, v)
		return nil
	})
	if err != nil {
		return nil, nil, t.fail(err)
	}
	t.answered = true
	return keys, values, nil
}

// pages iterates over the rows behind a key, page by page: between two pages
// the connection is free for other questions. sql takes the key before and the
// size of the page behind the other arguments.
func pages[K, V any](t *readTx, sql string, after K, args ...any) iter.Seq2[row[K, V], error] {
	return func(yield func(row[K, V], error) bool) {
		for {
			keys, values, err := page[K, V](t, sql, append([]any{after}, args...)...)
			if err != nil {
				yield(row[K, V]{}, err)
				return
			}
			for i := range keys {
				if !yield(row[K, V]{keys[i], values[i]}, nil) {
					return
				}
			}
			if len(keys) < limits.LedgerPage {
				return
			}
			after = keys[len(keys)-1]
		}
	}
}

type row[K, V any] struct {
	key   K
	value V
}

// decoded iterates over rows and reads their values; check says whether a
// value belongs to its key.
func decoded[K, T any](rows iter.Seq2[row[K, string], error], what string, check func(K, T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for r, err := range rows {
			var v T
			if err == nil {
				v, err = decode(what, r.key, r.value, check)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

func decode[K, T any](what string, key K, text string, check func(K, T) bool) (T, error) {
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("pgstore: %s %v: %w", what, key, err)
	}
	if !check(key, v) {
		return v, fmt.Errorf("pgstore: %s %v: the value is another one's", what, key)
	}
	return v, nil
}

// Issuer implements [ca.ReadTx].
func (t *readTx) Issuer() ([]byte, error) {
	var der []byte
	return der, t.found(`SELECT value FROM meta WHERE key = $1`, []any{issuerKey}, &der)
}

// found reads one row that is to be there: [ca.ErrNotFound] otherwise.
func (t *readTx) found(sql string, args []any, into ...any) error {
	ok, err := t.row(sql, args, into)
	if err == nil && !ok {
		err = ca.ErrNotFound
	}
	return err
}

func ownEntry(key []byte, e ca.Entry) bool { return string(key) == string(e.Serial[:]) }

// Entry implements [ca.ReadTx].
func (t *readTx) Entry(s ca.Serial) (ca.Entry, error) {
	var text string
	if err := t.found(`SELECT value FROM entry WHERE serial = $1`, []any{s[:]}, &text); err != nil {
		return ca.Entry{}, err
	}
	return decode("entry", s[:], text, ownEntry)
}

// Certificate implements [ca.ReadTx].
func (t *readTx) Certificate(s ca.Serial) ([]byte, error) {
	var der []byte
	return der, t.found(`SELECT der FROM certificate WHERE serial = $1`, []any{s[:]}, &der)
}

// Entries implements [ca.ReadTx].
func (t *readTx) Entries(after ca.Serial) iter.Seq2[ca.Entry, error] {
	return decoded(pages[[]byte, string](t,
		`SELECT serial, value FROM entry WHERE serial > $1 ORDER BY serial LIMIT $2`, after[:]), "entry", ownEntry)
}

// Listed implements [ca.ReadTx].
func (t *readTx) Listed() iter.Seq2[ca.Entry, error] {
	return decoded(pages[[]byte, string](t,
		`SELECT serial, value FROM entry WHERE listed AND serial > $1 ORDER BY serial LIMIT $2`, []byte{}), "entry", ownEntry)
}

// KeyBlocked implements [ca.ReadTx].
func (t *readTx) KeyBlocked(keyID []byte) (bool, error) {
	if len(keyID) == 0 {
		return false, nil
	}
	var one int
	return t.row(`SELECT 1 FROM blocked WHERE key_id = $1`, []any{keyID}, []any{&one})
}

// BlockedKeys implements [ca.ReadTx].
func (t *readTx) BlockedKeys() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for r, err := range pages[[]byte, bool](t, `SELECT key_id, true FROM blocked WHERE key_id > $1 ORDER BY key_id LIMIT $2`, []byte{}) {
			if !yield(r.key, err) || err != nil {
				return
			}
		}
	}
}

// LastCRL implements [ca.ReadTx].
func (t *readTx) LastCRL() (ca.CRLEntry, error) {
	var number int64
	var text string
	var der []byte
	err := t.found(`SELECT number, value, der FROM crl ORDER BY number DESC LIMIT 1`, nil, &number, &text, &der)
	if err != nil {
		return ca.CRLEntry{}, err
	}
	e, err := decode("CRL", number, text, func(n int64, e ca.CRLEntry) bool { return e.Number == uint64(n) })
	e.DER = der
	return e, err
}

// Request implements [ca.ReadTx].
func (t *readTx) Request(id string) (ca.RequestEntry, error) {
	var text string
	if err := t.found(`SELECT value FROM request WHERE id = $1`, []any{id}, &text); err != nil {
		return ca.RequestEntry{}, err
	}
	return decode("request", id, text, ownRequest)
}

func ownRequest(id string, e ca.RequestEntry) bool { return e.ID == id }

// Requests implements [ca.ReadTx].
func (t *readTx) Requests(after string, filter ca.RequestFilter) iter.Seq2[ca.RequestEntry, error] {
	all := decoded(pages[string, string](t,
		`SELECT id, value FROM request WHERE id > $1 ORDER BY id LIMIT $2`, after), "request", ownRequest)
	if filter.State != "" {
		all = t.inState(after, filter.State)
	}
	return func(yield func(ca.RequestEntry, error) bool) {
		for e, err := range all {
			if err == nil && !filter.Match(e) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// inState iterates over the requests in a state behind another one, in whatever
// state that is now: its place stays, since the time of its creation does.
func (t *readTx) inState(after string, state ca.RequestState) iter.Seq2[ca.RequestEntry, error] {
	return func(yield func(ca.RequestEntry, error) bool) {
		if after != "" {
			if _, err := t.Request(after); err != nil {
				yield(ca.RequestEntry{}, err)
				return
			}
		}
		rows := pages[string, string](t, `SELECT id, value FROM request WHERE state = $2
			AND (newest, id) > (coalesce((SELECT newest FROM request WHERE id = $1), $3), $1) ORDER BY newest, id LIMIT $4`,
			after, string(state), int64(math.MinInt64))
		for e, err := range decoded(rows, "request", ownRequest) {
			if err == nil && e.State != state {
				err = fmt.Errorf("pgstore: request %s: it is %s, and its column says %s", e.ID, e.State, state)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Operator implements [ca.ReadTx].
func (t *readTx) Operator(name string) (ca.Operator, error) {
	var text string
	if err := t.found(`SELECT value FROM operator WHERE name = $1`, []any{name}, &text); err != nil {
		return ca.Operator{}, err
	}
	return decode("operator", name, text, ownOperator)
}

func ownOperator(name string, o ca.Operator) bool { return o.Name == name }

// Operators implements [ca.ReadTx].
func (t *readTx) Operators() iter.Seq2[ca.Operator, error] {
	return decoded(pages[string, string](t,
		`SELECT name, value FROM operator WHERE name > $1 ORDER BY name LIMIT $2`, ""), "operator", ownOperator)
}
