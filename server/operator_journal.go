package server

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// journalEvents are the events that the page offers to filter by.
func journalEvents() []string {
	return []string{
		"issue", "revoke", "hold", "release", "crl", "request-draft", "request-submitted", "request-review", "request-decision",
		"request-issue", "request-reject", "refused", "operator-add", "operator-remove", "personal-data", "heads", "erase", "found",
	}
}

// journalQuery says which records a person wants. Times are days, UTC; To is
// the last one.
type journalQuery struct {
	Node, Event, Actor string
	From, To           time.Time
	Before             uint64 // only records with lower numbers; 0: all
}

// match reports whether a record passes.
func (q journalQuery) match(r journal.Record) bool {
	return (q.Event == "" || r.Event == q.Event) && (q.Actor == "" || r.Actor == q.Actor) &&
		(q.From.IsZero() || !r.Time.Before(q.From)) && (q.To.IsZero() || r.Time.Before(q.To.Add(day)))
}

// journalChain is a part of a chain, the newest record first.
type journalChain struct {
	node    string
	nodes   []string
	records []journal.Record
	before  uint64 // where to go on; 0: nothing is left
	scanned int
}

// chain reads the records of a chain that pass, from the newest to the oldest,
// looking at no more than limits.PageJournalScan.
func (v *visit) chain(q journalQuery) (out journalChain, err error) {
	err = v.read(func(tx ca.ReadTx) error {
		out = journalChain{node: q.Node}
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		out.nodes = slices.Sorted(maps.Keys(heads))
		if len(out.nodes) > limits.PageNodes {
			out.nodes = out.nodes[:limits.PageNodes]
		}
		if out.node == "" {
			if out.node, err = newestChain(tx, out.nodes, heads); err != nil {
				return err
			}
		}
		end := heads[out.node].Seq
		if q.Before > 0 {
			end = min(end, q.Before-1)
		}
		if !q.To.IsZero() {
			// A minute more: clocks are set, and records follow each other, not time.
			if end, err = lastBefore(tx, out.node, end, q.To.Add(day+time.Minute)); err != nil {
				return err
			}
		}
		return out.read(tx, q, end)
	})
	return out, err
}

// newestChain is the chain that was written last.
func newestChain(tx ca.ReadTx, nodes []string, heads map[string]journal.Head) (string, error) {
	best, at := journal.DefaultNode, time.Time{}
	for _, node := range nodes {
		r, ok, err := recordAt(tx, node, heads[node].Seq)
		if err != nil {
			return "", err
		}
		if ok && r.Time.After(at) {
			best, at = node, r.Time
		}
	}
	return best, nil
}

// recordAt returns a record of a chain.
func recordAt(tx ca.ReadTx, node string, seq uint64) (r journal.Record, ok bool, err error) {
	if seq == 0 {
		return r, false, nil
	}
	for r, err := range tx.Journal(node, seq-1) {
		return r, err == nil && r.Seq == seq, err
	}
	return r, false, nil
}

