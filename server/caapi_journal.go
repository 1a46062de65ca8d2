package server

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// personalRecords is personal for the journal: there everything is masked
// unless somebody asks.
func (s *CAService) personalRecords(req *http.Request, o ca.Operator) (bool, error) {
	if req.URL.Query().Get("personal") == "" {
		return false, nil
	}
	return s.personal(req, o)
}

// A recordFilter says which records of a chain are wanted.
type recordFilter struct {
	node, event, actor string
	from, to           time.Time
	after              uint64
}

func (f recordFilter) match(r journal.Record) bool {
	return (f.event == "" || f.event == r.Event) && (f.actor == "" || f.actor == r.Actor) &&
		(f.from.IsZero() || !r.Time.Before(f.from)) && (f.to.IsZero() || r.Time.Before(f.to))
}

func readFilter(req *http.Request) (f recordFilter, err error) {
	q := req.URL.Query()
	f = recordFilter{node: q.Get("node"), event: q.Get("event"), actor: q.Get("actor")}
	if f.node == "" {
		f.node = journal.DefaultNode
	}
	if journal.CheckNode(f.node) != nil {
		return f, badQuery("node")
	}
	if f.after, err = afterNumber(req); err != nil {
		return f, err
	}
	if f.from, err = moment(q.Get("from"), time.Time{}); err != nil {
		return f, badQuery("from")
	}
	if f.to, err = moment(q.Get("to"), time.Time{}); err != nil {
		return f, badQuery("to")
	}
	return f, nil
}

// afterNumber reads the parameter after of a list that is numbered.
func afterNumber(req *http.Request) (uint64, error) {
	text := req.URL.Query().Get("after")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, badQuery("after")
	}
	return n, nil
}

// getJournal returns a page of one node's chain. A bounded number of records is
// looked at; a page may have fewer than were asked for and still name where to
// go on.
func (s *CAService) getJournal(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	n, err := pageSize(req)
	if err != nil {
		return err
	}
	f, err := readFilter(req)
	if err != nil {
		return err
	}
	personal, err := s.personalRecords(req, o)
	if err != nil {
		return err
	}
	var out struct {
		Records []journal.View `json:"records"`
		Next    uint64         `json:"next,omitempty"`
	}
	err = s.view(req.Context(), func(tx ca.ReadTx) error {
		out.Records, out.Next = []journal.View{}, 0
		seen, last := 0, f.after
		for r, err := range tx.Journal(f.node, f.after) {
			if err != nil {
				return err
			}
			if seen++; len(out.Records) == n || seen > limits.CAServerScan {
				out.Next = last
				return nil
			}
			last = r.Seq
			if f.match(r) {
				out.Records = append(out.Records, r.View(personal))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// getHeads returns the ends of all chains, and the signed heads that were made
// last.
func (s *CAService) getHeads(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	var out struct {
		Nodes  []journal.Head       `json:"nodes"`
		Signed *journal.SignedHeads `json:"signed"`
	}
	err := s.view(req.Context(), func(tx ca.ReadTx) error {
		out.Nodes, out.Signed = []journal.Head{}, nil
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		for _, node := range slices.Sorted(maps.Keys(heads)) {
			out.Nodes = append(out.Nodes, heads[node])
		}
		signed, err := tx.LastSignedHeads()
		if errors.Is(err, ca.ErrNotFound) {
			return nil
		}
		out.Signed = &signed
		return err
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// getSignedHeads returns a page of the signed heads: who keeps them elsewhere
// finds out later what was changed since.
func (s *CAService) getSignedHeads(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	n, err := pageSize(req)
	if err != nil {
		return err
	}
	after, err := afterNumber(req)
	if err != nil {
		return err
	}
	var out struct {
		SignedHeads []journal.SignedHeads `json:"signedHeads"`
		Next        uint64                `json:"next,omitempty"`
	}
	err = s.view(req.Context(), func(tx ca.ReadTx) error {
		out.SignedHeads, out.Next = []journal.SignedHeads{}, 0
		for h, err := range tx.SignedHeads(after) {
			if err != nil {
				return err
			}
			if len(out.SignedHeads) == n {
				out.Next = out.SignedHeads[n-1].Number
				return nil
			}
			out.SignedHeads = append(out.SignedHeads, h)
		}
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *CAService) getRecord(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	personal, err := s.personalRecords(req, o)
	if err != nil {
		return err
	}
	node, seq := recordName(req)
	var out *journal.View
	err = s.view(req.Context(), func(tx ca.ReadTx) error {
		out = nil
		for r, err := range tx.Journal(node, seq-1) {
			if err == nil && r.Seq == seq {
				b := r.View(personal)
				out = &b
			}
			return err
		}
		return nil
	})
	if err == nil && out == nil {
		err = ca.ErrNotFound
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func recordName(req *http.Request) (node string, seq uint64) {
	seq, err := strconv.ParseUint(req.PathValue("seq"), 10, 64) // its form was checked
	if err != nil {
		seq = 1
	}
	return req.PathValue("node"), seq
}

// getProof returns the proof that a record stands in its place. A proof reads
// the chain up to the signed heads, so one is made at a time. What is masked in
// the record is left out of the proof, which holds without it.
func (s *CAService) getProof(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	personal, err := s.personalRecords(req, o)
	if err != nil {
		return err
	}
	select {
	case s.proving <- struct{}{}:
		defer func() { <-s.proving }()
	default:
		return busy()
	}
	node, seq := recordName(req)
	p, err := ca.Prove(req.Context(), s.o.Issuer.Ledger(), node, seq)
	switch {
	case errors.Is(err, journal.ErrNotCovered):
		return &problem{
			status: http.StatusConflict, kind: "not-covered", cause: err,
			ru: "Этой записи ещё нет под подписанными концами цепочек.", en: "No signed heads reach this record yet.",
		}
	case err != nil:
		return err
	}
	if !personal {
		_, masked := p.Record.Masked()
		if len(masked) > 0 {
			if p.Record, err = p.Record.Erase(masked...); err != nil {
				return err
			}
		}
	}
	writeJSON(w, http.StatusOK, p)
	return nil
}
