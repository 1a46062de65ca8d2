package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// SyncsContents reports whether [SyncFolder] makes what is in the files last,
// too. Where it does not, each file needs a Sync of its own.
const SyncsContents = true

// SyncFolder makes what was done in a directory last, on Linux with the contents
// of its files: thousands of small files reach the disk together in the time
// of a few. It waits for what others wrote to the same file system as well.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err = unix.Syncfs(int(d.Fd())); err != nil {
		err = &os.PathError{Op: "syncfs", Path: dir, Err: err}
	}
	return errors.Join(err, d.Close())
}
