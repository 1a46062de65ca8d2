package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// newTSA makes an authority with a fresh key.
func newTSA(t *testing.T, serials tsp.SerialSource) *tsp.Authority {
	t.Helper()
	key, err := alg.GenerateKey("gost2012-256", "cryptopro-a")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=Test TSA")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	der, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(7), Subject: dn, MaxPathLen: -1, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 1),
		KeyUsage: pki.KeyUsageDigitalSignature, ExtKeyUsage: []oid.OID{oid.EKUTimeStamping}, ExtKeyUsageCritical: true,
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a, err := tsp.NewAuthority(tsp.AuthorityOptions{Certificate: cert, Signer: key, Policies: []oid.OID{"1.2.3"}, Serials: serials})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTSA: our client over HTTP; and what a server must not log or accept.
func TestTSA(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serials")
	serials, err := OpenSerials(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer serials.Close()
	var log bytes.Buffer
	var mu sync.Mutex
	h := TSAHandler(newTSA(t, serials), TSAOptions{Log: slog.New(slog.NewJSONHandler(&locked{mu: &mu, w: &log}, nil))})
	web := httptest.NewServer(h)
	defer web.Close()
	f := fetch.New(fetch.Options{TypedURLs: []string{web.URL}})
	client := &tsp.Requester{Send: f.TimeStamper(web.URL + "/tsp")}
	hash := alg.Identifier{OID: oid.Streebog256}
	seen := map[string]bool{}
	for range 5 {
		token, err := client.Stamp(t.Context(), hash, make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		if n := token.Info.Serial.String(); seen[n] {
			t.Errorf("the number %s twice", n)
		} else {
			seen[n] = true
		}
	}
	post := func(kind string, body io.Reader) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		resp, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	for _, c := range []struct {
		name, kind string
		body       io.Reader
		code       int
	}{
		{"another type", "text/plain", strings.NewReader("x"), http.StatusUnsupportedMediaType},
		{"declared too long", "application/timestamp-query", bytes.NewReader(make([]byte, limits.TimeStampRequestSize+1)), http.StatusRequestEntityTooLarge},
		{"too long without saying so", "application/timestamp-query", io.MultiReader(bytes.NewReader(make([]byte, limits.TimeStampRequestSize+1))), http.StatusRequestEntityTooLarge},
		{"no request", "application/timestamp-query", strings.NewReader("<html>"), http.StatusOK},
	} {
		resp := post(c.kind, c.body)
		if resp.StatusCode != c.code {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.code)
		}
		if c.code == http.StatusOK {
			body, _ := io.ReadAll(resp.Body)
			if r, err := tsp.ParseResponse(body); err != nil || r.Status != tsp.Rejection || resp.Header.Get("Content-Type") != "application/timestamp-reply" {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	get, err := web.Client().Get(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	get.Body.Close()
	if get.StatusCode != http.StatusMethodNotAllowed || get.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d", get.StatusCode)
	}
	mu.Lock()
	defer mu.Unlock()
	if text := log.String(); strings.Contains(text, "127.0.0.1") || !strings.Contains(text, `"status":"granted"`) || !strings.Contains(text, "badDataFormat") {
		t.Errorf("log: %s", text)
	}
}

// locked is a writer for several goroutines.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// slowStamper holds each request until it is let go.
type slowStamper struct {
	arrived chan struct{}
	let     chan struct{}
}

func (s *slowStamper) Answer(ctx context.Context, _ []byte) (tsp.Answered, error) {
	s.arrived <- struct{}{}
	<-s.let
	return tsp.Answered{DER: []byte{0x30, 0}, Status: tsp.Granted}, ctx.Err()
}

func (s *slowStamper) Health() error { return errors.New("the clock is gone") }

// TestTSAFlood: who finds the queue full, or waits too long, is sent away.
func TestTSAFlood(t *testing.T) {
	s := &slowStamper{arrived: make(chan struct{}), let: make(chan struct{})}
	h := TSAHandler(s, TSAOptions{Parallel: 1, Waiting: 1, Timeout: 50 * time.Millisecond})
	ask := func() int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("x"))
		req.Header.Set("Content-Type", "application/timestamp-query")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return rec.Code
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if code := ask(); code != http.StatusOK {
			t.Errorf("the one who was there first: %d", code)
		}
	})
	<-s.arrived
	codes := make(chan int, 3)
	for range 3 {
		wg.Go(func() { codes <- ask() })
	}
	for range 3 {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Errorf("one of too many: %d", code)
		}
	}
	close(s.let)
	wg.Wait()
}

// TestTSAHealth: the authority's own word decides, and nothing of why is told.
func TestTSAHealth(t *testing.T) {
	serials, err := OpenSerials(filepath.Join(t.TempDir(), "serials"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer serials.Close()
	for _, c := range []struct {
		s    Stamper
		code int
		want string
	}{
		{newTSA(t, serials), http.StatusOK, `{"status":"ok"}`},
		{&slowStamper{}, http.StatusServiceUnavailable, `{"status":"unavailable"}`},
	} {
		rec := httptest.NewRecorder()
		TSAHealthHandler(c.s, nil).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health", nil))
		if rec.Code != c.code || strings.TrimSpace(rec.Body.String()) != c.want {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
	rec := httptest.NewRecorder()
	TSAHealthHandler(&slowStamper{}, nil).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/health", nil))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", rec.Code)
	}
}

// TestSerials: no number twice: not by many at once, not after a crash, not
// after the file was lost or came back from a backup, not by two processes.
func TestSerials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serials")
	now := time.Now()
	seen := map[string]bool{}
	var mu sync.Mutex
	use := func(s *Serials, n int) {
		t.Helper()
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				x, err := s.NextSerial(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[x.String()] || x.Sign() <= 0 {
					t.Errorf("%v again", x)
				}
				seen[x.String()] = true
			})
		}
		wg.Wait()
	}
	open := func(at time.Time) *Serials {
		t.Helper()
		s, err := OpenSerials(path, at)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open(now)
	use(s, 3*serialBlock/2)
	if _, err := OpenSerials(path, now); !errors.Is(err, ErrSerialsInUse) {
		t.Errorf("a second process: %v", err)
	}
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close() // a crash does no more than this
	s = open(now)
	use(s, 10)
	s.Close()
	s = open(now.Add(-time.Hour)) // the clock was set back
	use(s, 10)
	s.Close()
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(now.Add(time.Minute))
	use(s, 10)
	s.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s = open(now.Add(2 * time.Minute))
	use(s, 10)
	s.Close()
	for _, bad := range []string{"", "x", "-5", "1 2", "99999999999999999999"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := OpenSerials(path, now); err == nil {
			s.Close()
			t.Errorf("%q was read as a number", bad)
		}
	}
}

// TestSerialsFull: no number is given that is not on disk.
func TestSerialsFull(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSerials(filepath.Join(dir, "serials"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if n, err := s.NextSerial(t.Context()); err == nil {
		t.Errorf("%v was given", n)
	}
}

// TestNodeSerials: positive, of at most 160 bits, and never one twice: not by
// many at once, not by several nodes, not by a machine set back to a snapshot.
func TestNodeSerials(t *testing.T) {
	a, b := NewNodeSerials(), NewNodeSerials()
	snapshot := &NodeSerials{run: a.run}
	last := &NodeSerials{run: a.run, count: 1<<32 - 1}
	seen := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range []*NodeSerials{a, b, snapshot, last} {
		for range 4 {
			wg.Go(func() {
				for range 2000 {
					n, err := s.NextSerial(t.Context())
					if err != nil || n.Sign() <= 0 || n.BitLen() > 159 || n.BitLen() < 150 {
						t.Errorf("%v, %v", n, err)
					}
					mu.Lock()
					if seen[string(n.Bytes())] {
						t.Errorf("%v again", n)
					}
					seen[string(n.Bytes())] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	if last.run == a.run {
		t.Error("the count began again with the same beginning")
	}
}
