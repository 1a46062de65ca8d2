package files_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/files"
)

// A file is replaced as a whole, readable by its owner alone, and nothing else
// is left in the directory.
func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serial")
	for _, want := range [][]byte{[]byte("a longer first content"), []byte("second"), {}} {
		if err := files.Replace(path, ".new-", want); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Fatalf("mode %v, %v", st.Mode(), err)
		}
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(list) != 1 {
		t.Errorf("%d files, %v", len(list), err)
	}
}

// Where the new file cannot take the place of the old one, the old one stays
// and the new one goes.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := files.Replace(taken, ".new-", []byte("x")); err == nil {
		t.Error("a directory was replaced")
	}
	if err := files.Replace(filepath.Join(dir, "nowhere", "f"), ".new-", nil); err == nil {
		t.Error("a file was written to a directory that is not there")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".new-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(taken, "inside")); err != nil {
		t.Error(err)
	}
}

// A lock is had by one at a time, and given back by Unlock and by Close.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	try := func(f *os.File, want bool) {
		t.Helper()
		if ok, err := files.TryLock(f); ok != want || err != nil {
			t.Fatalf("locked: %v, %v; want %v", ok, err, want)
		}
	}
	first, second := open(), open()
	try(first, true)
	try(second, false)
	files.Unlock(first)
	try(second, true)
	try(first, false)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	try(first, true)
	if _, err := files.TryLock(second); err == nil {
		t.Errorf("a closed file was locked; want an error such as %v", fs.ErrClosed)
	}
}
