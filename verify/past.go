package verify

import (
	"context"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/path"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// status is what is known about one certificate of a path at the moment that
// counts for it.
type status struct {
	answer revocation.Answer
	reason Reason // why the answer does not suffice; empty: it does, or the certificate is revoked
	detail string // what to say of reason; empty: answer.Why
}

// good says whether the certificate is known not to be revoked.
func (s status) good() bool { return s.answer.Status == revocation.Good && s.reason == "" }

// controlTime is the moment as of which evidence counts (EN 319 102-1, section
// 5.6.2.2). It slides back along the path: below a certificate that was
// revoked, or about which nothing fresher is known, only what existed before
// counts.
type controlTime struct {
	at     time.Time
	reason Reason // what slid it; empty: nothing
	detail string

	// stolen is when the key of an authority above may have fallen into other
	// hands, which can date back what they sign; zero: never.
	stolen time.Time
	theft  string // the detail of it
}

// slide moves the control time back to at, if it is not there yet.
func (c *controlTime) slide(at time.Time, reason Reason, detail string) {
	if at.Before(c.at) {
		c.at, c.reason, c.detail = at, reason, detail
	}
}

// steal records that the key of an authority may have been in other hands since.
func (c *controlTime) steal(since time.Time, detail string) {
	if c.stolen.IsZero() || since.Before(c.stolen) {
		c.stolen, c.theft = since, detail
	}
	c.slide(since, RevokedCANoPOE, detail)
}

// statuses asks about every certificate below the anchor, the one next to the
// anchor first (EN 319 102-1, sections 5.2.5 and 5.6.2.2), and returns the
// answers in the order of the path.
func (r *run) statuses(ctx context.Context, res *path.Result, p purpose, control time.Time) []status {
	out := make([]status, len(res.Chain)-1)
	at := &controlTime{at: control}
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = r.status(ctx, res.Chain[i:], p, at)
	}
	return out
}

// status decides about the first certificate of chain and slides the control
// time for those below it.
func (r *run) status(ctx context.Context, chain []*pki.Certificate, p purpose, control *controlTime) status {
	cert, issuer := chain[0], chain[1]
	o := revocation.Options{
		At: r.at, Moment: p.at, Skew: r.pol.Skew, MaxAge: r.pol.MaxAge, Responders: r.responders(p.bags),
		Memo: &r.memo, Chain: chain[1:], AllowLegacy: r.pol.UnsafeLegacy, AllowTest: r.pol.AllowTest,
		Withdrawn: r.withdrawn(p.at), AllowDSA: r.pol.Allowed(alg.NameDSA, p.at),
	}
	for _, kind := range r.pol.Evidence {
		o.Order = append(o.Order, revocation.Kind(kind))
	}
	src := r.sources(p.bags)
	a := revocation.Check(ctx, cert, issuer, src, o)
	if a.Status == revocation.Unknown && !a.Absent && r.pol.UnsafeNoRevocation {
		// What the message carries may be years old. Only what the caller gave
		// and cannot be used keeps the answer open.
		a.Absent = revocation.Check(ctx, cert, issuer, r.Revocation, o).Absent
	}
	if a.Status == revocation.Revoked || a.Status == revocation.Hold {
		return status{answer: a} // a revocation that is known today counts as of any moment
	}
	s := status{answer: a}
	if control.at.Before(r.at) {
		o.At = control.at
		s = r.pastStatus(ctx, chain, p, o, a, control)
	}
	if s.answer.Status == revocation.Good {
		r.bounds(&s, issuer, p, control)
		r.reliable(&s, issuer, p, control)
		r.slide(s.answer, a, cert, control, p)
	} else if s.reason == "" && (!s.answer.Absent || !r.pol.UnsafeNoRevocation) {
		s.reason = TryLater
	}
	return s
}

