package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/ocsp"
)

// dropped is a response that nobody reads.
type dropped struct {
	header http.Header
	code   int
}

func (d *dropped) Header() http.Header         { return d.header }
func (d *dropped) Write(p []byte) (int, error) { return len(p), nil }
func (d *dropped) WriteHeader(code int)        { d.code = code }

// BenchmarkOCSP is what an answer costs the whole service without net/http: read,
// routed, counted, logged, and kept or signed.
func BenchmarkOCSP(b *testing.B) {
	c := newCounted(b, "root")
	for _, x := range []struct {
		name  string
		age   time.Duration
		nonce bool
	}{{"kept", time.Hour, false}, {"signed", 0, true}} {
		b.Run(x.name, func(b *testing.B) {
			var all OCSPIssuers
			if err := all.Add(c.cert, NewOCSPCache(c.Responder, x.age, nil)); err != nil {
				b.Fatal(err)
			}
			log := slog.New(slog.NewJSONHandler(&dropped{}, nil))
			h := OCSPHandler(&all, OCSPOptions{Log: log, MaxAge: x.age})
			s, err := PublicHandler(PublicOptions{Routes: Router{"/ocsp": h, "/ocsp/": h, "/ca.crl": h, "/ca.cer": h, "/chain.p7c": h}, Rate: 100, Log: log})
			if err != nil {
				b.Fatal(err)
			}
			body := c.ask(b, 7, ocsp.SHA1(), x.nonce)
			req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/ocsp", nil)
			req.Header.Set("Content-Type", typeOCSPRequest)
			req.RemoteAddr, req.ContentLength = "127.0.0.1:1234", int64(len(body))
			w := &dropped{header: http.Header{}}
			reader := bytes.NewReader(body)
			req.Body = io.NopCloser(reader)
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				clear(w.header)
				if s.ServeHTTP(w, req); w.code != http.StatusOK {
					b.Fatal(w.code)
				}
			}
		})
	}
}
