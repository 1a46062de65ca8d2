package pgstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

func TestClassify(t *testing.T) {
	code := func(c string) error {
		return fmt.Errorf("x: %w", &pgconn.PgError{Code: c, SeverityUnlocalized: "ERROR"})
	}
	for name, tt := range map[string]struct {
		err  error
		want class
	}{
		"none":                   {nil, final},
		"serialization failure":  {code("40001"), conflict},
		"deadlock":               {code("40P01"), conflict},
		"completion unknown":     {code("40003"), conflict},
		"the same place":         {code("23505"), conflict},
		"another process":        {errStale, conflict},
		"admin shutdown":         {code("57P01"), lost},
		"crash":                  {code("57P02"), lost},
		"starting up":            {code("57P03"), lost},
		"a standby":              {code("25006"), lost},
		"too many connections":   {code("53300"), lost},
		"connection failure":     {code("08006"), lost},
		"end of file":            {io.ErrUnexpectedEOF, lost},
		"network":                {&net.OpError{Op: "read", Err: errors.New("reset")}, lost},
		"timeout of a statement": {code("57014"), final},
		"no such table":          {code("42P01"), final},
		"disk full":              {code("53100"), final},
		"cancelled":              {context.Canceled, final},
		"of the caller":          {errors.New("no"), final},
	} {
		if got := classify(tt.err); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// TestRefused: after what answers a COMMIT can be known not to have happened.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"serialization failure": {&pgconn.PgError{Code: "40001", SeverityUnlocalized: "ERROR"}, true},
		"rolled back":           {pgx.ErrTxCommitRollback, true},
		"completion unknown":    {&pgconn.PgError{Code: "40003", SeverityUnlocalized: "ERROR"}, false},
		"shut down":             {&pgconn.PgError{Code: "57P01", SeverityUnlocalized: "FATAL"}, false},
		"lost":                  {io.ErrUnexpectedEOF, false},
		"no time left":          {context.DeadlineExceeded, false},
	} {
		if got := refused(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRetryEnds: tries are bounded in number after conflicts and in time where
// the database is away, and end with the context.
func TestRetryEnds(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "host=/none sslmode=disable") // never used
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := &Store{pool: pool, patience: 50 * time.Millisecond}
	tries := 0
	again := func(c class, err error) func(context.Context) (class, error) {
		tries = 0
		return func(context.Context) (class, error) { tries++; return c, err }
	}
	boom := errors.New("boom")
	if err := s.retry(t.Context(), again(final, boom)); !errors.Is(err, boom) || tries != 1 {
		t.Errorf("final: %v after %d tries", err, tries)
	}
	if err := s.retry(t.Context(), again(conflict, boom)); !errors.Is(err, boom) || tries != limits.LedgerConflicts {
		t.Errorf("conflict: %v after %d tries", err, tries)
	}
	if err := s.retry(t.Context(), again(lost, boom)); !errors.Is(err, ErrUnavailable) || !errors.Is(err, boom) || tries < 2 {
		t.Errorf("lost: %v after %d tries", err, tries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = s.retry(ctx, func(context.Context) (class, error) { cancel(); return lost, boom })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
