package verify

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// purpose is what a certificate is to be good for.
type purpose struct {
	keyUsage pki.KeyUsage // any of these; 0: any
	extUsage []oid.OID
	at       time.Time // the moment of use: the proven one, or that of the verification; not after run.at
	after    time.Time // what it was used for is proven not to be older; zero: unknown
	proofs   *proofs   // of the evidence; nil: none
	bags     []*bag    // what comes with the object
	owner    string    // whose certificate it is, for details; "": the signer's
	final    bool      // the certificate itself is the object: revoked is REVOKED
	bound    bool      // what it was used for names it by a digest, and so proves that it existed at the moment
}

// trial is the outcome of validating a certificate as of one moment.
type trial struct {
	Outcome
	chain    []*pki.Certificate
	evidence cms.Evidence
	bad      *faulty // the authority that is revoked or of unknown status; nil: none
	open     bool    // the path holds, no certificate is revoked, and some evidence does not suffice
}

// certificate validates cert and its chain (EN 319 102-1, section 5.2.6) and
// adds its checks to out. It returns the chain and the evidence that decided.
//
// Where the evidence does not suffice today, it is judged as of each moment at
// which it is proven to have existed, oldest first (section 5.6.2): what a
// verifier would have found then, from what existed then, holds.
func (r *run) certificate(ctx context.Context, out *Outcome, cert *pki.Certificate, p purpose) ([]*pki.Certificate, cms.Evidence) {
	best := r.asOf(ctx, cert, p, r.at)
	if best.open {
		for _, at := range p.proofs.controls(p.at, r.at) {
			next := r.asOf(ctx, cert, p, at)
			if next.failed() {
				continue
			}
			next.pass(stageChain, "control-time", "EN 319 102-1, 5.6.2.2", r.Lang.sprintf(
				"отзыв проверен на %s: сведения о нём существовали уже тогда", "revocation was checked as of %s: the evidence is proven to have existed then", stamp(at)))
			best = next
			break
		}
	}
	out.Checks = append(out.Checks, best.Checks...)
	return best.chain, best.evidence
}

// asOf validates cert as of the control time. Where an authority of the path is
// revoked or its status unknown, a path through another certificate of it is
// tried; it counts if nothing fails in it.
func (r *run) asOf(ctx context.Context, cert *pki.Certificate, p purpose, control time.Time) *trial {
	avoided := &avoided{}
	first := r.onePath(ctx, cert, p, control, nil)
	bad := first.bad
	for try := 1; bad != nil && try < limits.PathTries; try++ {
		avoided.add(bad)
		next := r.onePath(ctx, cert, p, control, avoided.has)
		if bad = next.bad; !next.failed() {
			return next
		}
	}
	return first
}

// avoided are authorities' certificates and keys that must not be in a path.
type avoided struct {
	certs []*pki.Certificate
	keys  [][]byte
}

// add takes a certificate out. Only where it was revoked for a reason that
// leaves its key in honour, or nothing is known of it, may another certificate
// of that key stand in for it.
func (a *avoided) add(f *faulty) {
	a.certs = append(a.certs, f.cert)
	if f.answer.Status == revocation.Unknown {
		return
	}
	if !honourable(f.answer.Reason) {
		a.keys = append(a.keys, f.cert.RawSubjectPublicKeyInfo)
	}
}

func (a *avoided) has(c *pki.Certificate) bool {
	return slices.ContainsFunc(a.certs, c.Equal) ||
		slices.ContainsFunc(a.keys, func(k []byte) bool { return bytes.Equal(k, c.RawSubjectPublicKeyInfo) })
}

// faulty is an authority of a path that is not known to be good.
type faulty struct {
	cert   *pki.Certificate
	answer revocation.Answer
}

