package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// errLegacy is returned for keys of GOST R 34.10-2001, which only verify.
var errLegacy = errors.New("pkcs11: the key is one of GOST R 34.10-2001, which is not used for signing any more")

// publicKey reads a public key object.
func (x *session) publicKey(h uint) (crypto.PublicKey, error) {
	v, err := x.attributes(h, ckaKeyType)
	if err != nil {
		return nil, err
	}
	switch kind := readUlong(v[0]); kind {
	case ckkGOSTR3410, ckkGOSTR3410x512:
		v, err := x.attributes(h, ckaGOSTR3410Params, ckaGOSTR3411Params, ckaValue)
		if err != nil {
			return nil, err
		}
		return gostPublicKey(kind, v[0], v[1], v[2])
	case ckkRSA:
		v, err := x.attributes(h, ckaModulus, ckaPublicExponent)
		if err != nil {
			return nil, err
		}
		return rsaPublicKey(v[0], v[1])
	case ckkEC:
		v, err := x.attributes(h, ckaECParams, ckaECPoint)
		if err != nil {
			return nil, err
		}
		return ecPublicKey(v[0], v[1])
	default:
		return nil, fmt.Errorf("pkcs11: keys of type 0x%X are not known", kind)
	}
}

// gostPublicKey reads CKA_GOSTR3410_PARAMS, CKA_GOSTR3411_PARAMS and CKA_VALUE.
// 256-bit keys of 2012 and keys of 2001 have one key type; the parameters of
// the digest tell them apart. Some tokens wrap the point in an OCTET STRING.
func gostPublicKey(kind uint, params, digest, value []byte) (*gost3410.PublicKey, error) {
	if kind == ckkGOSTR3410 && len(digest) > 0 {
		if o, err := parseOID(digest); err == nil && o == oid.GOST341194CryptoProParams {
			return nil, errLegacy
		}
	}
	c, err := gostCurve(params)
	if err != nil {
		return nil, err
	}
	if want := map[uint]int{ckkGOSTR3410: 32, ckkGOSTR3410x512: 64}[kind]; c.Size() != want {
		return nil, fmt.Errorf("pkcs11: CKA_GOSTR3410_PARAMS: %s does not fit the key type", c.Name())
	}
	if len(value) != 2*c.Size() {
		in := cryptobyte.String(value)
		var inner cryptobyte.String
		if !in.ReadASN1(&inner, asn1.OCTET_STRING) || !in.Empty() {
			return nil, fmt.Errorf("pkcs11: CKA_VALUE of the public key has %d octets and is no OCTET STRING", len(value))
		}
		value = inner
	}
	pub, err := gost3410.NewPublicKey(c, value)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: CKA_VALUE of the public key: %w", err)
	}
	return pub, nil
}

// gostCurve reads CKA_GOSTR3410_PARAMS, the DER of a parameter set's identifier.
func gostCurve(params []byte) (gost3410.Curve, error) {
	o, err := parseOID(params)
	if err != nil {
		return gost3410.Curve{}, fmt.Errorf("pkcs11: CKA_GOSTR3410_PARAMS: %w", err)
	}
	c, ok := gost3410.CurveByName(o.Name())
	if !ok {
		return gost3410.Curve{}, fmt.Errorf("pkcs11: CKA_GOSTR3410_PARAMS: %w", &alg.UnknownError{Kind: "parameter set", OID: o})
	}
	return c, nil
}

func parseOID(der []byte) (oid.OID, error) {
	in := cryptobyte.String(der)
	var o oid.OID
	if !oid.Read(&in, &o) || !in.Empty() {
		return "", errors.New("is not an OBJECT IDENTIFIER")
	}
	return o, nil
}

// maxRSABits is the bound of pki/alg for public keys.
const maxRSABits = 16384

