package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate makes the tables of a new ledger, or brings those of an older
// program up to date: each file of migrations, in order, in a transaction that
// also notes its number. A ledger of a newer program is refused.
func (s *Store) migrate(ctx context.Context, create bool) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("pgstore: migrations: %w", errors.Join(err, fs.ErrNotExist))
	}
	for {
		version, err := s.version(ctx)
		switch {
		case err != nil:
			return err
		case version == 0 && !create:
			return ErrNoLedger
		case version > len(files):
			return fmt.Errorf("pgstore: the ledger's format is %d; this program knows %d", version, len(files))
		case version == len(files):
			return nil
		}
		sql, err := migrations.ReadFile(files[version])
		if err != nil {
			return fmt.Errorf("pgstore: migrations: %w", err)
		}
		fill := func(pgx.Tx) error { return nil }
		if version+1 == indexVersion {
			fill = func(tx pgx.Tx) error { return reindex(ctx, tx, s.node) }
		}
		if err := s.step(ctx, version+1, string(sql), fill); err != nil {
			return fmt.Errorf("pgstore: %s: %w", files[version], err)
		}
	}
}

// indexVersion is the migration whose tables are filled from the entries.
const indexVersion = 2

// version returns the number of the last migration, 0 where there is no ledger.
func (s *Store) version(ctx context.Context) (int, error) {
	var version int
	err := s.retry(ctx, func(ctx context.Context) (class, error) {
		err := s.pool.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM migration`).Scan(&version)
		var pe *pgconn.PgError
		if errors.As(err, &pe) && pe.Code == "42P01" { // undefined_table
			version = 0
			return final, nil
		}
		return classify(err), err
	})
	if err != nil {
		return 0, fmt.Errorf("pgstore: %w", err)
	}
	return version, nil
}

// step applies one migration. Where another node does the same at the same
// time, one of them fails on a name or a number that exists; it looks again.
//
// Each statement sees what was committed before it: what an older program was
// still writing when its table was taken away is in the indexes as well.
func (s *Store) step(ctx context.Context, version int, sql string, fill func(pgx.Tx) error) error {
	return s.retry(ctx, func(ctx context.Context) (class, error) {
		err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, unhurried); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS migration (
				version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, `INSERT INTO migration (version) VALUES ($1) ON CONFLICT DO NOTHING`, version)
			if err != nil || tag.RowsAffected() == 0 { // another node was faster
				return err
			}
			if _, err = tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			return fill(tx)
		})
		var pe *pgconn.PgError
		if errors.As(err, &pe) && pe.Code == "42P07" { // duplicate_table
			return conflict, err
		}
		return classify(err), err
	})
}

// The meta table's keys.
const (
	issuerKey = "issuer"
	importKey = "importing" // a copy into the database is not complete
	movedKey  = "moved"     // the ledger is kept elsewhere now
)

// checkComplete refuses a ledger that is being copied into the database, and,
// unless that is asked for, one that was moved away.
func (s *Store) checkComplete(ctx context.Context, moved bool) error {
	var key string
	err := s.retry(ctx, func(ctx context.Context) (class, error) {
		key = ""
		err := s.pool.QueryRow(ctx, `SELECT key FROM meta WHERE key IN ($1, $2) ORDER BY key LIMIT 1`, importKey, movedKey).Scan(&key)
		if errors.Is(err, pgx.ErrNoRows) {
			return final, nil
		}
		return classify(err), err
	})
	switch {
	case err != nil:
		return fmt.Errorf("pgstore: %w", err)
	case key == importKey:
		return ErrImporting
	case key == movedKey && !moved:
		return ca.ErrMoved
	}
	return nil
}

// Retire says that the ledger is kept elsewhere from now on: no node writes
// any more, and Open refuses it with [ca.ErrMoved]. It fails with
// [ErrChanged] and does nothing if a chain does not end where heads says, that
// is if a node has written since the ledger was copied. What is there stays.
func (s *Store) Retire(ctx context.Context, heads map[string]journal.Head) error {
	return s.retry(ctx, func(ctx context.Context) (class, error) {
		err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
			now, err := (&readTx{ctx: ctx, tx: tx}).Heads()
			if err != nil {
				return err
			}
			if !maps.Equal(now, heads) {
				return ErrChanged
			}
			_, err = tx.Exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, '') ON CONFLICT DO NOTHING`, movedKey)
			return err
		})
		return classify(err), err
	})
}
