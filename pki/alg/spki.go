package alg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ParsePublicKey parses exactly one DER SubjectPublicKeyInfo:
//
//	SubjectPublicKeyInfo  ::=  SEQUENCE  {
//	     algorithm            AlgorithmIdentifier,
//	     subjectPublicKey     BIT STRING  }
//
// It returns a *[gost3410.PublicKey], *[GOST2001PublicKey], *[rsa.PublicKey],
// *[ecdsa.PublicKey] or [ed25519.PublicKey]. GOST keys are read with
// digestParamSet present, absent or naming GOST R 34.11-94, because all three
// exist. A point that is not on its curve is an error; an algorithm or curve
// that is not known is an [UnknownError].
func ParsePublicKey(spki []byte) (crypto.PublicKey, error) {
	id, bits, err := splitSPKI(spki)
	if err != nil {
		return nil, err
	}
	switch id.OID {
	case oid.GOST2012_256, oid.GOST2012_512:
		return parseGOST2012(id, bits)
	case oid.GOST2001:
		return parseGOST2001(id, bits)
	case oid.RSA:
		// "The parameters field MUST have ASN.1 type NULL", RFC 3279, section
		// 2.3.1; absent parameters are read as NULL.
		if id.effectiveParams() != nil {
			return nil, errors.New("alg: RSA public key with parameters other than NULL")
		}
		return parseRSA(bits)
	case oid.RSAPSS:
		return parseRSA(bits)
	case oid.ECPublicKey:
		return parseECDSA(id, bits)
	case oid.Ed25519:
		// RFC 8410, section 3: "the parameters MUST be absent".
		if id.Params != nil {
			return nil, errors.New("alg: Ed25519 public key with parameters")
		}
		if len(bits) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("alg: Ed25519 public key of %d octets", len(bits))
		}
		return ed25519.PublicKey(bits), nil
	}
	return nil, &UnknownError{Kind: "public key", OID: id.OID}
}

// splitSPKI takes a SubjectPublicKeyInfo apart. bits is a copy.
func splitSPKI(spki []byte) (Identifier, []byte, error) {
	in := cryptobyte.String(spki)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) {
		return Identifier{}, nil, errors.New("alg: this is not a SubjectPublicKeyInfo")
	}
	if !in.Empty() {
		return Identifier{}, nil, errors.New("alg: SubjectPublicKeyInfo: trailing data")
	}
	id, err := ReadIdentifier(&body, "SubjectPublicKeyInfo.algorithm")
	if err != nil {
		return Identifier{}, nil, err
	}
	var bits []byte
	if !body.ReadASN1BitStringAsBytes(&bits) || !body.Empty() {
		return Identifier{}, nil, errors.New("alg: SubjectPublicKeyInfo.subjectPublicKey is not a BIT STRING of whole octets")
	}
	return id, append([]byte(nil), bits...), nil
}

// PublicKeyBits returns the content of the BIT STRING subjectPublicKey without
// its octet of unused bits; for GOST it starts with the header of the inner
// OCTET STRING. OCSP's issuerKeyHash is a hash of it (RFC 6960, section 4.1.1).
func PublicKeyBits(spki []byte) ([]byte, error) {
	_, bits, err := splitSPKI(spki)
	return bits, err
}

// KeyIdentifier returns the SHA-1 hash over [PublicKeyBits], 20 octets: the
// subject key identifier of RFC 5280, section 4.2.1.2, method (1).
func KeyIdentifier(spki []byte) ([]byte, error) {
	bits, err := PublicKeyBits(spki)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(bits)
	return sum[:], nil
}

// gostParams are the parameters of a GOST key (RFC 9215, section 4.2, and RFC
// 4491, section 2.3.2, which adds encryptionParamSet):
//
//	GostR3410-2012-PublicKeyParameters ::= SEQUENCE {
//	    publicKeyParamSet OBJECT IDENTIFIER,
//	    digestParamSet OBJECT IDENTIFIER OPTIONAL }
type gostParams struct {
	curve  oid.OID
	digest oid.OID // "" if absent
}

func parseGOSTParams(id Identifier) (gostParams, error) {
	var p gostParams
	var body cryptobyte.String
	in := cryptobyte.String(id.Params)
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !oid.Read(&body, &p.curve) {
		return p, errors.New("alg: GOST key parameters: publicKeyParamSet is missing")
	}
	if !body.Empty() && !oid.Read(&body, &p.digest) {
		return p, errors.New("alg: GOST key parameters: digestParamSet is not an OBJECT IDENTIFIER")
	}
	var encryption oid.OID
	if !body.Empty() && !oid.Read(&body, &encryption) {
		return p, errors.New("alg: GOST key parameters: encryptionParamSet is not an OBJECT IDENTIFIER")
	}
	if !body.Empty() {
		return p, errors.New("alg: GOST key parameters: data after encryptionParamSet")
	}
	return p, nil
}

// gostCurveOf reads the curve of a GOST R 34.10-2012 key and checks it against
// the size that the key's algorithm names.
func gostCurveOf(id Identifier) (gost3410.Curve, error) {
	p, err := parseGOSTParams(id)
	if err != nil {
		return gost3410.Curve{}, err
	}
	size, digestOID := 32, oid.Streebog256
	if id.OID == oid.GOST2012_512 {
		size, digestOID = 64, oid.Streebog512
	}
	switch p.digest {
	case "", digestOID, oid.GOST341194CryptoProParams:
		// The last is not what RFC 9215, section 4.2 allows, but producers
		// that copied the parameters of 2001 keys write it.
	default:
		return gost3410.Curve{}, &MismatchError{Key: id.OID.Name(), Digest: p.digest.Name()}
	}
	c, err := gostCurve(p.curve)
	if err != nil {
		return gost3410.Curve{}, err
	}
	if c.Size() != size {
		return gost3410.Curve{}, fmt.Errorf("alg: parameter set %s does not fit key algorithm %s", c.Name(), id.OID.Name())
	}
	return c, nil
}

