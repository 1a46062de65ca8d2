package revocation

import (
	"errors"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

const defaultMaxAge = ocsp.DefaultMaxAge

// response judges what r says of the certificate. No answer: r is about others.
// lists may tell that the responder itself was revoked.
func (o *asker) response(r *ocsp.Response, lists []*pki.RevocationList) []Answer {
	if r.Status == ocsp.Successful && !o.about(r) {
		return nil
	}
	if !o.Memo.mayJudge() {
		return []Answer{unknown("more OCSP responses than are examined (%d)", limits.OCSPJudged)}
	}
	opts := ocsp.CheckOptions{Cert: o.cert, Issuer: o.issuer, At: o.At, Extra: o.Responders, Skew: o.Skew, MaxAge: o.maxAge(OCSP)}
	if o.Skew == 0 {
		opts.Skew = -1
	}
	checked, err := r.Check(opts)
	stale := false
	if s, ok := o.single(r); ok && o.mayBeOld(err, r, s) {
		then := opts
		then.At = s.ThisUpdate
		if r.ProducedAt.After(then.At) {
			then.At = r.ProducedAt
		}
		then.MaxAge = 0
		if c, e := r.Check(then); e == nil {
			checked, err = c, nil
			stale = !s.ThisUpdate.After(o.At) && (!o.Moment.Before(o.At) || s.ThisUpdate.Before(o.Moment))
		}
	}
	var oe *ocsp.Error
	if err != nil {
		a := unknown("%v", err)
		a.Invalid = errors.As(err, &oe) && oe.Invalid()
		return []Answer{a}
	}
	if o.withdrawn(r.SignatureAlgorithm) {
		return []Answer{unknown("the OCSP response is signed with a withdrawn algorithm: %s", r.SignatureAlgorithm.OID.Name())}
	}
	return []Answer{o.status(r, checked, lists, stale)}
}

// mayBeOld says whether an answer that is refused as of now may be judged as of
// its own time. An old answer still counts where it says revoked, and where it
// was given after the proven moment of the signature; one that is newer than
// the moment of the check counts where the caller allows that.
func (o *asker) mayBeOld(err error, r *ocsp.Response, s ocsp.Single) bool {
	var oe *ocsp.Error
	if !errors.As(err, &oe) || r.ProducedAt.After(o.At.Add(o.Skew)) && !o.AllowLater {
		return false
	}
	switch oe.Kind {
	case ocsp.KindStale, ocsp.KindResponderExpired:
		return !s.ThisUpdate.After(o.At) || o.AllowLater
	case ocsp.KindFuture:
		return o.AllowLater
	}
	return false
}

// status turns a checked response into an answer.
func (o *asker) status(r *ocsp.Response, c *ocsp.Checked, lists []*pki.RevocationList, stale bool) Answer {
	s := c.Single
	a := Answer{
		Source: OCSP, Evidence: r.BasicRaw, Response: r, Responder: c.Responder, Reason: s.Reason,
		ThisUpdate: s.ThisUpdate, NextUpdate: s.NextUpdate, ProducedAt: r.ProducedAt, Chain: o.issuerChain(),
	}
	if c.Delegated && c.Responder != nil {
		a.Chain = append([]*pki.Certificate{c.Responder}, a.Chain...)
	}
	if why := o.responder(c, lists, &a); why != "" {
		return unknown("%s", why)
	}
	a.Stale = stale && s.Status != ocsp.Revoked
	// RFC 6960, section 4.4.4: with an archive cutoff the responder keeps records
	// of certificates that expired at that moment or later.
	keeps := !s.ArchiveCutoff().IsZero() && !o.cert.NotAfter.Before(s.ArchiveCutoff())
	switch {
	case s.Status == ocsp.Revoked && stale && s.Reason == pki.ReasonCertificateHold && !o.AllowStale:
		return unknown("the certificate was on hold, and the OCSP response is out of date")
	case s.Status == ocsp.Revoked:
		a.At, a.InvalidityDate = s.RevokedAt, s.InvalidityDate()
		return o.listed(a)
	case s.Status != ocsp.Good:
		return unknown("the OCSP responder does not know the certificate") // RFC 6960, section 2.2: unknown is not good
	case stale && !o.AllowStale:
		return unknown("the OCSP response is out of date: thisUpdate %s, nextUpdate %s", day(s.ThisUpdate), day(s.NextUpdate))
	case s.ThisUpdate.After(o.cert.NotAfter) && !keeps:
		return unknown("the OCSP response was given after the certificate had expired")
	}
	a.Status, a.Reason = Good, pki.ReasonAbsent
	return a
}

// responder asks about the delegate's own revocation: RFC 6960, section
// 4.2.2.2.1. Without id-pkix-ocsp-nocheck and without a list the answer stands
// with a note, unless the options demand to know.
func (o *asker) responder(c *ocsp.Checked, lists []*pki.RevocationList, a *Answer) string {
	if !c.Delegated || c.Responder == nil {
		return ""
	}
	if why := o.unfit(c.Responder); why != "" || c.NoCheck {
		return why
	}
	own := o.Options
	own.Order, own.AllowStale, own.Moment = []Kind{CRL}, false, own.At
	if p := a.ProducedAt; p.Before(own.At) {
		own.Moment = p // what counts is the moment at which it signed
	}
	var src Source = &Static{Lists: lists}
	if o.ResponderStatus {
		src = Sources{src, o.src}
	}
	if o.depth >= limits.StatusDepth {
		return "the status of the OCSP responder is not known: too many certificates stand for each other"
	}
	status := check(o.ctx, c.Responder, o.issuer, src, own, o.depth+1)
	switch {
	case status.Status == Revoked, status.Status == Hold, status.RevokedLater && !honourable(status.Reason):
		// Who has a key that was compromised writes any producedAt.
		return "the certificate of the OCSP responder is revoked"
	case status.Status == Unknown:
		if o.ResponderStatus {
			return "it is not known whether the certificate of the OCSP responder is revoked (RFC 6960, section 4.2.2.2.1)"
		}
		a.Notes = append(a.Notes, "the OCSP responder's own certificate was not checked for revocation (RFC 6960, section 4.2.2.2.1)")
	}
	return ""
}

// unfit says why a delegate's certificate, whoever issued it, cannot answer.
func (o *asker) unfit(c *pki.Certificate) string {
	switch {
	case c.Equal(o.cert):
		return "the OCSP response is the certificate's own word about itself"
	case !o.AllowTest && c.PublicKey != nil && alg.IsTestKey(c.PublicKey):
		return "the OCSP responder uses a parameter set for tests (RFC 9215, section 4.2)"
	case o.withdrawn(c.SignatureAlgorithm), o.withdrawnName(alg.KeyAlgorithmName(c.PublicKey)):
		return "the certificate of the OCSP responder rests on a withdrawn algorithm"
	}
	return ""
}

func (o *asker) about(r *ocsp.Response) bool {
	_, ok := o.single(r)
	return ok
}

// single returns what r says of the certificate: the worst if it says several
// things.
func (o *asker) single(r *ocsp.Response) (ocsp.Single, bool) {
	var out ocsp.Single
	found := false
	for _, s := range r.Singles {
		if (!found || s.Status == ocsp.Revoked) && o.matcher.Matches(s.ID) {
			out, found = s, true
		}
	}
	return out, found
}
