package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// requestIDHeader names each answer; the log has the same value. The service
// makes it: one that a client sends could be about a person.
const requestIDHeader = "X-Request-Id"

// ServeHTTP answers one request.
func (s *VerifyService) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	id := requestID()
	rec := &recorder{ResponseWriter: w}
	securityHeaders(rec.Header())
	rec.Header().Set(requestIDHeader, id)
	r, known := s.routes[req.URL.Path]
	if !known {
		r = route{http.MethodGet, "other", func(w http.ResponseWriter, req *http.Request) {
			s.writeProblem(w, req, languageOf(req, ""), notFound())
		}}
	}
	defer func() {
		if v := recover(); v != nil {
			s.panicked(rec, req, id, v)
		}
		s.metrics.request(r.name, rec.status(), time.Since(start))
	}()
	if known && r.method != req.Method && (r.method != http.MethodGet || req.Method != http.MethodHead) {
		rec.Header().Set("Allow", r.method)
		s.writeProblem(rec, req, languageOf(req, ""), wrongMethod(r.method))
		return
	}
	r.handle(rec, req)
}

// panicked answers where a handler panicked, unless it did so to end the
// connection. The value may be about what was sent, so the log has its type's
// place alone: the stack, whose lines name functions and not data.
func (s *VerifyService) panicked(rec *recorder, req *http.Request, id string, v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		rec.code = 499
		return
	}
	s.metrics.panics.Inc()
	s.o.Log.Error("panic", "request", id, "stack", string(debug.Stack()))
	if rec.code == 0 {
		s.writeProblem(rec, req, languageOf(req, ""), internal(nil))
		return
	}
	rec.code = http.StatusInternalServerError // half an answer is out: for the metrics
}

// requestID is 128 random bits.
func requestID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// A recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	code int
}

// WriteHeader remembers the first status.
func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

// Write implies status 200.
func (r *recorder) Write(p []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

// A gate lets some requests in, lets some wait and sends the rest away.
type gate struct {
	slots     chan struct{}
	queue     chan struct{}
	wait      time.Duration
	perClient int

	mu      sync.Mutex
	clients map[string]int // requests under way by address; empty where there are none
}

func newGate(o VerifyOptions) *gate {
	return &gate{
		slots: make(chan struct{}, o.Parallel), queue: make(chan struct{}, max(o.Queue, 0)),
		wait: o.QueueWait, perClient: o.PerClient, clients: map[string]int{},
	}
}

// enter waits for a place; leave must be called if and only if the error is nil.
func (g *gate) enter(ctx context.Context, address string) (leave func(), err error) {
	client, ok := g.count(address)
	if !ok {
		return nil, tooMany()
	}
	out := func() { <-g.slots; client() }
	select {
	case g.slots <- struct{}{}:
		return out, nil
	default:
	}
	select {
	case g.queue <- struct{}{}:
		defer func() { <-g.queue }()
	default:
		client()
		return nil, busy()
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return out, nil
	case <-timer.C:
		client()
		return nil, busy()
	case <-ctx.Done():
		client()
		return nil, gone(ctx.Err())
	}
}

// count takes one of the places of an address.
func (g *gate) count(address string) (done func(), ok bool) {
	if g.perClient <= 0 {
		return func() {}, true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.clients[host] >= g.perClient {
		return nil, false
	}
	g.clients[host]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.clients[host]--; g.clients[host] == 0 {
			delete(g.clients, host)
		}
	}, true
}

// A pacer reads the body of a request as long as the client keeps up: the
// deadline moves on with the octets, and the average must not be too low.
type pacer struct {
	src     io.Reader
	control *http.ResponseController
	idle    time.Duration
	minRate int64
	limit   time.Time     // of the whole request
	touched time.Time     // when the deadline was moved last
	waited  time.Duration // for the client, all reads together
	octets  int64
	header  int64  // octets that may still come before the next part; negative: not counted
	tail    []byte // the last octets, for the end of the form
	err     error  // the first error but io.EOF
}

// tailSize has room for the last boundary and what may follow it.
const tailSize = 256

// errHeader says that what stands before a part is too long.
var errHeader = errors.New("server: the header of a part is too long")

// Read reads some octets.
func (p *pacer) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	now := time.Now()
	switch {
	case p.header == 0:
		return 0, p.fail(badForm(errHeader))
	case now.After(p.limit):
		return 0, p.fail(tooSlow(os.ErrDeadlineExceeded))
	case p.minRate > 0 && p.waited > 2*p.idle && float64(p.octets) < float64(p.minRate)*p.waited.Seconds():
		return 0, p.fail(tooSlow(nil))
	}
	if now.Sub(p.touched) > p.idle/8 {
		p.touched = now
		if err := p.control.SetReadDeadline(earlier(now.Add(p.idle), p.limit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, p.fail(gone(err))
		}
	}
	if p.header > 0 && int64(len(b)) > p.header {
		b = b[:p.header]
	}
	n, err := p.src.Read(b)
	p.waited += time.Since(now)
	p.octets += int64(n)
	p.keep(b[:n])
	if p.header > 0 {
		p.header -= int64(n)
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, p.fail(p.classify(err))
}

// keep remembers the last octets.
func (p *pacer) keep(b []byte) {
	if len(b) >= tailSize {
		p.tail = append(p.tail[:0], b[len(b)-tailSize:]...)
		return
	}
	if over := len(p.tail) + len(b) - tailSize; over > 0 {
		p.tail = p.tail[:copy(p.tail, p.tail[over:])]
	}
	p.tail = append(p.tail, b...)
}

// ended reads what follows the last part and reports whether the form was sent
// to its end: mime/multipart takes one that breaks off between two parts, or in
// the header of one, for one that ends there. RFC 2046, section 5.1.1: the
// last boundary "has two more hyphens after the boundary parameter value".
func (p *pacer) ended(boundary string) bool {
	p.header = tailSize
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{p}); err != nil {
		return false
	}
	p.header = -1
	return bytes.Contains(p.tail, []byte("--"+boundary+"--"))
}

func (p *pacer) fail(err error) error {
	p.err = err
	return err
}

// classify tells a slow client from one that sent too much or went away.
func (p *pacer) classify(err error) *problem {
	var large *http.MaxBytesError
	var timeout net.Error
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Limit, err)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return tooSlow(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badForm(err) // fewer octets than Content-Length says
	}
	return gone(err)
}

// rest ends the reading: the deadline for it is lifted, because one that runs
// out later would cancel the request (net/http watches the connection).
func (p *pacer) rest() {
	p.touched = time.Time{}
	p.control.SetReadDeadline(time.Time{}) //nolint:errcheck,gosec // what cannot have a deadline has none
}

// drain reads on for a moment, so that the client sends to the end and reads
// the answer.
func (p *pacer) drain() {
	if p.err != nil {
		return
	}
	p.header = -1
	p.limit = earlier(p.limit, time.Now().Add(2*time.Second))
	p.touched = time.Time{}
	io.CopyN(io.Discard, p, limits.ServiceDrain) //nolint:errcheck,gosec // what was wrong is known already
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