// lastBefore finds the last record up to end that was made before a time, by
// halving: a chain is written in the order of time, as far as its clock is right.
func lastBefore(tx ca.ReadTx, node string, end uint64, at time.Time) (uint64, error) {
	low, high := uint64(0), end // low is before, everything behind high is not
	for low < high {
		middle := low + (high-low+1)/2
		r, ok, err := recordAt(tx, node, middle)
		if err != nil {
			return 0, err
		}
		if ok && r.Time.Before(at) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, nil
}

// read goes back from a record in steps, each read forward.
func (c *journalChain) read(tx ca.ReadTx, q journalQuery, end uint64) error {
	const step = 500
	for end > 0 && len(c.records) < limits.PageRows && c.scanned < limits.PageJournalScan {
		var part []journal.Record
		for r, err := range tx.Journal(c.node, end-min(end, step)) {
			if err != nil {
				return err
			}
			if r.Seq > end {
				break
			}
			part = append(part, r)
		}
		if len(part) == 0 {
			end = 0 // a damaged chain: `ca` commands name the place
			break
		}
		for _, r := range slices.Backward(part) {
			if !q.From.IsZero() && r.Time.Before(q.From.Add(-time.Minute)) {
				c.before = 0
				return nil
			}
			end, c.scanned = r.Seq-1, c.scanned+1
			if q.match(r) {
				c.records = append(c.records, r)
			}
			if len(c.records) == limits.PageRows {
				break
			}
		}
	}
	if end > 0 {
		c.before = end + 1
	}
	return nil
}

// recordField is a value of a record.
type recordField struct {
	Name, Value string
	Erased      bool
}

// recordRow is a record in a list.
type recordRow struct {
	Node          string
	Seq           uint64
	Time          time.Time
	Actor, Event  string
	Subject       string
	SubjectErased bool
	Fields        []recordField
	Masked        int // fields in which something is hidden
}

// recordRows are records for people. Personal data of the journal is hidden
// whoever looks, until it is asked for.
func (v *visit) recordRows(list []journal.Record) []recordRow {
	out := make([]recordRow, 0, len(list))
	for _, r := range list {
		out = append(out, recordRowOf(r, true))
	}
	return out
}

func recordRowOf(r journal.Record, masked bool) recordRow {
	row := recordRow{Node: r.Node, Seq: r.Seq, Time: r.Time, Actor: r.Actor, Event: r.Event, Subject: r.Subject}
	data := r.Data
	if masked {
		e, fields := r.Masked()
		row.Actor, row.Subject, data, row.Masked = e.Actor, e.Subject, e.Data, len(fields)
	}
	_, row.SubjectErased = r.Value(journal.FieldSubject)
	for _, name := range r.Fields()[1:] {
		_, erased := r.Value(name)
		key := strings.TrimPrefix(name, journal.FieldData(""))
		row.Fields = append(row.Fields, recordField{key, data[key], erased})
	}
	return row
}

type journalView struct {
	Query               journalQuery
	From, To            string
	Nodes               []string
	Node                string
	Events              []string
	Records             []recordRow
	Scanned             int
	Cut                 bool // the filter let few pass, and there is more to look at
	Next, First, Reveal string
}

// journal shows a chain of the journal.
func (p *operatorPage) journal(v *visit) error {
	q, err := v.journalQuery()
	if err != nil {
		return err
	}
	v.masked = true
	if err := v.reveal(); err != nil {
		return err
	}
	chain, err := v.chain(q)
	if err != nil {
		return err
	}
	view := journalView{
		Query: q, Nodes: chain.nodes, Node: chain.node, Events: journalEvents(), Scanned: chain.scanned,
		From: v.req.URL.Query().Get("from"), To: v.req.URL.Query().Get("to"),
	}
	if q.Event != "" && !slices.Contains(view.Events, q.Event) {
		view.Events = append(view.Events, q.Event)
	}
	for _, r := range chain.records {
		view.Records = append(view.Records, recordRowOf(r, v.masked))
	}
	if chain.before > 0 {
		view.Next = v.link(map[string]string{"before": strconv.FormatUint(chain.before, 10), "node": chain.node, "lang": ""})
		view.Cut = len(chain.records) < limits.PageRows
	}
	if q.Before > 0 {
		view.First = v.link(map[string]string{"before": "", "lang": ""})
	}
	if v.masked && v.mayReveal() {
		view.Reveal = v.link(map[string]string{"personal": "1", "node": chain.node, "lang": ""})
	}
	return v.show("journal", "journal", view)
}

// journalQuery reads the filter.
func (v *visit) journalQuery() (journalQuery, error) {
	values := v.req.URL.Query()
	q := journalQuery{Node: values.Get("node"), Event: values.Get("event"), Actor: values.Get("actor")}
	if q.Node != "" && journal.CheckNode(q.Node) != nil {
		return q, badQuery("node")
	}
	for _, d := range []struct {
		name string
		to   *time.Time
	}{{"from", &q.From}, {"to", &q.To}} {
		text := values.Get(d.name)
		if text == "" {
			continue
		}
		t, err := time.Parse(dateLayout, text)
		if err != nil || t.Year() < 1970 || t.Year() > 9998 {
			return q, badQuery(d.name)
		}
		*d.to = t
	}
	if text := values.Get("before"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n == 0 {
			return q, badQuery("before")
		}
		q.Before = n
	}
	return q, nil
}

// mayReveal reports whether the person may see personal data in the journal.
func (v *visit) mayReveal() bool {
	return v.operator.Has(ca.RoleAuditor) || v.operator.Has(ca.RoleOperator)
}

type recordView struct {
	recordRow
	Previous, Digest string
	Covered          bool // by the last signed heads
	Heads            *journal.SignedHeads
	Line             string // the record as it is exported; "" where something is hidden
	Command          string
	Reveal           string
}

// journalRecord shows one record.
func (p *operatorPage) journalRecord(v *visit) error {
	node := v.req.PathValue("node")
	seq, err := strconv.ParseUint(v.req.PathValue("seq"), 10, 64)
	if err != nil || journal.CheckNode(node) != nil {
		return notFound()
	}
	v.masked = true
	if err := v.reveal(); err != nil {
		return err
	}
	var r journal.Record
	var view recordView
	err = v.read(func(tx ca.ReadTx) error {
		var ok bool
		if r, ok, err = recordAt(tx, node, seq); err != nil {
			return err
		}
		if !ok {
			return notFound()
		}
		if view.Heads, err = lastHeads(tx); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	if view.Heads != nil {
		chain, ok := view.Heads.Chain(node)
		view.Covered = ok && chain.Seq >= seq
	}
	view.recordRow = recordRowOf(r, v.masked)
	view.Previous, view.Digest = hex.EncodeToString(r.Prev[:]), hex.EncodeToString(r.Hash[:])
	view.Command = "gosklyuch journal prove " + strconv.FormatUint(seq, 10) + " --dir D --node " + node + " -o proof.json"
	if !v.masked {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return internal(err)
		}
		view.Line = string(b)
	} else if v.mayReveal() {
		view.Reveal = v.link(map[string]string{"personal": "1", "lang": ""})
	}
	return v.show("record", "journal", view)
}
