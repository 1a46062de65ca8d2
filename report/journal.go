package report

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// JournalInput is a journal that is to be printed.
type JournalInput struct {
	Lang             string // "ru" or "en"
	Program, Version string // who prints it
	At               time.Time
	Owner            string // whose journal it is; "" for the program's own
	Masked           bool   // personal data was masked by the caller
	Heads            []JournalHead
	Rows             []JournalRow
}

// JournalHead is the end of a chain.
type JournalHead struct {
	Node string
	Seq  uint64
	Hash string // hex
}

// JournalRow is one record.
type JournalRow struct {
	Place   string // node and number
	Time    string
	Actor   string
	Event   string
	Subject string
	Data    []string // key=value
}

// The words of a printed journal.
var (
	wJournal       = word{"Журнал", "Journal"}
	wJournalOwn    = word{"Журнал программы", "Journal of the program"}
	wJournalOwner  = word{"Удостоверяющий центр", "Certification authority"}
	wJournalAt     = word{"Выгружен", "Exported at"}
	wJournalRows   = word{"Записей в документе", "Records in this document"}
	wJournalChain  = word{"Цепочка %s: записей %d", "Chain %s: %d records"}
	wJournalMasked = word{"Персональные данные скрыты.", "Personal data is masked."}
	wJournalNotice = word{
		"Документ не подписан. Целостность журнала проверяет команда gosklyuch journal verify.",
		"This document is not signed. Whether the journal is whole is checked by gosklyuch journal verify.",
	}
)

// Journal writes records of a journal as PDF in the form of [PDF]. The foot of
// every page has the Streebog-256 digest of what is printed.
func Journal(w io.Writer, in JournalInput) error {
	p := &protocol{Lang: "ru", lang: verify.Russian, Moment: in.At.UTC().Format(time.RFC3339)}
	if in.Lang == "en" {
		p.Lang, p.lang = "en", verify.English
	}
	p.Title, p.Headline, p.Notice = wJournal.in(p.lang), wJournalOwn.in(p.lang), wJournalNotice.in(p.lang)
	if in.Owner != "" {
		p.Headline = wJournalOwner.in(p.lang) + ": " + clean(in.Owner)
	}
	var err error
	if p.Digest, err = journalDigest(in); err != nil {
		return err
	}
	s, err := newSheet(Input{Report: &verify.Report{At: in.At}, Program: in.Program, Version: in.Version}, p)
	if err != nil {
		return err
	}
	s.AddPage()
	s.font(true, 15)
	s.paragraph(p.Title, black)
	s.font(true, 11)
	s.paragraph(p.Headline, black)
	s.Ln(2)
	s.row(row{Name: wJournalAt.in(p.lang), Value: p.Moment})
	s.row(row{Name: wJournalRows.in(p.lang), Value: strconv.Itoa(len(in.Rows))})
	heads := slices.Clone(in.Heads)
	slices.SortFunc(heads, func(a, b JournalHead) int { return strings.Compare(a.Node, b.Node) })
	for _, h := range heads {
		s.row(row{Name: fmt.Sprintf(wJournalChain.in(p.lang), clean(h.Node), h.Seq), Value: h.Hash})
	}
	if in.Masked {
		s.paragraph(wJournalMasked.in(p.lang), grey)
	}
	s.Ln(3)
	for _, r := range in.Rows {
		s.record(r)
	}
	if err := s.Output(w); err != nil {
		return fmt.Errorf("report: PDF: %w", err)
	}
	return nil
}

// record prints one record: a line that is found at a glance, and its facts.
func (s *sheet) record(r JournalRow) {
	s.font(true, 8.5)
	s.room(3 * s.line())
	s.paragraph(clean(r.Place)+"   "+clean(r.Time)+"   "+clean(r.Event), black)
	s.left = marginLeft + indent
	s.font(false, 8.5)
	s.paragraph(clean(r.Actor)+"   "+clean(r.Subject), black)
	s.font(false, 7.5)
	for _, d := range r.Data {
		s.paragraph(clean(d), grey)
	}
	s.left = marginLeft
	s.Ln(1.2)
}

// journalDigest is the Streebog-256 digest of the input's JSON, by which two
// prints are told apart.
func journalDigest(in JournalInput) (string, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	h, err := alg.NewHash(alg.Identifier{OID: oid.Streebog256})
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)), nil
}
