package verify

import (
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// prove takes the proofs of existence out of a validated stamp (EN 319 102-1,
// section 5.6.2.3).
func (r *run) prove(h *heldStamp, a *attached) {
	at := h.token.Info.GenTime.Add(r.vague(h))
	if h.Kind != cms.StampReferences && (a.proven.IsZero() || at.Before(a.proven)) {
		a.proven = at
	}
	r.proveBy(h, a, a.proofs)
	switch {
	case h.Kind.IsArchive():
		r.proveBy(h, a, &a.archived)
	case h.Kind == cms.StampCAdESC:
		r.proveBy(h, a, &a.referenced)
	}
}

// vague is how far the clock of the authority may be off by its own word, where
// that is more than clocks are allowed anyway. RFC 3161, section 2.4.2: "By adding
// the accuracy value to the GeneralizedTime, an upper limit of the time at which
// the time-stamp token has been created by the TSA can be obtained."
func (r *run) vague(h *heldStamp) time.Duration {
	if d := h.token.Info.Accuracy.Value; d > skewOf(r.pol) {
		return d
	}
	return 0
}

// proveBy records in known what h proves to have existed.
func (r *run) proveBy(h *heldStamp, a *attached, known *proofs) {
	at := h.token.Info.GenTime.Add(r.vague(h))
	switch h.Kind {
	case cms.StampCAdESC, cms.StampReferences:
		r.proveReferences(a, at, known)
	case cms.StampArchiveV2:
		known.addEvidence(a.sd.Evidence, at)
		known.addEvidence(a.evidence, at)
		r.proveReferences(a, at, known)
	case cms.StampArchiveV3:
		r.proveIndex(h, a, at, known)
	}
	for _, other := range a.stamps {
		if other.token != nil && a.covers(h, other) {
			known.add(other.Token, at)
			known.addEvidence(other.evidence, at)
		}
	}
}

// proveIndex: what an archive-time-stamp-v3 lists existed.
func (r *run) proveIndex(h *heldStamp, a *attached, at time.Time, known *proofs) {
	c, err := a.coverage(h)
	if err != nil {
		return
	}
	known.addEvidence(c.Evidence, at)
	all := func(types ...oid.OID) bool {
		for i, u := range a.si().UnsignedAttrs {
			if slices.Contains(types, u.Type) && !c.CoversAttribute(i, len(u.Values)) {
				return false
			}
		}
		return true
	}
	if all(oid.AttrCertificateValues, oid.AttrRevocationValues) {
		known.addEvidence(a.evidence, at)
	}
	if all(oid.AttrCompleteCertificateRefs, oid.AttrCompleteRevocationRefs) {
		r.proveReferences(a, at, known)
	}
}

// proveReferences: a stamp over references proves what they refer to by a
// digest that is still reliable, or was when the object is proven to have existed
// by other means: else it may have been made since to fit the digest.
func (r *run) proveReferences(a *attached, at time.Time, known *proofs) {
	for _, x := range a.referredTo() {
		if r.pol.Allowed(x.digest, a.proofs.of(x.object, r.at)) {
			known.add(x.object, at)
			known.moment(at)
		}
	}
}

// referred is an object that the references name, and by which digest.
type referred struct {
	object []byte
	digest string
}

// referredTo lists what the references name of all evidence at hand. Each
// object is hashed once by each algorithm that the references use.
func (a *attached) referredTo() []referred {
	if a.refs == nil || a.objects != nil {
		return a.objects
	}
	wanted, algorithms := a.refDigests()
	for _, object := range a.allObjects() {
		for _, id := range algorithms {
			h, err := alg.NewHash(id)
			if err != nil {
				continue // a digest that is not known proves nothing
			}
			h.Write(object)
			if wanted[string(id.OID)+string(h.Sum(nil))] {
				a.objects = append(a.objects, referred{object, alg.DigestName(id)})
			}
		}
	}
	return a.objects
}

// refDigests are the digests of the references and the algorithms they use.
func (a *attached) refDigests() (map[string]bool, []alg.Identifier) {
	wanted := map[string]bool{}
	var algorithms []alg.Identifier
	add := func(h cms.OtherHash) {
		if len(h.Value) == 0 {
			return
		}
		wanted[string(h.Algorithm.OID)+string(h.Value)] = true
		if len(algorithms) < limits.ReferenceDigests && !slices.ContainsFunc(algorithms, func(id alg.Identifier) bool { return id.OID == h.Algorithm.OID }) {
			algorithms = append(algorithms, h.Algorithm)
		}
	}
	for _, c := range a.refs.Certificates {
		add(c.Hash)
	}
	for _, x := range a.refs.Revocations {
		for _, l := range x.CRLs {
			add(l.Hash)
		}
		for _, o := range x.OCSP {
			add(o.Hash)
		}
	}
	return wanted, algorithms
}

// all is the evidence of the message, of its attributes and of its tokens.
func (a *attached) all() cms.Evidence {
	lists := []cms.Evidence{a.evidence, a.sd.Evidence}
	for _, h := range a.stamps {
		lists = append(lists, h.evidence)
	}
	return join(lists...)
}

// allObjects are the octets of all evidence; of OCSP answers those of the
// BasicOCSPResponse, which references are about.
func (a *attached) allObjects() [][]byte {
	ev := a.all()
	var out [][]byte
	for _, c := range ev.Certificates {
		out = append(out, c.Raw)
	}
	for _, l := range ev.CRLs {
		out = append(out, l.Raw)
	}
	for _, der := range ev.OCSP {
		if x, err := ocsp.ParseResponse(der); err == nil {
			out = append(out, x.BasicRaw)
		}
	}
	return out
}
