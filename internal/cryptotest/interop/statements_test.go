package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// TestStatements has every peer read what an authority publishes.
func TestStatements(t *testing.T) {
	peer.NeedOpenSSL(t)
	peer.NeedCerttool(t)
	peer.NeedBouncyCastle(t)
	sets, err := chosen("cryptopro-a,tc26-512-a")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bc, err := startCastle(t.Context(), dir, peer.JarDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bc.close() })
	m := newMatrix(&tools{dir: dir, castle: bc, slots: make(chan struct{}, 2)}, sets, openSSL{}, bouncyCastle{}, gnuTLS{})
	for _, set := range sets {
		if err := m.prepare(dir + "/" + set.name); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.runStatements(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.statementFailures(); err != nil {
		t.Error(err)
	}
	rows := len(ocspStatements()) + len(listStatements())
	if want := 3 * (2*rows - 1); len(m.statements) != want { // the long list only once
		t.Errorf("%d cells were run, not %d", len(m.statements), want)
	}
	p := &page{}
	m.statementTable(p)
	m.statementCommands(p)
	if n := strings.Count(p.String(), "OpenSSL accepts:"); n < rows-1 {
		t.Errorf("OpenSSL's commands stand there %d times:\n%s", n, p)
	}
	if file := os.Getenv("GOSKLYUCH_STATEMENTS"); file != "" {
		if err := os.WriteFile(file, []byte(p.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStatementJudge: what a declared gap does not explain fails the run.
func TestStatementJudge(t *testing.T) {
	key := statementKey{"good.ors", "OpenSSL", "cryptopro-a"}
	accepts := &refusal{"openssl", errAcceptsDamage, errAcceptsDamage.Error()}
	for _, test := range []struct {
		name string
		cell statementCell
		bad  bool
	}{
		{"fine", statementCell{}, false},
		{"refused", statementCell{accepted: errors.New("no")}, true},
		{"the corrupted copy is taken", statementCell{refused: accepts}, true},
	} {
		m := newMatrix(nil, []paramset{paramsets[0]}, openSSL{})
		m.statements = map[statementKey]statementCell{key: test.cell}
		if err := m.statementFailures(); (err != nil) != test.bad {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
