package verify

import (
	"context"
	"errors"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
)

func deciding(o *Outcome) string {
	c, _ := o.Deciding()
	return c.Detail
}

// token checks a parsed token and the chain of its authority, at the moment at
// which the token is proven to have existed: a token proves a time only as long
// as its own signature is proven (EN 319 102-1, section 5.4).
func (r *run) token(ctx context.Context, t *TimeStamp, token *tsp.Token, o tsp.CheckOptions, bags []*bag, known *proofs) {
	t.Serial, t.Policy = token.Info.Serial, token.Info.Policy
	at := known.of(token.Raw, r.at)
	if r.Intermediates != nil {
		o.Extra = append(o.Extra[:len(o.Extra):len(o.Extra)], r.Intermediates.All()...)
	}
	checked, err := token.Check(o)
	t.GenTime, t.TSA = checked.GenTime, checked.TSA
	for _, c := range checked.Checks {
		r.tokenCheck(&t.Outcome, c)
	}
	if err != nil && !t.failed() {
		t.fail(stageCrypto, "timestamp-signature", "RFC 3161, section 2.2", SigCryptoFailure, err.Error())
	}
	switch {
	case t.TSA == nil:
		t.skip(stageChain, "certificate-chain", "EN 319 102-1, 5.4", "")
	case r.pol.UnsafeNoChain:
		t.warn(stageChain, "certificate-chain", "EN 319 102-1, 5.4", r.Lang.pick("цепочка не проверялась", "the chain was not checked"))
	default:
		t.Chain, t.Evidence = r.certificate(ctx, &t.Outcome, t.TSA, purpose{
			at: at, proofs: known, bags: bags, bound: true, extUsage: []oid.OID{oid.EKUTimeStamping},
			owner: r.Lang.pick("сертификат службы меток ", "the certificate of the time-stamping authority "),
		})
		r.stampAccreditation(ctx, t)
	}
	r.tokenAlgorithms(t, token, at)
	if t.GenTime.After(r.at.Add(skewOf(r.pol))) {
		t.fail(stageTime, "timestamp-future", "RFC 3161, section 2.4.2", TimestampOrderFailure, stamp(t.GenTime))
	}
	t.decide()
}

// tokenAlgorithms: the digest of what is stamped, and that under the token's
// signature, must have been in force when the token is known to have existed.
func (r *run) tokenAlgorithms(t *TimeStamp, token *tsp.Token, at time.Time) {
	si := token.Signed.Signers[0]
	for _, id := range []alg.Identifier{token.Info.HashAlgorithm, si.DigestAlgorithm, si.SignatureAlgorithm} {
		if reason := r.pol.refusal(alg.DigestName(id), at); reason != "" {
			t.fail(stageAcceptance, "legacy-algorithm", "EN 319 102-1, 5.2.8", reason,
				r.Lang.sprintf("хэш-функция отменена: %s", "withdrawn digest: %s", id.OID.Name()))
			return
		}
	}
}

// tokenCheck translates one check of package tsp.
func (r *run) tokenCheck(out *Outcome, c cms.Check) {
	var e *tsp.Error
	if c.OK || !errors.As(c.Err, &e) {
		r.crypto(out, []cms.Check{c})
		return
	}
	reason, stage := Generic, stageCrypto
	switch {
	case errors.Is(c.Err, cms.ErrNoContent), errors.Is(c.Err, cms.ErrContentNeeded):
		// What was stamped is not at hand: neither right nor wrong.
		out.fail(stageIdentify, c.ID, c.Cite, SignedDataNotFound, errors.Unwrap(c.Err).Error())
		return
	}
	switch e.Kind {
	case tsp.KindMalformed:
		reason, stage = FormatFailure, stageFormat
	case tsp.KindImprint:
		reason = HashFailure
	case tsp.KindSignature:
		reason = SigCryptoFailure
	case tsp.KindUsage:
		reason, stage = ChainConstraints, stageChain
	case tsp.KindTime:
		reason, stage = OutOfBoundsNoPOE, stageChain
	case tsp.KindNonce, tsp.KindPolicy:
		reason, stage = SigConstraints, stageAcceptance
	case tsp.KindNoCertificate:
		reason, stage = NoSigningCertificate, stageIdentify
	}
	out.fail(stage, c.ID, c.Cite, reason, c.Detail)
}

// failed says whether some check failed already.
func (o *Outcome) failed() bool {
	for _, c := range o.Checks {
		if c.Result() == "failed" {
			return true
		}
	}
	return false
}
