package revocation

import (
	"errors"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// partial is an answer that holds for some reasons only: the certificate is not
// revoked for those of mask. A mask of 0 belongs to every other answer.
type partial struct {
	answer Answer
	mask   pki.ReasonFlags
}

// lists judges what all lists together say of the certificate (RFC 5280,
// section 6.3.3).
func (o *asker) lists(all []*pki.RevocationList) []Answer {
	var out []Answer
	var bases, deltas []*judged
	examined := 0
	for _, l := range all {
		if l == nil || !o.concerns(l) {
			continue
		}
		if examined++; examined > limits.RevocationEvidence {
			out = append(out, tooMuch())
			break
		}
		j, a := o.judge(l)
		switch {
		case j == nil:
			out = append(out, a)
		case l.IsDelta():
			deltas = append(deltas, j)
		default:
			bases = append(bases, j)
		}
	}
	return append(out, o.combine(bases, deltas)...)
}

func tooMuch() Answer {
	return unknown("more evidence about one certificate than is examined (%d)", limits.RevocationEvidence)
}

// concerns says whether l is of the certificate's issuer or of the authority
// that a distribution point of the certificate names.
func (o *asker) concerns(l *pki.RevocationList) bool {
	return o.Memo.sameIssuer(l, o.cert) || o.scope.indirect(l)
}

// judge checks who signed l and looks the certificate up. The answer says why
// it cannot be used.
func (o *asker) judge(l *pki.RevocationList) (*judged, Answer) {
	signer, note, err := o.signedBy(l)
	if err != nil {
		a := unknown("%v", err)
		a.Invalid = errors.Is(err, ErrListSignature) || errors.Is(err, ErrListUsage)
		return nil, a
	}
	if o.withdrawn(l.SignatureAlgorithm) {
		return nil, unknown("the CRL is signed with a withdrawn algorithm: %s", l.SignatureAlgorithm.OID.Name())
	}
	e, found, err := l.FindFor(o.cert.Issuer, o.cert.SerialNumber)
	if err != nil {
		return nil, unknown("the CRL cannot be read: %v", err)
	}
	return &judged{list: l, signer: signer, note: note, entry: e, found: found}, Answer{}
}

// combine joins complete lists with their deltas, and lists for some reasons
// with each other: reasons_mask of RFC 5280, section 6.3.3.
func (o *asker) combine(bases, deltas []*judged) []Answer {
	var out []Answer
	var some []partial
	used := map[*judged]bool{}
	for _, b := range bases {
		d := o.deltaFor(b, deltas)
		p := o.complete(b, d)
		if d != nil {
			used[d] = true
		}
		if p.mask == 0 || p.mask == allReasons {
			out = append(out, p.answer)
			continue
		}
		some = append(some, p)
	}
	for _, d := range deltas {
		if d.found && d.entry.Reason != pki.ReasonRemoveFromCRL || !used[d] {
			out = append(out, o.alone(d))
		}
	}
	return append(out, join(some)...)
}

// join makes one answer of lists that have the certificate for no reason each:
// together they must cover all reasons. Of two for the same reasons the newer
// counts.
func join(some []partial) []Answer {
	if len(some) == 0 {
		return nil
	}
	var mask pki.ReasonFlags
	var a Answer
	for mask != allReasons {
		var best *partial
		for i := range some {
			p := &some[i]
			// RFC 5280, section 6.3.3 (e): "Verify that interim_reasons_mask includes
			// one or more reasons that are not included in the reasons_mask."
			if p.mask&^mask != 0 && (best == nil || p.answer.ThisUpdate.After(best.answer.ThisUpdate)) {
				best = p
			}
		}
		if best == nil {
			return []Answer{unknown("the CRLs at hand cover some reasons only")}
		}
		a = merge(a, best.answer, mask == 0)
		mask |= best.mask
	}
	return []Answer{a}
}

// merge adds b to a. What is good by both is known since the older of them.
func merge(a, b Answer, first bool) Answer {
	if first {
		return b
	}
	if b.ThisUpdate.Before(a.ThisUpdate) {
		a, b = b, a
	}
	a.More = append(append(a.More, b.List), b.More...)
	a.Notes = append(a.Notes, b.Notes...)
	if a.NextUpdate.IsZero() || !b.NextUpdate.IsZero() && b.NextUpdate.Before(a.NextUpdate) {
		a.NextUpdate = b.NextUpdate
	}
	a.Stale = a.Stale || b.Stale
	return a
}

// listed judges a revocation by its date. The decision that a certificate is
// revoked does not age: only a hold can be taken back.
func (o *asker) listed(a Answer) Answer {
	if a.Reason == pki.ReasonCertificateHold {
		if why := o.unusable(&a); why != "" {
			return unknown("the certificate was on hold, and %s", why)
		}
		if a.At.After(o.Moment) && (o.Moment.Before(o.At) || o.AllowLater) {
			a.Status, a.RevokedLater = Good, true
			return a
		}
		a.Status = Hold
		return a
	}
	since := a.Since()
	switch {
	case !since.After(o.Moment):
		a.Status = Revoked
	case o.Moment.Before(o.At) || o.AllowLater:
		a.Status, a.RevokedLater = Good, true
	case a.ThisUpdate.After(o.At.Add(o.Skew)):
		return unknown("the evidence is of %s, after the moment of the check; it says revoked on %s", day(a.ThisUpdate), day(a.At))
	default:
		a.Status = Revoked
	}
	return a
}

// Since is the moment from which on a revoked certificate does not count: that
// of the revocation, or the invalidityDate where that is earlier and the key may
// have been compromised (RFC 5280, section 5.3.2).
func (a Answer) Since() time.Time {
	if honourable(a.Reason) {
		return a.At
	}
	// RFC 5280, section 5.3.2: the date on which "it is known or suspected that
	// the private key was compromised or that the certificate otherwise became
	// invalid". Without a reason it may have been a compromise.
	if !a.InvalidityDate.IsZero() && a.InvalidityDate.Before(a.At) {
		return a.InvalidityDate
	}
	return a.At
}

// honourable says whether a certificate revoked for the reason leaves its key in
// honour until the revocation.
func honourable(reason int) bool {
	switch reason {
	case pki.ReasonAffiliationChanged, pki.ReasonSuperseded, pki.ReasonCessationOfOperation:
		return true
	}
	return false
}

// absent calls a certificate good that a complete and fresh list does not have.
func (o *asker) absent(base *judged, a Answer) partial {
	mask, why := o.scope.covers(base.list)
	if mask == 0 {
		return partial{answer: unknown("%s", why)}
	}
	if why := o.unusable(&a); why != "" {
		return partial{answer: unknown("%s", why)}
	}
	// RFC 5280, section 3.3: an entry may be removed from the list after the
	// certificate expired; a later list proves nothing, unless it keeps them.
	keeps := !base.list.ExpiredSince.IsZero() && !o.cert.NotAfter.Before(base.list.ExpiredSince)
	if a.ThisUpdate.After(o.cert.NotAfter) && !keeps {
		return partial{answer: unknown("the CRL was issued after the certificate had expired")}
	}
	a.Status = Good
	return partial{answer: a, mask: mask}
}

// unusable says why evidence is not fresh, or "" where it is or may be stale,
// which the answer then says.
func (o *asker) unusable(a *Answer) string {
	why := o.stale(*a)
	if why != "" && o.AllowStale && !a.ThisUpdate.After(o.At.Add(o.Skew)) {
		a.Stale = true
		return ""
	}
	return why
}

// stale says why evidence is not fresh, or "". Evidence issued after the
// proven moment of the signature is fresh enough for that moment.
func (o *asker) stale(a Answer) string {
	if a.ThisUpdate.After(o.At.Add(o.Skew)) {
		if o.AllowLater {
			return ""
		}
		return "the list is from the future: thisUpdate " + day(a.ThisUpdate)
	}
	if o.Moment.Before(o.At) && !a.ThisUpdate.Before(o.Moment) {
		return ""
	}
	if !a.NextUpdate.IsZero() && o.At.After(a.NextUpdate.Add(o.Skew)) {
		return "the list is out of date: nextUpdate " + day(a.NextUpdate)
	}
	age := o.maxAge(a.Source)
	if age == 0 && a.NextUpdate.IsZero() {
		age = defaultMaxAge
	}
	if age > 0 && o.At.Sub(a.ThisUpdate) > age+o.Skew {
		return "the list is too old: thisUpdate " + day(a.ThisUpdate)
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }
