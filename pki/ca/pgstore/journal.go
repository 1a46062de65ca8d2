package pgstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// maxNumber is the greatest number that the columns hold.
const maxNumber = 1<<63 - 1

// headOf returns the end of one node's chain; one without records is empty.
func (t *readTx) headOf(node string) (journal.Head, error) {
	h := journal.Head{Node: node}
	var seq int64
	var hash []byte
	ok, err := t.row(`SELECT seq, hash FROM head WHERE node = $1`, []any{node}, []any{&seq, &hash})
	if err != nil || !ok {
		return h, err
	}
	return makeHead(node, seq, hash)
}

func makeHead(node string, seq int64, hash []byte) (journal.Head, error) {
	h := journal.Head{Node: node, Seq: uint64(seq)}
	if seq < 1 || len(hash) != len(h.Hash) {
		return h, fmt.Errorf("pgstore: the head of node %q is malformed", node)
	}
	copy(h.Hash[:], hash)
	return h, nil
}

// Journal implements [ca.ReadTx].
func (t *readTx) Journal(node string, after uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if after > maxNumber {
			return
		}
		lines := pages[int64, string](t, `SELECT seq, line FROM journal WHERE seq > $1 AND node = $2 ORDER BY seq LIMIT $3`, int64(after), node)
		for l, err := range lines {
			var r journal.Record
			if err == nil {
				r, err = parseRecord(node, l.key, l.value)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// parseRecord reads a record and checks that it is the one of its place.
func parseRecord(node string, seq int64, line string) (journal.Record, error) {
	r, err := journal.ParseRecord([]byte(line))
	if err == nil && (r.Seq != uint64(seq) || r.Node != node) {
		err = fmt.Errorf("pgstore: journal %s %d: the record is %s %d", node, seq, r.Node, r.Seq)
	}
	return r, err
}

// Heads implements [ca.ReadTx].
func (t *readTx) Heads() (map[string]journal.Head, error) {
	if t.err != nil {
		return nil, t.err
	}
	heads := make(map[string]journal.Head)
	rows, err := t.tx.Query(t.ctx, `SELECT node, seq, hash FROM head`)
	if err != nil {
		return nil, t.fail(err)
	}
	var node string
	var seq int64
	var hash []byte
	var malformed error
	_, err = pgx.ForEachRow(rows, []any{&node, &seq, &hash}, func() error {
		h, err := makeHead(node, seq, hash)
		malformed = errors.Join(malformed, err)
		heads[node] = h
		return nil
	})
	if err != nil {
		return nil, t.fail(err)
	}
	t.answered = true
	if malformed != nil {
		return nil, malformed
	}
	// A chain whose head somebody took away is not one without records.
	for node = ""; ; {
		ok, err := t.row(`SELECT node FROM journal WHERE node > $1 ORDER BY node LIMIT 1`, []any{node}, []any{&node})
		if err != nil || !ok {
			return heads, err
		}
		if _, known := heads[node]; !known {
			heads[node] = journal.Head{Node: node}
		}
	}
}

// parseSignedHeads reads signed heads and checks that they are those of their
// place.
func parseSignedHeads(n int64, text string) (journal.SignedHeads, error) {
	h, err := journal.ParseSignedHeads([]byte(text))
	if err == nil && h.Number != uint64(n) {
		err = fmt.Errorf("pgstore: heads %d: their number is %d", n, h.Number)
	}
	return h, err
}

// LastSignedHeads implements [ca.ReadTx].
func (t *readTx) LastSignedHeads() (journal.SignedHeads, error) {
	var number int64
	var text string
	if err := t.found(`SELECT number, value FROM heads ORDER BY number DESC LIMIT 1`, nil, &number, &text); err != nil {
		return journal.SignedHeads{}, err
	}
	return parseSignedHeads(number, text)
}

// SignedHeads implements [ca.ReadTx].
func (t *readTx) SignedHeads(after uint64) iter.Seq2[journal.SignedHeads, error] {
	from := int64(min(after, maxNumber))
	return func(yield func(journal.SignedHeads, error) bool) {
		for r, err := range pages[int64, string](t, `SELECT number, value FROM heads WHERE number > $1 ORDER BY number LIMIT $2`, from) {
			var h journal.SignedHeads
			if err == nil {
				h, err = parseSignedHeads(r.key, r.value)
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// ownHead returns where this node's chain ends, in this transaction.
func (t *writeTx) ownHead() (journal.Head, error) {
	if t.head != nil {
		if t.base.Node == "" {
			t.base = *t.head // remembered by the store
		}
		return *t.head, nil
	}
	var moved bool
	if _, err := t.row(`SELECT EXISTS (SELECT 1 FROM meta WHERE key = $1)`, []any{movedKey}, []any{&moved}); err != nil {
		return journal.Head{}, err
	}
	if moved {
		return journal.Head{}, ca.ErrMoved
	}
	h, err := t.headOf(t.store.node)
	if err != nil {
		return h, err
	}
	if a := t.store.acked; h.Seq < a.Seq || a.Seq > 0 && h.Seq == a.Seq && h.Hash != a.Hash {
		return h, fmt.Errorf("%w: node %q ends at record %d, and %d was acknowledged", ErrStepBack, h.Node, h.Seq, a.Seq)
	}
	t.head, t.base = &h, h
	return h, nil
}

// Append implements [ca.Tx].
func (t *writeTx) Append(e journal.Entry) (journal.Record, error) {
	head, err := t.ownHead()
	if err != nil {
		return journal.Record{}, err
	}
	r, err := head.Next(e)
	if err != nil {
		return journal.Record{}, err
	}
	if r.Seq > maxNumber {
		return journal.Record{}, errors.New("pgstore: journal: the chain is full")
	}
	next := r.Head()
	t.head, t.recorded = &next, true
	t.pending = append(t.pending, r)
	return r, nil
}

// flush writes the pending records and moves the head.
func (t *writeTx) flush() error {
	if len(t.pending) == 0 || t.err != nil {
		return t.err
	}
	b := new(pgx.Batch)
	if err := queueRecords(b, t.pending); err != nil {
		return err
	}
	// Where the head is not what this transaction builds on, or the ledger was
	// moved away, nothing is changed, and that is seen below.
	b.Queue(`INSERT INTO head (node, seq, hash)
		SELECT $1::text, $2::bigint, $3::bytea WHERE NOT EXISTS (SELECT 1 FROM meta WHERE key = $6)
		ON CONFLICT (node) DO UPDATE
		SET seq = EXCLUDED.seq, hash = EXCLUDED.hash WHERE head.seq = $4 AND head.hash = $5`,
		t.head.Node, int64(t.head.Seq), t.head.Hash[:], int64(t.base.Seq), t.base.Hash[:], movedKey)
	moved, err := t.send(b)
	if err != nil {
		return err
	}
	if moved != 1 {
		return t.fail(errStale)
	}
	t.base, t.pending = *t.head, nil
	return nil
}

func queueRecords(b *pgx.Batch, records []journal.Record) error {
	for _, r := range records {
		line, err := r.Line()
		if err != nil {
			return fmt.Errorf("pgstore: journal: %w", err)
		}
		b.Queue(`INSERT INTO journal (node, seq, line) VALUES ($1, $2, $3)`, r.Node, int64(r.Seq), string(line))
	}
	return nil
}

// send sends statements in one go and returns how many rows the last changed.
func (t *writeTx) send(b *pgx.Batch) (n int64, err error) {
	results := t.tx.SendBatch(t.ctx, b)
	for range b.Len() {
		tag, err := results.Exec()
		if err != nil {
			return 0, t.fail(errors.Join(err, results.Close()))
		}
		n = tag.RowsAffected()
	}
	if err := results.Close(); err != nil {
		return 0, t.fail(err)
	}
	return n, nil
}

// finish writes what is pending and the identifier of this transaction, which
// takes the place of the store's last one.
func (t *writeTx) finish(attempt, last []byte) error {
	if err := t.flush(); err != nil {
		return err
	}
	b := new(pgx.Batch)
	t.index.queue(b, t.store.node)
	if last != nil {
		b.Queue(`DELETE FROM outcome WHERE id = $1`, last)
	}
	b.Queue(`INSERT INTO outcome (id, done) VALUES ($1, true)`, attempt)
	_, err := t.send(b)
	return err
}

// Heads implements [ca.ReadTx]; a change sees its own records.
func (t *writeTx) Heads() (map[string]journal.Head, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.readTx.Heads()
}

// Journal implements [ca.ReadTx]; a change sees its own records.
func (t *writeTx) Journal(node string, after uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if err := t.flush(); err != nil {
			yield(journal.Record{}, err)
			return
		}
		t.readTx.Journal(node, after)(yield)
	}
}

// Erase implements [ca.Tx].
func (t *writeTx) Erase(node string, seq uint64, fields ...string) (journal.Record, error) {
	if err := t.flush(); err != nil {
		return journal.Record{}, err
	}
	if seq > maxNumber {
		return journal.Record{}, ca.ErrNotFound
	}
	var line string
	if err := t.found(`SELECT line FROM journal WHERE node = $1 AND seq = $2`, []any{node, int64(seq)}, &line); err != nil {
		return journal.Record{}, err
	}
	r, err := parseRecord(node, int64(seq), line)
	if err != nil {
		return journal.Record{}, err
	}
	if !r.Intact() { // what was tampered with is evidence
		return journal.Record{}, &journal.DamageError{Kind: journal.Changed, Node: node, Seq: seq, Position: seq}
	}
	if r, err = r.Erase(fields...); err != nil {
		return journal.Record{}, err
	}
	text, err := r.Line()
	if err != nil {
		return journal.Record{}, fmt.Errorf("pgstore: journal: %w", err)
	}
	_, err = t.change(`UPDATE journal SET line = $3 WHERE node = $1 AND seq = $2`, node, int64(seq), string(text))
	return r, err
}

// AddSignedHeads implements [ca.Tx].
func (t *writeTx) AddSignedHeads(h journal.SignedHeads) error {
	last, err := t.LastSignedHeads()
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	if h.Number != last.Number+1 || h.Number > maxNumber {
		return ca.ErrHeadsNumber
	}
	value, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("pgstore: heads: %w", err)
	}
	_, err = t.change(`INSERT INTO heads (number, value) VALUES ($1, $2)`, int64(h.Number), string(value))
	return err
}
