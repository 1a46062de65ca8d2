//go:build linux

package pgstore_test

import (
	"sync"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
)

// testUpgrade opens the tables of the program before, from several nodes at
// once. A node of that program cannot write any more.
func testUpgrade(t *testing.T, d *databases) {
	dsn := d.of(t, "upgrade")
	l := open(t, dsn, "")
	ledgertest.FillPersons(t, l)
	want, err := ca.LedgerDigest(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	d.server.SQL(t, d.name("upgrade"), `DROP TABLE expiry, word, day, outcome;
		ALTER TABLE request DROP COLUMN state, DROP COLUMN newest; DELETE FROM migration WHERE version > 1;
		CREATE TABLE attempt (id bytea PRIMARY KEY, done boolean NOT NULL, checks integer NOT NULL DEFAULT 0, at timestamptz NOT NULL DEFAULT now())`)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			l, err := pgstore.Open(t.Context(), dsn, pgstore.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close() //nolint:errcheck // read only
			ledgertest.Reindexed(t, l)
			if got, err := ca.LedgerDigest(t.Context(), l); err != nil || got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
	wg.Wait()
	if got := d.server.SQL(t, d.name("upgrade"), `SELECT count(*) FROM pg_tables WHERE tablename = 'attempt'`); got != "0" {
		t.Error("the table of the program before is still there")
	}
}
