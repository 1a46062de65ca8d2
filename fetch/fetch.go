// Package fetch brings evidence over HTTP: certificate revocation lists from
// distribution points (RFC 5280, section 4.2.1.13), OCSP responses from
// responders (RFC 6960, appendix A), certificates of issuers (RFC 5280, section
// 4.2.2.1) and time stamps (RFC 3161, section 3.4). A [Fetcher] is a
// revocation.Source. What it brought it can keep in a directory that processes
// share.
//
// Addresses come out of certificates, which anybody can write. So every
// request is bounded in size, time and redirects, carries no cookies and no
// credentials, and goes to no loopback, link-local, private or metadata
// address unless the caller allows it; the guard looks at the address that is
// dialled, after name resolution, on every redirect. What comes back is parsed
// and not judged.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// Options bounds what a Fetcher may do. The zero value has the documented
// defaults and is safe for addresses out of certificates.
type Options struct {
	// Offline forbids every connection: each call fails with ErrOffline.
	Offline bool
	// AllowPrivate lifts the address guard, for an authority inside the
	// caller's own network and for tests.
	AllowPrivate bool
	// TypedURLs are addresses that the person typed: their hosts, at these
	// ports, may be private. A redirect from there to another private address
	// is refused like any other.
	TypedURLs []string
	// UnsafeProxyFromEnvironment sends requests through the proxy that
	// HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. The address guard does not hold
	// then: names are resolved by the proxy. Without it these are ignored.
	UnsafeProxyFromEnvironment bool
	// Timeout bounds one call with all its attempts; zero means 60 s.
	Timeout time.Duration
	// AttemptTimeout bounds one attempt at one address, for a revocation list
	// (which may be large) until its first octet; zero means 10 s.
	AttemptTimeout time.Duration
	// MaxCRL and MaxOCSP bound a body in octets; zero means limits.FetchCRL
	// and limits.OCSPResponseSize.
	MaxCRL, MaxOCSP int64
	// PerHost bounds the requests to one host at a time; zero means 4.
	PerHost int
	// CacheSize bounds the octets of evidence that are kept in memory; zero
	// means limits.FetchCache, negative keeps nothing.
	CacheSize int64
	// CacheAge bounds how long evidence is reused without asking again, and
	// nextUpdate does too; zero means 1 h.
	CacheAge time.Duration
	// CacheDir keeps evidence on disk, shared by processes; empty keeps none.
	// It is made, with the mode 0700, when there is something to keep. Offline,
	// what lies there is all there is.
	CacheDir string
	// DiskSize bounds the octets in CacheDir; zero means limits.FetchDisk.
	DiskSize int64
	// OCSPURL, if not empty, is asked instead of the responders that the
	// certificate names.
	OCSPURL string
	// Now is the clock of the cache and of the nonce's freshness; nil means
	// time.Now.
	Now func() time.Time
	// Rand makes nonces; nil means crypto/rand.
	Rand io.Reader
	// UserAgent is sent with each request; empty sends none.
	UserAgent string

	resolver *net.Resolver // of tests; nil: the system's
}

// Kind says why evidence could not be had.
type Kind string

// The kinds of [Error].
const (
	KindOffline  Kind = "offline"   // connections are forbidden
	KindNoURL    Kind = "no-url"    // the certificate names no address of this sort
	KindScheme   Kind = "scheme"    // ldap, ftp and others are not supported
	KindAddress  Kind = "address"   // the address guard refused
	KindNetwork  Kind = "network"   // name resolution, connection, TLS
	KindTimeout  Kind = "timeout"   // too slow
	KindRedirect Kind = "redirect"  // too many redirects, or one to another scheme
	KindStatus   Kind = "http"      // the server answered with an error; Error.HTTP has it
	KindTooLarge Kind = "too-large" // the body exceeds its bound
	KindContent  Kind = "content"   // the body is not what was asked for
)

// ErrOffline is in the chain of every error of an offline Fetcher.
var ErrOffline = errors.New("fetch: connections are forbidden")

// Error says what failed at which address.
type Error struct {
	Kind   Kind
	URL    string // without user information and query; empty for KindOffline and KindNoURL
	HTTP   int    // HTTP status for KindStatus
	Detail string
	Err    error
}

// Error returns the address, the detail and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("fetch: ")
	if e.URL != "" {
		b.WriteString(e.URL + ": ")
	}
	b.WriteString(e.Detail)
	if e.Err != nil && e.Detail != "" {
		b.WriteString(": ")
	}
	if e.Err != nil {
		b.WriteString(strings.TrimPrefix(e.Err.Error(), "fetch: "))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fetcher fetches and remembers. It may be used concurrently.
type Fetcher struct {
	o      Options
	client *http.Client
	hosts  hostLocks
	cache  *cache
	disk   *disk // nil: none
}

var _ revocation.Source = (*Fetcher)(nil)

// New makes a Fetcher.
func New(o Options) *Fetcher {
	setDefault(&o.Timeout, 60*time.Second)
	setDefault(&o.AttemptTimeout, 10*time.Second)
	setDefault(&o.MaxCRL, limits.FetchCRL)
	setDefault(&o.MaxOCSP, limits.OCSPResponseSize)
	setDefault(&o.PerHost, 4)
	setDefault(&o.CacheSize, limits.FetchCache)
	setDefault(&o.CacheAge, time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.DiskSize, limits.FetchDisk)
	f := &Fetcher{o: o, cache: newCache(o.CacheSize)}
	if o.CacheDir != "" {
		f.disk = &disk{dir: o.CacheDir, limit: o.DiskSize, now: o.Now}
	}
	f.hosts.limit = o.PerHost
	f.client = newClient(o)
	return f
}

func setDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Close drops idle connections and what is remembered.
func (f *Fetcher) Close() {
	f.client.CloseIdleConnections()
	f.cache.clear()
}

// offline is the error of a call that would need a connection.
func offline() error { return &Error{Kind: KindOffline, Err: ErrOffline} }

// begin refuses offline, where nothing can be at hand either, and bounds the
// whole call.
func (f *Fetcher) begin(ctx context.Context, cached bool) (context.Context, context.CancelFunc, error) {
	if f.o.Offline && (f.disk == nil || !cached) {
		return nil, nil, offline()
	}
	ctx, cancel := context.WithTimeout(ctx, f.o.Timeout)
	return ctx, cancel, nil
}

// noURL is the error where a certificate names no address.
func noURL(what string) error {
	return &Error{Kind: KindNoURL, Detail: fmt.Sprintf("the certificate names no address of %s", what)}
}
