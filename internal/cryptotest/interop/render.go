package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// versionsWord begins the line that -check does not compare.
const versionsWord = "Versions: "

// versions names the peers that took part.
func versions(ctx context.Context, bc *castle) string {
	castleVersion, java, _ := strings.Cut(bc.version, "\t")
	java = strings.TrimPrefix(java, "Java ")
	return versionsWord + fmt.Sprintf("OpenSSL %s, gost-engine %s, GnuTLS %s, Bouncy Castle %s, Java %s.",
		word(ctx, 1, "openssl", "version"), word(ctx, 0, "dpkg-query", "-W", "-f", "${Version}", "libengine-gost-openssl"),
		word(ctx, 1, "certtool", "--version"), castleVersion, java)
}

// word returns the n-th word that a program prints, "unknown" if there is none.
func word(ctx context.Context, n int, args ...string) string {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
	if words := strings.Fields(string(out)); err == nil && len(words) > n {
		return words[n]
	}
	return "unknown"
}

// judge returns the declared gap that explains a cell's error, or the error
// that fails the run: an unexpected one, or a gap that is none any more.
func (m *matrix) judge(k cellKey) (*gap, error) {
	err := m.outcomes[k]
	g := m.gap(k)
	switch {
	case g == nil:
		return nil, err
	case g.explains(err):
		return g, nil
	case err == nil:
		return nil, fmt.Errorf("the cell works now: take its gap (%s) out of the table", g.note)
	default:
		return nil, fmt.Errorf("not the error of the declared gap (%q): %w", g.pattern, err)
	}
}

// failures joins what must not be.
func (m *matrix) failures() error {
	var errs []error
	for r := range rowCount {
		for _, p := range m.peers {
			for d := range directionCount {
				for _, set := range m.sets {
					k := cellKey{r, p.name(), d, set.name}
					if _, err := m.judge(k); err != nil {
						errs = append(errs, fmt.Errorf("%s, %s, %s, %s: %w", rows[r].title, k.peer, directionNames[d], set.name, err))
					}
				}
			}
		}
	}
	return errors.Join(errs...)
}

// A page collects the text and its footnotes.
type page struct {
	strings.Builder
	notes []string
}

