package casock_test

import (
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestJournal does through the socket what can be done with a ledger at hand.
func TestJournal(t *testing.T) {
	s := serve(t)
	c := s.dial(t)
	must(c.IssueRequest(t.Context(), "citizen", request(t, citizenDN)))(t)
	_, err := c.Prove(t.Context(), "main", 2)
	if !errors.Is(err, journal.ErrNotCovered) {
		t.Errorf("before heads: %v", err)
	}
	if h := must(c.SignHeads(t.Context(), "liar"))(t); h.Number != 1 || h.Verify(s.key.Public()) != nil {
		t.Errorf("%+v", h)
	}
	p := must(c.Prove(t.Context(), "main", 2))(t)
	if err := p.Verify(s.issuer.Certificate()); err != nil {
		t.Error(err)
	}
	r := must(c.EraseRecord(t.Context(), journal.Erasure{Node: "main", Seq: 2, Fields: []string{"data.name"}, Actor: "liar", Reason: "заявление"}))(t)
	if r.Hash != p.Record.Hash || r.Data["name"] != "" || p.Record.Data["name"] == "" {
		t.Errorf("%+v", r)
	}
	heads := must(c.VerifyJournal(t.Context()))(t)
	if heads["main"].Seq != 4 || heads["main"] != must(c.JournalHeads(t.Context()))(t)["main"] {
		t.Errorf("%v", heads)
	}
	for name, tt := range map[string]struct {
		e    journal.Erasure
		want error
	}{
		"no record": {journal.Erasure{Node: "main", Seq: 9, Fields: []string{"subject"}}, ca.ErrNotFound},
		"no field":  {journal.Erasure{Node: "main", Seq: 2, Fields: []string{"none"}}, journal.ErrNoField},
		"nothing":   {journal.Erasure{Node: "main", Seq: 2}, journal.ErrErasure},
	} {
		if _, err := c.EraseRecord(t.Context(), tt.e); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestJournalPages reads more than one answer holds.
func TestJournalPages(t *testing.T) {
	s := serve(t)
	err := s.ledger.Update(t.Context(), func(tx ca.Tx) error {
		for range 205 {
			if _, err := tx.Append(journal.Entry{Time: s.issuer.Certificate().NotBefore, Event: "test", Actor: "x"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := s.dial(t)
	want := uint64(4)
	for r, err := range c.Journal(t.Context(), "main", 3) {
		if err != nil || r.Seq != want || !r.Intact() {
			t.Fatalf("%d: %v, %v", want, r, err)
		}
		want++
	}
	if last := must(c.JournalHeads(t.Context()))(t)["main"].Seq; want != last+1 {
		t.Errorf("ended before %d of %d", want, last)
	}
	for range c.Journal(t.Context(), "none", 0) {
		t.Error("a record of an unknown chain")
	}
}
