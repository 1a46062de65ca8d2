package alg

import (
	"crypto/elliptic"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// digestRule says when digestParamSet is written (RFC 9215, section 4.2).
type digestRule uint8

const (
	digestOmit    digestRule = iota // "SHOULD be omitted" or "MUST be omitted"
	digestPresent                   // "MUST be present"
)

// curveRow ties an identifier of a parameter set to the curve of that name.
type curveRow struct {
	oid    oid.OID
	name   string // the name of the curve in gost3410 and on the command line
	digest digestRule
	test   bool // RFC 9215, section 4.2: MUST NOT be used outside testing
}

// curveTable has the parameter sets of GOST R 34.10-2012 and -2001. Several
// are one curve under different names: CryptoPro-XchA, CryptoPro-A and
// TC26-256-B; CryptoPro-XchB, CryptoPro-C and TC26-256-D; CryptoPro-B and
// TC26-256-C. The name stays with the key, so that a key is written again
// under the identifier that it was read with.
var curveTable = [...]curveRow{
	{oid.CryptoProA, "cryptopro-a", digestPresent, false},
	{oid.CryptoProB, "cryptopro-b", digestPresent, false},
	{oid.CryptoProC, "cryptopro-c", digestPresent, false},
	{oid.CryptoProXchA, "cryptopro-xcha", digestPresent, false},
	{oid.CryptoProXchB, "cryptopro-xchb", digestPresent, false},
	{oid.TC26_256A, "tc26-256-a", digestOmit, false},
	{oid.TC26_256B, "tc26-256-b", digestOmit, false},
	{oid.TC26_256C, "tc26-256-c", digestOmit, false},
	{oid.TC26_256D, "tc26-256-d", digestOmit, false},
	{oid.TC26_512A, "tc26-512-a", digestOmit, false},
	{oid.TC26_512B, "tc26-512-b", digestOmit, false},
	{oid.TC26_512C, "tc26-512-c", digestOmit, false},
	{oid.CryptoProTest, "cryptopro-test", digestPresent, true},
	{oid.TC26_512Test, "tc26-512-test", digestOmit, true},
}

// curveRows returns the table, not to be changed.
func curveRows() []curveRow { return curveTable[:] }

// gostCurve finds the curve of a parameter set identifier.
func gostCurve(o oid.OID) (gost3410.Curve, error) {
	for _, r := range curveRows() {
		if r.oid == o {
			if c, ok := gost3410.CurveByName(r.name); ok {
				return c, nil
			}
		}
	}
	return gost3410.Curve{}, &UnknownError{Kind: "curve", OID: o}
}

// curveRowByName finds the row of a curve.
func curveRowByName(name string) (curveRow, bool) {
	for _, r := range curveRows() {
		if r.name == name {
			return r, true
		}
	}
	return curveRow{}, false
}

// nistCurve finds the elliptic curve of RFC 5480, section 2.1.1.1.
func nistCurve(o oid.OID) (elliptic.Curve, error) {
	switch o {
	case oid.P256:
		return elliptic.P256(), nil
	case oid.P384:
		return elliptic.P384(), nil
	case oid.P521:
		return elliptic.P521(), nil
	}
	return nil, &UnknownError{Kind: "curve", OID: o}
}

// nistCurveOID is the inverse of nistCurve.
func nistCurveOID(c elliptic.Curve) (oid.OID, bool) {
	switch c {
	case elliptic.P256():
		return oid.P256, true
	case elliptic.P384():
		return oid.P384, true
	case elliptic.P521():
		return oid.P521, true
	}
	return "", false
}
