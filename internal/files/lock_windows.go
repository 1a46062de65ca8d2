package files

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockAt is the offset of the one octet that is locked. Windows locks are
// mandatory: an octet far behind the end keeps the file readable.
const lockAt = 1 << 30

func overlapped() *windows.Overlapped {
	return &windows.Overlapped{OffsetHigh: lockAt}
}

// TryLock takes an exclusive lock without waiting and reports whether it did.
// The system gives it back when the file is closed or the process ends.
func TryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, overlapped())
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	default:
		return false, err
	}
}

// Unlock gives the lock back; closing the file or ending the process would do
// the same.
func Unlock(f *os.File) { _ = windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, overlapped()) }
