//go:build linux

package pgstore_test

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

// testJournalTampered edits the journal in the tables themselves.
func testJournalTampered(t *testing.T, d *databases) {
	openNode := func(t *testing.T, dir, node string) ca.Ledger { return open(t, d.of(t, dir), node) }
	tamper := func(t *testing.T, dir string, edit func(*ledgertest.RawJournal)) {
		t.Helper()
		sql := func(text string) [][]string {
			var rows [][]string
			for line := range strings.Lines(d.server.SQL(t, d.name(dir), text)) {
				rows = append(rows, strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 3))
			}
			return rows
		}
		number := func(text string) uint64 {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		r := &ledgertest.RawJournal{Records: map[ledgertest.RawPlace]string{}, Heads: map[string]journal.Head{}, Signed: map[uint64]string{}}
		for _, row := range sql("SELECT node, seq, line FROM journal") {
			r.Records[ledgertest.RawPlace{Node: row[0], Seq: number(row[1])}] = row[2]
		}
		for _, row := range sql("SELECT node, seq, encode(hash, 'hex') FROM head") {
			hash, err := hex.DecodeString(row[2])
			if err != nil {
				t.Fatal(err)
			}
			r.Heads[row[0]] = journal.Head{Node: row[0], Seq: number(row[1]), Hash: journal.Digest(hash)}
		}
		for _, row := range sql("SELECT number, value FROM heads") {
			r.Signed[number(row[0])] = row[1]
		}
		edit(r)
		var b strings.Builder
		b.WriteString("BEGIN; DELETE FROM journal; DELETE FROM head; DELETE FROM heads;\n")
		for p, line := range r.Records {
			fmt.Fprintf(&b, "INSERT INTO journal (node, seq, line) VALUES ('%s', %d, $q$%s$q$);\n", p.Node, p.Seq, line)
		}
		for node, h := range r.Heads {
			fmt.Fprintf(&b, "INSERT INTO head (node, seq, hash) VALUES ('%s', %d, '\\x%s');\n", node, h.Seq, h.Hash)
		}
		for n, text := range r.Signed {
			fmt.Fprintf(&b, "INSERT INTO heads (number, value) VALUES (%d, $q$%s$q$);\n", n, text)
		}
		b.WriteString("COMMIT;\n")
		d.server.SQL(t, d.name(dir), b.String())
	}
	ledgertest.RunTampering(t, openNode, tamper)
}
