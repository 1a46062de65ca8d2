package casock

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

// errPeer is returned to a user who is neither the server's nor root.
var errPeer = errors.New("casock: the socket belongs to another user")

// peerActor asks the kernel who is on the other side (unix(7), SO_PEERCRED).
func peerActor(conn *net.UnixConn) (string, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return "", fmt.Errorf("casock: %w", err)
	}
	var cred *syscall.Ucred
	var inner error
	err = raw.Control(func(fd uintptr) {
		cred, inner = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, inner); err != nil {
		return "", fmt.Errorf("casock: %w", err)
	}
	if !allowed(cred.Uid, uint32(os.Geteuid())) {
		return "", errPeer
	}
	return "uid:" + strconv.FormatUint(uint64(cred.Uid), 10), nil
}

// allowed says whether a user may ask a server of another.
func allowed(peer, own uint32) bool { return peer == own || peer == 0 }
