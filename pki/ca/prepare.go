package ca

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Request is what somebody asks the authority for.
type Request struct {
	CSR *pki.CertificateRequest // required; its signature is checked
	// Days is the validity; 0 is the profile's. Where it would reach beyond
	// the issuer's certificate it ends with it.
	Days int
	// IdentificationKind is how the applicant was identified, 0 to 3; it is
	// written by subscriber profiles. 0 is personal(0) of RFC 9215, section 5.1.
	IdentificationKind int
	// Renewal is what [Issuer.CheckRenewal] returned for the message that the
	// request came in; nil for a request that renews nothing.
	Renewal *Renewal
	// Actor is who asks, for the journal.
	Actor string
}

// RequestID returns what names a request everywhere: the Streebog-256 digest of
// its DER in 64 lower-case hexadecimal digits.
func RequestID(csr *pki.CertificateRequest) string { return streebog256(csr.Raw) }

// streebog256 returns the digest of b in hexadecimal digits.
func streebog256(b []byte) string {
	return hexDigest(streebog.Sum256(b))
}

func hexDigest(d [streebog.Size256]byte) string { return hex.EncodeToString(d[:]) }

// maxDays bounds Request.Days: a century.
const maxDays = 36525

// Prepared is a certificate that passed every check: the permission to sign
// it, once. The zero Prepared permits nothing.
type Prepared struct {
	issuer  *Issuer
	draft   *pki.CertificateDraft // what was linted, and what will be signed octet by octet
	entry   Entry
	data    map[string]string // for the journal
	actor   string
	renewal *Renewal
	report  profile.Report
	used    atomic.Bool
}

// Report returns what the rules said; no rule of severity pki.Error is broken.
func (p *Prepared) Report() profile.Report { return p.report }

// Serial returns the serial number that the certificate will have.
func (p *Prepared) Serial() Serial { return p.entry.Serial }

// LintError is returned for a certificate that breaks a rule.
type LintError struct{ Report profile.Report }

// Rules returns the broken rules for which the certificate is refused: those
// of severity pki.Error; where none is, the profile was strict, and those of
// severity pki.Warn.
func (e *LintError) Rules() []profile.Result {
	if list := e.Report.Broken(pki.Error); len(list) > 0 {
		return list
	}
	return e.Report.Broken(pki.Warn)
}

// Error names every rule of Rules.
func (e *LintError) Error() string {
	var parts []string
	for _, r := range e.Rules() {
		for _, p := range r.Problems {
			parts = append(parts, fmt.Sprintf("%s: %s: %s (%s)", r.Rule, p.Field, p.Detail, r.Cite))
		}
	}
	if f, bad := pki.FirstError(e.Report.Findings); bad {
		parts = append(parts, f.String())
	}
	return "ca: the certificate would break " + strings.Join(parts, "; ")
}

// What Prepare and Issue refuse beside a *[RequestError] and a *[LintError].
var (
	// ErrUsed: a Prepared is good for one certificate.
	ErrUsed = errors.New("ca: this preparation was used before")
	// ErrKeyBlocked: a certificate of this key was revoked because the key
	// was compromised.
	ErrKeyBlocked = errors.New("ca: the key is blocked: it was reported as compromised")
	// ErrApprovalNeeded: the profile asks for approvals; see [Issuer.Submit].
	ErrApprovalNeeded = errors.New("ca: the profile asks for approvals")
)

// Prepare checks a request against a profile, puts the certificate-to-be
// together, with a signature in its place that a throwaway key of the authority's
// algorithm made over something else, and runs the rules over it. It changes
// nothing. The errors are a *[RequestError] for a request that is
// refused, [ErrKeyBlocked], [ErrOutsideValidity] and a *[LintError], and for a
// profile that asks for approvals [ErrApprovalNeeded]: such a request goes
// through [Issuer.Submit]. Where the authority has profiles of the same name, p
// must be their latest version: otherwise [ErrSuperseded] or
// [ErrProfileChanged].
func (i *Issuer) Prepare(ctx context.Context, p Profile, r Request) (*Prepared, error) {
	if p.Approvals.Count > 0 {
		return nil, ErrApprovalNeeded
	}
	if own, err := i.profiles.Find(p.Name); err == nil {
		switch {
		case own.version() != p.version():
			return nil, fmt.Errorf("%w: %s and not %s", ErrSuperseded, own.Ref(), p.Ref())
		case i.profiles.digests[own.Ref()] != p.Digest():
			return nil, ErrProfileChanged
		}
	}
	return i.prepare(ctx, p, p.Digest(), r)
}

