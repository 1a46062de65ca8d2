package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockAt is the offset of the one octet that is locked. Windows locks are
// mandatory: an octet far behind the end keeps the records readable.
const lockAt = 1 << 30

func overlapped() *windows.Overlapped {
	return &windows.Overlapped{OffsetHigh: lockAt}
}

// tryLock takes an exclusive lock without waiting and reports whether it did.
func tryLock(f *os.File) (bool, error) {
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

// unlockFile gives the lock back; closing the file would do the same.
func unlockFile(f *os.File) { _ = windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, overlapped()) }
