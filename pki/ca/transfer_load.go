package ca

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
)

// LoadOptions say what [Load] does with what it reads.
type LoadOptions struct {
	// File takes the files of a backup, which come first; nil refuses them.
	File func(BackupFile) error
	// Open is called once, behind the last file, and returns the ledger to be
	// filled; required.
	Open func() (Importer, error)
	// There is asked where Open says [ErrLedgerExists], for what the ledger
	// holds that is there. If that is what the dump holds, Load has nothing
	// to do and succeeds: a load that was interrupted behind its last step
	// can be run again. nil is an error in any case.
	There func() (Summary, error)
}

// Load reads what [Dump] or [WriteBackup] wrote, and fills a new ledger with
// it: bounded, in batches, with the digests and the whole journal checked
// before the ledger is finished. After an error the new ledger is abandoned.
// The digest guards against accidents, not against somebody who can write a
// backup: compare it with the one that was noted when the backup was made.
//
// Errors that are the file's are [ErrBackup] and *[journal.DamageError].
func Load(ctx context.Context, in io.Reader, o LoadOptions) (sum Summary, err error) {
	if o.Open == nil {
		return Summary{}, errors.New("ca: load: a ledger to fill is required")
	}
	r := &lineReader{in: bufio.NewReaderSize(in, 64<<10)}
	if r.all, err = newStreebog(); err != nil {
		return Summary{}, err
	}
	if r.ledger, err = newStreebog(); err != nil {
		return Summary{}, err
	}
	l := &loader{options: o, heads: map[string]journal.Head{}}
	defer func() {
		if l.to != nil && err != nil {
			err = errors.Join(err, l.to.Abandon())
		}
	}()
	for {
		line, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return Summary{}, fmt.Errorf("%w: it ends behind line %d", ErrBackup, r.n)
		case err != nil:
			return Summary{}, err
		}
		if err := l.take(ctx, line, r.n); err != nil {
			return Summary{}, err
		}
		if line.End != nil {
			return l.finish(ctx, r, line.End)
		}
	}
}

// loader fills a ledger.
type loader struct {
	options LoadOptions
	to      Importer
	stage   int // of the last line
	batch   []func(ImportTx) error
	size    int
	sum     Summary
	heads   map[string]journal.Head
	files   int
	octets  int    // of files
	key     string // of the last line, within its stage
	there   error  // why nothing is put in: the ledger exists
}

// stages is the order of the lines.
const (
	stageFile = iota + 1
	stageLedger
	stageIssuer
	stageCertificate
	stageBlocked
	stageCRL
	stageOperator
	stageRequest
	stageRecord
	stageHeads
	stageEnd
)

// stageOf says what a line is; 0 if it is nothing, or more than one thing.
func stageOf(l *dumpLine) int {
	stage := 0
	for n, there := range []bool{
		l.File != nil, l.Ledger != 0, l.Issuer != nil, l.Certificate != nil, l.Blocked != nil, l.CRL != nil,
		l.Operator != nil, l.Request != nil, l.Record != nil, l.Heads != nil, l.End != nil,
	} {
		if there && stage != 0 {
			return 0
		}
		if there {
			stage = n + 1
		}
	}
	return stage
}

// once says which lines may stand only once.
func once(stage int) bool { return stage == stageLedger || stage == stageIssuer || stage == stageCRL }

// take puts one line into the ledger, with the next batch.
func (l *loader) take(ctx context.Context, line *dumpLine, n int) error {
	stage := stageOf(line)
	switch {
	case stage == 0, stage < l.stage, stage == l.stage && once(stage), stage > stageLedger && l.stage < stageLedger:
		return fmt.Errorf("%w: line %d is out of place", ErrBackup, n)
	case stage == stageFile:
		l.stage = stage
		return l.file(line.File, n)
	case stage == stageLedger:
		l.stage = stage
		return l.open(line.Ledger)
	case stage == stageEnd:
		return nil
	case stage != l.stage:
		l.stage, l.key = stage, ""
	}
	put, size, err := l.prepare(line)
	if err != nil {
		var damage *journal.DamageError
		if errors.As(err, &damage) {
			return fmt.Errorf("ca: load: line %d: %w", n, err)
		}
		return fmt.Errorf("%w: line %d: %w", ErrBackup, n, err)
	}
	if l.there != nil {
		return ctx.Err()
	}
	l.batch, l.size = append(l.batch, put), l.size+size
	if len(l.batch) < limits.LedgerBatch && l.size < limits.LedgerBatchSize {
		return nil
	}
	return l.flush(ctx)
}

func (l *loader) file(f *BackupFile, n int) error {
	if l.options.File == nil {
		return fmt.Errorf("%w: line %d: files are not expected", ErrBackup, n)
	}
	l.octets += len(f.Data)
	if l.files++; l.files > limits.LedgerFiles || len(f.Data) > limits.LedgerFileSize || l.octets > limits.LedgerFilesSize {
		return fmt.Errorf("%w: line %d: too many or too large files", ErrBackup, n)
	}
	return l.options.File(*f)
}

func (l *loader) open(form int) error {
	if form != dumpForm {
		return fmt.Errorf("%w: its form is %d; this program knows %d", ErrBackup, form, dumpForm)
	}
	to, err := l.options.Open()
	if errors.Is(err, ErrLedgerExists) && l.options.There != nil {
		l.there = err
		return nil
	}
	if err != nil {
		return err // to may be a nil pointer, which is no nil interface
	}
	l.to = to
	return nil
}

