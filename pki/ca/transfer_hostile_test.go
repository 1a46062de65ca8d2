package ca_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

// seal ends lines with the counts and digests that belong to them, as somebody
// who wants a forged backup to be taken does.
func seal(tb testing.TB, body []string) string {
	tb.Helper()
	var sum ca.Summary
	all, ledger := streebog.New256(), streebog.New256()
	inLedger := false
	for _, l := range body {
		inLedger = inLedger || strings.HasPrefix(l, `{"ledger"`)
		all.Write([]byte(l))
		if inLedger {
			ledger.Write([]byte(l))
		}
		for prefix, n := range map[string]*uint64{
			`{"certificate"`: &sum.Certificates, `{"blocked"`: &sum.Blocked, `{"operator"`: &sum.Operators, `{"request"`: &sum.Requests,
			`{"record"`: &sum.Records, `{"heads"`: &sum.Heads,
		} {
			if strings.HasPrefix(l, prefix) {
				*n++
			}
		}
	}
	var digest journal.Digest
	ledger.Sum(sum.Digest[:0])
	all.Sum(digest[:0])
	end, err := json.Marshal(map[string]any{"end": struct {
		Summary ca.Summary     `json:"summary"`
		All     journal.Digest `json:"all"`
	}{sum, digest}})
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Join(body, "") + string(end) + "\n"
}

// bodyOf returns the lines of a dump but the last.
func bodyOf(whole string) []string {
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	return lines[:len(lines)-1]
}

