// Package server has the HTTP handlers of an authority: the OCSP responder
// (RFC 6960, appendix A; caching by RFC 5019, section 6), the CRL and the
// issuer's certificate, and an http.Server with bounded times.
//
// The logs say what happened and how long it took, never about whom: no serial
// number, no name, no client address.
package server

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
)

const (
	typeOCSPRequest  = "application/ocsp-request"
	typeOCSPResponse = "application/ocsp-response"
)

// Answerer answers OCSP requests; [*ocsp.Responder] is one.
type Answerer interface {
	Answer(ctx context.Context, request []byte) (ocsp.Answered, error)
}

// requestAnswerer is an Answerer of this package, for a request that was parsed
// already.
type requestAnswerer interface {
	Answerer
	// keptAnswer returns an answer that is there already and right.
	keptAnswer(req *ocsp.Request) (ocsp.Answered, bool)
	answerRequest(ctx context.Context, req *ocsp.Request) (ocsp.Answered, error)
}

// ownAnswerer returns r as a requestAnswerer where it is one of this package
// itself: one that is embedded in another type has these methods too, and its
// Answer is another.
func ownAnswerer(r Answerer) (requestAnswerer, bool) {
	switch r := r.(type) {
	case *OCSPCache:
		return r, true
	case *OCSPIssuers:
		return r, true
	}
	return nil, false
}

// answerParsed asks a responder without parsing the request again, if it can.
func answerParsed(ctx context.Context, r Answerer, req *ocsp.Request) (ocsp.Answered, error) {
	if own, ok := ownAnswerer(r); ok {
		return own.answerRequest(ctx, req)
	}
	if r, ok := r.(*ocsp.Responder); ok {
		return r.AnswerRequest(ctx, req)
	}
	return r.Answer(ctx, req.Raw)
}

// OCSPOptions tunes the handler. The zero value is good.
type OCSPOptions struct {
	Log      *slog.Logger     // nil: no log
	Now      func() time.Time // nil: time.Now
	Timeout  time.Duration    // of one answer; zero means 10 s
	Parallel int              // answers that are computed at a time; zero means 64
	// MaxAge bounds how old a response may become in a shared cache, counted
	// from producedAt, so that the time in an [OCSPCache] is part of it;
	// nextUpdate bounds it too. Zero or less: responses are not cached, so that
	// a revocation shows in the next answer.
	MaxAge time.Duration
}

// OCSPHandler answers POST with a body and GET with the request in Base64 as
// the path; mount it in a [Router], which strips the prefix and cleans nothing.
// Every request that reaches the responder is answered with HTTP status 200 and an
// OCSPResponse, error statuses included (RFC 6960, section 2.3).
func OCSPHandler(r Answerer, o OCSPOptions) http.Handler {
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
		o.Parallel = 64
	}
	h := &ocspHandler{r: r, o: o, slots: make(chan struct{}, o.Parallel)}
	h.fixed.noSniff, h.fixed.contentType = []string{"nosniff"}, []string{typeOCSPResponse}
	h.fixed.expired = []string{"max-age=0, must-revalidate"}
	return h
}

type ocspHandler struct {
	r     Answerer
	o     OCSPOptions
	slots chan struct{}
	// The values of headers that every answer has, under their canonical names;
	// they have no room in which somebody could append.
	fixed struct{ noSniff, contentType, expired []string }
}

// httpError is what the transport, not the responder, has to say.
type httpError struct {
	code   int
	detail string
}

func (e *httpError) Error() string { return fmt.Sprintf("%d: %s", e.code, e.detail) }

// ServeHTTP answers one request.
func (h *ocspHandler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := h.o.Now()
	w.Header()["X-Content-Type-Options"] = h.fixed.noSniff
	der, err := h.read(w, req)
	var he *httpError
	if errors.As(err, &he) {
		if he.code == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "GET, POST")
		}
		http.Error(w, he.detail, he.code)
		h.o.Log.Info("ocsp", "http", he.code, "reason", he.detail)
		return
	}
	answer, err := h.answer(req.Context(), der)
	tag := h.headers(w, req.Method, answer)
	var werr error
	if tag != "" && req.Header.Get("If-None-Match") == tag {
		w.Header().Del("Content-Type")
		w.Header().Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
	} else {
		w.WriteHeader(http.StatusOK)
		_, werr = w.Write(answer.DER)
	}
	level := slog.LevelInfo
	if answer.Status == ocsp.InternalError || answer.Status == ocsp.TryLater {
		level = slog.LevelError
	}
	if !h.o.Log.Enabled(req.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.String("method", req.Method), slog.String("status", answer.Status.String()),
		slog.Int("octets", len(answer.DER)), slog.Duration("took", h.o.Now().Sub(start)))
	if level == slog.LevelError && err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	if werr != nil {
		attrs = append(attrs, slog.String("write", "aborted"))
	}
	h.o.Log.LogAttrs(req.Context(), level, "ocsp", attrs...)
}