// pastStatus decides from what existed at the control time. now is the answer
// from all evidence: where it is good, a proof that the evidence existed is all
// that is missing.
func (r *run) pastStatus(ctx context.Context, chain []*pki.Certificate, p purpose, o revocation.Options, now revocation.Answer, control *controlTime) status {
	cert := chain[0]
	s := status{answer: revocation.Check(ctx, cert, chain[1], r.existed(r.sources(p.bags), p, control.at), o)}
	switch {
	case !control.stolen.IsZero() && p.proofs.of(cert.Raw, r.at).After(control.stolen):
		s.reason, s.detail = RevokedCANoPOE, control.theft // the thief may have issued it
	case s.answer.Status == revocation.Good:
		r.signers(ctx, &s, chain, p, o)
	case s.answer.Status == revocation.Unknown && now.Status == revocation.Good:
		s.reason, s.detail = NoPOE, control.detail
		if control.reason != "" {
			s.reason = control.reason
		}
	}
	return s
}

// signers asks what is known today of those who signed the evidence and are not in
// the path: the evidence of the time need not know that a key was stolen since.
func (r *run) signers(ctx context.Context, s *status, chain []*pki.Certificate, p purpose, o revocation.Options) {
	by := s.answer.Chain
	o.At, o.Moment = r.at, p.proofs.provenAt(s.answer, r.at)
	for i, c := range by {
		if i == len(by)-1 || slices.ContainsFunc(chain, c.Equal) {
			return // the rest is the path
		}
		if c.OCSPNoCheck {
			continue
		}
		o.Chain = by[i+1:]
		a := revocation.Check(ctx, c, by[i+1], r.sources(p.bags), o)
		if (a.Status == revocation.Revoked || a.Status == revocation.Hold) && !honourable(a.Reason) {
			s.reason = RevokedCANoPOE
			s.detail = c.Subject.String() + ": " + r.Lang.sprintf("отозван %s; не доказано, что сведения, подписанные его ключом, старше",
				"was revoked on %s; nothing proves that what its key signed is older", stamp(a.At))
			return
		}
	}
}

// existed is the evidence that is proven to have existed at the moment.
func (r *run) existed(src revocation.Source, p purpose, at time.Time) revocation.Sources {
	var out revocation.Sources
	for _, s := range statics(src) {
		out = append(out, p.proofs.existing(s, at, r.at))
	}
	return out
}

// bounds: evidence whose signer's certificate has expired since proves nothing,
// unless it existed before (EN 319 102-1, section 5.2.5): whoever holds an
// expired key is no longer bound to anything.
func (r *run) bounds(s *status, issuer *pki.Certificate, p purpose, control *controlTime) {
	by := signerOf(s.answer, issuer)
	if !control.at.After(by.NotAfter) {
		return
	}
	if p.proofs.provenAt(s.answer, control.at).After(by.NotAfter) {
		s.reason = RevocationOutOfBoundsNoPOE
		s.detail = r.Lang.sprintf("сведения об отзыве подписаны сертификатом, который истёк %s, и не доказано, что они старше",
			"the evidence is signed with a certificate that expired on %s, and nothing proves that it is older", stamp(by.NotAfter))
	}
}

// reliable: evidence that is signed with an algorithm which has come to its end
// proves nothing, unless it existed before (EN 319 102-1, section 5.6.2): anybody
// may have made it since.
func (r *run) reliable(s *status, issuer *pki.Certificate, p purpose, control *controlTime) {
	a, by := s.answer, signerOf(s.answer, issuer)
	names := []string{alg.KeyAlgorithmName(by.PublicKey)}
	if a.Response != nil {
		names = append(names, alg.DigestName(a.Response.SignatureAlgorithm))
	}
	if a.List != nil {
		for _, l := range append([]*pki.RevocationList{a.List}, a.More...) {
			names = append(names, alg.DigestName(l.SignatureAlgorithm))
		}
	}
	if !by.Equal(issuer) {
		names = append(names, alg.DigestName(by.SignatureAlgorithm))
	}
	at := p.proofs.provenAt(a, control.at)
	for _, name := range names {
		if r.pol.refusal(name, at) != "" && s.reason == "" {
			s.reason = CryptoConstraintsNoPOE
			s.detail = r.Lang.sprintf("сведения об отзыве подписаны отменённым алгоритмом (%s), и не доказано, что они старше отмены",
				"the evidence is signed with a withdrawn algorithm (%s), and nothing proves that it is older than the withdrawal", name)
		}
	}
}

