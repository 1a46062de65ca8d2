package alg

import (
	//lint:ignore SA1019 DSA is read and checked in old certificates, never made
	"crypto/dsa" //nolint:staticcheck // read and checked in old certificates, never made
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// DSAPublicKey is a DSA key. Other rooms name it here and not by the deprecated
// package.
type DSAPublicKey = dsa.PublicKey

// DSAParameters are what a DSA key may inherit from its issuer's.
type DSAParameters = dsa.Parameters

// ErrDSAParameters is returned by [ParseDSA] for a key without parameters where
// none are inherited either.
var ErrDSAParameters = errors.New("alg: the DSA key has no parameters and inherits none")

// ParseDSA parses exactly one DER SubjectPublicKeyInfo with a DSA key. Where it
// has no parameters, those of inherited are taken: "If the DSA domain
// parameters are omitted from the SubjectPublicKeyInfo AlgorithmIdentifier and
// the CA signed the subject certificate using DSA, then the certificate issuer's
// DSA parameters apply to the subject's DSA key" (RFC 3279, section 2.3.2).
// inherited may be nil.
//
// [ParsePublicKey] leaves DSA keys unknown, so that none is used by mistake:
// only a caller that allows DSA asks for one here.
//
//	Dss-Parms  ::=  SEQUENCE  { p INTEGER, q INTEGER, g INTEGER }
//	DSAPublicKey ::= INTEGER -- public key, Y
func ParseDSA(spki []byte, inherited *dsa.Parameters) (*dsa.PublicKey, error) {
	id, bits, err := splitSPKI(spki)
	if err != nil {
		return nil, err
	}
	if id.OID != oid.DSA {
		return nil, &UnknownError{Kind: "DSA public key", OID: id.OID}
	}
	key := &dsa.PublicKey{Y: new(big.Int)}
	switch {
	case id.effectiveParams() != nil:
		if key.Parameters, err = parseDSAParameters(id.Params); err != nil {
			return nil, err
		}
	case inherited == nil:
		return nil, ErrDSAParameters
	default:
		key.Parameters = *inherited
	}
	s := cryptobyte.String(bits)
	if !s.ReadASN1Integer(key.Y) || !s.Empty() {
		return nil, errors.New("alg: DSA public key: y is not an INTEGER")
	}
	// FIPS 186-4, appendix A and section 4.1: 1 < y < p.
	if key.Y.Cmp(big.NewInt(1)) <= 0 || key.Y.Cmp(key.P) >= 0 {
		return nil, errors.New("alg: DSA public key: y is out of range")
	}
	return key, nil
}

func parseDSAParameters(der []byte) (dsa.Parameters, error) {
	p := dsa.Parameters{P: new(big.Int), Q: new(big.Int), G: new(big.Int)}
	s := cryptobyte.String(der)
	var body cryptobyte.String
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !s.Empty() ||
		!body.ReadASN1Integer(p.P) || !body.ReadASN1Integer(p.Q) || !body.ReadASN1Integer(p.G) || !body.Empty() {
		return p, errors.New("alg: DSA parameters are not Dss-Parms")
	}
	one := big.NewInt(1)
	switch {
	case p.P.Sign() <= 0 || p.P.Bit(0) == 0 || p.P.BitLen() > limits.DSABits:
		return p, errors.New("alg: DSA parameters: p is even, negative or too long")
	case p.Q.Cmp(one) <= 0 || p.Q.Cmp(p.P) >= 0 || p.Q.BitLen() > limits.DSASubgroupBits || p.Q.BitLen()%8 != 0:
		return p, errors.New("alg: DSA parameters: q is out of range")
	case p.G.Cmp(one) <= 0 || p.G.Cmp(p.P) >= 0:
		return p, errors.New("alg: DSA parameters: g is out of range")
	}
	return p, nil
}

// verifyDSA checks Dss-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC
// 3279, section 2.2.2).
func verifyDSA(k *dsa.PublicKey, digest, sig []byte) bool {
	in := cryptobyte.String(sig)
	var body cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Integer(r) || !body.ReadASN1Integer(s) || !body.Empty() {
		return false
	}
	if k.P == nil || k.Q == nil || k.G == nil || k.Y == nil {
		return false
	}
	// FIPS 186-4, section 4.7: z is "the leftmost min(N, outlen) bits" of the
	// digest, which crypto/dsa leaves to its caller.
	if n := k.Q.BitLen() / 8; n < len(digest) {
		digest = digest[:n]
	}
	return dsa.Verify(k, digest, r, s)
}

func equalDSA(a, b *dsa.PublicKey) bool {
	return a.P.Cmp(b.P) == 0 && a.Q.Cmp(b.Q) == 0 && a.G.Cmp(b.G) == 0 && a.Y.Cmp(b.Y) == 0
}
