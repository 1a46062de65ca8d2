package ca

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// # The form in which a ledger travels
//
// A dump is text: one JSON object a line, each with one member that says what
// it is, in this order. Nothing in it depends on where the ledger is kept or
// when the dump is made, so two ledgers hold the same if and only if their
// dumps are the same octets; their digest is the ledger's.
//
//	{"file":{"name":…,"data":…}}     only in a backup: the authority's folder
//	{"ledger":1}                     the form of what follows
//	{"issuer":…}                     DER in Base64, like every octet string
//	{"certificate":{"entry":…,"der":…}}  in the order of serial numbers
//	{"blocked":…}                    key identifiers, in the order of octets
//	{"crl":{"entry":…,"der":…}}      the last one, see below
//	{"operator":…}                   in the order of names
//	{"request":…}                    in the order of identifiers
//	{"record":…}                     the journal, chain by chain
//	{"heads":…}                      signed heads
//	{"end":{"summary":…,"all":…}}    Streebog-256 over every line before: of
//	                                 the ledger (in the summary), of everything
//
// Of revocation lists a ledger needs the number of the last one, so that the
// numbers go on, and the last complete one. For a delta list the entry has the
// base, and "der" is the complete list still. Delta and partition lists are
// files of the folder of publication; the next publication makes them anew,
// with a higher number.

// dumpForm is the number in the line {"ledger":…}.
const dumpForm = 1

// What Load refuses and a caller branches on.
var (
	// ErrBackup: the file is no backup, or not a whole one.
	ErrBackup = errors.New("ca: not a whole backup")
	// ErrLedgerExists: there is a ledger already where one was to be made.
	ErrLedgerExists = errors.New("ca: there is a ledger already")
	// ErrMoved: the ledger was moved elsewhere, and nothing may be written here.
	ErrMoved = errors.New("ca: the ledger was moved")
)

// Summary says what a ledger holds.
type Summary struct {
	Certificates uint64 `json:"certificates"`
	Blocked      uint64 `json:"blockedKeys"`
	Operators    uint64 `json:"operators"`
	Requests     uint64 `json:"requests"`
	Records      uint64 `json:"records"` // of the journal, all chains
	Heads        uint64 `json:"signedHeads"`
	// Digest is the Streebog-256 digest of the ledger's dump.
	Digest journal.Digest `json:"streebog256"`
}

// Importer is a ledger that is being filled with what another one kept. It is
// no ledger, and cannot be opened as one, before Finish.
type Importer interface {
	// Import commits what f puts in. It is called many times.
	Import(ctx context.Context, f func(ImportTx) error) error
	// Finish makes it a ledger.
	Finish(ctx context.Context) error
	// Abandon throws away what was put in. After Finish it only closes.
	Abandon() error
}

// ImportTx takes things as they were kept, with their state and version; it
// leaves it to [Load] to check them.
type ImportTx interface {
	SetIssuer(der []byte) error
	Add(e Entry, der []byte) error
	BlockKey(keyID []byte) error
	AddCRL(CRLEntry) error
	PutOperator(Operator) error
	PutRequest(RequestEntry) error
	// PutRecord puts a record behind the last one of its chain.
	PutRecord(journal.Record) error
	AddSignedHeads(journal.SignedHeads) error
}

// dumpLine is one line; exactly one member is there.
type dumpLine struct {
	File        *BackupFile      `json:"file,omitempty"`
	Ledger      int              `json:"ledger,omitempty"`
	Issuer      []byte           `json:"issuer,omitempty"`
	Certificate *dumpCertificate `json:"certificate,omitempty"`
	Blocked     []byte           `json:"blocked,omitempty"`
	CRL         *dumpCRL         `json:"crl,omitempty"`
	Operator    *Operator        `json:"operator,omitempty"`
	Request     *RequestEntry    `json:"request,omitempty"`
	Record      json.RawMessage  `json:"record,omitempty"`
	Heads       json.RawMessage  `json:"heads,omitempty"`
	End         *dumpEnd         `json:"end,omitempty"`
}

