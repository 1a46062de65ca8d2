package casock

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// What can be asked of the journal.
const (
	askHeads   = "heads"
	askRecords = "records"
	askVerify  = "verify"
	askState   = "state"
	askProve   = "prove"
	askSign    = "sign"
	askErase   = "erase"
)

// journalPage is how many records one answer holds: at most 40 MiB of lines.
const journalPage = 100

// journalQuery is the member "journal" of a request.
type journalQuery struct {
	Ask    string   `json:"ask"`
	Node   string   `json:"node,omitempty"`
	Seq    uint64   `json:"seq,omitempty"` // of records: those behind it
	Fields []string `json:"fields,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// journalAnswer is the member "journal" of a response.
type journalAnswer struct {
	Heads   map[string]journal.Head `json:"heads,omitempty"`
	Records []journal.Record        `json:"records,omitempty"`
	Proof   *journal.Proof          `json:"proof,omitempty"`
	Signed  *journal.SignedHeads    `json:"signed,omitempty"`
	Damage  *journalDamage          `json:"damage,omitempty"`
	State   *ca.StateReport         `json:"state,omitempty"`
}

// journalDamage is a *[journal.DamageError] or, with Number, a
// *[journal.HeadsError] or, with State, that.
type journalDamage struct {
	State    *ca.StateError `json:"state,omitempty"`
	Kind     journal.Kind   `json:"kind,omitempty"`
	Node     string         `json:"node,omitempty"`
	Seq      uint64         `json:"seq,omitempty"`
	Last     uint64         `json:"last,omitempty"`
	Position uint64         `json:"position,omitempty"`
	Number   uint64         `json:"number,omitempty"`
	Message  string         `json:"message,omitempty"`
}

// journal answers a question about the journal. A damaged journal is an answer,
// not a failure of the server.
func (s *Server) journal(ctx context.Context, actor string, q *journalQuery) (out response, err error) {
	if q == nil {
		return out, fmt.Errorf("%w: no question about the journal", ErrProtocol)
	}
	a := &journalAnswer{}
	l := s.issuer.Ledger()
	switch q.Ask {
	case askHeads:
		err = l.View(ctx, func(tx ca.ReadTx) (err error) { a.Heads, err = tx.Heads(); return err })
	case askRecords:
		a.Records, err = journalRecords(ctx, l, q.Node, q.Seq)
	case askVerify:
		a.Heads, err = ca.VerifyJournal(ctx, l)
	case askState:
		a.State = &ca.StateReport{}
		*a.State, err = ca.VerifyState(ctx, l)
	case askProve:
		a.Proof = &journal.Proof{}
		*a.Proof, err = ca.Prove(ctx, l, q.Node, q.Seq)
	case askSign:
		a.Signed = &journal.SignedHeads{}
		*a.Signed, err = s.issuer.SignHeads(ctx, actor)
	case askErase:
		var r journal.Record
		r, err = ca.EraseRecord(ctx, l, journal.Erasure{Node: q.Node, Seq: q.Seq, Fields: q.Fields, Actor: actor, Reason: q.Reason, Time: time.Now()})
		a.Records = []journal.Record{r}
	default:
		return out, fmt.Errorf("%w: question %q about the journal", ErrProtocol, q.Ask)
	}
	if d := damageOf(err); d != nil {
		return response{Journal: &journalAnswer{Damage: d}}, nil
	}
	if err != nil {
		return out, err
	}
	return response{Journal: a}, nil
}

func journalRecords(ctx context.Context, l ca.Ledger, node string, after uint64) (list []journal.Record, err error) {
	err = l.View(ctx, func(tx ca.ReadTx) error {
		list = nil // the view may be tried again
		for r, err := range tx.Journal(node, after) {
			if err != nil {
				return err
			}
			if list = append(list, r); len(list) == journalPage {
				break
			}
		}
		return nil
	})
	return list, err
}

func damageOf(err error) *journalDamage {
	var d *journal.DamageError
	if errors.As(err, &d) {
		return &journalDamage{Kind: d.Kind, Node: d.Node, Seq: d.Seq, Last: d.Last, Position: d.Position, Message: err.Error()}
	}
	var h *journal.HeadsError
	if errors.As(err, &h) {
		return &journalDamage{Number: h.Number, Message: err.Error()}
	}
	var s *ca.StateError
	if errors.As(err, &s) {
		return &journalDamage{State: s}
	}
	return nil
}

// err is what damageOf was made of.
func (d *journalDamage) err() error {
	if d.State != nil {
		return d.State
	}
	if d.Number > 0 {
		return &journal.HeadsError{Number: d.Number, Err: fmt.Errorf("%w: %s", journal.ErrHeads, d.Message)}
	}
	return &journal.DamageError{Kind: d.Kind, Node: d.Node, Seq: d.Seq, Last: d.Last, Position: d.Position}
}

func (c *Client) askJournal(ctx context.Context, q journalQuery) (*journalAnswer, error) {
	a, err := c.ask(ctx, request{Op: opJournal, Journal: &q})
	switch {
	case err != nil:
		return nil, err
	case a.Journal == nil:
		return nil, fmt.Errorf("%w: no journal in the answer", ErrProtocol)
	case a.Journal.Damage != nil:
		return nil, a.Journal.Damage.err()
	}
	return a.Journal, nil
}

// JournalHeads returns the ends of the journal's chains.
func (c *Client) JournalHeads(ctx context.Context) (map[string]journal.Head, error) {
	a, err := c.askJournal(ctx, journalQuery{Ask: askHeads})
	if err != nil {
		return nil, err
	}
	return a.Heads, nil
}

// Journal iterates over the records of a node's chain behind a number.
func (c *Client) Journal(ctx context.Context, node string, after uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for {
			a, err := c.askJournal(ctx, journalQuery{Ask: askRecords, Node: node, Seq: after})
			if err != nil {
				yield(journal.Record{}, err)
				return
			}
			for _, r := range a.Records {
				if !yield(r, nil) {
					return
				}
			}
			if len(a.Records) < journalPage || a.Records[len(a.Records)-1].Seq <= after {
				return
			}
			after = a.Records[len(a.Records)-1].Seq
		}
	}
}

// VerifyJournal lets the server do [ca.VerifyJournal].
func (c *Client) VerifyJournal(ctx context.Context) (map[string]journal.Head, error) {
	a, err := c.askJournal(ctx, journalQuery{Ask: askVerify})
	if err != nil {
		return nil, err
	}
	return a.Heads, nil
}

// VerifyState lets the server do [ca.VerifyState].
func (c *Client) VerifyState(ctx context.Context) (ca.StateReport, error) {
	a, err := c.askJournal(ctx, journalQuery{Ask: askState})
	if err != nil {
		return ca.StateReport{}, err
	}
	if a.State == nil {
		return ca.StateReport{}, fmt.Errorf("%w: no state in the answer", ErrProtocol)
	}
	return *a.State, nil
}

// Prove lets the server do [ca.Prove]. The proof is for the caller to verify.
func (c *Client) Prove(ctx context.Context, node string, seq uint64) (journal.Proof, error) {
	a, err := c.askJournal(ctx, journalQuery{Ask: askProve, Node: node, Seq: seq})
	if err != nil {
		return journal.Proof{}, err
	}
	if a.Proof == nil {
		return journal.Proof{}, fmt.Errorf("%w: no proof in the answer", ErrProtocol)
	}
	return *a.Proof, nil
}

// SignHeads lets the server do [ca.Issuer.SignHeads]. The actor is the server's
// to say.
func (c *Client) SignHeads(ctx context.Context, _ string) (journal.SignedHeads, error) {
	a, err := c.askJournal(ctx, journalQuery{Ask: askSign})
	if err != nil {
		return journal.SignedHeads{}, err
	}
	if a.Signed == nil {
		return journal.SignedHeads{}, fmt.Errorf("%w: no heads in the answer", ErrProtocol)
	}
	return *a.Signed, nil
}

// EraseRecord lets the server do [ca.EraseRecord]. Actor and time are the
// server's to say.
func (c *Client) EraseRecord(ctx context.Context, e journal.Erasure) (journal.Record, error) {
	a, err := c.askJournal(ctx, journalQuery{Ask: askErase, Node: e.Node, Seq: e.Seq, Fields: e.Fields, Reason: e.Reason})
	if err != nil {
		return journal.Record{}, err
	}
	if len(a.Records) != 1 {
		return journal.Record{}, fmt.Errorf("%w: no record in the answer", ErrProtocol)
	}
	return a.Records[0], nil
}
