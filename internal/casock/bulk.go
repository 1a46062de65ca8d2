package casock

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// bulkItem is one of the requests of the operation "bulk".
type bulkItem struct {
	Request            []byte `json:"request"` // DER
	Profile            string `json:"profile,omitempty"`
	Days               int    `json:"days,omitempty"`
	IdentificationKind int    `json:"identificationKind,omitempty"`
}

// bulkAnswer is what became of one, in the same order.
type bulkAnswer struct {
	ID          string         `json:"id,omitempty"`
	Outcome     ca.BulkOutcome `json:"outcome"`
	Certificate []byte         `json:"certificate,omitempty"` // DER
	Error       *remoteError   `json:"error,omitempty"`
}

// bulk issues the requests of one line, in one transaction.
func (s *Server) bulk(ctx context.Context, actor string, list []bulkItem) (out response, err error) {
	if len(list) == 0 || len(list) > limits.SocketBulk {
		return out, fmt.Errorf("%w: %d requests in one line", ErrProtocol, len(list))
	}
	items := make([]ca.BulkItem, 0, len(list))
	for _, b := range list {
		items = append(items, ca.BulkItem{CSR: b.Request, Profile: b.Profile, Days: b.Days, IdentificationKind: b.IdentificationKind})
	}
	err = s.issuer.Bulk(ctx, slices.Values(items), actor, func(r ca.BulkResult) error {
		a := bulkAnswer{ID: r.ID, Outcome: r.Outcome}
		if r.Certificate != nil {
			a.Certificate = r.Certificate.Raw
		}
		if r.Err != nil {
			a.Error = toRemote(r.Err)
		}
		out.Bulk = append(out.Bulk, a)
		return nil
	})
	return out, err
}

// Bulk is [ca.Issuer.Bulk]. The actor is the server's to say. What one line
// takes is issued in one transaction, at most limits.SocketBulk requests; an item
// that fits into no line is refused.
func (c *Client) Bulk(ctx context.Context, items iter.Seq[ca.BulkItem], _ string, done func(ca.BulkResult) error) error {
	var batch []ca.BulkItem
	size := 0
	for item := range items {
		if item.Err == nil && len(item.CSR) > limits.SocketBulkBytes {
			item.Err = fmt.Errorf("%w: a request of %d octets", ErrTooLarge, len(item.CSR))
		}
		more := len(item.CSR) + len(item.Profile)
		if len(batch) == limits.SocketBulk || size+more > limits.SocketBulkBytes {
			if err := c.bulkBatch(ctx, batch, done); err != nil {
				return err
			}
			batch, size = batch[:0], 0
		}
		if item.Err == nil {
			size += more
		}
		batch = append(batch, item)
	}
	return c.bulkBatch(ctx, batch, done)
}

// bulkBatch sends what can be sent and tells about all of a batch in its order.
func (c *Client) bulkBatch(ctx context.Context, batch []ca.BulkItem, done func(ca.BulkResult) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q := request{Op: opBulk}
	for _, item := range batch {
		if item.Err == nil {
			q.Bulk = append(q.Bulk, bulkItem{item.CSR, item.Profile, item.Days, item.IdentificationKind})
		}
	}
	var answers []bulkAnswer
	if len(q.Bulk) > 0 {
		a, err := c.ask(ctx, q)
		if err != nil {
			return err
		}
		if answers = a.Bulk; len(answers) != len(q.Bulk) {
			return fmt.Errorf("%w: %d answers to %d requests", ErrProtocol, len(answers), len(q.Bulk))
		}
	}
	for _, item := range batch {
		r := ca.BulkResult{Name: item.Name, Line: item.Line, Outcome: ca.BulkRefused, Err: item.Err}
		if item.Err == nil {
			if err := answers[0].result(&r); err != nil {
				return err
			}
			answers = answers[1:]
		}
		if err := done(r); err != nil {
			return err
		}
	}
	return nil
}

// result reads an answer. One that says neither what was issued nor why not is no
// answer: nothing is taken for refused or issued that was not said to be.
func (a bulkAnswer) result(r *ca.BulkResult) error {
	r.ID, r.Outcome = a.ID, a.Outcome
	switch a.Outcome {
	case ca.BulkRefused:
		if a.Error == nil {
			return fmt.Errorf("%w: a refusal without a reason", ErrProtocol)
		}
		r.Err = a.Error
		return nil
	case ca.BulkIssued, ca.BulkAlready:
		cert, err := pki.ParseCertificate(a.Certificate)
		if err != nil {
			return err
		}
		r.Certificate = cert
		r.Serial, err = ca.SerialFrom(cert.SerialNumber)
		return err
	}
	return fmt.Errorf("%w: outcome %q", ErrProtocol, a.Outcome)
}
