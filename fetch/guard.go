package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/idna"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// errGuard is in the chain of the error when the address guard refuses.
var errGuard = errors.New("fetch: the address is not public")

// errDead is in the chain where a host did not answer a moment ago.
var errDead = errors.New("fetch: the host could not be reached a moment ago")

// forbidden are the special-purpose networks (IANA registries, RFC 6890) that
// the methods of netip.Addr do not name: what is reached there is never a
// public service, and some of it is the caller's own infrastructure.
var forbidden = func() []netip.Prefix {
	list := [...]string{
		"0.0.0.0/8",         // this network (RFC 791)
		"100.64.0.0/10",     // shared address space (RFC 6598); metadata services of clouds
		"192.0.0.0/24",      // IETF protocol assignments
		"192.0.2.0/24",      // documentation
		"192.88.99.0/24",    // 6to4 relays, deprecated (RFC 7526)
		"198.18.0.0/15",     // benchmarking
		"198.51.100.0/24",   // documentation
		"203.0.113.0/24",    // documentation
		"240.0.0.0/4",       // reserved, and the limited broadcast
		"::/96",             // IPv4-compatible, deprecated: would reach private IPv4
		"::ffff:0:0:0/96",   // IPv4-translated (RFC 2765): would reach private IPv4
		"64:ff9b:1::/48",    // NAT64 for local use (RFC 8215)
		"100::/64",          // discard
		"2001::/23",         // Teredo and other protocol assignments
		"2001:db8::/32",     // documentation
		"2002::/16",         // 6to4: would reach private IPv4
		"3fff::/20",         // documentation (RFC 9637)
		"5f00::/16",         // segment routing (RFC 9602)
		"fec0::/10",         // site-local, deprecated
		"168.63.129.16/32",  // a cloud's metadata service at a public number
		"fd00:ec2::254/128", // a cloud's metadata service; unique local, so refused already
	}
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}()

// nat64 is how IPv4 is reached from networks that have only IPv6 (RFC 6052,
// section 2.1); the address behind it is judged.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// public says whether an address may be dialled.
func public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		raw := a.As16()
		return public(netip.AddrFrom4([4]byte(raw[12:])))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() {
		return false // also unspecified, multicast and link-local (169.254.169.254)
	}
	for _, p := range forbidden {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// guard is the Control of the dialer: it sees the address that is about to be
// connected, after name resolution, so a name that changes its address between
// check and use gains nothing.
func guard(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q", errGuard, address)
	}
	if !public(ap.Addr()) {
		return fmt.Errorf("%w: %s", errGuard, ap.Addr())
	}
	return nil
}

// A dialer connects to what may be connected: what the guard lets pass, and
// the hosts that a person typed. It remembers for a moment who cannot be
// reached.
type dialer struct {
	guarded, free net.Dialer
	typed         map[string]bool // host:port
	dead          deadHosts
}

// newDialer makes the dialer of a Fetcher.
func newDialer(o Options) *dialer {
	d := &dialer{typed: map[string]bool{}, dead: deadHosts{now: o.Now}}
	d.free = net.Dialer{Timeout: min(5*time.Second, o.AttemptTimeout), KeepAlive: 15 * time.Second, Resolver: o.resolver}
	d.guarded = d.free
	if !o.AllowPrivate {
		d.guarded.Control = guard
	}
	for _, raw := range o.TypedURLs {
		if u, err := url.Parse(strings.TrimSpace(raw)); err == nil {
			d.typed[hostPort(u)] = true
		}
	}
	return d
}

// hostPort is where a URL leads, in the form that net/http dials.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := u.Hostname()
	// An internationalized name is dialled in its ASCII form (RFC 5891).
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return strings.ToLower(net.JoinHostPort(host, port))
}

// dial is the DialContext of the transport.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	key := strings.ToLower(address)
	if d.typed[key] {
		return d.free.DialContext(ctx, network, address)
	}
	if d.dead.has(key) {
		return nil, errDead
	}
	c, err := d.guarded.DialContext(ctx, network, address)
	// Who was too impatient, or not allowed, learnt nothing about the host.
	if err != nil && ctx.Err() == nil && !errors.Is(err, errGuard) {
		d.dead.add(key)
	}
	return c, err
}

// deadHosts remembers who could not be reached, for deadFor: a certificate may
// name ten addresses on one host that is gone.
type deadHosts struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[string]time.Time
}

func (d *deadHosts) has(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	until, ok := d.until[key]
	if ok && !d.now().Before(until) {
		delete(d.until, key)
		return false
	}
	return ok
}

func (d *deadHosts) add(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.until == nil || len(d.until) >= limits.FetchDead {
		d.until = make(map[string]time.Time)
	}
	d.until[key] = d.now().Add(deadFor)
}