// onePath validates one path.
func (r *run) onePath(ctx context.Context, cert *pki.Certificate, p purpose, control time.Time, avoid func(*pki.Certificate) bool) *trial {
	out := &trial{}
	res, err := r.findPath(ctx, cert, p, avoid)
	if res == nil {
		out.fail(stageChain, "certificate-chain", "EN 319 102-1, 5.2.6", Generic, err.Error())
		return out
	}
	out.chain = res.Chain
	var known []status
	if res.Anchored {
		known = r.statuses(ctx, res, p, control)
	}
	r.path(&out.Outcome, res, p, known)
	r.outlived(&out.Outcome, res.Chain, p)
	r.legacyWarning(&out.Outcome, res.Chain, p.at)
	for _, c := range res.Chain {
		findings(&out.Outcome, c.Findings)
	}
	r.revocation(out, res, p, known)
	out.open = out.open && len(res.Failures) == 0
	return out
}

// findPath looks for a path, and asks for missing issuers where it finds none
// (RFC 5280, section 4.2.2.1).
func (r *run) findPath(ctx context.Context, cert *pki.Certificate, p purpose, avoid func(*pki.Certificate) bool) (*path.Result, error) {
	for {
		res, err := path.Validate(ctx, cert, path.Options{
			Roots: r.Roots, Intermediates: r.Intermediates, Extra: append(pools(p.bags), &r.fetched), Avoid: avoid, Memo: &r.paths, At: p.at,
			LeafKeyUsage: p.keyUsage, ExtKeyUsage: p.extUsage, AllowTest: r.pol.AllowTest,
			AllowLegacy: r.pol.UnsafeLegacy, Withdrawn: r.withdrawn(p.at),
			AllowDSA: r.pol.Allowed(alg.NameDSA, p.at), InitialPolicies: r.pol.InitialPolicies, ExplicitPolicy: r.pol.ExplicitPolicy,
			InhibitMapping: r.pol.InhibitMapping, InhibitAnyPolicy: r.pol.InhibitAnyPolicy,
		})
		if res == nil || !r.askIssuers(ctx, res) {
			return res, err
		}
	}
}

// askIssuers asks for the issuers of the end of an open chain and says whether
// there is a certificate that was not known before.
func (r *run) askIssuers(ctx context.Context, res *path.Result) bool {
	if r.Issuers == nil || res.Anchored || len(res.Failures) == 0 || res.Failures[0].Reason != path.ReasonNoChain {
		return false
	}
	last := res.Chain[len(res.Chain)-1]
	if r.asked == nil {
		r.asked = map[string]bool{}
	}
	if r.asked[string(last.Raw)] || len(r.asked) >= limits.IssuerFetches || ctx.Err() != nil {
		return false
	}
	r.asked[string(last.Raw)] = true
	before := r.fetched.Len()
	for i, c := range r.Issuers(ctx, last) {
		if i == limits.FetchedIssuers {
			break
		}
		r.fetched.Add(c)
	}
	return r.fetched.Len() > before
}

// bag is what a message or a token carries, unpacked once: a message has many
// signers and one bag.
type bag struct {
	pool     *pki.Pool
	given    *revocation.Static
	warnings []string
}

func newBag(ev cms.Evidence) *bag { return bagOf(ev, pki.NewPool(ev.Certificates...)) }

// bagOf is newBag with the pool of the certificates.
func bagOf(ev cms.Evidence, pool *pki.Pool) *bag {
	b := &bag{pool: pool, given: &revocation.Static{Lists: ev.CRLs}}
	answers := 0
	for _, der := range ev.OCSP {
		resp, err := ocsp.ParseResponse(der)
		if err != nil {
			b.warnings = append(b.warnings, err.Error())
			continue
		}
		if answers += len(resp.Singles); answers > limits.OCSPCarried {
			b.warnings = append(b.warnings, "more OCSP answers than are examined")
			break
		}
		b.given.Responses = append(b.given.Responses, resp)
	}
	return b
}

