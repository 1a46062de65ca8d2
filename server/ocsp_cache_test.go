package server

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// counted is a responder of an authority that counts what it signs.
type counted struct {
	*ocsp.Responder
	signed  atomic.Int64
	revoked atomic.Bool
	cert    *pki.Certificate
}

func (c *counted) Status(context.Context, *big.Int) (ocsp.Answer, error) {
	if c.revoked.Load() {
		return ocsp.Answer{Status: ocsp.Revoked, RevokedAt: time.Now().Add(-time.Second), Reason: 1}, nil
	}
	return ocsp.Answer{Status: ocsp.Good, Reason: ocsp.NoReason}, nil
}

func (c *counted) Answer(ctx context.Context, der []byte) (ocsp.Answered, error) {
	c.signed.Add(1)
	return c.Responder.Answer(ctx, der)
}

func newCounted(t *testing.T, name string) *counted {
	t.Helper()
	key, err := alg.GenerateKey("gost2012-256", "")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=" + name)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: dn, IsCA: true, MaxPathLen: -1, KeyUsage: pki.KeyUsageDigitalSignature | pki.KeyUsageCertSign,
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(0, 0, 1),
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{}
	if c.cert, err = pki.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	c.Responder = &ocsp.Responder{Issuer: c.cert, Signer: key, Source: c}
	return c
}

