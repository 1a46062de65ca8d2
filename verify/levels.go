package verify

import (
	"context"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// claimed is the level that the attributes announce.
func (a *attached) claimed(base string) string {
	has := map[cms.StampKind]bool{}
	archive := false
	for _, h := range a.stamps {
		has[h.Kind] = true
		archive = archive || h.Kind.IsArchive()
	}
	si := a.si()
	refs := len(si.Unsigned(oid.AttrCompleteCertificateRefs)) > 0 && len(si.Unsigned(oid.AttrCompleteRevocationRefs)) > 0
	values := len(si.Unsigned(oid.AttrCertificateValues)) > 0 && len(si.Unsigned(oid.AttrRevocationValues)) > 0
	switch {
	case archive:
		return "a"
	case has[cms.StampCAdESC] && values:
		return "xl"
	case has[cms.StampCAdESC]:
		return "x1"
	case has[cms.StampReferences]:
		return "x2"
	case refs:
		return "c"
	case has[cms.StampSignature]:
		return "t"
	}
	return base
}

// level finds the highest level whose material is complete and whose checks
// passed, and says what is missing of the one that is claimed (EN 319 122-1,
// clause 6; RFC 5126, section 4.4).
func (r *run) level(ctx context.Context, s *Signature, a *attached) {
	base := s.Level
	s.ClaimedLevel = a.claimed(base)
	if r.pol.UnsafeNoChain {
		return // whose words the stamps are remains open
	}
	if base == "bes" && a.passed(cms.StampSignature) {
		s.Level = "t"
	}
	r.references(s, a)
	switch s.ClaimedLevel {
	case "xl":
		r.reach(s, a, "xl", a.missingLong(ctx, r, s))
	case "a":
		long := a.missingLong(ctx, r, s)
		if a.refs != nil && len(long) == 0 && s.Level == "t" {
			s.Level = "xl"
		}
		r.reach(s, a, "a", a.missingArchive(ctx, r, s))
	case "t":
		if s.Level == base {
			r.reach(s, a, "t", a.unproven(base))
		}
	}
}

// reach sets the level, or says why it is not reached.
func (r *run) reach(s *Signature, a *attached, level string, missing []string) {
	missing = append(missing, a.problems...)
	if len(missing) == 0 {
		s.Level = level
		return
	}
	const most = 4
	s.warn(stageTime, "higher-level", "EN 319 122-1, clause 6", r.Lang.sprintf("заявлен уровень %s, подтверждён %s: ", "level %s is claimed, %s is reached: ", level, s.Level)+
		strings.Join(missing[:min(len(missing), most)], "; "))
}

// passed says whether a stamp of the kind is trusted.
func (a *attached) passed(kinds ...cms.StampKind) bool {
	for _, h := range a.stamps {
		for _, k := range kinds {
			if h.Kind == k && h.report.Status == Passed {
				return true
			}
		}
	}
	return false
}

// unproven says what level T lacks.
func (a *attached) unproven(base string) []string {
	var out []string
	if base != "bes" {
		out = append(out, oid.OID(oid.AttrSigningCertificateV2).Name())
	}
	if !a.passed(cms.StampSignature) {
		out = append(out, cms.StampSignature.String())
	}
	return out
}

// missingLong says what XL Type 1 lacks: T, the references, the values for all
// of them, and the time stamp over both.
func (a *attached) missingLong(ctx context.Context, r *run, s *Signature) []string {
	out := a.unproven(bareLevel(s))
	if a.refs == nil {
		out = append(out, oid.OID(oid.AttrCompleteCertificateRefs).Name())
	}
	if !a.passed(cms.StampCAdESC) {
		out = append(out, cms.StampCAdESC.String())
	}
	return append(out, a.missingValues(ctx, r, s, &a.referenced)...)
}

// missingArchive says what level A lacks.
func (a *attached) missingArchive(ctx context.Context, r *run, s *Signature) []string {
	out := a.unproven(bareLevel(s))
	if !a.passed(cms.StampArchiveV2, cms.StampArchiveV3) {
		return append(out, cms.StampArchiveV3.String())
	}
	if !slices.ContainsFunc(a.stamps, func(h *heldStamp) bool {
		return h.Kind == cms.StampSignature && h.report.Status == Passed && a.archived.has(h.Token)
	}) {
		out = append(out, r.Lang.pick("архивная метка не заверяет метку времени подписи", "the archive stamp does not cover the time stamp of the signature"))
	}
	return append(out, a.missingValues(ctx, r, s, &a.archived)...)
}

// bareLevel is the level without any time stamp.
func bareLevel(s *Signature) string {
	if s.Level == "cms" {
		return "cms"
	}
	return "bes"
}

// missingValues says for which certificates of the signer's chain the message
// has no certificate, or no revocation data that holds and that the stamps of the
// level cover. The signer's certificate has no reference (RFC 5126, section
// 6.2.1): the signature itself names it.
func (a *attached) missingValues(ctx context.Context, r *run, s *Signature, covered *proofs) []string {
	pool, known := r.carriedStatuses(ctx, s, a)
	var out []string
	for i, c := range s.Chain {
		if i > 0 && r.Roots.Contains(c) || i == len(s.Chain)-1 {
			break // the anchor is known by itself
		}
		switch {
		case !pool.Contains(c):
			out = append(out, r.Lang.pick("нет сертификата ", "no certificate of ")+c.Subject.String())
		case known[i].Status != revocation.Good:
			out = append(out, r.Lang.pick("нет сведений об отзыве ", "no revocation data about ")+c.Subject.String())
		case !covered.has(c.Raw) && (i > 0 || covered == &a.archived), !covered.hasAll(known[i]):
			out = append(out, r.Lang.pick("метка времени этого уровня не заверяет сертификат или сведения об отзыве ", "the time stamp of the level does not cover the certificate of, or the revocation data about, ")+
				c.Subject.String())
		}
	}
	if len(s.Chain) == 0 {
		out = append(out, r.Lang.pick("нет цепочки сертификатов", "no certificate chain"))
	}
	return out
}

// carriedStatuses are what the message alone tells of the certificates of the
// signer's chain, asked once, and the certificates that it has. The evidence may
// have run out since.
func (r *run) carriedStatuses(ctx context.Context, s *Signature, a *attached) (*pki.Pool, []revocation.Answer) {
	if a.pool != nil {
		return a.pool, a.known
	}
	ev := a.all()
	a.pool = pki.NewPool(ev.Certificates...)
	carried, at := newBag(ev), r.used(s)
	for i := range len(s.Chain) - 1 {
		a.known = append(a.known, revocation.Check(ctx, s.Chain[i], s.Chain[i+1], carried.given, revocation.Options{
			At: r.at, Moment: at, Skew: r.pol.Skew, AllowStale: true, Responders: r.responders([]*bag{carried}), Memo: &r.memo,
			Chain: s.Chain[i+1:], AllowLegacy: r.pol.UnsafeLegacy, AllowTest: r.pol.AllowTest, Withdrawn: r.withdrawn(at), AllowDSA: r.pol.Allowed(alg.NameDSA, at),
		}))
	}
	return a.pool, a.known
}

// references: what complete-certificate-refs and complete-revocation-refs name
// must be there by its digest (RFC 5126, sections 6.2.1 and 6.2.2), where the
// values are.
func (r *run) references(s *Signature, a *attached) {
	const id, cite = "evidence-references", "RFC 5126, section 6.2"
	if a.refs == nil {
		return
	}
	si := a.si()
	if len(si.Unsigned(oid.AttrCertificateValues))+len(si.Unsigned(oid.AttrRevocationValues)) == 0 {
		s.skip(stageTime, id, cite, r.Lang.pick("значений, на которые указывают ссылки, в подписи нет", "the signature does not have the values to which the references point"))
		return
	}
	missing, err := a.refs.Missing(a.all())
	switch {
	case err != nil:
		s.warn(stageTime, id, cite, err.Error())
		a.problems = append(a.problems, err.Error())
	case len(missing) > 0:
		s.warn(stageTime, id, cite, r.Lang.pick("нет того, на что указывает ссылка: ", "nothing belongs to the reference: ")+missing[0])
		a.problems = append(a.problems, missing[0])
	default:
		s.pass(stageTime, id, cite, "")
	}
}
