//go:build linux

package pgstore_test

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// cutter stands between a node and its database and cuts connections: after so
// many packets of the server have passed, the next one is swallowed, as when a
// network fails between the commit and its answer.
type cutter struct {
	dir  string
	mu   sync.Mutex
	left int // packets; negative: no cut
	cuts int
}

// newCutter listens on a socket of its own in front of another one.
func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	dir, err := os.MkdirTemp("", "gkcut") //nolint:usetesting // the name of a socket has at most 107 octets
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{dir: dir, left: -1}
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			wg.Go(func() { c.pipe(server, client) })
			wg.Go(func() { c.pipe(client, server) })
		}
	})
	return c
}

// after sets after how many packets the connection is cut.
func (c *cutter) after(packets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = packets
}

func (c *cutter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts
}

// pass reports whether the next packet may pass.
func (c *cutter) pass() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left < 0 {
		return true
	}
	if c.left--; c.left >= 0 {
		return true
	}
	c.cuts++
	return false
}

func (c *cutter) pipe(to, from net.Conn) {
	defer to.Close()   //nolint:errcheck // it is cut
	defer from.Close() //nolint:errcheck // it is cut
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if !c.pass() {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