// slide moves the control time for the certificates below cert (EN 319 102-1,
// section 5.6.2.2): to the revocation of cert, unless its key stays in honour,
// and to the moment of evidence that is no longer fresh. a is the answer that
// counts, now the one from all evidence: a theft that is known today counts also
// where the evidence of the time did not know of it yet.
func (r *run) slide(a, now revocation.Answer, cert *pki.Certificate, control *controlTime, p purpose) {
	who := cert.Subject.String() + ": "
	for _, x := range []revocation.Answer{a, now} {
		if x.RevokedLater && !honourable(x.Reason) {
			control.steal(x.Since(), who+r.Lang.sprintf(
				"отозван %s; не доказано, что сведения, подписанные его ключом, старше", "was revoked on %s; nothing proves that what its key signed is older", stamp(x.At)))
		}
	}
	if p.at.Before(control.at) && !a.RevokedLater && !r.fresh(a, control.at) {
		control.slide(a.ThisUpdate, NoPOE, who+r.Lang.sprintf(
			"после %s сведений об отзыве нет; не доказано, что сведения, подписанные его ключом, старше",
			"no evidence since %s; nothing proves that what its key signed is older", stamp(a.ThisUpdate)))
	}
}

// honourable says whether a certificate that was revoked for the reason leaves
// its key in honour.
func honourable(reason int) bool {
	switch reason {
	case pki.ReasonAffiliationChanged, pki.ReasonSuperseded, pki.ReasonCessationOfOperation:
		return true
	}
	return false
}

// fresh says whether evidence was in force at the moment.
func (r *run) fresh(a revocation.Answer, at time.Time) bool {
	skew, age := skewOf(r.pol), r.pol.MaxAge
	if !a.NextUpdate.IsZero() && at.After(a.NextUpdate.Add(skew)) {
		return false
	}
	if age == 0 && a.NextUpdate.IsZero() {
		age = ocsp.DefaultMaxAge
	}
	return age <= 0 || at.Sub(a.ThisUpdate) <= age+skew
}

// revocation adds what is known about every certificate of the path to the
// trial (EN 319 102-1, section 5.2.6.4).
func (r *run) revocation(out *trial, res *path.Result, p purpose, known []status) {
	if !res.Anchored {
		out.skip(stageChain, "revocation", "RFC 5280, section 6.3", r.Lang.pick(
			"не проверялось: цепочка не ведёт к доверенному сертификату", "not checked: the chain does not lead to a trust anchor"))
		return
	}
	revoked := false
	for i, s := range known {
		r.answer(&out.Outcome, res.Chain[i], s, i, p)
		a := s.answer
		excused := a.Status == revocation.Unknown && a.Absent && r.pol.UnsafeNoRevocation
		switch {
		case a.Status == revocation.Revoked || a.Status == revocation.Hold:
			revoked = true
		case !s.good() && !excused:
			out.open = true
		}
		if i > 0 && !s.good() && !excused && out.bad == nil {
			out.bad = &faulty{res.Chain[i], a}
		}
		addEvidence(&out.evidence, a, res.Chain)
	}
	out.open = out.open && !revoked
}

