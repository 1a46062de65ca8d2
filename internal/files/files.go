// Package files has what several rooms do with files in the same way: locks
// that end with the process, and replacement as a whole.
package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes data to a new file, mode 0600, syncs it and renames it over
// path: a reader sees the old content or the new one, after a crash too. The
// new file lies beside path under a name that starts with prefix; one that is
// left over belongs to a process that was killed.
func Replace(path, prefix string, data []byte) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, prefix+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		if e := os.Remove(tmp.Name()); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
		return err
	}
	return SyncDir(dir)
}
