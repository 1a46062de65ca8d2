package cli

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/sign"
)

// manyFiles is more than are under way at once.
const manyFiles = limits.SignWindow + 20

// newMany writes a key, its certificate and documents.
func newMany(t *testing.T) (w *batchWorld, files []string) {
	t.Helper()
	w = &batchWorld{dir: t.TempDir()}
	writeSelfSigned(t, w.path("key.pem"), w.path("key.cer"))
	w.trust = []string{"--trust", w.path("key.cer"), "--revocation", "none", "--offline"}
	if err := os.Mkdir(w.path("in"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range manyFiles {
		name := filepath.Join(w.path("in"), fmt.Sprintf("%03d.txt", i))
		if err := os.WriteFile(name, fmt.Appendf(nil, "Document %d.\n", i), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	return w, files
}

func (w *batchWorld) path(name string) string { return filepath.Join(w.dir, name) }

// Files that are signed at once are told in their order, each signature is of
// its own file, and nothing else is left in the folder.
func TestSignMany(t *testing.T) {
	w, files := newMany(t)
	var out bytes.Buffer
	args := append([]string{"sign", "--key", w.path("key.pem"), "--cert", w.path("key.cer")}, files...)
	if code, stderr := w.program(t.Context(), &out, args...); code != exitOK {
		t.Fatal(stderr)
	}
	var want strings.Builder
	for _, f := range files {
		fmt.Fprintf(&want, "the signature is written: %s.sig\n", f)
	}
	if out.String() != want.String() {
		t.Errorf("the lines are not in the order of the files:\n%s", out.String())
	}
	if got := entries(t, w.path("in")); len(got) != 2*manyFiles {
		t.Errorf("%d files in the folder, want %d: %q", len(got), 2*manyFiles, got)
	}
	out.Reset()
	if code, stderr := w.batch(t.Context(), &out); code != exitOK {
		t.Errorf("not all signatures are valid: %d, %s", code, stderr)
	}
}

// signerOf reads the key of newMany.
func (w *batchWorld) signer(t *testing.T) *sign.Signer {
	t.Helper()
	data, err := os.ReadFile(w.path("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := pfx.ReadKeyFile(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(w.path("key.cer"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &sign.Signer{Key: c.Key, Cert: cert, Detached: true}
}

// After a file that cannot be signed no later file has a signature, and all
// before it have theirs.
func TestSignManyStops(t *testing.T) {
	failure := errors.New("out of order")
	for _, tt := range []struct {
		name  string
		spoil func(files []string, outs []output, s *sign.Signer)
		at    int // -1: wherever
	}{
		{"the first is missing", func(files []string, _ []output, _ *sign.Signer) { files[0] += ".none" }, 0},
		{"one is missing", func(files []string, _ []output, _ *sign.Signer) { files[70] += ".none" }, 70},
		{"the last is missing", func(files []string, _ []output, _ *sign.Signer) { files[manyFiles-1] += ".none" }, manyFiles - 1},
		{"no room for the result", func(_ []string, outs []output, _ *sign.Signer) { outs[30].path += "/none/x.sig" }, 30},
		{"twice the same result", func(_ []string, outs []output, _ *sign.Signer) { outs[40] = outs[39] }, 40},
		{"the key fails", func(_ []string, _ []output, s *sign.Signer) {
			s.Key = &failingKey{Signer: s.Key, after: 20, err: failure}
		}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, files := newMany(t)
			outs := make([]output, len(files))
			for i, f := range files {
				outs[i] = output{path: f + ".sig", mode: 0o600}
			}
			s := w.signer(t)
			tt.spoil(files, outs, s)
			a := &app{streams: streams{out: io.Discard, err: io.Discard}, now: time.Now}
			var told []int
			n, err := a.eachAtOnce(t.Context(), s, files, outs, "der", func(i int) { told = append(told, i) })
			if err == nil || tt.at >= 0 && n != tt.at || tt.at < 0 && !errors.Is(err, failure) {
				t.Fatalf("stopped at %d with %v", n, err)
			}
			if got := entries(t, w.path("in")); len(got) != manyFiles+n || len(told) != n {
				t.Errorf("%d files and %d told, want %d and %d: %q", len(got), len(told), manyFiles+n, n, got)
			}
			for i := range n {
				if _, err := os.Stat(outs[i].path); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A failingKey signs a few times.
type failingKey struct {
	crypto.Signer
	after int32
	err   error
	n     atomic.Int32
}

func (k *failingKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.n.Add(1) > k.after {
		return nil, k.err
	}
	return k.Signer.Sign(rand, digest, opts) //nolint:wrapcheck // a test's key
}

// An interrupt leaves whole signatures only.
func TestSignManyInterrupt(t *testing.T) {
	w, files := newMany(t)
	outs := make([]output, len(files))
	for i, f := range files {
		outs[i] = output{path: f + ".sig", mode: 0o600}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	a := &app{streams: streams{out: io.Discard, err: io.Discard}, now: time.Now, stopped: ctx.Done()}
	n, err := a.eachAtOnce(ctx, w.signer(t), files, outs, "der", func(i int) {
		if i == 4 {
			stop()
		}
	})
	if n < 5 || n < len(files) != (err != nil) || err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("%d files, %v", n, err)
	}
	if got := entries(t, w.path("in")); len(got) != manyFiles+n {
		t.Errorf("%d files in the folder, want %d: %q", len(got), manyFiles+n, got)
	}
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// What may not be signed at once.
func TestSignableTogether(t *testing.T) {
	dir := t.TempDir()
	of := func(paths ...string) (outs []output) {
		for _, p := range paths {
			outs = append(outs, output{path: p})
		}
		return outs
	}
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, tt := range []struct {
		name  string
		level sign.Level
		key   string
		files []string
		outs  []output
		want  bool
	}{
		{"two files", sign.LevelBES, "k.pfx", []string{a, b}, of(a+".sig", b+".sig"), true},
		{"one file", sign.LevelBES, "k.pfx", []string{a}, of(a + ".sig"), false},
		{"with time stamps", sign.LevelT, "k.pfx", []string{a, b}, of(a+".sig", b+".sig"), false},
		{"a token's key", sign.LevelBES, "pkcs11:token=t;object=k", []string{a, b}, of(a+".sig", b+".sig"), false},
		{"standard input", sign.LevelBES, "k.pfx", []string{a, "-"}, of(a+".sig", b), false},
		{"a result that is signed too", sign.LevelBES, "k.pfx", []string{a, a + ".sig"}, of(dir+"/./a.sig", b+".sig"), false},
		{"into a device", sign.LevelBES, "k.pfx", []string{a, b}, of(os.DevNull, b+".sig"), false},
	} {
		if got := signableTogether(&sign.Signer{Level: tt.level}, tt.key, tt.files, tt.outs); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// The digests of several files come in the order of the files, up to the first
// that cannot be read.
func TestHashMany(t *testing.T) {
	w, files := newMany(t)
	var one, many bytes.Buffer
	for _, f := range files[:50] {
		if code, stderr := w.program(t.Context(), &one, "hash", f); code != exitOK {
			t.Fatal(stderr)
		}
	}
	args := append([]string{"hash"}, files[:50]...)
	if code, stderr := w.program(t.Context(), &many, append(args, w.path("none"), files[51])...); code != exitFailed || !strings.Contains(stderr, "none") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if many.String() != one.String() {
		t.Errorf("together:\n%sone after the other:\n%s", many.String(), one.String())
	}
}
