package pgstore

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// userTimeout is TCP_USER_TIMEOUT (RFC 5482): how long what was sent may stay
// unacknowledged. Keep-alive does not cover that, and the system's own limit
// is a quarter of an hour.
func userTimeout(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanished.Milliseconds()))
	})
	if cerr != nil {
		return cerr
	}
	return err
}
