package fetch_test

import (
	"os/signal"
	"syscall"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// TestFullDisk: a disk that takes a file and not its content costs speed, not
// answers.
func TestFullDisk(t *testing.T) {
	w := newWorld(t, []string{"/ca.crl"}, []string{"/ocsp"})
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	small := old
	small.Cur = limits.FetchEntryHead + 16
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
	}()
	s := newShelf(t)
	f := s.fetcher(nil)
	if _, err := f.CRLs(t.Context(), w.leaf, w.ca); err != nil {
		t.Error(err)
	}
	if _, err := f.OCSP(t.Context(), w.leaf, w.ca); err != nil {
		t.Error(err)
	}
	if _, err := f.Issuers(t.Context(), w.leaf); err != nil {
		t.Error(err)
	}
	if left := s.entries(t); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
