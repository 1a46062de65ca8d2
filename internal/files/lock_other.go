//go:build !windows && !darwin && !dragonfly && !freebsd && !illumos && !linux && !netbsd && !openbsd

package files

import (
	"errors"
	"os"
)

// TryLock refuses: without a lock two processes could lose what one of them
// wrote.
func TryLock(*os.File) (bool, error) {
	return false, errors.New("files cannot be locked on this system")
}

// Unlock does nothing: there is no lock.
func Unlock(*os.File) {}
