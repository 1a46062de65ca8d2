package ledgertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// RawPlace is where a ledger keeps a record, whatever the record says.
type RawPlace struct {
	Node string
	Seq  uint64
}

// RawJournal is a journal as somebody sees it who can write the store itself.
type RawJournal struct {
	Records map[RawPlace]string // lines
	Heads   map[string]journal.Head
	Signed  map[uint64]string // signed heads as JSON
}

func (r RawJournal) clone() *RawJournal {
	return &RawJournal{maps.Clone(r.Records), maps.Clone(r.Heads), maps.Clone(r.Signed)}
}

// OpenNode opens the ledger kept at a place for a node.
type OpenNode func(t *testing.T, dir, node string) ca.Ledger

// Tamper changes what the ledger at a place keeps, while nobody has it open.
type Tamper func(t *testing.T, dir string, edit func(*RawJournal))

// RunTampering edits the journal behind a ledger's back in every way that the
// documentation promises to find, and demands the place.
//
// The journal has two chains. Records, "e" for erasures and "h" for heads:
//
//	n1   1 2 3 h4 5 6 e7(n2/2) h8 9
//	n2   1 2 3
//
// Heads 1 cover n1/3 and n2/2; heads 2 cover n1/7 and n2/3.
func RunTampering(t *testing.T, open OpenNode, tamper Tamper) {
	dir := t.TempDir()
	s := tampered(t, open, dir)
	var whole RawJournal
	tamper(t, dir, func(r *RawJournal) { whole = *r.clone() })
	restore := func(r *RawJournal) { *r = *whole.clone() }
	for _, tt := range s.attacks() {
		t.Run(tt.name, func(t *testing.T) {
			tamper(t, dir, func(r *RawJournal) { restore(r); tt.edit(t, r) })
			l := open(t, dir, "n1")
			_, err := ca.VerifyJournal(t.Context(), l)
			if cerr := l.Close(); cerr != nil {
				t.Error(cerr)
			}
			var d *journal.DamageError
			var h *journal.HeadsError
			switch {
			case tt.heads > 0 && (!errors.As(err, &h) || h.Number != tt.heads):
				t.Errorf("got %v, want heads %d", err, tt.heads)
			case tt.heads == 0 && (!errors.As(err, &d) || !slices.Contains(tt.kinds, d.Kind) || d.Node != tt.node || d.Seq != tt.seq):
				t.Errorf("got %v, want %v of %s/%d", err, tt.kinds, tt.node, tt.seq)
			}
		})
	}
	tamper(t, dir, restore)
	l := open(t, dir, "n1")
	defer l.Close() //nolint:errcheck // read only
	if got, err := ca.VerifyJournal(t.Context(), l); err != nil || got["n1"].Seq != 9 || got["n2"].Seq != 3 {
		t.Errorf("the whole journal: %v, %v", got, err)
	}
}

// tamperedJournal makes the journal and knows who may sign its heads.
type tamperedJournal struct {
	key  *ecdsa.PrivateKey
	cert *pki.Certificate
	last *journal.SignedHeads
}

