package server

import (
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
)

// postOCSP sends a request to a handler; length is what it says of its body.
func postOCSP(t testing.TB, h http.Handler, body io.Reader, length int64) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
	req.Header.Set("Content-Type", typeOCSPRequest)
	req.ContentLength = length
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// serialsIn returns the serial numbers that a response is about.
func serialsIn(t testing.TB, w *httptest.ResponseRecorder) (out []int64) {
	t.Helper()
	resp, err := ocsp.ParseResponse(w.Body.Bytes())
	if err != nil || w.Code != http.StatusOK {
		t.Fatal(w.Code, err)
	}
	for _, s := range resp.Singles {
		out = append(out, s.ID.Serial.Int64())
	}
	return out
}

// TestOCSPKeptConfusion: an answer that is kept answers the very question that it
// was made for, and no question about more, about another issuer, or with a nonce.
func TestOCSPKeptConfusion(t *testing.T) {
	one, two := newCounted(t, "A"), newCounted(t, "A") // a name, and two keys
	two.revoked.Store(true)
	var all OCSPIssuers
	for _, c := range []*counted{one, two} {
		if err := all.Add(c.cert, NewOCSPCache(c, time.Hour, nil)); err != nil {
			t.Fatal(err)
		}
	}
	h := OCSPHandler(&all, OCSPOptions{MaxAge: time.Hour})
	batch := func(c *counted, serials ...int64) string {
		var ids []ocsp.CertID
		for _, n := range serials {
			id, err := ocsp.NewCertID(&pki.Certificate{RawIssuer: c.cert.RawSubject, SerialNumber: big.NewInt(n)}, c.cert, ocsp.SHA1())
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		req, err := ocsp.NewBatchRequest(ids, nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(req.Raw)
	}
	for round := range 3 {
		for _, c := range []*counted{two, one} {
			for _, serials := range [][]int64{{1}, {1, 2}, {2, 1}, {2}, {1, 1}, {3, 1, 2}} {
				body := batch(c, serials...)
				w := postOCSP(t, h, strings.NewReader(body), int64(len(body)))
				got := serialsIn(t, w)
				if len(got) != len(serials) {
					t.Fatalf("round %d: asked about %v, answered about %v", round, serials, got)
				}
				resp, err := ocsp.ParseResponse(w.Body.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				for i, s := range resp.Singles {
					if got[i] != serials[i] || (s.Status == ocsp.Revoked) != (c == two) {
						t.Errorf("round %d: asked about %v, answered about %v: %v", round, serials, got, s.Status)
					}
				}
			}
			nonce := c.ask(t, 1, ocsp.SHA1(), true)
			req, err := ocsp.ParseRequest(nonce)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := ocsp.ParseResponse(postOCSP(t, h, strings.NewReader(string(nonce)), int64(len(nonce))).Body.Bytes())
			if err != nil || string(resp.Nonce) != string(req.Nonce) {
				t.Errorf("round %d: %v, the nonce %x came back as %x", round, err, req.Nonce, resp.Nonce)
			}
		}
	}
}

// TestOCSPLimitsHold: what is said of a body is not believed beyond the bound, and
// a place for an answer is given back.
func TestOCSPLimitsHold(t *testing.T) {
	c := newCounted(t, "A")
	h := OCSPHandler(NewOCSPCache(c, time.Hour, nil), OCSPOptions{Parallel: 1, Timeout: 10 * time.Second})
	der := string(c.ask(t, 1, ocsp.SHA1(), false))
	for name, tc := range map[string]struct {
		body   io.Reader
		length int64
		want   int
	}{
		"declared too long":         {strings.NewReader(der), 1 << 40, http.StatusRequestEntityTooLarge},
		"too long by one":           {strings.NewReader(strings.Repeat("x", limits.OCSPRequestSize+1)), limits.OCSPRequestSize + 1, http.StatusRequestEntityTooLarge},
		"too long, undeclared":      {strings.NewReader(strings.Repeat("x", limits.OCSPRequestSize+1)), -1, http.StatusRequestEntityTooLarge},
		"shorter than it says":      {strings.NewReader(der), int64(len(der)) + 1, http.StatusBadRequest},
		"as long as it says":        {strings.NewReader(der), int64(len(der)), http.StatusOK},
		"without a length":          {strings.NewReader(der), -1, http.StatusOK},
		"as long as is allowed":     {strings.NewReader(strings.Repeat("x", limits.OCSPRequestSize)), limits.OCSPRequestSize, http.StatusOK}, // malformed
		"empty, and says so":        {strings.NewReader(""), 0, http.StatusOK},                                                               // malformed
		"longer than its beginning": {strings.NewReader(der + "x"), int64(len(der)) + 1, http.StatusOK},                                      // malformed
	} {
		if w := postOCSP(t, h, tc.body, tc.length); w.Code != tc.want {
			t.Errorf("%s: %d, want %d", name, w.Code, tc.want)
		}
	}
	for range 5 {
		nonce := string(c.ask(t, 1, ocsp.SHA1(), true)) // never kept
		if got := serialsIn(t, postOCSP(t, h, strings.NewReader(nonce), int64(len(nonce)))); len(got) != 1 {
			t.Fatalf("%d answers: the place of another was not given back", len(got))
		}
	}
}

// TestPublicMetrics: each answer is counted under its status, with its time.
func TestPublicMetrics(t *testing.T) {
	s := publicService(t, PublicOptions{Routes: Router{"/x": http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})}})
	for range 3 {
		ask(t, s, http.MethodGet, "/x")
	}
	ask(t, s, http.MethodPost, "/x")
	text := ask(t, s.Metrics(), http.MethodGet, "/metrics").Body.String()
	for _, want := range []string{
		`gosklyuch_public_http_requests_total{code="200",endpoint="/x"} 3`, `gosklyuch_public_http_requests_total{code="405",endpoint="/x"} 1`,
		`gosklyuch_public_http_request_seconds_count{endpoint="/x"} 4`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
