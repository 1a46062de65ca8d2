//go:build unix

package cli

import (
	"os/signal"
	"syscall"
)

// ignoreFileLimit lets a write beyond RLIMIT_FSIZE fail with an error, which
// removes the partial file and is told to the person. Without this the signal
// would end the process.
func ignoreFileLimit() { signal.Ignore(syscall.SIGXFSZ) }
