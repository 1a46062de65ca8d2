// Package field is constant-time arithmetic modulo the primes and the group
// orders of the GOST R 34.10-2012 curves (RFC 7836, Appendix A; RFC 4357,
// Section 11.4; RFC 7091, Section 7).
//
// There is one type for each prime. Primes of a special form (2^256 - 617,
// 2^255 + 3225, 2^512 - 569, 2^511 + 111) reduce by folding, the others are in
// Montgomery form. No operation branches on a value or uses it as an index;
// the exceptions have Vartime in their name and are for public data only.
// Elements are limb arrays; integers are little-endian limbs.
package field

//go:generate go run gen.go

// isZero returns 1 if x = 0 and 0 otherwise.
func isZero(x uint64) uint64 {
	return 1 ^ ((x | -x) >> 63)
}