// prepareNamed is Prepare with a profile of the authority.
func (i *Issuer) prepareNamed(ctx context.Context, ref string, r Request) (*Prepared, error) {
	p, err := i.profileFor(ref, r.CSR.Subject)
	if err != nil {
		return nil, err
	}
	if p.Approvals.Count > 0 {
		return nil, ErrApprovalNeeded
	}
	return i.prepare(ctx, p, i.profiles.digests[p.Ref()], r)
}

// prepare is Prepare for callers that have looked at the approvals; digest is
// the profile's.
func (i *Issuer) prepare(ctx context.Context, p Profile, digest string, r Request) (*Prepared, error) {
	c := candidate{profile: p, digest: digest, request: r}
	if err := i.examine(&c); err != nil {
		return nil, err
	}
	if err := possession(r.CSR.CheckSignature()); err != nil {
		return nil, err
	}
	return i.prepareExamined(ctx, c)
}

// candidate is a request on its way to a [Prepared]: looked at by examine, its
// signature verified, and then given to prepareExamined.
type candidate struct {
	profile Profile
	digest  string // of the profile
	request Request
	id      string    // RequestID
	now     time.Time // when it was looked at
}

// examine checks all that can be said without arithmetic and without the ledger,
// and fills id, unless it is there, and now.
func (i *Issuer) examine(c *candidate) error {
	p, r := c.profile, c.request
	if r.CSR == nil {
		return errors.New("ca: a request is required")
	}
	if r.Days < 0 || r.Days > maxDays || r.IdentificationKind < 0 || r.IdentificationKind > 3 {
		return errors.New("ca: days or identificationKind out of range")
	}
	if err := p.Check(); err != nil {
		return err
	}
	c.now = i.seconds()
	if err := i.checkTime(c.now); err != nil {
		return err
	}
	if p.CA && i.cert.MaxPathLen >= 0 && p.MaxPathLen >= i.cert.MaxPathLen {
		// RFC 5280, section 4.2.1.9: pathLenConstraint is "the maximum number
		// of non-self-issued intermediate certificates that may follow".
		return fmt.Errorf("%w: its path length %d does not allow a subordinate authority", ErrNotIssuer, i.cert.MaxPathLen)
	}
	if c.id == "" {
		c.id = RequestID(r.CSR)
	}
	return i.checkRequest(p, r.CSR)
}

// prepareExamined does the rest.
func (i *Issuer) prepareExamined(ctx context.Context, c candidate) (*Prepared, error) {
	p, r := c.profile, c.request
	if err := r.Renewal.fits(p, r.CSR); err != nil {
		return nil, err
	}
	want := r.CSR.Requested()
	if want.IdentificationKind != nil && *want.IdentificationKind != r.IdentificationKind {
		return nil, refuse("identificationKind", "the request says %d, the authority %d", *want.IdentificationKind, r.IdentificationKind)
	}
	keyID, err := alg.KeyIdentifier(r.CSR.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, &RequestError{Field: "publicKey", Detail: "no key identifier", Err: err}
	}
	if err := i.checkBlocked(ctx, keyID); err != nil {
		return nil, err
	}
	t, err := i.template(p, r, want, keyID, c.now)
	if err != nil {
		return nil, err
	}
	out := &Prepared{issuer: i, actor: r.Actor, renewal: r.Renewal, data: c.issueData()}
	out.entry = Entry{Profile: p.Ref(), Subject: r.CSR.Subject.String(), KeyID: keyID, NotBefore: t.NotBefore, NotAfter: t.NotAfter, Status: Valid}
	if out.entry.Serial, err = SerialFrom(t.SerialNumber); err != nil {
		return nil, err
	}
	if err := out.lint(t, r.CSR.PublicKey); err != nil {
		return nil, err
	}
	if p.Strict && len(out.report.Broken(pki.Warn)) > 0 {
		return nil, &LintError{out.report}
	}
	return out, nil
}

