package pgstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

// An indexer collects what new entries put into the indexes; it is written in
// a few statements, however many entries there are.
type indexer struct {
	days     index.Tally
	notAfter []int64
	serials  [][]byte // of notAfter
	words    []string
	named    [][]byte // of words
}

func newIndexer() indexer { return indexer{days: index.Tally{}} }

func (x *indexer) add(e ca.Entry) {
	serial := e.Serial[:] // a copy: e is one
	x.notAfter, x.serials = append(x.notAfter, e.NotAfter.Unix()), append(x.serials, serial)
	for _, w := range index.Words(e) {
		x.words, x.named = append(x.words, w), append(x.named, serial)
	}
	x.days.Add(e)
}

// queue adds the statements to a batch and empties the indexer.
func (x *indexer) queue(b *pgx.Batch, node string) {
	if len(x.serials) > 0 {
		b.Queue(`INSERT INTO expiry (not_after, serial) SELECT * FROM unnest($1::bigint[], $2::bytea[])`, x.notAfter, x.serials)
	}
	if len(x.words) > 0 {
		b.Queue(`INSERT INTO word (word, serial) SELECT * FROM unnest($1::text[], $2::bytea[])`, x.words, x.named)
	}
	for day, c := range x.days {
		b.Queue(`INSERT INTO day (day, node, issued, revoked, expiring) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (day, node) DO UPDATE SET issued = day.issued + EXCLUDED.issued,
			revoked = day.revoked + EXCLUDED.revoked, expiring = day.expiring + EXCLUDED.expiring`,
			day, node, int64(c.Issued), int64(c.Revoked), int64(c.Expiring))
	}
	*x = newIndexer()
}

