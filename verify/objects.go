package verify

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/path"
	"github.com/gosklyuch/gosklyuch/tsp"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// VerifyCertificate decides whether cert is valid at the moment of
// verification: chain, dates, constraints, revocation. The error is nil if and
// only if the status is Passed, as with [Verifier.Verify].
func (v *Verifier) VerifyCertificate(ctx context.Context, cert *pki.Certificate) (*Report, error) {
	if cert == nil {
		return nil, errNoInput
	}
	r, report := v.start(KindCertificate)
	report.Certificate = cert
	report.Chain, report.Evidence = r.certificate(ctx, &report.Outcome, cert, purpose{at: r.at, final: true})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return report, report.finish()
}

// VerifyCRL decides whether list is one that issuer signed and that is in force
// at the moment of verification. The issuer is taken as given: its own chain
// is not checked, and the report says so.
func (v *Verifier) VerifyCRL(ctx context.Context, list *pki.RevocationList, issuer *pki.Certificate) (*Report, error) {
	if list == nil || issuer == nil {
		return nil, errNoInput
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, report := v.start(KindCRL)
	o := &report.Outcome
	report.Certificate = issuer
	findings(o, list.Findings)
	r.listSignature(o, list, issuer)
	r.listDates(o, list)
	r.algorithmsOf(o, list.SignatureAlgorithm, issuer)
	o.skip(stageChain, "certificate-chain", "EN 319 102-1, 5.2.6", r.Lang.pick(
		"издатель списка взят как указан", "the issuer of the list is taken as given"))
	return report, report.finish()
}

// listSignature translates the outcome of revocation.CheckList.
func (r *run) listSignature(o *Outcome, list *pki.RevocationList, issuer *pki.Certificate) {
	const id, cite = "crl-signature", "RFC 5280, section 6.3.3"
	err := revocation.CheckList(list, issuer)
	switch {
	case err == nil:
		o.pass(stageCrypto, id, cite, issuer.Subject.String())
	case errors.Is(err, revocation.ErrListUnusable) && pki.HasErrors(list.Findings):
		o.fail(stageFormat, "crl-format", cite, FormatFailure, err.Error())
	case errors.Is(err, revocation.ErrListUnusable):
		o.fail(stageFormat, "crl-extensions", "RFC 5280, section 5.2", Generic, err.Error())
	case errors.Is(err, revocation.ErrListIssuer), errors.Is(err, revocation.ErrListOtherKey):
		o.fail(stageIdentify, "crl-issuer", cite, SigCryptoFailure, err.Error())
	case errors.Is(err, revocation.ErrListUsage):
		o.fail(stageChain, "crl-issuer-usage", cite, ChainConstraints, err.Error())
	default:
		o.fail(stageCrypto, id, cite, SigCryptoFailure, err.Error())
	}
}

// listDates: thisUpdate and nextUpdate (RFC 5280, sections 5.1.2.4 and 5.1.2.5).
func (r *run) listDates(o *Outcome, list *pki.RevocationList) {
	const id, cite = "crl-dates", "RFC 5280, section 5.1.2.5"
	skew := skewOf(r.pol)
	switch {
	case list.ThisUpdate.After(r.at.Add(skew)):
		o.fail(stageAcceptance, id, cite, NotYetValid, "thisUpdate "+stamp(list.ThisUpdate))
	case list.NextUpdate.IsZero():
		o.warn(stageAcceptance, id, cite, r.Lang.pick("срок следующего обновления не указан", "nextUpdate is absent"))
	case r.at.After(list.NextUpdate.Add(skew)):
		o.fail(stageAcceptance, id, cite, OutOfBoundsNoPOE, r.Lang.sprintf(
			"список устарел %s", "the list is out of date since %s", stamp(list.NextUpdate)))
	default:
		o.pass(stageAcceptance, id, cite, stamp(list.ThisUpdate)+" – "+stamp(list.NextUpdate))
	}
}

// OCSPQuestion is what an OCSP response is checked against. Cert and Issuer
// are required.
type OCSPQuestion struct {
	Cert, Issuer *pki.Certificate
	Request      *ocsp.Request      // what was sent; nil: the nonce is not compared
	Responders   []*pki.Certificate // candidates for the responder's certificate
}

// VerifyOCSP decides whether resp is a proper answer about a certificate and
// what it says: good is valid, revoked is revoked, unknown is indeterminate.
// The chain of the issuer must lead to a trust anchor.
func (v *Verifier) VerifyOCSP(ctx context.Context, resp *ocsp.Response, q OCSPQuestion) (*Report, error) {
	if resp == nil || q.Cert == nil || q.Issuer == nil {
		return nil, errNoInput
	}
	r, report := v.start(KindOCSP)
	o := &report.Outcome
	report.Certificate = q.Cert
	findings(o, resp.Findings)
	if err := q.Cert.CheckSignatureFrom(q.Issuer); err != nil {
		reason := ChainGeneral
		if path.UnknownAlgorithm(err) {
			reason = Generic
		}
		o.fail(stageChain, "issuer", "RFC 6960, section 4.1.1", reason, r.Lang.pick("сертификат выдан не этим издателем", "the certificate is not from this issuer"))
	}
	// The issuer's own revocation is another question; here it is trusted or not.
	quiet := *r.pol
	quiet.UnsafeNoRevocation = true
	rr := &run{Verifier: r.Verifier, at: r.at, pol: &quiet}
	if r.pol.UnsafeNoChain {
		o.warn(stageChain, "certificate-chain", "EN 319 102-1, 5.2.6", r.Lang.pick("цепочка не проверялась", "the chain was not checked"))
	} else {
		report.Chain, report.Evidence = rr.certificate(ctx, o, q.Issuer, purpose{at: r.at})
	}
	r.response(o, resp, q)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return report, report.finish()
}

// response checks the response itself (RFC 6960, section 3.2).
func (r *run) response(o *Outcome, resp *ocsp.Response, q OCSPQuestion) {
	opts := ocsp.CheckOptions{Cert: q.Cert, Issuer: q.Issuer, Request: q.Request, Extra: q.Responders, At: r.at, Skew: r.pol.Skew, MaxAge: r.pol.MaxAge}
	if r.Intermediates != nil {
		opts.Extra = append(opts.Extra[:len(opts.Extra):len(opts.Extra)], r.Intermediates.All()...)
	}
	checked, err := resp.Check(opts)
	if checked != nil {
		for _, c := range checked.Checks {
			if c.OK {
				o.pass(stageCrypto, "ocsp-"+c.ID, c.Cite, c.Detail)
			}
		}
	}
	if err != nil {
		id, cite, reason, stage := "ocsp-response", "RFC 6960, section 3.2", TryLater, stageAcceptance
		var e *ocsp.Error
		if errors.As(err, &e) {
			id, reason, stage = "ocsp-"+e.Kind.String(), ocspReason(e.Kind), ocspStage(e.Kind)
			if e.Cite != "" {
				cite = e.Cite
			}
		}
		o.fail(stage, id, cite, reason, err.Error())
		return
	}
	r.algorithmsOf(o, resp.SignatureAlgorithm, checked.Responder)
	if checked.Delegated && !checked.NoCheck {
		o.warn(stageChain, "ocsp-responder-revocation", "RFC 6960, section 4.2.2.2.1", r.Lang.pick(
			"не проверено, не отозван ли сертификат службы проверки", "whether the responder's certificate is revoked was not checked"))
	}
	r.single(o, checked.Single)
}

// single translates what the response says of the certificate.
func (r *run) single(o *Outcome, s ocsp.Single) {
	const id, cite = "ocsp-certificate-status", "RFC 6960, section 2.2"
	switch {
	case s.Status == ocsp.Good:
		o.pass(stageAcceptance, id, cite, "good")
	case s.Status == ocsp.Revoked && s.Reason == pki.ReasonCertificateHold:
		o.fail(stageAcceptance, id, cite, RevokedReason, r.Lang.sprintf("действие сертификата приостановлено %s", "the certificate is on hold since %s", stamp(s.RevokedAt)))
	case s.Status == ocsp.Revoked:
		o.fail(stageAcceptance, id, cite, RevokedReason, r.Lang.sprintf("сертификат отозван %s, причина: %s",
			"the certificate was revoked on %s, reason: %s", stamp(s.RevokedAt), crlReason(s.Reason, r.Lang)))
	default:
		o.fail(stageAcceptance, id, cite, TryLater, r.Lang.pick("служба не знает этот сертификат", "the responder does not know the certificate"))
	}
}

func ocspReason(k ocsp.ErrorKind) Reason {
	switch k {
	case ocsp.KindMalformed:
		return FormatFailure
	case ocsp.KindBadSignature:
		return SigCryptoFailure
	case ocsp.KindUnauthorized:
		return ChainConstraints
	case ocsp.KindNonceMismatch:
		return SigConstraints
	case ocsp.KindNoResponder:
		return NoSigningCertificate
	case ocsp.KindResponderExpired:
		return RevocationOutOfBoundsNoPOE
	case ocsp.KindUnhandledCritical, ocsp.KindUnknownAlgorithm, ocsp.KindIncomplete:
		return Generic
	}
	return TryLater // error status, other certificate, stale, future
}

func ocspStage(k ocsp.ErrorKind) stage {
	switch k {
	case ocsp.KindMalformed:
		return stageFormat
	case ocsp.KindBadSignature:
		return stageCrypto
	case ocsp.KindUnauthorized, ocsp.KindNoResponder, ocsp.KindResponderExpired:
		return stageChain
	}
	return stageAcceptance
}

// VerifyRequest decides whether a certification request was made by the holder
// of its key (RFC 2986, section 3).
func (v *Verifier) VerifyRequest(ctx context.Context, req *pki.CertificateRequest) (*Report, error) {
	if req == nil {
		return nil, errNoInput
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, report := v.start(KindRequest)
	o := &report.Outcome
	findings(o, req.Findings)
	if f, bad := pki.FirstError(req.Findings); bad {
		o.fail(stageFormat, "request-format", f.Cite, FormatFailure, f.Field+": "+f.Detail)
	}
	const id, cite = "request-signature", "RFC 2986, section 4.2"
	switch err := req.CheckSignature(); {
	case err == nil:
		o.pass(stageCrypto, id, cite, req.Subject.String())
	case path.UnknownAlgorithm(err):
		o.fail(stageCrypto, id, cite, Generic, err.Error())
	default:
		o.fail(stageCrypto, id, cite, SigCryptoFailure, err.Error())
	}
	r.algorithmsOf(o, req.SignatureAlgorithm, &pki.Certificate{PublicKey: req.PublicKey})
	return report, report.finish()
}

// VerifyRaw decides whether sig is the bare signature value s‖r over the digest
// of content that the certificate's key goes with: Streebog-256 or -512. Whose
// certificate it is and whether it is valid is not checked, and said so.
func (v *Verifier) VerifyRaw(ctx context.Context, content io.Reader, sig []byte, cert *pki.Certificate) (*Report, error) {
	if content == nil || cert == nil {
		return nil, errNoInput
	}
	r, report := v.start(KindSignature)
	o := &report.Outcome
	report.Certificate = cert
	const id, cite = "signature-value", "RFC 7091, section 6.2"
	o.warn(stageChain, "certificate-chain", "EN 319 102-1, 5.2.6", r.Lang.pick(
		"проверено только значение подписи; сертификат и его отзыв не проверялись",
		"only the signature value was checked; neither the certificate nor its revocation"))
	if cert.PublicKey == nil {
		reason := ChainGeneral
		if path.UnknownAlgorithm(cert.PublicKeyError) {
			reason = Generic
		}
		o.fail(stageChain, "public-key", "RFC 5280, section 4.1.2.7", reason, fmt.Sprint(cert.PublicKeyError))
		return report, report.finish()
	}
	digestAlg, sum, err := digestFor(ctx, cert.PublicKey, content)
	if err != nil {
		return nil, err
	}
	switch err := alg.VerifyDigest(cert.PublicKey, alg.SignatureForKey(cert.PublicKey), digestAlg, sum, sig); {
	case err == nil:
		o.pass(stageCrypto, id, cite, digestAlg.OID.Name()+" "+hex.EncodeToString(sum))
	case path.UnknownAlgorithm(err):
		o.fail(stageCrypto, id, cite, Generic, err.Error())
	default:
		o.fail(stageCrypto, id, cite, SigCryptoFailure, err.Error())
	}
	r.algorithmsOf(o, digestAlg, cert)
	return report, report.finish()
}

// digestFor streams content through the digest of a key.
func digestFor(ctx context.Context, pub crypto.PublicKey, content io.Reader) (alg.Identifier, []byte, error) {
	id := alg.HashForKey(pub)
	h, err := alg.NewHash(id)
	if err != nil {
		return id, nil, fmt.Errorf("verify: %w", err)
	}
	if _, err := io.Copy(h, withContext(ctx, content)); err != nil {
		return id, nil, fmt.Errorf("verify: document: %w", err)
	}
	return id, h.Sum(nil), nil
}

// withContext returns a reader of r that stops when the context ends. What r says
// of its length, it says too.
func withContext(ctx context.Context, r io.Reader) io.Reader {
	c := &contextReader{ctx, r}
	if s, ok := r.(sized); ok {
		return &sizedReader{c, s}
	}
	return c
}

// sized is a reader that knows how many octets it has left, such as a
// bytes.Reader.
type sized interface{ Len() int }

type sizedReader struct {
	*contextReader
	sized
}

// contextReader stops reading when the context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// VerifyTimeStamp decides about a time-stamp token over content. req, if it has
// values, is what was asked for; its Digest, if not nil, returns the digest of
// the request, which that of content must equal. Without content and Digest it
// remains open what was stamped and the status is Indeterminate.
func (v *Verifier) VerifyTimeStamp(ctx context.Context, token *tsp.Token, content io.Reader, req tsp.CheckOptions) (*Report, error) {
	if token == nil {
		return nil, errNoInput
	}
	r, report := v.start(KindTimeStamp)
	var absent bool
	var readErr error
	asked := req.Digest
	req.Content = nil
	req.Digest = func(id alg.Identifier) (want []byte, err error) {
		if asked != nil {
			if want, err = asked(id); err != nil {
				return nil, err
			}
		}
		if content == nil {
			absent = asked == nil
			if absent {
				want = token.Info.HashedMessage
			}
			return want, nil
		}
		h, err := alg.NewHash(id)
		if err != nil {
			return nil, err
		}
		_, readErr = io.Copy(h, withContext(ctx, content))
		sum := h.Sum(nil)
		if readErr == nil && asked != nil && !bytes.Equal(sum, want) {
			return nil, errors.New("the request is about other data than the document")
		}
		return sum, readErr
	}
	var t TimeStamp
	r.token(ctx, &t, token, req, []*bag{newBag(tokenEvidence(token))}, nil)
	if readErr != nil {
		return nil, fmt.Errorf("verify: document: %w", readErr)
	}
	report.Outcome, report.GenTime, report.Certificate = t.Outcome, t.GenTime, t.TSA
	report.Chain, report.Evidence = t.Chain, t.Evidence
	if absent {
		report.fail(stageIdentify, "signed-data", "EN 319 102-1, 5.4", SignedDataNotFound, r.Lang.pick(
			"документ не указан", "the document was not given"))
	}
	return report, report.finish()
}
