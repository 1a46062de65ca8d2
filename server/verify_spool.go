package server

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// errNoSpace says that the temporary files of all requests together are full.
var errNoSpace = errors.New("server: no temporary space is left")

// A space counts the octets of temporary files.
type space struct {
	dir  string
	most int64
	used atomic.Int64
}

// take reserves n octets.
func (s *space) take(n int64) error {
	if s.used.Add(n) > s.most {
		s.used.Add(-n)
		return errNoSpace
	}
	return nil
}

// A spool keeps what was received: the first octets in memory, all in a
// temporary file where there are more. The file is readable by its owner alone
// and loses its name at once where the system allows that.
type spool struct {
	space *space
	mem   bytes.Buffer
	file  *os.File
	named string // the file's name while it has one
	size  int64
	taken int64
}

// newSpool reads all of r.
func newSpool(s *space, r io.Reader) (*spool, error) {
	sp := &spool{space: s}
	_, err := io.CopyN(&sp.mem, r, limits.ServiceMemory)
	sp.size = int64(sp.mem.Len())
	if errors.Is(err, io.EOF) {
		return sp, nil
	}
	if err == nil {
		err = sp.spill(r)
	}
	if err != nil {
		sp.close()
		return nil, err
	}
	return sp, nil
}

// spill moves on to a temporary file.
func (sp *spool) spill(r io.Reader) error {
	var head [1]byte
	n, err := io.ReadFull(r, head[:])
	if n == 0 {
		if errors.Is(err, io.EOF) {
			return nil // it ends exactly where the memory does
		}
		return err
	}
	// os.CreateTemp gives mode 0600.
	if sp.file, err = os.CreateTemp(sp.space.dir, "gosklyuch-*"); err != nil {
		return err
	}
	if os.Remove(sp.file.Name()) != nil {
		sp.named = sp.file.Name() // an open file cannot be removed on Windows
	}
	rest := io.MultiReader(bytes.NewReader(sp.mem.Bytes()), bytes.NewReader(head[:]), r)
	sp.size = 0
	_, err = io.Copy((*spoolWriter)(sp), rest)
	sp.mem = bytes.Buffer{}
	return err
}

// A spoolWriter writes to the file as far as there is space.
type spoolWriter spool

// Write reserves the space first.
func (w *spoolWriter) Write(p []byte) (int, error) {
	if err := w.space.take(int64(len(p))); err != nil {
		return 0, err
	}
	w.taken += int64(len(p))
	n, err := w.file.Write(p)
	w.size += int64(n)
	return n, err
}

// reader returns a new reader of all that was received. Only one is used at a
// time.
func (sp *spool) reader() (io.Reader, error) {
	if sp.file == nil {
		return bytes.NewReader(sp.mem.Bytes()), nil
	}
	return sp.file, seekStart(sp.file)
}

func seekStart(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// close gives memory, file and space back.
func (sp *spool) close() {
	if sp == nil {
		return
	}
	if sp.file != nil {
		sp.file.Close() //nolint:errcheck,gosec // nothing of it is needed any more
	}
	if sp.named != "" {
		os.Remove(sp.named) //nolint:errcheck,gosec // the system's own cleaning remains
	}
	sp.space.used.Add(-sp.taken)
	sp.taken = 0
}
