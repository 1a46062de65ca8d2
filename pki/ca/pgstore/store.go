// Package pgstore keeps the ledger of a certification authority in a
// PostgreSQL database (15 or newer), so that several nodes can issue, revoke
// and answer at the same time.
//
// # What is promised
//
// Every Update is one serializable transaction: nodes that write at the same
// time behave as if one came after the other. A serial number is given out
// once (primary key), CRL numbers rise, and each node has a journal chain of
// its own. When Update returns nil, the transaction is on the disk of the
// primary and, where the database has a synchronous standby, on that one too.
//
// Nothing is used that a PostgreSQL-compatible distributed database lacks: no
// advisory locks, no triggers, no sequences, no LISTEN.
//
// # When the database goes away
//
// A transaction that conflicts with another, or whose connection was lost
// before it committed, is done again, so the function passed to Update may be
// called more than once. A commit whose answer was lost is never simply done
// again: it may have happened. Each transaction writes a random identifier of
// its own into the table "outcome"; afterwards the store asks the database,
// the promoted standby for instance, for that identifier. The question is
// itself a write: where the row is missing, it is put there as void, and a
// transaction that is still on its way cannot commit any more; where it is
// found, the answer comes back only when the standby has it as well.
//
// A database that has lost what it had acknowledged (an asynchronous standby
// that was promoted, a backup that was restored under a running node) is
// noticed by the next Update: [ErrStepBack].
//
// The address names all hosts, and the store finds the one that takes writes,
// also after another one was promoted. It reads from that one too, whatever
// target_session_attrs the address has: a standby may be behind.
//
//	postgres://ca@db1,db2/ledger?sslmode=verify-full
//
// The tables lie in the first schema of the search path; an authority has a
// database, or a schema (search_path=… in the address), to itself.
package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// What a database answers and a caller branches on, beside the errors of
// package ca.
var (
	// ErrNoLedger: there is no ledger in the database.
	ErrNoLedger = errors.New("pgstore: the database holds no ledger")
	// ErrImporting: a ledger was being copied into the database, and the copy
	// is not complete.
	ErrImporting = errors.New("pgstore: the ledger in the database is an unfinished copy")
	// ErrStepBack: the database lacks records that it had acknowledged to
	// this node. Nothing more is written: an operator has to look.
	ErrStepBack = errors.New("pgstore: the database has lost what it had acknowledged to this node")
	// ErrUnknown: the answer to a commit was lost, and the database could not
	// be asked what became of it in time. The change has happened or not; a
	// later look at the ledger tells.
	ErrUnknown = errors.New("pgstore: it is unknown whether the change has happened")
	// ErrChanged: a node has written to a ledger that was to be retired.
	ErrChanged = errors.New("pgstore: a node has written to the ledger in the meantime")
	// ErrUnavailable: no host of the address takes writes.
	ErrUnavailable = errors.New("pgstore: the database cannot be reached")
)

// Options say how a ledger is opened. The zero Options is that of a single
// node that expects a ledger.
type Options struct {
	// Node is the name of this node, which names its chain of the journal; ""
	// is [journal.DefaultNode]. Nodes that work at the same time should have different
	// names: with the same one they are correct and wait for one another.
	Node string
	// Create makes the tables where there are none.
	Create bool
	// Moved opens a ledger that was moved away, to look at it.
	Moved bool
	// Patience is how long a database that does not answer is waited for; 0 is
	// 30 seconds, which is more than the usual promotion of a standby takes,
	// and 10 while the ledger is opened, where somebody waits in front of it.
	Patience time.Duration
}

// defaultPatience and openPatience are the defaults of Options; connectTimeout is how long one host
// may take to answer at all, unless the address says otherwise.
const (
	defaultPatience = 30 * time.Second
	openPatience    = 10 * time.Second
	connectTimeout  = 5 * time.Second
	// vanished is after how long a host that says nothing more is given up.
	vanished = 20 * time.Second
)

// Store is a ledger in a PostgreSQL database. It implements [ca.Ledger] and
// may be used by several goroutines; its own writers wait for one another.
type Store struct {
	pool     *pgxpool.Pool
	node     string
	patience time.Duration

	stats struct{ conflicts, reconnects, resolved, happened atomic.Uint64 }

	// writer holds one token: the fields below belong to who has it.
	writer chan struct{}
	// head is where this node's chain ends, nil if that must be read.
	head *journal.Head
	// acked is the last head that the database acknowledged.
	acked journal.Head
	// last is the identifier of the last transaction; its row goes with the next.
	last []byte
}

var _ ca.Ledger = (*Store)(nil)

// Stats counts what a store had to do beside its work, since it was opened.
type Stats struct {
	Conflicts  uint64 // tries that met another transaction
	Reconnects uint64 // tries that met no server, or lost it
	Resolved   uint64 // commits whose answer was lost, and whose outcome was found out
	Happened   uint64 // of these: commits that had happened
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	return Stats{s.stats.conflicts.Load(), s.stats.reconnects.Load(), s.stats.resolved.Load(), s.stats.happened.Load()}
}

// Open opens the ledger at an address as PostgreSQL writes it: a URI
// (postgres://…) or "key=value" words, with what is left out taken from the
// environment (PGHOST, PGPASSFILE, PGSSLROOTCERT …) as libpq does. It brings
// the tables of an older program up to date.
//
// The errors are [ErrNoLedger], [ErrImporting], [ErrUnavailable] and what the
// database answers; none of them contains a password.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	s, err := connect(ctx, dsn, o)
	if err != nil {
		return nil, err
	}
	patience := s.patience
	if o.Patience == 0 {
		s.patience = openPatience
	}
	err = s.migrate(ctx, o.Create)
	if err == nil {
		err = s.checkComplete(ctx, o.Moved)
	}
	if err == nil {
		err = s.forget(ctx)
	}
	if err != nil {
		s.pool.Close()
		return nil, err
	}
	s.patience = patience
	return s, nil
}

// connect makes the pool; no connection is opened yet.
func connect(ctx context.Context, dsn string, o Options) (*Store, error) {
	if len(dsn) > limits.LedgerDSN {
		return nil, fmt.Errorf("pgstore: address: longer than %d octets", limits.LedgerDSN)
	}
	if o.Node == "" {
		o.Node = journal.DefaultNode
	}
	if err := journal.CheckNode(o.Node); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pgstore: address: %w", err)
	}
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > time.Minute {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "gosklyuch"
	}
	config.ConnConfig.DialFunc = (&net.Dialer{Control: userTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: vanished / 2, Interval: vanished / 6, Count: 3,
	}}).DialContext
	config.ConnConfig.OnNotice = noteWarning
	// Whatever the address says: a standby is behind the primary by as much as
	// it likes, and an answer from it may call a revoked certificate good.
	config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	for name, value := range serverTimeouts() {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("pgstore: %w", err)
	}
	s := &Store{pool: pool, node: o.Node, patience: o.Patience, writer: make(chan struct{}, 1)}
	if s.patience <= 0 {
		s.patience = defaultPatience
	}
	return s, nil
}

// serverTimeouts are settings of a connection, unless the address has others
// ("statement_timeout=0"): how long one statement may take, of which none takes
// a second, and how long a transaction may do nothing, so that what a node that
// has vanished holds is let go.
func serverTimeouts() map[string]string {
	return map[string]string{"statement_timeout": "60s", "idle_in_transaction_session_timeout": "10min"}
}

// unhurried takes the limit of time from the statements of a transaction that
// go over whole tables.
const unhurried = `SET LOCAL statement_timeout = 0`

// warned is the key under which a connection remembers a warning.
const warned = "gosklyuch warned"

// noteWarning remembers that the server warned. The one warning that matters
// is that a commit did not wait for the standby: "The transaction has already
// committed locally, but might not have been replicated to the standby." It
// has the code of every warning (01000) and a translated text, so any warning
// counts, at the price of one more question.
func noteWarning(c *pgconn.PgConn, n *pgconn.Notice) {
	if n.Code == "01000" {
		c.CustomData()[warned] = true
	}
}

// Close implements [ca.Ledger]. It waits for running transactions.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// forget removes the identifiers of stores that were not closed long ago.
func (s *Store) forget(ctx context.Context) error {
	return s.retry(ctx, func(ctx context.Context) (class, error) {
		_, err := s.pool.Exec(ctx, `DELETE FROM outcome WHERE at < now() - interval '7 days'`)
		return classify(err), err
	})
}

// View implements [ca.Ledger]: f sees one snapshot of the primary. Once f has
// seen anything it is not called again: a connection lost later is its error.
func (s *Store) View(ctx context.Context, f func(ca.ReadTx) error) error {
	return s.retry(ctx, func(ctx context.Context) (class, error) {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return classify(err), err
		}
		defer conn.Release()
		// The snapshot is that of the first statement: SELECT takes it here.
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1`})
		if err != nil {
			return classify(err), err
		}
		defer s.rollback(ctx, tx)
		r := &readTx{ctx: ctx, tx: tx}
		err = f(r)
		if r.err != nil {
			if r.answered {
				return final, errors.Join(r.err, ctx.Err())
			}
			return classify(r.err), r.err
		}
		return final, err
	})
}

// rollback ends a transaction that is not to be committed. A connection on
// which that fails is closed by pgx, and the server does the same.
func (s *Store) rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
	defer cancel()
	_ = tx.Rollback(ctx) // of one that has ended: nothing to do
}

// Update implements [ca.Ledger]. f may be called more than once, each time
// with a transaction that has seen nothing yet: what it returns to the outside
// it must set, not add to. The errors of the database are [ErrUnavailable],
// [ErrUnknown] and [ErrStepBack].
func (s *Store) Update(ctx context.Context, f func(ca.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.retry(ctx, func(ctx context.Context) (class, error) {
		c, err := s.try(ctx, f)
		if c != final || err != nil {
			s.head = nil // read it again
		}
		return c, err
	})
}

// try runs one transaction.
func (s *Store) try(ctx context.Context, f func(ca.Tx) error) (class, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return classify(err), err
	}
	defer conn.Release()
	ptx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		return classify(err), err
	}
	defer s.rollback(ctx, ptx)
	tx := &writeTx{readTx: readTx{ctx: ctx, tx: ptx}, store: s, head: s.head, index: newIndexer()}
	err = f(tx)
	if tx.err != nil {
		return classify(tx.err), tx.err // whatever f made of it
	}
	switch {
	case err != nil:
		return final, err
	case tx.changed && !tx.recorded:
		return final, ca.ErrNoRecord
	}
	var attempt []byte
	if tx.recorded {
		attempt = make([]byte, 16)
		if _, err := rand.Read(attempt); err != nil {
			return final, fmt.Errorf("pgstore: %w", err)
		}
		if err := tx.finish(attempt, s.last); err != nil {
			return classify(err), err
		}
	}
	if err := ctx.Err(); err != nil {
		return final, err // the last moment at which nothing has happened
	}
	if c, err := s.commit(ctx, conn, ptx, attempt); err != nil {
		return c, err
	}
	if tx.recorded {
		s.head, s.acked, s.last = tx.head, *tx.head, attempt
	}
	return final, nil
}
