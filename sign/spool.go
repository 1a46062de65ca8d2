package sign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// spoolMemory is how much of a document is kept in memory before a file is used.
const spoolMemory = 1 << 20

// spool keeps what is written to it, in memory or in a temporary file that
// only the user can read and that is gone after Close.
type spool struct {
	dir  string
	mem  bytes.Buffer
	file *os.File
	n    int64
}

func newSpool(dir string) *spool { return &spool{dir: dir} }

// Write appends p.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && s.mem.Len()+len(p) > spoolMemory {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	var n int
	var err error
	if s.file != nil {
		n, err = s.file.Write(p)
	} else {
		n, err = s.mem.Write(p)
	}
	s.n += int64(n)
	if err != nil {
		err = fmt.Errorf("sign: temporary file: %w", err)
	}
	return n, err
}

// spill moves what is in memory to a file. os.CreateTemp makes it with mode 0600.
func (s *spool) spill() error {
	f, err := os.CreateTemp(s.dir, "gosklyuch-spool-*")
	if err != nil {
		return fmt.Errorf("sign: temporary file: %w", err)
	}
	s.file = f
	if _, err := f.Write(s.mem.Bytes()); err != nil {
		return fmt.Errorf("sign: temporary file: %w", err)
	}
	s.mem = bytes.Buffer{}
	return nil
}

// Reader returns all that was written, from the beginning. Only the last
// reader may be used.
func (s *spool) Reader() (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.mem.Bytes()), nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("sign: temporary file: %w", err)
	}
	return s.file, nil
}

// Close removes the file.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
