package server

import (
	"errors"
	"net"
	"testing"
)

// connFrom is a connection from an address.
type connFrom struct {
	net.Conn
	from   string
	closed *int
}

func (c connFrom) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", c.from)
	if err != nil {
		panic(err)
	}
	return a
}

func (c connFrom) Close() error { *c.closed++; return nil }

// queue is a listener with connections that wait.
type queue struct {
	net.Listener
	list []net.Conn
}

var errNoMore = errors.New("no more")

func (q *queue) Accept() (net.Conn, error) {
	if len(q.list) == 0 {
		return nil, errNoMore
	}
	c := q.list[0]
	q.list = q.list[1:]
	return c, nil
}

// TestPerClient: one client has so many connections and no more, whatever
// address of its network it takes, until it closes one; others and this machine
// are not concerned.
func TestPerClient(t *testing.T) {
	closed := 0
	q := &queue{}
	l := PerClient(q, 2)
	come := func(list ...string) (out []net.Conn) {
		for _, from := range list {
			q.list = append(q.list, connFrom{from: from, closed: &closed})
		}
		for {
			c, err := l.Accept()
			if errors.Is(err, errNoMore) {
				return out
			}
			out = append(out, c)
		}
	}
	a := come("192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "[::ffff:192.0.2.1]:4")
	if len(a) != 2 || closed != 2 {
		t.Fatalf("%d connections, %d closed", len(a), closed)
	}
	if six := come("[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:0:5::3]:1", "[2001:db8:0:1::1]:1"); len(six) != 3 || closed != 3 {
		t.Errorf("a network: %d connections, %d closed", len(six), closed)
	}
	if here := come("127.0.0.1:1", "127.0.0.1:2", "[::1]:3", "127.0.0.1:4"); len(here) != 4 {
		t.Errorf("this machine: %d", len(here))
	}
	closed = 0
	a[0].Close()
	a[0].Close() // twice gives one place back
	if again := come("192.0.2.1:5", "192.0.2.1:6"); len(again) != 1 {
		t.Errorf("after one was closed: %d", len(again))
	}
}