func rsaPublicKey(modulus, exponent []byte) (*rsa.PublicKey, error) {
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	if n.BitLen() < 1024 || n.BitLen() > maxRSABits || !e.IsInt64() || e.Int64() < 3 || e.BitLen() > 31 {
		return nil, fmt.Errorf("pkcs11: RSA public key: CKA_MODULUS has %d bits, CKA_PUBLIC_EXPONENT %d", n.BitLen(), e.BitLen())
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// ecCurves are the curves of ECDSA keys that pki/alg knows.
var ecCurves = map[oid.OID]elliptic.Curve{oid.P256: elliptic.P256(), oid.P384: elliptic.P384(), oid.P521: elliptic.P521()}

// ecPublicKey reads CKA_EC_PARAMS and CKA_EC_POINT. The point is an OCTET STRING
// (PKCS #11 v2.40); some modules give it without.
func ecPublicKey(params, point []byte) (*ecdsa.PublicKey, error) {
	o, err := parseOID(params)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: CKA_EC_PARAMS: %w", err)
	}
	curve, ok := ecCurves[o]
	if !ok {
		return nil, fmt.Errorf("pkcs11: CKA_EC_PARAMS: %w", &alg.UnknownError{Kind: "curve", OID: o})
	}
	in := cryptobyte.String(point)
	var inner cryptobyte.String
	if in.ReadASN1(&inner, asn1.OCTET_STRING) && in.Empty() {
		point = inner
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: CKA_EC_POINT: %w", err)
	}
	return pub, nil
}

// keyName names a key object for a list; empty if it cannot be read.
func (x *session) keyName(class, h uint) string {
	if class == ckoPublicKey {
		if pub, err := x.publicKey(h); err == nil {
			return alg.KeyName(pub)
		}
	}
	v, err := x.attributes(h, ckaKeyType, ckaGOSTR3410Params)
	if err != nil {
		return ""
	}
	switch readUlong(v[0]) {
	case ckkGOSTR3410, ckkGOSTR3410x512:
		if c, err := gostCurve(v[1]); err == nil {
			return fmt.Sprintf("gost2012-%d %s", 8*c.Size(), c.Name())
		}
		return "gost2012"
	case ckkRSA:
		return "rsa"
	case ckkEC:
		return "ecdsa"
	}
	return ""
}

// keyKind returns the CKK_ number of a public key.
func keyKind(pub crypto.PublicKey) (uint, bool) {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		if k.Curve().Size() == 64 {
			return ckkGOSTR3410x512, true
		}
		return ckkGOSTR3410, true
	case *rsa.PublicKey:
		return ckkRSA, true
	case *ecdsa.PublicKey:
		return ckkEC, true
	}
	return 0, false
}

// publicTemplate returns the attributes that hold a public key's numbers.
func publicTemplate(pub crypto.PublicKey) ([]attribute, error) {
	kind, ok := keyKind(pub)
	if !ok {
		return nil, fmt.Errorf("%w: keys of type %T", ErrUnsupported, pub)
	}
	out := []attribute{numberAttr(ckaClass, ckoPublicKey), numberAttr(ckaKeyType, kind)}
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		return append(append(out, gostParams(k.Curve())...), bytesAttr(ckaValue, k.Bytes())), nil
	case *rsa.PublicKey:
		return append(out, bytesAttr(ckaModulus, k.N.Bytes()), bytesAttr(ckaPublicExponent, big.NewInt(int64(k.E)).Bytes())), nil
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return nil, fmt.Errorf("pkcs11: %w", err)
		}
		params, err := ecParams(k.Curve)
		if err != nil {
			return nil, err
		}
		return append(out, params, bytesAttr(ckaECPoint, octetString(point))), nil
	}
	return nil, ErrUnsupported
}

// gostParams are the parameters of a GOST R 34.10-2012 key; those of the digest
// make a 256-bit key one of 2012.
func gostParams(c gost3410.Curve) []attribute {
	set, _ := oid.ByName(c.Name())
	digest := oid.Streebog256
	if c.Size() == 64 {
		digest = oid.Streebog512
	}
	return []attribute{bytesAttr(ckaGOSTR3410Params, set.DER()), bytesAttr(ckaGOSTR3411Params, digest.DER())}
}

func ecParams(curve elliptic.Curve) (attribute, error) {
	for o, c := range ecCurves {
		if c == curve {
			return bytesAttr(ckaECParams, o.DER()), nil
		}
	}
	return attribute{}, fmt.Errorf("%w: this elliptic curve", ErrUnsupported)
}

func octetString(b []byte) []byte {
	var out cryptobyte.Builder
	out.AddASN1OctetString(b)
	return out.BytesOrPanic() // lengths of a point; it cannot fail
}
