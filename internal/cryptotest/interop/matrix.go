package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// A paramset is a parameter set of GOST R 34.10-2012: its name on the command
// line and its identifier (RFC 9215, section 4.2 and appendix B).
type paramset struct {
	name, oid string
	big       bool // a 512-bit key
}

var paramsets = []paramset{
	{"cryptopro-a", "1.2.643.2.2.35.1", false},
	{"cryptopro-b", "1.2.643.2.2.35.2", false},
	{"cryptopro-c", "1.2.643.2.2.35.3", false},
	{"cryptopro-xcha", "1.2.643.2.2.36.0", false},
	{"cryptopro-xchb", "1.2.643.2.2.36.1", false},
	{"tc26-256-a", "1.2.643.7.1.2.1.1.1", false},
	{"tc26-256-b", "1.2.643.7.1.2.1.1.2", false},
	{"tc26-256-c", "1.2.643.7.1.2.1.1.3", false},
	{"tc26-256-d", "1.2.643.7.1.2.1.1.4", false},
	{"tc26-512-a", "1.2.643.7.1.2.1.2.1", true},
	{"tc26-512-b", "1.2.643.7.1.2.1.2.2", true},
	{"tc26-512-c", "1.2.643.7.1.2.1.2.3", true},
}

// bits is the size as it stands in the names of algorithms.
func (p paramset) bits() string {
	if p.big {
		return "512"
	}
	return "256"
}

// A row is one kind of file.
type row int

const (
	chain row = iota
	request
	crl
	p8
	p8Encrypted
	pfxASCII
	pfxCyrillic
	cmsAttached
	cmsDetached
	cmsTwo
	ocspResponse
	stampResponse
	cmsT
	cmsXL
	cmsA
	rowCount
)

// rows gives each kind its title and the file that is handed over; the other
// files of a producer (certificates, document) accompany it.
var rows = [rowCount]struct{ title, file string }{
	chain:         {"certificate chain (root, intermediate, leaf)", "leaf.cer"},
	request:       {"request (PKCS #10)", "leaf.csr"},
	crl:           {"revocation list", "sub.crl"},
	p8:            {"PKCS #8, plain", "leaf.p8"},
	p8Encrypted:   {"PKCS #8, encrypted", "leaf-encrypted.p8"},
	pfxASCII:      {"PFX, ASCII password", "ascii.pfx"},
	pfxCyrillic:   {"PFX, Cyrillic password", "cyrillic.pfx"},
	cmsAttached:   {"CMS, attached", "attached.p7s"},
	cmsDetached:   {"CMS, detached", "detached.p7s"},
	cmsTwo:        {"CMS, two signers", "two.p7s"},
	ocspResponse:  {"OCSP response", "ocsp.der"},
	stampResponse: {"time-stamp response (RFC 3161)", "stamp.tsr"},
	cmsT:          {"CMS, level T (detached)", "t.p7s"},
	cmsXL:         {"CMS, level XL (detached)", "xl.p7s"},
	cmsA:          {"CMS, level A (detached)", "a.p7s"},
}

// A level is what a message has above its signature.
type level struct {
	name   string  // as the program writes it
	stamps int     // time stamps in the message
	last   oid.OID // the attribute of the time stamp that the level adds
}

// levels are those of the rows that have one.
var levels = map[row]level{
	cmsT:  {"t", 1, oid.AttrSignatureTimeStamp},
	cmsXL: {"xl", 2, oid.AttrEscTimeStamp},
	cmsA:  {"a", 3, oid.AttrArchiveTimeStampV3},
}

// detached says whether the document of a message lies beside it.
func (r row) detached() bool { return r == cmsDetached || levels[r].stamps > 0 }

// Passwords of the files.
const (
	asciiPassword    = "Open-Sesame-42"
	cyrillicPassword = "Сезам-Откройся-42"
)

// password returns what protects the file of r.
func (r row) password() string {
	if r == pfxCyrillic {
		return cyrillicPassword
	}
	return asciiPassword
}

// A material is where a producer's files lie: a folder relative to the working
// folder of the set.
type material struct {
	dir     string
	damaged bool // the file that is handed over is the corrupted copy
}

func (m material) file(name string) string { return m.dir + "/" + name }

// main is the file that a reader is given for r.
func (m material) main(r row) string {
	if m.damaged {
		return m.file("damaged-" + rows[r].file)
	}
	return m.file(rows[r].file)
}

// A party makes and reads files: this project's program or one of its peers.
type party interface {
	name() string
	dir() string
	// make writes the file of r into the party's folder. The row chain is made
	// first and brings the keys that the other rows use.
	make(c *call, r row) error
	// accept returns nil if and only if the party takes m's file of r for
	// whole, genuine and what it should be. Several parties read m at the same
	// time: what they write goes into their own folders.
	accept(c *call, r row, m material) error
}

// A direction is who made the file and who reads it.
type direction int

const (
	fromUs direction = iota
	fromPeer
	corrupted
	directionCount
)

var directionNames = [directionCount]string{fromUs: "ours → peer", fromPeer: "peer → ours", corrupted: "corrupted refused"}

// A cell is addressed by these four.
type cellKey struct {
	row  row
	peer string
	dir  direction
	set  string
}

// matrix runs every cell.
type matrix struct {
	ours  party
	peers []party
	sets  []paramset
	gaps  []gap
	tools *tools

	mu       sync.Mutex
	outcomes map[cellKey]error
	commands map[commandKey][]string

	statements     map[statementKey]statementCell
	statementLines map[statementKey][]string
}