// path translates the outcome of path validation.
func (r *run) path(out *Outcome, res *path.Result, p purpose, known []status) {
	if len(res.Failures) == 0 {
		out.pass(stageChain, "certificate-chain", "RFC 5280, section 6.1", r.Lang.sprintf("сертификатов в цепочке: %d", "certificates in the chain: %d", len(res.Chain)))
		return
	}
	for _, f := range res.Failures {
		detail := f.Detail
		if f.Certificate != nil {
			detail = f.Certificate.Subject.String() + ": " + r.pathText(f)
		}
		out.fail(stageChain, "certificate-"+string(f.Reason), f.Cite, r.failureReason(f, p, known), detail)
	}
}

// failureReason is pathReason with what only the verifier knows.
func (r *run) failureReason(f path.Failure, p purpose, known []status) Reason {
	switch f.Reason {
	case path.ReasonExpired:
		if f.Index == 0 && p.after.After(f.Certificate.NotAfter) {
			return Expired // EN 319 102-1, section 5.3.4: a content time stamp shows it
		}
		// EN 319 102-1, section 5.2.6.4: expired, and known not to have been
		// revoked before.
		if f.Index == 0 && !p.final && len(known) > 0 && known[0].answer.Status == revocation.Good && !p.at.Before(r.at) {
			return OutOfBoundsNotRevoked
		}
	case path.ReasonLegacyAlgorithm:
		if !r.pol.knows(f.Certificate) {
			return CryptoConstraints // no proof would help
		}
	}
	return pathReason(f.Reason)
}

// pathText is the detail of a failure in the language of the report where a
// person will want to read it.
func (r *run) pathText(f path.Failure) string {
	day := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch f.Reason {
	case path.ReasonExpired:
		return r.Lang.sprintf("срок действия закончился %s", "expired on %s", day(f.Certificate.NotAfter))
	case path.ReasonNotYetValid:
		return r.Lang.sprintf("срок действия начинается %s", "valid from %s", day(f.Certificate.NotBefore))
	case path.ReasonNoChain:
		return r.Lang.sprintf("нет доверенного сертификата издателя: %s", "no trusted certificate of the issuer: %s", f.Certificate.Issuer)
	}
	return f.Detail
}

// pathReason maps the reasons of path validation to sub-indications.
func pathReason(p path.Reason) Reason {
	switch p {
	case path.ReasonNoChain:
		return NoCertificateChain
	case path.ReasonExpired:
		return OutOfBoundsNoPOE
	case path.ReasonNotYetValid:
		return NotYetValid
	case path.ReasonSignature, path.ReasonMalformed, path.ReasonNameChaining:
		return ChainGeneral
	case path.ReasonNotCA, path.ReasonPathLength, path.ReasonKeyUsage, path.ReasonExtKeyUsage, path.ReasonCriticalExtension, path.ReasonPolicy, path.ReasonNameConstraints:
		return ChainConstraints
	case path.ReasonTestParameters:
		return CryptoConstraints
	case path.ReasonLegacyAlgorithm:
		return CryptoConstraintsNoPOE
	}
	return Generic // algorithm, unsupported, limit
}

// findings reports what the parser noticed about an object and may be accepted.
func findings(out *Outcome, list []pki.Finding) {
	for _, f := range list {
		if f.Severity == pki.Warn {
			out.warn(stageFormat, "encoding", f.Cite, f.Field+": "+f.Detail)
		}
	}
}

// sources puts what comes with the object before what the caller supplies.
func (r *run) sources(bags []*bag) revocation.Sources {
	var out revocation.Sources
	for _, b := range bags {
		out = append(out, b.given)
	}
	if r.Revocation != nil {
		out = append(out, r.Revocation)
	}
	return out
}

func pools(bags []*bag) []*pki.Pool {
	out := make([]*pki.Pool, 0, len(bags))
	for _, b := range bags {
		out = append(out, b.pool)
	}
	return out
}

// responders are certificates among which that of an OCSP responder may be.
func (r *run) responders(bags []*bag) []*pki.Certificate {
	var out []*pki.Certificate
	for _, b := range bags {
		out = append(out, b.pool.All()...)
	}
	return append(out, r.Intermediates.All()...)
}
