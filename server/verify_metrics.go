package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gosklyuch/gosklyuch/verify"
)

// metrics are what the service counts. Every label has few values that the
// service itself chooses; none is about a person, a document or a client.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // endpoint, code
	seconds  *prometheus.HistogramVec // endpoint
	verdicts *prometheus.CounterVec   // verdict, reason
	problems *prometheus.CounterVec   // problem
	octets   *prometheus.CounterVec   // part
	panics   prometheus.Counter
}

func newMetrics(s *VerifyService) *metrics {
	const ns = "gosklyuch"
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: "http_requests_total", Help: "Requests by endpoint and HTTP status."}, []string{"endpoint", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Name: "http_request_seconds", Help: "Time of a request, sending included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900},
		}, []string{"endpoint"}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: "verifications_total", Help: "Verdicts and sub-indications of EN 319 102-1."}, []string{"verdict", "reason"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: "problems_total", Help: "Requests without a verdict by the type of the problem."}, []string{"problem"}),
		octets:   prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: "received_bytes_total", Help: "Octets of signatures and documents."}, []string{"part"}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Name: "panics_total", Help: "Panics of handlers, each answered with status 500."}),
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: ns, Name: name, Help: help}, f)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: ns, Name: "build_info", Help: "Always 1; the version is the label.",
		ConstLabels: prometheus.Labels{"version": s.o.Version},
	})
	build.Set(1)
	m.registry.MustRegister(
		m.requests, m.seconds, m.verdicts, m.problems, m.octets, m.panics, build,
		gauge("active_verifications", "Forms that are read or decided now.", func() float64 { return float64(len(s.gate.slots)) }),
		gauge("waiting_verifications", "Forms that wait for a place.", func() float64 { return float64(len(s.gate.queue)) }),
		gauge("spool_bytes", "Octets in temporary files.", func() float64 { return float64(s.space.used.Load()) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func (m *metrics) request(endpoint string, code int, took time.Duration) {
	m.requests.WithLabelValues(endpoint, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(endpoint).Observe(took.Seconds())
}

func (m *metrics) verdict(r *verify.Report) {
	m.verdicts.WithLabelValues(r.Verdict().String(), string(r.Reason)).Inc()
}

// Metrics returns the handler of GET /metrics, for an address of its own.
func (s *VerifyService) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 8})
}
