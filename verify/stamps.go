package verify

import (
	"context"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// attached is what hangs on one signature beside the signed attributes: its
// time stamps, the evidence that it carries and what the stamps prove.
type attached struct {
	sd       *cms.SignedData
	signer   int
	stamps   []*heldStamp // in the order of the message
	carried  *bag         // of the message
	values   *bag         // certificate-values and revocation-values
	tokens   *bag         // what the tokens carry: two of one authority may share what one of them has
	evidence cms.Evidence // what is in values
	refs     *cms.EvidenceRefs
	objects  []referred // what refs name; nil: not looked at yet
	proofs   *proofs

	archived   proofs // of proofs, those by archive time stamps
	referenced proofs // and those by CAdES-C time stamps

	pool  *pki.Pool           // all certificates that come with the signature; nil: not looked at yet
	known []revocation.Answer // what all that comes with it says of the signer's chain

	proven   time.Time // earliest proof of the signature value; zero: none
	earliest time.Time // the signature value did not exist before: content-time-stamp; zero: unknown
	problems []string  // why a level that is claimed is not reached
}

func (a *attached) si() *cms.SignerInfo { return a.sd.Signers[a.signer] }

// bags are what of the message helps to validate a certificate.
func (a *attached) bags() []*bag { return []*bag{a.values, a.tokens, a.carried} }

// heldStamp is one time stamp of a signature.
type heldStamp struct {
	cms.Stamp
	token    *tsp.Token   // nil: it cannot be read
	evidence cms.Evidence // what the token carries, its unsigned attributes included
	report   *TimeStamp
	covered  *cms.Coverage // of an archive-time-stamp-v3; nil: not looked at yet
}

// attach reads what hangs on a signature. What cannot be read is reported.
func (r *run) attach(s *Signature, sd *cms.SignedData, i int, carried *bag) *attached {
	a := &attached{sd: sd, signer: i, carried: carried, proofs: &proofs{}}
	var err error
	if a.evidence, err = sd.Signers[i].EvidenceValues(); err != nil {
		s.warn(stageFormat, "evidence-values", "RFC 5126, section 6.3", err.Error())
		a.problems = append(a.problems, err.Error())
	}
	a.values = newBag(a.evidence)
	for _, w := range a.values.warnings {
		s.warn(stageFormat, "evidence-values", "RFC 5126, section 6.3.4", w)
	}
	if a.refs, err = sd.Signers[i].EvidenceRefs(); err != nil {
		s.warn(stageFormat, "evidence-references", "RFC 5126, section 6.2", err.Error())
		a.problems = append(a.problems, err.Error())
	}
	var carriedBy cms.Evidence
	list, err := sd.Stamps(i)
	if err != nil {
		s.fail(stageTime, "timestamp-format", "RFC 5126, section 6", FormatFailure, err.Error())
	}
	for n, x := range list {
		if !r.mayAttach(n) {
			s.fail(stageTime, "timestamp-format", "RFC 5126, section 6", Generic, r.Lang.pick("слишком много меток времени", "too many time stamps"))
			break
		}
		h := r.hold(x)
		a.stamps = append(a.stamps, h)
		carriedBy = join(carriedBy, h.evidence)
	}
	a.tokens = newBag(carriedBy)
	return a
}

// hold reads the token of a stamp.
func (r *run) hold(x cms.Stamp) *heldStamp {
	h := &heldStamp{Stamp: x, report: &TimeStamp{Kind: x.Kind.String()}}
	token, err := tsp.ParseToken(x.Token)
	if err != nil {
		h.report.fail(stageFormat, "timestamp-format", "RFC 3161, section 2.4.2", FormatFailure, err.Error())
		h.report.decide()
		return h
	}
	h.token, h.evidence = token, tokenEvidence(token)
	return h
}

// tokenEvidence is what a token carries: its certificates and lists, and the
// values in its unsigned attributes, where CryptoPro puts the evidence about
// the authority. What of them cannot be read is no evidence.
func tokenEvidence(t *tsp.Token) cms.Evidence {
	more, _ := t.Signed.Signers[0].EvidenceValues()
	return join(t.Signed.Evidence, more)
}

// join puts evidence together.
func join(list ...cms.Evidence) (out cms.Evidence) {
	for _, ev := range list {
		out.Certificates = append(out.Certificates, ev.Certificates...)
		out.CRLs = append(out.CRLs, ev.CRLs...)
		out.OCSP = append(out.OCSP, ev.OCSP...)
	}
	return out
}

// inward orders stamps from the outermost: those over everything first, the
// newest first, as each is proven by what stands around it (EN 319 102-1, section
// 5.6.3.4).
func inward(list []*heldStamp) []*heldStamp {
	order := func(k cms.StampKind) int {
		switch {
		case k.IsArchive():
			return 0
		case k == cms.StampSignature:
			return 2
		}
		return 1
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b *heldStamp) int {
		if d := order(a.Kind) - order(b.Kind); d != 0 || a.token == nil || b.token == nil {
			return d
		}
		return b.token.Info.GenTime.Compare(a.token.Info.GenTime)
	})
	return out
}

