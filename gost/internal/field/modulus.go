package field

import "math/bits"

// Scalar is an integer as little-endian limbs. Moduli of four limbs leave the
// upper four limbs zero.
type Scalar [8]uint64

// Modulus is an odd modulus of exactly four or eight limbs, such as the order
// of a curve's subgroup. Build it with NewModulus.
type Modulus struct {
	n  int // limbs: 4 or 8
	m  Scalar
	n0 uint64 // -m^-1 mod 2^64
	r2 Scalar // 2^(128n) mod m

	gcd gcdModulus
}

// NewModulus returns the modulus m of n limbs, 4 or 8. m is public, odd, and
// has at least 64n-2 bits.
func NewModulus(m Scalar, n int) *Modulus {
	z := &Modulus{n: n, m: m}
	inv := uint64(1)
	for range 6 { // Newton's iteration doubles the number of correct bits
		inv *= 2 - m[0]*inv
	}
	z.n0 = -inv
	// Doubling 1 modulo m 128n times. Once per curve.
	t := Scalar{1}
	for range 128 * n {
		z.Add(&t, &t, &t)
	}
	z.r2 = t
	z.gcd = newGCDModulus(m[:n], inv)
	return z
}

// Value returns the modulus itself.
func (q *Modulus) Value() Scalar { return q.m }

// mont sets z = x * y / 2^(64n).
func (q *Modulus) mont(z, x, y *Scalar) {
	if q.n == 4 {
		montMul4((*[4]uint64)(z[:4]), (*[4]uint64)(x[:4]), (*[4]uint64)(y[:4]), (*[4]uint64)(q.m[:4]), q.n0)
		return
	}
	montMul8((*[8]uint64)(z), (*[8]uint64)(x), (*[8]uint64)(y), (*[8]uint64)(&q.m), q.n0)
}

// Mul sets z = x * y mod m for x and y below m.
func (q *Modulus) Mul(z, x, y *Scalar) {
	var t Scalar
	q.mont(&t, x, &q.r2)
	q.mont(z, &t, y)
}

// Add sets z = x + y mod m for x and y below m.
func (q *Modulus) Add(z, x, y *Scalar) {
	var s, d Scalar
	var c, b uint64
	for i := range q.n {
		s[i], c = bits.Add64(x[i], y[i], c)
	}
	for i := range q.n {
		d[i], b = bits.Sub64(s[i], q.m[i], b)
	}
	z.Select(&s, &d, b&^c)
}

// Neg sets z = -x mod m for x below m.
func (q *Modulus) Neg(z, x *Scalar) {
	var d Scalar
	var b uint64
	for i := range q.n {
		d[i], b = bits.Sub64(q.m[i], x[i], b)
	}
	z.Select(x, &d, x.IsZero())
}

// InRange returns 1 if x is below m and 0 otherwise.
func (q *Modulus) InRange(x *Scalar) uint64 {
	var b uint64
	for i := range x {
		_, b = bits.Sub64(x[i], q.m[i], b)
	}
	return b
}

// Reduce sets z = x mod m for any x of n limbs.
func (q *Modulus) Reduce(z, x *Scalar) {
	// The product of x < 2^(64n) and 2^(128n) mod m, divided by 2^(64n), stays
	// below 2m before the last subtraction, so x need not be reduced.
	var t Scalar
	q.mont(&t, x, &q.r2)
	q.mont(z, &t, &Scalar{1})
}

// ReduceWide sets z = lo + hi * 2^(64n) mod m for any lo and hi of n limbs.
func (q *Modulus) ReduceWide(z, lo, hi *Scalar) {
	var l, h Scalar
	q.Reduce(&l, lo)
	q.mont(&h, hi, &q.r2) // hi * 2^(64n)
	q.Add(z, &l, &h)
}

// Invert sets z = 1/x for x below m and prime m, and 0 if x = 0, in constant
// time.
func (q *Modulus) Invert(z, x *Scalar) {
	var t Scalar
	q.gcd.invert(t[:q.n], x[:q.n])
	*z = t
}

// Select sets z = x if cond is 1 and z = y if cond is 0, in constant time.
func (z *Scalar) Select(x, y *Scalar, cond uint64) {
	m := -cond
	for i := range z {
		z[i] = y[i] ^ (m & (x[i] ^ y[i]))
	}
}

// IsZero returns 1 if z = 0 and 0 otherwise.
func (z *Scalar) IsZero() uint64 {
	var t uint64
	for _, w := range z {
		t |= w
	}
	return isZero(t)
}

// Bit returns bit i of z, and 0 beyond the last limb.
func (z *Scalar) Bit(i int) uint64 {
	if uint(i) >= 512 {
		return 0
	}
	return z[i/64] >> (i % 64) & 1
}

// InvertVartime sets z = 1/x mod m for 0 < x < m and prime m. Its time depends
// on x: for public data only.
func (q *Modulus) InvertVartime(z, x *Scalar) {
	if assembly { // it is faster in constant time
		q.Invert(z, x)
		return
	}
	var t, shift Scalar
	var n int // t = 2^n / x
	if q.n == 4 {
		n = almostInverse4((*[4]uint64)(t[:4]), (*[4]uint64)(x[:4]), (*[4]uint64)(q.m[:4]))
	} else {
		n = almostInverse8((*[8]uint64)(&t), (*[8]uint64)(x), (*[8]uint64)(&q.m))
	}
	if n > 64*q.n {
		q.mont(&t, &t, &Scalar{1}) // divides by 2^(64 limbs)
		n -= 64 * q.n
	}
	k := 64*q.n - n
	if k == 64*q.n { // n is a multiple of the width: nothing is left to divide
		*z = t
		return
	}
	shift[k/64] = 1 << (k % 64)
	q.mont(z, &t, &shift)
}
