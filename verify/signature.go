package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// Verify decides about every signature of a CMS message (EN 319 102-1, section
// 5.3). sig is the message, DER or BER, bare or in PEM or Base64. content is
// the document of a detached signature; of an attached one it may be nil, and
// is compared with the content inside otherwise. Both are read once, as
// streams.
//
// The error is nil if and only if the status is Passed: an [*Error] where the
// message could be read and is not valid, any other error where it could not.
// The report is not nil when the message could be read.
func (v *Verifier) Verify(ctx context.Context, sig, content io.Reader) (*Report, error) {
	if sig == nil {
		return nil, errNoInput
	}
	sd, err := v.reading().ReadSigned(withContext(ctx, sig), nil)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	r, report := v.start(KindSignature)
	common, err := r.content(ctx, sd, content)
	if err != nil {
		return nil, err
	}
	findings(&report.Outcome, sd.Findings)
	carried := bagOf(sd.Evidence, v.Cache.pool(sd.Certificates))
	for _, w := range carried.warnings {
		report.warn(stageFormat, "revocation-evidence", "RFC 5940, section 2.1", w)
	}
	if len(sd.Signers) == 0 {
		report.fail(stageFormat, "signers", "EN 319 102-1, 5.2.2", FormatFailure,
			r.Lang.pick("в файле нет ни одной подписи, только сертификаты", "the message has no signature, only certificates"))
	}
	for i := range sd.Signers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		report.Signatures = append(report.Signatures, r.signer(ctx, sd, i, common, carried))
	}
	return report, report.finish()
}

// reading is how messages are read.
func (v *Verifier) reading() cms.Options {
	o := cms.Options{Limits: v.Limits, VerifyGOST: v.VerifyGOST}
	if v.Cache != nil {
		o.Certificate = v.Cache.certificate
	}
	return o
}

// content hashes the document that was given and returns the checks about it,
// which count for every signature.
func (r *run) content(ctx context.Context, sd *cms.SignedData, content io.Reader) ([]Check, error) {
	const cite = "RFC 5652, section 5.2"
	var o Outcome
	var mismatch *cms.DigestMismatchError
	switch {
	case content == nil && sd.Detached:
		o.fail(stageIdentify, "signed-data", "EN 319 102-1, 5.2.7", SignedDataNotFound,
			r.Lang.pick("подпись отделена от документа, а документ не указан", "the signature is detached and the document was not given"))
	case content == nil:
		o.pass(stageIdentify, "signed-data", cite, r.Lang.pick("документ внутри подписи", "the document is inside the signature"))
	default:
		again(ctx, sd, content)
		err := sd.DigestContent(withContext(ctx, content), stampDigests(sd)...)
		switch {
		case errors.As(err, &mismatch):
			o.fail(stageCrypto, "signed-data", cite, HashFailure, r.Lang.sprintf(
				"указанный документ не тот, что внутри подписи: хэш %[1]s документа %[2]x, внутри подписи %[3]x",
				"the document given is not the one inside the signature: its %[1]s digest is %[2]x, inside the signature %[3]x",
				mismatch.Algorithm.Name(), mismatch.Computed, mismatch.Signed))
		case err != nil:
			return nil, fmt.Errorf("verify: %w", err)
		default:
			o.pass(stageIdentify, "signed-data", cite, "")
		}
	}
	return o.Checks, nil
}

// again lets an archive time stamp of the second version read a detached
// document once more.
func again(ctx context.Context, sd *cms.SignedData, content io.Reader) {
	seeker, ok := content.(io.ReadSeeker)
	if !ok || !sd.Detached {
		return
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return // a pipe
	}
	sd.Again = func() (io.Reader, error) {
		_, err := seeker.Seek(start, io.SeekStart)
		return withContext(ctx, seeker), err
	}
}

// usualChecks is room for the checks of most signatures.
const usualChecks = 24

