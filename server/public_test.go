package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
)

func publicService(t *testing.T, o PublicOptions) *PublicService {
	t.Helper()
	s, err := PublicHandler(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

// TestPublicRate: who asks too often is refused, everybody else and the health
// of the service are not.
func TestPublicRate(t *testing.T) {
	now := time.Now()
	if _, err := PublicHandler(PublicOptions{}); err == nil {
		t.Error("a service of nothing")
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "fine") }) //nolint:errcheck // a recorder
	s := publicService(t, PublicOptions{Routes: Router{"/x": ok}, Rate: 2, Burst: 3, Now: func() time.Time { return now }})
	for range 3 {
		if w := ask(t, s, http.MethodGet, "/x"); w.Code != http.StatusOK || w.Body.String() != "fine" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := ask(t, s, http.MethodGet, "/x"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d", w.Code)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := ask(t, s, http.MethodGet, path); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	other := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", nil)
	other.RemoteAddr = "198.51.100.7:1"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, other)
	if w.Code != http.StatusOK {
		t.Errorf("another address: %d", w.Code)
	}
	for range 10 {
		for _, from := range []string{"127.0.0.1:5", "[::1]:5", "[::ffff:127.0.0.1]:5"} {
			other.RemoteAddr = from
			w := httptest.NewRecorder()
			s.ServeHTTP(w, other)
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d", from, w.Code)
			}
		}
	}
	now = now.Add(time.Second)
	if w := ask(t, s, http.MethodGet, "/x"); w.Code != http.StatusOK {
		t.Errorf("a second later: %d", w.Code)
	}
	if w := ask(t, s, http.MethodGet, "/nowhere"); w.Code != http.StatusNotFound {
		t.Errorf("nowhere: %d", w.Code)
	}
	text := ask(t, s.Metrics(), http.MethodGet, "/metrics").Body.String()
	for _, want := range []string{
		`gosklyuch_public_http_requests_total{code="200",endpoint="/x"} 35`, "gosklyuch_public_rate_refusals_total 1",
		`endpoint="other"`, "gosklyuch_public_ready 1", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(text, "nowhere") || strings.Contains(text, "198.51") {
		t.Error("the metrics name a path or an address of a client")
	}
	free := publicService(t, PublicOptions{Routes: Router{"/x": ok}})
	for range 100 {
		if w := ask(t, free, http.MethodGet, "/x"); w.Code != http.StatusOK {
			t.Fatalf("without a limit: %d", w.Code)
		}
	}
}

// TestPublicHealth: not ready is 503 with when to come back; a panic is one
// answer, not the end.
func TestPublicHealth(t *testing.T) {
	why := "ledger"
	panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("here") })
	s := publicService(t, PublicOptions{Routes: Router{"/x": panics}, Ready: func(context.Context) string { return why }})
	w := ask(t, s, http.MethodGet, "/readyz")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"ledger"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(t, s, http.MethodGet, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("the process lives: %d", w.Code)
	}
	if w := ask(t, s, http.MethodPost, "/readyz"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	why = ""
	if w := ask(t, s, http.MethodGet, "/readyz"); w.Code != http.StatusOK {
		t.Errorf("ready again: %d", w.Code)
	}
	if w := ask(t, s, http.MethodGet, "/x"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "here") {
		t.Errorf("a panic: %d %s", w.Code, w.Body)
	}
}

// TestStaticUnavailable: what cannot be read now says when to come back.
func TestStaticUnavailable(t *testing.T) {
	h := CRLHandler(func() ([]byte, time.Time, error) { return nil, time.Time{}, errors.New("away") }, 0, nil)
	w := ask(t, h, http.MethodGet, "/")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "away") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// TestChain: the message holds the certificates and nothing else.
func TestChain(t *testing.T) {
	one, two := newCounted(t, "A"), newCounted(t, "B")
	h, err := ChainHandler([]*pki.Certificate{one.cert, two.cert}, time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := ask(t, h, http.MethodGet, "/chain.p7c")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != TypeCertsOnly || w.Header().Get("Expires") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	m, err := cms.ReadSigned(w.Body, io.Discard, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Certificates) != 2 || len(m.Signers) != 0 {
		t.Errorf("%d certificates, %d signers", len(m.Certificates), len(m.Signers))
	}
	again := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/chain.p7c", nil)
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, again)
	if rec.Code != http.StatusNotModified {
		t.Errorf("conditional: %d", rec.Code)
	}
}

// TestPublicSlow: clients that send no end of a header, or a body that never
// comes, lose their connection; others are answered meanwhile.
func TestPublicSlow(t *testing.T) {
	src := newCounted(t, "A")
	answers := OCSPHandler(src, OCSPOptions{})
	s := publicService(t, PublicOptions{Routes: Router{"/ocsp": answers, "/ocsp/": answers}})
	srv := New(s, nil)
	srv.ReadHeaderTimeout, srv.ReadTimeout = 200*time.Millisecond, 400*time.Millisecond
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, srv, l, time.Second) }()
	var cut atomic.Int32
	done := make(chan struct{}, 2)
	for _, text := range []string{
		"GET /ocsp/ HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: 100\r\n\r\n0",
	} {
		go func() {
			defer func() { done <- struct{}{} }()
			conn, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // a test's own listener
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, text) //nolint:errcheck // the answer tells
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.ReadAll(conn); err == nil {
				cut.Add(1)
			}
		}()
	}
	resp, err := http.Get("http://" + l.Addr().String() + "/ocsp/" + base64Path(src.ask(t, 5, ocsp.SHA1(), false))) //nolint:noctx // a test's own listener
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("an honest client: %d", resp.StatusCode)
	}
	<-done
	<-done
	if cut.Load() != 2 {
		t.Errorf("%d of 2 slow clients were cut off", cut.Load())
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// FuzzOCSPPath: whatever stands in the path, the answer is one of HTTP or of
// OCSP, and never a good one for what was not asked.
func FuzzOCSPPath(f *testing.F) {
	for _, s := range []string{"", "/", "////", "MEIwQDA+MDwwOjAJBgUrDgMCGgUABBQ=", "%%%", "a b+c", strings.Repeat("A", 4096), "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		der, err := fromPath(path)
		if err == nil && len(der) > limits.OCSPRequestSize {
			t.Errorf("%d octets were taken", len(der))
		}
	})
}
