package cli

import (
	"bytes"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestUnfinished: what a power failure leaves of a certificate's file is written
// again, and everything else is somebody's.
func TestUnfinished(t *testing.T) {
	const der = "0123456789"
	for old, want := range map[string]bool{
		"": true, "0": true, "01234": true, "01234\x00\x00": true, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00": true,
		der: false, der + "\x00": false, "0123x": false, "01234\x00\x006789": false, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00": false, "x": false,
	} {
		if got := unfinished([]byte(old), []byte(der)); got != want {
			t.Errorf("%q: %t", old, got)
		}
	}
}

func testBulkRun(t *testing.T) (*bulkRun, *[]bulkLine) {
	t.Helper()
	var lines []bulkLine
	r := &bulkRun{app: &app{lang: "en", streams: streams{out: &bytes.Buffer{}, err: &bytes.Buffer{}}}, flags: bulkFlags{to: t.TempDir()}, counts: make(map[ca.BulkOutcome]int)}
	r.summary = func(l bulkLine) error { lines = append(lines, l); return nil }
	return r, &lines
}

func bulkResult(i int) ca.BulkResult {
	return ca.BulkResult{
		Name: fmt.Sprintf("%04d.csr", i), Outcome: ca.BulkIssued,
		Certificate: &pki.Certificate{Raw: fmt.Appendf(nil, "certificate %d", i), SerialNumber: big.NewInt(int64(i) + 1)},
	}
}

// TestBulkFiles: results are told in the order of the requests, each after its
// file, whoever writes it.
func TestBulkFiles(t *testing.T) {
	r, lines := testBulkRun(t)
	torn, _ := os.Create(filepath.Join(r.flags.to, "0003.cer"))
	torn.WriteString("certi\x00\x00") //nolint:errcheck // it is read below
	torn.Close()                      //nolint:errcheck // it is read below
	f := r.startFiles()
	const n = 1500
	for i := range n {
		b := bulkResult(i)
		if i%7 == 6 {
			b.Certificate, b.Outcome = nil, ca.BulkRefused
		}
		if err := f.take(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.finish(nil); err != nil {
		t.Fatal(err)
	}
	for i, l := range *lines {
		if l.Name != bulkResult(i).Name || (l.File == "") != (i%7 == 6) {
			t.Fatalf("%d: %+v", i, l)
		}
		if l.File == "" {
			continue
		}
		got, err := os.ReadFile(filepath.Join(r.flags.to, l.File))
		if err != nil || !bytes.Equal(got, bulkResult(i).Certificate.Raw) {
			t.Fatalf("%s: %q, %v", l.File, got, err)
		}
	}
	if len(*lines) != n || r.counts[ca.BulkRefused] != n/7 {
		t.Errorf("%d lines, %v", len(*lines), r.counts)
	}
	if left, _ := filepath.Glob(filepath.Join(r.flags.to, "*.tmp")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestBulkFilesTaken: a file with another certificate ends the run; nothing behind
// it is told as done, and the file stays.
func TestBulkFilesTaken(t *testing.T) {
	r, lines := testBulkRun(t)
	path := filepath.Join(r.flags.to, "0700.cer")
	if err := os.WriteFile(path, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := r.startFiles()
	var err error
	for i := 0; i < 100_000 && err == nil; i++ {
		err = f.take(bulkResult(i % 1000))
	}
	if err = f.finish(err); err == nil || strings.Contains(err.Error(), errBulkFiles.Error()) {
		t.Errorf("the run ends with %v", err)
	}
	if len(*lines) != 700 {
		t.Errorf("%d are told", len(*lines))
	}
	if got, _ := os.ReadFile(path); string(got) != "another" {
		t.Errorf("replaced by %q", got)
	}
}

// A certificate that cannot get its name leaves nothing in the folder.
func TestWriteCertificateLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a.cer"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := &bulkRun{flags: bulkFlags{to: dir}}
	if err := r.writeCertificate("a.cer", []byte("certificate")); err == nil {
		t.Error("a folder was replaced by a certificate")
	}
	if _, err := os.Lstat(filepath.Join(dir, "a.cer.tmp")); !os.IsNotExist(err) {
		t.Errorf("the temporary file stays: %v", err)
	}
}
