package gost3410

import (
	"encoding/binary"
	"math/bits"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// equalMask returns all ones if a = b and 0 otherwise, for a and b below 2^63.
func equalMask(a, b uint64) uint64 {
	return uint64(int64((a^b)-1) >> 63)
}

// makeOdd sets odd to k, or to q - k if k is even, and returns 1 then, so that
// it is odd. The base point's multiple by q - k is the opposite point.
func makeOdd(odd *field.Scalar, q *field.Modulus, k *field.Scalar) (neg uint64) {
	neg = 1 ^ k[0]&1
	q.Neg(odd, k)
	odd.Select(odd, k, neg)
	return neg
}

// window returns w bits of k from bit i on.
func window(k *field.Scalar, i, w int) uint64 {
	if i >= 512 {
		return 0
	}
	v := k[i/64] >> (i % 64)
	if i%64+w > 64 && i/64 < 7 {
		v |= k[i/64+1] << (64 - i%64)
	}
	return v & (1<<w - 1) // all of it for w = 64
}

// oddDigit returns digit i of the odd integer k in the signed form of w bits a
// digit in which every digit is odd: 2u + 1 - 2^w with u = the bits
// wi+1 .. wi+w of k. The digit's absolute value is 2 idx + 1; neg is 1 if it is
// below 0. Nothing branches on k.
func oddDigit(k *field.Scalar, i, w int) (idx, neg uint64) {
	half := uint64(1) << (w - 1)
	u := window(k, w*i+1, w)
	neg = 1 ^ u>>(w-1)
	return (u ^ -neg) & (half - 1), neg
}

// topDigit returns idx for the highest digit, 2u + 1 with u = the bits that
// are left. It is positive.
func topDigit(k *field.Scalar, i, w int) (idx uint64) {
	return window(k, w*i+1, w)
}

// rowEntries is how many odd multiples a row of a table has, wideRows how many
// rows a wide table.
const (
	rowEntries = 32
	wideRows   = 8
)

// wnafLen is the number of digits of a scalar of 512 bits and the carry, and
// the zeros above them that a wide table reads.
const wnafLen = 520

// wnaf writes k in width-w non-adjacent form, least significant digit first,
// and returns the number of digits. Its time depends on k: for verification
// only, where everything is public.
func wnaf(out *[wnafLen]int8, k *field.Scalar, w int) int {
	n, carry := 0, uint64(0)
	for i := 0; i < wnafLen; {
		// Digits are 0 as long as the bits are what the carry is.
		if same := bits.TrailingZeros64(window(k, i, 64) ^ -carry); same > 0 {
			i += same
			continue
		}
		word := window(k, i, w) + carry
		carry = word >> (w - 1) & 1
		out[i] = int8(int64(word) - int64(carry<<w))
		n = i + 1
		i += w
	}
	return n
}

func abs(d int8) int8 {
	if d < 0 {
		return -d
	}
	return d
}

// signBit returns 1 if d is below 0 and 0 otherwise.
func signBit(d int8) uint64 { return uint64(uint8(d) >> 7) }

// addLimbs sets z = x + y over n limbs and reports a carry out of them.
func addLimbs(z, x, y *field.Scalar, n int) bool {
	var c uint64
	for i := range n {
		z[i], c = bits.Add64(x[i], y[i], c)
	}
	return c == 1
}

// setLE sets z to the little-endian integer b of 32 or 64 octets.
func setLE(z *field.Scalar, b []byte) {
	*z = field.Scalar{}
	for i := range len(b) / 8 {
		z[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
}

// setBE sets z to the big-endian integer b of 32 or 64 octets.
func setBE(z *field.Scalar, b []byte) {
	*z = field.Scalar{}
	for i := range len(b) / 8 {
		z[i] = binary.BigEndian.Uint64(b[len(b)-8*i-8:])
	}
}

// putLE writes x into b, 32 or 64 octets, little-endian.
func putLE(b []byte, x *field.Scalar) {
	for i := range len(b) / 8 {
		binary.LittleEndian.PutUint64(b[8*i:], x[i])
	}
}

// putBE writes x into b, 32 or 64 octets, big-endian.
func putBE(b []byte, x *field.Scalar) {
	for i := range len(b) / 8 {
		binary.BigEndian.PutUint64(b[len(b)-8*i-8:], x[i])
	}
}