func (p *page) f(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// note returns the mark of a footnote; equal notes share one.
func (p *page) note(text string) string {
	for i, n := range p.notes {
		if n == text {
			return fmt.Sprintf("[%d]", i+1)
		}
	}
	p.notes = append(p.notes, text)
	return fmt.Sprintf("[%d]", len(p.notes))
}

// page writes the whole document.
func (m *matrix) page(ver string) string {
	p := &page{}
	p.WriteString(intro)
	p.f("%s\n\n", ver)
	p.f("| file | peer | %s | %s | %s |\n|---|---|---|---|---|\n", directionNames[fromUs], directionNames[fromPeer], directionNames[corrupted])
	for r := range rowCount {
		for i, peer := range m.peers {
			title := ""
			if i == 0 {
				title = rows[r].title
			}
			p.f("| %s | %s | %s | %s | %s |\n", title, peer.name(),
				m.cell(p, r, peer, fromUs), m.cell(p, r, peer, fromPeer), m.cell(p, r, peer, corrupted))
		}
	}
	p.WriteString("\n")
	m.statementTable(p)
	for i, n := range p.notes {
		p.f("[%d] %s\n\n", i+1, n)
	}
	m.appendix(p)
	return p.String()
}

// cell tells how many sets passed; gaps and failures go into a footnote.
func (m *matrix) cell(p *page, r row, peer party, d direction) string {
	passed := 0
	var bad []string
	var order []*gap
	missing := map[*gap][]string{}
	for _, set := range m.sets {
		g, err := m.judge(cellKey{r, peer.name(), d, set.name})
		switch {
		case err != nil:
			bad = append(bad, set.name)
		case g == nil:
			passed++
		default:
			if missing[g] == nil {
				order = append(order, g)
			}
			missing[g] = append(missing[g], set.name)
		}
	}
	text := fmt.Sprintf("%d/%d", passed, len(m.sets))
	if len(bad) > 0 {
		text += " FAILED: " + strings.Join(bad, ", ")
	}
	for _, g := range order {
		if len(missing[g]) == len(m.sets) {
			text = "–"
		}
		text += " " + p.note(g.footnote(missing[g], len(m.sets)))
	}
	return text
}

// footnote names the sets of a gap and what the peer says.
func (g *gap) footnote(sets []string, all int) string {
	var s string
	if len(sets) < all {
		s = "– " + strings.Join(sets, ", ") + ": "
	}
	s += g.note
	if g.pattern != "" && g.pattern != errAcceptsDamage.Error() {
		s += fmt.Sprintf(" (%s says “%s”)", g.peer, g.pattern)
	}
	return s + "."
}

// appendix lists the commands of the first set.
func (m *matrix) appendix(p *page) {
	p.f(appendixIntro, m.sets[0].name)
	for r := range rowCount {
		p.f("### %s\n", rows[r].title)
		for _, who := range append([]party{m.ours}, m.peers...) {
			for _, makes := range []bool{true, false} {
				lines := m.commands[commandKey{r, who.name(), makes}]
				if len(lines) == 0 {
					continue
				}
				verb := "accepts"
				if makes {
					verb = "makes"
				}
				p.f("\n%s %s:\n\n```\n%s\n```\n", who.name(), verb, strings.Join(lines, "\n"))
			}
		}
		p.WriteString("\n")
	}
	m.statementCommands(p)
}

const intro = `# Interoperability

Written by ` + "`go run ./internal/cryptotest/interop -o docs/interoperability.md`" + ` (` + "`make interop`" + `); do not edit by hand. CI runs
the same with ` + "`-check`" + ` and fails when a cell differs.

Every cell was run on the twelve parameter sets of GOST R 34.10-2012: a number says on how many of them it holds.

- **ours → peer**: the peer accepts the file that the built program ` + "`gosklyuch`" + ` (a key without a password: the library) made.
- **peer → ours**: the program accepts the file that the peer made.
- **corrupted refused**: both sides refuse our file with one bit changed, and we refuse the peer's. The bit lies in the
  signature, in the first octet of the ciphertext (encrypted PKCS #8), under the MAC (PFX), in the parameter set's identifier
  (plain PKCS #8, where nothing else is protected), in the signature of the time stamp that the level adds (levels T, XL, A).

A key is accepted when its public key is the certificate's; a message when every signature, the signer's chain and the
document hold. Of a message with a level we demand that level; OpenSSL and GnuTLS read it as CMS, Bouncy Castle verifies every
time stamp in it too, the chain of its authority and what it covers, down to the hash index of the archive time stamp. A
time-stamp response is accepted when it is about the document and its authority's chain holds.

Files of OpenSSL and Bouncy Castle have 2,000 iterations of PBKDF2, like ours here: the format is compared, not the cost.
Those of GnuTLS have 600,000: certtool cannot be told otherwise.

Bouncy Castle runs through the project's own helper (` + "`internal/cryptotest/interop/java`" + `). Signatures, certificates, paths, CMS and
OCSP are its own code. Two things it does not do by itself, and the helper adds them: it parses no key without
digestParamSet (RFC 9215 leaves it out for the TC26 sets) and does not know tc26-256-b, -c, -d by their identifiers;
and it has no Streebog in PBES2 and in a PFX's MAC, which the helper composes from its primitives.

`

const appendixIntro = `## Commands

As they ran for %s. Names are relative to a temporary folder; ` + "`.pem` and `.key`" + ` are PEM copies of the ` + "`.cer` and `.p8`" + ` beside them. The
environment has ` + "`OPENSSL_CONF=gost.cnf`" + ` (internal/cryptotest/interop/openssl.cnf), ` + "`GOSKLYUCH_HOME`" + `, and
` + "`GOSKLYUCH_PASSWORD`, `GOSKLYUCH_NEW_PASSWORD`, `GOSKLYUCH_PARENT_PASSWORD`" + ` set to ` + "`" + asciiPassword + "`" + `. “Peer” is the Java helper. “Accepts” commands
are those that read our file, and for GosKlyuch those that read the first peer's,
or its own where that peer makes none.

`
