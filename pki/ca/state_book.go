package ca

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
)

// recordPlace is where a record stands.
type recordPlace struct {
	node uint16 // in stateBook.nodes; a ledger has at most limits.JournalChains
	seq  uint64
}

// short is the beginning of a digest that others cannot find a second preimage
// for: 128 bits.
type short [16]byte

// shortHex reads the beginning of a digest in hexadecimal digits; what is none
// matches nothing.
func shortHex(text string) (s short) {
	if b, err := hex.DecodeString(text); err == nil && len(b) >= len(s) {
		copy(s[:], b)
	}
	return s
}

// shortOf is a fingerprint of texts, none of which has a zero octet where the
// others could be confused with it: each is preceded by its length.
func shortOf(texts ...string) short {
	h := sha256.New()
	for _, t := range texts {
		h.Write(strconv.AppendInt(nil, int64(len(t)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(t))
	}
	return short(h.Sum(nil)[:16])
}

// issuedRecord is what is kept of the record of an issue: 64 octets.
type issuedRecord struct {
	serial  Serial
	facts   short // of issueFacts
	request short // beginning of the request's identifier
	node    uint16
	// bare: a value was erased, and the record is to be read again.
	bare bool
	seq  uint64
}

func (r issuedRecord) place() recordPlace { return recordPlace{r.node, r.seq} }

// issueKeys are the values of the record of an issue that are compared.
func issueKeys() []string { return []string{"streebog256", "profile", "notAfter", "name"} }

// issueFacts are the same of an entry and its certificate.
func issueFacts(e Entry, der []byte) []string {
	return []string{streebog256(der), e.Profile, e.NotAfter.Format(time.RFC3339), e.Subject}
}

// runSize is how many records are sorted together: memory for all of them is
// then taken once, and never copied.
const runSize = 1 << 14

// runs are the records of issues, sorted by serial number in parts.
type runs struct {
	parts [][]issuedRecord
	heads []int // what take has not come to yet
}

func (r *runs) add(x issuedRecord) {
	n := len(r.parts)
	if n == 0 || len(r.parts[n-1]) == runSize {
		r.parts = append(r.parts, make([]issuedRecord, 0, runSize))
		n++
	}
	r.parts[n-1] = append(r.parts[n-1], x)
}

func compareIssued(a, b issuedRecord) int { return bytes.Compare(a.serial[:], b.serial[:]) }

func (r *runs) sort() {
	for _, p := range r.parts {
		slices.SortFunc(p, compareIssued)
	}
	r.heads = make([]int, len(r.parts))
}

// take returns all records up to a serial number that were not taken; the serial
// numbers of the calls rise.
func (r *runs) take(upTo Serial) (out []issuedRecord) {
	for n, p := range r.parts {
		for r.heads[n] < len(p) && bytes.Compare(p[r.heads[n]].serial[:], upTo[:]) <= 0 {
			out = append(out, p[r.heads[n]])
			r.heads[n]++
		}
	}
	return out
}

// find returns the record of a serial number.
func (r *runs) find(s Serial) (issuedRecord, bool) {
	for _, p := range r.parts {
		if n, ok := slices.BinarySearchFunc(p, issuedRecord{serial: s}, compareIssued); ok {
			return p[n], true
		}
	}
	return issuedRecord{}, false
}

// changeRecord is the record of a hold, a release or a revocation.
type changeRecord struct {
	place             recordPlace
	reason, at, since string // at is revokedAt, since the invalidity date
	bare              bool
}

// certificateChanges are the records about one certificate after its issue.
// Nodes write chains that have no order among them; the counts need none.
type certificateChanges struct {
	holds, releases, revocations int
	last                         recordPlace // the last one that was seen, for errors
	revocation                   changeRecord
	held                         []changeRecord // the last hold of each node
}

// byNode is the last of something in each chain: which of them was the last of
// all only clocks say.
type byNode struct {
	place recordPlace
	facts short
	bare  bool
}

func setLast(list []byNode, x byNode) []byNode {
	for n := range list {
		if list[n].place.node == x.place.node {
			list[n] = x
			return list
		}
	}
	return append(list, x)
}

// requestRecords are the records about one request, but for its issue.
type requestRecords struct {
	saves int
	rank  int // of the state that is farthest on its way
	last  []byNode
	// statements are the digests of the signed statements by their place.
	statements []short
	bare       bool // a value of any was erased
	seen       bool // there is a request
}

// operatorRecords are the records about one operator.
type operatorRecords struct {
	adds, removes int
	added         []byNode
	place         recordPlace
	times         []time.Time // of adds and removes
	seen          bool
}

// listRecord is the record of a publication.
type listRecord struct {
	place               recordPlace
	entries, this, base string
	bare                bool
}

// stateBook is what the journal says about the state.
type stateBook struct {
	nodes    []string
	found    string // digest of the authority's certificate
	foundAt  recordPlace
	issued   runs
	changes  map[Serial]*certificateChanges
	requests map[string]*requestRecords
	people   map[string]*operatorRecords
	lists    map[uint64]listRecord
	lastList uint64
	// nameless are records whose subject was erased, by what they are about.
	nameless map[StateKind][]recordPlace
	orphans  []recordPlace // records of issues whose subject was erased
}

func newStateBook() *stateBook {
	return &stateBook{
		changes: map[Serial]*certificateChanges{}, requests: map[string]*requestRecords{}, people: map[string]*operatorRecords{},
		lists: map[uint64]listRecord{}, nameless: map[StateKind][]recordPlace{},
	}
}

func (b *stateBook) node(p recordPlace) string { return b.nodes[p.node] }

// erased reports whether any of a record's values was erased.
func erased(r journal.Record, keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { _, e := r.Value(journal.FieldData(k)); return e })
}

// see takes a verified record.
func (b *stateBook) see(r journal.Record) {
	if n := len(b.nodes); n == 0 || b.nodes[n-1] != r.Node {
		b.nodes = append(b.nodes, r.Node)
	}
	at := recordPlace{uint16(len(b.nodes) - 1), r.Seq}
	_, nameless := r.Value(journal.FieldSubject)
	switch {
	case r.Event == "issue":
		b.seeIssue(r, at, nameless)
	case r.Event == "hold" || r.Event == "release" || r.Event == "revoke":
		b.seeChange(r, at, nameless)
	case strings.HasPrefix(r.Event, "request-"):
		b.seeRequest(r, at, nameless)
	case r.Event == "operator-add" || r.Event == "operator-remove":
		b.seeOperator(r, at, nameless)
	case r.Event == "crl":
		b.seeList(r, at, nameless)
	case r.Event == "found" && b.foundAt.seq == 0:
		b.found, b.foundAt = r.Data["streebog256"], at
		if erased(r, "streebog256") {
			b.nameless[StateAuthority] = append(b.nameless[StateAuthority], at)
		}
	}
}

func (b *stateBook) seeIssue(r journal.Record, at recordPlace, nameless bool) {
	s, err := ParseSerial(r.Subject)
	if nameless || err != nil {
		b.orphans = append(b.orphans, at)
		return
	}
	b.issued.add(issuedRecord{
		serial: s, node: at.node, seq: at.seq, request: shortHex(r.Data["request"]), bare: erased(r, append(issueKeys(), "request")...),
		facts: shortOf(append(valuesOf(r, issueKeys()), issueTime(r.Time))...),
	})
}

func valuesOf(r journal.Record, keys []string) []string {
	out := make([]string, 0, len(keys)+1)
	for _, k := range keys {
		out = append(out, r.Data[k])
	}
	return out
}

// issueTime is a time as issuedAt has it.
func issueTime(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func (b *stateBook) seeChange(r journal.Record, at recordPlace, nameless bool) {
	s, err := ParseSerial(r.Subject)
	if nameless || err != nil {
		b.nameless[StateCertificate] = append(b.nameless[StateCertificate], at)
		return
	}
	c := b.changes[s]
	if c == nil {
		c = &certificateChanges{}
		b.changes[s] = c
	}
	one := changeRecord{at, r.Data["reason"], r.Data["revokedAt"], r.Data["invalidityDate"], erased(r, "reason", "revokedAt", "invalidityDate")}
	c.last = at
	switch r.Event {
	case "release":
		c.releases++
	case "revoke":
		c.revocations, c.revocation = c.revocations+1, one
	default:
		c.holds++
		if n := slices.IndexFunc(c.held, func(o changeRecord) bool { return o.place.node == at.node }); n >= 0 {
			c.held[n] = one
		} else {
			c.held = append(c.held, one)
		}
	}
}

// requestRank is how far on its way a state is; final states other than issued
// are the farthest that a record of a request itself can say.
func requestRank(s RequestState) int {
	return slices.Index([]RequestState{Draft, Submitted, InReview, Approved, Rejected}, s)
}

// requestKeys are the values by which a request is compared in every state.
func requestKeys() []string { return []string{"profile", "profileDigest", "submitter"} }

func (b *stateBook) seeRequest(r journal.Record, at recordPlace, nameless bool) {
	if nameless {
		b.nameless[StateRequest] = append(b.nameless[StateRequest], at)
		return
	}
	q := b.requests[r.Subject]
	if q == nil {
		q = &requestRecords{rank: -1}
		b.requests[r.Subject] = q
	}
	q.saves++
	q.bare = q.bare || erased(r, append(requestKeys(), "state", "statements", "statement")...)
	if rank := requestRank(RequestState(r.Data["state"])); rank >= q.rank {
		if rank > q.rank {
			q.last = nil
		}
		q.rank = rank
		q.last = setLast(q.last, byNode{place: at, facts: shortOf(valuesOf(r, requestKeys())...)})
	}
	if n, err := strconv.Atoi(r.Data["statements"]); err == nil && n == len(q.statements)+1 {
		q.statements = append(q.statements, shortHex(r.Data["statement"]))
	} else if err == nil && n > len(q.statements)+1 && n <= limits.RequestStatements {
		// A chain that is read later has the ones before.
		q.statements = append(q.statements, make([]short, n-len(q.statements))...)
		q.statements[n-1] = shortHex(r.Data["statement"])
	} else if err == nil && n >= 1 && n <= len(q.statements) && q.statements[n-1] == (short{}) {
		q.statements[n-1] = shortHex(r.Data["statement"])
	}
}

func (b *stateBook) seeOperator(r journal.Record, at recordPlace, nameless bool) {
	if nameless {
		b.nameless[StateOperator] = append(b.nameless[StateOperator], at)
		return
	}
	o := b.people[r.Subject]
	if o == nil {
		o = &operatorRecords{}
		b.people[r.Subject] = o
	}
	o.place, o.times = at, append(o.times, r.Time)
	if r.Event == "operator-remove" {
		o.removes++
		return
	}
	o.adds++
	o.added = setLast(o.added, byNode{at, shortOf(r.Data["streebog256"], r.Data["roles"]), erased(r, "streebog256", "roles")})
}

func (b *stateBook) seeList(r journal.Record, at recordPlace, nameless bool) {
	n, err := strconv.ParseUint(r.Subject, 10, 64)
	if nameless || err != nil {
		b.nameless[StateList] = append(b.nameless[StateList], at)
		return
	}
	b.lists[n] = listRecord{at, r.Data["entries"], r.Data["thisUpdate"], r.Data["base"], erased(r, "entries", "thisUpdate", "base")}
	b.lastList = max(b.lastList, n)
}
