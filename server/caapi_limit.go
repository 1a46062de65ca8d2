package server

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// buckets are the allowances of clients: each fills at a rate up to a burst.
type buckets struct {
	rate, burst float64
	now         func() time.Time

	mu   sync.Mutex
	list map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func newBuckets(rate, burst float64, now func() time.Time) *buckets {
	return &buckets{rate: rate, burst: burst, now: now, list: make(map[string]bucket)}
}

// take reports whether a client has something left, and takes one.
func (b *buckets) take(client string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	one, known := b.list[client]
	if !known && len(b.list) >= limits.CAServerClients {
		b.forget(now)
		if len(b.list) >= limits.CAServerClients {
			client = "" // too many to tell apart
			one, known = b.list[client]
		}
	}
	if !known {
		one = bucket{b.burst, now}
	}
	one.left = min(b.burst, one.left+max(0, now.Sub(one.at).Seconds())*b.rate)
	one.at = now
	ok := one.left >= 1
	if ok {
		one.left--
	}
	b.list[client] = one
	return ok
}

// forget drops who has everything left again.
func (b *buckets) forget(now time.Time) {
	for name, one := range b.list {
		if one.left+now.Sub(one.at).Seconds()*b.rate >= b.burst {
			delete(b.list, name)
		}
	}
}

// clientOf names the address of a client for a rate: an IPv6 network of 64
// bits is one client, which may choose any address in it.
func clientOf(req *http.Request) string { return clientAt(req.RemoteAddr) }

func clientAt(address string) string {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	ip := a.Addr().Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// recordRefusal counts a refusal that no method of the issuer saw, and puts it
// on record as long as the actor, "client" for every stranger, has not used up
// an allowance.
func (s *CAService) recordRefusal(ctx context.Context, of, subject, actor, reason string) {
	s.metrics.refusals.WithLabelValues(reason).Inc()
	s.o.Log.Warn("refused", "of", of, "reason", reason) // by whom is for the journal
	// Strangers share one allowance; who is known has one of their own, so that
	// nobody can hide what they try behind a flood of others.
	if !s.refusals.take(actor) {
		s.metrics.unrecorded.Inc()
		return
	}
	// Who hangs up does not stay off the record.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := s.o.Issuer.Ledger().Update(ctx, func(tx ca.Tx) error {
		_, err := tx.Append(journal.Entry{
			Time: s.o.Now(), Actor: actor, Event: "refused", Subject: subject, Data: map[string]string{"of": of, "reason": reason},
		})
		return err
	})
	if err != nil {
		s.metrics.unrecorded.Inc()
		s.o.Log.Error("a refusal is not on record", "of", of, "error", err.Error())
	}
}

// caMetrics are what the service counts; no label is about a person.
type caMetrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec   // endpoint, code
	seconds    *prometheus.HistogramVec // endpoint
	refusals   *prometheus.CounterVec   // reason
	enrolments *prometheus.CounterVec   // outcome
	unrecorded prometheus.Counter
	panics     prometheus.Counter
}

func newCAMetrics(s *CAService) *caMetrics {
	const ns = "gosklyuch_ca"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: name, Help: help}, labels)
	}
	m := &caMetrics{
		registry: prometheus.NewRegistry(),
		requests: counter("http_requests_total", "Requests by endpoint and HTTP status.", "endpoint", "code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Name: "http_request_seconds", Help: "Time of a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"endpoint"}),
		refusals:   counter("refusals_total", "What was refused before it reached the authority, by reason.", "reason"),
		enrolments: counter("est_enrolments_total", "EST enrolments by outcome.", "outcome"),
		unrecorded: prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Name: "refusals_unrecorded_total", Help: "Refusals that were too many for the journal."}),
		panics:     prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Name: "panics_total", Help: "Panics of handlers, each answered with status 500."}),
	}
	sessions := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: ns, Name: "sessions", Help: "Sessions of operators."}, func() float64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		return float64(len(s.sessions))
	})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: ns, Name: "build_info", Help: "Always 1; the version is the label.", ConstLabels: prometheus.Labels{"version": s.o.Version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.refusals, m.enrolments, m.unrecorded, m.panics, sessions, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *caMetrics) request(endpoint string, code int, took time.Duration) {
	m.requests.WithLabelValues(endpoint, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(endpoint).Observe(took.Seconds())
}

// Metrics returns the handler of GET /metrics, for an address of its own.
func (s *CAService) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 8})
}
