package ca

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// badLine says which field of a dump's line cannot be.
func badLine(field, format string, args ...any) error {
	return fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...))
}

// canonical refuses a line that this program would have written otherwise: a
// name in other letters or twice, another order, white space. What is loaded
// is then what was signed, compared or noted, octet for octet.
func canonical(l *dumpLine, text []byte) error {
	again, err := json.Marshal(l)
	if err != nil {
		return badLine(kindOf(text), "%v", err)
	}
	if bytes.Equal(append(again, '\n'), text) {
		return nil
	}
	at := 0
	for at < min(len(again), len(text)) && again[at] == text[at] {
		at++
	}
	return badLine(kindOf(text), "from octet %d on it is not in the form in which dumps are written", at+1)
}

// kindOf returns the name of a line's member, by which an error names it.
func kindOf(text []byte) string {
	rest, ok := bytes.CutPrefix(text, []byte(`{"`))
	name, _, found := bytes.Cut(rest[:min(len(rest), 20)], []byte(`"`))
	if !ok || !found || bytes.ContainsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return "line"
	}
	return string(name)
}

// rises refuses a line that does not stand behind the one before: keys sort as
// the ledger sorts them, and each is there once.
func (l *loader) rises(field, key string) error {
	if l.key != "" && key <= l.key {
		return badLine(field, "it does not follow the one before")
	}
	l.key = key
	return nil
}

func checkDumpText(field, text string, most int) error {
	switch {
	case text == "":
		return badLine(field, "it is empty")
	case len(text) > most:
		return badLine(field, "%d octets; at most %d are accepted", len(text), most)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return badLine(field, "it has control characters, or is not UTF-8")
	}
	return nil
}

func checkDumpOctets(field string, b []byte, least, most int) error {
	if len(b) < least || len(b) > most {
		return badLine(field, "%d octets; from %d to %d are accepted", len(b), least, most)
	}
	return nil
}

// check checks what a line holds beside the journal. It is asked when a dump is
// written, too: what could not be loaded again is no backup.
func (l *loader) check(line *dumpLine) error {
	switch {
	case line.Certificate != nil:
		return l.checkCertificate(line.Certificate)
	case line.Blocked != nil:
		return first(checkDumpOctets("blocked", line.Blocked, 1, limits.LedgerName), l.rises("blocked", string(line.Blocked)))
	case line.CRL != nil:
		return checkDumpCRL(line.CRL)
	case line.Operator != nil:
		return l.checkOperator(line.Operator)
	case line.Request != nil:
		return l.checkRequest(line.Request)
	}
	return nil
}

// checkDumpTime: times are in UTC and whole seconds; zero is none.
func checkDumpTime(field string, t time.Time) error {
	if _, offset := t.Zone(); offset != 0 || t.Nanosecond() != 0 {
		return badLine(field, "it is not in UTC and whole seconds")
	}
	return nil
}

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkCertificate checks a line of a certificate. The certificate itself is
// not parsed: a ledger keeps what was issued by the rules of its time.
func (l *loader) checkCertificate(c *dumpCertificate) error {
	const at = "certificate.entry."
	e := c.Entry
	if e.Serial == (Serial{}) {
		return badLine(at+"serial", "it is zero")
	}
	if !slices.Contains([]Status{Valid, OnHold, Revoked}, e.Status) {
		return badLine(at+"status", "%.40q is none", e.Status)
	}
	if (e.Status == Valid) != e.RevokedAt.IsZero() {
		return badLine(at+"revokedAt", "it does not go with the status %s", e.Status)
	}
	if _, known := reasonNames()[e.Reason]; !known || e.Status == Valid && e.Reason != 0 || e.Status == OnHold && e.Reason != CertificateHold {
		return badLine(at+"reason", "%d does not go with the status %s", e.Reason, e.Status)
	}
	if e.Status == Valid && e.DroppedAfter != 0 {
		return badLine(at+"droppedAfter", "it does not go with the status %s", e.Status)
	}
	if e.DroppedAfter > maxDumpNumber {
		return badLine(at+"droppedAfter", "%d is too large", e.DroppedAfter)
	}
	if len(e.Subject) > limits.LedgerSubject || !utf8.ValidString(e.Subject) {
		return badLine(at+"subject", "more than %d octets, or not UTF-8", limits.LedgerSubject)
	}
	return first(
		l.rises(at+"serial", string(e.Serial[:])),
		checkDumpText(at+"profile", e.Profile, limits.LedgerName),
		checkDumpOctets(at+"keyId", e.KeyID, 0, limits.LedgerName),
		checkDumpTime(at+"notBefore", e.NotBefore), checkDumpTime(at+"notAfter", e.NotAfter), checkDumpTime(at+"issuedAt", e.IssuedAt),
		checkDumpTime(at+"revokedAt", e.RevokedAt), checkDumpTime(at+"invalidityDate", e.InvalidityDate),
		checkDumpOctets("certificate.der", c.DER, 2, limits.LedgerCertificate),
	)
}

// maxDumpNumber is the greatest number that every ledger can hold.
const maxDumpNumber = 1<<63 - 1

func checkDumpCRL(c *dumpCRL) error {
	const at = "crl.entry."
	switch e := c.Entry; {
	case e.Number > maxDumpNumber:
		return badLine(at+"number", "%d is too large", e.Number)
	case e.Base != 0 && e.Base >= e.Number:
		// RFC 5280, section 5.2.4: a delta list is newer than its base.
		return badLine(at+"base", "%d is not before the number %d", e.Base, e.Number)
	case e.Entries < 0:
		return badLine(at+"entries", "%d", e.Entries)
	}
	return first(checkDumpTime(at+"thisUpdate", c.Entry.ThisUpdate), checkDumpTime(at+"nextUpdate", c.Entry.NextUpdate))
}

func (l *loader) checkOperator(o *Operator) error {
	const at = "operator."
	if o.Version == 0 {
		return badLine(at+"version", "it is zero")
	}
	for _, r := range o.Roles {
		if r != RoleOperator && r != RoleApprover && r != RoleAuditor {
			return badLine(at+"roles", "%.40q is none", r)
		}
	}
	return first(
		checkDumpText(at+"name", o.Name, limits.LedgerName), l.rises(at+"name", o.Name),
		checkDumpOctets(at+"certificate", o.Certificate, 2, limits.LedgerCertificate),
	)
}

func (l *loader) checkRequest(e *RequestEntry) error {
	const at = "request."
	if e.Version == 0 {
		return badLine(at+"version", "it is zero")
	}
	if !slices.Contains([]RequestState{Draft, Submitted, InReview, Approved, Rejected, Issued}, e.State) {
		return badLine(at+"state", "%.40q is none", e.State)
	}
	return first(
		checkDumpText(at+"id", e.ID, limits.LedgerName), l.rises(at+"id", e.ID),
		checkDumpOctets(at+"profile", []byte(e.Profile), 0, limits.LedgerName),
		checkDumpOctets(at+"csr", e.CSR, 2, limits.LedgerCertificate),
	)
}
