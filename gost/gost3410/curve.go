// Package gost3410 implements the digital signature of GOST R 34.10-2012
// (RFC 7091) and the VKO key agreement (RFC 7836, Section 4.3) on the
// parameter sets of RFC 4357, RFC 7836 and RFC 9215.
//
// It promises that whatever touches a private key or a nonce (key generation,
// signing, key agreement, unmasking) takes a time and a sequence of memory
// accesses that do not depend on the secret. Verification works on public
// data in variable time.
//
// Encodings are those of the PKI profiles (RFC 9215): a private key is a
// little-endian integer, a public key X || Y with both little-endian, a
// digest is read as a little-endian integer, and a signature is s || r with
// both big-endian.
package gost3410

import "github.com/gosklyuch/gosklyuch/gost/internal/field"

//go:generate go run gen.go

// group is the arithmetic of one curve. Scalars are integers below the order.
type group interface {
	order() *field.Modulus
	// valid reports whether (x, y) is a point of the prime-order subgroup.
	valid(x, y *field.Scalar) bool
	// baseMult sets (x, y) = kG, 0 < k < q, in constant time. y may be nil.
	baseMult(x, y, k *field.Scalar)
	// mult sets (x, y) = k(px, py), 0 < k < q, in constant time.
	mult(x, y, px, py, k *field.Scalar)
	// prepare precomputes for verifications under the valid point (x, y).
	prepare(x, y *field.Scalar) verifier
	// prepareWide precomputes more than prepare, for many verifications.
	prepareWide(x, y *field.Scalar) verifier
}

// verifier is a public key ready for verification.
type verifier interface {
	// verify reports whether the x coordinate of z1 G + z2 Q is r modulo q.
	verify(z1, z2, r *field.Scalar) bool
}

// domain numbers the mathematically different parameter sets.
type domain uint8

const (
	domainTest256 domain = iota
	domainA256
	domainB256
	domainC256
	domainTCA256
	domainTest512
	domainA512
	domainB512
	domainC512
)

// Curve is a parameter set: a named curve with its base point. Curves are
// compared with ==; parameter sets that are the same curve under different
// identifiers are different Curves with one domain (see SameDomain). The zero
// value is invalid.
type Curve struct {
	id uint8 // index in sets; 0 is invalid
}

type parameterSet struct {
	name   string
	domain domain
	size   int // octets of a coordinate and of a scalar
	h      uint64
	test   bool
}

// The identifiers of the parameter sets, in the order of Curves.
const (
	_ uint8 = iota
	idCryptoProA
	idCryptoProB
	idCryptoProC
	idCryptoProXchA
	idCryptoProXchB
	idTC26A256
	idTC26B256
	idTC26C256
	idTC26D256
	idTC26A512
	idTC26B512
	idTC26C512
	idCryptoProTest
	idTC26Test512
)

var sets = [...]parameterSet{
	idCryptoProA:    {name: "cryptopro-a", domain: domainA256, size: 32, h: 1},
	idCryptoProB:    {name: "cryptopro-b", domain: domainB256, size: 32, h: 1},
	idCryptoProC:    {name: "cryptopro-c", domain: domainC256, size: 32, h: 1},
	idCryptoProXchA: {name: "cryptopro-xcha", domain: domainA256, size: 32, h: 1},
	idCryptoProXchB: {name: "cryptopro-xchb", domain: domainC256, size: 32, h: 1},
	idTC26A256:      {name: "tc26-256-a", domain: domainTCA256, size: 32, h: 4},
	idTC26B256:      {name: "tc26-256-b", domain: domainA256, size: 32, h: 1},
	idTC26C256:      {name: "tc26-256-c", domain: domainB256, size: 32, h: 1},
	idTC26D256:      {name: "tc26-256-d", domain: domainC256, size: 32, h: 1},
	idTC26A512:      {name: "tc26-512-a", domain: domainA512, size: 64, h: 1},
	idTC26B512:      {name: "tc26-512-b", domain: domainB512, size: 64, h: 1},
	idTC26C512:      {name: "tc26-512-c", domain: domainC512, size: 64, h: 4},
	idCryptoProTest: {name: "cryptopro-test", domain: domainTest256, size: 32, h: 1, test: true},
	idTC26Test512:   {name: "tc26-512-test", domain: domainTest512, size: 64, h: 1, test: true},
}

// CryptoProA returns id-GostR3410-2001-CryptoPro-A-ParamSet,
// 1.2.643.2.2.35.1 (RFC 4357, Section 11.4).
func CryptoProA() Curve { return Curve{idCryptoProA} }

// CryptoProB returns id-GostR3410-2001-CryptoPro-B-ParamSet,
// 1.2.643.2.2.35.2 (RFC 4357, Section 11.4).
func CryptoProB() Curve { return Curve{idCryptoProB} }

// CryptoProC returns id-GostR3410-2001-CryptoPro-C-ParamSet,
// 1.2.643.2.2.35.3 (RFC 4357, Section 11.4).
func CryptoProC() Curve { return Curve{idCryptoProC} }

