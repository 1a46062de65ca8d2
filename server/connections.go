package server

import (
	"net"
	"sync"
)

// PerClient returns a listener with at most so many connections of one address
// of another machine at a time; what is more is closed at once. So nobody takes
// all connections of a service with requests that hardly cost anything. An IPv6
// address is its /64, as for rates; this machine's own are not counted: a reverse
// proxy asks for everybody.
func PerClient(l net.Listener, most int) net.Listener {
	return &perClient{Listener: l, most: most, open: map[string]int{}}
}

type perClient struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[string]int // of clients that have any
}

// Accept waits for the next connection that may be.
func (l *perClient) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := c.RemoteAddr().String()
		if isHere(address) {
			return c, nil
		}
		client := clientAt(address)
		if l.take(client) {
			return &clientConn{Conn: c, release: sync.OnceFunc(func() { l.release(client) })}, nil
		}
		c.Close() //nolint:errcheck,gosec // nothing was said on it
	}
}

func (l *perClient) take(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client] >= l.most {
		return false
	}
	l.open[client]++
	return true
}

func (l *perClient) release(client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client]--; l.open[client] <= 0 {
		delete(l.open, client)
	}
}

// clientConn is a connection that is counted until it is closed.
type clientConn struct {
	net.Conn
	release func()
}

// Close closes the connection.
func (c *clientConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
