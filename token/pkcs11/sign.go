package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Sign signs a digest in the token; a passive key signs in memory. GOST
// signatures come out as s‖r, both big-endian, of a digest as long as the key;
// ECDSA as DER; RSA as PKCS #1 v1.5. The context is that of [Store.Keys].
func (k *Key) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.Passive() {
		key, err := k.unlock(k.ctx)
		if err != nil {
			return nil, err
		}
		return key.Sign(rand, digest, opts)
	}
	m, data, err := k.prepare(digest, opts)
	if err != nil {
		return nil, err
	}
	return k.sign(m, data)
}

// Sign fails: the token signs only what it has hashed itself.
func (k *HashingKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, fmt.Errorf("%w: this token hashes by itself and signs no digests", ErrUnsupported)
}

// SignMessage hashes and signs a message in the token. opts names the hash for
// RSA and ECDSA; a GOST key has one hash.
func (k *HashingKey) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	h := crypto.Hash(0)
	if opts != nil {
		h = opts.HashFunc()
	}
	var typ uint
	switch k.kind {
	case ckkGOSTR3410:
		typ = ckmGOSTWithStreebog256
	case ckkGOSTR3410x512:
		typ = ckmGOSTWithStreebog512
	case ckkRSA:
		typ = map[crypto.Hash]uint{crypto.SHA256: ckmSHA256RSA, crypto.SHA384: ckmSHA384RSA, crypto.SHA512: ckmSHA512RSA}[h]
	case ckkEC:
		typ = map[crypto.Hash]uint{crypto.SHA256: ckmECDSASHA256, crypto.SHA384: ckmECDSASHA384, crypto.SHA512: ckmECDSASHA512}[h]
	}
	if typ == 0 || !k.store.has(typ) {
		return nil, fmt.Errorf("%w: signing over %v", ErrUnsupported, h)
	}
	return k.sign(mechanism{typ: typ}, message)
}

// prepare returns the mechanism that signs a digest and what it is given.
func (k *Key) prepare(digest []byte, opts crypto.SignerOpts) (mechanism, []byte, error) {
	switch pub := k.pub.(type) {
	case *gost3410.PublicKey:
		if len(digest) != pub.Curve().Size() {
			return mechanism{}, nil, &gost3410.LengthError{What: "digest", Got: len(digest), Want: pub.Curve().Size()}
		}
		if k.kind == ckkGOSTR3410x512 {
			return mechanism{typ: ckmGOSTR3410x512}, digest, nil
		}
		return mechanism{typ: ckmGOSTR3410}, digest, nil
	case *rsa.PublicKey:
		if _, pss := opts.(*rsa.PSSOptions); pss {
			return mechanism{}, nil, fmt.Errorf("%w: RSASSA-PSS", ErrUnsupported)
		}
		info, err := digestInfo(digest, opts)
		return mechanism{typ: ckmRSAPKCS}, info, err
	}
	// FIPS 186-4, section 6.4: the leftmost bits of a digest that is longer than
	// the order are used; some modules refuse the whole.
	if n := signatureHalf(k.pub); n > 0 && len(digest) > n {
		digest = digest[:n]
	}
	return mechanism{typ: ckmECDSA}, digest, nil
}

// digestInfo wraps a digest for CKM_RSA_PKCS:
//
//	DigestInfo ::= SEQUENCE { digestAlgorithm AlgorithmIdentifier, digest OCTET STRING }
//
// (RFC 8017, appendix A.2.4).
func digestInfo(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	h := crypto.Hash(0)
	if opts != nil {
		h = opts.HashFunc()
	}
	o, ok := map[crypto.Hash]oid.OID{crypto.SHA256: oid.SHA256, crypto.SHA384: oid.SHA384, crypto.SHA512: oid.SHA512}[h]
	if !ok {
		return nil, fmt.Errorf("%w: RSA signatures over %v", ErrUnsupported, h)
	}
	if len(digest) != h.Size() {
		return nil, fmt.Errorf("pkcs11: the digest has %d octets, %v has %d", len(digest), h, h.Size())
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			o.Add(b)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(digest)
	})
	return b.Bytes()
}

// sign makes one signature in the token.
func (k *Key) sign(m mechanism, data []byte) ([]byte, error) {
	data = bytes.Clone(data) // the call may outlive the wait for it
	sig, err := use(k.ctx, k.store, true, func(x *session) ([]byte, error) {
		handle, always, err := k.find(x)
		if err != nil {
			return nil, err
		}
		if err := x.mod.SignInit(x.h, m, handle); err != nil {
			return nil, err
		}
		x.dirty = true
		if always {
			if err := x.confirm(k.ctx, k.label); err != nil {
				return nil, err
			}
		}
		sig, err := x.mod.Sign(x.h, data)
		x.dirty = err != nil
		return sig, err
	})
	if err != nil {
		return nil, err
	}
	return k.finish(sig)
}

