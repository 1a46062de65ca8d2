package ca_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ledgertest"
)

// dumped returns the dump of a ledger that has a little of everything.
func dumped(t *testing.T) string {
	t.Helper()
	l, err := boltstore.Open(t.Context(), filepath.Join(t.TempDir(), ca.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // read only from here
	ledgertest.Fill(t, l)
	var out strings.Builder
	if _, err := ca.Dump(t.Context(), l, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// sink takes what Load puts in and keeps nothing.
type sink struct{ finished, abandoned bool }

func (s *sink) Import(_ context.Context, f func(ca.ImportTx) error) error { return f(s) }
func (s *sink) Finish(context.Context) error                              { s.finished = true; return nil }

func (s *sink) Abandon() error                           { s.abandoned = true; return nil }
func (s *sink) SetIssuer([]byte) error                   { return nil }
func (s *sink) Add(ca.Entry, []byte) error               { return nil }
func (s *sink) BlockKey([]byte) error                    { return nil }
func (s *sink) AddCRL(ca.CRLEntry) error                 { return nil }
func (s *sink) PutOperator(ca.Operator) error            { return nil }
func (s *sink) PutRequest(ca.RequestEntry) error         { return nil }
func (s *sink) PutRecord(journal.Record) error           { return nil }
func (s *sink) AddSignedHeads(journal.SignedHeads) error { return nil }

func load(t testing.TB, text string) (*sink, error) {
	t.Helper()
	s := new(sink)
	_, err := ca.Load(t.Context(), strings.NewReader(text), ca.LoadOptions{Open: func() (ca.Importer, error) { return s, nil }})
	return s, err
}

// TestLoadRefuses changes a dump in every way that an accident, or somebody
// who cannot compute digests, would.
func TestLoadRefuses(t *testing.T) {
	whole := dumped(t)
	if s, err := load(t, whole); err != nil || !s.finished || s.abandoned {
		t.Fatalf("the whole dump: %+v, %v", s, err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	join := func(l ...string) string { return strings.Join(l, "") }
	tests := map[string]string{
		"empty": "", "not JSON": "hello\n", "only the head": lines[0],
		"another form": strings.Replace(whole, `{"ledger":1}`, `{"ledger":2}`, 1),
		"no head":      join(lines[1:]...), "no end": join(lines[:len(lines)-1]...),
		"behind the end": whole + lines[1], "twice": whole + whole,
		"the end alone": lines[len(lines)-1],
		"an octet":      strings.Replace(whole, `"CN=Иванов"`, `"CN=Петров"`, 1),
		"a digest":      strings.Replace(whole, `"all":"`, `"all":"0`, 1),
		"unknown":       strings.Replace(whole, `{"issuer"`, `{"x":1,"issuer"`, 1),
		"two in one":    strings.Replace(whole, `{"issuer"`, `{"blocked":"AAAA","issuer"`, 1),
		"nothing":       strings.Replace(whole, lines[1], "{}\n", 1),
		"null":          strings.Replace(whole, lines[1], "null\n", 1),
		"a file":        `{"file":{"name":"x","data":"AAAA"}}` + "\n" + whole,
		"a count":       strings.Replace(whole, `"certificates":4`, `"certificates":5`, 1),
	}
	for n := range lines[:len(lines)-1] {
		if n > 0 {
			tests[fmt.Sprint("without line ", n)] = join(join(lines[:n]...), join(lines[n+1:]...))
			tests[fmt.Sprint("line twice ", n)] = join(join(lines[:n+1]...), join(lines[n:]...))
		}
	}
	for n := 1; n < len(whole); n += 97 {
		tests[fmt.Sprint("cut at ", n)] = whole[:n]
	}
	for name, text := range tests {
		s, err := load(t, text)
		var damage *journal.DamageError
		if !errors.Is(err, ca.ErrBackup) && !errors.As(err, &damage) || s.finished {
			t.Errorf("%s: %v, finished: %v", name, err, s.finished)
		}
	}
}

// TestBackupDir keeps a folder in a backup and makes it again elsewhere.
func TestBackupDir(t *testing.T) {
	dir := crashDir(t)
	for name, text := range map[string]string{
		"profiles/x.yaml": "profile", ca.LedgerFile + ".holder": "{}", ".tmp": "half", "ca.key.uri": "pkcs11:",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "profiles", "x.yaml")); err != nil { // ReadDir would parse it
		t.Fatal(err)
	}
	files, err := ca.BackupFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := boltstore.Open(t.Context(), filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	want, err := ca.WriteBackup(t.Context(), files, l, &out)
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "restored")
	inFile := func(tmp string, _ ca.Settings) (ca.Importer, error) {
		return boltstore.Import(t.Context(), filepath.Join(tmp, ca.LedgerFile))
	}
	if err := os.MkdirAll(filepath.Join(filepath.Dir(to), ".restored.restoring", "half"), 0o700); err != nil { // of one that was killed
		t.Fatal(err)
	}
	got, err := ca.RestoreDir(t.Context(), bytes.NewReader(out.Bytes()), to, inFile, nil)
	if err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(f.Name)))
		if err != nil || !bytes.Equal(b, f.Data) {
			t.Errorf("%s: %v", f.Name, err)
		}
		if strings.HasPrefix(f.Name, ca.LedgerFile) || strings.HasPrefix(f.Name, ".") {
			t.Errorf("%s is in the backup", f.Name)
		}
	}
	if _, err := ca.RestoreDir(t.Context(), bytes.NewReader(out.Bytes()), to, inFile, nil); !errors.Is(err, ca.ErrDirExists) {
		t.Errorf("over a folder: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(to)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRestoreNames: the names in a hostile backup do not lead out of the folder.
func TestRestoreNames(t *testing.T) {
	for _, name := range []string{"../x", "/x", "a/../../x", "", ".", "ledger.db", "ledger.db.holder", "a\x00b"} {
		base := t.TempDir()
		line, err := json.Marshal(map[string]any{"file": ca.BackupFile{Name: name, Data: []byte("x")}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ca.RestoreDir(t.Context(), bytes.NewReader(append(line, '\n')), filepath.Join(base, "D"),
			func(string, ca.Settings) (ca.Importer, error) { return nil, errors.New("not reached") }, nil)
		if !errors.Is(err, ca.ErrBackup) {
			t.Errorf("%q: %v", name, err)
		}
		if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
			t.Errorf("%q: left behind: %v, %v", name, left, err)
		}
	}
}

// TestLedgerURI: what may stand in config.json.
func TestLedgerURI(t *testing.T) {
	for uri, ok := range map[string]bool{
		"": true, "postgres://ca@db1:5432,db2:5433/ledger?target_session_attrs=read-write": true, "postgresql:///x?host=/run": true,
		"postgres://ca:secret@db/x": false, "postgres://db/x?password=secret": false, "postgres://db/x?sslpassword=s": false,
		"mysql://db/x": false, "host=db": false, "postgres:": false, "postgres://db/x?%zz": false, "postgres://" + strings.Repeat("a", 5000): false,
		"postgres://db/x?target_session_attrs=prefer-standby": false, "postgres://db/x?target_session_attrs=read-only": false,
		"postgres://ca:@db/x": false, "postgres://a:b@c@db/x": false,
	} {
		err := ca.CheckLedgerURI(uri)
		if err == nil != ok || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

// FuzzLoad: whatever is read, nothing that is refused becomes a ledger.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"ledger":1}` + "\n"))
	f.Add([]byte(`{"file":{"name":"a","data":""}}` + "\n" + `{"ledger":1}` + "\n" + `{"issuer":"MAA="}` + "\n"))
	f.Add([]byte(`{"ledger":1}` + "\n" + `{"certificate":{"entry":{"serial":"01"},"der":"MAA="}}` + "\n" +
		`{"end":{"summary":{},"all":"` + strings.Repeat("0", 64) + `"}}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := new(sink)
		_, err := ca.Load(t.Context(), bytes.NewReader(data), ca.LoadOptions{
			File: func(ca.BackupFile) error { return nil }, Open: func() (ca.Importer, error) { return s, nil },
		})
		if err == nil != s.finished {
			t.Fatalf("%v, finished: %v", err, s.finished)
		}
	})
}
