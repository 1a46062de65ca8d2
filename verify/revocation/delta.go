package revocation

import (
	"bytes"

	"github.com/gosklyuch/gosklyuch/pki"
)

// judged is a list that is signed by who may sign it, and what it says of the
// certificate.
type judged struct {
	list   *pki.RevocationList
	signer []*pki.Certificate // who signed it first, the trust anchor last
	note   string
	entry  pki.RevokedEntry
	found  bool
}

// combines says why delta cannot be combined with the complete list base, or
// "" (RFC 5280, sections 5.2.4 and 6.3.3 (c)).
func combines(base, delta *judged) string {
	b, d := base.list, delta.list
	switch {
	case !b.Issuer.Equal(d.Issuer):
		return "the delta CRL is of another issuer" // 5.2.4 (a)
	case !sameScope(b.IDP, d.IDP):
		return "the delta CRL has another scope" // 5.2.4 (b)
	case !bytes.Equal(b.AuthorityKeyID, d.AuthorityKeyID):
		return "the delta CRL names another key" // 6.3.3 (c)(3)
	case len(base.signer) > 0 && len(delta.signer) > 0 &&
		!bytes.Equal(base.signer[0].RawSubjectPublicKeyInfo, delta.signer[0].RawSubjectPublicKeyInfo):
		return "the delta CRL is signed with another key" // 6.3.3 (h)
	case b.Number == nil || d.Number == nil || d.BaseNumber == nil:
		return "a list has no CRL number"
	case b.Number.Cmp(d.BaseNumber) < 0:
		// 5.2.4 (c): "The CRL number of the complete CRL is equal to or greater
		// than the BaseCRLNumber specified in the delta CRL."
		return "the complete CRL is older than the base of the delta CRL"
	case b.Number.Cmp(d.Number) >= 0:
		// 5.2.4 (d): "The CRL number of the complete CRL is less than the CRL
		// number of the delta CRL."
		return "the complete CRL is newer than the delta CRL"
	}
	return ""
}

// sameScope: both have no issuing distribution point or "the values for each of
// the fields in the extensions are the same in both CRLs".
func sameScope(a, b *pki.IssuingDistributionPoint) bool {
	if a == nil || b == nil {
		return a == b
	}
	return bytes.Equal(a.Raw, b.Raw)
}

// deltaFor returns the newest delta that is in force and belongs to base: "If
// more than one current delta CRL for a given scope is encountered, the
// application SHOULD consider the one with the latest value in thisUpdate to be
// the most current one", RFC 5280, section 5.2.4.
func (o *asker) deltaFor(base *judged, deltas []*judged) *judged {
	var best *judged
	for _, d := range deltas {
		if combines(base, d) != "" || d.list.ThisUpdate.Before(base.list.ThisUpdate) || o.stale(answerOf(d)) != "" {
			continue
		}
		if best == nil || d.list.ThisUpdate.After(best.list.ThisUpdate) {
			best = d
		}
	}
	return best
}

// complete judges a complete list, together with the delta that updates it, nil
// if there is none (RFC 5280, section 6.3.3, steps (i) to (k)).
func (o *asker) complete(base, delta *judged) partial {
	a := answerOf(base)
	if delta != nil {
		// The delta is what is known now, the base what it is about.
		a.More = []*pki.RevocationList{delta.list}
		a.ThisUpdate, a.NextUpdate = delta.list.ThisUpdate, delta.list.NextUpdate
	}
	switch {
	case base.found && base.entry.Reason == pki.ReasonRemoveFromCRL:
		// RFC 5280, section 5.3.1: removeFromCRL "MUST only appear in delta CRLs".
		return partial{answer: unknown("the CRL has a removeFromCRL entry for the certificate")}
	case delta != nil && delta.found && delta.entry.Reason != pki.ReasonRemoveFromCRL:
		// The newer of two entries counts, but a release needs an entry of its own
		// and so does not make a revocation for good a hold.
		if e := base.entry; base.found && e.Reason != pki.ReasonCertificateHold && delta.entry.Reason == pki.ReasonCertificateHold {
			return partial{answer: o.listed(withEntry(a, e))}
		}
		return partial{answer: o.listed(withEntry(a, delta.entry))}
	case !base.found:
		return o.absent(base, a)
	case delta == nil || !delta.found:
		return partial{answer: o.listed(withEntry(a, base.entry))}
	}
	return o.released(base, delta, a)
}

// released judges removeFromCRL in a delta: RFC 5280, section 5.2.4 (b) has it
// for a certificate that was on hold and is valid again. It "MAY" also stand for
// a revoked certificate that has expired since, which does not undo the
// revocation: only a hold is lifted.
func (o *asker) released(base, delta *judged, a Answer) partial {
	switch {
	case base.entry.Reason != pki.ReasonCertificateHold:
		a.Notes = append(a.Notes, "a delta CRL removes an entry that is not a hold: the revocation stands (RFC 5280, section 5.2.4)")
		return partial{answer: o.listed(withEntry(a, base.entry))}
	case o.cert.NotAfter.Before(delta.list.ThisUpdate):
		return partial{answer: unknown("the certificate was on hold and left the list after it had expired")}
	}
	return o.absent(base, a)
}

// alone judges a delta without its complete list: what it lists is listed, what
// it does not list may be on the complete one.
func (o *asker) alone(d *judged) Answer {
	switch {
	case d.found && d.entry.Reason != pki.ReasonRemoveFromCRL:
		return o.listed(withEntry(answerOf(d), d.entry))
	case d.found:
		return unknown("a delta CRL removes the certificate from a complete CRL that is not at hand")
	}
	return unknown("a delta CRL without the complete CRL that it belongs to")
}

// answerOf is an answer without status from the list.
func answerOf(j *judged) Answer {
	l := j.list
	a := Answer{
		Source: CRL, Evidence: l.Raw, List: l, ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate,
		Reason: pki.ReasonAbsent, Chain: j.signer,
	}
	if j.note != "" {
		a.Notes = []string{j.note}
	}
	return a
}

func withEntry(a Answer, e pki.RevokedEntry) Answer {
	a.At, a.Reason, a.InvalidityDate = e.At, e.Reason, e.InvalidityDate
	return a
}
