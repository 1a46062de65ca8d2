package pgstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// class says what can be done about an error.
type class uint8

const (
	final    class = iota // nothing; also the class of no error
	conflict              // do it again: another transaction was in the way
	lost                  // do it again on a new connection
)

// errStale says that this node's chain is longer than the store remembered:
// another process has written under the same name.
var errStale = errors.New("pgstore: another process of this node has written")

// classify says what can be done about an error of the database. The codes are
// those of PostgreSQL's documentation, appendix A.
func classify(err error) class {
	if err == nil || errors.Is(err, context.Canceled) {
		return final
	}
	if errors.Is(err, errStale) {
		return conflict
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return classOf(pe.Code)
	}
	var ce *pgconn.ConnectError
	var ne net.Error
	if errors.As(err, &ce) || errors.As(err, &ne) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "conn closed") { // pgconn has no exported error for it
		return lost
	}
	return final
}

func classOf(code string) class {
	switch code {
	// serialization_failure, deadlock_detected; unique_violation where two
	// processes of one node reach the same place in the chain.
	case "40001", "40P01", "40003", "23505":
		return conflict
	// admin_shutdown, crash_shutdown, cannot_connect_now, idle session ended;
	// read_only_sql_transaction of a primary that became a standby;
	// too_many_connections.
	case "57P01", "57P02", "57P03", "57P05", "25006", "53300":
		return lost
	}
	if strings.HasPrefix(code, "08") { // connection exceptions
		return lost
	}
	return final
}

// retry calls try until it has an answer, the context ends, or the patience is
// used up.
func (s *Store) retry(ctx context.Context, try func(context.Context) (class, error)) error {
	begin := time.Now()
	for n := 1; ; n++ {
		c, err := try(ctx)
		if err == nil {
			return nil
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			return errors.Join(ctxErr, keep(err))
		}
		switch {
		case c == final:
			return err
		case c == conflict && n >= limits.LedgerConflicts:
			return fmt.Errorf("pgstore: given up after %d conflicts: %w", n, err)
		case c == lost && time.Since(begin) >= s.patience:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if c == conflict {
			s.stats.conflicts.Add(1)
		} else {
			s.stats.reconnects.Add(1)
			// The other connections lead to the same server, which may be a
			// standby by now.
			s.pool.Reset()
		}
		if err := pause(ctx, c, n); err != nil {
			return err
		}
	}
}

// keep drops errors that only say that the context has ended.
func keep(err error) error {
	if errors.Is(err, ErrUnknown) {
		return err
	}
	return nil
}

// pause waits before the next try: a moment after a conflict, up to half a
// second for a database that is away; at random, so that nodes do not meet
// again.
func pause(ctx context.Context, c class, n int) error {
	most := time.Millisecond << min(n, 5)
	if c == lost {
		most = 20 * time.Millisecond << min(n, 5)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(most/4 + time.Duration(mathrand.Int64N(int64(most)))): //nolint:gosec // a wait, not a secret
		return nil
	}
}
