package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// signature describes one signature, then its time stamps and countersignatures.
func (b *builder) signature(title string, s *verify.Signature, depth int) {
	sec := section{Title: title + ": " + verify.StatusText(verify.KindSignature, s.Verdict(), b.lang), Verdict: s.Verdict().String(), Depth: min(depth, 1)}
	if s.Status == verify.Passed {
		b.row(&sec, wMeaning, b.holds([]*verify.Signature{s}))
	}
	b.reason(&sec, &s.Outcome)
	if s.Signer != nil {
		label := wClaimant // that this person signed is what was not established
		if s.Status == verify.Passed {
			label = wPerson
		}
		b.holder(&sec, label, s.Signer)
	} else {
		sec.Rows = append(sec.Rows, row{Name: wNamed.in(b.lang), Value: clean(s.SignerName), Strong: true})
	}
	b.times(&sec, s)
	b.row(&sec, wLevel, named(levels, s.Level, b.lang))
	if s.ClaimedLevel != s.Level {
		b.row(&sec, wClaimedLevel, named(levels, s.ClaimedLevel, b.lang))
	}
	b.row(&sec, wKind, named(kinds, s.Kind, b.lang))
	if s.Signer != nil {
		b.certificate(&sec, s.Signer)
		b.chain(&sec, s.Chain)
		b.evidence(&sec, s.Evidence)
	}
	b.accreditation(&sec, s.Checks)
	sec.Checks = b.checks(s.Checks)
	b.add(sec)
	for i, t := range s.TimeStamps {
		if i == limits.ReportAttachments {
			b.omitted += len(s.TimeStamps) - i
			break
		}
		b.timeStamp(fmt.Sprintf("%s. %s %d", title, wTimeStamp.in(b.lang), i+1), t)
	}
	for i, c := range s.Counter {
		if i == limits.ReportAttachments || depth >= limits.ReportNested {
			b.omitted += len(s.Counter) - i
			break
		}
		b.signature(fmt.Sprintf("%s. %s %d", title, wCounter.in(b.lang), i+1), c, depth+1)
	}
}

// named looks a name up; an unknown one stands for itself.
func named(table map[string]word, key string, l verify.Lang) string {
	if w, ok := table[key]; ok {
		return w.in(l)
	}
	return key
}

// times writes the claimed and the proven time apart: signing-time is what the
// signer says (63-FZ, article 11: only a time that is proven counts).
func (b *builder) times(sec *section, s *verify.Signature) {
	claimed := wNotGiven.in(b.lang)
	if !s.ClaimedTime.IsZero() {
		claimed = when(s.ClaimedTime, b.lang) + " (" + wUnproven.in(b.lang) + ")"
	}
	b.row(sec, wClaimed, claimed)
	proven := wNotProven.in(b.lang)
	if !s.BestTime.IsZero() {
		proven = when(s.BestTime, b.lang) + " (" + wByStamp.in(b.lang) + ")"
	}
	b.row(sec, wProven, proven)
}

// timeStamp describes one time stamp of a signature.
func (b *builder) timeStamp(title string, t *verify.TimeStamp) {
	sec := section{Title: title + ": " + verify.StatusText(verify.KindTimeStamp, t.Verdict(), b.lang), Verdict: t.Verdict().String(), Depth: 1}
	b.reason(&sec, &t.Outcome)
	b.row(&sec, wStampedTime, when(t.GenTime, b.lang))
	b.row(&sec, wStampKind, named(stampKinds, t.Kind, b.lang))
	if t.Serial != nil {
		b.row(&sec, wStampSerial, t.Serial.Text(16))
	}
	if t.Policy != "" {
		b.row(&sec, wStampPolicy, t.Policy.String())
	}
	if t.TSA != nil {
		b.holder(&sec, wTSA, t.TSA)
		b.certificate(&sec, t.TSA)
		b.chain(&sec, t.Chain)
		b.evidence(&sec, t.Evidence)
	}
	b.accreditation(&sec, t.Checks)
	sec.Checks = b.checks(t.Checks)
	b.add(sec)
}

// accreditation repeats what is known of the authority's accreditation, a
// question of its own for the reader (63-FZ, article 11, clause 1; for a time
// stamp the order No. 580).
func (b *builder) accreditation(sec *section, checks []verify.Check) {
	for _, c := range checks {
		if strings.HasSuffix(c.ID, "accreditation") {
			b.row(sec, wAccredited, c.Detail)
		}
	}
}

// evidence lists what decided about revocation: where each piece comes from and
// how old it was at the moment of verification.
func (b *builder) evidence(sec *section, ev cms.Evidence) {
	n := 0
	line := func(value string) {
		if n++; n <= limits.ReportEvidence {
			b.row(sec, wEvidence, value)
		}
	}
	for _, l := range ev.CRLs {
		line(b.list(l))
	}
	for _, der := range ev.OCSP {
		line(b.answer(der))
	}
	switch {
	case n == 0:
		b.row(sec, wEvidence, wNoEvidence.in(b.lang))
	case n > limits.ReportEvidence:
		b.omitted += n - limits.ReportEvidence
	}
}

// list describes a revocation list.
func (b *builder) list(l *pki.RevocationList) string {
	var s strings.Builder
	s.WriteString(word{"список отзыва", "revocation list"}.in(b.lang))
	if l.Number != nil {
		fmt.Fprintf(&s, " %s %s", word{"№", "No."}.in(b.lang), l.Number)
	}
	s.WriteString(" " + word{"издателя", "of"}.in(b.lang) + " " + b.quoted(shortName(l.Issuer)))
	s.WriteString(b.freshness(l.ThisUpdate, l.NextUpdate))
	return s.String()
}

// answer describes an OCSP response.
func (b *builder) answer(der []byte) string {
	name := word{"ответ OCSP", "OCSP response"}.in(b.lang)
	r, err := ocsp.ParseResponse(der)
	if err != nil {
		return name + ": " + err.Error()
	}
	if r.ResponderName != nil {
		name += " " + word{"службы", "of"}.in(b.lang) + " " + b.quoted(shortName(*r.ResponderName))
	}
	made, next := r.ProducedAt, time.Time{}
	if len(r.Singles) > 0 {
		made, next = r.Singles[0].ThisUpdate, r.Singles[0].NextUpdate
	}
	return name + b.freshness(made, next)
}

func (b *builder) freshness(made, next time.Time) string {
	s := fmt.Sprintf("; %s %s (%s: %s)", word{"выпущен", "issued"}.in(b.lang), when(made, b.lang),
		word{"возраст", "age"}.in(b.lang), age(made, b.rep.At, b.lang))
	if !next.IsZero() {
		s += fmt.Sprintf("; %s %s", word{"следующий не позднее", "the next one by"}.in(b.lang), when(next, b.lang))
	}
	return s
}

// quoted puts a name into the quotation marks of the language.
func (b *builder) quoted(name string) string {
	return word{"«", "“"}.in(b.lang) + name + word{"»", "”"}.in(b.lang)
}

// shortName is the common name, or the whole name where there is none.
func shortName(n pki.Name) string {
	if cn := n.Get(oid.CommonName); cn != "" {
		return cn
	}
	return n.String()
}
