package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Content types of RFC 2585, section 4 and RFC 5280, section 4.2.2.1.
const (
	TypeCRL         = "application/pkix-crl"
	TypeCertificate = "application/pkix-cert"
)

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
			http.Error(w, "not available now", http.StatusServiceUnavailable)
			return
		}
		sum := sha256.Sum256(der)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", int(max(maxAge, 0).Seconds())))
		http.ServeContent(w, req, "", modified.UTC(), bytes.NewReader(der))
		log.Info("static", "type", contentType, "method", req.Method, "octets", len(der))
	})
}

// CRLHandler serves a revocation list.
func CRLHandler(read Reader, maxAge time.Duration, log *slog.Logger) http.Handler {
	return StaticHandler(TypeCRL, read, maxAge, log)
}

// IssuerHandler serves the certificate of the issuer.
func IssuerHandler(read Reader, maxAge time.Duration, log *slog.Logger) http.Handler {
	return StaticHandler(TypeCertificate, read, maxAge, log)
}
