package verify

import (
	"context"
	"errors"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// timeStamps verifies the signature time stamps (EN 319 102-1, sections 5.4 and
// 5.5). The earliest that is trusted gives the best time. A token that stamps
// other data or is forged makes the signature invalid; one whose authority is
// unknown proves nothing and is a warning.
func (r *run) timeStamps(ctx context.Context, s *Signature, si *cms.SignerInfo, carried *bag) {
	const id, cite = "signature-time-stamp", "RFC 5126, section 6.1.1"
	tokens := si.TimeStamps()
	for i, raw := range tokens {
		if !r.mayAttach(i) || ctx.Err() != nil {
			s.fail(stageTime, id, cite, Generic, "too many time stamps")
			break
		}
		t := r.signatureTimeStamp(ctx, raw, si.Signature, carried)
		s.TimeStamps = append(s.TimeStamps, t)
		switch {
		case t.Status == Passed:
			s.pass(stageTime, id, cite, stamp(t.GenTime)+", "+t.TSA.Subject.String())
			if r.pol.UnsafeNoChain {
				continue // whose word the time is remains open
			}
			s.Level = levelT(s.Level)
			if s.BestTime.IsZero() || t.GenTime.Before(s.BestTime) {
				s.BestTime = t.GenTime
			}
		case broken(&t.Outcome):
			s.fail(stageTime, id, cite, t.Reason, r.Lang.pick("метка времени неверна: ", "the time stamp is wrong: ")+deciding(&t.Outcome))
		default:
			s.warn(stageTime, id, cite, r.Lang.pick("метка времени не подтверждена: ", "the time stamp proves nothing: ")+
				string(t.Reason)+": "+deciding(&t.Outcome))
		}
	}
	if s.BestTime.IsZero() {
		s.require(r.pol.TimeStamp, stageAcceptance, "best-time", "EN 319 102-1, 5.5", NoPOE, r.Lang.pick(
			"время подписания ничем не подтверждено: проверка на момент проверки", "nothing proves the time of signing: checked as of now"))
	}
	r.higherLevels(s, si)
}

func levelT(base string) string {
	if base == "bes" {
		return "t"
	}
	return base
}

func deciding(o *Outcome) string {
	c, _ := o.Deciding()
	return c.Detail
}

// higherLevels says that what makes the levels above T is present and was not
// verified.
func (r *run) higherLevels(s *Signature, si *cms.SignerInfo) {
	for _, t := range []oid.OID{oid.AttrEscTimeStamp, oid.AttrCertCRLTimeStamp, oid.AttrArchiveTimeStampV2, oid.AttrArchiveTimeStampV3} {
		if len(si.Unsigned(t)) > 0 {
			s.skip(stageTime, "higher-level", "RFC 5126, section 6", t.Name())
		}
	}
}

// signatureTimeStamp verifies one token over a signature value.
func (r *run) signatureTimeStamp(ctx context.Context, raw, signature []byte, carried *bag) *TimeStamp {
	t := &TimeStamp{}
	token, err := tsp.ParseToken(raw)
	if err != nil {
		t.fail(stageFormat, "timestamp-format", "RFC 3161, section 2.4.2", FormatFailure, err.Error())
		t.decide()
		return t
	}
	r.token(ctx, t, token, tsp.CheckOptions{Content: signature, Extra: carried.pool.All()}, carried)
	return t
}

// token checks a parsed token and the chain of its authority.
func (r *run) token(ctx context.Context, t *TimeStamp, token *tsp.Token, o tsp.CheckOptions, carried *bag) {
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
		// The authority must be trusted now: a token proves a time only as long
		// as its own signature is proven (EN 319 102-1, section 5.4).
		t.Chain, t.Evidence = r.certificate(ctx, &t.Outcome, t.TSA, purpose{
			at: r.at, moment: r.at, bags: []*bag{newBag(token.Signed.Evidence), carried}, extUsage: []oid.OID{oid.EKUTimeStamping},
			owner: r.Lang.pick("сертификат службы меток ", "the certificate of the time-stamping authority "),
		})
	}
	if t.GenTime.After(r.at.Add(skewOf(r.pol))) {
		t.fail(stageTime, "timestamp-future", "RFC 3161, section 2.4.2", TimestampOrderFailure, stamp(t.GenTime))
	}
	t.decide()
}

// tokenCheck translates one check of package tsp.
func (r *run) tokenCheck(out *Outcome, c cms.Check) {
	var e *tsp.Error
	if c.OK || !errors.As(c.Err, &e) {
		r.crypto(out, []cms.Check{c})
		return
	}
	reason, stage := Generic, stageCrypto
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