// finish checks the length of a signature and gives it the form of its
// algorithm.
func (k *Key) finish(sig []byte) ([]byte, error) {
	half := signatureHalf(k.pub)
	if half == 0 {
		return sig, nil
	}
	if len(sig) != 2*half {
		return nil, fmt.Errorf("pkcs11: the token made a signature of %d octets, not %d", len(sig), 2*half)
	}
	if k.kind != ckkEC {
		return sig, nil // s‖r
	}
	// CKM_ECDSA gives r‖s (PKCS #11 v2.40).
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[:half]))
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[half:]))
	})
	return b.Bytes()
}

// VKO agrees on a key inside the token (RFC 7836, section 4.3): h must be
// Streebog-256, which is what tokens compute. The result leaves the token, so
// the caller wipes it. A passive key agrees in memory, with either hash.
func (k *Key) VKO(peer *gost3410.PublicKey, ukm []byte, h func() hash.Hash) ([]byte, error) {
	if k.Passive() {
		key, err := k.unlock(k.ctx)
		if err != nil {
			return nil, err
		}
		agreer, ok := key.(gost3410.KeyAgreer)
		if !ok {
			return nil, ErrUnsupported
		}
		return agreer.VKO(peer, ukm, h)
	}
	own, ok := k.pub.(*gost3410.PublicKey)
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: VKO with this key", ErrUnsupported)
	case peer == nil || !own.Curve().SameDomain(peer.Curve()):
		return nil, gost3410.ErrDomain
	case len(ukm) == 0 || len(ukm) > own.Curve().Size() || len(bytes.Trim(ukm, "\x00")) == 0:
		return nil, gost3410.ErrUKM
	case h == nil || h().Size() != streebog.Size256:
		return nil, fmt.Errorf("%w: tokens agree with Streebog-256 only", ErrUnsupported)
	}
	m, err := k.store.vkoMechanism(peer.Bytes(), ukm)
	if err != nil {
		return nil, err
	}
	return use(k.ctx, k.store, true, func(x *session) ([]byte, error) { return k.derive(x, m) })
}

// vkoMechanism returns CKM_GOSTR3410_12_DERIVE, the agreement of 2012.
// CKM_GOSTR3410_DERIVE is that of 2001, which hashes with GOST R 34.11-94, and
// is never used.
func (s *Store) vkoMechanism(public, ukm []byte) (mechanism, error) {
	if !s.has(ckmGOST12Derive) {
		return mechanism{}, fmt.Errorf("%w: VKO GOST R 34.10-2012", ErrUnsupported)
	}
	// The parameter is one string of octets with numbers of four octets: the
	// derivation, the length of the public key, the public key, the length of
	// the UKM, the UKM.
	p := binary.LittleEndian.AppendUint32(nil, ckdNull)
	p = append(binary.LittleEndian.AppendUint32(p, uint32(len(public))), public...)
	p = append(binary.LittleEndian.AppendUint32(p, uint32(len(ukm))), ukm...)
	return mechanism{typ: ckmGOST12Derive, param: p}, nil
}

// derive runs the key agreement and reads the key that came out, which lives for
// the session only.
func (k *Key) derive(x *session, m mechanism) ([]byte, error) {
	handle, _, err := k.find(x)
	if err != nil {
		return nil, err
	}
	template := []attribute{
		numberAttr(ckaClass, ckoSecretKey), numberAttr(ckaKeyType, ckkGenericSecret), boolAttr(ckaToken, false),
		boolAttr(ckaSensitive, false), boolAttr(ckaExtractable, true), numberAttr(ckaValueLen, streebog.Size256),
	}
	derived, err := x.mod.DeriveKey(x.h, m, handle, template)
	if err != nil {
		return nil, err
	}
	v, err := x.attributes(derived, ckaValue)
	if e := x.mod.DestroyObject(x.h, derived); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	if len(v[0]) != streebog.Size256 {
		clear(v[0])
		return nil, errors.New("pkcs11: the token gave a key agreement of another length than Streebog-256")
	}
	return v[0], nil
}

// signatureHalf returns the octets of r and of s, 0 for RSA.
func signatureHalf(pub crypto.PublicKey) int {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		return k.Curve().Size()
	case *ecdsa.PublicKey:
		return (k.Params().N.BitLen() + 7) / 8
	}
	return 0
}
