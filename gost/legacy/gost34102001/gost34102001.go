// Package gost34102001 verifies digital signatures of GOST R 34.10-2001
// (RFC 5832), which old certificates and documents carry. It cannot sign: the
// standard was withdrawn in favour of GOST R 34.10-2012.
//
// On 256-bit curves the two standards have the same equations. What differs is
// the hash, GOST R 34.11-94 (RFC 5831), and the identifiers, both of which are
// the caller's affair.
package gost34102001

import "github.com/gosklyuch/gosklyuch/gost/gost3410"

// Verify reports whether sig is pub's signature of digest, a GOST R 34.11-94
// value of 32 octets in the order in which the hash function puts them out
// (RFC 5832, Section 6.2). sig is s || r, 64 octets, both big-endian
// (RFC 4491, Section 2.2.2). It is false for a nil or invalid key, a curve of
// 512 bits, and inputs of a wrong length.
func Verify(pub *gost3410.PublicKey, digest, sig []byte) bool {
	// "p is a prime number, modulus of an elliptic curve, subject to p > 2^255"
	// and 2^254 < q < 2^256 (RFC 5832, Section 5.2): no other size exists.
	if pub.Curve().Size() != 32 {
		return false
	}
	return gost3410.Verify(pub, digest, sig)
}
