package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// PublicOptions describe what an authority serves to everybody: OCSP, lists,
// certificates, time stamps.
type PublicOptions struct {
	Routes Router // required; the patterns are the names in the metrics
	// Rate is how many requests a second one address may make in the long run,
	// and Burst how many at once, where 0 is five times the rate; a rate of 0
	// is no limit. An IPv6 address is its /64. This machine's own address is
	// not limited: a reverse proxy asks for everybody.
	Rate, Burst int
	// Ready says in a word why nothing could be answered now, "" if it could.
	// nil: always "". It is asked often and must be quick.
	Ready func(context.Context) string
	// Lists are the folders of published lists by the addresses they are served
	// at, such as "/crl/": until when their lists are valid is in the metrics.
	Lists   map[string]*PublishedLists
	Cache   *OCSPCache // whose counts go into the metrics; nil is none
	Besides *CAService // whose metrics are shown together with these; nil is none
	Log     *slog.Logger
	Version string // for the metrics
	Now     func() time.Time
}

// PublicService serves what is for everybody, and GET /healthz and /readyz. It
// needs no TLS: what it serves is signed (RFC 5280, section 8, and RFC 6960,
// section 5, speak of http).
type PublicService struct {
	o       PublicOptions
	clients *buckets // nil: no limit
	metrics *publicMetrics
}

// PublicHandler returns the service.
func PublicHandler(o PublicOptions) (*PublicService, error) {
	if len(o.Routes) == 0 {
		return nil, errors.New("server: routes are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) string { return "" }
	}
	s := &PublicService{o: o}
	if o.Rate > 0 {
		if o.Burst <= 0 {
			o.Burst = 5 * o.Rate
		}
		s.clients = newBuckets(float64(o.Rate), float64(o.Burst), o.Now)
	}
	s.metrics = newPublicMetrics(s)
	return s, nil
}

// ServeHTTP answers one request.
func (s *PublicService) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	rec := &recorder{ResponseWriter: w}
	endpoint := "other"
	defer func() {
		if v := recover(); v != nil {
			s.panicked(rec, v)
		}
		s.metrics.count(endpoint, rec.status(), time.Since(start))
	}()
	switch path := req.URL.Path; {
	case path == "/healthz" || path == "/readyz":
		endpoint = path
		s.health(rec, req)
	case s.clients != nil && !fromHere(req) && !s.clients.take(clientOf(req)):
		endpoint = "refused"
		s.metrics.refusals.Inc()
		rec.Header().Set("Retry-After", "1")
		rec.Header().Set("Cache-Control", "no-store")
		// RFC 6585, section 4.
		http.Error(rec, "too many requests", http.StatusTooManyRequests)
	default:
		pattern := s.o.Routes.match(path)
		if pattern != "" {
			endpoint = pattern
		}
		s.o.Routes.serve(rec, req, pattern)
	}
}

// fromHere reports whether a request comes from this machine.
func fromHere(req *http.Request) bool { return isHere(req.RemoteAddr) }

func isHere(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

func (s *PublicService) panicked(rec *recorder, v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		rec.code = 499
		return
	}
	s.metrics.panics.Inc()
	s.o.Log.Error("panic", "stack", string(debug.Stack()))
	if rec.code == 0 {
		http.Error(rec, "internal error", http.StatusInternalServerError)
	}
}

