package ca

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// RootOptions say what a root authority's certificate looks like.
type RootOptions struct {
	Subject pki.Name // required
	Days    int      // 0: 15 years
	// KeyDays is the period in which the private key may issue; 0 is three
	// quarters of the validity. It must be shorter than that.
	KeyDays int
	// MaxPathLen is the number of authorities that may stand between the root
	// and an end entity; negative is no limit.
	MaxPathLen int
	Rules      profile.Set // as in Config
	Rand       io.Reader   // nil: crypto/rand
	Now        func() time.Time
}

// NewRoot makes a self-signed certificate for an authority's own key, checked
// by the rules before the key signs. The caller keeps it with [WriteDir] and
// opens its ledger with [Found].
func NewRoot(key crypto.Signer, o RootOptions) (*pki.Certificate, error) {
	if key == nil || len(o.Subject.RDNs) == 0 {
		return nil, errors.New("ca: a key and a subject are required")
	}
	if o.Days < 0 || o.Days > maxDays || o.KeyDays < 0 || o.KeyDays > maxDays {
		return nil, errors.New("ca: days out of range")
	}
	if err := o.Rules.Check(); err != nil {
		return nil, fmt.Errorf("ca: rules: %w", err)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	pub := key.Public()
	if alg.IsTestKey(pub) || alg.IsLegacy(pub) {
		return nil, refuse("publicKey", "%s cannot be an authority's", alg.KeyName(pub))
	}
	if err := checkWeak(pub); err != nil {
		return nil, err
	}
	if err := checkSubject(Profile{LongNames: true}, o.Subject); err != nil {
		return nil, err
	}
	t, err := o.template(pub)
	if err != nil {
		return nil, err
	}
	return o.sign(t, key)
}

func (o RootOptions) template(pub crypto.PublicKey) (*pki.CertificateTemplate, error) {
	serial, err := NewSerial(o.Rand)
	if err != nil {
		return nil, err
	}
	spki, err := alg.MarshalPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	keyID, err := alg.KeyIdentifier(spki)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	now := o.Now().UTC().Truncate(time.Second)
	notAfter := addMonths(now, 15*12)
	if o.Days > 0 {
		notAfter = now.AddDate(0, 0, o.Days)
	}
	keyEnd := authorityKeyEnd(now, notAfter)
	if o.KeyDays > 0 {
		keyEnd = now.AddDate(0, 0, o.KeyDays)
	}
	if !keyEnd.Before(notAfter) {
		return nil, refuse("privateKeyUsagePeriod", "it must end before the certificate does")
	}
	return &pki.CertificateTemplate{
		SerialNumber: serial.Big(), Subject: o.Subject, NotBefore: now, NotAfter: notAfter,
		BasicConstraints: true, IsCA: true, MaxPathLen: max(o.MaxPathLen, -1), KeyUsage: authorityUsage,
		PrivateKeyNotBefore: now, PrivateKeyNotAfter: keyEnd,
		SubjectKeyID: keyID, AuthorityKeyID: keyID, Policies: authorityPolicies(),
	}, nil
}

// sign lints the draft and signs it.
func (o RootOptions) sign(t *pki.CertificateTemplate, key crypto.Signer) (*pki.Certificate, error) {
	standIn, err := standInSignature(key.Public())
	if err != nil {
		return nil, err
	}
	draft, err := pki.NewCertificateDraft(t, nil, key.Public(), key.Public())
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if _, err := lint(draft, standIn, o.Rules); err != nil {
		return nil, err
	}
	cert, err := draft.Sign(o.Rand, key)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if err := cert.CheckSignatureFrom(cert); err != nil {
		return nil, fmt.Errorf("ca: the new signature does not verify: %w", err)
	}
	return cert, nil
}

// NewSubordinate makes a certificate for an authority below this one: a
// request signed by its key, prepared and issued by the profile SubCA. days is
// as in Request.
func (i *Issuer) NewSubordinate(ctx context.Context, key crypto.Signer, subject pki.Name, days int, actor string) (*pki.Certificate, error) {
	der, err := pki.CreateRequest(i.rand, &pki.RequestTemplate{Subject: subject}, key)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	profile, err := i.profiles.Find(SubCA().Name)
	if err != nil {
		return nil, err
	}
	p, err := i.Prepare(ctx, profile, Request{CSR: csr, Days: days, Actor: actor})
	if err != nil {
		return nil, err
	}
	return i.Issue(ctx, p)
}
