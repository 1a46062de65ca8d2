package fetch_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/server"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// world is an authority with a web server for its list and its responder.
type world struct {
	ca, leaf *pki.Certificate
	crl      []byte
	revoked  atomic.Bool
	hits     atomic.Int64
	web      *httptest.Server
	routes   server.Router
}

func (w *world) Status(context.Context, *big.Int) (ocsp.Answer, error) {
	if w.revoked.Load() {
		return ocsp.Answer{Status: ocsp.Revoked, RevokedAt: time.Now().Add(-time.Hour), Reason: 1}, nil
	}
	return ocsp.Answer{Status: ocsp.Good, Reason: ocsp.NoReason}, nil
}

// newWorld makes a certificate whose addresses are the given paths.
func newWorld(t *testing.T, crls, responders []string) *world {
	t.Helper()
	key, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{routes: server.Router{}}
	w.web = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w.hits.Add(1)
		w.routes.ServeHTTP(rw, req)
	}))
	t.Cleanup(w.web.Close)
	issue := func(name string, serial int64, parent *pki.Certificate) *pki.Certificate {
		dn, err := pki.ParseDN("CN=" + name)
		if err != nil {
			t.Fatal(err)
		}
		tmpl := &pki.CertificateTemplate{
			SerialNumber: big.NewInt(serial), Subject: dn, BasicConstraints: true, IsCA: parent == nil,
			MaxPathLen: -1, NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(0, 0, 1),
			KeyUsage: pki.KeyUsageCertSign | pki.KeyUsageCRLSign,
		}
		if parent != nil {
			tmpl.KeyUsage = pki.KeyUsageDigitalSignature
			tmpl.CRLDistributionPoints, tmpl.OCSPServers = w.absolute(crls), w.absolute(responders)
			tmpl.IssuingCertificateURLs = []string{w.web.URL + "/ca.cer"}
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
	w.ca = issue("Test CA", 1, nil)
	w.leaf = issue("Test User", 2, w.ca)
	w.crl, err = pki.CreateCRL(nil, &pki.CRLTemplate{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute),
		NextUpdate: time.Now().Add(time.Hour),
	}, w.ca, key)
	if err != nil {
		t.Fatal(err)
	}
	w.routes["/ocsp/"] = server.OCSPHandler(&ocsp.Responder{Issuer: w.ca, Signer: key, Source: w}, server.OCSPOptions{})
	w.routes["/ca.cer"] = body(w.ca.Raw)
	w.routes["/ca.crl"] = body(w.crl)
	return w
}

func (w *world) absolute(paths []string) []string {
	var out []string
	for _, p := range paths {
		if strings.HasPrefix(p, "/") {
			p = w.web.URL + p
		}
		out = append(out, p)
	}
	return out
}

func body(b []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) })
}

func inside() fetch.Options { return fetch.Options{AllowPrivate: true} }

func wantKind(t *testing.T, err error, want fetch.Kind) *fetch.Error {
	t.Helper()
	var e *fetch.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("error %v, want kind %q", err, want)
	}
	return e
}

// TestEvidence: the verifier's own room decides with what the fetcher brings.
func TestEvidence(t *testing.T) {
	for name, w := range map[string]*world{
		"list": newWorld(t, []string{"/ca.crl"}, nil), "responder": newWorld(t, nil, []string{"/ocsp"}),
		"dead responder, then list": newWorld(t, []string{"/ca.crl"}, []string{"/gone"}),
		"dead and LDAP, then alive": newWorld(t, []string{"ldap://ldap.example/cn=ca", "/gone.crl", "/ca.crl"}, nil),
	} {
		t.Run(name, func(t *testing.T) {
			f := fetch.New(inside())
			defer f.Close()
			if a := revocation.Check(t.Context(), w.leaf, w.ca, f, revocation.Options{At: time.Now()}); a.Status != revocation.Good {
				t.Errorf("%v: %s", a.Status, a.Why)
			}
		})
	}
	w := newWorld(t, nil, []string{"/ocsp"})
	w.revoked.Store(true)
	a := revocation.Check(t.Context(), w.leaf, w.ca, fetch.New(inside()), revocation.Options{At: time.Now()})
	if a.Status != revocation.Revoked {
		t.Errorf("revoked: %v: %s", a.Status, a.Why)
	}
}

