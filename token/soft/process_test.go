package soft

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// The environment tells a child process of the test what to do.
const (
	childDir  = "SOFT_TEST_DIR"
	childName = "SOFT_TEST_NAME"
	childJob  = "SOFT_TEST_JOB"
)

func TestMain(m *testing.M) {
	if os.Getenv(childJob) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is what the processes of TestProcesses and TestKilled run.
func child() error {
	s, err := Open(os.Getenv(childDir))
	if err != nil {
		return err
	}
	s.iterations = 1000
	ctx, name := context.Background(), os.Getenv(childName)
	switch os.Getenv(childJob) {
	case "create":
		// Everyone wants "shared"; one gets it. Each also makes one of its own.
		key, err := alg.GenerateKey("gost2012-256", "")
		if err != nil {
			return err
		}
		for _, n := range []string{"shared", name} {
			err := s.Create(ctx, n, key, []byte(goodPassword), Meta{Label: name})
			if err != nil && (n != "shared" || !errors.Is(err, ErrExists)) {
				return err
			}
		}
	case "change":
		// Certificates and passwords of one container by several processes.
		i, err := s.Show("common")
		if err != nil {
			return err
		}
		for range 10 {
			if err := s.InstallCertificate(ctx, "common", i.Certificate, []*pki.Certificate{i.Certificate}); err != nil {
				return err
			}
			if err := s.ChangePassword(ctx, "common", []byte(goodPassword), []byte(goodPassword)); err != nil {
				return err
			}
		}
	case "write":
		i, err := s.Show("common")
		if err != nil {
			return err
		}
		for { // until it is killed
			if err := s.InstallCertificate(ctx, "common", i.Certificate, []*pki.Certificate{i.Certificate}); err != nil {
				return err
			}
		}
	}
	return nil
}

func start(t *testing.T, s *Store, job, name string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+s.dir, childJob+"="+job, childName+"="+name)
	out := new(strings.Builder)
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// Several processes at the same time lose nothing.
func TestProcesses(t *testing.T) {
	s := newStore(t)
	key := newKey(t, "gost2012-256")
	create(t, s, "common", key, Meta{Certificate: newCert(t, "x", key.Public(), key)})
	type running struct {
		cmd *exec.Cmd
		out *strings.Builder
	}
	var all []running
	for i := range 6 {
		job := "create"
		if i%3 == 0 {
			job = "change"
		}
		cmd, out := start(t, s, job, fmt.Sprintf("own-%d", i))
		all = append(all, running{cmd, out})
	}
	for _, r := range all {
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, r.out)
		}
	}
	list, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 6 { // common, shared, own-1, -2, -4, -5
		t.Errorf("%d containers: %+v", len(list), list)
	}
	for _, i := range list {
		if i.Err != nil {
			t.Errorf("%s: %v", i.Name, i.Err)
			continue
		}
		k, err := s.Unlock(t.Context(), i.Name, []byte(goodPassword))
		if err != nil {
			t.Errorf("%s: %v", i.Name, err)
			continue
		}
		if i.Name == "common" && (k.Certificate() == nil || len(k.Info().Chain) != 1) {
			t.Error("the certificate was lost")
		}
	}
}

// A process that is killed while it writes leaves a whole container, and what
// it left over is swept away.
func TestKilled(t *testing.T) {
	s := newStore(t)
	key := newKey(t, "gost2012-256")
	create(t, s, "common", key, Meta{Certificate: newCert(t, "x", key.Public(), key)})
	for i := range 10 {
		cmd, out := start(t, s, "write", "")
		time.Sleep(time.Duration(20+7*i) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || out.Len() > 0 {
			t.Fatalf("the writer ended by itself: %v %s", err, out)
		}
		if _, err := s.Unlock(t.Context(), "common", []byte(goodPassword)); err != nil {
			t.Fatalf("after a kill: %v", err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, tempPrefix+"left"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, s, "next", newKey(t, "gost2012-256"), Meta{})
	left, err := filepath.Glob(filepath.Join(s.dir, tempPrefix+"*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// A lock that another holds is waited for as long as the context allows.
func TestLockWaits(t *testing.T) {
	s := newStore(t)
	release, err := s.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	key := newKey(t, "gost2012-256")
	if err := s.Create(ctx, "k", key, []byte(goodPassword), Meta{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while locked: %v", err)
	}
	release()
	create(t, s, "k", key, Meta{})
}
