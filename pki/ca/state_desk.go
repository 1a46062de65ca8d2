package ca

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
)

// requests compares every request, and looks for those that are gone.
func (v *stateCheck) requests() error {
	for e, err := range v.tx.Requests("", RequestFilter{}) {
		if err == nil {
			err = v.ctx.Err()
		}
		if err != nil {
			return err
		}
		v.report.Requests++
		if err := v.request(e); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(v.book.requests)) {
		if q := v.book.requests[id]; !q.seen {
			return v.wrong(StateRequest, id, "entry", q.last0(), "", "")
		}
	}
	return nil
}

// last0 is the place of one of the last records.
func (q *requestRecords) last0() recordPlace {
	if len(q.last) == 0 {
		return recordPlace{}
	}
	return q.last[0].place
}

// request compares one request.
func (v *stateCheck) request(e RequestEntry) error {
	q := v.book.requests[e.ID]
	if q == nil {
		q = &requestRecords{rank: -1}
	}
	q.seen = true
	erased := q.bare || v.nameless(StateRequest)
	wrong := func(field, has, wants string) *StateError {
		return v.wrong(StateRequest, e.ID, field, q.last0(), has, wants)
	}
	if streebog256(e.CSR) != e.ID {
		return wrong("csr", "", "")
	}
	saves := uint64(q.saves)
	if e.State == Issued {
		saves++
		if known, err := v.requestIssued(e); err != nil || !known {
			return err
		}
	} else if e.Serial != (Serial{}) {
		return wrong("serial", e.Serial.String(), "")
	}
	if requestRank(e.State) != q.rank && (e.State != Issued || q.rank == requestRank(Rejected) || q.rank == requestRank(Draft)) {
		wants := ""
		if q.rank >= 0 {
			wants = string([]RequestState{Draft, Submitted, InReview, Approved, Rejected}[q.rank])
		}
		return v.unless(erased, wrong("state", string(e.State), wants))
	}
	if e.Version != saves {
		return v.unless(erased, wrong("version", strconv.FormatUint(e.Version, 10), strconv.FormatUint(saves, 10)))
	}
	facts := shortOf(e.Profile, e.ProfileDigest, e.Submitter)
	if len(q.last) > 0 && !slices.ContainsFunc(q.last, func(l byNode) bool { return l.facts == facts }) {
		return v.requestFacts(e, q)
	}
	return v.statements(e, q, erased)
}

// requestIssued compares an issued request with the record of the issue; known
// is false where a value of that was erased.
func (v *stateCheck) requestIssued(e RequestEntry) (known bool, err error) {
	r, ok := v.book.issued.find(e.Serial)
	switch {
	case !ok: // every certificate had its record, or that was erased
		missing := v.wrong(StateRequest, e.ID, "serial", recordPlace{}, e.Serial.String(), "")
		return false, v.unless(v.unnamed, missing)
	case r.request == shortHex(e.ID):
		return true, nil
	}
	wrong := v.wrong(StateRequest, e.ID, "serial", r.place(), e.Serial.String(), "")
	if !r.bare {
		return false, wrong
	}
	again, err := v.record(r.place())
	if err != nil {
		return false, err
	}
	_, gone := again.Value(journal.FieldData("request"))
	return false, v.unless(gone, wrong)
}

// requestFacts finds which value of a request differs from its last record.
func (v *stateCheck) requestFacts(e RequestEntry, q *requestRecords) error {
	r, err := v.record(q.last0())
	if err != nil {
		return err
	}
	field := ""
	for n, has := range []string{e.Profile, e.ProfileDigest, e.Submitter} {
		wants, gone := r.Value(journal.FieldData(requestKeys()[n]))
		if gone {
			return v.unless(true, v.wrong(StateRequest, e.ID, requestKeys()[n], q.last0(), "", ""))
		}
		if has != wants && field == "" {
			field = requestKeys()[n]
		}
	}
	return v.unless(q.bare && field == "", v.wrong(StateRequest, e.ID, field, q.last0(), "", ""))
}

// statements compares the signed statements with their digests on record, and
// what stands beside each with what it says.
func (v *stateCheck) statements(e RequestEntry, q *requestRecords, erased bool) error {
	wrong := v.wrong(StateRequest, e.ID, "approvals", q.last0(), strconv.Itoa(len(e.Approvals)), strconv.Itoa(len(q.statements)))
	if len(e.Approvals) != len(q.statements) {
		return v.unless(erased, wrong)
	}
	for n, a := range e.Approvals {
		if shortHex(streebog256(slices.Concat(a.Statement, a.Signature))) != q.statements[n] {
			return v.unless(erased, wrong)
		}
		s, err := ParseStatement(a.Statement)
		if err != nil || s.Operator != a.Operator || s.Role != a.Role || s.Decision != a.Decision || !s.Time.Equal(a.At) || s.Request != e.ID {
			return wrong
		}
	}
	return nil
}

// addedWithin is how long before its record the time of an operator may lie:
// both are read from the clock in one change.
const addedWithin = time.Minute

// operators compares every operator, and looks for those that are gone.
func (v *stateCheck) operators() error {
	for o, err := range v.tx.Operators() {
		if err == nil {
			err = v.ctx.Err()
		}
		if err != nil {
			return err
		}
		v.report.Operators++
		if err := v.operator(o); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.book.people)) {
		if p := v.book.people[name]; !p.seen {
			return v.wrong(StateOperator, name, "entry", p.place, "", "")
		}
	}
	return nil
}

func (v *stateCheck) operator(o Operator) error {
	p := v.book.people[o.Name]
	if p == nil {
		return v.unless(v.nameless(StateOperator), v.wrong(StateOperator, o.Name, "record", recordPlace{}, "", ""))
	}
	p.seen = true
	erased := v.nameless(StateOperator)
	wrong := func(field string) *StateError { return v.wrong(StateOperator, o.Name, field, p.place, "", "") }
	if o.Version != uint64(p.adds+p.removes) {
		return v.unless(erased, wrong("version"))
	}
	if o.Removed.IsZero() != (p.adds > p.removes) {
		return v.unless(erased, wrong("removed"))
	}
	facts := shortOf(streebog256(o.Certificate), rolesText(o.Roles))
	if !slices.ContainsFunc(p.added, func(l byNode) bool { return l.facts == facts }) {
		bare := slices.ContainsFunc(p.added, func(l byNode) bool { return l.bare })
		return v.unless(bare, wrong("certificate"))
	}
	for field, at := range map[string]time.Time{"added": o.Added, "removed": o.Removed} {
		near := func(t time.Time) bool { return !at.After(t) && t.Sub(at) < addedWithin }
		if !at.IsZero() && !slices.ContainsFunc(p.times, near) {
			return v.unless(erased, wrong(field))
		}
	}
	return nil
}
