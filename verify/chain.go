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
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// purpose is what a certificate is to be good for.
type purpose struct {
	keyUsage pki.KeyUsage // any of these; 0: any
	extUsage []oid.OID
	at       time.Time // the moment at which the chain must be valid
	moment   time.Time // the moment that counts for revocation; not after run.at
	bags     []*bag    // what comes with the object
	owner    string    // whose certificate it is, for details; "": the signer's
	final    bool      // the certificate itself is the object: revoked is REVOKED
}

// legacyEnd is when GOST R 34.10-2001 and GOST R 34.11-94 were no longer to be
// used for new signatures: 31 December 2019 was the last day.
var legacyEnd = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// certificate validates cert and its chain (EN 319 102-1, section 5.2.6) and
// adds its checks to out. It returns the chain and the evidence that decided.
// Where an authority of the path is revoked or its status unknown, a path
// through another certificate of it is tried; it counts if nothing fails in it.
func (r *run) certificate(ctx context.Context, out *Outcome, cert *pki.Certificate, p purpose) ([]*pki.Certificate, cms.Evidence) {
	var first, next Outcome
	avoided := &avoided{}
	chain, evidence, bad := r.onePath(ctx, &first, cert, p, nil)
	for try := 1; bad != nil && try < limits.PathTries; try++ {
		avoided.add(bad)
		next = Outcome{}
		var c []*pki.Certificate
		var ev cms.Evidence
		if c, ev, bad = r.onePath(ctx, &next, cert, p, avoided.has); !next.failed() {
			first, chain, evidence = next, c, ev
			break
		}
	}
	out.Checks = append(out.Checks, first.Checks...)
	return chain, evidence
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
	switch f.answer.Reason {
	case pki.ReasonAffiliationChanged, pki.ReasonSuperseded, pki.ReasonCessationOfOperation:
	default:
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

// onePath validates one path. bad is the authority in it that is revoked or of
// unknown status, nil if there is none.
func (r *run) onePath(ctx context.Context, out *Outcome, cert *pki.Certificate, p purpose, avoid func(*pki.Certificate) bool) (_ []*pki.Certificate, _ cms.Evidence, bad *faulty) {
	legacy := r.pol.UnsafeLegacy || p.at.Before(legacyEnd)
	res, err := path.Validate(ctx, cert, path.Options{
		Roots: r.Roots, Intermediates: r.Intermediates, Extra: pools(p.bags), Avoid: avoid, Memo: &r.paths, At: p.at,
		LeafKeyUsage: p.keyUsage, ExtKeyUsage: p.extUsage, AllowTest: r.pol.AllowTest, AllowLegacy: legacy,
	})
	if res == nil {
		out.fail(stageChain, "certificate-chain", "EN 319 102-1, 5.2.6", Generic, err.Error())
		return nil, cms.Evidence{}, nil
	}
	r.path(out, res)
	if legacy {
		r.legacyWarning(out, res.Chain)
	}
	for _, c := range res.Chain {
		findings(out, c.Findings)
	}
	evidence, bad := r.revocation(ctx, out, res, p)
	return res.Chain, evidence, bad
}

// bag is what a message or a token carries, unpacked once: a message has many
// signers and one bag.
type bag struct {
	pool     *pki.Pool
	given    *revocation.Static
	warnings []string
}

func newBag(ev cms.Evidence) *bag {
	b := &bag{pool: pki.NewPool(ev.Certificates...), given: &revocation.Static{Lists: ev.CRLs}}
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
func (r *run) path(out *Outcome, res *path.Result) {
	if len(res.Failures) == 0 {
		out.pass(stageChain, "certificate-chain", "RFC 5280, section 6.1", r.Lang.sprintf("сертификатов в цепочке: %d", "certificates in the chain: %d", len(res.Chain)))
		return
	}
	for _, f := range res.Failures {
		detail := f.Detail
		if f.Certificate != nil {
			detail = f.Certificate.Subject.String() + ": " + r.pathText(f)
		}
		out.fail(stageChain, "certificate-"+string(f.Reason), f.Cite, pathReason(f.Reason), detail)
	}
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
	case path.ReasonNotCA, path.ReasonPathLength, path.ReasonKeyUsage, path.ReasonExtKeyUsage, path.ReasonCriticalExtension, path.ReasonPolicy:
		return ChainConstraints
	case path.ReasonTestParameters:
		return CryptoConstraints
	case path.ReasonLegacyAlgorithm:
		return NoPOE
	}
	return Generic // algorithm, unsupported, limit
}

// legacyWarning says that a withdrawn algorithm was accepted.
func (r *run) legacyWarning(out *Outcome, chain []*pki.Certificate) {
	for i, c := range chain {
		if legacyKey(c) || i < len(chain)-1 && path.LegacySignature(c.SignatureAlgorithm) {
			out.warn(stageChain, "legacy-algorithm", "EN 319 102-1, 5.2.8", c.Subject.String()+": "+
				r.Lang.pick("алгоритм отменён", "the algorithm is withdrawn"))
			return
		}
	}
}

// findings reports what the parser noticed about an object and may be accepted.
func findings(out *Outcome, list []pki.Finding) {
	for _, f := range list {
		if f.Severity == pki.Warn {
			out.warn(stageFormat, "encoding", f.Cite, f.Field+": "+f.Detail)
		}
	}
}

// revocation asks about every certificate below the anchor (EN 319 102-1,
// section 5.2.6.4).
func (r *run) revocation(ctx context.Context, out *Outcome, res *path.Result, p purpose) (ev cms.Evidence, bad *faulty) {
	if !res.Anchored {
		out.skip(stageChain, "revocation", "RFC 5280, section 6.3", r.Lang.pick(
			"не проверялось: цепочка не ведёт к доверенному сертификату", "not checked: the chain does not lead to a trust anchor"))
		return ev, nil
	}
	src, responders := r.sources(p.bags), r.responders(p.bags)
	for i := 0; i+1 < len(res.Chain); i++ {
		o := revocation.Options{
			At: r.at, Moment: p.moment, Skew: r.pol.Skew, MaxAge: r.pol.MaxAge, Responders: responders,
			Memo: &r.memo, Chain: res.Chain[i+1:], AllowLegacy: r.pol.UnsafeLegacy, AllowTest: r.pol.AllowTest,
		}
		a := revocation.Check(ctx, res.Chain[i], res.Chain[i+1], src, o)
		if a.Status == revocation.Unknown && !a.Absent && r.pol.UnsafeNoRevocation {
			// What the message carries may be years old. Only what the caller gave
			// and cannot be used keeps the answer open.
			a.Absent = revocation.Check(ctx, res.Chain[i], res.Chain[i+1], r.Revocation, o).Absent
		}
		r.answer(out, res.Chain[i], a, i, p)
		excused := a.Status == revocation.Unknown && a.Absent && r.pol.UnsafeNoRevocation
		if i > 0 && a.Status != revocation.Good && !excused && bad == nil {
			bad = &faulty{res.Chain[i], a}
		}
		addEvidence(&ev, a)
	}
	return ev, bad
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

// answer translates what is known about one certificate.
func (r *run) answer(out *Outcome, cert *pki.Certificate, a revocation.Answer, i int, p purpose) {
	const id, cite = "revocation", "RFC 5280, section 6.3; RFC 6960, section 3.2"
	who := cert.Subject.String() + ": "
	for _, n := range a.Notes {
		out.warn(stageChain, "revocation-evidence", cite, who+n)
	}
	switch a.Status {
	case revocation.Good:
		detail := who + r.Lang.sprintf("не отозван (%s от %s)", "not revoked (%s of %s)", a.Source, stamp(a.ThisUpdate))
		if a.RevokedLater {
			detail = who + r.Lang.sprintf("отозван %s, после подтверждённого времени подписи", "was revoked on %s, after the proven time of the signature", stamp(a.At))
		}
		out.pass(stageChain, id, cite, detail)
	case revocation.Revoked, revocation.Hold:
		out.fail(stageChain, id, cite, r.revokedReason(i, p), r.revokedText(cert, a, i, p))
	default:
		r.unknown(out, who, a)
	}
}

// unknown: without evidence the answer is open, unless the policy says that no
// evidence is needed. Evidence that is there and unusable stays a reason.
func (r *run) unknown(out *Outcome, who string, a revocation.Answer) {
	const id, cite = "revocation", "EN 319 102-1, 5.2.5"
	if !r.pol.UnsafeNoRevocation || !a.Absent {
		out.fail(stageChain, id, cite, TryLater, who+a.Why)
		return
	}
	out.skip(stageChain, id, cite, who+r.Lang.pick("проверка отзыва отключена", "the revocation check is switched off"))
	out.warn(stageChain, "revocation-policy", cite, who+r.Lang.pick(
		"не проверено, не отозван ли сертификат: проверка отключена", "it was not checked whether the certificate is revoked: the check is switched off"))
}

// revokedReason tells the signer from an authority (EN 319 102-1, 5.2.6.4).
func (r *run) revokedReason(i int, p purpose) Reason {
	switch {
	case i > 0:
		return RevokedCANoPOE
	case p.final:
		return RevokedReason
	}
	return RevokedNoPOE
}

func (r *run) revokedText(cert *pki.Certificate, a revocation.Answer, i int, p purpose) string {
	who := cert.Subject.String() + ": "
	switch {
	case i == 0 && p.owner != "":
		who = p.owner
	case i == 0 && !p.final:
		who = r.Lang.pick("сертификат подписанта ", "the signer's certificate ")
	case i == 0:
		who = r.Lang.pick("сертификат ", "the certificate ")
	}
	if a.Status == revocation.Hold {
		if i == 0 {
			return r.Lang.sprintf("действие сертификата приостановлено %s", "the certificate is on hold since %s", stamp(a.At))
		}
		return who + r.Lang.sprintf("действие сертификата приостановлено %s", "the certificate is on hold since %s", stamp(a.At))
	}
	return who + r.Lang.sprintf("отозван %s, причина: %s", "was revoked on %s, reason: %s", stamp(a.At), crlReason(a.Reason, r.Lang))
}

// addEvidence keeps exactly what decided.
func addEvidence(ev *cms.Evidence, a revocation.Answer) {
	switch {
	case a.Status == revocation.Unknown:
	case a.List != nil:
		for _, l := range ev.CRLs {
			if l == a.List {
				return
			}
		}
		ev.CRLs = append(ev.CRLs, a.List)
	case a.Response != nil:
		ev.OCSP = append(ev.OCSP, a.Evidence)
		if a.Responder != nil {
			ev.Certificates = append(ev.Certificates, a.Responder)
		}
	}
}
