package server

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
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

func newCounted(t testing.TB, name string) *counted {
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
func (c *counted) ask(t testing.TB, serial int64, h alg.Identifier, nonce bool) []byte {
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
		// Counted from producedAt, which has whole seconds.
		if age := w.Header().Get("Cache-Control"); w.Code != http.StatusOK || !strings.HasPrefix(age, "max-age=60,") && !strings.HasPrefix(age, "max-age=5") {
			t.Errorf("%d, %v", w.Code, w.Header())
		}
		tags = append(tags, w.Header().Get("ETag"))
	}
	if tags[0] == "" || tags[0] != tags[1] || src.signed.Load() != 1 {
		t.Errorf("ETags %q of %d signed answers", tags, src.signed.Load())
	}
}

// TestOCSPForgetSerial: a revocation drops the answers about one certificate, by
// whatever digest and however they came to be there, and no others.
func TestOCSPForgetSerial(t *testing.T) {
	src := newCounted(t, "A")
	c := NewOCSPCache(src, time.Hour/4, nil)
	serials := func(yield func(*big.Int, error) bool) {
		for n := range int64(3) {
			if !yield(big.NewInt(n+4), nil) { // 4, 5, 6
				return
			}
		}
	}
	if n, err := c.Produce(t.Context(), src.cert, serials, ocsp.SHA1()); n != 3 || err != nil {
		t.Fatalf("Produce: %d, %v", n, err)
	}
	status := func(serial int64, h alg.Identifier) ocsp.CertStatus {
		t.Helper()
		a, err := c.Answer(t.Context(), src.ask(t, serial, h, false))
		return statusIn(t, a, err, src.cert, serial)
	}
	status(5, ocsp.Streebog256())
	status(6, ocsp.Streebog256())
	before := c.Stats()
	if before.Prepared != 3 || before.Kept != 2 {
		t.Errorf("%+v", before)
	}
	src.revoked.Store(true)
	c.ForgetSerial(big.NewInt(5))
	for _, h := range []alg.Identifier{ocsp.SHA1(), ocsp.Streebog256()} {
		if s := status(5, h); s != ocsp.Revoked {
			t.Errorf("the revoked one: %v", s)
		}
		if s := status(6, h); s != ocsp.Good {
			t.Errorf("another one was forgotten: %v", s)
		}
	}
	if s := c.Stats(); s.Ahead != before.Ahead+1 || s.Signed != before.Signed+2 || s.Hits != before.Hits+1 {
		t.Errorf("%+v after %+v", s, before)
	}
	c.Forget()
	if s := status(6, ocsp.SHA1()); s != ocsp.Revoked || c.Stats().Prepared != 0 {
		t.Errorf("after Forget: %v, %+v", s, c.Stats())
	}
}

// TestOCSPManyChanges: more changes than are remembered forget everything, and
// what is over is not remembered.
func TestOCSPManyChanges(t *testing.T) {
	src := newCounted(t, "A")
	now := time.Now()
	c := NewOCSPCache(src, time.Minute, func() time.Time { return now })
	req := src.ask(t, 7, ocsp.SHA1(), false)
	answer := func(want int64) {
		t.Helper()
		a, err := c.Answer(t.Context(), req)
		statusIn(t, a, err, src.cert, 7)
		if got := src.signed.Load(); got != want {
			t.Errorf("signed %d answers, want %d", got, want)
		}
	}
	many := func(from int64) {
		for n := range int64(limits.OCSPChanged) {
			c.ForgetSerial(big.NewInt(from + n))
		}
	}
	answer(1)
	many(1000)
	answer(1)
	c.ForgetSerial(big.NewInt(1)) // one too many
	answer(2)
	many(1000)
	now = now.Add(time.Minute)
	answer(3)
	c.ForgetSerial(big.NewInt(1)) // the others are over
	answer(3)
	if n := len(c.changed); n != 1 {
		t.Errorf("%d changes are remembered", n)
	}
}