func tampered(t *testing.T, open OpenNode, dir string) *tamperedJournal {
	t.Helper()
	s := newTampered(t, "CN=Authority")
	on := func(node string, f func(ca.Tx) error) {
		l := open(t, dir, node)
		if err := errors.Join(l.Update(t.Context(), f), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
	record := func(n int) func(ca.Tx) error {
		return func(tx ca.Tx) error {
			for range n {
				if _, err := tx.Append(journal.Entry{Time: now, Event: "issue", Subject: "1", Data: map[string]string{"name": "CN=One", "other": "CN=Two"}}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	on("n1", func(tx ca.Tx) error { return errors.Join(tx.SetIssuer(s.cert.Raw), record(3)(tx)) })
	on("n2", record(2))
	on("n1", s.sign(t))
	on("n1", record(2))
	on("n2", record(1))
	on("n1", func(tx ca.Tx) error {
		e := journal.Erasure{Node: "n2", Seq: 2, Fields: []string{"data.name"}, Actor: "test", Reason: "12", Time: now}
		if _, err := tx.Erase(e.Node, e.Seq, e.Fields...); err != nil {
			return err
		}
		_, err := tx.Append(e.Entry())
		return err
	})
	on("n1", s.sign(t))
	on("n1", record(1))
	return s
}

func newTampered(t *testing.T, name string) *tamperedJournal {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN(name)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: dn, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tamperedJournal{key: key, cert: cert}
}

// sign signs the present heads of all chains and puts that on record.
func (s *tamperedJournal) sign(t *testing.T) func(ca.Tx) error {
	return func(tx ca.Tx) error {
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		h := journal.Heads{Number: 1, Time: now, Authority: journal.AuthorityDigest(s.cert)}
		if s.last != nil {
			h.Number, h.Prev = s.last.Number+1, s.last.Digest()
		}
		for _, node := range slices.Sorted(maps.Keys(heads)) {
			var tree journal.Tree
			for r, err := range tx.Journal(node, 0) {
				if err != nil {
					return err
				}
				tree.Add(r.Hash)
			}
			c, err := journal.NewChainHead(heads[node], tree)
			if err != nil {
				return err
			}
			h.Chains = append(h.Chains, c)
		}
		signed := s.signed(t, h)
		s.last = &signed
		_, err = tx.Append(journal.Entry{
			Time: now, Event: journal.EventHeads, Subject: big.NewInt(int64(h.Number)).String(), Data: map[string]string{"streebog256": h.Digest().String()},
		})
		return errors.Join(err, tx.AddSignedHeads(signed))
	}
}

func (s *tamperedJournal) signed(t *testing.T, h journal.Heads) journal.SignedHeads {
	t.Helper()
	signed, err := h.Sign(nil, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// attack is one change and what must be found.
type attack struct {
	name  string
	edit  func(t *testing.T, r *RawJournal)
	kinds []journal.Kind
	node  string
	seq   uint64
	heads uint64 // or the number of signed heads
}

func (s *tamperedJournal) attacks() []attack {
	return slices.Concat(recordAttacks(), tombAttacks(), s.headAttacks())
}

func at(node string, seq uint64) RawPlace { return RawPlace{node, seq} }

// inLine edits a record as JSON.
func inLine(node string, seq uint64, f func(m map[string]any)) func(*testing.T, *RawJournal) {
	return func(t *testing.T, r *RawJournal) {
		t.Helper()
		m := map[string]any{}
		dec := json.NewDecoder(strings.NewReader(r.Records[at(node, seq)]))
		dec.UseNumber()
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
		f(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		r.Records[at(node, seq)] = string(b)
	}
}

func member(m map[string]any, path ...string) map[string]any {
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

func recordAttacks() []attack {
	changed, malformed := []journal.Kind{journal.Changed}, []journal.Kind{journal.Malformed}
	removed, truncated := []journal.Kind{journal.Removed}, []journal.Kind{journal.Truncated}
	return []attack{
		{name: "event changed", edit: inLine("n1", 3, func(m map[string]any) { m["event"] = "revoke" }), kinds: changed, node: "n1", seq: 3},
		{name: "time changed", edit: inLine("n2", 3, func(m map[string]any) { m["time"] = "2026-06-02T12:00:01Z" }), kinds: changed, node: "n2", seq: 3},
		{name: "value changed", edit: inLine("n2", 1, func(m map[string]any) { member(m, "data", "name")["text"] = "CN=Three" }), kinds: changed, node: "n2", seq: 1},
		{name: "values swapped", edit: inLine("n1", 2, func(m map[string]any) {
			a, b := member(m, "data", "name"), member(m, "data", "other")
			a["text"], b["text"] = b["text"], a["text"]
		}), kinds: changed, node: "n1", seq: 2},
		{name: "salts swapped", edit: inLine("n1", 2, func(m map[string]any) {
			a, b := member(m, "data", "name"), member(m, "data", "other")
			a["salt"], b["salt"] = b["salt"], a["salt"]
		}), kinds: changed, node: "n1", seq: 2},
		{name: "member added", edit: inLine("n1", 2, func(m map[string]any) { m["note"] = "x" }), kinds: malformed, node: "n1", seq: 2},
		{name: "value added", edit: inLine("n1", 2, func(m map[string]any) {
			member(m, "data")["more"] = map[string]any{"text": "x", "salt": strings.Repeat("0", 32)}
		}), kinds: changed, node: "n1", seq: 2},
		{name: "no JSON", edit: func(_ *testing.T, r *RawJournal) { r.Records[at("n2", 2)] = "{" }, kinds: malformed, node: "n2", seq: 2},
		{name: "first removed", edit: func(_ *testing.T, r *RawJournal) { delete(r.Records, at("n2", 1)) }, kinds: removed, node: "n2", seq: 1},
		{name: "two removed", edit: func(_ *testing.T, r *RawJournal) { delete(r.Records, at("n1", 5)); delete(r.Records, at("n1", 6)) }, kinds: removed, node: "n1", seq: 5},
		{name: "last removed", edit: func(_ *testing.T, r *RawJournal) { delete(r.Records, at("n1", 9)) }, kinds: truncated, node: "n1", seq: 9},
		{name: "cut off with the head", edit: func(t *testing.T, r *RawJournal) {
			delete(r.Records, at("n2", 3))
			r.Heads["n2"] = parse(t, r, "n2", 2).Head()
		}, kinds: truncated, node: "n2", seq: 3},
		{name: "exchanged", edit: func(_ *testing.T, r *RawJournal) {
			a, b := at("n1", 2), at("n1", 3)
			r.Records[a], r.Records[b] = r.Records[b], r.Records[a]
		}, kinds: malformed, node: "n1", seq: 2},
		{name: "repeated", edit: func(_ *testing.T, r *RawJournal) { r.Records[at("n1", 10)] = r.Records[at("n1", 9)] }, kinds: malformed, node: "n1", seq: 10},
		{name: "from another chain", edit: func(_ *testing.T, r *RawJournal) { r.Records[at("n2", 3)] = r.Records[at("n1", 3)] }, kinds: malformed, node: "n2", seq: 3},
		{name: "from another chain, renamed", edit: func(t *testing.T, r *RawJournal) {
			r.Records[at("n2", 3)] = strings.Replace(r.Records[at("n1", 3)], `"node":"n1"`, `"node":"n2"`, 1)
		}, kinds: changed, node: "n2", seq: 3},
		{name: "inserted at the end", edit: func(t *testing.T, r *RawJournal) {
			next(t, r, parse(t, r, "n1", 9).Head())
		}, kinds: changed, node: "n1", seq: 10},
		{name: "rewritten", edit: func(t *testing.T, r *RawJournal) {
			head := parse(t, r, "n1", 1).Head()
			for range 8 {
				head = next(t, r, head)
			}
			r.Heads["n1"] = head
		}, kinds: changed, node: "n1", seq: 1}, // one of the records 1 and 2: heads 1 have the root of the first two
	}
}

// tombAttacks erase without a record, or hide a record by an erasure.
func tombAttacks() []attack {
	erased := []journal.Kind{journal.Erased}
	erase := func(node string, seq uint64, fields ...string) func(*testing.T, *RawJournal) {
		return func(t *testing.T, r *RawJournal) {
			t.Helper()
			rec, err := parse(t, r, node, seq).Erase(fields...)
			if err != nil {
				t.Fatal(err)
			}
			put(t, r, rec)
		}
	}
	return []attack{
		{name: "value erased unseen", edit: erase("n1", 3, "data.name"), kinds: erased, node: "n1", seq: 3},
		{name: "subject erased unseen", edit: erase("n2", 3, "subject"), kinds: erased, node: "n2", seq: 3},
		{name: "more erased than is on record", edit: erase("n2", 2, "data.other"), kinds: erased, node: "n2", seq: 2},
		{name: "record of an erasure erased", edit: erase("n1", 7, "data.fields"), kinds: erased, node: "n1", seq: 7},
		{name: "reason of an erasure erased", edit: erase("n1", 7, "data.reason"), kinds: erased, node: "n1", seq: 7},
		{name: "record of heads erased with the heads", edit: func(t *testing.T, r *RawJournal) {
			erase("n1", 8, "subject")(t, r)
			delete(r.Signed, 2)
		}, kinds: erased, node: "n1", seq: 8},
		{name: "commitments exchanged", edit: func(t *testing.T, r *RawJournal) {
			erase("n2", 2, "data.other")(t, r)
			inLine("n2", 2, func(m map[string]any) {
				a, b := member(m, "data", "name"), member(m, "data", "other")
				a["erased"], b["erased"] = b["erased"], a["erased"]
			})(t, r)
		}, kinds: []journal.Kind{journal.Changed}, node: "n2", seq: 2},
		{name: "text put where one was erased", edit: inLine("n2", 2, func(m map[string]any) {
			member(m, "data")["name"] = map[string]any{"text": "CN=Other", "salt": strings.Repeat("0", 32)}
		}), kinds: []journal.Kind{journal.Changed}, node: "n2", seq: 2},
	}
}

func (s *tamperedJournal) headAttacks() []attack {
	return []attack{
		{name: "head removed", edit: func(_ *testing.T, r *RawJournal) { delete(r.Heads, "n1") }, kinds: []journal.Kind{journal.Changed}, node: "n1", seq: 1},
		{name: "older head", edit: func(t *testing.T, r *RawJournal) { r.Heads["n1"] = parse(t, r, "n1", 7).Head() }, kinds: []journal.Kind{journal.Changed}, node: "n1", seq: 8},
		{name: "head of nothing", edit: func(_ *testing.T, r *RawJournal) {
			r.Heads["n1"] = journal.Head{Node: "n1", Seq: 9, Hash: journal.Digest{1}}
		}, kinds: []journal.Kind{journal.Changed}, node: "n1", seq: 9},
		{name: "chain removed", edit: func(_ *testing.T, r *RawJournal) { dropChain(r, "n2") }, kinds: []journal.Kind{journal.Truncated}, node: "n2", seq: 1},
		{name: "chain renamed", edit: func(_ *testing.T, r *RawJournal) {
			for seq := range uint64(3) {
				r.Records[at("n3", seq+1)] = strings.Replace(r.Records[at("n2", seq+1)], `"node":"n2"`, `"node":"n3"`, 1)
			}
			h := r.Heads["n2"]
			h.Node = "n3"
			r.Heads["n3"] = h
			dropChain(r, "n2")
		}, kinds: []journal.Kind{journal.Truncated}, node: "n2", seq: 1},
		{name: "last signed heads removed", edit: func(_ *testing.T, r *RawJournal) { delete(r.Signed, 2) }, heads: 2},
		{name: "first signed heads removed", edit: func(_ *testing.T, r *RawJournal) { delete(r.Signed, 1) }, heads: 1},
		{name: "all signed heads removed", edit: func(_ *testing.T, r *RawJournal) { clear(r.Signed) }, heads: 1},
		{name: "signed heads repeated", edit: func(_ *testing.T, r *RawJournal) { r.Signed[3] = r.Signed[2] }, heads: 3},
		{name: "signed heads exchanged", edit: func(_ *testing.T, r *RawJournal) { r.Signed[1], r.Signed[2] = r.Signed[2], r.Signed[1] }, heads: 1},
		{name: "time of signed heads", edit: func(t *testing.T, r *RawJournal) {
			r.Signed[2] = strings.Replace(r.Signed[2], `"time":"2026-06-02T12:00:00Z"`, `"time":"2026-06-02T12:00:01Z"`, 1)
		}, heads: 2},
		{name: "heads by another key", edit: s.forgedHeads(func(t *testing.T, h journal.Heads) journal.SignedHeads {
			return newTampered(t, "CN=Authority").signed(t, h)
		}), heads: 2},
		{name: "heads by another authority", edit: s.forgedHeads(func(t *testing.T, h journal.Heads) journal.SignedHeads {
			o := newTampered(t, "CN=Authority")
			h.Authority = journal.AuthorityDigest(o.cert)
			return o.signed(t, h)
		}), heads: 2},
		{name: "heads after the certificate's end", edit: s.forgedHeads(func(t *testing.T, h journal.Heads) journal.SignedHeads {
			h.Time = s.cert.NotAfter.Add(time.Second)
			return s.signed(t, h)
		}), heads: 2},
		// The key's holder signs other heads: the chain remembers those before.
		{name: "heads signed anew at another time", edit: s.forgedHeads(func(t *testing.T, h journal.Heads) journal.SignedHeads {
			h.Time = h.Time.Add(time.Second)
			return s.signed(t, h)
		}), heads: 2},
		{name: "heads signed anew", edit: s.forgedHeads(func(t *testing.T, h journal.Heads) journal.SignedHeads {
			h.Chains = h.Chains[:1]
			return s.signed(t, h)
		}), heads: 2},
	}
}

// forgedHeads puts others in the place of heads 2.
func (s *tamperedJournal) forgedHeads(f func(t *testing.T, h journal.Heads) journal.SignedHeads) func(*testing.T, *RawJournal) {
	return func(t *testing.T, r *RawJournal) {
		t.Helper()
		h := s.last.Heads
		h.Chains = slices.Clone(h.Chains)
		b, err := json.Marshal(f(t, h))
		if err != nil {
			t.Fatal(err)
		}
		r.Signed[2] = string(b)
	}
}

func parse(t *testing.T, r *RawJournal, node string, seq uint64) journal.Record {
	t.Helper()
	rec, err := journal.ParseRecord([]byte(r.Records[at(node, seq)]))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func put(t *testing.T, r *RawJournal, rec journal.Record) {
	t.Helper()
	b, err := rec.Line()
	if err != nil {
		t.Fatal(err)
	}
	r.Records[at(rec.Node, rec.Seq)] = string(b)
}

// next writes a record of its own behind a head, over what is there.
func next(t *testing.T, r *RawJournal, h journal.Head) journal.Head {
	t.Helper()
	rec, err := h.Next(journal.Entry{Time: now, Event: "forged"})
	if err != nil {
		t.Fatal(err)
	}
	put(t, r, rec)
	return rec.Head()
}

func dropChain(r *RawJournal, node string) {
	maps.DeleteFunc(r.Records, func(p RawPlace, _ string) bool { return p.Node == node })
	delete(r.Heads, node)
}