// ask makes a request for a certificate of the authority.
func (c *counted) ask(t *testing.T, serial int64, h alg.Identifier, nonce bool) []byte {
	t.Helper()
	child := &pki.Certificate{RawIssuer: c.cert.RawSubject, SerialNumber: big.NewInt(serial)}
	r, err := ocsp.NewRequest(nil, child, c.cert, h, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return r.Raw
}

func statusIn(t *testing.T, a ocsp.Answered, err error, issuer *pki.Certificate, serial int64) ocsp.CertStatus {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r, err := ocsp.ParseResponse(a.DER)
	if err != nil {
		t.Fatal(err)
	}
	child := &pki.Certificate{RawIssuer: issuer.RawSubject, SerialNumber: big.NewInt(serial)}
	one, err := r.Check(ocsp.CheckOptions{Cert: child, Issuer: issuer, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return one.Single.Status
}

func TestOCSPCache(t *testing.T) {
	now := time.Now()
	src := newCounted(t, "A")
	c := NewOCSPCache(src, 10*time.Minute, func() time.Time { return now })
	answer := func(req []byte, want int64) ocsp.CertStatus {
		t.Helper()
		a, err := c.Answer(t.Context(), req)
		s := statusIn(t, a, err, src.cert, 5)
		if got := src.signed.Load(); got != want {
			t.Errorf("signed %d answers, want %d", got, want)
		}
		return s
	}
	req := src.ask(t, 5, ocsp.SHA1(), false)
	answer(req, 1)
	answer(req, 1)
	answer(src.ask(t, 5, ocsp.Streebog256(), false), 2) // another CertID is echoed
	answer(src.ask(t, 5, ocsp.SHA1(), true), 3)         // a nonce is for one client
	src.revoked.Store(true)
	if s := answer(req, 3); s != ocsp.Good {
		t.Errorf("the kept answer says %v", s)
	}
	now = now.Add(10 * time.Minute)
	if s := answer(req, 4); s != ocsp.Revoked {
		t.Errorf("after its time the kept answer says %v", s)
	}
	src.revoked.Store(false)
	c.Forget()
	if s := answer(req, 5); s != ocsp.Good {
		t.Errorf("after Forget: %v", s)
	}
	if _, err := c.Answer(t.Context(), []byte("nonsense")); err == nil {
		t.Error("nonsense was answered")
	}
	c.Forget()
	n, err := c.Produce(t.Context(), src.cert, func(yield func(*big.Int, error) bool) {
		for n := range int64(9) {
			if !yield(big.NewInt(n+1), nil) {
				return
			}
		}
	}, ocsp.SHA1())
	before := src.signed.Load()
	if n != 9 || err != nil {
		t.Errorf("Produce: %d, %v", n, err)
	}
	answer(req, before)
	broken := errors.New("broken")
	if _, err := c.Produce(t.Context(), src.cert, func(yield func(*big.Int, error) bool) { yield(nil, broken) }, ocsp.SHA1()); !errors.Is(err, broken) {
		t.Errorf("Produce: %v", err)
	}
}

// TestOCSPCacheForget: an answer that was under way when everything was
// forgotten is neither kept nor given to who asks afterwards.
func TestOCSPCacheForget(t *testing.T) {
	src := newCounted(t, "A")
	started, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	slow := answers(func(ctx context.Context, der []byte) (ocsp.Answered, error) {
		a, err := src.Answer(ctx, der) // the state is read here
		if first.CompareAndSwap(false, true) {
			close(started)
			<-release
		}
		return a, err
	})
	c := NewOCSPCache(slow, time.Hour, nil)
	req := src.ask(t, 5, ocsp.SHA1(), false)
	done := make(chan struct{})
	go func() { defer close(done); c.Answer(t.Context(), req) }() //nolint:errcheck // its answer may be the old one
	<-started
	src.revoked.Store(true)
	c.Forget()
	a, err := c.Answer(t.Context(), req)
	if s := statusIn(t, a, err, src.cert, 5); s != ocsp.Revoked {
		t.Errorf("after Forget: %v", s)
	}
	close(release)
	<-done
	a, err = c.Answer(t.Context(), req)
	if s := statusIn(t, a, err, src.cert, 5); s != ocsp.Revoked {
		t.Errorf("the old answer was kept: %v", s)
	}
}

type answers func(context.Context, []byte) (ocsp.Answered, error)

func (f answers) Answer(ctx context.Context, der []byte) (ocsp.Answered, error) { return f(ctx, der) }

func TestOCSPIssuers(t *testing.T) {
	var all OCSPIssuers
	if a, err := all.Answer(t.Context(), nil); err == nil || a.Status != ocsp.Unauthorized {
		t.Errorf("nobody: %v, %v", a.Status, err)
	}
	one, two, stranger := newCounted(t, "A"), newCounted(t, "B"), newCounted(t, "C")
	two.revoked.Store(true)
	for _, c := range []*counted{one, two} {
		if err := all.Add(c.cert, c); err != nil {
			t.Fatal(err)
		}
	}
	if all.Add(one.cert, two) == nil {
		t.Error("an issuer was added twice")
	}
	for _, h := range issuerDigests() {
		id := alg.Identifier{OID: h}
		a, err := all.Answer(t.Context(), one.ask(t, 5, id, false))
		if s := statusIn(t, a, err, one.cert, 5); s != ocsp.Good {
			t.Errorf("%s: %v", h.Name(), s)
		}
		a, err = all.Answer(t.Context(), two.ask(t, 5, id, true))
		if s := statusIn(t, a, err, two.cert, 5); s != ocsp.Revoked {
			t.Errorf("%s: %v", h.Name(), s)
		}
	}
	if a, err := all.Answer(t.Context(), stranger.ask(t, 5, ocsp.SHA1(), false)); err == nil || a.Status != ocsp.Unauthorized {
		t.Errorf("a stranger: %v, %v", a.Status, err)
	}
	if a, err := all.Answer(t.Context(), []byte{0x30}); err == nil || a.Status != ocsp.MalformedRequest {
		t.Errorf("nonsense: %v, %v", a.Status, err)
	}
}

// TestOCSPCacheHeaders: a kept answer has the headers of its own dates.
func TestOCSPCacheHeaders(t *testing.T) {
	src := newCounted(t, "A")
	h := Router{"/ocsp/": OCSPHandler(NewOCSPCache(src, time.Hour, nil), OCSPOptions{MaxAge: time.Minute})}
	var tags []string
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ocsp/"+base64Path(src.ask(t, 5, ocsp.SHA1(), false)), nil))
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "max-age=60, public, no-transform, must-revalidate" {
			t.Errorf("%d, %v", w.Code, w.Header())
		}
		tags = append(tags, w.Header().Get("ETag"))
	}
	if tags[0] == "" || tags[0] != tags[1] || src.signed.Load() != 1 {
		t.Errorf("ETags %q of %d signed answers", tags, src.signed.Load())
	}
}
