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

// newClient makes the client of a Fetcher: no cookies, no proxy unless the
// caller asks for it, no compression (a compressed body would grow past its
// bound unseen), bounded headers.
func newClient(o Options) *http.Client {
	t := &http.Transport{
		DialContext:            newDialer(o).dial,
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  o.AttemptTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		MaxConnsPerHost:        o.PerHost,
		MaxIdleConns:           16,
		IdleConnTimeout:        30 * time.Second,
	}
	if o.UnsafeProxyFromEnvironment {
		t.Proxy = http.ProxyFromEnvironment
		t.DialContext = (&net.Dialer{Timeout: min(5*time.Second, o.AttemptTimeout)}).DialContext
	}
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}
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

	etag, modified string // validators of what is at hand (RFC 9110, section 13.1)
}

// parseURL accepts http and https without credentials.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return nil, &Error{Kind: KindScheme, Detail: "not a URL", Err: err}
	}
	switch {
	case len(raw) > limits.FetchURL:
		return nil, &Error{Kind: KindScheme, Detail: fmt.Sprintf("the URL is longer than %d octets", limits.FetchURL)}
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

// A reply is an answer with status 200 or 304 whose body is to be read.
type reply struct {
	*http.Response
	url   *url.URL
	close func()
}

// send makes one attempt. The caller closes the reply.
func (f *Fetcher) send(ctx context.Context, q query) (_ *reply, err error) {
	u, err := parseURL(q.url)
	if err != nil {
		return nil, err
	}
	patience := f.o.AttemptTimeout
	if q.large {
		patience = f.o.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	release, err := f.hosts.acquire(ctx, u.Host)
	if err != nil {
		cancel()
		return nil, classify(u, err)
	}
	done := func() { release(); cancel() }
	defer func() {
		if err != nil {
			done()
		}
	}()
	req, err := q.request(ctx, u)
	if err != nil {
		return nil, &Error{Kind: KindScheme, URL: show(u), Err: err}
	}
	req.Header.Set("User-Agent", f.o.UserAgent) // empty: none is sent
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, classify(u, err)
	}
	unchanged := resp.StatusCode == http.StatusNotModified && q.conditional()
	if resp.StatusCode != http.StatusOK && !unchanged {
		resp.Body.Close() //nolint:errcheck,gosec // nothing of it is used
		return nil, &Error{
			Kind: KindStatus, URL: show(u), HTTP: resp.StatusCode,
			Detail: fmt.Sprintf("HTTP status %d", resp.StatusCode),
		}
	}
	return &reply{resp, u, func() { resp.Body.Close(); done() }}, nil //nolint:errcheck,gosec // read to its end or given up
}

// request makes the HTTP request of a query.
func (q query) request(ctx context.Context, u *url.URL) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if q.body != nil {
		method, body = http.MethodPost, bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Type": q.kind, "Accept": q.accept, "If-None-Match": q.etag, "If-Modified-Since": q.modified,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

// conditional says whether an answer "304 Not Modified" can be understood.
func (q query) conditional() bool { return q.etag != "" || q.modified != "" }

// object makes one attempt and returns the body, taken out of PEM or Base64,
// and how long it may be used.
func (f *Fetcher) object(ctx context.Context, q query, what string) ([]byte, time.Duration, error) {
	r, err := f.send(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	defer r.close()
	data, err := r.read(q.max)
	if err != nil {
		return nil, 0, err
	}
	data, err = f.decode(want{q: q, what: what}, data)
	return data, f.lifetime(r.Header), err
}

// copy writes the body of a reply to w, at most limit octets. What a server declares too large is not
// read at all.
func (r *reply) copy(w io.Writer, limit int64) error {
	tooLarge := &Error{Kind: KindTooLarge, URL: show(r.url), Detail: fmt.Sprintf("the body is longer than %d octets", limit)}
	if r.ContentLength > limit {
		return tooLarge
	}
	n, err := io.Copy(w, io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return classify(r.url, err)
	case n > limit:
		return tooLarge
	}
	return nil
}

func (r *reply) read(limit int64) ([]byte, error) {
	var b bytes.Buffer
	if err := r.copy(&b, limit); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
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
	case errors.Is(err, errDead):
		e.Err = errDead
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
