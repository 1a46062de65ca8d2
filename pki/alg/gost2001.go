package alg

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// GOST2001PublicKey is a public key of GOST R 34.10-2001 (RFC 4491, section
// 2.3.2), which verifies what already exists and nothing else. The curves are
// those of the 256-bit keys of GOST R 34.10-2012.
type GOST2001PublicKey struct {
	key    *gost3410.PublicKey
	params []byte // the key parameters as they were read
}

// ParamSet returns the name of the parameter set, as "cryptopro-a".
func (k *GOST2001PublicKey) ParamSet() string { return k.key.Curve().Name() }

// Bytes returns X‖Y, 64 octets, each half little-endian.
func (k *GOST2001PublicKey) Bytes() []byte { return k.key.Bytes() }

// Equal says whether x is the same point on the same curve.
func (k *GOST2001PublicKey) Equal(x crypto.PublicKey) bool {
	o, ok := x.(*GOST2001PublicKey)
	return ok && k.key.Equal(o.key)
}

// identifier returns the algorithm of the key as it was read.
func (k *GOST2001PublicKey) identifier() Identifier {
	return Identifier{OID: oid.GOST2001, Params: k.params}
}

// parseGOST2001 reads a key of RFC 4491, section 2.3.2:
//
//	GostR3410-2001-PublicKeyParameters ::= SEQUENCE {
//	    publicKeyParamSet OBJECT IDENTIFIER,
//	    digestParamSet OBJECT IDENTIFIER,
//	    encryptionParamSet OBJECT IDENTIFIER DEFAULT … }
func parseGOST2001(id Identifier, bits []byte) (crypto.PublicKey, error) {
	c, err := gost2001CurveOf(id)
	if err != nil {
		return nil, err
	}
	point, err := gostPoint(bits)
	if err != nil {
		return nil, err
	}
	key, err := gost3410.NewPublicKey(c, point)
	if err != nil {
		return nil, fmt.Errorf("alg: GOST public key: %w", err)
	}
	return &GOST2001PublicKey{key: key, params: id.Params}, nil
}

// gost2001CurveOf reads the parameters of a key of GOST R 34.10-2001.
func gost2001CurveOf(id Identifier) (gost3410.Curve, error) {
	p, err := parseGOSTParams(id)
	if err != nil {
		return gost3410.Curve{}, err
	}
	if p.digest != "" && p.digest != oid.GOST341194CryptoProParams {
		return gost3410.Curve{}, &UnknownError{Kind: "digest parameter set", OID: p.digest}
	}
	c, err := gostCurve(p.curve)
	if err != nil {
		return gost3410.Curve{}, err
	}
	if c.Size() != 32 {
		return gost3410.Curve{}, fmt.Errorf("alg: parameter set %s does not fit key algorithm %s", c.Name(), id.OID.Name())
	}
	return c, nil
}

// GOST2001PrivateKey is a private key of GOST R 34.10-2001. It is read so that
// what exists can be named and kept; it does not sign.
type GOST2001PrivateKey struct {
	key    *gost3410.PrivateKey
	public *GOST2001PublicKey
}

// Public returns the *[GOST2001PublicKey].
func (k *GOST2001PrivateKey) Public() crypto.PublicKey { return k.public }

// Sign always fails: this module makes no signatures of GOST R 34.10-2001.
func (k *GOST2001PrivateKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("alg: GOST R 34.10-2001 keys verify only")
}

func parseGOST2001Private(p privateKeyInfo, pub crypto.PublicKey) (crypto.Signer, error) {
	c, err := gost2001CurveOf(p.algorithm)
	if err != nil {
		return nil, err
	}
	var want *gost3410.PublicKey
	if pub != nil {
		legacy, ok := pub.(*GOST2001PublicKey)
		if !ok {
			return nil, ErrKeyMismatch
		}
		want = legacy.key
	}
	key, err := gostScalar(c, p, want)
	if err != nil {
		return nil, err
	}
	return &GOST2001PrivateKey{
		key:    key,
		public: &GOST2001PublicKey{key: key.PublicKey(), params: p.algorithm.Params},
	}, nil
}