// timeStamps verifies the time stamps (EN 319 102-1, sections 5.4 to 5.6), the
// outermost first. The earliest that is trusted and covers the signature value
// gives the best time. A token that stamps other data or is forged makes the
// signature invalid; one whose authority is unknown proves nothing and is a
// warning.
func (r *run) timeStamps(ctx context.Context, s *Signature, a *attached) {
	for _, h := range inward(a.stamps) {
		if h.token != nil {
			r.stamp(ctx, h, a)
		}
		if h.report.Status == Passed && !r.pol.UnsafeNoChain { // else whose word the time is remains open
			r.prove(h, a)
		}
	}
	for _, h := range a.stamps {
		s.TimeStamps = append(s.TimeStamps, h.report)
		r.stampVerdict(s, h)
	}
	r.stampOrder(s, a)
	s.BestTime = a.proven
	if s.BestTime.IsZero() {
		s.require(r.pol.TimeStamp, stageAcceptance, "best-time", "EN 319 102-1, 5.5", NoPOE, r.Lang.pick(
			"время подписания ничем не доказано: всё проверено на момент проверки", "nothing proves the time of signing: checked as of now"))
	}
}

// stamp verifies one token.
func (r *run) stamp(ctx context.Context, h *heldStamp, a *attached) {
	o := tsp.CheckOptions{
		Digest: func(id alg.Identifier) ([]byte, error) { return a.sd.StampImprint(a.signer, h.Stamp, id, nil) },
		Extra:  slices.Concat(h.evidence.Certificates, a.evidence.Certificates, a.carried.pool.All()),
	}
	r.token(ctx, h.report, h.token, o, a.bags(), a.proofs)
	if h.Kind == cms.StampArchiveV3 && h.report.Status == Passed {
		r.hashIndex(h, a)
	}
}

// hashIndex: EN 319 122-1, clause 5.5.2: the index is invalid if it has a
// reference for which the original value is not found.
func (r *run) hashIndex(h *heldStamp, a *attached) {
	const id, cite = "hash-index", "EN 319 122-1, clause 5.5.2"
	t := h.report
	switch c, err := a.coverage(h); {
	case err != nil:
		t.fail(stageFormat, id, cite, FormatFailure, err.Error())
	case len(c.Missing) > 0:
		t.fail(stageCrypto, id, cite, HashFailure, r.Lang.pick("заверенного больше нет или оно изменено: ", "what was stamped is gone or was changed: ")+c.Missing[0])
	default:
		t.pass(stageCrypto, id, cite, "")
	}
	t.decide()
}

// coverage is what the index of an archive-time-stamp-v3 lists, computed once.
func (a *attached) coverage(h *heldStamp) (*cms.Coverage, error) {
	if h.covered != nil {
		return h.covered, nil
	}
	x, err := h.HashIndex()
	if err != nil {
		return nil, err
	}
	h.covered, err = a.sd.Coverage(a.signer, x)
	return h.covered, err
}

// covers says whether the validated archive stamp h covers another stamp.
func (a *attached) covers(h, other *heldStamp) bool {
	if h == other || h.Attribute == other.Attribute && h.Kind == cms.StampArchiveV2 {
		return false // the second version leaves out its own attribute with all values in it
	}
	switch h.Kind {
	case cms.StampCAdESC:
		return other.Kind == cms.StampSignature
	case cms.StampArchiveV2:
		// RFC 5126, section 6.4.1: all but the archive time stamps that are later.
		// The order is by the second, as in what the stamp hashes.
		return !other.Kind.IsArchive() || other.token != nil &&
			other.token.Info.GenTime.Truncate(time.Second).Before(h.token.Info.GenTime.Truncate(time.Second))
	case cms.StampArchiveV3:
		c, err := a.coverage(h)
		return err == nil && c.Covers(other.Stamp)
	}
	return false
}

// stampVerdict carries the outcome of a stamp over to its signature.
func (r *run) stampVerdict(s *Signature, h *heldStamp) {
	const cite = "RFC 5126, section 6"
	id := "signature-time-stamp"
	switch h.Kind {
	case cms.StampCAdESC:
		id = "cades-c-time-stamp"
	case cms.StampReferences:
		id = "references-time-stamp"
	case cms.StampArchiveV2, cms.StampArchiveV3:
		id = "archive-time-stamp"
	}
	t := h.report
	switch {
	case t.Status == Passed:
		s.pass(stageTime, id, cite, stamp(t.GenTime)+", "+t.TSA.Subject.String())
	case broken(&t.Outcome):
		s.fail(stageTime, id, cite, t.Reason, r.Lang.pick("метка времени неверна: ", "the time stamp is wrong: ")+deciding(&t.Outcome))
	default:
		s.warn(stageTime, id, cite, r.Lang.pick("метка времени не подтверждена: ", "the time stamp proves nothing: ")+
			string(t.Reason)+": "+deciding(&t.Outcome))
	}
}

