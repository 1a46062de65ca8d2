package pki

import (
	"bytes"
	"crypto/sha1" // a name for a certificate, not a proof
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CheckSignatureFrom verifies the signature of c with parent's key and nothing
// else: neither names nor validity nor usage. The error is
// ErrAlgorithmMismatch, ErrSignatureForm, ErrNoKey, or wraps one of pki/alg:
// alg.ErrSignature, *alg.MismatchError, *alg.UnknownError.
func (c *Certificate) CheckSignatureFrom(parent *Certificate) error {
	return checkSignature(parent, c.SignatureAlgorithm, c.TBSSignatureAlgorithm, c.signatureUnused, c.RawTBSCertificate, c.Signature)
}

// IsSelfIssued reports whether subject and issuer are the same name (RFC 5280,
// section 3.2). It says nothing about the signature.
func (c *Certificate) IsSelfIssued() bool { return c.Subject.Equal(c.Issuer) }

// Equal reports whether both are the same certificate, octet by octet.
func (c *Certificate) Equal(o *Certificate) bool {
	if c == nil || o == nil {
		return c == o
	}
	return bytes.Equal(c.Raw, o.Raw)
}

// Thumbprints returns the hashes of the whole certificate by which tools name
// it: SHA-1 (20 octets), SHA-256 and Streebog-256 (32 octets each, in the byte
// order of the hash's stream output).
func (c *Certificate) Thumbprints() (sha1Sum, sha256Sum, streebog256 []byte) {
	s1 := sha1.Sum(c.Raw) // a name for a certificate, not a proof
	s2 := sha256.Sum256(c.Raw)
	h, err := alg.NewHash(alg.Identifier{OID: oid.Streebog256})
	if err == nil {
		h.Write(c.Raw)
		streebog256 = h.Sum(nil)
	}
	return s1[:], s2[:], streebog256
}

// SerialHex returns the serial number in lower-case hex, an even number of
// digits, with "-" before a negative one.
func (c *Certificate) SerialHex() string {
	text := hex.EncodeToString(c.SerialNumber.Bytes())
	switch c.SerialNumber.Sign() {
	case 0:
		return "00"
	case -1:
		return "-" + text
	}
	return text
}

// Extension returns the first extension with the identifier.
func (c *Certificate) Extension(id oid.OID) (Extension, bool) {
	return findExtension(c.Extensions, id)
}

func findExtension(list []Extension, id oid.OID) (Extension, bool) {
	for _, e := range list {
		if e.ID == id {
			return e, true
		}
	}
	return Extension{}, false
}

// KeyID returns the subject key identifier, or the SHA-1 of the public key's
// BIT STRING content where the certificate has none (RFC 5280, 4.2.1.2).
func (c *Certificate) KeyID() []byte {
	if len(c.SubjectKeyID) > 0 {
		return c.SubjectKeyID
	}
	id, err := alg.KeyIdentifier(c.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil
	}
	return id
}

// X509 converts to the standard library's type where its parser accepts the
// certificate. GOST keys come out with a nil PublicKey.
func (c *Certificate) X509() (*x509.Certificate, error) {
	out, err := x509.ParseCertificate(c.Raw)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate: %w", err)
	}
	return out, nil
}
