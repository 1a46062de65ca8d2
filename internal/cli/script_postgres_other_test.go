//go:build !linux

package cli

import "github.com/rogpeppe/go-internal/testscript"

func hasPostgres() (bool, error) { return false, nil }

func scriptPostgres(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("the tests start PostgreSQL on Linux only")
}

// databaseOfScript and scriptDatabase are for Linux.
const databaseOfScript = "database"

type scriptDatabase struct{}

func scriptPgserver(ts *testscript.TestScript, neg bool, args []string) {
	scriptPostgres(ts, neg, args)
}
