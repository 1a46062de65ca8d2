package ca

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
)

// stateCheck compares a ledger with what its journal says.
type stateCheck struct {
	ctx    context.Context //nolint:containedctx // it lives for one call
	tx     ReadTx
	book   *stateBook
	report StateReport
	// compromised are the identifiers of keys that are to be blocked.
	compromised map[string]bool
	// unnamed: the record of an issue has lost its subject.
	unnamed bool
}

// wrong is the error about a field; place is that of the record, or zero.
func (v *stateCheck) wrong(k StateKind, name, field string, place recordPlace, has, wants string) *StateError {
	e := &StateError{Kind: k, Name: name, Field: field, Has: has, Wants: wants}
	if place.seq > 0 {
		e.Node, e.Seq = v.book.node(place), place.seq
	}
	return e
}

// unless returns e, or counts it as unproven where the record that would tell has
// lost a value on record.
func (v *stateCheck) unless(erased bool, e *StateError) error {
	if !erased {
		return e
	}
	v.report.Unproven++
	if v.report.First == nil {
		v.report.First = e
	}
	return nil
}

// nameless reports whether a record of a kind has lost its subject.
func (v *stateCheck) nameless(k StateKind) bool { return len(v.book.nameless[k]) > 0 }

// record reads a record again.
func (v *stateCheck) record(p recordPlace) (journal.Record, error) {
	for r, err := range v.tx.Journal(v.book.node(p), p.seq-1) {
		return r, err
	}
	return journal.Record{}, ErrNotFound // not within one view
}

// authority compares the certificate that the ledger belongs to.
func (v *stateCheck) authority() error {
	der, err := v.tx.Issuer()
	if errors.Is(err, ErrNotFound) {
		if v.book.foundAt.seq > 0 {
			return v.wrong(StateAuthority, "", "entry", v.book.foundAt, "", "")
		}
		return nil
	}
	if err != nil {
		return err
	}
	has := streebog256(der)
	switch {
	case v.book.foundAt.seq == 0:
		return v.wrong(StateAuthority, has, "record", recordPlace{}, "", "")
	case has != v.book.found:
		return v.unless(v.nameless(StateAuthority), v.wrong(StateAuthority, has, "certificate", v.book.foundAt, has, v.book.found))
	}
	return nil
}

// lists compares the last list with its record.
func (v *stateCheck) lists() error {
	last, err := v.tx.LastCRL()
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	name := strconv.FormatUint(last.Number, 10)
	known := v.book.lists[v.book.lastList]
	if last.Number != v.book.lastList || err != nil && len(v.book.lists) > 0 {
		return v.unless(v.nameless(StateList), v.wrong(StateList, name, "number", known.place, name, strconv.FormatUint(v.book.lastList, 10)))
	}
	if err != nil {
		return nil // none on record, none there
	}
	base := ""
	if last.Base > 0 {
		base = strconv.FormatUint(last.Base, 10)
	}
	if base != known.base {
		return v.unless(known.bare, v.wrong(StateList, name, "base", known.place, base, known.base))
	}
	if last.Base > 0 { // the rest is that of the complete list
		complete, ok := v.book.lists[last.Base]
		if !ok {
			return v.unless(v.nameless(StateList), v.wrong(StateList, base, "record", recordPlace{}, "", ""))
		}
		known = complete
	}
	for _, f := range [][3]string{
		{"entries", strconv.Itoa(last.Entries), known.entries}, {"thisUpdate", last.ThisUpdate.Format(time.RFC3339), known.this},
	} {
		if f[1] != f[2] {
			return v.unless(known.bare, v.wrong(StateList, name, f[0], known.place, f[1], f[2]))
		}
	}
	return v.listItself(last, name, known.place)
}

// listItself checks the octets of the last complete list, where the ledger has
// them.
func (v *stateCheck) listItself(last CRLEntry, name string, place recordPlace) error {
	der, err := v.tx.Issuer()
	if err != nil || len(last.DER) == 0 {
		return nil //nolint:nilerr // a ledger without an authority has said so before
	}
	authority, err := pki.ParseCertificate(der)
	if err != nil {
		return v.wrong(StateAuthority, streebog256(der), "certificate", v.book.foundAt, "", "")
	}
	number := last.Number
	if last.Base > 0 {
		number = last.Base
	}
	list, err := pki.ParseCRL(last.DER)
	switch {
	case err != nil || list.CheckSignatureFrom(authority) != nil:
		return v.wrong(StateList, name, "signature", place, "", "")
	case list.Number == nil || !list.Number.IsUint64() || list.Number.Uint64() != number:
		return v.wrong(StateList, name, "number", place, "", strconv.FormatUint(number, 10))
	}
	return nil
}

