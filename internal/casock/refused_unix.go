//go:build !windows

package casock

import (
	"errors"
	"syscall"
)

// refused says whether nobody listens on a socket that is there.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
