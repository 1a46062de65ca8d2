package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// Content types of RFC 3161, section 3.4.
const (
	typeTimeStampQuery = "application/timestamp-query"
	typeTimeStampReply = "application/timestamp-reply"
)

// Stamper answers time-stamp requests; [*tsp.Authority] is one.
type Stamper interface {
	Answer(ctx context.Context, request []byte) (tsp.Answered, error)
	Health() error
}

// TSAOptions tunes the handler. The zero value is good.
type TSAOptions struct {
	Log      *slog.Logger     // nil: no log
	Now      func() time.Time // nil: time.Now; for the log
	Timeout  time.Duration    // of one answer, waiting included; zero means 10 s
	Parallel int              // answers that are computed at a time; zero means 16
	Waiting  int              // requests that wait for their turn; zero means 256
}

// TSAHandler answers POST with a TimeStampReq (RFC 3161, section 3.4). A
// request that reaches the authority is answered with HTTP status 200 and a
// TimeStampResp, refusals included; one that finds too many before it gets 503.
// The log has the outcome and the serial number, and nothing of the imprint or of
// who asked.
func TSAHandler(s Stamper, o TSAOptions) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Waiting <= 0 {
		o.Waiting = 256
	}
	return &tsaHandler{s: s, o: o, slots: make(chan struct{}, o.Parallel), queue: make(chan struct{}, o.Parallel+o.Waiting)}
}

type tsaHandler struct {
	s     Stamper
	o     TSAOptions
	slots chan struct{}
	queue chan struct{}
}

// ServeHTTP answers one request.
func (h *tsaHandler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := h.o.Now()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	der, err := readTSA(w, req)
	var answer tsp.Answered
	if err == nil {
		answer, err = h.answer(req.Context(), der)
	}
	var he *httpError
	if errors.As(err, &he) {
		switch he.code {
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", http.MethodPost)
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "1")
		}
		http.Error(w, he.detail, he.code)
		h.o.Log.Info("timestamp", "http", he.code, "reason", he.detail)
		return
	}
	w.Header().Set("Content-Type", typeTimeStampReply)
	w.Header().Set("Content-Length", fmt.Sprint(len(answer.DER)))
	_, werr := w.Write(answer.DER)
	h.log(req.Context(), answer, err, werr, h.o.Now().Sub(start))
}

// log writes one line. A request that is at fault is no error of the service.
func (h *tsaHandler) log(ctx context.Context, a tsp.Answered, err, werr error, took time.Duration) {
	attrs := []any{"status", a.Status.String(), "octets", len(a.DER), "took", took}
	level := slog.LevelInfo
	if a.Serial != nil {
		attrs = append(attrs, "serial", a.Serial.Text(16))
	}
	if a.Failure != "" {
		attrs = append(attrs, "failure", a.Failure)
	}
	var theirs *tsp.Error
	if err != nil && !errors.As(err, &theirs) {
		level = slog.LevelError
		attrs = append(attrs, "error", err)
	}
	if werr != nil {
		attrs = append(attrs, "write", "aborted")
	}
	h.o.Log.Log(ctx, level, "timestamp", attrs...)
}

// answer waits for a turn, for at most Timeout.
func (h *tsaHandler) answer(ctx context.Context, der []byte) (tsp.Answered, error) {
	busy := &httpError{http.StatusServiceUnavailable, "too many requests"}
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return tsp.Answered{}, busy
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return h.s.Answer(ctx, der)
	case <-ctx.Done():
		return tsp.Answered{}, busy
	}
}

// readTSA returns the DER of the request. What is wrong with the transport is
// a matter of HTTP; everything else is for the authority.
func readTSA(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	if req.Method != http.MethodPost {
		return nil, &httpError{http.StatusMethodNotAllowed, "only POST"}
	}
	if t, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || t != typeTimeStampQuery {
		return nil, &httpError{http.StatusUnsupportedMediaType, "the content type is not " + typeTimeStampQuery}
	}
	tooLong := &httpError{http.StatusRequestEntityTooLarge, "the request is too long"}
	if req.ContentLength > limits.TimeStampRequestSize {
		return nil, tooLong
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, limits.TimeStampRequestSize))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, tooLong
	}
	if err != nil {
		return nil, &httpError{http.StatusBadRequest, "the body cannot be read"}
	}
	return body, nil
}

// TSAHealthHandler answers GET with 200 if the authority could issue a token
// now, else with 503. The body is JSON; why it could not stands in the log.
func TSAHealthHandler(s Stamper, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		status, code := "ok", http.StatusOK
		if err := s.Health(); err != nil {
			status, code = "unavailable", http.StatusServiceUnavailable
			log.Error("health", "error", err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(map[string]string{"status": status}) //nolint:errcheck,gosec,errchkjson // the client went away
	})
}
