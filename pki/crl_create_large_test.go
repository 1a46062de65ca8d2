package pki_test

import (
	"crypto/rand"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// TestCRLWriterLarge makes and reads a list in a stream: 50,000 entries, or as
// many as GOSKLYUCH_CRL_ENTRIES says. What stays in memory is far less than the
// list.
func TestCRLWriterLarge(t *testing.T) {
	n := 50_000
	if text := os.Getenv("GOSKLYUCH_CRL_ENTRIES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	tmpl, cert, _, begin := streamIssuer(t, "gost2012-256")
	dir := t.TempDir()
	spool, err := os.Create(filepath.Join(dir, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	out, err := os.Create(filepath.Join(dir, "list"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	w := begin(spool)
	serial := make([]byte, 16)
	for i := range n {
		serial[0], serial[1], serial[2], serial[3], serial[15] = 0x40, byte(i>>16), byte(i>>8), byte(i), 1
		e := pki.RevokedEntry{Serial: new(big.Int).SetBytes(serial), At: tmpl.ThisUpdate.Add(-time.Duration(i) * time.Second), Reason: i % 6}
		if err := w.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	size, err := w.Finish(rand.Reader, out)
	if err != nil {
		t.Fatal(err)
	}
	made := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	start = time.Now()
	l, err := pki.OpenRevocationList(out, size)
	if err != nil || l.Len() != n {
		t.Fatalf("%v, %v", l, err)
	}
	if err := l.CheckSignatureFrom(cert); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if _, ok, err := l.Find(new(big.Int).SetBytes(serial)); !ok || err != nil {
		t.Errorf("the last entry is not found: %v", err)
	}
	t.Logf("%d entries, %d octets: made in %v (heap +%d KiB), read and verified in %v (heap +%d KiB)", n, size, made, grown>>10, time.Since(start), kept>>10)
	if grown > size/4+1<<20 || kept > size/4+1<<20 {
		t.Errorf("the heap grew by %d and %d octets over a list of %d", grown, kept, size)
	}
}
