package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// CAOptions describe the service of an authority over HTTPS.
type CAOptions struct {
	Issuer *ca.Issuer         // required
	Chain  []*pki.Certificate // above the issuer's certificate, issuer first
	// EST enrols clients (RFC 7030); nil offers none of it.
	EST *ESTOptions
	// Lists is the folder into which the authority publishes its lists (see
	// [ca.Issuer.Publish]); "" where a list is kept in the ledger alone.
	Lists string
	// Published are the lists of that folder as they are served: where one of
	// them is late, the service is not ready. nil: nobody looks.
	Published *PublishedLists
	// Rate is how many requests a second one address may make in the long run,
	// and Burst how many at once; 0 is 10 and 50. An IPv6 address is its /64.
	Rate, Burst int
	Log         *slog.Logger // nil: no log
	Version     string       // for the metrics
	Now         func() time.Time
}

// CAService serves EST and the API of requests, /healthz and /readyz. EST and
// the API answer over TLS alone.
type CAService struct {
	o        CAOptions
	routes   *http.ServeMux
	metrics  *caMetrics
	clients  *buckets
	refusals *buckets      // one allowance for what strangers put on record
	slots    chan struct{} // passwords that are checked now
	signing  chan struct{} // a list that is signed because somebody asked
	proving  chan struct{} // a proof that is made
	sealKey  []byte        // of this process's challenges

	mu       sync.Mutex
	sessions map[[32]byte]session
	answered map[string]time.Time // challenges that opened a session, until they expire
}

// CAHandler returns the service.
func CAHandler(o CAOptions) (*CAService, error) {
	if o.Issuer == nil {
		return nil, errors.New("server: an issuer is required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rate <= 0 {
		o.Rate = 10
	}
	if o.Burst <= 0 {
		o.Burst = 50
	}
	s := &CAService{
		o: o, clients: newBuckets(float64(o.Rate), float64(o.Burst), o.Now),
		refusals: newBuckets(limits.CAServerRefusals/60.0, limits.CAServerRefusals, o.Now),
		slots:    make(chan struct{}, limits.CAServerPasswords), signing: make(chan struct{}, 1), proving: make(chan struct{}, 1), sealKey: make([]byte, 32),
		sessions: make(map[[32]byte]session), answered: make(map[string]time.Time),
	}
	rand.Read(s.sealKey) // it never fails
	s.metrics = newCAMetrics(s)
	s.routes = http.NewServeMux()
	s.healthRoutes()
	s.apiRoutes()
	if err := s.pageRoutes(); err != nil {
		return nil, err
	}
	if o.EST != nil {
		if err := s.estRoutes(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// CATLS returns how the service speaks TLS: version 1.3, or 1.2 too where old is
// set, with a certificate of the client where it has one. Whether that one means
// anything is looked up at each request, in the ledger: a session that is
// resumed outlives a revocation otherwise.
//
// Go names in TLS 1.3 the algorithms that certificates may be signed with, GOST
// is not among them, and OpenSSL then sends no certificate that a GOST key has
// signed; in TLS 1.2 it does.
func CATLS(own tls.Certificate, old bool) *tls.Config {
	c := &tls.Config{
		Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequestClientCert, NextProtos: []string{"h2", "http/1.1"},
	}
	if old {
		c.MinVersion = tls.VersionTLS12
	}
	return c
}

// ServeHTTP answers one request.
func (s *CAService) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	rec := &recorder{ResponseWriter: w}
	securityHeaders(rec.Header())
	rec.Header().Set("Cache-Control", "no-store")
	rec.Header().Set(requestIDHeader, requestID())
	_, pattern := s.routes.Handler(req)
	defer func() {
		if v := recover(); v != nil {
			s.panicked(rec, req, v)
		}
		s.metrics.request(endpointName(pattern), rec.status(), time.Since(start))
	}()
	open := pattern == "GET /healthz" || pattern == "GET /readyz" // asked often, and by who has no certificate
	switch {
	case !open && !s.clients.take(clientOf(req)):
		s.metrics.refusals.WithLabelValues("rate").Inc()
		s.problem(rec, req, rateExceeded())
	case !open && req.TLS == nil:
		// RFC 7030, section 3.3: "HTTPS MUST be used". Passwords, tokens and
		// requests do not cross a network in the clear.
		s.problem(rec, req, &problem{status: http.StatusForbidden, kind: "tls", ru: "Только по HTTPS.", en: "Only over HTTPS."})
	case pattern == "" || !cleanPath(req.URL.Path):
		s.unknown(rec, req)
	default:
		req.Body = http.MaxBytesReader(rec, req.Body, limits.CAServerBody)
		s.routes.ServeHTTP(rec, req)
	}
}

// cleanPath refuses a path with empty segments, "." and "..": what stands there
// is not led to another address.
func cleanPath(p string) bool {
	clean := path.Clean(p)
	return p == clean || p == clean+"/"
}

// unknown answers for an address or a method that nobody serves.
func (s *CAService) unknown(rec *recorder, req *http.Request) {
	var methods []string
	if !cleanPath(req.URL.Path) {
		s.problem(rec, req, notFound())
		return
	}
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := *req
		other.Method = m
		if _, pattern := s.routes.Handler(&other); pattern != "" {
			methods = append(methods, m)
		}
	}
	if methods == nil {
		s.problem(rec, req, notFound())
		return
	}
	allowed := strings.Join(methods, ", ")
	rec.Header().Set("Allow", allowed)
	s.problem(rec, req, wrongMethod(allowed))
}

// endpointName is a pattern without its method, for the metrics.
func endpointName(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return path
	}
	return "other"
}

func (s *CAService) panicked(rec *recorder, req *http.Request, v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		rec.code = 499
		return
	}
	s.metrics.panics.Inc()
	s.o.Log.Error("panic", "request", rec.Header().Get(requestIDHeader), "stack", string(debug.Stack()))
	if rec.code == 0 {
		s.problem(rec, req, internal(nil))
	}
}

// healthRoutes answer whether the process lives, and whether it can work.
func (s *CAService) healthRoutes() {
	s.routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	s.routes.HandleFunc("GET /readyz", func(w http.ResponseWriter, req *http.Request) {
		if why := s.notReady(req.Context()); why != "" {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": why})
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
}

// notReady says in a word what of the authority's work cannot be done now; "" if
// all of it can.
func (s *CAService) notReady(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, now := s.o.Issuer.Certificate(), s.o.Now()
	if now.Before(c.NotBefore) || now.After(c.NotAfter) || !c.PrivateKeyNotAfter.IsZero() && now.After(c.PrivateKeyNotAfter) {
		return "validity"
	}
	err := s.o.Issuer.Ledger().View(ctx, func(tx ca.ReadTx) error { _, err := tx.Issuer(); return err })
	if err != nil {
		s.o.Log.Warn("not ready", "error", err.Error())
		return "ledger"
	}
	if s.o.Published != nil && s.o.Published.Late() {
		return "list"
	}
	return ""
}