type dumpCertificate struct {
	Entry Entry  `json:"entry"`
	DER   []byte `json:"der"`
}

type dumpCRL struct {
	Entry CRLEntry `json:"entry"`
	DER   []byte   `json:"der,omitempty"` // a list that is too large for a ledger is not in it
}

type dumpEnd struct {
	Summary Summary        `json:"summary"`
	All     journal.Digest `json:"all"`
}

// BackupFile is a file of an authority's folder in a backup.
type BackupFile struct {
	Name string `json:"name"` // with slashes, below the folder
	Data []byte `json:"data"`
}

// newStreebog returns the hash that digests of dumps are made with.
func newStreebog() (hash.Hash, error) {
	h, err := alg.NewHash(alg.Identifier{OID: oid.Streebog256})
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return h, nil
}

// A dumper writes lines and keeps their digests.
type dumper struct {
	out         io.Writer
	all, ledger hash.Hash
	inLedger    bool
	sum         Summary
	checks      loader
	stage       int // of the last line
}

func newDumper(w io.Writer) (*dumper, error) {
	all, err := newStreebog()
	if err != nil {
		return nil, err
	}
	ledger, err := newStreebog()
	return &dumper{out: w, all: all, ledger: ledger}, err
}

func (d *dumper) line(l dumpLine) error {
	if stage := stageOf(&l); stage != d.stage {
		d.stage, d.checks.key = stage, ""
	}
	if err := d.checks.check(&l); err != nil {
		return fmt.Errorf("ca: dump: the ledger holds what cannot be loaded again: %w", err)
	}
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("ca: dump: %w", err)
	}
	if len(b) > limits.LedgerLine {
		return fmt.Errorf("ca: dump: a line of %d octets is too long", len(b))
	}
	b = append(b, '\n')
	d.inLedger = d.inLedger || l.Ledger != 0
	d.all.Write(b)
	if d.inLedger {
		d.ledger.Write(b)
	}
	if _, err := d.out.Write(b); err != nil {
		return fmt.Errorf("ca: dump: %w", err)
	}
	return nil
}

// Dump writes what a ledger holds, as one consistent view of it, in the form
// that [Load] reads. It holds little in memory.
func Dump(ctx context.Context, l Ledger, w io.Writer) (Summary, error) {
	return WriteBackup(ctx, nil, l, w)
}

// LedgerDigest returns what a ledger holds and the digest of it, by which two
// ledgers can be compared wherever they are kept.
func LedgerDigest(ctx context.Context, l Ledger) (Summary, error) { return Dump(ctx, l, io.Discard) }

// WriteBackup writes files and a ledger; see [Dump].
func WriteBackup(ctx context.Context, files []BackupFile, l Ledger, w io.Writer) (Summary, error) {
	buffered := bufio.NewWriterSize(w, 64<<10)
	d, err := newDumper(buffered)
	if err != nil {
		return Summary{}, err
	}
	for _, f := range files {
		if err := d.line(dumpLine{File: &f}); err != nil {
			return Summary{}, err
		}
	}
	if err := l.View(ctx, func(tx ReadTx) error { return d.dump(ctx, tx) }); err != nil {
		return Summary{}, err
	}
	if err := buffered.Flush(); err != nil {
		return Summary{}, fmt.Errorf("ca: dump: %w", err)
	}
	return d.sum, nil
}

func (d *dumper) dump(ctx context.Context, tx ReadTx) error {
	if d.inLedger {
		return errors.New("ca: dump: the view was begun again") // no ledger does that after an answer
	}
	if err := d.line(dumpLine{Ledger: dumpForm}); err != nil {
		return err
	}
	for _, part := range []func(context.Context, ReadTx) error{d.issuer, d.certificates, d.blocked, d.crl, d.operators, d.requests, d.journal, d.heads} {
		if err := part(ctx, tx); err != nil {
			return err
		}
	}
	d.ledger.Sum(d.sum.Digest[:0])
	end := dumpEnd{Summary: d.sum}
	d.all.Sum(end.All[:0])
	return d.line(dumpLine{End: &end})
}