// certificates compares every entry, the index of what the next list names, and
// the blocked keys.
func (v *stateCheck) certificates() error {
	v.compromised, v.unnamed = map[string]bool{}, len(v.book.orphans) > 0
	listed, stop := iter.Pull2(v.tx.Listed())
	defer stop()
	next, err, more := listed()
	for e, eerr := range v.tx.Entries(Serial{}) {
		if err := errors.Join(err, eerr, v.ctx.Err()); err != nil {
			return err
		}
		v.report.Certificates++
		if err := v.certificate(e); err != nil {
			return err
		}
		on := more && next.Serial == e.Serial
		if on != e.OnCRL() {
			return v.wrong(StateCertificate, e.Serial.String(), "listed", recordPlace{}, strconv.FormatBool(on), strconv.FormatBool(!on))
		}
		if on {
			next, err, more = listed()
		}
	}
	if err != nil {
		return err
	}
	if more {
		return v.wrong(StateCertificate, next.Serial.String(), "listed", recordPlace{}, "true", "false")
	}
	var last Serial
	for n := range last {
		last[n] = 0xff
	}
	if rest := v.book.issued.take(last); len(rest) > 0 {
		return v.wrong(StateCertificate, rest[0].serial.String(), "entry", rest[0].place(), "", "")
	}
	if len(v.book.orphans) > 0 {
		return v.wrong(StateCertificate, "", "entry", v.book.orphans[0], "", "")
	}
	return v.blocked()
}

// certificate compares one entry.
func (v *stateCheck) certificate(e Entry) error {
	name := e.Serial.String()
	records := v.book.issued.take(e.Serial)
	for n, r := range records {
		if r.serial != e.Serial {
			return v.wrong(StateCertificate, r.serial.String(), "entry", r.place(), "", "")
		}
		if n > 0 { // issued twice
			return v.wrong(StateCertificate, name, "record", r.place(), "", "")
		}
	}
	der, err := v.tx.Certificate(e.Serial)
	if errors.Is(err, ErrNotFound) {
		return v.wrong(StateCertificate, name, "certificate", recordPlace{}, "", "")
	}
	if err != nil {
		return err
	}
	if err := v.inside(e, der); err != nil {
		return err
	}
	if len(records) == 0 {
		missing := v.wrong(StateCertificate, name, "record", recordPlace{}, "", "")
		if len(v.book.orphans) == 0 {
			return missing
		}
		v.book.orphans = v.book.orphans[1:] // one of them is about it
		return errors.Join(v.unless(true, missing), v.status(e))
	}
	if r := records[0]; r.bare || r.facts != shortOf(append(issueFacts(e, der), issueTime(e.IssuedAt))...) {
		if err := v.issue(e, der, r.place()); err != nil {
			return err
		}
	}
	return v.status(e)
}

// issue finds what differs between an entry and the record of its issue.
func (v *stateCheck) issue(e Entry, der []byte, p recordPlace) error {
	r, err := v.record(p)
	if err != nil {
		return err
	}
	fields := []string{"certificate", "profile", "notAfter", "subject"}
	for n, has := range issueFacts(e, der) {
		wants, gone := r.Value(journal.FieldData(issueKeys()[n]))
		switch {
		case gone && fields[n] == "subject": // erased for a person's sake; the certificate has it
		case gone:
			return v.unless(true, v.wrong(StateCertificate, e.Serial.String(), fields[n], p, "", ""))
		case has != wants && fields[n] == "subject":
			return v.wrong(StateCertificate, e.Serial.String(), fields[n], p, "", "")
		case has != wants:
			return v.wrong(StateCertificate, e.Serial.String(), fields[n], p, has, wants)
		}
	}
	if has, wants := issueTime(e.IssuedAt), issueTime(r.Time); has != wants {
		return v.wrong(StateCertificate, e.Serial.String(), "issuedAt", p, has, wants)
	}
	return nil
}

