package alg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// SignMessage signs message with key. id names the algorithm: the identifier
// of a signature, of a key or of a digest; zero means the digest that fits the
// key ([HashForKey]). A key that implements [crypto.MessageSigner] (a token
// that must hash inside) gets the message, any other the digest computed here.
//
// GOST signatures come out as s‖r, each half big-endian (RFC 9215, section
// 3.1: the encoding of the value in X.509 and CMS), ECDSA as DER, RSA as PKCS
// #1 v1.5. Signatures by RSASSA-PSS and by GOST R 34.10-2001 are verified, not
// made.
func SignMessage(rand io.Reader, key crypto.Signer, id Identifier, message []byte) ([]byte, error) {
	pub := key.Public()
	d, err := digestToSign(pub, id)
	if err != nil {
		return nil, err
	}
	if familyOf(pub) == familyEd25519 {
		return key.Sign(rand, message, crypto.Hash(0))
	}
	row, err := digestOf(d)
	if err != nil {
		return nil, err
	}
	if ms, ok := key.(crypto.MessageSigner); ok {
		return ms.SignMessage(rand, message, row.std)
	}
	h := row.new()
	h.Write(message)
	return key.Sign(rand, h.Sum(nil), row.std)
}

// SignDigest signs a digest that the caller computed with digestAlg, for
// content that was streamed. A key that hashes inside cannot do it and says so
// itself.
func SignDigest(rand io.Reader, key crypto.Signer, digestAlg Identifier, digest []byte) ([]byte, error) {
	pub := key.Public()
	if familyOf(pub) == familyEd25519 {
		return nil, errors.New("alg: Ed25519 signs messages, not digests")
	}
	d, err := digestToSign(pub, digestAlg)
	if err != nil {
		return nil, err
	}
	row, err := digestOf(d)
	if err != nil {
		return nil, err
	}
	if len(digest) != row.size {
		return nil, fmt.Errorf("alg: the digest has %d octets, %s has %d", len(digest), d.OID.Name(), row.size)
	}
	return key.Sign(rand, digest, row.std)
}

// digestToSign turns what the caller named into a digest that the key may sign.
func digestToSign(pub crypto.PublicKey, id Identifier) (Identifier, error) {
	own := HashForKey(pub)
	if own.IsZero() {
		return Identifier{}, fmt.Errorf("alg: cannot sign with a key whose public key is %T", pub)
	}
	if familyOf(pub) == familyGOST2001 {
		return Identifier{}, errors.New("alg: GOST R 34.10-2001 keys verify only")
	}
	if id.IsZero() {
		return own, nil
	}
	if _, ok := lookupDigest(id.OID); ok {
		return resolveDigest(pub, KeyAlgorithm(pub).signing(), id)
	}
	if id.OID == oid.RSAPSS {
		return Identifier{}, errors.New("alg: RSASSA-PSS signatures are verified, not made")
	}
	return resolveDigest(pub, id, Identifier{})
}

// signing maps a signature with one digest to the key it stands for, so that
// an explicit digest may be combined with it.
func (id Identifier) signing() Identifier {
	if sc, ok := lookupScheme(id.OID); ok && sc.family == familyECDSA {
		return Identifier{OID: oid.ECPublicKey}
	}
	return id
}

// SignatureWithDigest returns the identifier of a signature by this key over
// this digest, for example ecdsa-with-SHA384 for P-256 and SHA-384. It is false
// where there is none; [SignatureForKey] gives the default.
func SignatureWithDigest(pub crypto.PublicKey, digestAlg Identifier) (Identifier, bool) {
	switch pub.(type) {
	case *rsa.PublicKey:
		switch digestAlg.OID {
		case oid.SHA256:
			return NULL(oid.SHA256WithRSA), true
		case oid.SHA384:
			return NULL(oid.SHA384WithRSA), true
		case oid.SHA512:
			return NULL(oid.SHA512WithRSA), true
		}
	case *ecdsa.PublicKey:
		switch digestAlg.OID {
		case oid.SHA256:
			return Identifier{OID: oid.ECDSAWithSHA256}, true
		case oid.SHA384:
			return Identifier{OID: oid.ECDSAWithSHA384}, true
		case oid.SHA512:
			return Identifier{OID: oid.ECDSAWithSHA512}, true
		}
	default:
		id := SignatureForKey(pub)
		return id, !id.IsZero() && HashForKey(pub).OID == digestAlg.OID
	}
	return Identifier{}, false
}
