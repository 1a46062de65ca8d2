package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// grace is how long a commit that is under way is waited for after the
// caller's context has ended: long enough to learn the outcome of a healthy
// database, short enough for a stop.
const grace = 5 * time.Second

// settle returns a context in which the outcome of a commit is found out. It
// does not end with the caller's: half a commit is no state to leave.
func (s *Store) settle(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-out.Done():
		case <-time.After(grace):
			cancel()
		}
	})
	return out, func() { stop(); cancel() }
}

// commit commits and, where the answer is lost, finds out what became of it.
// attempt is the identifier that the transaction wrote, nil if it wrote nothing.
func (s *Store) commit(ctx context.Context, conn *pgxpool.Conn, tx pgx.Tx, attempt []byte) (class, error) {
	ctx, cancel := s.settle(ctx)
	defer cancel()
	data := conn.Conn().PgConn().CustomData()
	delete(data, warned)
	err := tx.Commit(ctx)
	switch {
	case err == nil && data[warned] == nil:
		return final, nil
	case attempt == nil:
		return classify(err), err // nothing was to happen
	case err != nil && refused(err):
		return classify(err), err
	}
	return s.resolve(ctx, attempt, err)
}

// refused reports whether the server said that it has not committed. An ERROR
// in answer to COMMIT says so; a FATAL one, or none, may come after the fact.
func refused(err error) bool {
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return true
	}
	var pe *pgconn.PgError
	// 40003 is statement_completion_unknown (ISO/IEC 9075-2): distributed
	// databases use it.
	return errors.As(err, &pe) && pe.SeverityUnlocalized == "ERROR" && pe.Code != "40003"
}

// resolve finds out whether the transaction that wrote attempt has committed.
// Where it has not, it never will: see the package comment.
func (s *Store) resolve(ctx context.Context, attempt []byte, cause error) (class, error) {
	var done bool
	err := s.retry(ctx, func(ctx context.Context) (class, error) {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return classify(err), err
		}
		defer conn.Release()
		data := conn.Conn().PgConn().CustomData()
		delete(data, warned)
		// The update makes the server write, and so wait for the standby.
		err = conn.QueryRow(ctx, `INSERT INTO outcome (id, done) VALUES ($1, false)
			ON CONFLICT (id) DO UPDATE SET checks = outcome.checks + 1 RETURNING done`, attempt).Scan(&done)
		if err == nil && data[warned] != nil {
			return lost, errors.New("the standby has not confirmed")
		}
		return classify(err), err
	})
	switch {
	case err != nil:
		return final, fmt.Errorf("%w: %w", ErrUnknown, errors.Join(cause, err))
	case done:
		s.stats.resolved.Add(1)
		s.stats.happened.Add(1)
		return final, nil
	}
	s.stats.resolved.Add(1)
	if cause == nil {
		cause = errors.New("the commit was undone")
	}
	return lost, cause
}
