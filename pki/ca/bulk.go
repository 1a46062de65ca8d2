package ca

import (
	"context"
	"errors"
	"iter"
	"maps"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
)

// BulkItem is one request of many.
type BulkItem struct {
	Name               string // of the caller's, for the result: a file's name
	Line               int    // of a table, for the result; 0 where there is none
	CSR                []byte // DER of the PKCS #10 request
	Profile            string // as in IssueRequest
	Days               int    // as in Request
	IdentificationKind int    // as in Request
	Err                error  // the caller could not read it: refused with this error
}

// BulkOutcome is what became of an item.
type BulkOutcome string

// The outcomes.
const (
	BulkIssued  BulkOutcome = "issued"  // now
	BulkAlready BulkOutcome = "already" // issued before, by an earlier run
	BulkRefused BulkOutcome = "refused" // Err says why
)

// BulkResult is what became of an item. Certificate is the new one, or the one
// that was issued before; nil for a refused item.
type BulkResult struct {
	Name        string
	Line        int    // as in the item
	ID          string // RequestID; "" where the request could not be read
	Outcome     BulkOutcome
	Serial      Serial
	Certificate *pki.Certificate
	Err         error
}

// bulkBatch is how many certificates one transaction holds. A transaction waits
// for the disk a fixed number of times, so the wait is shared; and what a crash
// takes back is at most this many, which nobody has seen.
const bulkBatch = 512

// Bulk issues many certificates, several in one transaction, and calls done for
// each item in the order of the items once its certificate is on the disk. An
// item is refused alone; the run goes on. An error of done, of the ledger or of
// the context ends the run.
//
// Bulk may be repeated with the same items after a crash: a request that has
// its certificate, known by the digest of its octets, is not issued again.
// Profiles that ask for approvals are refused: nobody could have looked.
func (i *Issuer) Bulk(ctx context.Context, items iter.Seq[BulkItem], actor string, done func(BulkResult) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan []*bulkWork, 1) // one is prepared while the one before is written
	var wg sync.WaitGroup
	var failed error
	wg.Go(func() {
		defer cancel() // the preparing half stops too
		for b := range batches {
			if failed != nil {
				continue // drain
			}
			if failed = i.finishBatch(ctx, b, done); failed != nil {
				cancel()
			}
		}
	})
	err := i.prepareBatches(ctx, items, actor, batches)
	close(batches)
	wg.Wait()
	if failed != nil {
		return failed
	}
	return err
}

// bulkWork is an item on its way.
type bulkWork struct {
	item   BulkItem
	result BulkResult
	ready  *signed      // nil for what is not to be issued
	entry  RequestEntry // to be kept with it

	csr       *pki.CertificateRequest
	candidate candidate // of an item that is to be issued
}

// prepareBatches checks and signs, on all processors, and hands batches on.
func (i *Issuer) prepareBatches(ctx context.Context, items iter.Seq[BulkItem], actor string, out chan<- []*bulkWork) error {
	batch := make([]*bulkWork, 0, bulkBatch)
	send := func() error {
		i.prepareBatch(ctx, batch, actor)
		select {
		case out <- batch:
			batch = make([]*bulkWork, 0, bulkBatch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	count := 0
	for item := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if count++; count > limits.BulkRequests {
			return errors.New("ca: more requests than one bulk issue takes")
		}
		batch = append(batch, &bulkWork{item: item, result: BulkResult{Name: item.Name, Line: item.Line}})
		if len(batch) == bulkBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if len(batch) == 0 {
		return ctx.Err()
	}
	return send()
}

// finishBatch writes a batch in one transaction and reports it.
func (i *Issuer) finishBatch(ctx context.Context, batch []*bulkWork, done func(BulkResult) error) error {
	if err := i.ledger.Update(ctx, func(tx Tx) error { return i.writeBatch(tx, batch) }); err != nil {
		return err
	}
	for _, w := range batch {
		if err := done(w.result); err != nil {
			return err
		}
	}
	return nil
}

// writeBatch decides about every item of a batch; a ledger may run it more than
// once.
func (i *Issuer) writeBatch(tx Tx, batch []*bulkWork) error {
	for _, w := range batch {
		if w.result.ID == "" || w.ready == nil && w.result.Err != nil {
			continue // refused before
		}
		r, err := i.writeWork(tx, w)
		if err != nil {
			return err
		}
		w.result = r
	}
	return nil
}

func (i *Issuer) writeWork(tx Tx, w *bulkWork) (BulkResult, error) {
	r := BulkResult{Name: w.item.Name, Line: w.item.Line, ID: w.result.ID}
	old, err := tx.Request(r.ID)
	switch {
	case err == nil:
		return already(tx, r, old)
	case !errors.Is(err, ErrNotFound):
		return r, err
	case w.ready == nil:
		return r, ErrVersion // it was there a moment ago
	}
	entry := w.ready.prepared.entry
	blocked, err := tx.KeyBlocked(entry.KeyID)
	if err != nil {
		return r, err
	}
	if blocked { // since it was prepared
		r.Outcome, r.Err = BulkRefused, ErrKeyBlocked
		return r, nil
	}
	now := i.now()
	entry.IssuedAt = now.UTC().Truncate(time.Second)
	kept := w.entry
	kept.Created, kept.Updated = entry.IssuedAt, entry.IssuedAt
	if err := errors.Join(tx.Add(entry, w.ready.cert.Raw), tx.SaveRequest(kept)); err != nil {
		return r, err
	}
	data := maps.Clone(w.ready.prepared.data)
	addCertificate(data, entry, w.ready.cert)
	_, err = tx.Append(journal.Entry{Time: now, Actor: w.ready.prepared.actor, Event: "issue", Subject: entry.Serial.String(), Data: data})
	r.Outcome, r.Serial, r.Certificate = BulkIssued, entry.Serial, w.ready.cert
	return r, err
}

// already returns the certificate that a request got before.
func already(tx ReadTx, r BulkResult, old RequestEntry) (BulkResult, error) {
	if old.State != Issued {
		r.Outcome, r.Err = BulkRefused, ErrRequestExists
		return r, nil
	}
	der, err := tx.Certificate(old.Serial)
	if err != nil {
		return r, err
	}
	r.Outcome, r.Serial = BulkAlready, old.Serial
	r.Certificate, err = pki.ParseCertificate(der)
	return r, err
}
