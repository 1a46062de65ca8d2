//go:build linux

package pgstore_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

// testStateTampered edits the state in the tables themselves.
func testStateTampered(t *testing.T, d *databases) {
	openNode := func(t *testing.T, dir, node string) ca.Ledger { return open(t, d.of(t, dir), node) }
	tamper := func(t *testing.T, dir string, edit func(*ledgertest.RawState)) {
		t.Helper()
		pairs := func(columns, table string) map[string]string {
			out := map[string]string{}
			for line := range strings.Lines(d.server.SQL(t, d.name(dir), "SELECT "+columns+" FROM "+table)) {
				k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
				out[k] = v
			}
			return out
		}
		set := func(m map[string]string) map[string]bool {
			out := map[string]bool{}
			for k := range m {
				out[k] = true
			}
			return out
		}
		const serial = "encode(serial, 'hex'), "
		r := &ledgertest.RawState{
			Entries: pairs(serial+"value", "entry"), Listed: set(pairs(serial+"1", "entry WHERE listed")),
			Certificates: pairs(serial+"encode(der, 'hex')", "certificate"), Blocked: set(pairs("encode(key_id, 'hex'), 1", "blocked")),
			Lists: map[uint64]string{}, Requests: pairs("id, value", "request"), Operators: pairs("name, value", "operator"),
		}
		for n, v := range pairs("number, value", "crl") {
			number, err := strconv.ParseUint(n, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			r.Lists[number] = v
		}
		edit(r)
		d.server.SQL(t, d.name(dir), stateSQL(r))
	}
	ledgertest.RunStateTampering(t, openNode, tamper)
}

// stateSQL puts a state in the place of the one that is there. The octets of
// the last list stay.
func stateSQL(r *ledgertest.RawState) string {
	var b strings.Builder
	b.WriteString(`BEGIN; CREATE TEMP TABLE kept AS SELECT der FROM crl WHERE der IS NOT NULL; DELETE FROM certificate; DELETE FROM entry;
		DELETE FROM blocked; DELETE FROM crl; DELETE FROM request; DELETE FROM operator;`)
	for s, v := range r.Entries {
		fmt.Fprintf(&b, "INSERT INTO entry (serial, listed, value) VALUES ('\\x%s', %v, $q$%s$q$);\n", s, r.Listed[s], v)
	}
	for s, v := range r.Certificates {
		fmt.Fprintf(&b, "INSERT INTO certificate (serial, der) VALUES ('\\x%s', '\\x%s');\n", s, v)
	}
	for k := range r.Blocked {
		fmt.Fprintf(&b, "INSERT INTO blocked (key_id) VALUES ('\\x%s');\n", k)
	}
	for n, v := range r.Lists {
		fmt.Fprintf(&b, "INSERT INTO crl (number, value, der) VALUES (%d, $q$%s$q$, (SELECT der FROM kept));\n", n, v)
	}
	for k, v := range r.Requests {
		fmt.Fprintf(&b, "INSERT INTO request (id, value) VALUES ('%s', $q$%s$q$);\n", k, v)
	}
	for k, v := range r.Operators {
		fmt.Fprintf(&b, "INSERT INTO operator (name, value) VALUES ('%s', $q$%s$q$);\n", k, v)
	}
	b.WriteString("COMMIT;")
	return b.String()
}
