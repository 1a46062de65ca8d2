package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// TestBatchMixed: long documents among short ones, changed ones among good ones,
// and text in the place of signatures: the default, which computes signatures
// together, says what one job says.
func TestBatchMixed(t *testing.T) {
	w := newBatch(t, 60)
	long := bytes.Repeat([]byte("A long document.\n"), 2*limits.BatchWhole/16)
	for i, name := range []string{"a.bin", "b.bin", "c.bin"} {
		file := filepath.Join(w.dir, "in", name)
		if err := os.WriteFile(file, long, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"sign", file, "--key", filepath.Join(w.dir, "key.pem"), "--cert", filepath.Join(w.dir, "key.cer")}
		if i == 1 {
			args = append(args, "--attached")
		}
		if code, stderr := w.program(t.Context(), io.Discard, args...); code != exitOK {
			t.Fatal(stderr)
		}
		if i == 2 {
			if err := os.WriteFile(file, append(long, '!'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(w.dir, "in", "000", "00005.txt.sig"), []byte("no signature"), 0o600); err != nil {
		t.Fatal(err)
	}
	var one, all bytes.Buffer
	w.batch(t.Context(), &one, "--jobs", "1")
	code, stderr := w.batch(t.Context(), &all)
	if code != exitInvalid || one.String() != all.String() {
		t.Errorf("exit code %d: %s\none job:\n%s\nthe default:\n%s", code, stderr, one.String(), all.String())
	}
	for name, status := range map[string]string{"a.bin": "+", "b.bin": "+", "c.bin": "-", "00005.txt": "x", "00009.txt": "-", "00010.txt": "+"} {
		found := false
		for line := range strings.Lines(all.String()) {
			if strings.Contains(line, name+":") {
				found = strings.HasPrefix(line, status)
			}
		}
		if !found {
			t.Errorf("%s is not %q:\n%s", name, status, all.String())
		}
	}
}

// waiting is a source that answers when it is let.
type waiting struct {
	revocation.Static
	asked, let chan struct{}
}

func (w *waiting) CRLs(context.Context, *pki.Certificate, *pki.Certificate) ([]*pki.RevocationList, error) {
	close(w.asked)
	<-w.let
	return nil, nil
}

// TestBatchAway: whoever waits for the network keeps nobody waiting who has a
// signature to check.
func TestBatchAway(t *testing.T) {
	key, err := gost3410.GenerateKey(gost3410.CryptoProA())
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	sig, err := key.Sign(nil, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := gost3410.NewGatherer()
	src := &waiting{asked: make(chan struct{}), let: make(chan struct{})}
	v := gathering(&verify.Verifier{Revocation: revocation.Sources{&revocation.Static{}, src}}, g)
	var wg sync.WaitGroup
	for range 2 {
		g.Join()
	}
	wg.Go(func() {
		defer g.Leave()
		ctx := context.WithValue(t.Context(), joined{}, true)
		if _, err := v.Revocation.CRLs(ctx, nil, nil); err != nil {
			t.Error(err)
		}
		if !v.VerifyGOST(key.PublicKey(), digest, sig) {
			t.Error("a good signature was refused")
		}
	})
	wg.Go(func() {
		defer g.Leave()
		<-src.asked
		bad := bytes.Clone(sig)
		bad[0] ^= 1
		if !v.VerifyGOST(key.PublicKey(), digest, sig) || v.VerifyGOST(key.PublicKey(), digest, bad) {
			t.Error("a wrong answer")
		}
		close(src.let) // only now: the check did not wait for the source
	})
	wg.Wait()
}

// TestBatchInterruptTogether: an interrupt ends a batch whose documents wait for
// each other.
func TestBatchInterruptTogether(t *testing.T) {
	w := newBatch(t, 150)
	for i := range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		lines := 0
		out := writerFunc(func(p []byte) (int, error) {
			if lines += bytes.Count(p, []byte("\n")); lines > i*10 {
				cancel()
			}
			return len(p), nil
		})
		if code, stderr := w.batch(ctx, out); code == exitFailed && !strings.Contains(stderr, "interrupted") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		cancel()
	}
}

// TestBatchBeginning: the beginning of a file is there whatever the system says of
// its size, and whole only where it is.
func TestBatchBeginning(t *testing.T) {
	r := &batchRun{app: &app{streams: streams{in: strings.NewReader("")}, now: time.Now}}
	dir := t.TempDir()
	for _, n := range []int{0, 1, 1000, limits.BatchWhole - 1, limits.BatchWhole, limits.BatchWhole + 1, 3 * limits.BatchWhole} {
		content := make([]byte, n)
		for i := range content {
			content[i] = byte(i ^ i>>8)
		}
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := r.beginning(path)
		if err != nil || !bytes.Equal(b.head, content[:min(n, limits.BatchWhole)]) || b.whole != (n < limits.BatchWhole) {
			t.Errorf("%d octets: %d, whole %v, %v", n, len(b.head), b.whole, err)
		}
		again, done, err := r.reopen(b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(again); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d octets: %d the second time, %v", n, len(got), err)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
	}
	// Files that the system makes while they are read have no size.
	const made = "/proc/self/status"
	want, err := os.ReadFile(made)
	if err != nil {
		return // not Linux
	}
	if b, err := r.beginning(made); err != nil || len(b.head) < 100 || !b.whole || !bytes.Equal(b.head[:5], want[:5]) {
		t.Errorf("%s: %d octets, whole %v, %v", made, len(b.head), b.whole, err)
	}
}

// TestLineBuffer: lines are written together, in order, all of them, and an
// error is passed on.
func TestLineBuffer(t *testing.T) {
	var out bytes.Buffer
	writes := 0
	b := &lineBuffer{out: writerFunc(func(p []byte) (int, error) { writes++; return out.Write(p) }), before: func() {}}
	var want strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&want, "line %d\n", i)
		if _, err := fmt.Fprintf(b, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.flush(); err != nil || out.String() != want.String() || writes > 1000 {
		t.Errorf("%d writes, %d octets, want %d; %v", writes, out.Len(), want.Len(), err)
	}
	b.out = writerFunc(func([]byte) (int, error) { return 0, io.ErrClosedPipe })
	_, err := fmt.Fprintln(b, "lost")
	if flushed := b.flush(); err == nil && flushed == nil {
		t.Error("an error was lost")
	}
}

// TestRelaxGC: the setting is put back, and one of the user stays.
func TestRelaxGC(t *testing.T) {
	before := debug.SetGCPercent(goGCPercent)
	defer debug.SetGCPercent(before)
	for _, user := range []int{goGCPercent, 50} {
		debug.SetGCPercent(user)
		relaxGC()()
		if got := debug.SetGCPercent(user); got != user {
			t.Errorf("%d%% became %d%%", user, got)
		}
	}
	debug.SetGCPercent(50)
	restore := relaxGC()
	if got := debug.SetGCPercent(50); got != 50 {
		t.Errorf("the user's 50%% became %d%%", got)
	}
	restore()
}