// TestLoadForged changes one thing in a dump and makes the digests agree: what
// cannot be is refused all the same, with the line and the field.
func TestLoadForged(t *testing.T) {
	whole := dumped(t)
	body := bodyOf(whole)
	if again := seal(t, body); again != whole {
		t.Fatalf("the test does not know the form:\n%s\n%s", again, whole)
	}
	for _, tt := range []struct{ old, new, want string }{
		{`"status":"valid"`, `"status":"good"`, "certificate.entry.status"},
		{`"status":"valid"`, `"status":"revoked"`, "certificate.entry.revokedAt"},
		{`"status":"revoked"`, `"status":"hold"`, "certificate.entry.reason"},
		{`"reason":1`, `"reason":7`, "certificate.entry.reason"},
		{`"reason":1`, `"reason":1,"droppedAfter":18446744073709551615`, "certificate.entry.droppedAfter"},
		{`"serial":"01"`, `"serial":"00"`, "line 3"},
		{`"serial":"01"`, `"serial":"1"`, "certificate"},
		{`"serial":"01"`, `"serial":"03"`, "certificate.entry.serial"},
		{`"serial":"01"`, `"serial":"01","serial":"01"`, "form in which dumps are written"},
		{`"serial":"01"`, `"Serial":"01"`, "form in which dumps are written"},
		{`"serial":"01"`, `"serial": "01"`, "form in which dumps are written"},
		{`"serial":"01"`, `"serial":"01","more":1`, "unknown field"},
		{`"profile":"citizen"`, `"profile":""`, "certificate.entry.profile"},
		{`"profile":"citizen"`, `"profile":"a\u0000b"`, "certificate.entry.profile"},
		{`"profile":"citizen"`, `"profile":"` + strings.Repeat("x", 300) + `"`, "certificate.entry.profile"},
		{`"notAfter":"2027-06-02T12:00:00Z"`, `"notAfter":"2027-06-02T12:00:00.5Z"`, "certificate.entry.notAfter"},
		{`"notAfter":"2027-06-02T12:00:00Z"`, `"notAfter":"2027-06-02T12:00:00+03:00"`, "certificate.entry.notAfter"},
		{`"notAfter":"2027-06-02T12:00:00Z"`, `"notAfter":7`, "line 3: certificate"},
		{`"der":"MAEB"`, `"der":""`, "certificate.der"},
		{`{"blocked":"AQ=="}`, `{"blocked":""}`, "blocked"},
		{`{"blocked":"AQ=="}`, `{"blocked":"Ag=="}`, "blocked"},
		{`"number":9`, `"number":9223372036854775808`, "crl.entry.number"},
		{`"number":9,"base":8`, `"number":9,"base":9`, "crl.entry.base"},
		{`"entries":2`, `"entries":-1`, "crl.entry.entries"},
		{`"roles":["approver"]`, `"roles":["root"]`, "operator.roles"},
		{`"version":1,"roles"`, `"version":0,"roles"`, "operator.version"},
		{`"name":"Петрова","version"`, `"name":"","version"`, "operator.name"},
		{`"state":"submitted"`, `"state":"signed"`, "request.state"},
		{`{"request":{"id":"0`, `{"request":{"id":"9`, "request.id"},
		{`"seq":3`, `"seq":5`, "journal"},
		{`"prev":"`, `"prev":"0`, "record"},
		{`"number":1,"time"`, `"number":2,"time"`, "heads"},
		{`{"ledger":1}`, `{"ledger":2}`, "form"},
	} {
		at := slices.IndexFunc(body, func(l string) bool { return strings.Contains(l, tt.old) })
		if at < 0 {
			t.Errorf("%s is not in the dump:\n%s", tt.old, whole)
			continue
		}
		forged := slices.Clone(body)
		forged[at] = strings.Replace(forged[at], tt.old, tt.new, 1)
		s, err := load(t, seal(t, forged))
		var damage *journal.DamageError
		if !errors.Is(err, ca.ErrBackup) && !errors.As(err, &damage) || s.finished {
			t.Errorf("%s -> %s: %v, finished: %v", tt.old, tt.new, err, s.finished)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 600 {
			t.Errorf("%s -> %.60s: the error does not name %s: %v", tt.old, tt.new, tt.want, err)
		}
	}
	// Another order, by a forger.
	for n := 1; n+1 < len(body); n++ {
		forged := slices.Clone(body)
		forged[n], forged[n+1] = forged[n+1], forged[n]
		if s, err := load(t, seal(t, forged)); err == nil || s.finished {
			t.Errorf("lines %d and %d in the other order: %v", n, n+1, err)
		}
	}
}

// TestLoadAnyOctet changes one octet of every line, wherever it is, without the
// digests.
func TestLoadAnyOctet(t *testing.T) {
	whole := dumped(t)
	at := 0
	for _, l := range strings.SplitAfter(whole, "\n") {
		for range min(12, len(l)) {
			n := at + mathrand.IntN(len(l))
			changed := []byte(whole)
			changed[n] ^= 1 << mathrand.IntN(8)
			if s, err := load(t, string(changed)); err == nil || s.finished {
				t.Errorf("octet %d is %q and not %q, and is accepted", n, changed[n], whole[n])
			}
		}
		at += len(l)
	}
}

// TestLoadThere: a ledger that is there already and holds what the dump holds is
// not an error, and any other one is.
func TestLoadThere(t *testing.T) {
	whole := dumped(t)
	_, err := load(t, whole)
	if err != nil {
		t.Fatal(err)
	}
	var same ca.Summary
	boom := errors.New("boom")
	for _, tt := range []struct {
		text  string
		there func() (ca.Summary, error)
		want  error
	}{
		{whole, func() (ca.Summary, error) { return same, nil }, nil},
		{whole, func() (ca.Summary, error) { other := same; other.Digest[0] ^= 1; return other, nil }, ca.ErrLedgerExists},
		{whole, func() (ca.Summary, error) { return ca.Summary{}, boom }, boom},
		{whole, nil, ca.ErrLedgerExists},
		{whole[:len(whole)-9], func() (ca.Summary, error) { return same, nil }, ca.ErrBackup},
		{strings.Replace(whole, "Иванов", "Иваноф", 1), func() (ca.Summary, error) { return same, nil }, ca.ErrBackup},
	} {
		if same == (ca.Summary{}) {
			if same, err = ca.Load(t.Context(), strings.NewReader(whole), ca.LoadOptions{Open: func() (ca.Importer, error) { return new(sink), nil }}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := ca.Load(t.Context(), strings.NewReader(tt.text), ca.LoadOptions{
			Open: func() (ca.Importer, error) { return nil, fmt.Errorf("%w: here", ca.ErrLedgerExists) }, There: tt.there,
		})
		if !errors.Is(err, tt.want) || tt.want == nil && (err != nil || got != same) {
			t.Errorf("got %+v, %v; want %v", got, err, tt.want)
		}
	}
}

// FuzzDump seals whatever lines there are. What is accepted then becomes a
// ledger, whose dump is the same text.
func FuzzDump(f *testing.F) {
	l, err := boltstore.Open(f.Context(), filepath.Join(f.TempDir(), ca.LedgerFile))
	if err != nil {
		f.Fatal(err)
	}
	ledgertest.Fill(f, l)
	var out strings.Builder
	if _, err := ca.Dump(f.Context(), l, &out); err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	body := bodyOf(out.String())
	f.Add(strings.Join(body, ""))
	for n := range body {
		f.Add(body[0] + body[n])
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasSuffix(text, "\n") || strings.Contains(text, `{"file"`) {
			return
		}
		whole := seal(t, bodyOf(text+"x\n"))
		if s, err := load(t, whole); err != nil {
			if s.finished {
				t.Fatal("a refused dump became a ledger")
			}
			return
		}
		dir := t.TempDir()
		path := filepath.Join(dir, ca.LedgerFile)
		_, err := ca.Load(t.Context(), strings.NewReader(whole), ca.LoadOptions{Open: func() (ca.Importer, error) { return boltstore.Import(t.Context(), path) }})
		if err != nil {
			t.Fatalf("accepted, and cannot be kept: %v", err)
		}
		l, err := boltstore.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() //nolint:errcheck // read only
		var again bytes.Buffer
		if _, err := ca.Dump(t.Context(), l, &again); err != nil || again.String() != whole {
			t.Fatalf("%v\n%s\n%s", err, again.String(), whole)
		}
	})
}