// prepare checks a line and returns what puts it into a ledger, and about how
// many octets that are.
func (l *loader) prepare(line *dumpLine) (put func(ImportTx) error, size int, err error) {
	if err := l.check(line); err != nil {
		return nil, 0, err
	}
	switch {
	case line.Issuer != nil:
		return func(tx ImportTx) error { return tx.SetIssuer(line.Issuer) }, len(line.Issuer), nil
	case line.Certificate != nil:
		c := line.Certificate
		l.sum.Certificates++
		return func(tx ImportTx) error { return tx.Add(c.Entry, c.DER) }, len(c.DER) + len(c.Entry.Subject), nil
	case line.Blocked != nil:
		l.sum.Blocked++
		return func(tx ImportTx) error { return tx.BlockKey(line.Blocked) }, len(line.Blocked), nil
	case line.CRL != nil:
		e := line.CRL.Entry
		e.DER = line.CRL.DER
		return func(tx ImportTx) error { return tx.AddCRL(e) }, len(e.DER), nil
	case line.Operator != nil:
		l.sum.Operators++
		return func(tx ImportTx) error { return tx.PutOperator(*line.Operator) }, len(line.Operator.Certificate), nil
	case line.Request != nil:
		l.sum.Requests++
		return func(tx ImportTx) error { return tx.PutRequest(*line.Request) }, len(line.Request.CSR), nil
	case line.Record != nil:
		return l.record(line.Record)
	default:
		h, err := journal.ParseSignedHeads(line.Heads)
		if err != nil {
			return nil, 0, fmt.Errorf("heads: %w", err)
		}
		if l.sum.Heads++; h.Number != l.sum.Heads {
			return nil, 0, badLine("heads.number", "%d and not %d", h.Number, l.sum.Heads)
		}
		if again, err := json.Marshal(h); err != nil || !bytes.Equal(again, line.Heads) {
			return nil, 0, badLine("heads", "they are not in the form in which dumps are written")
		}
		return func(tx ImportTx) error { return tx.AddSignedHeads(h) }, len(line.Heads), nil
	}
}

// record checks that a record is the next one of its chain.
func (l *loader) record(text []byte) (func(ImportTx) error, int, error) {
	r, err := journal.ParseRecord(text)
	if err != nil {
		return nil, 0, fmt.Errorf("record: %w", err)
	}
	if again, err := r.Line(); err != nil || !bytes.Equal(again, text) {
		return nil, 0, badLine("record", "it is not in the form in which dumps are written")
	}
	if r.Node != l.key { // a new chain
		if err := l.rises("record.node", r.Node); err != nil {
			return nil, 0, err
		}
	}
	head, known := l.heads[r.Node]
	if !known {
		head = journal.Head{Node: r.Node}
		if len(l.heads) == limits.JournalChains {
			return nil, 0, badLine("record.node", "more than %d chains", limits.JournalChains)
		}
	}
	damage := func(k journal.Kind) (func(ImportTx) error, int, error) {
		return nil, 0, &journal.DamageError{Kind: k, Node: r.Node, Seq: head.Seq + 1, Position: head.Seq + 1}
	}
	switch {
	case r.Seq != head.Seq+1:
		return damage(journal.Removed)
	case r.Prev != head.Hash || !r.Intact():
		return damage(journal.Changed)
	}
	l.heads[r.Node] = r.Head()
	l.sum.Records++
	return func(tx ImportTx) error { return tx.PutRecord(r) }, len(text), nil
}

// flush commits what was taken since the last time.
func (l *loader) flush(ctx context.Context) error {
	if len(l.batch) == 0 {
		return ctx.Err()
	}
	err := l.to.Import(ctx, func(tx ImportTx) error {
		for _, put := range l.batch {
			if err := put(tx); err != nil {
				return err
			}
		}
		return nil
	})
	l.batch, l.size = l.batch[:0], 0
	return err
}

// finish compares counts and digests and makes the ledger one.
func (l *loader) finish(ctx context.Context, r *lineReader, end *dumpEnd) (Summary, error) {
	if l.to == nil && l.there == nil {
		return Summary{}, fmt.Errorf("%w: there is no ledger in it", ErrBackup)
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		return Summary{}, fmt.Errorf("%w: there is something behind its end", ErrBackup)
	}
	r.ledger.Sum(l.sum.Digest[:0])
	var all journal.Digest
	r.all.Sum(all[:0])
	if l.sum != end.Summary || all != end.All {
		return Summary{}, fmt.Errorf("%w: the digests do not agree: it was changed", ErrBackup)
	}
	if l.there != nil {
		if there, err := l.options.There(); err != nil || there != l.sum {
			return Summary{}, errors.Join(l.there, err)
		}
		return l.sum, nil
	}
	if err := l.flush(ctx); err != nil {
		return Summary{}, err
	}
	if err := l.to.Finish(ctx); err != nil {
		return Summary{}, err
	}
	return l.sum, nil
}

// Copy fills a new ledger with what another one holds, checked like [Load].
// What is written to the old one meanwhile is not in the copy: the caller
// holds it, or compares its digest afterwards.
func Copy(ctx context.Context, from Ledger, to func() (Importer, error)) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := Dump(ctx, from, in)
		_ = in.CloseWithError(err) // it returns nil
		done <- err
	}()
	sum, err := Load(ctx, out, LoadOptions{Open: to})
	_ = out.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // Dump ends, whatever it does; it returns nil
	if dumpErr := <-done; err == nil {
		err = dumpErr
	}
	return sum, err
}