// inside compares what an entry says with its certificate. One that cannot be
// read is judged by its digest alone: a ledger keeps what was issued by the rules
// of its time.
func (v *stateCheck) inside(e Entry, der []byte) error {
	c, err := pki.ParseCertificate(der)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	serial, err := SerialFrom(c.SerialNumber)
	field := ""
	switch {
	case err != nil || serial != e.Serial:
		field = "serial"
	case c.Subject.String() != e.Subject:
		field = "subject"
	case !c.NotBefore.Equal(e.NotBefore):
		field = "notBefore"
	case !c.NotAfter.Equal(e.NotAfter):
		field = "notAfter"
	case string(c.SubjectKeyID) != string(e.KeyID):
		field = "keyId"
	default:
		return nil
	}
	return v.wrong(StateCertificate, e.Serial.String(), field, recordPlace{}, "", "")
}

// status compares the state of a certificate with the records that changed it.
func (v *stateCheck) status(e Entry) error {
	c := v.book.changes[e.Serial]
	if c == nil {
		c = &certificateChanges{}
	}
	delete(v.book.changes, e.Serial) // what stays has no certificate
	if e.Status == Revoked && e.Reason == KeyCompromise && len(e.KeyID) > 0 {
		v.compromised[string(e.KeyID)] = true
	}
	wants := Valid
	var by []changeRecord // one of these is the last
	switch {
	case c.revocations > 0:
		wants, by = Revoked, []changeRecord{c.revocation}
	case c.holds > c.releases:
		wants, by = OnHold, c.held
	}
	wrong := func(field, has, wants string, p recordPlace) *StateError {
		return v.wrong(StateCertificate, e.Serial.String(), field, p, has, wants)
	}
	if e.Status != wants {
		return v.unless(v.nameless(StateCertificate), wrong("status", string(e.Status), string(wants), c.last))
	}
	if err := v.dropped(e); err != nil {
		return err
	}
	has := changeRecord{at: timeText(e.RevokedAt), since: timeText(e.InvalidityDate)}
	if wants == Valid {
		if has != (changeRecord{}) || e.Reason != 0 {
			return wrong("revokedAt", has.at, "", c.last)
		}
		return nil
	}
	has.reason = e.Reason.String()
	var found *StateError
	for _, r := range by {
		switch {
		case has.reason != r.reason:
			found = wrong("reason", has.reason, r.reason, r.place)
		case has.at != r.at:
			found = wrong("revokedAt", has.at, r.at, r.place)
		case has.since != r.since:
			found = wrong("invalidityDate", has.since, r.since, r.place)
		default:
			return nil
		}
	}
	return v.unless(slices.ContainsFunc(by, func(r changeRecord) bool { return r.bare }), found)
}

// timeText is a time as the records of revocations have it.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// dropped checks that a certificate that is on no list any more left by one that
// was issued beyond its validity (RFC 5280, section 3.3).
func (v *stateCheck) dropped(e Entry) error {
	if e.DroppedAfter == 0 {
		return nil
	}
	number := strconv.FormatUint(e.DroppedAfter, 10)
	r, ok := v.book.lists[e.DroppedAfter]
	wrong := v.wrong(StateCertificate, e.Serial.String(), "droppedAfter", r.place, number, "")
	if !ok {
		return v.unless(v.nameless(StateList), wrong)
	}
	this, err := time.Parse(time.RFC3339, r.this)
	if e.Status != Revoked || r.base != "" || err != nil || !this.After(e.NotAfter) {
		return v.unless(r.bare, wrong)
	}
	return nil
}

// blocked compares the blocked keys with those that were revoked as compromised.
func (v *stateCheck) blocked() error {
	if len(v.book.changes) > 0 { // of certificates that are not there
		s := slices.MinFunc(slices.Collect(maps.Keys(v.book.changes)), func(a, b Serial) int { return bytes.Compare(a[:], b[:]) })
		return v.wrong(StateCertificate, s.String(), "entry", v.book.changes[s].last, "", "")
	}
	for k, err := range v.tx.BlockedKeys() {
		if err != nil {
			return err
		}
		if !v.compromised[string(k)] {
			return v.wrong(StateBlockedKey, hex.EncodeToString(k), "record", recordPlace{}, "", "")
		}
		delete(v.compromised, string(k))
	}
	if len(v.compromised) == 0 {
		return nil
	}
	k := slices.Min(slices.Collect(maps.Keys(v.compromised)))
	return v.wrong(StateBlockedKey, hex.EncodeToString([]byte(k)), "entry", recordPlace{}, "", "")
}
