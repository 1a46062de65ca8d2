package verify

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// proofs is the set of proofs of existence (EN 319 102-1, section 5.6.2.3): for
// an object, by its octets as received, the earliest moment at which a
// validated time stamp shows it to have existed. What is not in the set exists
// at the moment of verification. A nil set is empty.
type proofs struct {
	times   map[[32]byte]time.Time
	moments []time.Time // at which evidence is proven to have existed
}

// add records that the object existed at the moment.
func (p *proofs) add(object []byte, at time.Time) {
	if len(object) == 0 {
		return
	}
	k := sha256.Sum256(object)
	if old, ok := p.times[k]; ok && !at.Before(old) {
		return
	}
	if p.times == nil {
		p.times = map[[32]byte]time.Time{}
	}
	p.times[k] = at
}

// addEvidence records all of ev.
func (p *proofs) addEvidence(ev cms.Evidence, at time.Time) {
	if len(ev.CRLs)+len(ev.OCSP) > 0 {
		p.moment(at)
	}
	for _, c := range ev.Certificates {
		p.add(c.Raw, at)
	}
	for _, l := range ev.CRLs {
		p.add(l.Raw, at)
	}
	for _, der := range ev.OCSP {
		if r, err := ocsp.ParseResponse(der); err == nil {
			p.add(r.BasicRaw, at)
		}
	}
}

// moment records that some evidence existed then.
func (p *proofs) moment(at time.Time) {
	if !slices.ContainsFunc(p.moments, at.Equal) {
		p.moments = append(p.moments, at)
	}
}

// of returns the earliest proven moment of the object, or otherwise.
func (p *proofs) of(object []byte, otherwise time.Time) time.Time {
	if p == nil || len(p.times) == 0 || len(object) == 0 {
		return otherwise
	}
	if at, ok := p.times[sha256.Sum256(object)]; ok && at.Before(otherwise) {
		return at
	}
	return otherwise
}

// has says whether the object is proven to have existed at any moment.
func (p *proofs) has(object []byte) bool {
	_, ok := p.times[sha256.Sum256(object)]
	return ok
}

// hasAll says it of all evidence that decided.
func (p *proofs) hasAll(a revocation.Answer) bool {
	if a.List == nil {
		return p.has(a.Evidence)
	}
	return p.has(a.List.Raw) && !slices.ContainsFunc(a.More, func(l *pki.RevocationList) bool { return !p.has(l.Raw) })
}

// controls are the moments from one to another at which evidence is proven to
// have existed, the oldest first: as of these a verifier could have judged it, and
// the sooner after the signature, the fresher it was.
func (p *proofs) controls(from, to time.Time) []time.Time {
	if p == nil {
		return nil
	}
	var out []time.Time
	for _, at := range p.moments {
		if !at.Before(from) && at.Before(to) {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out[:min(len(out), limits.ControlTimes)]
}

// existing is what of the evidence is proven to have existed at the moment.
func (p *proofs) existing(ev *revocation.Static, at, now time.Time) *revocation.Static {
	out := &revocation.Static{}
	for _, l := range ev.Lists {
		if l != nil && !p.of(l.Raw, now).After(at) {
			out.Lists = append(out.Lists, l)
		}
	}
	for _, r := range ev.Responses {
		if r != nil && !p.of(r.BasicRaw, now).After(at) {
			out.Responses = append(out.Responses, r)
		}
	}
	return out
}

// statics are the parts of a source that hold evidence which was given; what
// must be fetched now is proven for no earlier moment.
func statics(src revocation.Source) []*revocation.Static {
	switch s := src.(type) {
	case *revocation.Static:
		if s != nil {
			return []*revocation.Static{s}
		}
	case revocation.Sources:
		var out []*revocation.Static
		for _, x := range s {
			out = append(out, statics(x)...)
		}
		return out
	}
	return nil
}

// signerOf is who signed the evidence that decided about a certificate of
// issuer.
func signerOf(a revocation.Answer, issuer *pki.Certificate) *pki.Certificate {
	if len(a.Chain) > 0 {
		return a.Chain[0]
	}
	return issuer
}

// provenAt is when all that decided is proven to have existed, or otherwise.
func (p *proofs) provenAt(a revocation.Answer, otherwise time.Time) time.Time {
	if a.List == nil {
		return p.of(a.Evidence, otherwise)
	}
	at := p.of(a.List.Raw, otherwise)
	for _, l := range a.More {
		if more := p.of(l.Raw, otherwise); more.After(at) {
			at = more
		}
	}
	return at
}