// signer decides about one SignerInfo.
func (r *run) signer(ctx context.Context, sd *cms.SignedData, i int, common []Check, carried *bag) *Signature {
	si := sd.Signers[i]
	s := &Signature{Level: "cms", SignerName: signerName(si)}
	s.Checks = append(make([]Check, 0, usualChecks), common...)
	findings(&s.Outcome, si.Findings)
	r.identify(s, si, sd.Candidates(si), func(c *pki.Certificate) ([]cms.Check, error) { return sd.CheckSigner(i, c) })
	r.acceptance(s, si)
	r.signaturePolicy(ctx, s, si)
	a := r.attach(s, sd, i, carried)
	r.contentStamps(ctx, s, a)
	r.timeStamps(ctx, s, a)
	r.digestInForce(s, si, r.used(s))
	r.signerChain(ctx, s, purpose{at: r.used(s), after: a.earliest, proofs: a.proofs, bags: a.bags(), bound: s.Level == "bes"})
	r.counterSignatures(ctx, s, si, sd, carried)
	r.level(ctx, s, a)
	r.rules(ctx, s, a)
	s.decide()
	s.Kind = r.kindOf(s)
	return s
}

func signerName(si *cms.SignerInfo) string {
	if si.SubjectKeyID != nil {
		return fmt.Sprintf("subjectKeyIdentifier %x", si.SubjectKeyID)
	}
	return fmt.Sprintf("%s, %x", si.Issuer, si.Serial)
}

// identify finds the signer's certificate (EN 319 102-1, section 5.2.3) and
// checks the signature with it (section 5.2.7). Of several certificates with
// the signer's name the one with which every check passes is taken.
func (r *run) identify(s *Signature, si *cms.SignerInfo, found []*pki.Certificate, check func(*pki.Certificate) ([]cms.Check, error)) {
	found = append(found, matching(si, r.Intermediates)...)
	found = append(found, matching(si, r.Roots)...)
	if len(found) == 0 {
		s.fail(stageIdentify, "signing-certificate-found", "EN 319 102-1, 5.2.3", NoSigningCertificate, s.SignerName)
		checks, _ := check(nil)
		r.crypto(&s.Outcome, checks)
		return
	}
	var checks []cms.Check
	for i, c := range found {
		if i == limits.SignerCandidates {
			break
		}
		list, err := check(c)
		if i == 0 || err == nil {
			checks, s.Signer = list, c
		}
		if err == nil {
			break
		}
	}
	s.pass(stageIdentify, "signing-certificate-found", "EN 319 102-1, 5.2.3", s.Signer.Subject.String())
	r.crypto(&s.Outcome, checks)
}

// matching are the certificates of a pool that si names.
func matching(si *cms.SignerInfo, pool *pki.Pool) []*pki.Certificate {
	var out []*pki.Certificate
	if pool == nil {
		return nil
	}
	for _, c := range pool.All() {
		if si.Matches(c) {
			out = append(out, c)
		}
	}
	return out
}

// crypto translates the checks of package cms.
func (r *run) crypto(out *Outcome, checks []cms.Check) {
	for _, c := range checks {
		stage := cryptoStage(c.ID)
		switch {
		case c.OK && c.Warning:
			out.warn(stage, c.ID, c.Cite, c.Detail)
		case c.OK:
			out.pass(stage, c.ID, c.Cite, c.Detail)
		default:
			out.fail(stage, c.ID, c.Cite, cryptoReason(c), c.Detail)
		}
	}
}

func cryptoStage(id string) stage {
	switch id {
	case cms.CheckVersion, cms.CheckDuplicateAttribute, cms.CheckContentType:
		return stageFormat
	}
	return stageCrypto
}

// cryptoReason maps a failed check to its sub-indication.
func cryptoReason(c cms.Check) Reason {
	var mismatch *cms.DigestMismatchError
	var keyDigest *alg.MismatchError
	switch {
	case errors.Is(c.Err, cms.ErrNoContent):
		return SignedDataNotFound
	case path.UnknownAlgorithm(c.Err):
		return Generic
	case errors.As(c.Err, &mismatch):
		return HashFailure
	case errors.As(c.Err, &keyDigest):
		return SigCryptoFailure
	}
	switch c.ID {
	case cms.CheckSigningCertificate:
		// RFC 5035, section 3: "If the certificate identified … does not match …
		// the signature MUST be considered invalid": not merely "not found".
		return SigConstraints
	case cms.CheckSignatureValue:
		return SigCryptoFailure
	}
	return FormatFailure
}