// TestOCSPPreparedFresh: an answer that was signed ahead is given out for its
// time only, and requests of strangers do not push it out.
func TestOCSPPreparedFresh(t *testing.T) {
	src := newCounted(t, "A")
	now := time.Now()
	c := NewOCSPCache(src, 10*time.Minute, func() time.Time { return now })
	one := func(yield func(*big.Int, error) bool) { yield(big.NewInt(5), nil) }
	if _, err := c.Produce(t.Context(), src.cert, one, ocsp.SHA1()); err != nil {
		t.Fatal(err)
	}
	a, err := c.Answer(t.Context(), src.ask(t, 5, ocsp.SHA1(), false))
	statusIn(t, a, err, src.cert, 5)
	if c.Stats().Ahead != 1 || a.ProducedAt.IsZero() || !a.NextUpdate.After(a.ThisUpdate) {
		t.Errorf("%+v", a)
	}
	c.mu.Lock()
	c.young, c.old = map[string]kept{}, map[string]kept{} // as a flood does
	c.mu.Unlock()
	a, err = c.Answer(t.Context(), src.ask(t, 5, ocsp.SHA1(), false))
	statusIn(t, a, err, src.cert, 5)
	now = now.Add(10 * time.Minute)
	a, err = c.Answer(t.Context(), src.ask(t, 5, ocsp.SHA1(), false))
	statusIn(t, a, err, src.cert, 5)
	if s := c.Stats(); s.Ahead != 2 || s.Signed != 2 {
		t.Errorf("%+v", s)
	}
	none := func(func(*big.Int, error) bool) {}
	if _, err := c.Produce(t.Context(), src.cert, none, ocsp.SHA1()); err != nil || c.Stats().Prepared != 0 {
		t.Errorf("what is over is still there: %+v, %v", c.Stats(), err)
	}
}

// TestOCSPAge: the time in the cache counts in what others are allowed, and
// who has the answer is told so.
func TestOCSPAge(t *testing.T) {
	src := newCounted(t, "A")
	now := time.Now().Truncate(time.Second)
	clock := func() time.Time { return now }
	src.Now = clock
	h := Router{"/ocsp/": OCSPHandler(NewOCSPCache(src, time.Minute, clock), OCSPOptions{MaxAge: time.Minute, Now: clock})}
	get := func(tag string) *httptest.ResponseRecorder {
		t.Helper()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ocsp/"+base64Path(src.ask(t, 5, ocsp.SHA1(), false)), nil)
		req.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w
	}
	first := get("")
	now = now.Add(45 * time.Second)
	w := get(first.Header().Get("ETag"))
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("Cache-Control") != "max-age=15, public, no-transform, must-revalidate" {
		t.Errorf("%d, %d octets, %v", w.Code, w.Body.Len(), w.Header())
	}
	if w := get(`"other"`); w.Code != http.StatusOK || w.Body.Len() == 0 {
		t.Errorf("another tag: %d", w.Code)
	}
}

// stopped is a cache that somebody put something before.
type stopped struct{ *OCSPCache }

func (stopped) Answer(context.Context, []byte) (ocsp.Answered, error) {
	return ocsp.Answered{DER: ocsp.CreateErrorResponse(ocsp.TryLater), Status: ocsp.TryLater}, errors.New("stopped")
}

// TestOCSPWrapped: who wraps a cache decides about every answer, those too that
// are kept.
func TestOCSPWrapped(t *testing.T) {
	c := newCounted(t, "A")
	cache := NewOCSPCache(c, time.Hour, nil)
	der := c.ask(t, 1, ocsp.SHA1(), false)
	if a, err := cache.Answer(t.Context(), der); err != nil || a.Status != ocsp.Successful {
		t.Fatal(a.Status, err)
	}
	var all OCSPIssuers
	if err := all.Add(c.cert, stopped{cache}); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Answerer{"alone": stopped{cache}, "among issuers": &all, "in a cache": NewOCSPCache(stopped{cache}, time.Hour, nil)} {
		h := OCSPHandler(r, OCSPOptions{})
		for range 2 {
			req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(der)))
			req.Header.Set("Content-Type", typeOCSPRequest)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			resp, err := ocsp.ParseResponse(w.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != ocsp.TryLater {
				t.Errorf("%s: %v: the wrapper was not asked", name, resp.Status)
			}
		}
	}
}
