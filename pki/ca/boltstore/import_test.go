package boltstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

func begin(t *testing.T, dir string) ca.Importer {
	t.Helper()
	i, err := boltstore.Import(t.Context(), filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestImport(t *testing.T) { ledgertest.RunImport(t, open, begin) }

// TestImportLeaves: an abandoned import leaves nothing, and none goes over a
// ledger.
func TestImportLeaves(t *testing.T) {
	dir := t.TempDir()
	if err := begin(t, dir).Abandon(); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	late := begin(t, dir)
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if err := late.Finish(t.Context()); !errors.Is(err, ca.ErrLedgerExists) {
		t.Errorf("Finish over a ledger: %v", err)
	}
	if _, err := boltstore.Import(t.Context(), filepath.Join(dir, "ledger.db")); !errors.Is(err, ca.ErrLedgerExists) {
		t.Errorf("Import over a ledger: %v", err)
	}
}
