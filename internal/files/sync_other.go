//go:build !windows

package files

import (
	"errors"
	"os"
)

// SyncDir makes renames and removals in a directory last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
