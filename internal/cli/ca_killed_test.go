//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
)

// program runs the program itself with a secret in the environment; it is
// killed with SIGKILL after the time, 0 for never.
func program(t *testing.T, kill time.Duration, args ...string) (stdout string, err error) {
	t.Helper()
	return programAs(t, "", kill, args...)
}

// programAs is program on a node with a name, "" for that of config.json.
func programAs(t *testing.T, node string, kill time.Duration, args ...string) (stdout string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if kill > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, kill)
		defer cancel()
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{"gosklyuch", "--lang", "en", "--json"}, args...)
	cmd.Env = append(os.Environ(), "GOSKLYUCH_PASSWORD=Secret-Password-1", "GOSKLYUCH_HOME="+filepath.Join(t.TempDir(), "home"))
	if node != "" {
		cmd.Env = append(cmd.Env, nodeEnv+"="+node)
	}
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), errors.Join(err, errors.New(out.String()+errs.String()))
	}
	return out.String(), nil
}

// digestOf reads what `ca backup`, `restore` and `migrate` print.
func digestOf(t *testing.T, out string) string {
	t.Helper()
	var sum struct {
		Digest       string `json:"streebog256"`
		Certificates int    `json:"certificates"`
	}
	if err := json.Unmarshal([]byte(out), &sum); err != nil || len(sum.Digest) != 64 || sum.Certificates == 0 {
		t.Fatalf("%s: %v", out, err)
	}
	return sum.Digest
}

// TestTransferKilled kills `ca restore` and `ca migrate` with SIGKILL at random
// moments. The folder always leads to a whole ledger, or is not there; the same
// command, run again, ends the work; nothing is lost.
func TestTransferKilled(t *testing.T) {
	if err := postgres.Available(); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	server := postgres.Start(t, "fsync = off")
	server.Database(t, "one")
	base := t.TempDir()
	dir := filepath.Join(base, "D")
	if _, err := program(t, 0, "ca", "init", "--dir", dir, "--subject", "CN=Root,C=RU", "--alg", "ecdsa-p256"); err != nil {
		t.Fatal(err)
	}
	fillLedger(t, filepath.Join(dir, ca.LedgerFile), 2000)
	backup := filepath.Join(base, "D.backup")
	begin := time.Now()
	out, err := program(t, 0, "ca", "backup", dir, "-o", backup)
	if err != nil {
		t.Fatal(err)
	}
	once := time.Since(begin)
	want := digestOf(t, out)
	killed := 0
	// until runs a command until it has not been killed, at most so many times,
	// and checks after each.
	until := func(check func(), args ...string) string {
		for range 6 {
			out, err := program(t, time.Duration(mathrand.Int64N(int64(2*once))), args...)
			if err == nil || strings.Contains(err.Error(), "there already") { // killed when all was done
				return out
			}
			killed++
			check()
		}
		out, err := program(t, 0, args...)
		if err != nil && !strings.Contains(err.Error(), "there already") {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	restored := filepath.Join(base, "R")
	whole := func(dir string) {
		t.Helper()
		out, err := program(t, 0, "ca", "backup", dir, "-o", "/dev/null")
		if err != nil && strings.Contains(err.Error(), "moved elsewhere") {
			return // killed before the folder led to the new place: migrate goes on
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := digestOf(t, out); got != want {
			t.Fatalf("%s holds %s, want %s", dir, got, want)
		}
	}
	for range 2 {
		_ = os.RemoveAll(restored)
		args := []string{"ca", "restore", backup, "--dir", restored}
		for range 6 {
			_, err := program(t, time.Duration(mathrand.Int64N(int64(2*once))), args...)
			if _, serr := os.Stat(restored); serr == nil {
				whole(restored)
				break
			}
			if err != nil {
				killed++
			}
		}
		if _, err := os.Stat(restored); err != nil {
			if _, err := program(t, 0, args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, to := range []string{server.URI("one", postgres.User), "bbolt"} {
		out := until(func() { whole(dir) }, "ca", "migrate", "--dir", dir, "--ledger", to)
		if strings.Contains(out, "streebog256") && digestOf(t, out) != want {
			t.Fatalf("migrated to %s: %s", to, out)
		}
		whole(dir)
	}
	if killed < 3 {
		t.Errorf("only %d commands were killed: nothing is shown", killed)
	}
	t.Logf("%d commands were killed", killed)
}

// fillLedger puts many certificates on a ledger.
func fillLedger(t *testing.T, path string, n int) {
	t.Helper()
	l, err := boltstore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	err = l.Update(t.Context(), func(tx ca.Tx) error {
		for i := range n {
			var e ca.Entry
			e.Serial[0], e.Serial[1], e.Serial[2] = 1, byte(i>>8), byte(i)
			e.Profile, e.Subject, e.Status, e.IssuedAt = "citizen", "CN=Иванов", ca.Valid, time.Unix(1, 0).UTC()
			e.NotBefore, e.NotAfter = e.IssuedAt, e.IssuedAt.AddDate(1, 0, 0)
			if err := tx.Add(e, bytes.Repeat([]byte{0x30}, 700)); err != nil {
				return err
			}
			if _, err := tx.Append(journal.Entry{Time: e.IssuedAt, Event: "issue", Subject: e.Serial.String()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
}
