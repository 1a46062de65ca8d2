package soft

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Files beside the containers are written under the lock of the store, are
// private, and containers with few iterations open.
func TestBeside(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.WithIterations(1).iterations; got != minIterations {
		t.Errorf("%d iterations", got)
	}
	quick := s.WithIterations(1000)
	create(t, quick, "k", newKey(t, "gost2012-256"), Meta{})
	if _, err := s.Unlock(t.Context(), "k", []byte(goodPassword)); err != nil {
		t.Error(err)
	}
	stop := errors.New("stop")
	err = s.Locked(t.Context(), func() error {
		if err := s.WriteFile("record", []byte("text")); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("the error of f is lost: %v", err)
	}
	st, err := os.Stat(filepath.Join(s.dir, "record"))
	if err != nil || st.Size() != 4 || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if list, err := s.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("a file beside is taken for a container: %v, %v", list, err)
	}
}