func TestForms(t *testing.T) {
	w := newWorld(t, nil, nil)
	text := base64.StdEncoding.EncodeToString(w.crl)
	w.routes["/der"] = body(w.crl)
	w.routes["/pem"] = body(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: w.crl}))
	w.routes["/base64"] = body([]byte(text + "\r\n"))
	w.routes["/html"] = body([]byte("<!DOCTYPE html><html><body>Moved</body></html>"))
	w.routes["/certificate"] = body(w.ca.Raw)
	w.routes["/empty"] = body(nil)
	f := fetch.New(inside())
	for _, p := range []string{"/der", "/pem", "/base64"} {
		list, err := f.GetCRL(t.Context(), w.web.URL+p)
		if err != nil || string(list.Raw) != string(w.crl) {
			t.Errorf("%s: %v", p, err)
		}
	}
	for p, say := range map[string]string{"/html": "HTML", "/certificate": "", "/empty": ""} {
		_, err := f.GetCRL(t.Context(), w.web.URL+p)
		if e := wantKind(t, err, fetch.KindContent); !strings.Contains(e.Error(), say) {
			t.Errorf("%s: %v does not name it", p, e)
		}
	}
	certs, err := f.Issuers(t.Context(), w.leaf)
	if err != nil || len(certs) != 1 || !certs[0].Equal(w.ca) {
		t.Errorf("issuers: %v, %v", certs, err)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t, nil, nil)
	redirect := func(to string) http.Handler { return http.RedirectHandler(to, http.StatusFound) }
	w.routes["/r1"], w.routes["/r2"], w.routes["/r3"] = redirect("/ca.crl"), redirect("/r1"), redirect("/r2")
	w.routes["/r4"], w.routes["/loop"] = redirect("/r3"), redirect("/loop")
	w.routes["/ftp"] = redirect("ftp://example.com/ca.crl")
	w.routes["/file"] = redirect("file:///etc/passwd")
	w.routes["/login"] = redirect("http://user:secret@" + strings.TrimPrefix(w.web.URL, "http://") + "/ca.crl")
	w.routes["/big"] = body(make([]byte, 5000))
	w.routes["/endless"] = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = rw.Write(make([]byte, 1000))
			_ = http.NewResponseController(rw).Flush()
		}
	})
	slow := make(chan struct{})
	t.Cleanup(func() { close(slow) })
	w.routes["/slow"] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-slow })
	w.routes["/drip"] = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte{0x30})
		_ = http.NewResponseController(rw).Flush()
		<-slow
	})
	o := inside()
	o.MaxCRL, o.AttemptTimeout, o.Timeout = 4000, 200*time.Millisecond, 2*time.Second
	f := fetch.New(o)
	for _, p := range []string{"/r1", "/r2", "/r3"} {
		if _, err := f.GetCRL(t.Context(), w.web.URL+p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	for p, kind := range map[string]fetch.Kind{
		"/r4": fetch.KindRedirect, "/loop": fetch.KindRedirect, "/ftp": fetch.KindRedirect, "/file": fetch.KindRedirect,
		"/login": fetch.KindNetwork, "/big": fetch.KindTooLarge, "/endless": fetch.KindTooLarge, "/gone": fetch.KindStatus,
		"/slow": fetch.KindTimeout, "/drip": fetch.KindTimeout,
	} {
		_, err := f.GetCRL(t.Context(), w.web.URL+p)
		if e := wantKind(t, err, kind); strings.Contains(e.Error(), "secret") {
			t.Errorf("%s: the error has the password: %v", p, e)
		}
	}
	for _, u := range []string{"ldap://example.com/cn=ca", "ftp://example.com/x", "file:///etc/passwd", "http://", "https://u:p@example.com/", ":", ""} {
		_, err := f.GetCRL(t.Context(), u)
		e := wantKind(t, err, fetch.KindScheme)
		if strings.HasPrefix(u, "ldap") && !strings.Contains(e.Error(), "LDAP") {
			t.Errorf("LDAP is not named: %v", e)
		}
	}
}

// TestAddressGuard: by default no address of this machine is reached, by
// number, by name or through a redirect, and the server sees no request.
func TestAddressGuard(t *testing.T) {
	w := newWorld(t, nil, nil)
	f := fetch.New(fetch.Options{})
	port := w.web.URL[strings.LastIndex(w.web.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := f.GetCRL(t.Context(), "http://"+host+port+"/ca.crl")
		var e *fetch.Error
		if !errors.As(err, &e) || e.Kind != fetch.KindAddress && e.Kind != fetch.KindNetwork {
			t.Errorf("%s: %v", host, err)
		}
	}
	_, err := f.GetCRL(t.Context(), w.web.URL+"/other")
	wantKind(t, err, fetch.KindAddress)
	if n := w.hits.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

func TestOffline(t *testing.T) {
	w := newWorld(t, []string{"/ca.crl"}, []string{"/ocsp"})
	o := inside()
	o.Offline = true
	f := fetch.New(o)
	_, err1 := f.CRLs(t.Context(), w.leaf, w.ca)
	_, err2 := f.OCSP(t.Context(), w.leaf, w.ca)
	_, err3 := f.Issuers(t.Context(), w.leaf)
	_, err4 := f.GetCRL(t.Context(), w.web.URL+"/ca.crl")
	_, err5 := f.PostOCSP(t.Context(), w.web.URL+"/ocsp", nil)
	for i, err := range []error{err1, err2, err3, err4, err5} {
		if wantKind(t, err, fetch.KindOffline); !errors.Is(err, fetch.ErrOffline) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if w.hits.Load() != 0 {
		t.Error("an offline fetcher made a request")
	}
	f = fetch.New(inside())
	_, err := f.CRLs(t.Context(), w.ca, w.ca)
	wantKind(t, err, fetch.KindNoURL)
	_, err = f.OCSP(t.Context(), w.ca, w.ca)
	wantKind(t, err, fetch.KindNoURL)
}

// TestCache: evidence and failures are asked for once while they last, also
// by many at a time.
func TestCache(t *testing.T) {
	w := newWorld(t, []string{"/ca.crl"}, []string{"/ocsp"})
	var mu sync.Mutex
	now := time.Now()
	o := inside()
	o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	f := fetch.New(o)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := f.CRLs(t.Context(), w.leaf, w.ca); err != nil {
				t.Error(err)
			}
			if _, err := f.OCSP(t.Context(), w.leaf, w.ca); err != nil {
				t.Error(err)
			}
			if _, err := f.GetCRL(t.Context(), w.web.URL+"/gone"); err == nil {
				t.Error("a list that is not there")
			}
		})
	}
	wg.Wait()
	if n := w.hits.Load(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	mu.Lock()
	now = now.Add(2 * time.Hour) // past nextUpdate of both and past the failure
	mu.Unlock()
	_, _ = f.CRLs(t.Context(), w.leaf, w.ca)
	_, _ = f.OCSP(t.Context(), w.leaf, w.ca)
	_, _ = f.GetCRL(t.Context(), w.web.URL+"/gone")
	if n := w.hits.Load(); n != 6 {
		t.Errorf("%d requests after everything ran out, want 6", n)
	}
	o.CacheSize = -1
	f = fetch.New(o)
	w.hits.Store(0)
	for range 2 {
		_, _ = f.CRLs(t.Context(), w.leaf, w.ca)
	}
	if n := w.hits.Load(); n != 2 {
		t.Errorf("%d requests without a cache, want 2", n)
	}
}

// TestFallbackToStreebog: a responder that refuses SHA-1 is asked again.
func TestFallbackToStreebog(t *testing.T) {
	w := newWorld(t, nil, []string{"/strict"})
	var digests []string
	w.routes["/strict/"] = http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		parsed, err := ocsp.ParseRequest(raw)
		if err != nil || req.Header.Get("Content-Type") != "application/ocsp-request" {
			t.Errorf("request: %v, %v", err, req.Header)
			return
		}
		digests = append(digests, parsed.IDs[0].Hash.OID.Name())
		if len(digests) == 1 {
			_, _ = rw.Write(ocsp.CreateErrorResponse(ocsp.Unauthorized))
			return
		}
		req.Body = io.NopCloser(strings.NewReader(string(raw)))
		w.routes["/ocsp/"].ServeHTTP(rw, req)
	})
	got, err := fetch.New(inside()).OCSP(t.Context(), w.leaf, w.ca)
	if err != nil || len(got) != 1 || fmt.Sprint(digests) != "[sha1 streebog256]" {
		t.Errorf("%v, %v, asked with %v", got, err, digests)
	}
}

