package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

var (
	errRedirects = fmt.Errorf("fetch: more than %d redirects", limits.FetchRedirects)
	errScheme    = errors.New("fetch: the scheme is not http or https")
)

// newClient makes the client of a Fetcher: no cookies, no proxy, no
// compression (a compressed body would grow past its bound unseen), bounded
// headers.
func newClient(o Options) *http.Client {
	d := &net.Dialer{Timeout: min(5*time.Second, o.AttemptTimeout), KeepAlive: 15 * time.Second}
	if !o.AllowPrivate {
		d.Control = guard
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            d.DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  o.AttemptTimeout,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
			MaxConnsPerHost:        o.PerHost,
			MaxIdleConns:           16,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: checkRedirect,
	}
}

// checkRedirect bounds the redirects and keeps them on HTTP. The address of
// each is guarded where it is dialled.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > limits.FetchRedirects {
		return errRedirects
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return fmt.Errorf("%w: %q", errScheme, req.URL.Scheme)
	}
	if req.URL.User != nil {
		return errors.New("fetch: a redirect carries credentials")
	}
	req.Header.Del("Referer")
	return nil
}

// query is one HTTP request.
type query struct {
	url    string
	body   []byte // nil: GET
	kind   string // Content-Type of body
	accept string
	max    int64
	large  bool // the body may take as long as the whole call
}

// parseURL accepts http and https without credentials.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return nil, &Error{Kind: KindScheme, Detail: "not a URL", Err: err}
	}
	switch {
	case u.Scheme == "ldap" || u.Scheme == "ldaps":
		return nil, &Error{Kind: KindScheme, URL: show(u), Detail: "LDAP is not supported"}
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, &Error{Kind: KindScheme, URL: show(u), Err: fmt.Errorf("%w: %q", errScheme, u.Scheme)}
	case u.Host == "":
		return nil, &Error{Kind: KindScheme, URL: show(u), Detail: "the URL names no host"}
	case u.User != nil:
		return nil, &Error{Kind: KindScheme, URL: show(u), Detail: "the URL carries credentials"}
	}
	return u, nil
}

// show prints a URL for messages: no credentials, no query.
func show(u *url.URL) string {
	c := *u
	c.User, c.RawQuery, c.Fragment = nil, "", ""
	return c.String()
}

// do makes one attempt and returns the body.
func (f *Fetcher) do(ctx context.Context, q query) ([]byte, error) {
	u, err := parseURL(q.url)
	if err != nil {
		return nil, err
	}
	patience := f.o.AttemptTimeout
	if q.large {
		patience = f.o.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	release, err := f.hosts.acquire(ctx, u.Host)
	if err != nil {
		return nil, classify(u, err)
	}
	defer release()
	method, body := http.MethodGet, io.Reader(nil)
	if q.body != nil {
		method, body = http.MethodPost, bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, &Error{Kind: KindScheme, URL: show(u), Err: err}
	}
	if q.kind != "" {
		req.Header.Set("Content-Type", q.kind)
	}
	req.Header.Set("Accept", q.accept)
	req.Header.Set("User-Agent", f.o.UserAgent) // empty: none is sent
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, classify(u, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &Error{
			Kind: KindStatus, URL: show(u), HTTP: resp.StatusCode,
			Detail: fmt.Sprintf("HTTP status %d", resp.StatusCode),
		}
	}
	return readBody(u, resp, q.max)
}

// readBody reads at most limit octets. What a server declares too large is not
// read at all.
func readBody(u *url.URL, resp *http.Response, limit int64) ([]byte, error) {
	tooLarge := &Error{Kind: KindTooLarge, URL: show(u), Detail: fmt.Sprintf("the body is longer than %d octets", limit)}
	if resp.ContentLength > limit {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, classify(u, err)
	}
	if int64(len(data)) > limit {
		return nil, tooLarge
	}
	return data, nil
}

// classify turns an error of net/http into one with a kind.
func classify(u *url.URL, err error) error {
	e := &Error{Kind: KindNetwork, URL: show(u), Err: err}
	var ue *url.Error
	if errors.As(err, &ue) {
		e.Err = ue.Err // without the URL, which may have a query
	}
	var ne net.Error
	switch {
	case errors.Is(err, errGuard):
		e.Kind, e.Err = KindAddress, errGuard
		e.Detail = "refused"
	case errors.Is(err, errRedirects) || errors.Is(err, errScheme):
		e.Kind = KindRedirect
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout():
		e.Kind, e.Detail = KindTimeout, "no answer in time"
	}
	return e
}

// hostLocks bounds the requests to one host at a time.
type hostLocks struct {
	limit int
	mu    sync.Mutex
	hosts map[string]*hostLock
}

type hostLock struct {
	slots chan struct{}
	users int // waiting or holding a slot
}

// acquire waits for a slot of host and returns its release.
func (h *hostLocks) acquire(ctx context.Context, host string) (func(), error) {
	host = strings.ToLower(host)
	h.mu.Lock()
	if h.hosts == nil {
		h.hosts = make(map[string]*hostLock)
	}
	l := h.hosts[host]
	if l == nil {
		l = &hostLock{slots: make(chan struct{}, h.limit)}
		h.hosts[host] = l
	}
	l.users++
	h.mu.Unlock()
	leave := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(h.hosts, host)
		}
	}
	select {
	case l.slots <- struct{}{}:
		return func() { <-l.slots; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
