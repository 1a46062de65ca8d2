//go:build linux

package cli

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
)

// hasPostgres says whether a database can be started; where CI=true it must be.
func hasPostgres() (bool, error) {
	err := postgres.Available()
	if err != nil && os.Getenv("CI") == "true" {
		return false, err
	}
	return err == nil, nil
}

// scriptTB lets a script start what a test starts.
type scriptTB struct {
	testing.TB // nil: the methods below are all that is called
	ts         *testscript.TestScript
}

func (s scriptTB) Helper()                   {}
func (s scriptTB) Cleanup(f func())          { s.ts.Defer(f) }
func (s scriptTB) Fatal(args ...any)         { s.ts.Fatalf("%s", fmt.Sprint(args...)) }
func (s scriptTB) Fatalf(f string, a ...any) { s.ts.Fatalf(f, a...) }
func (s scriptTB) Error(args ...any)         { s.ts.Logf("%s", fmt.Sprint(args...)) }

// scriptPostgres is the command postgres: it starts a server that asks for the
// password "pg-secret" and makes a database for each name; $PG_NAME is its
// address without the password, and PGPASSFILE names a file with it.
func scriptPostgres(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: postgres NAME…")
	}
	tb := scriptTB{ts: ts}
	s := postgres.Start(tb, "fsync = off")
	ts.Value(databaseOfScript).(*scriptDatabase).server = s
	s.SQL(tb, "postgres", "CREATE ROLE ca LOGIN PASSWORD 'pg-secret'")
	for _, name := range args {
		s.SQL(tb, "postgres", `CREATE DATABASE "`+name+`" OWNER ca`)
		ts.Setenv("PG_"+name, s.URI(name, "ca"))
	}
	s.AskPassword(tb, "ca")
	file := ts.MkAbs("pgpass")
	ts.Check(os.WriteFile(file, []byte("*:*:*:ca:pg-secret\n"), 0o600))
	ts.Setenv("PGPASSFILE", file)
}

// databaseOfScript is the key of a script's *scriptDatabase.
const databaseOfScript = "database"

// A scriptDatabase is the server that a script has started; nil is none.
type scriptDatabase struct{ server *postgres.Server }

// scriptPgserver is the command pgserver kill|up: the database loses its power,
// or gets it back.
func scriptPgserver(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(databaseOfScript).(*scriptDatabase).server
	if neg || len(args) != 1 || s == nil {
		ts.Fatalf("usage: pgserver kill|up, after postgres")
	}
	switch args[0] {
	case "kill":
		s.Kill()
	case "up":
		s.Up(scriptTB{ts: ts})
	default:
		ts.Fatalf("usage: pgserver kill|up")
	}
}
