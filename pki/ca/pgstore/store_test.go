//go:build linux

package pgstore_test

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
)

// databases gives each directory of a test a database of its own.
type databases struct {
	server *postgres.Server
	mu     sync.Mutex
	dsn    map[string]string
}

func newDatabases(t *testing.T) *databases {
	return &databases{server: postgres.Start(t, "fsync = off"), dsn: map[string]string{}}
}

func (d *databases) of(t *testing.T, dir string) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	dsn, ok := d.dsn[dir]
	if !ok {
		dsn = d.server.Database(t, fmt.Sprint("db", len(d.dsn)))
		d.dsn[dir] = dsn
	}
	return dsn
}

// name returns the name of the database of a place that was given one.
func (d *databases) name(dir string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return regexp.MustCompile(`dbname=(\S+)`).FindStringSubmatch(d.dsn[dir])[1]
}

func open(t *testing.T, dsn, node string) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(t.Context(), dsn, pgstore.Options{Node: node, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testImport copies between databases, and between a database and a file.
func testImport(t *testing.T, d *databases) {
	inDatabase := func(t *testing.T, dir string) ca.Ledger { return open(t, d.of(t, dir), "") }
	toDatabase := func(t *testing.T, dir string) ca.Importer {
		i, err := pgstore.Import(t.Context(), d.of(t, dir), pgstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	t.Run("database", func(t *testing.T) { ledgertest.RunImport(t, inDatabase, toDatabase) })
	t.Run("refusals", func(t *testing.T) {
		dir := t.TempDir()
		dsn := d.of(t, dir)
		if _, err := pgstore.Open(t.Context(), dsn, pgstore.Options{}); !errors.Is(err, pgstore.ErrNoLedger) {
			t.Errorf("an empty database: %v", err)
		}
		unfinished := toDatabase(t, dir)
		if err := unfinished.Abandon(); err != nil {
			t.Fatal(err)
		}
		if _, err := pgstore.Open(t.Context(), dsn, pgstore.Options{Create: true}); !errors.Is(err, pgstore.ErrImporting) {
			t.Errorf("an unfinished copy: %v", err)
		}
		other := t.TempDir()
		l := inDatabase(t, other)
		ledgertest.Fill(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := pgstore.Import(t.Context(), d.of(t, other), pgstore.Options{}); !errors.Is(err, ca.ErrLedgerExists) {
			t.Errorf("into a ledger: %v", err)
		}
	})
}

func testLedger(t *testing.T, d *databases) {
	ledgertest.Run(t, func(t *testing.T, dir string) ca.Ledger { return open(t, d.of(t, dir), "") })
}
