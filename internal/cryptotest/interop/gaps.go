package main

import (
	"errors"
	"slices"
	"strings"
)

// errUnoffered means that a peer has no command for a row.
var errUnoffered = errors.New("the peer has no command for this")

// A gap is a cell that is expected not to work, for a reason that is the
// peer's. A gap that closes, or whose error changes, fails the run: the table
// must say what is so.
type gap struct {
	peer      string
	dir       direction
	rows      []row    // nil: all
	sets      []string // nil: all
	pattern   string   // what the peer says must contain this
	unoffered bool     // the peer has no command: nothing was run
	note      string   // for the footnote
}

var gnutlsUnknown = []string{"cryptopro-b", "cryptopro-c", "cryptopro-xchb", "tc26-256-a", "tc26-256-c", "tc26-256-d", "tc26-512-b", "tc26-512-c"}

// declaredGaps returns every gap that is known.
func declaredGaps() []gap {
	all := slices.Clone(offers)
	for _, refusal := range gnutlsRefusals {
		for _, d := range []direction{fromUs, corrupted} {
			all = append(all, gap{peer: "GnuTLS", dir: d, rows: refusal.rows, sets: gnutlsUnknown, pattern: refusal.pattern, note: unknownSet})
		}
	}
	return append(all, blind...)
}

// offers are the gaps in what the peers make.
var offers = []gap{
	{peer: "GnuTLS", dir: fromPeer, rows: []row{cmsTwo}, unoffered: true, note: "certtool makes messages with one signer only"},
	{peer: "GnuTLS", dir: fromPeer, rows: []row{ocspResponse}, unoffered: true, note: "GnuTLS has no command that makes OCSP responses"},
	{peer: "GnuTLS", dir: fromUs, rows: []row{stampResponse}, unoffered: true, note: gnutlsNoStamps},
	{peer: "GnuTLS", dir: fromPeer, rows: []row{stampResponse}, unoffered: true, note: gnutlsNoStamps},
	{peer: "GnuTLS", dir: corrupted, rows: []row{stampResponse}, unoffered: true, note: gnutlsNoStamps},
	{peer: "GnuTLS", dir: fromPeer, rows: []row{cmsT, cmsXL, cmsA}, unoffered: true, note: "certtool puts no time stamp into a message"},
	{peer: "OpenSSL", dir: fromPeer, rows: []row{cmsT, cmsXL, cmsA}, unoffered: true, note: "openssl cms puts no time stamp into a message"},
	{peer: "Bouncy Castle", dir: fromPeer, rows: []row{cmsXL, cmsA}, unoffered: true, note: "Bouncy Castle has no code for the levels above T"},
	{peer: "GnuTLS", dir: fromPeer, sets: gnutlsUnknown, pattern: "Unsupported curve", note: unknownSet},
}

// gnutlsNoStamps is the note of RFC 3161.
const gnutlsNoStamps = "GnuTLS has no command for time stamps"

// blind are the peers that read a message with a level as CMS and see no more:
// the bit lies in the time stamp that the level adds.
var blind = []gap{
	{peer: "OpenSSL", dir: corrupted, rows: []row{cmsT, cmsXL, cmsA}, pattern: errAcceptsDamage.Error(), note: blindNote},
	{peer: "GnuTLS", dir: corrupted, rows: []row{cmsT, cmsXL, cmsA}, pattern: errAcceptsDamage.Error(), note: blindNote},
}

const blindNote = "the peer reads the message as CMS and does not look at time stamps in it; GosKlyuch refuses the damaged one"

// unknownSet is the note of a parameter set that a peer does not have.
const unknownSet = "the peer does not know the set"

// gnutlsRefusals is how GnuTLS says so of a file of ours, row by row.
var gnutlsRefusals = []struct {
	pattern string
	rows    []row
}{
	{"The certificate chain uses insecure algorithm", []row{chain}},
	{"The curve is unsupported", []row{request, crl, ocspResponse}},
	{"ASN1 parser: Error in TAG", []row{p8, p8Encrypted}},
	{"The requested data were not available", []row{pfxASCII, pfxCyrillic}},
	{"Public key signature verification has failed", []row{cmsAttached, cmsDetached, cmsTwo, cmsT, cmsXL, cmsA}},
}

// gap returns the declared gap of a cell, or nil.
func (m *matrix) gap(k cellKey) *gap {
	for i := range m.gaps {
		g := &m.gaps[i]
		if g.peer == k.peer && g.dir == k.dir && (g.rows == nil || slices.Contains(g.rows, k.row)) && (g.sets == nil || slices.Contains(g.sets, k.set)) {
			return g
		}
	}
	return nil
}

// explains reports whether err is what the gap expects.
func (g *gap) explains(err error) bool {
	if g.unoffered {
		return errors.Is(err, errUnoffered)
	}
	var said *refusal
	return errors.As(err, &said) && strings.Contains(said.said, g.pattern)
}
