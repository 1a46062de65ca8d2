//go:build linux

package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
)

var day = time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)

func serial(n int) (s ca.Serial) {
	s[0], s[18], s[19] = 1, byte(n>>8), byte(n)
	return s
}

// add returns a change that adds a certificate with its record.
func add(n int) func(ca.Tx) error {
	return func(tx ca.Tx) error {
		e := ca.Entry{Serial: serial(n), Profile: "ocsp", Subject: "CN=x", NotBefore: day, NotAfter: day.AddDate(1, 0, 0), IssuedAt: day, Status: ca.Valid}
		if err := tx.Add(e, []byte{0x30, 1, byte(n)}); err != nil {
			return err
		}
		_, err := tx.Append(journal.Entry{Time: day, Event: "issue", Subject: e.Serial.String()})
		return err
	}
}

// TestDatabase runs what needs a server and nothing special of it.
func TestDatabase(t *testing.T) {
	d := newDatabases(t)
	for name, f := range map[string]func(*testing.T, *databases){
		"Ledger": testLedger, "Import": testImport, "Nodes": testNodes, "Between": testBetween, "Retire": testRetire,
		"StepBack": testStepBack, "Newer": testNewer, "MigrateTogether": testMigrateTogether,
		"Upgrade": testUpgrade, "Tampered": testTampered, "JournalTampered": testJournalTampered, "StateTampered": testStateTampered, "RevokeRace": testRevokeRace,
	} {
		t.Run(name, func(t *testing.T) { f(t, d) })
	}
}

