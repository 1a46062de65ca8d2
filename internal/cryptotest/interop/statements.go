package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// A statement is something that an authority publishes about its certificates:
// an OCSP response or a revocation list. A reader must verify it and take from
// it, for every certificate that is asked about, what the authority says.
type statement struct {
	title  string
	file   string   // in the folder statements/
	asks   []asked  // what readers must find in it
	with   []string // of a delta list: the files of the lists that it changes
	nonce  bool     // the answer to request.der, whose nonce it must repeat
	digest oid.OID  // of the CertID; "" is SHA-1
	large  bool     // only for the first set: it says nothing about algorithms
}

// asked is a certificate and what a statement says about it.
type asked struct {
	cert string // name of the file without its ending
	says string // "good", "unknown", or "revoked" with the name of the reason
}

// Answers.
const (
	saysGood    = "good"
	saysUnknown = "unknown"
	saysStolen  = "revoked keyCompromise"
	saysHeld    = "revoked certificateHold"
)

// statementDir is the folder of the statements within that of a set.
const statementDir = "statements"

// How many entries the long lists have. certtool gets only the first: its time
// grows with the square of their number, and the second takes it minutes.
const (
	manyEntries  = 2_000
	largeEntries = 100_000
)

// ocspStatements are the responses.
func ocspStatements() []statement {
	return []statement{
		{title: "OCSP: good, delegated responder named by key", file: "good.ors", asks: []asked{{"good", saysGood}}},
		{title: "OCSP: good, responder named by its name", file: "byname.ors", asks: []asked{{"good", saysGood}}},
		{title: "OCSP: good, signed by the authority itself", file: "direct.ors", asks: []asked{{"good", saysGood}}},
		{title: "OCSP: revoked with its reason", file: "revoked.ors", asks: []asked{{"stolen", saysStolen}}},
		{title: "OCSP: on hold", file: "hold.ors", asks: []asked{{"held", saysHeld}}},
		{title: "OCSP: unknown", file: "unknown.ors", asks: []asked{{"stranger", saysUnknown}}},
		{title: "OCSP: with a nonce", file: "nonce.ors", asks: []asked{{"good", saysGood}}, nonce: true},
		{title: "OCSP: CertID by Streebog-256", file: "streebog.ors", asks: []asked{{"stolen", saysStolen}}, digest: oid.Streebog256},
		{title: "OCSP: several certificates in one response", file: "batch.ors", asks: []asked{{"good", saysGood}, {"stolen", saysStolen}, {"held", saysHeld}}},
		{title: "OCSP: produced before it was asked for", file: "ahead.ors", asks: []asked{{"good", saysGood}}},
	}
}

// listStatements are the lists.
func listStatements() []statement {
	return []statement{
		{title: "list without entries", file: "empty.crl", asks: []asked{{"good", saysGood}}},
		{title: "complete list", file: "complete.crl", asks: []asked{{"good", saysGood}, {"stolen", saysStolen}, {"held", saysHeld}}},
		{title: "list of a partition", file: "partition.crl", asks: []asked{{"stolen", saysStolen}}},
		{title: "delta list", file: "delta.crl", asks: []asked{{"later", "revoked superseded"}}, with: []string{"complete.crl"}},
		{title: fmt.Sprintf("list of %d entries", manyEntries), file: "many.crl", asks: []asked{{"good", saysGood}, {"stolen", saysStolen}}},
		{title: fmt.Sprintf("list of %d entries", largeEntries), file: "large.crl", asks: []asked{{"good", saysGood}, {"stolen", saysStolen}}, large: true},
	}
}

func (s *statement) isList() bool { return strings.HasSuffix(s.file, ".crl") }

// path returns the file of a statement, or of its corrupted copy.
func (s *statement) path(damaged bool) string {
	if damaged {
		return statementDir + "/damaged-" + s.file
	}
	return statementDir + "/" + s.file
}

// A statementReader is a peer that reads statements. accept returns nil if it
// verifies the file and says what it must, and errUnoffered where it has no
// command for that.
type statementReader interface {
	party
	acceptStatement(c *call, s *statement, damaged bool) error
}

