package casock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// ErrNotServing is returned by Dial where nobody listens: the caller then
// opens the ledger itself.
var ErrNotServing = errors.New("casock: no authority serves here")

// Client asks a running authority. It implements [ca.Authority] and may be
// used by several goroutines, one request at a time.
type Client struct {
	mu     sync.Mutex
	conn   net.Conn
	in     *bufio.Reader
	broken error // why the connection cannot be used any more
}

var _ ca.Authority = (*Client)(nil)

// Dial connects to the socket at path. Without a socket, or with one that a
// dead process left, the error is [ErrNotServing].
func Dial(ctx context.Context, path string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || refused(err):
		return nil, fmt.Errorf("%w: %s", ErrNotServing, path)
	case err != nil:
		return nil, fmt.Errorf("casock: %w", err)
	}
	return &Client{conn: conn, in: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// ask sends one request and reads its answer. After a failure in between the
// connection is of no use: an answer may still be on its way.
func (c *Client) ask(ctx context.Context, q request) (response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return response{}, c.broken
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	q.Version = version
	answer, err := c.exchange(q)
	if !stop() && err == nil {
		c.broken = ctx.Err() // the deadline in the past is or will be set
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		c.broken = fmt.Errorf("casock: %w", err)
		return response{}, c.broken
	}
	if answer.Error != nil {
		return response{}, answer.Error
	}
	return answer, nil
}

func (c *Client) exchange(q request) (response, error) {
	var answer response
	if err := encode(c.conn, q, limits.SocketRequest); err != nil {
		return answer, err
	}
	line, err := readLine(c.in, limits.SocketResponse)
	if err != nil {
		return answer, err
	}
	if err := decode(line, &answer); err != nil {
		return answer, err
	}
	if answer.Version != version {
		return answer, fmt.Errorf("%w: version %d", ErrProtocol, answer.Version)
	}
	return answer, nil
}

// IssueRequest implements [ca.Authority]. The actor is the server's to say.
func (c *Client) IssueRequest(ctx context.Context, profile string, r ca.Request) (*pki.Certificate, error) {
	if r.CSR == nil {
		return nil, errors.New("casock: a request is required")
	}
	a, err := c.ask(ctx, request{Op: opIssue, Profile: profile, Request: r.CSR.Raw, Days: r.Days, IdentificationKind: r.IdentificationKind})
	if err != nil {
		return nil, err
	}
	return pki.ParseCertificate(a.Certificate)
}

// Revoke implements [ca.Authority].
func (c *Client) Revoke(ctx context.Context, r ca.Revocation) (ca.Entry, error) {
	return c.entry(ctx, request{Op: opRevoke, Serial: r.Serial, Reason: r.Reason.String(), InvalidityDate: r.InvalidityDate})
}

// Hold implements [ca.Authority].
func (c *Client) Hold(ctx context.Context, r ca.Revocation) (ca.Entry, error) {
	return c.entry(ctx, request{Op: opHold, Serial: r.Serial})
}

// Release implements [ca.Authority].
func (c *Client) Release(ctx context.Context, r ca.Revocation) (ca.Entry, error) {
	return c.entry(ctx, request{Op: opRelease, Serial: r.Serial})
}

func (c *Client) entry(ctx context.Context, q request) (ca.Entry, error) {
	a, err := c.ask(ctx, q)
	if err != nil {
		return ca.Entry{}, err
	}
	if a.Entry == nil {
		return ca.Entry{}, fmt.Errorf("%w: no entry in the answer", ErrProtocol)
	}
	return *a.Entry, nil
}

// CRL implements [ca.Authority].
func (c *Client) CRL(ctx context.Context, _ string) (ca.CRLEntry, error) {
	a, err := c.ask(ctx, request{Op: opCRL})
	if err != nil {
		return ca.CRLEntry{}, err
	}
	if a.CRL == nil || len(a.DER) == 0 {
		return ca.CRLEntry{}, fmt.Errorf("%w: no CRL in the answer", ErrProtocol)
	}
	a.CRL.DER = a.DER
	return *a.CRL, nil
}

// List implements [ca.Authority].
func (c *Client) List(ctx context.Context, s ca.Status) iter.Seq2[ca.Entry, error] {
	return func(yield func(ca.Entry, error) bool) {
		var after ca.Serial
		for {
			a, err := c.ask(ctx, request{Op: opList, Status: s, After: after})
			if err != nil {
				yield(ca.Entry{}, err)
				return
			}
			for _, e := range a.Entries {
				if !yield(e, nil) {
					return
				}
			}
			if a.Next == (ca.Serial{}) {
				return
			}
			after = a.Next
		}
	}
}

// Expiring is [ca.Issuer.Expiring]; the server returns fewer than n where n is
// more than it likes.
func (c *Client) Expiring(ctx context.Context, from, to time.Time, after ca.Serial, n int) ([]ca.Entry, error) {
	a, err := c.ask(ctx, request{Op: opExpires, From: from, To: to, After: after})
	if err != nil {
		return nil, err
	}
	return a.Entries[:max(0, min(n, len(a.Entries)))], nil
}