// answer translates what is known about one certificate.
func (r *run) answer(out *Outcome, cert *pki.Certificate, s status, i int, p purpose) {
	const id, cite = "revocation", "RFC 5280, section 6.3; RFC 6960, section 3.2"
	a := s.answer
	who := cert.Subject.String() + ": "
	for _, n := range a.Notes {
		out.warn(stageChain, "revocation-evidence", cite, who+n)
	}
	switch {
	case s.reason != "" && s.reason != TryLater:
		detail := s.detail
		if detail == "" {
			detail = a.Why
		}
		out.fail(stageChain, id, "EN 319 102-1, 5.6.2", s.reason, who+detail)
	case a.Status == revocation.Good:
		detail := who + r.Lang.sprintf("не отозван (%s от %s)", "not revoked (%s of %s)", a.Source, stamp(a.ThisUpdate))
		if a.RevokedLater {
			detail = who + r.Lang.sprintf("отозван %s, после доказанного времени подписи", "was revoked on %s, after the proven time of the signature", stamp(a.At))
		}
		out.pass(stageChain, id, cite, detail)
	case a.Status == revocation.Revoked, a.Status == revocation.Hold:
		out.fail(stageChain, id, cite, r.revokedReason(a, i, p), r.revokedText(cert, a, i, p))
	default:
		r.unknown(out, who, a)
	}
}

// unknown: without evidence the answer is open, unless the policy says that no
// evidence is needed. Evidence that is there and unusable stays a reason.
func (r *run) unknown(out *Outcome, who string, a revocation.Answer) {
	const id, cite = "revocation", "EN 319 102-1, 5.2.5"
	if !r.pol.UnsafeNoRevocation || !a.Absent {
		out.fail(stageChain, id, cite, TryLater, who+a.Why)
		return
	}
	out.skip(stageChain, id, cite, who+r.Lang.pick("проверка отзыва отключена", "the revocation check is switched off"))
	out.warn(stageChain, "revocation-policy", cite, who+r.Lang.pick(
		"не проверено, не отозван ли сертификат: проверка отключена", "it was not checked whether the certificate is revoked: the check is switched off"))
}

// revokedReason tells the signer from an authority (EN 319 102-1, 5.2.6.4).
func (r *run) revokedReason(a revocation.Answer, i int, p purpose) Reason {
	switch {
	case i > 0:
		return RevokedCANoPOE
	case p.final, a.Status == revocation.Revoked && p.after.After(a.At):
		return RevokedReason // the latter: a content time stamp shows that it was used after that
	}
	return RevokedNoPOE
}

func (r *run) revokedText(cert *pki.Certificate, a revocation.Answer, i int, p purpose) string {
	who := cert.Subject.String() + ": "
	switch {
	case i == 0 && p.owner != "":
		who = p.owner
	case i == 0 && !p.final:
		who = r.Lang.pick("сертификат подписанта ", "the signer's certificate ")
	case i == 0:
		who = r.Lang.pick("сертификат ", "the certificate ")
	}
	if a.Status == revocation.Hold {
		if i == 0 {
			return r.Lang.sprintf("действие сертификата приостановлено %s", "the certificate is on hold since %s", stamp(a.At))
		}
		return who + r.Lang.sprintf("действие сертификата приостановлено %s", "the certificate is on hold since %s", stamp(a.At))
	}
	return who + r.Lang.sprintf("отозван %s, причина: %s", "was revoked on %s, reason: %s", stamp(a.At), crlReason(a.Reason, r.Lang))
}

// addEvidence keeps exactly what decided, with the certificates of whoever signed
// it that are not in the path anyway.
func addEvidence(ev *cms.Evidence, a revocation.Answer, path []*pki.Certificate) {
	switch {
	case a.Status == revocation.Unknown:
		return
	case a.List != nil:
		for _, l := range append([]*pki.RevocationList{a.List}, a.More...) {
			if !slices.Contains(ev.CRLs, l) {
				ev.CRLs = append(ev.CRLs, l)
			}
		}
	case a.Response != nil:
		ev.OCSP = append(ev.OCSP, a.Evidence)
	}
	signers := a.Chain
	if len(signers) == 0 && a.Responder != nil {
		signers = []*pki.Certificate{a.Responder}
	}
	for _, c := range signers {
		if !slices.ContainsFunc(path, c.Equal) && !slices.ContainsFunc(ev.Certificates, c.Equal) {
			ev.Certificates = append(ev.Certificates, c)
		}
	}
}
