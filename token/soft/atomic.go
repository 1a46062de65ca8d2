package soft

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
)

// lockName is the file that processes lock; it is never removed, or two of them
// could lock two files of that name.
const lockName = ".lock"

// tempPrefix starts the names of files that are being written. One that is left
// over belongs to a process that was killed and is removed by the next writer.
const tempPrefix = ".new-"

// lockPoll is how often a process looks whether the lock is free. Writing a
// container takes a few milliseconds.
const lockPoll = 10 * time.Millisecond

// lock waits for the lock of the store and returns what releases it.
func (s *Store) lock(ctx context.Context) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("soft: lock: %w", err)
	}
	for {
		ok, err := files.TryLock(f)
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("soft: lock: %w", err)
		}
		if ok {
			return func() { _ = f.Close() }, nil // closing lets go of the lock
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("soft: another process works in %s: %w", s.dir, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// writeFile replaces a file as a whole: a reader sees the old content or the new
// one, after a crash too. The caller holds the lock.
func (s *Store) writeFile(file string, data []byte) error {
	if err := files.Replace(filepath.Join(s.dir, file), tempPrefix, data); err != nil {
		return fmt.Errorf("soft: %w", err)
	}
	return nil
}

func removeIfThere(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweep removes what killed processes left. The caller holds the lock, so that
// no file with the prefix is in use.
func (s *Store) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.dir, tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("soft: %w", err)
	}
	for _, path := range left {
		if err := removeIfThere(path); err != nil {
			return fmt.Errorf("soft: %w", err)
		}
	}
	return nil
}
