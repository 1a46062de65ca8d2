package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Content types of RFC 2585, section 4 and RFC 5280, section 4.2.2.1.
const (
	TypeCRL         = "application/pkix-crl"
	TypeCertificate = "application/pkix-cert"
	TypeCertsOnly   = "application/pkcs7-mime"
)

// retryAfter is when a client may try again what is not available now: the
// promotion of a standby takes that long.
const retryAfter = 10 * time.Second

// unavailable answers 503 and says when to come back (RFC 9110, section
// 15.6.4).
func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "not available now", http.StatusServiceUnavailable)
}

// Reader returns the DER to serve and when it was made. It is called for each
// request, so what it returns may change; it must be cheap or cache.
type Reader func() (der []byte, modified time.Time, err error)

// StaticHandler serves what read returns under every path it is mounted at:
// a CRL at a distribution point, the issuer's certificate at caIssuers. It
// answers GET and HEAD, conditional and range requests. maxAge bounds caching
// by others; zero lets them ask each time.
func StaticHandler(contentType string, read Reader, maxAge time.Duration, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		der, modified, err := read()
		if err != nil {
			log.Error("static", "type", contentType, "error", err)
			unavailable(w)
			return
		}
		sum := sha256.Sum256(der)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", int(max(maxAge, 0).Seconds())))
		if maxAge > 0 {
			w.Header().Set("Expires", time.Now().Add(maxAge).UTC().Format(http.TimeFormat))
		}
		http.ServeContent(w, req, "", modified.UTC(), bytes.NewReader(der))
		log.Info("static", "type", contentType, "method", req.Method, "octets", len(der))
	})
}

// ChainHandler serves certificates, the issuer's and those above it, as a
// "certs-only" CMS message: RFC 5280, section 4.2.2.1 allows that for the
// address of caIssuers, under a name that ends in .p7c. The chain never changes.
func ChainHandler(certs []*pki.Certificate, maxAge time.Duration, log *slog.Logger) (http.Handler, error) {
	var m cms.Message
	m.AddCertificates(certs...)
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, m, nil); err != nil {
		return nil, fmt.Errorf("server: chain: %w", err)
	}
	made := time.Now()
	return StaticHandler(TypeCertsOnly, func() ([]byte, time.Time, error) { return out.Bytes(), made, nil }, maxAge, log), nil
}

// CRLHandler serves a revocation list.
func CRLHandler(read Reader, maxAge time.Duration, log *slog.Logger) http.Handler {
	return StaticHandler(TypeCRL, read, maxAge, log)
}

// IssuerHandler serves the certificate of the issuer.
func IssuerHandler(read Reader, maxAge time.Duration, log *slog.Logger) http.Handler {
	return StaticHandler(TypeCertificate, read, maxAge, log)
}