// CryptoProXchA returns id-GostR3410-2001-CryptoPro-XchA-ParamSet,
// 1.2.643.2.2.36.0: the curve of CryptoProA.
func CryptoProXchA() Curve { return Curve{idCryptoProXchA} }

// CryptoProXchB returns id-GostR3410-2001-CryptoPro-XchB-ParamSet,
// 1.2.643.2.2.36.1: the curve of CryptoProC.
func CryptoProXchB() Curve { return Curve{idCryptoProXchB} }

// TC26A256 returns id-tc26-gost-3410-2012-256-paramSetA, 1.2.643.7.1.2.1.1.1
// (RFC 7836, Appendix A.2). Its cofactor is 4.
func TC26A256() Curve { return Curve{idTC26A256} }

// TC26B256 returns id-tc26-gost-3410-2012-256-paramSetB, 1.2.643.7.1.2.1.1.2:
// the curve of CryptoProA.
func TC26B256() Curve { return Curve{idTC26B256} }

// TC26C256 returns id-tc26-gost-3410-2012-256-paramSetC, 1.2.643.7.1.2.1.1.3:
// the curve of CryptoProB.
func TC26C256() Curve { return Curve{idTC26C256} }

// TC26D256 returns id-tc26-gost-3410-2012-256-paramSetD, 1.2.643.7.1.2.1.1.4:
// the curve of CryptoProC.
func TC26D256() Curve { return Curve{idTC26D256} }

// TC26A512 returns id-tc26-gost-3410-12-512-paramSetA, 1.2.643.7.1.2.1.2.1
// (RFC 7836, Appendix A.1).
func TC26A512() Curve { return Curve{idTC26A512} }

// TC26B512 returns id-tc26-gost-3410-12-512-paramSetB, 1.2.643.7.1.2.1.2.2
// (RFC 7836, Appendix A.1).
func TC26B512() Curve { return Curve{idTC26B512} }

// TC26C512 returns id-tc26-gost-3410-2012-512-paramSetC, 1.2.643.7.1.2.1.2.3
// (RFC 7836, Appendix A.2). Its cofactor is 4.
func TC26C512() Curve { return Curve{idTC26C512} }

// CryptoProTest returns id-GostR3410-2001-TestParamSet, 1.2.643.2.2.35.0: the
// example of RFC 7091, Section 7. For tests only (RFC 9215, Section 4.2).
func CryptoProTest() Curve { return Curve{idCryptoProTest} }

// TC26Test512 returns id-tc26-gost-3410-12-512-paramSetTest,
// 1.2.643.7.1.2.1.2.0 (RFC 9215, Appendix E). For tests only.
func TC26Test512() Curve { return Curve{idTC26Test512} }

// Curves returns every parameter set, the test sets last.
func Curves() []Curve {
	out := make([]Curve, 0, len(sets)-1)
	for i := 1; i < len(sets); i++ {
		out = append(out, Curve{uint8(i)})
	}
	return out
}

// CurveByName returns the parameter set with the given Name.
func CurveByName(name string) (Curve, bool) {
	for _, c := range Curves() {
		if c.Name() == name {
			return c, true
		}
	}
	return Curve{}, false
}

// IsValid reports whether c is a parameter set and not the zero value.
func (c Curve) IsValid() bool { return c.id != 0 && int(c.id) < len(sets) }

// set returns the properties of c; those of the zero value are all zero.
func (c Curve) set() parameterSet {
	if !c.IsValid() {
		return parameterSet{}
	}
	return sets[c.id]
}

// Name returns the name that the command line uses, such as "cryptopro-a" or
// "tc26-512-b", and "" for the zero value.
func (c Curve) Name() string { return c.set().name }

// String returns Name, for messages.
func (c Curve) String() string { return c.Name() }

// Size returns the length in octets of a coordinate, a private key and a
// digest: 32 or 64, and 0 for the zero value.
func (c Curve) Size() int { return c.set().size }

// IsTest reports whether the set is one of those that "MUST NOT be used outside
// of testing scenarios" (RFC 9215, Section 4.2).
func (c Curve) IsTest() bool { return c.set().test }

// Cofactor returns m/q, the order of the curve over the order of the base
// point: 1 or 4, and 0 for the zero value.
func (c Curve) Cofactor() int { return int(c.set().h) }

// SameDomain reports whether two sets are the same curve with the same base
// point, perhaps under different identifiers. Keys then fit each other.
func (c Curve) SameDomain(d Curve) bool {
	return c.IsValid() && d.IsValid() && c.set().domain == d.set().domain
}

// group returns the arithmetic of a valid curve.
func (c Curve) group() group {
	switch c.set().domain {
	case domainA256:
		return cpAGroup{}
	case domainB256:
		return cpBGroup{}
	case domainC256:
		return cpCGroup{}
	case domainTCA256:
		return tcAGroup{}
	case domainA512:
		return tcA512Group{}
	case domainB512:
		return tcB512Group{}
	case domainC512:
		return tcC512Group{}
	case domainTest512:
		return testBGroup{}
	default:
		return testAGroup{}
	}
}