func (d *dumper) issuer(_ context.Context, tx ReadTx) error {
	der, err := tx.Issuer()
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.line(dumpLine{Issuer: der})
}

func (d *dumper) certificates(ctx context.Context, tx ReadTx) error {
	return lines(ctx, d, tx.Entries(Serial{}), &d.sum.Certificates, func(e Entry) (dumpLine, error) {
		der, err := tx.Certificate(e.Serial)
		return dumpLine{Certificate: &dumpCertificate{e, der}}, err
	})
}

// lines writes a line for each of what an iterator yields.
func lines[T any](ctx context.Context, d *dumper, all iter.Seq2[T, error], count *uint64, f func(T) (dumpLine, error)) error {
	for v, err := range all {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		l, err := f(v)
		if err != nil {
			return err
		}
		if err := d.line(l); err != nil {
			return err
		}
		*count++
	}
	return nil
}

func (d *dumper) blocked(ctx context.Context, tx ReadTx) error {
	return lines(ctx, d, tx.BlockedKeys(), &d.sum.Blocked, func(k []byte) (dumpLine, error) { return dumpLine{Blocked: k}, nil })
}

func (d *dumper) crl(_ context.Context, tx ReadTx) error {
	e, err := tx.LastCRL()
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.line(dumpLine{CRL: &dumpCRL{e, e.DER}})
}

func (d *dumper) operators(ctx context.Context, tx ReadTx) error {
	return lines(ctx, d, tx.Operators(), &d.sum.Operators, func(o Operator) (dumpLine, error) { return dumpLine{Operator: &o}, nil })
}

func (d *dumper) requests(ctx context.Context, tx ReadTx) error {
	return lines(ctx, d, tx.Requests("", RequestFilter{}), &d.sum.Requests, func(e RequestEntry) (dumpLine, error) { return dumpLine{Request: &e}, nil })
}

func (d *dumper) journal(ctx context.Context, tx ReadTx) error {
	heads, err := tx.Heads()
	if err != nil {
		return err
	}
	for _, node := range slices.Sorted(maps.Keys(heads)) {
		err := lines(ctx, d, tx.Journal(node, 0), &d.sum.Records, func(r journal.Record) (dumpLine, error) {
			text, err := r.Line()
			return dumpLine{Record: text}, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) heads(ctx context.Context, tx ReadTx) error {
	return lines(ctx, d, tx.SignedHeads(0), &d.sum.Heads, func(h journal.SignedHeads) (dumpLine, error) {
		text, err := json.Marshal(h)
		return dumpLine{Heads: text}, err
	})
}

// lineReader reads the lines of a dump within bounds and keeps their digests.
type lineReader struct {
	in          *bufio.Reader
	all, ledger hash.Hash
	inLedger    bool
	n           int // lines read
}

// next reads one line. io.EOF is the end of the input.
func (r *lineReader) next() (*dumpLine, error) {
	text, err := r.read()
	if err != nil {
		return nil, err
	}
	r.n++
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields() // what is not known would be lost
	l := new(dumpLine)
	if err := dec.Decode(l); err != nil {
		return nil, fmt.Errorf("%w: line %d: %s: %w", ErrBackup, r.n, kindOf(text), err)
	}
	if dec.More() {
		return nil, fmt.Errorf("%w: line %d: more than one value", ErrBackup, r.n)
	}
	if err := canonical(l, text); err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", ErrBackup, r.n, err)
	}
	if l.End == nil {
		r.inLedger = r.inLedger || l.Ledger != 0
		r.all.Write(text)
		if r.inLedger {
			r.ledger.Write(text)
		}
	}
	return l, nil
}

func (r *lineReader) read() ([]byte, error) {
	var text []byte
	for {
		part, err := r.in.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case len(text) > limits.LedgerLine+1:
			return nil, fmt.Errorf("%w: line %d is too long", ErrBackup, r.n+1)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) > 0:
			return nil, fmt.Errorf("%w: it ends in the middle of line %d", ErrBackup, r.n+1)
		}
		return text, err
	}
}
