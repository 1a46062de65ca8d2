package ca_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// bulkCrashEnv makes the test binary an authority that issues all requests of
// the directory it names, and says so one by one, until it is done or killed.
const bulkCrashEnv = "GOSKLYUCH_BULK_CRASH_DIR"

func bulkChild(dir string) error {
	ctx := context.Background()
	d, err := ca.ReadDir(dir)
	if err != nil {
		return err
	}
	p8, err := os.ReadFile(filepath.Join(dir, "key.p8"))
	if err != nil {
		return err
	}
	key, err := alg.ParsePKCS8(p8)
	if err != nil {
		return err
	}
	l, err := boltstore.Open(ctx, filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		return err
	}
	i, err := ca.New(ctx, ca.Config{Certificate: d.Certificate, Key: key, Ledger: l, Rules: sets.All(), Profiles: d.Profiles, Settings: d.Settings})
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "bulk", "*.der"))
	if err != nil {
		return err
	}
	var items []ca.BulkItem
	for _, f := range files {
		der, err := os.ReadFile(f)
		items = append(items, ca.BulkItem{Name: f, CSR: der, Profile: "ocsp", Err: err})
	}
	err = i.Bulk(ctx, slices.Values(items), "crash", func(r ca.BulkResult) error {
		_, err := fmt.Printf("%s %s %s\n", r.Outcome, r.ID, r.Serial)
		return errors.Join(r.Err, err)
	})
	return errors.Join(err, l.Close())
}

// TestBulkCrash kills a bulk issue at random moments until it gets through.
// Whatever a killed run had told as issued is what the next one tells as issued
// before, with the same serial number; no request gets two certificates.
func TestBulkCrash(t *testing.T) {
	const requests = 1500
	dir := crashDir(t)
	if err := os.Mkdir(filepath.Join(dir, "bulk"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	key := generate(t, "ecdsa-p256", "")
	for n := range requests {
		files[filepath.Join("bulk", fmt.Sprintf("%06d.der", n))] = csr(t, key, &pki.RequestTemplate{Subject: dn(t, fmt.Sprintf("CN=Client %d", n))}).Raw
	}
	writeFiles(t, dir, files)
	told := make(map[string]string) // identifier of a request, serial number
	killed := 0
	for after := 300 * time.Millisecond; ; after += after / 4 {
		out, done := bulkKill(t, dir, after)
		if !done {
			killed++
		}
		issued := 0
		for line := range bytes.Lines(out) {
			f := strings.Fields(string(line))
			if len(f) != 3 || line[len(line)-1] != '\n' {
				if !done {
					continue // the last line was cut off
				}
				t.Fatalf("%q", line)
			}
			if f[0] == "issued" {
				issued++
			}
			if old, ok := told[f[1]]; ok && old != f[2] {
				t.Fatalf("request %s: first %s, then %s", f[1], old, f[2])
			} else if ok && f[0] != string(ca.BulkAlready) {
				t.Fatalf("request %s was issued twice: %s", f[1], line)
			}
			told[f[1]] = f[2]
		}
		var want acknowledged
		for _, text := range told {
			s, err := ca.ParseSerial(text)
			if err != nil {
				t.Fatal(err)
			}
			want.issued = append(want.issued, s)
		}
		head := checkLedger(t, dir, want, journal.Head{})
		t.Logf("%d issued by this run, %d told in all, %d journal records", issued, len(told), head.Seq)
		if done {
			if head.Seq != requests+1 { // the founding, and one for each
				t.Errorf("%d journal records", head.Seq)
			}
			break
		}
	}
	if len(told) != requests || killed == 0 {
		t.Errorf("%d requests have a certificate after %d kills", len(told), killed)
	}
}

// bulkKill runs a bulk issue and kills it after a random part of a time.
func bulkKill(t *testing.T, dir string, after time.Duration) (out []byte, done bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), after/4+time.Duration(mathrand.Int64N(int64(after))))
	defer cancel()
	cmd := exec.CommandContext(ctx, self) // the context kills with SIGKILL
	cmd.Env = append(os.Environ(), bulkCrashEnv+"="+dir)
	out, err = cmd.Output()
	if err != nil && ctx.Err() == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out, err == nil
}
