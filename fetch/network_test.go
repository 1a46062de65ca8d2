package fetch_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

func pemOf(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// TestTypedURL: what a person typed may be internal; what it redirects to may
// not, unless it was typed too.
func TestTypedURL(t *testing.T) {
	other := httptest.NewServer(body([]byte("inside")))
	defer other.Close()
	var seen *http.Request
	var sent []byte
	typed := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/away":
			http.Redirect(rw, req, other.URL, http.StatusTemporaryRedirect)
		case "/here":
			http.Redirect(rw, req, "/tsp", http.StatusTemporaryRedirect)
		default:
			seen = req
			sent, _ = io.ReadAll(req.Body)
			_, _ = rw.Write([]byte{0x30, 0})
		}
	}))
	defer typed.Close()
	f := fetch.New(fetch.Options{TypedURLs: []string{typed.URL + "/tsp"}})
	got, err := f.TimeStamp(t.Context(), typed.URL+"/tsp", []byte("request"))
	if err != nil || !bytes.Equal(got, []byte{0x30, 0}) || string(sent) != "request" {
		t.Fatalf("%x, %v", got, err)
	}
	if seen.Method != http.MethodPost || seen.Header.Get("Content-Type") != "application/timestamp-query" || seen.Header.Get("Accept") != "application/timestamp-reply" {
		t.Errorf("%s %v", seen.Method, seen.Header)
	}
	if _, err := f.TimeStamp(t.Context(), typed.URL+"/here", []byte("request")); err != nil {
		t.Errorf("a redirect to the same host: %v", err)
	}
	_, err = f.TimeStamp(t.Context(), typed.URL+"/away", []byte("request"))
	wantKind(t, err, fetch.KindAddress)
	_, err = f.TimeStamp(t.Context(), other.URL, []byte("request"))
	wantKind(t, err, fetch.KindAddress)
	_, err = f.TimeStamp(t.Context(), "ldap://tsa.example/", nil)
	wantKind(t, err, fetch.KindScheme)
	_, err = fetch.New(fetch.Options{Offline: true, CacheDir: t.TempDir()}).TimeStamp(t.Context(), typed.URL, nil)
	wantKind(t, err, fetch.KindOffline)
}

// TestProxyIsIgnored: a proxy of the environment would dial in our place, past
// the guard; it is used only by who asks for it.
func TestProxyIsIgnored(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		asked = req.URL.String()
		rw.WriteHeader(http.StatusTeapot)
	}))
	defer proxy.Close()
	// net/http reads the environment once in a process; no other test here
	// looks at it.
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	t.Setenv("NO_PROXY", "")
	_, err := fetch.New(fetch.Options{Timeout: time.Second}).GetCRL(t.Context(), "http://crl.example.invalid/a.crl")
	if err == nil || asked != "" {
		t.Errorf("the proxy was asked for %q: %v", asked, err)
	}
	_, err = fetch.New(fetch.Options{UnsafeProxyFromEnvironment: true}).GetCRL(t.Context(), "http://crl.example.invalid/a.crl")
	var e *fetch.Error
	if !errors.As(err, &e) || e.HTTP != http.StatusTeapot || asked != "http://crl.example.invalid/a.crl" {
		t.Errorf("the proxy was asked for %q: %v", asked, err)
	}
}

// TestDeadHost: a host that could not be reached is not tried again for a
// while, at any of its addresses.
func TestDeadHost(t *testing.T) {
	gone := httptest.NewServer(nil)
	url := gone.URL
	gone.Close()
	s := newShelf(t)
	f := s.fetcher(func(o *fetch.Options) { o.CacheDir = "" })
	_, err := f.GetCRL(t.Context(), url+"/1")
	wantKind(t, err, fetch.KindNetwork)
	if strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("the first try: %v", err)
	}
	_, err = f.GetCRL(t.Context(), url+"/2")
	wantKind(t, err, fetch.KindNetwork)
	if !strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("the second try: %v", err)
	}
	s.pass(2 * time.Minute)
	_, err = f.GetCRL(t.Context(), url+"/3")
	if err == nil || strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("two minutes later: %v", err)
	}
}

// TestIssuersForms: a certificate, several in PEM, a certs-only message in DER
// and in PEM; a bundle in which not all can be read; what is nothing of this.
func TestIssuersForms(t *testing.T) {
	w := newWorld(t, nil, nil)
	key, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=Another")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(5), Subject: dn, MaxPathLen: -1,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	message := func(certs ...*pki.Certificate) []byte {
		var m cms.Message
		m.AddCertificates(certs...)
		var b bytes.Buffer
		if err := cms.WriteDetached(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, c := range []struct {
		name string
		data []byte
		n    int
	}{
		{"DER", w.ca.Raw, 1},
		{"PEM", pemOf("CERTIFICATE", w.ca.Raw), 1},
		{"PEM bundle", append(pemOf("CERTIFICATE", other.Raw), pemOf("CERTIFICATE", w.ca.Raw)...), 2},
		{"bundle with damage", append(pemOf("CERTIFICATE", []byte{0x30, 1, 0}), pemOf("CERTIFICATE", w.ca.Raw)...), 1},
		{"certs-only", message(other, w.ca), 2},
		{"certs-only in PEM", pemOf("PKCS7", message(w.ca)), 1},
		{"certs-only without certificates", message(), 0},
		{"a list", w.crl, 0},
		{"a page", []byte("<!DOCTYPE html><html></html>"), 0},
		{"nothing", nil, 0},
	} {
		w.routes["/ca.cer"] = body(c.data)
		s := newShelf(t)
		for _, f := range []*fetch.Fetcher{fetch.New(inside()), s.fetcher(nil), s.fetcher(func(o *fetch.Options) { o.Offline = true })} {
			got, err := f.Issuers(t.Context(), w.leaf)
			if len(got) != c.n || (err == nil) != (c.n > 0) {
				t.Errorf("%s: %d certificates, %v", c.name, len(got), err)
				continue
			}
			if c.n > 0 && !got[0].Equal(w.ca) {
				t.Errorf("%s: the issuer is not the first", c.name)
			}
		}
	}
}

// TestDelta: the delta list that the complete one points to comes with it; one
// that cannot be had is no failure.
func TestDelta(t *testing.T) {
	w := newWorld(t, []string{"/base.crl"}, nil)
	key, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: w.ca.Subject, BasicConstraints: true, IsCA: true, MaxPathLen: -1,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: pki.KeyUsageCRLSign,
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	list := func(n int64, change func(*pki.CRLTemplate)) []byte {
		t.Helper()
		tmpl := &pki.CRLTemplate{Number: big.NewInt(n), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour)}
		change(tmpl)
		der, err := pki.CreateCRL(nil, tmpl, ca, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	w.routes["/base.crl"] = body(list(1, func(c *pki.CRLTemplate) { c.FreshestCRL = []string{w.web.URL + "/delta.crl"} }))
	got, err := fetch.New(inside()).CRLs(t.Context(), w.leaf, w.ca)
	if err != nil || len(got) != 1 {
		t.Errorf("without a delta: %d lists, %v", len(got), err)
	}
	w.routes["/delta.crl"] = body(list(2, func(c *pki.CRLTemplate) { c.BaseNumber = big.NewInt(1) }))
	got, err = fetch.New(inside()).CRLs(t.Context(), w.leaf, w.ca)
	if err != nil || len(got) != 2 || got[1].BaseNumber == nil {
		t.Errorf("with a delta: %d lists, %v", len(got), err)
	}
}