// statementKey addresses a cell of the second table.
type statementKey struct{ file, peer, set string }

// statementCell is what a peer made of a statement and of its corrupted copy;
// refused is nil where the copy was refused.
type statementCell struct{ accepted, refused error }

// statementSets are the sets of the second table: one of each length of keys
// that every peer knows. The first table has the signatures of all sets.
func (m *matrix) statementSets() []paramset {
	var out []paramset
	for _, s := range m.sets {
		if s.name == "cryptopro-a" || s.name == "tc26-512-a" {
			out = append(out, s)
		}
	}
	return out
}

// runStatements makes the statements of the sets and lets every peer read them.
func (m *matrix) runStatements(ctx context.Context) error {
	for i, set := range m.statementSets() {
		c := &call{ctx: ctx, tools: m.tools, set: set, work: filepath.Join(m.tools.dir, set.name)}
		list, err := makeStatements(c, i == 0)
		if err != nil {
			return fmt.Errorf("statements, %s: %w", set.name, err)
		}
		for n := range list {
			for _, p := range m.peers {
				r, ok := p.(statementReader)
				if !ok {
					continue
				}
				m.readStatement(c, r, &list[n])
			}
		}
	}
	return nil
}

func (m *matrix) readStatement(c *call, r statementReader, s *statement) {
	k := c.recorded()
	cell := statementCell{accepted: r.acceptStatement(k, s, false)}
	switch {
	case errors.Is(cell.accepted, errUnoffered):
		cell.refused = errUnoffered
	case r.acceptStatement(c.recorded(), s, true) == nil:
		cell.refused = &refusal{r.name(), errAcceptsDamage, errAcceptsDamage.Error()}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.statements == nil {
		m.statements = map[statementKey]statementCell{}
		m.statementLines = map[statementKey][]string{}
	}
	key := statementKey{s.file, r.name(), c.set.name}
	m.statements[key] = cell
	if cell.accepted == nil {
		m.statementLines[key] = k.lines
	}
}

// ocspIdentifier is the digest of a statement's CertID.
func (s *statement) ocspIdentifier() alg.Identifier {
	if s.digest == "" {
		return ocsp.SHA1()
	}
	return alg.Identifier{OID: s.digest}
}

// damage writes the corrupted copy: one bit of the signature is changed.
func (s *statement) damage(c *call) error {
	b, err := c.read(s.path(false))
	if err != nil {
		return err
	}
	at := len(b) - 1 // a list ends with its signature
	if !s.isList() {
		if at, err = weakSpot(ocspResponse, b, c.set); err != nil {
			return err
		}
	}
	b[at] ^= 1
	return c.write(s.path(true), b)
}

// expectation is what the readers' commands must print for a certificate.
func (a asked) revoked() bool { return strings.HasPrefix(a.says, "revoked") }

// reason is the name of the reason as RFC 5280 writes it.
func (a asked) reason() string {
	_, reason, _ := strings.Cut(a.says, " ")
	return reason
}

// file is the certificate in DER or PEM.
func (a asked) file(ending string) string { return statementDir + "/" + a.cert + ending }

// makeStatements founds an authority with certificates in every state and
// writes what it says about them.
func makeStatements(c *call, first bool) ([]statement, error) {
	if err := os.MkdirAll(filepath.Join(c.work, statementDir), 0o700); err != nil {
		return nil, err
	}
	p := &publisher{c: c, started: time.Now().UTC().Truncate(time.Second)}
	defer p.close()
	if err := p.open(); err != nil {
		return nil, err
	}
	var all []statement
	for _, s := range append(ocspStatements(), listStatements()...) {
		if s.large && !first {
			continue
		}
		all = append(all, s)
	}
	if err := p.makeAll(all); err != nil {
		return nil, err
	}
	for n := range all {
		if err := all[n].damage(c); err != nil {
			return nil, fmt.Errorf("%s: %w", all[n].file, err)
		}
	}
	return all, nil
}