// reindex fills the indexes from the entries and the requests: a part of
// migration 2.
func reindex(ctx context.Context, tx pgx.Tx, node string) error {
	r, x, n := &readTx{ctx: ctx, tx: tx}, newIndexer(), 0
	w := &writeTx{readTx: *r}
	flush := func() error {
		b := new(pgx.Batch)
		x.queue(b, node)
		_, err := w.send(b)
		return err
	}
	for e, err := range r.Entries(ca.Serial{}) {
		if err != nil {
			return err
		}
		x.add(e)
		if n++; n%limits.LedgerReindex == 0 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return w.reindexRequests()
}

// reindexRequests fills the columns by which requests in a state are found.
func (t *writeTx) reindexRequests() error {
	var ids, states []string
	var newest []int64
	flush := func() error {
		_, err := t.exec(`UPDATE request r SET state = u.state, newest = u.newest
			FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (id, state, newest) WHERE r.id = u.id`, ids, states, newest)
		ids, states, newest = nil, nil, nil
		return err
	}
	for e, err := range t.Requests("", ca.RequestFilter{}) {
		if err != nil {
			return err
		}
		ids, states, newest = append(ids, e.ID), append(states, string(e.State)), append(newest, -e.Created.Unix())
		if len(ids) == limits.LedgerReindex {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// flushIndex writes what was collected.
func (t *writeTx) flushIndex() error {
	b := new(pgx.Batch)
	t.index.queue(b, t.store.node)
	if b.Len() == 0 || t.err != nil {
		return t.err
	}
	_, err := t.send(b)
	return err
}

// Days implements [ca.ReadTx].
func (t *readTx) Days(from, to time.Time) iter.Seq2[ca.DayCount, error] {
	first, end := index.Days(from, to)
	return func(yield func(ca.DayCount, error) bool) {
		// The sums of a page at a time, as everywhere.
		rows := pages[int64, []int64](t, `SELECT day, ARRAY[sum(issued), sum(revoked), sum(expiring)]::bigint[] FROM day
			WHERE day > $1 AND day < $2 GROUP BY day ORDER BY day LIMIT $3`, first-1, end)
		for r, err := range rows {
			var d ca.DayCount
			if err == nil && len(r.value) != 3 {
				err = fmt.Errorf("pgstore: day %d: malformed", r.key)
			}
			if err == nil {
				d = ca.DayCount{Day: index.DayStart(r.key), Issued: int(r.value[0]), Revoked: int(r.value[1]), Expiring: int(r.value[2])}
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// seconds returns the first whole second that is not before a time: what
// certificates have.
func seconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// Expiring implements [ca.ReadTx].
func (t *readTx) Expiring(from, to time.Time, after ca.Serial, n int) ([]ca.Entry, error) {
	first, behind := seconds(from), []byte{}
	if after != (ca.Serial{}) {
		e, err := t.Entry(after)
		if err != nil {
			return nil, err
		}
		if e.NotAfter.Unix() >= first {
			first, behind = e.NotAfter.Unix(), after[:]
		}
	}
	if n = min(n, limits.SearchResults); n <= 0 {
		return nil, nil
	}
	serials, err := t.serials(`SELECT serial FROM expiry WHERE (not_after, serial) > ($1, $2) AND not_after < $3
		ORDER BY not_after, serial LIMIT $4`, first, behind, seconds(to), n)
	if err != nil {
		return nil, err
	}
	out := make([]ca.Entry, 0, len(serials))
	for _, s := range serials {
		e, err := finder{t}.Entry(s)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// serials reads serial numbers, of which the statement bounds the number.
func (t *readTx) serials(sql string, args ...any) ([]ca.Serial, error) {
	if t.err != nil {
		return nil, t.err
	}
	rows, err := t.tx.Query(t.ctx, sql, args...)
	if err != nil {
		return nil, t.fail(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, t.fail(err)
	}
	t.answered = true
	out := make([]ca.Serial, len(all))
	for n, s := range all {
		if len(s) != ca.SerialSize {
			return nil, fmt.Errorf("pgstore: %x: not a serial number", s)
		}
		copy(out[n][:], s)
	}
	return out, nil
}

// Search implements [ca.ReadTx].
func (t *readTx) Search(text string, after ca.Serial, n int) ([]ca.Entry, error) {
	return index.Search(finder{t}, text, after, n)
}

// finder implements [index.Finder].
type finder struct{ *readTx }

// Entry implements [index.Finder]: what an index names is there.
func (f finder) Entry(s ca.Serial) (ca.Entry, error) {
	var text string
	ok, err := f.row(`SELECT value FROM entry WHERE serial = $1`, []any{s[:]}, []any{&text})
	if err == nil && !ok {
		err = fmt.Errorf("pgstore: the index names %s, which has no entry", s)
	}
	if err != nil {
		return ca.Entry{}, err
	}
	return decode("entry", s[:], text, ownEntry)
}

// lastRune is behind every character of a word.
const lastRune = "\U0010FFFF"

// WithWord implements [index.Finder].
func (f finder) WithWord(prefix string, after ca.Serial, n int) ([]ca.Serial, error) {
	return f.serials(`SELECT DISTINCT serial FROM word WHERE word >= $1 AND word < $2 AND serial > $3 ORDER BY serial LIMIT $4`,
		prefix, prefix+lastRune, after[:], n)
}

// Within implements [index.Finder].
func (f finder) Within(ranges []index.Range, after ca.Serial, n int) ([]ca.Serial, error) {
	first, last := make([][]byte, len(ranges)), make([][]byte, len(ranges))
	for i, r := range ranges {
		first[i], last[i] = r.First[:], r.Last[:]
	}
	return f.serials(`SELECT e.serial FROM unnest($1::bytea[], $2::bytea[]) AS r (first, last)
		JOIN entry e ON e.serial BETWEEN r.first AND r.last WHERE e.serial > $3 ORDER BY e.serial LIMIT $4`, first, last, after[:], n)
}

// Days implements [ca.ReadTx]; a change sees its own.
func (t *writeTx) Days(from, to time.Time) iter.Seq2[ca.DayCount, error] {
	return func(yield func(ca.DayCount, error) bool) {
		if err := t.flushIndex(); err != nil {
			yield(ca.DayCount{}, err)
			return
		}
		t.readTx.Days(from, to)(yield)
	}
}

// Expiring implements [ca.ReadTx]; a change sees its own.
func (t *writeTx) Expiring(from, to time.Time, after ca.Serial, n int) ([]ca.Entry, error) {
	if err := t.flushIndex(); err != nil {
		return nil, err
	}
	return t.readTx.Expiring(from, to, after, n)
}

// Search implements [ca.ReadTx]; a change sees its own.
func (t *writeTx) Search(text string, after ca.Serial, n int) ([]ca.Entry, error) {
	if err := t.flushIndex(); err != nil {
		return nil, err
	}
	return t.readTx.Search(text, after, n)
}
