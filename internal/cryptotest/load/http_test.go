//go:build linux

package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A target is a server under load and what is sent to it, in turn.
type target struct {
	address, path, contentType string
	bodies                     [][]byte
	// keep sends all requests of a client over one connection; otherwise each
	// has its own, as it must be with openssl ocsp.
	keep bool
	// check looks at every answer; the number is that of the body.
	check func(n int, answer []byte) error
}

// A measure is what came of pressing a target.
type measure struct {
	answers  int
	seconds  float64
	p50, p99 time.Duration
	longest  time.Duration
	server   float64 // seconds of processor time of the server per answer; 0: not known
}

func (m measure) rate() float64 { return float64(m.answers) / m.seconds }

func (m measure) String() string {
	s := fmt.Sprintf("%.0f a second, half within %s, 99 %% within %s, longest %s",
		m.rate(), m.p50.Round(10*time.Microsecond), m.p99.Round(10*time.Microsecond), m.longest.Round(100*time.Microsecond))
	if m.server > 0 {
		s += fmt.Sprintf("; the server's processor time for one: %.0f µs", m.server*1e6)
	}
	return s
}

// press sends requests from a number of clients for a time. The client is
// written by hand for this: on a machine with few processors it competes with
// the server, and net/http costs more than the answer.
func press(ctx context.Context, t target, clients int, duration time.Duration, pid int) (measure, error) {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	before, _ := processorTime(pid)
	begin := time.Now()
	times := make([][]time.Duration, clients)
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			times[i], errs[i] = t.client(ctx, i)
			if errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	m := measure{seconds: time.Since(begin).Seconds()}
	all := slices.Concat(times...)
	if err := errors.Join(errs...); err != nil || len(all) == 0 {
		return m, errors.Join(err, fmt.Errorf("%d answers", len(all)))
	}
	slices.Sort(all)
	m.answers, m.p50, m.p99, m.longest = len(all), all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
	if after, ok := processorTime(pid); ok {
		m.server = (after - before) / float64(len(all))
	}
	return m, nil
}

// client is one of the clients, until the context is done.
func (t target) client(ctx context.Context, number int) ([]time.Duration, error) {
	requests := make([][]byte, len(t.bodies))
	for i, body := range t.bodies {
		requests[i] = t.request(body)
	}
	var times []time.Duration
	var c *connection
	defer func() { c.close() }()
	for n := number * 37; ctx.Err() == nil; n++ {
		n %= len(requests)
		start := time.Now()
		if c == nil {
			var err error
			if c, err = connect(t.address); err != nil {
				return times, err
			}
		}
		answer, err := c.exchange(requests[n])
		if err != nil {
			return times, fmt.Errorf("%s: %w", t.address, err)
		}
		times = append(times, time.Since(start))
		if err := t.check(n, answer); err != nil {
			return times, err
		}
		if !t.keep {
			c.close()
			c = nil
		}
	}
	return times, nil
}

func (t target) request(body []byte) []byte {
	var b bytes.Buffer
	connection := "close"
	if t.keep {
		connection = "keep-alive"
	}
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		t.path, t.address, connection, t.contentType, len(body))
	b.Write(body)
	return b.Bytes()
}

// A connection is one of a client.
type connection struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func connect(address string) (*connection, error) {
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (c *connection) close() {
	if c != nil {
		c.conn.Close()
	}
}

// exchange sends a request and returns the body of the answer, which is good
// until the next one.
func (c *connection) exchange(request []byte) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if f := strings.Fields(string(status)); len(f) < 2 || f[1] != "200" {
		return nil, fmt.Errorf("HTTP: %q", status)
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if textproto.CanonicalMIMEHeaderKey(string(name)) == "Content-Length" {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 || length > 1<<20 {
		return nil, fmt.Errorf("HTTP: a body of %d octets", length)
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err = io.ReadFull(c.in, c.body)
	return c.body, err
}

// processorTime returns the seconds that a process and its ended children have
// computed (proc(5): fields 14 to 17, in hundredths of a second).
func processorTime(pid int) (float64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	_, rest, ok := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if !ok || len(f) < 15 {
		return 0, false
	}
	ticks := 0
	for _, text := range f[11:15] {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, false
		}
		ticks += n
	}
	return float64(ticks) / 100, true
}