// lint makes the draft of a template and runs the rules over it.
func (p *Prepared) lint(t *pki.CertificateTemplate, pub crypto.PublicKey) error {
	standIn, err := p.issuer.standIn()
	if err != nil {
		return err
	}
	if p.draft, err = pki.NewCertificateDraft(t, p.issuer.cert, pub, p.issuer.cert.PublicKey); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	p.report, err = lint(p.draft, standIn, p.issuer.rules)
	return err
}

func (i *Issuer) checkBlocked(ctx context.Context, keyID []byte) error {
	return i.ledger.View(ctx, func(tx ReadTx) error {
		blocked, err := tx.KeyBlocked(keyID)
		if err == nil && blocked {
			err = ErrKeyBlocked
		}
		return err
	})
}

// template puts a certificate together from profile, request and settings.
func (i *Issuer) template(p Profile, r Request, want *pki.Certificate, keyID []byte, now time.Time) (*pki.CertificateTemplate, error) {
	serial, err := newSerialAt(i.rand, i.now())
	if err != nil {
		return nil, err
	}
	s := i.settings
	notAfter, err := p.notAfter(now, r.Days, s)
	if err != nil {
		return nil, err
	}
	if notAfter.After(i.cert.NotAfter) {
		notAfter = i.cert.NotAfter // never beyond the issuer's
	}
	keyFrom, keyTo, err := r.Renewal.keyPeriod(p, now, p.keyNotAfter(now, notAfter))
	if err != nil {
		return nil, err
	}
	points, freshest := s.distributionPoints(serial)
	t := &pki.CertificateTemplate{
		SerialNumber: serial.Big(), Subject: r.CSR.Subject, NotBefore: now, NotAfter: notAfter,
		BasicConstraints: p.CA, IsCA: p.CA, MaxPathLen: p.MaxPathLen,
		KeyUsage: usageFor(r.CSR.PublicKey, p.KeyUsage), ExtKeyUsage: p.ExtKeyUsage, ExtKeyUsageCritical: p.ExtKeyUsageCritical,
		PrivateKeyNotBefore: keyFrom, PrivateKeyNotAfter: keyTo,
		SubjectKeyID: keyID, AuthorityKeyID: i.cert.KeyID(), Policies: p.Policies, OCSPNoCheck: p.OCSPNoCheck,
		SubjectAltNames:       want.SubjectAltNames,
		CRLDistributionPoints: points, FreshestCRL: freshest, OCSPServers: s.OCSPURLs, IssuingCertificateURLs: s.IssuerURLs,
	}
	if p.OCSPNoCheck {
		t.OCSPServers = nil // a responder is not asked about itself
	}
	if p.Tools {
		t.IssuerSignTool = s.IssuerSignTool
	}
	if p.Subscriber {
		t.IdentificationKind = &r.IdentificationKind
		if t.SubjectSignTool = want.SubjectSignTool; t.SubjectSignTool == "" {
			t.SubjectSignTool = s.SubjectSignTool
		}
	}
	return t, nil
}

// lint runs the rules over a draft. A rule sees a certificate that is complete:
// a value that the authority's algorithm could have made is in the place of the
// signature, so that only a rule that verified it could tell the difference.
func lint(draft *pki.CertificateDraft, standIn []byte, rules profile.Set) (profile.Report, error) {
	c, err := draft.Preview(standIn)
	if err != nil {
		return profile.Report{}, fmt.Errorf("ca: what would be issued does not parse: %w", err)
	}
	report := rules.Lint(c)
	if report.HasErrors() {
		return report, &LintError{report}
	}
	if report.Checked() == 0 {
		return report, errors.New("ca: no rule spoke about the certificate")
	}
	return report, nil
}

// standInSignature returns a signature of the same algorithm as that of a key, by
// a throwaway key.
func standInSignature(pub crypto.PublicKey) ([]byte, error) {
	key, err := throwawayKey(pub)
	if err != nil {
		return nil, fmt.Errorf("ca: throwaway key: %w", err)
	}
	sig, err := alg.SignMessage(nil, key, alg.SignatureForKey(pub), []byte("not a certificate"))
	if err != nil {
		return nil, fmt.Errorf("ca: throwaway key: %w", err)
	}
	return sig, nil
}