// acceptance applies the policy to the attributes (EN 319 102-1, section 5.2.8).
func (r *run) acceptance(s *Signature, si *cms.SignerInfo) {
	ess := len(si.Signed(oid.AttrSigningCertificate)) + len(si.Signed(oid.AttrSigningCertificateV2))
	if ess > 0 {
		s.Level = "bes"
	} else {
		s.require(r.pol.SigningCertificate, stageAcceptance, "signing-certificate", "RFC 5035, section 3", SigConstraints,
			r.Lang.pick("в подписи нет признака signing-certificate: сертификат подписанта в ней не закреплён",
				"no signing-certificate attribute: the signature does not bind the signer's certificate"))
	}
	if si.SubjectKeyID != nil {
		s.require(r.pol.SubjectKeyID, stageAcceptance, "signer-identifier", "RFC 5652, section 5.3", SigConstraints,
			r.Lang.pick("подписант указан идентификатором ключа, а не издателем и серийным номером",
				"the signer is named by key identifier, not by issuer and serial number"))
	}
	switch t, present, err := si.SigningTime(); {
	case err != nil:
		s.fail(stageFormat, "signing-time", "RFC 5652, section 11.3", FormatFailure, err.Error())
	case !present:
		s.require(r.pol.SigningTime, stageAcceptance, "signing-time", "RFC 5652, section 11.3", SigConstraints,
			r.Lang.pick("время подписания не указано", "no signing time"))
	default:
		s.ClaimedTime = t
		s.pass(stageAcceptance, "signing-time", "RFC 5652, section 11.3", r.Lang.sprintf("заявлено подписантом: %s", "claimed by the signer: %s", stamp(t)))
	}
}

// used is the moment at which the signature is known to have existed: the
// proven one, or that of the verification.
func (r *run) used(s *Signature) time.Time {
	if s.BestTime.IsZero() || s.BestTime.After(r.at) {
		return r.at
	}
	return s.BestTime
}

// signerChain validates the signer's certificate at the best known time.
func (r *run) signerChain(ctx context.Context, s *Signature, p purpose) {
	switch {
	case s.Signer == nil:
		s.skip(stageChain, "certificate-chain", "EN 319 102-1, 5.2.6", r.Lang.pick("нет сертификата подписанта", "no certificate of the signer"))
		return
	case r.pol.UnsafeNoChain:
		s.warn(stageChain, "certificate-chain", "EN 319 102-1, 5.2.6", r.Lang.pick(
			"цепочка сертификатов не проверялась: неизвестно, чья это подпись", "the certificate chain was not checked: whose signature it is remains open"))
		if !r.pol.UnsafeNoRevocation {
			s.fail(stageChain, "revocation", "EN 319 102-1, 5.2.5", TryLater, r.Lang.pick(
				"без цепочки нельзя узнать, не отозван ли сертификат", "without a chain it cannot be known whether the certificate is revoked"))
		}
		return
	}
	// Either bit allows signing documents: RFC 5280, section 4.2.1.3.
	p.keyUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
	s.Chain, s.Evidence = r.certificate(ctx, &s.Outcome, s.Signer, p)
	r.keyPurpose(s)
	r.keyPeriod(s)
}

// keyPurpose refuses certificates that are for services alone: a time-stamping
// authority or an OCSP responder signs no documents. RFC 5280, section
// 4.2.1.12: "If the extension is present, then the certificate MUST only be
// used for one of the purposes indicated." Which other purposes cover documents
// is a matter of each authority, so they are not told apart.
func (r *run) keyPurpose(s *Signature) {
	isService := func(id oid.OID) bool { return id == oid.EKUTimeStamping || id == oid.EKUOCSPSigning }
	use := s.Signer.ExtKeyUsage
	if len(use) == 0 || slices.ContainsFunc(use, func(id oid.OID) bool { return !isService(id) }) {
		return
	}
	s.fail(stageChain, "certificate-ext-key-usage", "RFC 5280, section 4.2.1.12", ChainConstraints,
		r.Lang.sprintf("сертификат только для службы (%s), а не для подписи документов", "the certificate is for a service alone (%s), not for signing documents", use[0].Name()))
}

