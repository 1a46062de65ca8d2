package casock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// Server answers on the socket of an authority.
type Server struct {
	issuer   *ca.Issuer
	listener *net.UnixListener
	path     string
	slots    chan struct{}
}

// Listen opens the socket with mode 0600. The caller holds the ledger, so a
// socket that is there already is a dead process's and is replaced. A file
// that is no socket is not touched.
func Listen(path string, issuer *ca.Issuer) (*Server, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("casock: %s is there and is not a socket", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("casock: %w", err)
		}
	}
	l, err := listenPrivate(path)
	if err != nil {
		return nil, err
	}
	return &Server{issuer: issuer, listener: l, path: path, slots: make(chan struct{}, limits.SocketConnections)}, nil
}

// maxPath is the longest name of a socket that every system takes: sun_path
// has 104 octets on BSD and macOS, 108 on Linux, its closing zero included.
const maxPath = 103

// listenPrivate listens with mode 0600 from the first moment: the socket is
// made in a directory of mode 0700 and then moved, so nobody can connect
// before its mode is set.
func listenPrivate(path string) (*net.UnixListener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".sock")
	if err != nil {
		return nil, fmt.Errorf("casock: %w", err)
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, "s")
	if n := max(len(tmp), len(path)); n > maxPath {
		return nil, fmt.Errorf("casock: %s: the path is %d octets too long for a socket", path, n-maxPath)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("casock: %w", err)
	}
	l.SetUnlinkOnClose(false) // the name changes; Close removes the new one
	err = os.Chmod(tmp, 0o600)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return nil, fmt.Errorf("casock: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

// Serve answers until the context ends, then removes the socket, waits for
// requests in progress and returns nil. Any other end is an error.
func (s *Server) Serve(ctx context.Context) error {
	// Once, and done before Serve returns: the next server's socket has the
	// same name.
	shut := sync.OnceFunc(func() {
		_ = os.Remove(s.path) // a client finds no socket before it finds a closed one
		_ = s.listener.Close()
	})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer shut()
	defer context.AfterFunc(ctx, shut)()
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case err == nil && ctx.Err() != nil:
			_ = conn.Close() // came in while we were leaving: it must not wait for us
			return nil
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("casock: %w", err)
		}
		select {
		case s.slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-s.slots }()
				s.serve(ctx, conn)
			})
		default:
			_ = conn.Close() // more commands at once than anybody runs
		}
	}
}

// serve answers the requests of one connection.
func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	// Not a deadline: the loop below would set a later one over it.
	stop := context.AfterFunc(ctx, func() { _ = conn.CloseRead() })
	defer stop()
	actor, err := peerActor(conn)
	if err != nil {
		_ = encode(conn, response{Version: version, Error: toRemote(err)}, limits.SocketResponse)
		return
	}
	in := bufio.NewReader(conn)
	for ctx.Err() == nil {
		if conn.SetReadDeadline(time.Now().Add(idle)) != nil {
			return
		}
		line, err := readLine(in, limits.SocketRequest)
		if err != nil && !errors.Is(err, ErrTooLarge) {
			return // the client left
		}
		var answer response
		var q request
		if err == nil {
			err = decode(line, &q)
		}
		if err == nil && q.Version != version {
			err = fmt.Errorf("%w: version %d", ErrProtocol, q.Version)
		}
		broken := err != nil
		if !broken {
			answer, err = s.answer(ctx, actor, q)
		}
		if err != nil {
			answer = response{Error: toRemote(err)}
		}
		answer.Version = version
		if conn.SetWriteDeadline(time.Now().Add(idle)) != nil || encode(conn, answer, limits.SocketResponse) != nil || broken {
			return
		}
	}
}

// answer carries out one request. A request that was accepted is finished
// even if the server is told to stop meanwhile: half of a revocation is none.
func (s *Server) answer(ctx context.Context, actor string, q request) (out response, err error) {
	ctx = context.WithoutCancel(ctx)
	switch q.Op {
	case opIssue:
		csr, err := parseRequest(q.Request)
		if err != nil {
			return out, err
		}
		c, err := s.issuer.IssueRequest(ctx, q.Profile, ca.Request{CSR: csr, Days: q.Days, IdentificationKind: q.IdentificationKind, Actor: actor})
		if err == nil {
			out.Certificate = c.Raw
		}
		return out, err
	case opBulk:
		return s.bulk(ctx, actor, q.Bulk)
	case opRevoke, opHold, opRelease:
		return s.change(ctx, actor, q)
	case opCRL:
		e, err := s.issuer.CRL(ctx, actor)
		out.CRL, out.DER = &e, e.DER
		return out, err
	case opList:
		out.Entries, out.Next, err = s.issuer.Page(ctx, q.Status, q.After, pageSize)
		return out, err
	case opExpires:
		out.Entries, err = s.issuer.Expiring(ctx, q.From, q.To, q.After, pageSize)
		return out, err
	case opDesk:
		return s.desk(ctx, actor, q)
	case opJournal:
		return s.journal(ctx, actor, q.Journal)
	}
	return out, fmt.Errorf("%w: operation %q", ErrProtocol, q.Op)
}

func (s *Server) change(ctx context.Context, actor string, q request) (out response, err error) {
	r := ca.Revocation{Serial: q.Serial, InvalidityDate: q.InvalidityDate, Actor: actor}
	f := s.issuer.Hold
	switch q.Op {
	case opRelease:
		f = s.issuer.Release
	case opRevoke:
		f = s.issuer.Revoke
		if r.Reason, err = ca.ParseReason(q.Reason); err != nil {
			return out, fmt.Errorf("%w: %w", ca.ErrReason, err)
		}
	}
	e, err := f(ctx, r)
	out.Entry = &e
	return out, err
}
