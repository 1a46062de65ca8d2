package alg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/legacy/gost34102001"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

func errPSS(field string) error { return fmt.Errorf("alg: RSASSA-PSS-params: %s", field) }

// VerifyMessage checks sig over message. sigAlg is the identifier of a
// signature with its digest or of a key; digestAlg is the digest named beside
// it (SignerInfo.digestAlgorithm) and may be zero, then it is the one that
// sigAlg implies.
//
// The error is nil if the signature verifies, [ErrSignature] if it was computed
// and does not, a [*MismatchError] where key, signature and digest do not belong
// together, and an [*UnknownError] for an algorithm this package does not know.
func VerifyMessage(pub crypto.PublicKey, sigAlg, digestAlg Identifier, message, sig []byte) error {
	return VerifyMessageBy(nil, pub, sigAlg, digestAlg, message, sig)
}

// A GOSTVerifier does what [gost3410.Verify] does, and nothing else: it may let
// the check run together with those of other goroutines
// ([gost3410.Gatherer.Verify]). It is called for valid keys with a digest of the
// key's size.
type GOSTVerifier func(pub *gost3410.PublicKey, digest, sig []byte) bool

// VerifyMessageBy is [VerifyMessage] with v in the place of gost3410.Verify for
// keys of GOST R 34.10-2012; a nil v is gost3410.Verify.
func VerifyMessageBy(v GOSTVerifier, pub crypto.PublicKey, sigAlg, digestAlg Identifier, message, sig []byte) error {
	if key, ok := pub.(ed25519.PublicKey); ok {
		return verifyEd25519(key, sigAlg, message, sig)
	}
	d, err := resolveDigest(pub, sigAlg, digestAlg)
	if err != nil {
		return err
	}
	h, err := NewHash(d)
	if err != nil {
		return err
	}
	h.Write(message)
	return VerifyDigestBy(v, pub, sigAlg, d, h.Sum(nil), sig)
}

// VerifyDigest checks sig over a digest that the caller computed with
// digestAlg. Everything else is as in [VerifyMessage]; Ed25519 signs messages,
// not digests, and is refused.
func VerifyDigest(pub crypto.PublicKey, sigAlg, digestAlg Identifier, digest, sig []byte) error {
	return VerifyDigestBy(nil, pub, sigAlg, digestAlg, digest, sig)
}

// VerifyDigestBy is [VerifyDigest] with v as in [VerifyMessageBy].
func VerifyDigestBy(v GOSTVerifier, pub crypto.PublicKey, sigAlg, digestAlg Identifier, digest, sig []byte) error {
	if _, ok := pub.(ed25519.PublicKey); ok {
		// RFC 8032, section 4: the message goes through the hash twice, so that
		// its digest alone proves nothing; that is not a signature that fails.
		return &UnknownError{Kind: "prehashed signature", OID: oid.Ed25519}
	}
	d, err := resolveDigest(pub, sigAlg, digestAlg)
	if err != nil {
		return err
	}
	row, err := digestOf(d)
	if err != nil {
		return err
	}
	if len(digest) != row.size {
		return fmt.Errorf("alg: the digest has %d octets, %s has %d", len(digest), d.OID.Name(), row.size)
	}
	if v == nil {
		v = gost3410.Verify
	}
	if verifyDigest(v, pub, sigAlg, row, digest, sig) {
		return nil
	}
	return ErrSignature
}

// verifyDigest calls the primitive. The caller made sure that key, signature
// and digest fit.
func verifyDigest(v GOSTVerifier, pub crypto.PublicKey, sigAlg Identifier, d digest, digest, sig []byte) bool {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		return v(k, digest, sig)
	case *GOST2001PublicKey:
		return gost34102001.Verify(k.key, digest, sig)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digest, sig)
	case *DSAPublicKey:
		return verifyDSA(k, digest, sig)
	case *rsa.PublicKey:
		if sigAlg.OID != oid.RSAPSS {
			return rsa.VerifyPKCS1v15(k, d.std, digest, sig) == nil
		}
		// A salt of 0 octets means "any length" to crypto/rsa, which is no weaker.
		p, err := parsePSS(sigAlg.Params)
		return err == nil && rsa.VerifyPSS(k, d.std, digest, sig, &rsa.PSSOptions{SaltLength: p.salt}) == nil
	}
	return false
}

// resolveDigest finds the digest of a signature and checks that key, signature
// and digest belong together.
func resolveDigest(pub crypto.PublicKey, sigAlg, digestAlg Identifier) (Identifier, error) {
	sc, ok := lookupScheme(sigAlg.OID)
	if !ok {
		return Identifier{}, &UnknownError{Kind: "signature", OID: sigAlg.OID}
	}
	key := familyOf(pub)
	if key == familyNone {
		return Identifier{}, fmt.Errorf("alg: cannot verify with a %T", pub)
	}
	if !key.fits(sc.family) {
		return Identifier{}, &MismatchError{Key: KeyName(pub), Digest: sigAlg.OID.Name()}
	}
	if sc.family == familyRSAPSS {
		p, err := parsePSS(sigAlg.Params)
		if err != nil {
			return Identifier{}, err
		}
		sc.digest = p.digest
	}
	d := digestAlg
	switch {
	case d.IsZero() && sc.digest != "":
		d = Identifier{OID: sc.digest}
	case d.IsZero():
		d = HashForKey(pub)
	}
	if implied, ok := SignatureDigest(d); ok { // a signature's identifier in a digest field
		d = implied
	}
	if _, ok := lookupDigest(d.OID); !ok {
		return Identifier{}, &UnknownError{Kind: "digest", OID: d.OID}
	}
	if sc.digest != "" && !sameDigest(d.OID, sc.digest) {
		// RFC 9215, section 3.2: a key of one size and a digest of the
		// other do not make a signature, even where the lengths would allow it.
		return Identifier{}, &MismatchError{Key: KeyName(pub), Digest: d.OID.Name()}
	}
	row, _ := lookupDigest(d.OID)
	if row.std == 0 && (key == familyRSA || key == familyECDSA || key == familyDSA) {
		return Identifier{}, &MismatchError{Key: KeyName(pub), Digest: d.OID.Name()}
	}
	return d, nil
}

// sameDigest compares digests; GOST R 34.11-94 has the identifier of the
// algorithm (RFC 4357, section 11) and that of its CryptoPro parameters.
func sameDigest(a, b oid.OID) bool {
	if a == oid.GOST341194CryptoProParams {
		a = oid.GOST341194
	}
	return a == b
}

// verifyEd25519 checks a pure Ed25519 signature (RFC 8410, section 6).
func verifyEd25519(key ed25519.PublicKey, sigAlg Identifier, message, sig []byte) error {
	switch {
	case sigAlg.OID != oid.Ed25519:
		return &MismatchError{Key: KeyName(key), Digest: sigAlg.OID.Name()}
	case len(key) != ed25519.PublicKeySize:
		return fmt.Errorf("alg: Ed25519 public key of %d octets", len(key))
	case !ed25519.Verify(key, message, sig):
		return ErrSignature
	}
	return nil
}
