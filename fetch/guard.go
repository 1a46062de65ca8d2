package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// errGuard is in the chain of the error when the address guard refuses.
var errGuard = errors.New("fetch: the address is not public")

// forbidden are the special-purpose networks (IANA registries, RFC 6890) that
// the methods of netip.Addr do not name: what is reached there is never a
// public service, and some of it is the caller's own infrastructure.
var forbidden = func() []netip.Prefix {
	list := [...]string{
		"0.0.0.0/8",       // this network (RFC 791)
		"100.64.0.0/10",   // shared address space (RFC 6598); metadata services of clouds
		"192.0.0.0/24",    // IETF protocol assignments
		"192.0.2.0/24",    // documentation
		"198.18.0.0/15",   // benchmarking
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"240.0.0.0/4",     // reserved, and the limited broadcast
		"64:ff9b::/96",    // IPv4 behind NAT64: would reach private IPv4
		"64:ff9b:1::/48",  // the same, local use
		"100::/64",        // discard
		"2001::/23",       // Teredo and other protocol assignments
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4: would reach private IPv4
		"fec0::/10",       // site-local, deprecated
	}
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}()

// public says whether an address may be dialled.
func public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
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