// answer gives an answer that is there already at once. For any other it waits
// for a slot, so that a flood costs waiting and not memory.
func (h *ocspHandler) answer(ctx context.Context, der []byte) (ocsp.Answered, error) {
	req, malformed := ocsp.ParseRequest(der)
	if r, ok := ownAnswerer(h.r); ok && malformed == nil {
		if a, ok := r.keptAnswer(req); ok {
			return a, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return ocsp.Answered{DER: ocsp.CreateErrorResponse(ocsp.TryLater), Status: ocsp.TryLater}, ctx.Err()
	}
	if malformed != nil {
		return h.r.Answer(ctx, der) // it says so in its own words
	}
	return answerParsed(ctx, h.r, req)
}

// read returns the DER of the request. A body that is too long or a path that
// is no Base64 is a matter of HTTP; everything else is for the responder.
func (h *ocspHandler) read(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	switch req.Method {
	case http.MethodPost:
		// RFC 6960, appendix A.1: "the Content-Type header has the value
		// "application/ocsp-request"".
		if !isOCSPRequest(req.Header.Get("Content-Type")) {
			return nil, &httpError{http.StatusUnsupportedMediaType, "the content type is not " + typeOCSPRequest}
		}
		if req.ContentLength > limits.OCSPRequestSize {
			return nil, &httpError{http.StatusRequestEntityTooLarge, "the request is too long"}
		}
		if req.ContentLength > 0 { // the length is kept by net/http
			body := make([]byte, req.ContentLength)
			if _, err := io.ReadFull(req.Body, body); err != nil {
				return nil, &httpError{http.StatusBadRequest, "the body cannot be read"}
			}
			return body, nil
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, limits.OCSPRequestSize))
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return nil, &httpError{http.StatusRequestEntityTooLarge, "the request is too long"}
		}
		if err != nil {
			return nil, &httpError{http.StatusBadRequest, "the body cannot be read"}
		}
		return body, nil
	case http.MethodGet:
		return fromPath(req.URL.Path)
	}
	return nil, &httpError{http.StatusMethodNotAllowed, "only GET and POST"}
}

// isOCSPRequest compares a media type, whatever its letter case and parameters.
func isOCSPRequest(contentType string) bool {
	if contentType == typeOCSPRequest {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == typeOCSPRequest
}

// fromPath decodes GET {url}/{url-encoding of base-64 encoding of the DER
// encoding of the OCSPRequest} (RFC 6960, appendix A.1). The path is already
// unescaped; Base64 may itself contain slashes, so all of it is taken. Clients
// that do not escape "+" have it arrive as a space at worst.
func fromPath(path string) ([]byte, error) {
	text := strings.ReplaceAll(strings.TrimPrefix(path, "/"), " ", "+")
	if text == "" {
		return nil, &httpError{http.StatusBadRequest, "the path holds no OCSP request"}
	}
	if len(text) > base64.StdEncoding.EncodedLen(limits.OCSPRequestSize) {
		return nil, &httpError{http.StatusRequestURITooLong, "the request is too long"}
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		der, err = base64.RawStdEncoding.DecodeString(text) // the padding is often lost
	}
	if err != nil {
		return nil, &httpError{http.StatusBadRequest, "the path is not Base64"}
	}
	return der, nil
}

// headers sets what RFC 5019, section 6.2 recommends for an authoritative
// answer that may be cached, and returns its ETag; a nonce, a POST, an error
// status or MaxAge 0 forbid it, and "" is returned.
func (h *ocspHandler) headers(w http.ResponseWriter, method string, a ocsp.Answered) string {
	hd := w.Header()
	hd["Content-Type"] = h.fixed.contentType
	hd.Set("Content-Length", strconv.Itoa(len(a.DER)))
	now := h.o.Now()
	age := min(h.o.MaxAge, a.NextUpdate.Sub(now))
	if !a.ProducedAt.IsZero() {
		age = min(age, h.o.MaxAge-now.Sub(a.ProducedAt))
	}
	// "OCSP responders MUST NOT include a […] "Cache-Control: no-cache", or
	// "Cache-Control: no-store" header in authoritative OCSP responses": what
	// is not to be kept expires at once instead.
	switch {
	case a.Status != ocsp.Successful:
		hd.Set("Cache-Control", "no-store")
		return ""
	case method != http.MethodGet || a.HasNonce || age < time.Second:
		hd["Cache-Control"] = h.fixed.expired
		return ""
	}
	sum := sha1.Sum(a.DER) // an ETag, as RFC 5019, section 6.2 recommends
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	hd.Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", int(age.Seconds())))
	hd.Set("Last-Modified", a.ThisUpdate.UTC().Format(http.TimeFormat))
	hd.Set("Expires", a.NextUpdate.UTC().Format(http.TimeFormat))
	hd.Set("ETag", tag)
	return tag
}