// keyPeriod compares the time of signing with privateKeyUsagePeriod (RFC 3280,
// section 4.2.1.4), which Russian authorities use.
func (r *run) keyPeriod(s *Signature) {
	at, c := s.ClaimedTime, s.Signer
	if !s.BestTime.IsZero() && (at.IsZero() || s.BestTime.Before(at)) {
		at = s.BestTime // it was made by then
	}
	if at.IsZero() {
		if !c.PrivateKeyNotAfter.IsZero() && r.at.After(c.PrivateKeyNotAfter) {
			s.require(r.pol.KeyUsagePeriod, stageAcceptance, "private-key-usage-period", "RFC 3280, section 4.2.1.4", NoPOE,
				r.Lang.sprintf("время подписания не указано и не доказано, а ключом разрешено подписывать по %s",
					"no time of signing is claimed or proven; the key may sign until %s", stamp(c.PrivateKeyNotAfter)))
		}
		return
	}
	early := !c.PrivateKeyNotBefore.IsZero() && at.Before(c.PrivateKeyNotBefore)
	late := !c.PrivateKeyNotAfter.IsZero() && at.After(c.PrivateKeyNotAfter)
	if early || late {
		s.require(r.pol.KeyUsagePeriod, stageAcceptance, "private-key-usage-period", "RFC 3280, section 4.2.1.4", SigConstraints,
			r.Lang.sprintf("подписано %s, а ключом разрешено подписывать с %s по %s",
				"signed on %s; the key may sign from %s to %s", stamp(at), stamp(c.PrivateKeyNotBefore), stamp(c.PrivateKeyNotAfter)))
	}
}

// counterSignatures verifies every countersignature (RFC 5652, section 11.4).
// A broken one makes the signature invalid: somebody changed what was
// countersigned, or the countersignature.
func (r *run) counterSignatures(ctx context.Context, s *Signature, si *cms.SignerInfo, sd *cms.SignedData, carried *bag) {
	const id, cite = "countersignature", "RFC 5652, section 11.4"
	list, err := si.CounterSignatures()
	if err != nil {
		s.fail(stageTime, id, cite, FormatFailure, err.Error())
		return
	}
	for i, c := range list {
		if !r.mayAttach(i) || ctx.Err() != nil {
			s.fail(stageTime, id, cite, Generic, "too many countersignatures")
			return
		}
		cs := &Signature{Level: "cms", SignerName: signerName(c)}
		r.identify(cs, c, sd.Candidates(c), func(x *pki.Certificate) ([]cms.Check, error) { return si.CheckCounterSigner(c, x) })
		cs.ClaimedTime, _, _ = c.SigningTime() // an unreadable one is nobody's claim
		r.digestInForce(cs, c, r.at)
		r.signerChain(ctx, cs, purpose{at: r.at, bags: []*bag{carried}})
		r.counterSignatures(ctx, cs, c, sd, carried)
		cs.decide()
		cs.Kind = r.kindOf(cs)
		s.Counter = append(s.Counter, cs)
		r.counterVerdict(s, cs, fmt.Sprintf("%d: ", i+1))
	}
}

// counterVerdict carries a countersignature's outcome over: cryptographic
// failure is the signature's failure, a question of trust is a warning.
func (r *run) counterVerdict(s, cs *Signature, prefix string) {
	const id, cite = "countersignature", "RFC 5652, section 11.4"
	switch {
	case cs.Status == Passed:
		s.pass(stageTime, id, cite, prefix+cs.Signer.Subject.String())
	case cs.Status == Failed && cs.Verdict() == VerdictInvalid && broken(&cs.Outcome):
		s.fail(stageTime, id, cite, SigCryptoFailure, prefix+r.Lang.pick("заверяющая подпись неверна", "the countersignature does not verify"))
	default:
		s.warn(stageTime, id, cite, prefix+string(cs.Reason)+": "+cs.Reason.Text(r.Lang))
	}
}

// broken says whether a check of format or cryptography failed for good.
func broken(o *Outcome) bool {
	for _, c := range o.Checks {
		if c.Result() == "failed" && c.Reason.Status() == Failed && (c.stage == stageFormat || c.stage == stageCrypto) {
			return true
		}
	}
	return false
}
