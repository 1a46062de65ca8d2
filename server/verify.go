package server

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/verify"
)

// VerifyOptions says by what and within which bounds the verification service
// decides. The zero value of every field but Verifier is a safe default.
type VerifyOptions struct {
	// Verifier has the anchors and the sources of evidence. It is copied for
	// each request, which chooses policy, language and moment. Required. Where
	// its Limits are zero, those of a service for strangers apply.
	Verifier *verify.Verifier
	// Policies are those that a request may name; the first is the default.
	// Empty: verify.DefaultPolicy alone.
	Policies []*verify.Policy
	Log      *slog.Logger // nil: no log
	Version  string       // of the program, for metrics and protocols
	NoPage   bool         // no web page, only the programming interface

	MaxSize int64  // octets of the document and of the signature; zero: limits.ServiceSize
	MaxTemp int64  // octets of all temporary files together; zero: limits.ServiceTemp
	TempDir string // where they are; "": the system's

	Parallel  int           // requests that are read and decided at a time; zero: 64
	Queue     int           // requests that wait for that; zero: 2 × Parallel, negative: none
	QueueWait time.Duration // how long they wait; zero: 10 s
	PerClient int           // requests of one address at a time; zero: not bounded (behind a proxy all have one address)

	Timeout         time.Duration // of a whole request; zero: 15 min
	IdleTimeout     time.Duration // without an octet from the client; zero: 15 s
	DecisionTimeout time.Duration // from the last octet that was hashed to the answer; zero: 60 s
	MinRate         int64         // octets a second on the average, looked at after 2 × IdleTimeout; zero: 1 KiB, negative: any
}

// withDefaults fills in what was left out.
func (o VerifyOptions) withDefaults() VerifyOptions {
	if len(o.Policies) == 0 {
		o.Policies = []*verify.Policy{verify.DefaultPolicy()}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.MaxSize, limits.ServiceSize)
	setDefault(&o.MaxTemp, limits.ServiceTemp)
	setDefault(&o.Parallel, 64)
	setDefault(&o.QueueWait, 10*time.Second)
	setDefault(&o.Timeout, 15*time.Minute)
	setDefault(&o.IdleTimeout, 15*time.Second)
	setDefault(&o.DecisionTimeout, time.Minute)
	if o.Queue == 0 {
		o.Queue = 2 * o.Parallel
	}
	if o.MinRate == 0 {
		o.MinRate = 1 << 10
	}
	return o
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// errNoVerifier says that there is nothing to decide by.
var errNoVerifier = errors.New("server: the verification service needs a verifier")

// VerifyService answers over HTTP whether signatures are valid:
//
//	POST /v1/verify    a form with a signature and a document: the report
//	GET  /v1/policies  the policies that a request may name
//	GET  /v1/health    the process lives
//	GET  /v1/ready     it has anchors and is not about to stop
//	GET  /metrics      for Prometheus
//	GET  /openapi.yaml, /openapi.json
//	GET  /, /en        the page for people, unless Options.NoPage
//
// It keeps nothing of what it is sent: what does not fit into memory waits in
// a temporary file without a name. Its log and its metrics say how much, how
// long and with which outcome, never about whom. A panic is one answer with
// status 500, and the service goes on.
type VerifyService struct {
	o        VerifyOptions
	verifier verify.Verifier
	offered  map[string]*verify.Policy
	pages    *template.Template
	policies []byte
	space    *space
	gate     *gate
	metrics  *metrics
	routes   map[string]route
	draining atomic.Bool
}

// A route is one path with its method.
type route struct {
	method, name string // name is the label of the metrics
	handle       http.HandlerFunc
}

// VerifyHandler makes the service. The error is about the options.
func VerifyHandler(o VerifyOptions) (*VerifyService, error) {
	if o.Verifier == nil {
		return nil, errNoVerifier
	}
	s := &VerifyService{o: o.withDefaults(), verifier: *o.Verifier, offered: map[string]*verify.Policy{}}
	setDefault(&s.verifier.Limits.Element, limits.ServiceElement)
	setDefault(&s.verifier.Limits.Total, limits.ServiceTotal)
	for _, p := range s.o.Policies {
		s.offered[p.Name] = p
	}
	s.space = &space{dir: o.TempDir, most: s.o.MaxTemp}
	s.gate = newGate(s.o)
	s.metrics = newMetrics(s)
	var err error
	if s.policies, err = s.policyList(); err != nil {
		return nil, err
	}
	return s, s.route()
}

// route lists the paths.
func (s *VerifyService) route() error {
	s.routes = map[string]route{
		"/v1/verify":    {http.MethodPost, "verify", s.verify},
		"/v1/policies":  {http.MethodGet, "policies", constant("application/json", s.policies)},
		"/v1/health":    {http.MethodGet, "health", s.health},
		"/v1/ready":     {http.MethodGet, "ready", s.ready},
		"/metrics":      {http.MethodGet, "metrics", s.Metrics().ServeHTTP},
		"/openapi.yaml": {http.MethodGet, "openapi", constant("application/yaml", openAPIYAML)},
		"/openapi.json": {http.MethodGet, "openapi", constant("application/json", openAPIJSON)},
	}
	if s.o.NoPage {
		return nil
	}
	return s.routePages()
}

// HideMetrics takes GET /metrics away from the service's own address: they are
// served elsewhere, by the handler that Metrics returns.
func (s *VerifyService) HideMetrics() { delete(s.routes, "/metrics") }

// Drain makes GET /v1/ready answer 503, so that a load balancer sends nothing
// more; requests are answered as before.
func (s *VerifyService) Drain() { s.draining.Store(true) }

// NewVerify makes a server for the service: [New] with a smaller header. The
// service itself bounds the time of a form, which may take longer to arrive
// than New allows.
func NewVerify(s *VerifyService) *http.Server {
	srv := New(s, s.o.Log)
	srv.MaxHeaderBytes = limits.ServiceHeader
	return srv
}

func (s *VerifyService) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.o.Version})
}

// ready says whether it makes sense to send a form.
func (s *VerifyService) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.draining.Load():
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "stopping"})
	case s.verifier.Roots == nil || s.verifier.Roots.Len() == 0:
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "no-anchors"})
	default:
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	}
}