// testNodes: four nodes, two of them of the same name, race for the same serial
// and CRL numbers. Each is given out once, and every chain is whole.
func testNodes(t *testing.T, d *databases) {
	dsn := d.of(t, "nodes")
	const each = 25
	var mu sync.Mutex
	won, crls := map[int]int{}, map[uint64]int{}
	var wg sync.WaitGroup
	for _, node := range []string{"one", "two", "two", "three"} {
		l := open(t, dsn, node)
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			for n := range each {
				var number uint64
				err := l.Update(t.Context(), func(tx ca.Tx) error {
					last, err := tx.LastCRL()
					if err != nil && !errors.Is(err, ca.ErrNotFound) {
						return err
					}
					number = last.Number + 1
					if err := tx.AddCRL(ca.CRLEntry{Number: number, DER: []byte{1}}); err != nil {
						return err
					}
					return add(n + 1)(tx)
				})
				switch {
				case err == nil:
					mu.Lock()
					won[n]++
					crls[number]++
					mu.Unlock()
				case !errors.Is(err, ca.ErrSerialUsed):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := range each {
		if won[n] != 1 || crls[uint64(n+1)] != 1 {
			t.Errorf("serial number %d was given out %d times, CRL number %d times", n, won[n], crls[uint64(n+1)])
		}
	}
	l := open(t, dsn, "auditor")
	defer l.Close() //nolint:errcheck // read only
	err := l.View(t.Context(), func(tx ca.ReadTx) error {
		heads, err := tx.Heads()
		sum := uint64(0)
		for node, h := range heads {
			if _, err := journal.Verify(tx.Journal(node, 0), h); err != nil {
				t.Errorf("%s: %v", node, err)
			}
			sum += h.Seq
		}
		if sum != each {
			t.Errorf("%d records in %d chains, want %d", sum, len(heads), each)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// testBetween copies between a database and a file, there and back.
func testBetween(t *testing.T, d *databases) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	source := open(t, d.of(t, "from"), "")
	ledgertest.Fill(t, source)
	toFile := func() (ca.Importer, error) { return boltstore.Import(t.Context(), file) }
	want, err := ca.Copy(t.Context(), source, toFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	bolt, err := boltstore.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ca.Copy(t.Context(), bolt, func() (ca.Importer, error) {
		return pgstore.Import(t.Context(), d.of(t, "to"), pgstore.Options{})
	})
	if err := errors.Join(err, bolt.Close()); err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	back := open(t, d.of(t, "to"), "")
	defer back.Close() //nolint:errcheck // read only
	if got, err := ca.LedgerDigest(t.Context(), back); err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
}

// testRetire: a ledger that was moved takes nothing any more, not even from a
// node that has it open, and is not retired while somebody writes.
func testRetire(t *testing.T, d *databases) {
	dsn := d.of(t, "retire")
	l := open(t, dsn, "")
	defer l.Close() //nolint:errcheck // nothing is left to write
	if err := l.Update(t.Context(), add(1)); err != nil {
		t.Fatal(err)
	}
	heads := func() (h map[string]journal.Head) {
		if err := l.View(t.Context(), func(tx ca.ReadTx) (err error) { h, err = tx.Heads(); return err }); err != nil {
			t.Fatal(err)
		}
		return h
	}
	before := heads()
	if err := l.Update(t.Context(), add(2)); err != nil {
		t.Fatal(err)
	}
	if err := l.Retire(t.Context(), before); !errors.Is(err, pgstore.ErrChanged) {
		t.Fatalf("somebody wrote in between: %v", err)
	}
	if err := l.Update(t.Context(), add(3)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be said again
		if err := l.Retire(t.Context(), heads()); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Update(t.Context(), add(4)); !errors.Is(err, ca.ErrMoved) {
		t.Errorf("a node that was there: %v", err)
	}
	if _, err := pgstore.Open(t.Context(), dsn, pgstore.Options{}); !errors.Is(err, ca.ErrMoved) {
		t.Errorf("a new node: %v", err)
	}
	old, err := pgstore.Open(t.Context(), dsn, pgstore.Options{Moved: true, Node: "new"})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close() //nolint:errcheck // nothing can be written
	if err := old.Update(t.Context(), add(5)); !errors.Is(err, ca.ErrMoved) {
		t.Errorf("a new chain: %v", err)
	}
}

// testStepBack: a database that was set back under a running node is noticed.
func testStepBack(t *testing.T, d *databases) {
	l := open(t, d.of(t, "back"), "")
	defer l.Close() //nolint:errcheck // nothing more is written
	for n := range 3 {
		if err := l.Update(t.Context(), add(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	d.server.SQL(t, d.name("back"), `DELETE FROM certificate; DELETE FROM entry; DELETE FROM journal WHERE seq > 1;
		UPDATE head SET seq = 1, hash = decode(substring(line from '"hash":"([0-9a-f]*)"'), 'hex') FROM journal`)
	for range 2 { // and it stays so
		if err := l.Update(t.Context(), add(9)); !errors.Is(err, pgstore.ErrStepBack) {
			t.Fatalf("got %v", err)
		}
	}
}

// testNewer refuses the tables of a newer program.
func testNewer(t *testing.T, d *databases) {
	dsn := d.of(t, "newer")
	if err := open(t, dsn, "").Close(); err != nil {
		t.Fatal(err)
	}
	d.server.SQL(t, d.name("newer"), "INSERT INTO migration (version) VALUES (999)")
	if _, err := pgstore.Open(t.Context(), dsn, pgstore.Options{Create: true}); err == nil || !strings.Contains(err.Error(), "999") {
		t.Fatalf("got %v", err)
	}
}

// testMigrateTogether: several nodes make the tables at the same time.
func testMigrateTogether(t *testing.T, d *databases) {
	dsn := d.of(t, "together")
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			s, err := pgstore.Open(t.Context(), dsn, pgstore.Options{Create: true, Node: fmt.Sprint("n", n)})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(s.Update(t.Context(), add(n+1)), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestUnavailable: a database that is not there gives an error that says so,
// without a password, after the patience is used up.
func TestUnavailable(t *testing.T) {
	dir := t.TempDir()
	for _, dsn := range []string{
		"postgres:///none?user=ca&password=secret&host=" + dir,
		"postgres://ca:secret@127.0.0.1:1,127.0.0.1:2/none?target_session_attrs=read-write",
	} {
		_, err := pgstore.Open(t.Context(), dsn, pgstore.Options{Patience: 300 * time.Millisecond})
		if !errors.Is(err, pgstore.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
	if _, err := pgstore.Open(t.Context(), "postgres://ca:secret@[x", pgstore.Options{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
	if _, err := pgstore.Open(t.Context(), "postgres://h/d", pgstore.Options{Node: "Ä"}); err == nil {
		t.Error("a node of any name is accepted")
	}
}

// TestLostAnswer cuts connections at random moments, the commit included, while
// a node writes through them. Every change that was acknowledged is there, and
// none that was not reported as unknown is missing or there twice.
func TestLostAnswer(t *testing.T) {
	server := postgres.Start(t, "fsync = off")
	server.Database(t, "lost")
	cutter := newCutter(t, filepath.Join(server.Socket(), ".s.PGSQL.5432"))
	l := open(t, fmt.Sprintf("host=%s user=%s dbname=lost sslmode=disable", cutter.dir, postgres.User), "")
	defer l.Close() //nolint:errcheck // the connections are cut anyway
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	const changes = 150
	for n := range changes {
		cutter.after(n % 20) // a change takes about that many packets
		if err := l.Update(ctx, add(n+1)); err != nil {
			t.Fatalf("change %d: %v", n, err)
		}
	}
	cutter.after(-1)
	cuts := cutter.count()
	if cuts < 20 {
		t.Errorf("only %d connections were cut", cuts)
	}
	if _, err := ca.VerifyJournal(t.Context(), l); err != nil {
		t.Error(err)
	}
	err := l.View(t.Context(), func(tx ca.ReadTx) error {
		n := 0
		for _, err := range tx.Entries(ca.Serial{}) {
			if err != nil {
				return err
			}
			n++
		}
		heads, err := tx.Heads()
		if n != changes || heads["main"].Seq != changes {
			t.Errorf("%d entries and %d records of %d changes", n, heads["main"].Seq, changes)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	stats := l.Stats()
	if stats.Resolved == 0 || stats.Happened == 0 || stats.Happened == stats.Resolved {
		t.Errorf("the cuts did not meet commits both before and after the fact: %+v", stats)
	}
	t.Logf("%d connections were cut under %d changes: %+v", cuts, changes, stats)
}
