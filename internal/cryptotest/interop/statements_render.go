package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A statementGap is a cell of the second table that is expected not to work,
// for a reason that is the peer's.
type statementGap struct {
	peer      string
	files     []string
	accepted  string // what the peer says of the good file; "" where it takes it
	blind     bool   // it takes the corrupted copy too
	unoffered bool   // it was not asked
	note      string
}

// statementGaps returns every gap that is known.
func statementGaps() []statementGap { return declaredStatementGaps }

// judgeStatement returns the declared gap of a cell, or the error that fails
// the run.
func (m *matrix) judgeStatement(k statementKey) (*statementGap, error) {
	cell := m.statements[k]
	gaps := statementGaps()
	i := slices.IndexFunc(gaps, func(g statementGap) bool { return g.peer == k.peer && slices.Contains(g.files, k.file) })
	if i < 0 {
		return nil, errors.Join(cell.accepted, cell.refused)
	}
	g := &gaps[i]
	var said *refusal
	switch {
	case g.unoffered:
		if !errors.Is(cell.accepted, errUnoffered) {
			return nil, fmt.Errorf("the cell was run: take its gap (%s) out of the table", g.note)
		}
	case g.accepted != "" && (!errors.As(cell.accepted, &said) || !strings.Contains(said.said, g.accepted)):
		return nil, fmt.Errorf("not the error of the declared gap (%q): %w", g.accepted, cell.accepted)
	case g.accepted == "" && cell.accepted != nil:
		return nil, cell.accepted
	case g.blind != errors.Is(cell.refused, errAcceptsDamage):
		return nil, fmt.Errorf("the corrupted copy: the gap (%s) is not what happens: %w", g.note, cell.refused)
	}
	return g, nil
}

func (r *refusal) Unwrap() error { return r.err }

// statementFailures joins what must not be.
func (m *matrix) statementFailures() error {
	var errs []error
	for k := range m.statements {
		if _, err := m.judgeStatement(k); err != nil {
			errs = append(errs, fmt.Errorf("%s, %s, %s: %w", k.file, k.peer, k.set, err))
		}
	}
	return errors.Join(errs...)
}

// statementTable writes the second table.
func (m *matrix) statementTable(p *page) {
	if len(m.statements) == 0 {
		return
	}
	p.WriteString(statementIntro)
	p.WriteString("| statement |")
	for _, peer := range m.peers {
		p.f(" %s |", peer.name())
	}
	p.f("\n|---|%s\n", strings.Repeat("---|", len(m.peers)))
	for _, s := range append(ocspStatements(), listStatements()...) {
		p.f("| %s |", s.title)
		for _, peer := range m.peers {
			p.f(" %s |", m.statementCellText(p, &s, peer.name()))
		}
		p.WriteString("\n")
	}
	p.WriteString("\n")
}

func (m *matrix) statementCellText(p *page, s *statement, peer string) string {
	good, all, note := 0, 0, ""
	for _, set := range m.statementSets() {
		k := statementKey{s.file, peer, set.name}
		if _, ok := m.statements[k]; !ok {
			continue
		}
		all++
		g, err := m.judgeStatement(k)
		switch {
		case err != nil:
			note = " FAILED"
		case g == nil:
			good++
		default:
			text := g.note
			if g.accepted != "" {
				text += fmt.Sprintf(" (%s says “%s”)", g.peer, g.accepted)
			}
			note = " " + p.note(text+".")
			if g.unoffered {
				all--
			}
		}
	}
	if all == 0 {
		return "–" + note
	}
	return fmt.Sprintf("%d/%d%s", good, all, note)
}

// statementCommands lists how they were read, in the first set.
func (m *matrix) statementCommands(p *page) {
	if len(m.statements) == 0 {
		return
	}
	for _, s := range append(ocspStatements(), listStatements()...) {
		p.f("### %s\n", s.title)
		for _, peer := range m.peers {
			if lines := m.statementLines[statementKey{s.file, peer.name(), m.statementSets()[0].name}]; len(lines) > 0 {
				p.f("\n%s accepts:\n\n```\n%s\n```\n", peer.name(), strings.Join(lines, "\n"))
			}
		}
		p.WriteString("\n")
	}
}

const statementIntro = `## What an authority publishes

OCSP responses and lists as ` + "`ca serve` and `ca publish`" + ` make them, from a ledger with certificates in every state (made by the
library, with the code that these commands run), for a key of 256 bits (cryptopro-a) and one of 512 (tc26-512-a); the
longest list only for the first. A number says for how many of the keys the peer verifies the statement, finds in it
what the authority says about each certificate (the reason too, where it prints one), **and** refuses it with one bit of the
signature changed. The nonce is compared with the request's.

`