// stampOrder: a stamp is not older than what it covers (EN 319 102-1, section
// 5.5.4), but for what clocks may be apart.
func (r *run) stampOrder(s *Signature, a *attached) {
	const id, cite = "timestamp-order", "EN 319 102-1, 5.5.4"
	trusted := func(h *heldStamp) bool { return h.token != nil && h.report.Status == Passed }
	skew := skewOf(r.pol)
	for _, outer := range a.stamps {
		if !trusted(outer) {
			continue
		}
		at := outer.token.Info.GenTime
		if outer.Kind != cms.StampReferences && !a.earliest.IsZero() && at.Add(skew).Before(a.earliest) {
			s.fail(stageTime, id, cite, TimestampOrderFailure, r.Lang.sprintf(
				"подпись заверена %s, а документ – %s: позже", "the signature was stamped on %s and the document on %s: later", stamp(at), stamp(a.earliest)))
		}
		for _, inner := range a.stamps {
			if trusted(inner) && a.covers(outer, inner) && at.Add(skew).Before(inner.token.Info.GenTime) {
				s.fail(stageTime, id, cite, TimestampOrderFailure, r.Lang.sprintf(
					"метка %s заверена меткой %s: более ранней", "the stamp of %s is covered by one of %s: an earlier one", stamp(inner.token.Info.GenTime), stamp(at)))
			}
		}
	}
}

// contentStamps verifies the content time stamps, which are signed attributes
// (RFC 5126, section 5.11.4): they prove that the signature is not older.
func (r *run) contentStamps(ctx context.Context, s *Signature, a *attached) {
	const id, cite = "content-time-stamp", "RFC 5126, section 5.11.4"
	n := 0
	for _, attr := range a.si().Signed(oid.AttrContentTimeStamp) {
		for _, der := range attr.Values {
			if n++; !r.mayAttach(n) {
				s.fail(stageTime, id, cite, Generic, r.Lang.pick("слишком много меток времени", "too many time stamps"))
				return
			}
			r.contentStamp(ctx, s, a, der)
		}
	}
}

func (r *run) contentStamp(ctx context.Context, s *Signature, a *attached, der []byte) {
	const id, cite = "content-time-stamp", "RFC 5126, section 5.11.4"
	h := r.hold(cms.Stamp{Token: der})
	h.report.Kind = id
	if h.token != nil {
		o := tsp.CheckOptions{
			Digest: func(id alg.Identifier) ([]byte, error) {
				if d, ok := a.sd.ContentDigest(id); ok {
					return d, nil
				}
				return nil, cms.ErrNoContent
			},
			Extra: slices.Concat(h.evidence.Certificates, a.carried.pool.All()),
		}
		r.token(ctx, h.report, h.token, o, append([]*bag{newBag(h.evidence)}, a.bags()...), a.proofs)
	}
	s.TimeStamps = append(s.TimeStamps, h.report)
	t := h.report
	switch {
	case t.Status == Passed:
		s.pass(stageTime, id, cite, stamp(t.GenTime)+", "+t.TSA.Subject.String())
		if at := t.GenTime.Add(-r.vague(h)); !r.pol.UnsafeNoChain && at.After(a.earliest) {
			a.earliest = at
		}
	case broken(&t.Outcome):
		s.fail(stageTime, id, cite, t.Reason, r.Lang.pick("метка времени неверна: ", "the time stamp is wrong: ")+deciding(&t.Outcome))
	default:
		s.warn(stageTime, id, cite, r.Lang.pick("метка времени не подтверждена: ", "the time stamp proves nothing: ")+
			string(t.Reason)+": "+deciding(&t.Outcome))
	}
}

// stampDigests are the digests of the content that the archive and content
// time stamps of a message need beside those of its signatures.
func stampDigests(sd *cms.SignedData) []alg.Identifier {
	var out []alg.Identifier
	add := func(der []byte) {
		if token, err := tsp.ParseToken(der); err == nil && !slices.ContainsFunc(out, func(id alg.Identifier) bool { return id.OID == token.Info.HashAlgorithm.OID }) {
			out = append(out, token.Info.HashAlgorithm)
		}
	}
	for i, si := range sd.Signers {
		list, err := sd.Stamps(i)
		if err != nil {
			continue // reported where the stamps are verified
		}
		for n, x := range list {
			if n < limits.AttachedVerified && x.Kind.IsArchive() {
				add(x.Token)
			}
		}
		for _, attr := range si.Signed(oid.AttrContentTimeStamp) {
			for n, der := range attr.Values {
				if n < limits.AttachedVerified {
					add(der)
				}
			}
		}
	}
	return out
}
