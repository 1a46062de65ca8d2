package casock

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// refused says whether nobody listens on a socket that is there, or there is
// none: Windows reports both as a refused connection.
func refused(err error) bool {
	return errors.Is(err, windows.WSAECONNREFUSED) || errors.Is(err, syscall.ERROR_FILE_NOT_FOUND)
}
