package ca_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// audited notes what each transaction that was committed changed and what it put
// on record.
type audited struct {
	ca.Ledger
	t    *testing.T
	seen map[string]int // changes by what they are
}

type auditedTx struct {
	ca.Tx
	changes []change
	records []journal.Record
}

// change is what a record of the same transaction must speak of: one of the
// events about the subject.
type change struct {
	what    string
	subject string
	events  []string // none: any event
}

func (l audited) Update(ctx context.Context, f func(ca.Tx) error) error {
	var tx *auditedTx
	err := l.Ledger.Update(ctx, func(inner ca.Tx) error {
		tx = &auditedTx{Tx: inner}
		return f(tx)
	})
	if err != nil {
		return err
	}
	for _, c := range tx.changes {
		l.seen[c.what]++
		if !slices.ContainsFunc(tx.records, func(r journal.Record) bool {
			return (len(c.events) == 0 || slices.Contains(c.events, r.Event)) && (c.subject == "" || r.Subject == c.subject || r.Data["request"] == c.subject)
		}) {
			l.t.Errorf("%s of %s: no record says so, only %+v", c.what, c.subject, tx.records)
		}
	}
	return nil
}

func (t *auditedTx) note(err error, what, subject string, events ...string) error {
	if err == nil {
		t.changes = append(t.changes, change{what, subject, events})
	}
	return err
}

func (t *auditedTx) Append(e journal.Entry) (journal.Record, error) {
	r, err := t.Tx.Append(e)
	t.records = append(t.records, r)
	return r, err
}

func (t *auditedTx) SetIssuer(der []byte) error {
	return t.note(t.Tx.SetIssuer(der), "issuer", "", "found")
}

func (t *auditedTx) Add(e ca.Entry, der []byte) error {
	return t.note(t.Tx.Add(e, der), "certificate", e.Serial.String(), "issue")
}

func (t *auditedTx) SetStatus(e ca.Entry) error {
	if e.DroppedAfter > 0 { // it left the list: what the record of the list is about
		return t.note(t.Tx.SetStatus(e), "dropped", strconv.FormatUint(e.DroppedAfter, 10), "crl")
	}
	return t.note(t.Tx.SetStatus(e), "status", e.Serial.String(), "revoke", "hold", "release")
}

func (t *auditedTx) BlockKey(id []byte) error {
	return t.note(t.Tx.BlockKey(id), "blocked key", "", "revoke")
}

func (t *auditedTx) AddCRL(e ca.CRLEntry) error {
	return t.note(t.Tx.AddCRL(e), "crl", strconv.FormatUint(e.Number, 10), "crl")
}

func (t *auditedTx) SaveRequest(e ca.RequestEntry) error {
	return t.note(t.Tx.SaveRequest(e), "request", e.ID)
}

func (t *auditedTx) SaveOperator(o ca.Operator) error {
	return t.note(t.Tx.SaveOperator(o), "operator", o.Name, "operator-add", "operator-remove")
}

func (t *auditedTx) Erase(node string, seq uint64, fields ...string) (journal.Record, error) {
	r, err := t.Tx.Erase(node, seq, fields...)
	return r, t.note(err, "erasure", fmt.Sprintf("%s/%d", node, seq), journal.EventErase)
}

func (t *auditedTx) AddSignedHeads(h journal.SignedHeads) error {
	return t.note(t.Tx.AddSignedHeads(h), "heads", strconv.FormatUint(h.Number, 10), journal.EventHeads)
}

// TestEveryChangeIsOnRecord does what an authority does and demands that every
// transaction has a record about each thing that it changed.
func TestEveryChangeIsOnRecord(t *testing.T) {
	ctx := t.Context()
	pair := twoPeople()
	pair.Name = "pair"
	d := newDesk(t, pair)
	l := audited{d.ledger, t, map[string]int{}}
	set, err := ca.NewProfileSet(append(ca.Profiles(), pair))
	if err != nil {
		t.Fatal(err)
	}
	with, of := settings(), lists()
	with.CRLURLs, with.Lists = nil, &of
	d.Issuer, err = ca.New(ctx, ca.Config{Certificate: d.cert, Key: d.key, Ledger: l, Rules: sets.All(), Settings: with, Now: d.clock.now, Profiles: set})
	if err != nil {
		t.Fatal(err)
	}
	key := generate(t, "gost2012-256", "cryptopro-a")
	d.hire(t, "vera", ca.RoleApprover)
	one, two := d.issue(t, "ocsp", "CN=One", key), d.issue(t, "ocsp", "CN=Two", generate(t, "gost2012-256", ""))
	folder, items := t.TempDir(), bulkItems(t, 3)
	e := d.submit(t, "pair", "submitter")
	rejected := d.submit(t, "pair", "submitter")
	steps := []struct {
		name string
		f    func() error
	}{
		{"hold", func() error {
			_, err := d.Hold(ctx, ca.Revocation{Serial: serialOf(t, one), Actor: "test"})
			return err
		}},
		{"release", func() error {
			_, err := d.Release(ctx, ca.Revocation{Serial: serialOf(t, one), Actor: "test"})
			return err
		}},
		{"revoke", func() error {
			_, err := d.Revoke(ctx, ca.Revocation{Serial: serialOf(t, one), Reason: ca.KeyCompromise, Actor: "test"})
			return err
		}},
		{"crl", func() error { _, err := d.CRL(ctx, "test"); return err }},
		{"publish", func() error { _, err := d.Publish(ctx, folder, false, "test"); return err }},
		{"approve", func() error { _, err := d.decide(t, e, ca.DecisionApprove, "anna"); return err }},
		{"approve again", func() error {
			now, err := d.FindRequest(ctx, e.ID)
			if err == nil {
				_, err = d.decide(t, now, ca.DecisionApprove, "boris")
			}
			return err
		}},
		{"issue", func() error { _, err := d.IssueApproved(ctx, e.ID, "test"); return err }},
		{"reject", func() error { _, err := d.decide(t, rejected, ca.DecisionReject, "anna"); return err }},
		{"bulk", func() error {
			return d.Bulk(ctx, slices.Values(items), "test", func(r ca.BulkResult) error { return r.Err })
		}},
		{"operator", func() error { _, err := d.RemoveOperator(ctx, "vera", "test"); return err }},
		{"heads", func() error { _, err := d.SignHeads(ctx, "test"); return err }},
		{"erase", func() error {
			_, err := ca.EraseRecord(ctx, l, journal.Erasure{Node: "main", Seq: 2, Fields: []string{"data.name"}, Actor: "test", Time: d.clock.t})
			return err
		}},
		{"expired off the list", func() error {
			d.clock.t = two.NotAfter.AddDate(0, 0, 1)
			_, err := d.CRL(ctx, "test")
			return errors.Join(err, func() error { _, err := d.CRL(ctx, "test"); return err }())
		}},
	}
	for _, s := range steps {
		if err := s.f(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	for _, what := range []string{"certificate", "status", "dropped", "blocked key", "crl", "request", "operator", "erasure", "heads"} {
		if l.seen[what] == 0 {
			t.Errorf("nothing of this was done: %s", what)
		}
	}
	empty, err := boltstore.Open(ctx, filepath.Join(t.TempDir(), ca.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close() //nolint:errcheck // nothing is kept
	if err := ca.Found(ctx, audited{empty, t, l.seen}, d.cert, "test", d.clock.t); err != nil || l.seen["issuer"] != 1 {
		t.Errorf("%d, %v", l.seen["issuer"], err)
	}
	if _, err := ca.VerifyJournal(ctx, d.ledger); err != nil {
		t.Error(err)
	}
}
