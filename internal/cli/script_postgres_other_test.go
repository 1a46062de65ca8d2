//go:build !linux

package cli

import "github.com/rogpeppe/go-internal/testscript"

func hasPostgres() (bool, error) { return false, nil }

func scriptPostgres(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("the tests start PostgreSQL on Linux only")
}