// throwawayKey makes a key of the same signature algorithm and, for GOST and
// ECDSA, the same curve. It signs nothing that is kept.
func throwawayKey(pub crypto.PublicKey) (crypto.Signer, error) {
	if _, ok := pub.(*rsa.PublicKey); ok {
		return alg.GenerateKey("rsa-2048", "") // any length has the same identifier
	}
	name, set, _ := strings.Cut(alg.KeyName(pub), " ")
	return alg.GenerateKey(name, set)
}

// Issue signs a prepared certificate with the authority's key and puts it on
// the ledger before it returns it. It works once for a Prepared, whatever the
// outcome; then the answer is [ErrUsed].
func (i *Issuer) Issue(ctx context.Context, p *Prepared) (*pki.Certificate, error) {
	cert, err := i.sign(p)
	if err != nil {
		return nil, err
	}
	if err := i.commit(ctx, []signed{{p, cert}}, nil); err != nil {
		return nil, err
	}
	return cert, nil
}

// signed is a certificate that nobody has seen yet.
type signed struct {
	prepared *Prepared
	cert     *pki.Certificate
}

// sign uses a preparation up. What it returns must go through commit before
// anybody sees it.
func (i *Issuer) sign(p *Prepared) (*pki.Certificate, error) {
	cert, err := i.signUnverified(p)
	if err != nil {
		return nil, err
	}
	if err := faultless(cert.CheckSignatureFrom(i.cert)); err != nil {
		return nil, err
	}
	return cert, nil
}

// signUnverified is sign without a look at the signature, which the caller must
// have: see faultless.
func (i *Issuer) signUnverified(p *Prepared) (*pki.Certificate, error) {
	if p == nil || p.issuer != i {
		return nil, errors.New("ca: the preparation is not this issuer's")
	}
	if !p.used.CompareAndSwap(false, true) {
		return nil, ErrUsed
	}
	if err := i.checkTime(i.seconds()); err != nil {
		return nil, err
	}
	// What leaves is what was linted: the draft's own octets are signed.
	cert, err := p.draft.Sign(i.rand, i.key)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return cert, nil
}

// faultless judges the verification of a new signature: a faulty token or a
// fault in computation must not leave one behind that is wrong.
func faultless(err error) error {
	if err != nil {
		return fmt.Errorf("ca: the new signature does not verify: %w", err)
	}
	return nil
}

// commit puts certificates on the ledger, in one transaction with their journal
// records and with what each does besides; each may be nil.
func (i *Issuer) commit(ctx context.Context, list []signed, each func(tx Tx, n int, e Entry) error) error {
	return i.ledger.Update(ctx, func(tx Tx) error {
		now := i.now()
		for n, s := range list {
			entry := s.prepared.entry
			entry.IssuedAt = now.UTC().Truncate(time.Second)
			// The key may have been blocked since it was prepared.
			if blocked, err := tx.KeyBlocked(entry.KeyID); err != nil {
				return err
			} else if blocked {
				return ErrKeyBlocked
			}
			if err := s.prepared.renewal.still(tx); err != nil {
				return err
			}
			if err := tx.Add(entry, s.cert.Raw); err != nil {
				return err
			}
			if each != nil {
				if err := each(tx, n, entry); err != nil {
					return err
				}
			}
			data := maps.Clone(s.prepared.data)
			addCertificate(data, entry, s.cert)
			_, err := tx.Append(journal.Entry{Time: now, Actor: s.prepared.actor, Event: "issue", Subject: entry.Serial.String(), Data: data})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// issueData is what the journal keeps of how a certificate came about: the
// request, and the profile as it was that day.
func (c *candidate) issueData() map[string]string {
	data := map[string]string{"profile": c.profile.Ref(), "profileDigest": c.digest, "request": c.id}
	if c.request.Renewal != nil {
		data["renews"] = c.request.Renewal.old.Serial.String()
	}
	return data
}

// addCertificate adds what is enough to know a certificate that turns up later.
func addCertificate(data map[string]string, e Entry, c *pki.Certificate) {
	data["name"] = e.Subject
	data["notAfter"] = e.NotAfter.Format(time.RFC3339)
	data["streebog256"] = streebog256(c.Raw)
}
