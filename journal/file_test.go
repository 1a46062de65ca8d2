package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
)

// childEnv makes the test binary append to the journal it names and exit.
const childEnv = "GOSKLYUCH_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(appendMany(path))
	}
	if path := os.Getenv(killEnv); path != "" {
		os.Exit(untilKilled(path))
	}
	os.Exit(m.Run())
}

const perChild = 20

func appendMany(path string) int {
	j := NewFile(path)
	for i := range perChild {
		if _, err := j.Append(context.Background(), Entry{Event: "e", Actor: fmt.Sprint(os.Getpid()), Subject: fmt.Sprint(i)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func fill(t *testing.T, n int) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j := NewFile(path)
	for i := range n {
		if _, err := j.Append(t.Context(), Entry{Event: "sign", Subject: fmt.Sprint("документ ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	return j, path
}

func TestFileAppendVerify(t *testing.T) {
	j, path := fill(t, 10)
	head, err := j.Verify(t.Context())
	if err != nil || head.Seq != 10 {
		t.Fatalf("%v, %v", head, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if head, err := NewFile(path + ".none").Verify(t.Context()); err != nil || head != (Head{Node: DefaultNode}) {
		t.Errorf("a journal that does not exist: %v, %v", head, err)
	}
}

// TestFileProcesses appends from several processes at the same time.
func TestFileProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	j, path := fill(t, 1)
	const children = 4
	var wg sync.WaitGroup
	for range children {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), childEnv+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	head, err := j.Verify(t.Context())
	if err != nil || head.Seq != 1+children*perChild {
		t.Fatalf("%v, %v", head, err)
	}
}

func TestFileDamage(t *testing.T) {
	lineOf := func(lines []string, i int) string { return lines[i] + "\n" }
	tests := []struct {
		name string
		edit func(lines []string) string
		kind Kind
		pos  uint64
		// appendFails: damage at the end is seen by the next Append as well.
		appendFails bool
	}{
		{"changed", func(l []string) string {
			return strings.Replace(strings.Join(l, "\n"), "документ 1", "документ 9", 1) + "\n"
		}, Changed, 2, false},
		{"removed", func(l []string) string { return lineOf(l, 0) + lineOf(l, 2) + lineOf(l, 3) }, Removed, 2, false},
		{"reordered", func(l []string) string { return lineOf(l, 0) + lineOf(l, 2) + lineOf(l, 1) + lineOf(l, 3) }, Reordered, 2, false},
		{"repeated", func(l []string) string {
			return lineOf(l, 0) + lineOf(l, 1) + lineOf(l, 1) + lineOf(l, 2) + lineOf(l, 3)
		}, Reordered, 3, false},
		{"erased unseen", func(l []string) string { return lineOf(l, 0) + withoutSubject(t, l[1]) + lineOf(l, 2) + lineOf(l, 3) }, Erased, 2, false},
		{"added unseen", func(l []string) string {
			return strings.Join(l, "\n") + "\n" + forged(t, l[3], 2)
		}, Headless, 5, true},
		{"truncated", func(l []string) string { return lineOf(l, 0) + lineOf(l, 1) }, Truncated, 3, true},
		{"emptied", func([]string) string { return "" }, Truncated, 1, true},
		{"no JSON", func(l []string) string { return lineOf(l, 0) + "x\n" + lineOf(l, 2) + lineOf(l, 3) }, Malformed, 2, false},
		{"last no JSON", func(l []string) string { return lineOf(l, 0) + lineOf(l, 1) + lineOf(l, 2) + "x\n" }, Malformed, 4, true},
		{"last changed", func(l []string) string {
			return strings.Replace(strings.Join(l, "\n"), "документ 3", "документ 9", 1) + "\n"
		}, Changed, 4, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j, path := fill(t, 4)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
			if err := os.WriteFile(path, []byte(tt.edit(lines)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = j.Verify(t.Context())
			var d *DamageError
			if !errors.As(err, &d) || d.Kind != tt.kind || d.Position != tt.pos {
				t.Fatalf("Verify: %v, want %s at line %d", err, tt.kind, tt.pos)
			}
			_, err = j.Append(t.Context(), Entry{Event: "sign"})
			if (err != nil) != tt.appendFails {
				t.Fatalf("Append: %v", err)
			}
		})
	}
}

func parsed(t *testing.T, line string) Record {
	t.Helper()
	r, err := ParseRecord([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lineFor(t *testing.T, r Record) string {
	t.Helper()
	b, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// readLast returns the n-th line from the end.
func readLast(t *testing.T, path string, n int) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Collect(strings.Lines(string(b)))
	return all[len(all)-n]
}

func withoutSubject(t *testing.T, line string) string {
	t.Helper()
	r, err := parsed(t, line).Erase(FieldSubject)
	if err != nil {
		t.Fatal(err)
	}
	return lineFor(t, r)
}

// forged are n lines behind one.
func forged(t *testing.T, line string, n int) (out string) {
	t.Helper()
	head := parsed(t, line).Head()
	for range n {
		r, err := head.Next(Entry{Time: day, Event: "forged"})
		if err != nil {
			t.Fatal(err)
		}
		out, head = out+lineFor(t, r), r.Head()
	}
	return out
}

// TestFileTornLine: a crash in the middle of a write, before and after the
// head was written.
func TestFileTornLine(t *testing.T) {
	j, path := fill(t, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(bytes.Clone(whole), `{"seq":4,"time":"20`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if head, err := j.Verify(t.Context()); err != nil || head.Seq != 3 {
		t.Fatalf("torn line: %v, %v", head, err)
	}
	if r, err := j.Append(t.Context(), Entry{Event: "sign"}); err != nil || r.Seq != 4 {
		t.Fatalf("append: %v, %v", r.Seq, err)
	}
	if head, err := j.Verify(t.Context()); err != nil || head.Seq != 4 {
		t.Fatalf("after append: %v, %v", head, err)
	}
	// The head of the record before, as a crash before the rename leaves it.
	old, err := os.ReadFile(path + ".head")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{5, 6} {
		if r, err := j.Append(t.Context(), Entry{Event: "sign"}); err != nil || r.Seq != want {
			t.Fatalf("append behind an old head: %v, %v", r.Seq, err)
		}
		if want == 5 {
			if err := os.WriteFile(path+".head", old, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if head, err := j.Verify(t.Context()); err != nil || head.Seq != 6 {
		t.Fatalf("after a crash: %v, %v", head, err)
	}
	// Where the head cannot be brought up to the last record, no other is added:
	// it would be two behind.
	r5 := parsed(t, strings.TrimSuffix(readLast(t, path, 2), "\n"))
	if err := j.writeHead(r5.Head()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".head.tmp", 0o700); err != nil {
		t.Fatal(err)
	}
	if r, err := j.Append(t.Context(), Entry{Event: "sign"}); err == nil {
		t.Fatalf("append without a head: %d", r.Seq)
	}
	if err := os.Remove(path + ".head.tmp"); err != nil {
		t.Fatal(err)
	}
	if head, err := j.Verify(t.Context()); err != nil || head.Seq != 6 {
		t.Fatalf("after a failed append: %v, %v", head, err)
	}
	if r, err := j.Append(t.Context(), Entry{Event: "sign"}); err != nil || r.Seq != 7 {
		t.Fatalf("after a failed append: %v, %v", r.Seq, err)
	}
	// No crash leaves an older one, or none.
	for _, spoil := range []func() error{
		func() error { return os.WriteFile(path+".head", old, 0o600) }, func() error { return os.Remove(path + ".head") },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		var d *DamageError
		if _, err := j.Verify(t.Context()); !errors.As(err, &d) || d.Kind != Headless {
			t.Errorf("Verify: %v", err)
		}
		if _, err := j.Append(t.Context(), Entry{Event: "sign"}); !errors.As(err, &d) || d.Kind != Headless {
			t.Errorf("Append: %v", err)
		}
	}
}

func TestFileLocked(t *testing.T) {
	j, path := fill(t, 1)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if ok, err := files.TryLock(f); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := j.Append(ctx, Entry{Event: "sign"}); !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v", err)
	}
	files.Unlock(f)
	if _, err := j.Append(t.Context(), Entry{Event: "sign"}); err != nil {
		t.Fatal(err)
	}
}