// health answers whether the process lives, and whether it can work.
func (s *PublicService) health(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	if req.URL.Path == "/healthz" {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
		return
	}
	if why := s.o.Ready(req.Context()); why != "" {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": why})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// publicMetrics are what the service counts; no label is about a person, a
// certificate or a client.
type publicMetrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // endpoint, code
	seconds  *prometheus.HistogramVec // endpoint
	refusals prometheus.Counter
	panics   prometheus.Counter

	routes map[string]routeMetrics // by pattern, made with the service
}

// routeMetrics are the two that an answer with status 200 needs, looked up once.
type routeMetrics struct {
	answered prometheus.Counter
	seconds  prometheus.Observer
}

// count notes a request.
func (m *publicMetrics) count(endpoint string, code int, took time.Duration) {
	r, ok := m.routes[endpoint]
	if !ok || code != http.StatusOK {
		m.requests.WithLabelValues(endpoint, strconv.Itoa(code)).Inc()
		m.seconds.WithLabelValues(endpoint).Observe(took.Seconds())
		return
	}
	r.answered.Inc()
	r.seconds.Observe(took.Seconds())
}

// prepare makes the metrics of the routes; they begin at zero.
func (m *publicMetrics) prepare(routes Router) {
	m.routes = make(map[string]routeMetrics, len(routes))
	for pattern := range routes {
		m.routes[pattern] = routeMetrics{
			answered: m.requests.WithLabelValues(pattern, strconv.Itoa(http.StatusOK)), seconds: m.seconds.WithLabelValues(pattern),
		}
	}
}

func newPublicMetrics(s *PublicService) *publicMetrics {
	const ns = "gosklyuch_public"
	m := &publicMetrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: "http_requests_total", Help: "Requests by endpoint and HTTP status."}, []string{"endpoint", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Name: "http_request_seconds", Help: "Time of a request, sending included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"endpoint"}),
		refusals: prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Name: "rate_refusals_total", Help: "Requests of addresses that had made too many."}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Name: "panics_total", Help: "Panics of handlers, each answered with status 500."}),
	}
	ready := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: ns, Name: "ready", Help: "1 if /readyz says so."}, func() float64 {
		if s.o.Ready(context.Background()) != "" {
			return 0
		}
		return 1
	})
	m.registry.MustRegister(m.requests, m.seconds, m.refusals, m.panics, ready)
	m.prepare(s.o.Routes)
	for address, lists := range s.o.Lists {
		m.lists(address, lists)
	}
	if s.o.Cache != nil {
		m.ocsp(s.o.Cache)
	}
	if s.o.Besides == nil {
		build := prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Name: "build_info", Help: "Always 1; the version is the label.", ConstLabels: prometheus.Labels{"version": s.o.Version},
		})
		build.Set(1)
		m.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	return m
}

// lists shows until when published lists are valid: an alarm that goes off
// before nextUpdate is `… - time() < 3600`.
func (m *publicMetrics) lists(address string, l *PublishedLists) {
	for _, name := range l.o.Expect {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "gosklyuch_ca", Name: "list_next_update_seconds", Help: "The nextUpdate of a published list as Unix time; 0 if it cannot be read.",
			ConstLabels: prometheus.Labels{"list": address + name},
		}, func() float64 {
			if next := l.NextUpdate(name); !next.IsZero() {
				return float64(next.Unix())
			}
			return 0
		}))
	}
}

// ocsp shows where OCSP answers come from.
func (m *publicMetrics) ocsp(c *OCSPCache) {
	const ns = "gosklyuch_ocsp"
	counter := func(name, help string, f func(OCSPStats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: ns, Name: name, Help: help}, func() float64 { return float64(f(c.Stats())) })
	}
	gauge := func(name, help string, f func(OCSPStats) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: ns, Name: name, Help: help}, func() float64 { return float64(f(c.Stats())) })
	}
	m.registry.MustRegister(
		counter("kept_answers_total", "Answers that had been signed for an earlier client.", func(s OCSPStats) uint64 { return s.Hits }),
		counter("prepared_answers_total", "Answers that had been signed ahead.", func(s OCSPStats) uint64 { return s.Ahead }),
		counter("signed_total", "Requests, of clients and ahead, that reached the responder.", func(s OCSPStats) uint64 { return s.Signed }),
		gauge("kept", "Answers in the cache.", func(s OCSPStats) int { return s.Kept }),
		gauge("prepared", "Answers that were signed ahead.", func(s OCSPStats) int { return s.Prepared }),
	)
}

// Metrics returns the handler of GET /metrics, for an address of its own.
func (s *PublicService) Metrics() http.Handler {
	from := prometheus.Gatherers{s.metrics.registry}
	if s.o.Besides != nil {
		from = append(from, s.o.Besides.metrics.registry)
	}
	return promhttp.HandlerFor(from, promhttp.HandlerOpts{MaxRequestsInFlight: 8})
}