// commandKey says what a list of commands did.
type commandKey struct {
	row   row
	party string
	makes bool
}

func newMatrix(t *tools, sets []paramset, peers ...party) *matrix {
	return &matrix{
		ours: ours{}, peers: peers, sets: sets, gaps: declaredGaps(), tools: t,
		outcomes: map[cellKey]error{}, commands: map[commandKey][]string{},
	}
}

// run fills the matrix; only what makes a whole set impossible is an error.
func (m *matrix) run(ctx context.Context) error {
	errs := make([]error, len(m.sets))
	var wg sync.WaitGroup
	for i, set := range m.sets {
		wg.Go(func() { errs[i] = m.runSet(ctx, set) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", m.sets[i].name, err)
		}
	}
	return ctx.Err()
}

// runSet makes our files of one set, then lets each peer work on its own.
func (m *matrix) runSet(ctx context.Context, set paramset) error {
	work := filepath.Join(m.tools.dir, set.name)
	if err := m.prepare(work); err != nil {
		return err
	}
	c := &call{ctx: ctx, tools: m.tools, set: set, work: work}
	stop, err := startAuthority(c)
	if err != nil {
		return err
	}
	made := m.makeAll(c, m.ours)
	stop()
	for r, err := range made {
		if err != nil {
			return fmt.Errorf("our %s: %w", rows[r].title, err)
		}
		// Where no peer makes such a file, only ours shows that we read it.
		if levels[row(r)].stamps > 0 {
			if err := m.accept(c, m.ours, row(r), material{dir: m.ours.dir()}); err != nil {
				return fmt.Errorf("we refuse our own %s: %w", rows[r].title, err)
			}
		}
	}
	var wg sync.WaitGroup
	for _, p := range m.peers {
		wg.Go(func() { m.runPeer(c, p) })
	}
	wg.Wait()
	return nil
}

// prepare writes what every party uses.
func (m *matrix) prepare(work string) error {
	for _, p := range append(slices.Clone(m.peers), m.ours) {
		if err := os.MkdirAll(filepath.Join(work, p.dir()), 0o700); err != nil {
			return err
		}
	}
	files := map[string]string{"document.txt": document, "gost.cnf": opensslConfig}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// makeAll lets p make the files of every row; without keys there is nothing.
func (m *matrix) makeAll(c *call, p party) [rowCount]error {
	var errs [rowCount]error
	for r := range rowCount {
		if g := m.gap(cellKey{r, p.name(), fromPeer, c.set.name}); g != nil && g.unoffered {
			errs[r] = errUnoffered
			continue
		}
		if r > chain && errs[chain] != nil {
			errs[r] = errs[chain]
			continue
		}
		k := c.recorded()
		errs[r] = p.make(k, r)
		if errs[r] == nil {
			errs[r] = k.damage(r, p.dir())
		}
		m.keep(commandKey{r, p.name(), true}, k, errs[r])
	}
	return errs
}

// keep remembers how something was done: the commands of the first set, so
// that they do not depend on which set was ready first.
func (m *matrix) keep(k commandKey, c *call, err error) {
	if err != nil || c.set.name != m.sets[0].name {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.commands[k] == nil {
		m.commands[k] = c.lines
	}
}

func (m *matrix) runPeer(c *call, p party) {
	made := m.makeAll(c, p)
	us, them := material{dir: m.ours.dir()}, material{dir: p.dir()}
	for r := range rowCount {
		theirs := m.accept(c, p, r, us)
		m.record(r, p, fromUs, c.set, theirs)
		back := made[r]
		if back == nil {
			back = m.accept(c, m.ours, r, them)
		}
		m.record(r, p, fromPeer, c.set, back)
		m.record(r, p, corrupted, c.set, m.refused(c, p, r, theirs, made[r]))
	}
}

func (m *matrix) accept(c *call, p party, r row, from material) error {
	k := c.recorded()
	err := p.accept(k, r, from)
	if !from.damaged && (from.dir == m.ours.dir() || from.dir == m.peers[0].dir()) {
		m.keep(commandKey{r, p.name(), false}, k, err)
	}
	return err
}

// errAcceptsDamage is what no reader should do.
var errAcceptsDamage = errors.New("accepts the corrupted file")

// refused returns nil if both sides refuse the corrupted copy of our file, and
// we the corrupted copy of the peer's. A peer that does not take even the good
// file proves nothing.
func (m *matrix) refused(c *call, p party, r row, theirs, made error) error {
	if theirs != nil {
		return theirs
	}
	bad := material{dir: m.ours.dir(), damaged: true}
	if m.accept(c, m.ours, r, bad) == nil {
		return fmt.Errorf("%s accepts its own corrupted file", m.ours.name())
	}
	if made == nil && m.accept(c, m.ours, r, material{dir: p.dir(), damaged: true}) == nil {
		return fmt.Errorf("%s accepts the corrupted file of %s", m.ours.name(), p.name())
	}
	if m.accept(c, p, r, bad) == nil {
		// Last: a declared gap says that it was the peer alone.
		return &refusal{p.name(), errAcceptsDamage, errAcceptsDamage.Error()}
	}
	return nil
}

func (m *matrix) record(r row, p party, d direction, set paramset, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outcomes[cellKey{r, p.name(), d, set.name}] = err
}
