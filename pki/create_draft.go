package pki

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// draftRoom is the room that is taken for a certificate that is put together:
// one of a citizen with all its extensions has some 1,300 octets.
const draftRoom = 2048

// CertificateDraft is a certificate before its signature: what is looked at and
// what is signed later are the same octets. It is for one goroutine.
type CertificateDraft struct {
	tbs       []byte
	algorithm alg.Identifier
	issuerKey crypto.PublicKey
	preview   *Certificate
}

// NewCertificateDraft does what CreateCertificate does up to the signature;
// issuerKey is the public half of the key that will sign.
func NewCertificateDraft(tmpl *CertificateTemplate, parent *Certificate, pub, issuerKey crypto.PublicKey) (*CertificateDraft, error) {
	d, err := newDraft(tmpl, parent, pub, issuerKey)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate: %w", err)
	}
	return d, nil
}

func newDraft(tmpl *CertificateTemplate, parent *Certificate, pub, issuerKey crypto.PublicKey) (*CertificateDraft, error) {
	if tmpl == nil || pub == nil || issuerKey == nil {
		return nil, errors.New("template, public key and signing key are required")
	}
	sigAlg := alg.SignatureForKey(issuerKey)
	if sigAlg.IsZero() {
		return nil, fmt.Errorf("no signature algorithm is known for %s", alg.KeyName(issuerKey))
	}
	tbs, err := tbsCertificate(tmpl, parent, pub, issuerKey, sigAlg)
	if err != nil {
		return nil, err
	}
	return &CertificateDraft{tbs: tbs, algorithm: sigAlg, issuerKey: issuerKey}, nil
}

// Preview returns the certificate-to-be, parsed as everybody will parse it, with
// a value in the place of the signature, which proves nothing: one that the
// issuer's algorithm could have made, over something else. Complete changes what
// Preview returned.
func (d *CertificateDraft) Preview(standIn []byte) (*Certificate, error) {
	if d.tbs == nil {
		return nil, errDraftUsed
	}
	raw, err := signedDER(d.tbs, d.algorithm, standIn)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate: %w", err)
	}
	if d.preview, err = parseOwned(raw); err != nil {
		return nil, err
	}
	return d.preview, nil
}

// errDraftUsed is returned for a draft that has become a certificate.
var errDraftUsed = errors.New("pki: certificate: the draft was signed before")

// Sign signs the draft, once, and returns the certificate. signer's public key
// must be the issuerKey of the draft. The signature is not verified here.
func (d *CertificateDraft) Sign(rand io.Reader, signer crypto.Signer) (*Certificate, error) {
	if d.tbs == nil {
		return nil, errDraftUsed
	}
	if signer == nil || !alg.EqualKeys(signer.Public(), d.issuerKey) {
		return nil, errors.New("pki: certificate: the signing key is not the key of the issuer's certificate")
	}
	sig, err := alg.SignMessage(rand, signer, d.algorithm, d.tbs)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate: %w", err)
	}
	c, tbs := d.preview, d.tbs
	d.preview, d.tbs = nil, nil
	if c != nil && len(c.Signature) == len(sig) {
		// The signature is the last field and of the length that it had: every
		// other octet, and all that was read from them, stays.
		copy(c.Signature, sig)
		return c, nil
	}
	raw, err := signedDER(tbs, d.algorithm, sig)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate: %w", err)
	}
	return parseOwned(raw)
}
