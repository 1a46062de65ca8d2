package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// A batchWorld is a folder of signed documents.
type batchWorld struct {
	dir   string
	trust []string
}

// program runs a command line in this process.
func (w *batchWorld) program(ctx context.Context, out io.Writer, args ...string) (code int, stderr string) {
	var errs bytes.Buffer
	a := &app{
		streams:   streams{in: strings.NewReader(""), out: out, err: &errs},
		lookupEnv: func(name string) (string, bool) { return w.dir, name == "GOSKLYUCH_HOME" },
		now:       time.Now,
	}
	return a.run(ctx, append(args, "--no-input", "--lang", "en")), errs.String()
}

// newBatch makes n signed documents in folders of a hundred; every tenth was
// changed after it was signed.
func newBatch(t testing.TB, n int) *batchWorld {
	t.Helper()
	w := &batchWorld{dir: t.TempDir()}
	key, cert, doc := filepath.Join(w.dir, "key.pem"), filepath.Join(w.dir, "key.cer"), filepath.Join(w.dir, "doc")
	writeSelfSigned(t, key, cert)
	w.trust = []string{"--trust", cert, "--revocation", "none", "--offline"}
	content := bytes.Repeat([]byte("A document.\n"), 400)
	if err := os.WriteFile(doc, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stderr := w.program(t.Context(), io.Discard, "sign", doc, "--key", key, "--cert", cert); code != exitOK {
		t.Fatal(stderr)
	}
	sig, err := os.ReadFile(doc + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		dir := filepath.Join(w.dir, "in", fmt.Sprintf("%03d", i/100))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		name, b := filepath.Join(dir, fmt.Sprintf("%05d.txt", i)), content
		if i%10 == 9 {
			b = append([]byte("changed "), content...)
		}
		for file, b := range map[string][]byte{name: b, name + ".sig": sig} {
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w
}

func (w *batchWorld) batch(ctx context.Context, out io.Writer, args ...string) (int, string) {
	return w.program(ctx, out, slices.Concat([]string{"verify", "--batch", filepath.Join(w.dir, "in")}, w.trust, args)...)
}

// batchFiles is how many documents the long run takes; make soak takes 10,000.
func batchFiles(t testing.TB) int {
	t.Helper()
	if v := os.Getenv("GOSKLYUCH_BATCH_FILES"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 100
}

// TestBatch verifies many documents: the output has every document once, in
// the order of the paths, and does not depend on how many are verified at once.
func TestBatch(t *testing.T) {
	n := batchFiles(t)
	w := newBatch(t, n)
	var one, many bytes.Buffer
	begin := time.Now()
	if code, stderr := w.batch(t.Context(), &one, "--jobs", "1"); code != exitInvalid {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	single := time.Since(begin)
	begin = time.Now()
	w.batch(t.Context(), &many, "--jobs", strconv.Itoa(2*runtime.NumCPU()))
	t.Logf("%d documents: one at a time %v, on %d cores %v", n, single, runtime.NumCPU(), time.Since(begin))
	if !bytes.Equal(one.Bytes(), many.Bytes()) {
		t.Error("the output depends on the number of jobs")
	}
	lines := strings.Split(one.String(), "\n")
	if len(lines) < n || !slices.IsSorted(stripMarks(lines[:n])) {
		t.Errorf("%d lines, not in order", len(lines))
	}
	if want := fmt.Sprintf("Verified: %d\n  valid: %d\n  invalid: %d\n", n, n-n/10, n/10); !strings.Contains(one.String(), want) {
		t.Errorf("the sum is not %q: %s", want, one.String()[max(0, one.Len()-200):])
	}
	w.jsonAndTable(t, n)
}

func stripMarks(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l[min(2, len(l)):]
	}
	return out
}

// jsonAndTable: a line each in JSON, a row each in the table.
func (w *batchWorld) jsonAndTable(t *testing.T, n int) {
	t.Helper()
	var out bytes.Buffer
	table := filepath.Join(w.dir, "sum.csv")
	if code, stderr := w.batch(t.Context(), &out, "--json", "--csv", table); code != exitInvalid {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	d, seen := json.NewDecoder(&out), 0
	for d.More() {
		var l struct {
			Document, Status string
			Report           json.RawMessage
		}
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if l.Document == "" || l.Status != "valid" && l.Status != "invalid" || len(l.Report) < 100 {
			t.Fatalf("line %d: %+v", seen, l)
		}
		seen++
	}
	f, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || seen != n || len(rows) != n+1 {
		t.Errorf("%d lines, %d rows, %v", seen, len(rows), err)
	}
}

// TestBatchInterrupt: an interrupt ends the batch soon, with an error, and
// leaves no half table behind.
func TestBatchInterrupt(t *testing.T) {
	w := newBatch(t, 100)
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) {
		cancel() // at the first document
		return len(p), nil
	})
	table := filepath.Join(w.dir, "sum.csv")
	before := runtime.NumGoroutine()
	if code, stderr := w.batch(ctx, out, "--csv", table); code != exitFailed || !strings.Contains(stderr, "interrupted") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, "*sum.csv*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// TestBatchClosedOutput: a reader that went away stops the batch.
func TestBatchClosedOutput(t *testing.T) {
	w := newBatch(t, 50)
	written := 0
	out := writerFunc(func(p []byte) (int, error) {
		written++
		return 0, io.ErrClosedPipe
	})
	if code, _ := w.batch(t.Context(), out); code == exitOK || written != 1 {
		t.Errorf("exit code %d after %d writes", code, written)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestBatchDevice: what is no file is not waited for, named or met on the way.
func TestBatchDevice(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		return // Windows
	}
	w := newBatch(t, 1)
	if code, stderr := w.batch(t.Context(), io.Discard, "/dev/zero"); code != exitFailed || !strings.Contains(stderr, "neither a file nor a folder") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(w.dir, "in", "000", "zero.sig")); err != nil {
		t.Fatal(err)
	}
	if code, stderr := w.batch(t.Context(), io.Discard); code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestCSVCell(t *testing.T) {
	for in, want := range map[string]string{
		"ООО Ромашка": "ООО Ромашка", "": "", "=1+2": "'=1+2", "+7": "'+7", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		" =1": "' =1", "\t=1": "'\ufffd=1", "a=1": "a=1", "＝1": "'＝1", "a\nb": "a\ufffdb",
		"Иванов;=1": "Иванов;'=1", "a; b": "a; b", "a; =1;x;+2": "a;' =1;x;'+2", `a;"=1`: `a;'"=1`,
	} {
		if got := csvCell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestDigests: whatever reads a file, and however often, its digest is that of
// every octet once.
func TestDigests(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1000)
	want := hex.EncodeToString(sumOf(streebog.New256(), content))
	for name, use := range map[string]func(io.Reader) error{
		"not at all": func(io.Reader) error { return nil },
		"once":       func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
		"a part":     func(r io.Reader) error { _, err := io.CopyN(io.Discard, r, 777); return err },
		"octets":     func(r io.Reader) error { _, err := io.Copy(io.Discard, iotest.OneByteReader(r)); return err },
		"twice": func(r io.Reader) error {
			if _, err := io.CopyN(io.Discard, r, 6000); err != nil {
				return err
			}
			if _, err := r.(io.Seeker).Seek(10, io.SeekStart); err != nil {
				return err
			}
			_, err := io.CopyN(io.Discard, r, 100)
			return err
		},
		"from the end": func(r io.Reader) error {
			if _, err := r.(io.Seeker).Seek(0, io.SeekEnd); err == nil {
				return fmt.Errorf("what was not read could be skipped")
			}
			return nil
		},
	} {
		r, d := digests(bytes.NewReader(content))
		if err := use(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, err := d.sums()
		if err != nil || got["streebog256"] != want {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	_, d := digests(iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := d.sums(); err == nil {
		t.Error("an unreadable file has a digest")
	}
}

func sumOf(h hash.Hash, b []byte) []byte { h.Write(b); return h.Sum(nil) }

// BenchmarkBatch compares one document at a time with one a core.
func BenchmarkBatch(b *testing.B) {
	w := newBatch(b, 200)
	for _, jobs := range []int{1, 2} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			for b.Loop() {
				w.batch(b.Context(), io.Discard, "--jobs", strconv.Itoa(jobs))
			}
			b.ReportMetric(float64(200*b.N)/b.Elapsed().Seconds(), "documents/s")
		})
	}
}