// TestReplay: an answer to another request is refused where it has a nonce.
func TestReplay(t *testing.T) {
	w := newWorld(t, nil, []string{"/replay"})
	req, err := ocsp.NewRequest(nil, w.leaf, w.ca, ocsp.SHA1(), true)
	if err != nil {
		t.Fatal(err)
	}
	f := fetch.New(inside())
	old, err := f.PostOCSP(t.Context(), w.web.URL+"/ocsp", req.Raw)
	if err != nil {
		t.Fatal(err)
	}
	w.routes["/replay/"] = body(old)
	_, err = f.OCSP(t.Context(), w.leaf, w.ca)
	if e := wantKind(t, err, fetch.KindContent); !strings.Contains(e.Error(), "nonce") {
		t.Errorf("%v", e)
	}
	if r, err := f.QueryOCSP(t.Context(), w.web.URL+"/replay", req); err != nil || r.Status != ocsp.Successful {
		t.Errorf("the answer to this very request: %v", err)
	}
}

// TestNoCookies: what a server sets is not sent back, nor is a Referer.
func TestNoCookies(t *testing.T) {
	w := newWorld(t, nil, nil)
	var seen http.Header
	w.routes["/set"] = http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: "who", Value: "you"})
		http.Redirect(rw, req, "/see", http.StatusFound)
	})
	w.routes["/see"] = http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		seen = req.Header.Clone()
		_, _ = rw.Write(w.crl)
	})
	if _, err := fetch.New(inside()).GetCRL(t.Context(), w.web.URL+"/set?who=me"); err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{"Cookie", "Referer", "User-Agent", "Authorization"} {
		if v := seen.Get(h); v != "" {
			t.Errorf("%s: %q was sent", h, v)
		}
	}
}

// TestPerHost: no more requests at a time than allowed.
func TestPerHost(t *testing.T) {
	w := newWorld(t, nil, nil)
	var running, most atomic.Int64
	w.routes["/p/"] = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			continue
		}
		time.Sleep(10 * time.Millisecond)
		_, _ = rw.Write(w.crl)
	})
	o := inside()
	o.PerHost = 2
	f := fetch.New(o)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			if _, err := f.GetCRL(t.Context(), fmt.Sprintf("%s/p/%d", w.web.URL, i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n > 2 {
		t.Errorf("%d requests at a time", n)
	}
}