// gostPoint unwraps X‖Y: "The GOST R 34.10-2012 public key MUST be ASN.1 DER
// encoded as an OCTET STRING" inside the BIT STRING (RFC 9215, section 4.3).
func gostPoint(bits []byte) ([]byte, error) {
	var point cryptobyte.String
	in := cryptobyte.String(bits)
	if !in.ReadASN1(&point, asn1.OCTET_STRING) || !in.Empty() {
		return nil, errors.New("alg: GOST public key is not an OCTET STRING inside the BIT STRING")
	}
	return point, nil
}

func parseGOST2012(id Identifier, bits []byte) (crypto.PublicKey, error) {
	c, err := gostCurveOf(id)
	if err != nil {
		return nil, err
	}
	point, err := gostPoint(bits)
	if err != nil {
		return nil, err
	}
	pub, err := gost3410.NewPublicKey(c, point)
	if err != nil {
		return nil, fmt.Errorf("alg: GOST public key: %w", err)
	}
	return pub, nil
}

// maxRSABits bounds the modulus, whose size decides what a verification costs:
// a 16384-bit key verifies in about 5 ms.
const maxRSABits = 16384

// parseRSA reads RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent
// INTEGER } (RFC 8017, appendix A.1.1).
func parseRSA(bits []byte) (crypto.PublicKey, error) {
	in := cryptobyte.String(bits)
	var body cryptobyte.String
	n := new(big.Int)
	var e int
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Integer(n) {
		return nil, errors.New("alg: RSA public key: modulus")
	}
	if !body.ReadASN1Integer(&e) || !body.Empty() {
		return nil, errors.New("alg: RSA public key: publicExponent")
	}
	if n.Sign() <= 0 || n.Bit(0) == 0 || n.BitLen() > maxRSABits {
		return nil, errors.New("alg: RSA public key: the modulus is even, negative or too long")
	}
	if e < 3 || e&1 == 0 || int64(e) > 1<<31-1 {
		return nil, errors.New("alg: RSA public key: the exponent is out of range")
	}
	return &rsa.PublicKey{N: n, E: e}, nil
}

// parseECDSA reads a key of RFC 5480, section 2.2: a named curve and an
// uncompressed point.
func parseECDSA(id Identifier, bits []byte) (crypto.PublicKey, error) {
	var named oid.OID
	in := cryptobyte.String(id.Params)
	if !oid.Read(&in, &named) || !in.Empty() {
		// RFC 5480, section 2.1.1: "implicitCurve and specifiedCurve MUST NOT
		// be used in PKIX".
		return nil, errors.New("alg: EC public key without a named curve")
	}
	c, err := nistCurve(named)
	if err != nil {
		return nil, err
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(c, bits)
	if err != nil {
		return nil, fmt.Errorf("alg: EC public key: %w", err)
	}
	return pub, nil
}

// MarshalPublicKey returns the DER SubjectPublicKeyInfo of a key. GOST keys are
// written under the identifier of the parameter set that they were read or made
// with, and digestParamSet as RFC 9215, section 4.2 wants it: present for the
// CryptoPro sets, absent for the TC26 sets.
func MarshalPublicKey(pub crypto.PublicKey) ([]byte, error) {
	id, bits, err := publicKeyInfo(pub)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.Add(b)
		b.AddASN1BitString(bits)
	})
	return b.Bytes()
}

// publicKeyInfo returns the algorithm and the content of the BIT STRING.
func publicKeyInfo(pub crypto.PublicKey) (Identifier, []byte, error) {
	var b cryptobyte.Builder
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		id, err := gostIdentifier(k.Curve())
		if err != nil {
			return Identifier{}, nil, err
		}
		b.AddASN1OctetString(k.Bytes())
		bits, err := b.Bytes()
		return id, bits, err
	case *GOST2001PublicKey:
		b.AddASN1OctetString(k.Bytes())
		bits, err := b.Bytes()
		return k.identifier(), bits, err
	case *rsa.PublicKey:
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1BigInt(k.N)
			b.AddASN1Int64(int64(k.E))
		})
		bits, err := b.Bytes()
		return NULL(oid.RSA), bits, err
	case *ecdsa.PublicKey:
		named, ok := nistCurveOID(k.Curve)
		if !ok {
			return Identifier{}, nil, errors.New("alg: the curve of the ECDSA key has no identifier here")
		}
		named.Add(&b)
		params, err := b.Bytes()
		if err != nil {
			return Identifier{}, nil, err
		}
		bits, err := k.Bytes()
		return Identifier{OID: oid.ECPublicKey, Params: params}, bits, err
	case ed25519.PublicKey:
		return Identifier{OID: oid.Ed25519}, k, nil
	}
	return Identifier{}, nil, fmt.Errorf("alg: cannot encode a public key of type %T", pub)
}

// gostIdentifier returns the algorithm of a GOST R 34.10-2012 key on a curve.
func gostIdentifier(c gost3410.Curve) (Identifier, error) {
	row, ok := curveRowByName(c.Name())
	if !ok {
		return Identifier{}, fmt.Errorf("alg: curve %q has no identifier", c.Name())
	}
	id := Identifier{OID: oid.GOST2012_256}
	if c.Size() == 64 {
		id.OID = oid.GOST2012_512
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		row.oid.Add(b)
		if row.digest == digestPresent {
			oid.Streebog256.Add(b)
		}
	})
	params, err := b.Bytes()
	id.Params = params
	return id, err
}
