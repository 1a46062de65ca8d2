package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// authority is a CA that signs its own OCSP responses, with one user.
type authority struct {
	ca, leaf *pki.Certificate
	handler  http.Handler
	revoked  atomic.Bool
}

func (a *authority) Status(context.Context, *big.Int) (ocsp.Answer, error) {
	if a.revoked.Load() {
		return ocsp.Answer{Status: ocsp.Revoked, RevokedAt: time.Now().Add(-time.Second), Reason: 1}, nil
	}
	return ocsp.Answer{Status: ocsp.Good, Reason: ocsp.NoReason}, nil
}

func newAuthority(t *testing.T, o OCSPOptions) *authority {
	t.Helper()
	key, err := alg.GenerateKey("gost2012-256", "cryptopro-a")
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(name string, serial int64, parent *pki.Certificate) *pki.Certificate {
		dn, err := pki.ParseDN("CN=" + name)
		if err != nil {
			t.Fatal(err)
		}
		tmpl := &pki.CertificateTemplate{
			SerialNumber: big.NewInt(serial), Subject: dn, BasicConstraints: true, IsCA: parent == nil,
			MaxPathLen: -1, KeyUsage: pki.KeyUsageDigitalSignature | pki.KeyUsageCertSign,
			NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(0, 0, 1),
		}
		if parent != nil {
			tmpl.KeyUsage = pki.KeyUsageDigitalSignature
		}
		der, err := pki.CreateCertificate(nil, tmpl, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := pki.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a := &authority{ca: certificate("Test CA", 1, nil)}
	a.leaf = certificate("Test User", 2, a.ca)
	r := &ocsp.Responder{Issuer: a.ca, Signer: key, Source: a}
	a.handler = Router{
		"/ocsp/":  OCSPHandler(r, o),
		"/ca.cer": IssuerHandler(func() ([]byte, time.Time, error) { return a.ca.Raw, a.ca.NotBefore, nil }, time.Hour, nil),
		"/ca.crl": CRLHandler(func() ([]byte, time.Time, error) { return nil, time.Time{}, errors.New("no list yet") }, 0, nil),
	}
	return a
}

func (a *authority) request(t *testing.T, nonce bool) []byte {
	t.Helper()
	req, err := ocsp.NewRequest(nil, a.leaf, a.ca, ocsp.SHA1(), nonce)
	if err != nil {
		t.Fatal(err)
	}
	return req.Raw
}

func (a *authority) do(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	req := httptest.NewRequest(method, path, bytes.NewReader(body))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	a.handler.ServeHTTP(w, req)
	return w
}

func (a *authority) status(t *testing.T, w *httptest.ResponseRecorder) ocsp.CertStatus {
	t.Helper()
	r, err := ocsp.ParseResponse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Check(ocsp.CheckOptions{Cert: a.leaf, Issuer: a.ca, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return out.Single.Status
}

func TestPostAndGet(t *testing.T) {
	a := newAuthority(t, OCSPOptions{MaxAge: 10 * time.Minute})
	post := a.do("POST", "/ocsp", "application/ocsp-request", a.request(t, true))
	if post.Code != 200 || post.Header().Get("Content-Type") != "application/ocsp-response" || a.status(t, post) != ocsp.Good {
		t.Fatalf("POST: %d %v", post.Code, post.Header())
	}
	if cc := post.Header().Get("Cache-Control"); cc != "max-age=0, must-revalidate" {
		t.Errorf("POST may be cached: %q", cc)
	}
	text := base64.StdEncoding.EncodeToString(a.request(t, false))
	for name, path := range map[string]string{
		"escaped": "/ocsp/" + url.PathEscape(text), "plain": "/ocsp/" + text, "no padding": "/ocsp/" + strings.TrimRight(text, "="),
	} {
		w := a.do("GET", path, "", nil)
		if w.Code != 200 || a.status(t, w) != ocsp.Good {
			t.Fatalf("GET %s: %d", name, w.Code)
		}
		h := w.Header()
		// Counted from producedAt, which has whole seconds.
		age := h.Get("Cache-Control")
		if !strings.HasPrefix(age, "max-age=600, public") && !strings.HasPrefix(age, "max-age=5") || h.Get("ETag") == "" || h.Get("Expires") == "" || h.Get("Last-Modified") == "" {
			t.Errorf("GET %s: headers %v", name, h)
		}
	}
	withNonce := a.do("GET", "/ocsp/"+url.PathEscape(base64.StdEncoding.EncodeToString(a.request(t, true))), "", nil)
	if cc := withNonce.Header().Get("Cache-Control"); !strings.HasPrefix(cc, "max-age=0") {
		t.Errorf("an answer with a nonce may be cached: %q", cc)
	}
}

// TestSlashes: Base64 with "//" arrives as it was sent.
func TestSlashes(t *testing.T) {
	var got []byte
	h := Router{"/o/": OCSPHandler(answerFunc(func(req []byte) { got = req }), OCSPOptions{})}
	want := bytes.Repeat([]byte{0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfb, 0xe0, 0}, 3)
	text := base64.StdEncoding.EncodeToString(want)
	if !strings.Contains(text, "//") || !strings.Contains(text, "+") {
		t.Fatalf("%q does not test anything", text)
	}
	for _, path := range []string{"/o/" + text, "/o/" + strings.NewReplacer("/", "%2F", "+", "%2B").Replace(text)} {
		got = nil
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if !bytes.Equal(got, want) {
			t.Errorf("%s arrived as %x", path, got)
		}
	}
}

type answerFunc func([]byte)

func (f answerFunc) Answer(_ context.Context, req []byte) (ocsp.Answered, error) {
	f(req)
	return ocsp.Answered{DER: ocsp.CreateErrorResponse(ocsp.TryLater), Status: ocsp.TryLater}, nil
}

func TestRefusals(t *testing.T) {
	a := newAuthority(t, OCSPOptions{})
	const kind = "application/ocsp-request"
	cases := []struct {
		name, method, path, kind string
		body                     []byte
		code                     int
		status                   ocsp.ResponseStatus // where code is 200
	}{
		{"method", "PUT", "/ocsp", kind, nil, 405, 0},
		{"content type", "POST", "/ocsp", "text/plain", a.request(t, false), 415, 0},
		{"too long", "POST", "/ocsp", kind, make([]byte, 65<<10), 413, 0},
		{"GET without request", "GET", "/ocsp/", "", nil, 400, 0},
		{"GET without Base64", "GET", "/ocsp/%D1%8F", "", nil, 400, 0},
		{"no such path", "GET", "/other", "", nil, 404, 0},
		{"no DER", "POST", "/ocsp", kind, []byte("hello"), 200, ocsp.MalformedRequest},
		{"empty", "POST", "/ocsp", kind, nil, 200, ocsp.MalformedRequest},
		{"certificate", "GET", "/ca.cer", "", nil, 200, 0},
		{"list not there", "GET", "/ca.crl", "", nil, 503, 0},
		{"POST to a file", "POST", "/ca.cer", kind, nil, 405, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := a.do(c.method, c.path, c.kind, c.body)
			if w.Code != c.code {
				t.Fatalf("status %d, want %d", w.Code, c.code)
			}
			if c.status != 0 {
				r, err := ocsp.ParseResponse(w.Body.Bytes())
				if err != nil || r.Status != c.status || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("%v, %v, %v", r, err, w.Header())
				}
			}
		})
	}
}

// TestConditional: a client that has the certificate is told so.
func TestConditional(t *testing.T) {
	a := newAuthority(t, OCSPOptions{})
	first := a.do("GET", "/ca.cer", "", nil)
	if !bytes.Equal(first.Body.Bytes(), a.ca.Raw) || first.Header().Get("Content-Type") != "application/pkix-cert" {
		t.Fatalf("%v", first.Header())
	}
	w, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/ca.cer", nil)
	req.Header.Set("If-None-Match", first.Header().Get("ETag"))
	a.handler.ServeHTTP(w, req)
	if w.Code != http.StatusNotModified {
		t.Errorf("status %d, want 304", w.Code)
	}
}

// TestLog: neither serial number nor address of a client is written.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	a := newAuthority(t, OCSPOptions{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	a.do("POST", "/ocsp", "application/ocsp-request", a.request(t, false))
	a.do("POST", "/ocsp", "application/ocsp-request", []byte{1})
	if strings.Count(log.String(), "\n") != 2 || !strings.Contains(log.String(), `"status":"successful"`) {
		t.Fatalf("log: %s", &log)
	}
	if strings.Contains(log.String(), "192.0.2.1") || strings.Contains(log.String(), "serial") {
		t.Errorf("the log names the client: %s", &log)
	}
}

// TestOpenSSLClient: OpenSSL asks our server over HTTP, sees good, then
// revoked, and refuses a responder whose signature is broken.
func TestOpenSSLClient(t *testing.T) {
	peer.NeedOpenSSL(t)
	a := newAuthority(t, OCSPOptions{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, New(a.handler, nil), l, time.Second) }()
	dir := t.TempDir()
	file := func(name string, c *pki.Certificate) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	ca, leaf := file("ca.pem", a.ca), file("leaf.pem", a.leaf)
	ask := func(url string) string {
		return peer.OpenSSL(t, peer.Run{Args: []string{"ocsp", "-url", url, "-issuer", ca, "-cert", leaf, "-CAfile", ca}}).All()
	}
	base := "http://" + l.Addr().String()
	if out := ask(base + "/ocsp"); !strings.Contains(out, "Response verify OK") || !strings.Contains(out, "leaf.pem: good") {
		t.Errorf("good: %s", out)
	}
	a.revoked.Store(true)
	if out := ask(base + "/ocsp/"); !strings.Contains(out, "leaf.pem: revoked") || !strings.Contains(out, "keyCompromise") {
		t.Errorf("revoked: %s", out)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		rec := a.do("POST", "/ocsp", "application/ocsp-request", body)
		out := rec.Body.Bytes()
		out[len(out)-5] ^= 1 // in the signature: there are no certs
		w.Header().Set("Content-Type", "application/ocsp-response")
		_, _ = w.Write(out)
	}))
	defer broken.Close()
	if out := ask(broken.URL); strings.Contains(out, "Response verify OK") || !strings.Contains(out, "Response Verify Failure") {
		t.Errorf("corrupted: %s", out)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestGracefulStop: an answer under way is finished after the stop.
func TestGracefulStop(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		_, _ = w.Write([]byte("done"))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, got := make(chan error, 1), make(chan string, 1)
	go func() { served <- Serve(ctx, New(h, nil), l, 5*time.Second) }()
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		got <- string(body)
	}()
	<-started
	stop()
	close(release)
	if s := <-got; s != "done" {
		t.Errorf("the request under way ended with %q", s)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
