package revocation

import (
	"errors"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

const defaultMaxAge = ocsp.DefaultMaxAge

// response judges what r says of cert. No answer: r is about others. lists may
// tell that the responder itself was revoked.
func (o *asker) response(cert, issuer *pki.Certificate, r *ocsp.Response, lists []*pki.RevocationList) []Answer {
	if r.Status == ocsp.Successful && !o.about(r) {
		return nil
	}
	if !o.Memo.mayJudge() {
		return []Answer{unknown("more OCSP responses than are examined (%d)", limits.OCSPJudged)}
	}
	opts := ocsp.CheckOptions{Cert: cert, Issuer: issuer, At: o.At, Extra: o.Responders, Skew: o.Skew, MaxAge: o.MaxAge}
	if o.Skew == 0 {
		opts.Skew = -1
	}
	checked, err := r.Check(opts)
	stale := false
	var oe *ocsp.Error
	if errors.As(err, &oe) && (oe.Kind == ocsp.KindStale || oe.Kind == ocsp.KindResponderExpired) {
		// An old answer still counts where it says revoked, and where it was
		// given after the proven moment of the signature.
		if s, ok := o.single(r); ok && !s.ThisUpdate.After(o.At) {
			then := opts
			then.At = s.ThisUpdate
			if c, e := r.Check(then); e == nil {
				checked, err = c, nil
				stale = !o.Moment.Before(o.At) || s.ThisUpdate.Before(o.Moment)
			}
		}
	}
	if err != nil {
		a := unknown("%v", err)
		a.Invalid = errors.As(err, &oe) && oe.Invalid()
		return []Answer{a}
	}
	if !o.AllowLegacy && path.LegacySignature(r.SignatureAlgorithm) {
		return []Answer{unknown("the OCSP response is signed with a withdrawn algorithm: %s", r.SignatureAlgorithm.OID.Name())}
	}
	return []Answer{o.status(cert, issuer, r, checked, lists, stale)}
}

// status turns a checked response into an answer.
func (o *asker) status(cert, issuer *pki.Certificate, r *ocsp.Response, c *ocsp.Checked, lists []*pki.RevocationList, stale bool) Answer {
	s := c.Single
	a := Answer{
		Source: "ocsp", Evidence: r.BasicRaw, Response: r, Responder: c.Responder, Reason: s.Reason,
		ThisUpdate: s.ThisUpdate, NextUpdate: s.NextUpdate,
	}
	if why := o.responder(issuer, c, lists, &a); why != "" {
		return unknown("%s", why)
	}
	switch {
	case s.Status == ocsp.Revoked && stale && s.Reason == pki.ReasonCertificateHold:
		return unknown("the certificate was on hold, and the OCSP response is out of date")
	case s.Status == ocsp.Revoked:
		a.At = s.RevokedAt
		return o.listed(a)
	case s.Status != ocsp.Good:
		return unknown("the OCSP responder does not know the certificate") // RFC 6960, section 2.2: unknown is not good
	case stale:
		return unknown("the OCSP response is out of date: nextUpdate %s", s.NextUpdate.UTC().Format("2006-01-02T15:04:05Z"))
	case s.ThisUpdate.After(cert.NotAfter):
		return unknown("the OCSP response was given after the certificate had expired")
	}
	a.Status, a.Reason = Good, pki.ReasonAbsent
	return a
}

// responder asks about the delegate's own revocation: RFC 6960, section
// 4.2.2.2.1. Without id-pkix-ocsp-nocheck and without a list the answer
// stands, with a note.
func (o *asker) responder(issuer *pki.Certificate, c *ocsp.Checked, lists []*pki.RevocationList, a *Answer) string {
	if !c.Delegated || c.NoCheck || c.Responder == nil {
		return ""
	}
	var answers []Answer
	for _, l := range lists {
		answers = append(answers, o.list(c.Responder, issuer, l)...)
	}
	switch decide(answers).Status {
	case Revoked, Hold:
		return "the certificate of the OCSP responder is revoked"
	case Unknown:
		a.Notes = append(a.Notes, "the OCSP responder's own certificate was not checked for revocation (RFC 6960, section 4.2.2.2.1)")
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
