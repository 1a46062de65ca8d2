package field

import "math/bits"

// Inversion by division steps: D. Bernstein, B.-Y. Yang, Fast constant-time
// gcd computation and modular inversion (2019), in the variant with delta
// starting at 1/2. The number of steps depends on the modulus only, and no
// step branches on a value.
//
// Integers are signed, in limbs of 60 bits: all limbs but the highest are in
// 0..2^60-1, the highest carries the sign.

const (
	limbBits = 60
	limbMask = 1<<limbBits - 1
)

// wide holds 9 limbs, enough for 512 bits and a sign; 256 bits take 5.
type wide [9]int64

// gcdModulus is a prime prepared for inversions. safegcd_amd64.s counts on the
// order.
type gcdModulus struct {
	m   wide
	n   int   // limbs in use
	inv int64 // 1/m mod 2^60
	// batches of 60 steps: for a modulus of b bits (45907 b + 26313) / 19929
	// steps suffice, 591 for 256 bits and 1180 for 512.
	batches int
}

// newGCDModulus prepares the modulus m of 4 or 8 limbs whose inverse modulo
// 2^64 is given.
func newGCDModulus(m []uint64, inverse uint64) gcdModulus {
	p := gcdModulus{n: 5, inv: int64(inverse & limbMask)}
	if len(m) == 8 {
		p.n = 9
	}
	toWide(&p.m, m)
	size := 64*(len(m)-1) + bits.Len64(m[len(m)-1])
	steps := (45907*size + 26313) / 19929
	p.batches = (steps + limbBits - 1) / limbBits
	return p
}

// matrix is the effect of 60 steps on (f, g), times 2^60.
type matrix struct{ u, v, q, r int64 }

// steps does 60 division steps on the low limbs of f and g. zeta is
// -(delta + 1/2).
func steps(zeta int64, f, g uint64) (int64, matrix) {
	u, v, q, r := uint64(1), uint64(0), uint64(0), uint64(1)
	for range limbBits {
		c1 := uint64(zeta >> 63) // delta > 0
		c2 := -(g & 1)           // g is odd
		g += ((f ^ c1) - c1) & c2
		q += ((u ^ c1) - c1) & c2
		r += ((v ^ c1) - c1) & c2
		c1 &= c2
		zeta = (zeta ^ int64(c1)) - 1
		f += g & c1
		u += q & c1
		v += r & c1
		g >>= 1
		u <<= 1
		v <<= 1
	}
	return zeta, matrix{int64(u), int64(v), int64(q), int64(r)}
}

// acc is a signed accumulator of 128 bits.
type acc struct{ hi, lo uint64 }

// addMul adds x * y.
func (a *acc) addMul(x, y int64) {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	hi -= uint64(x>>63)&uint64(y) + uint64(y>>63)&uint64(x)
	var c uint64
	a.lo, c = bits.Add64(a.lo, lo, 0)
	a.hi, _ = bits.Add64(a.hi, hi, c)
}

// shift divides by 2^60, rounding down, and returns the 60 bits shifted out.
func (a *acc) shift() int64 {
	out := int64(a.lo & limbMask)
	a.lo = a.lo>>limbBits | a.hi<<(64-limbBits)
	a.hi = uint64(int64(a.hi) >> limbBits)
	return out
}

// updateFG sets (f, g) = t (f, g) / 2^60, which is exact.
func updateFG(f, g *wide, t *matrix, n int) {
	var cf, cg acc
	for i := range n {
		fi, gi := f[i], g[i]
		cf.addMul(t.u, fi)
		cf.addMul(t.v, gi)
		cg.addMul(t.q, fi)
		cg.addMul(t.r, gi)
		x, y := cf.shift(), cg.shift()
		if i > 0 { // the lowest limb is 0
			f[i-1], g[i-1] = x, y
		}
	}
	f[n-1], g[n-1] = int64(cf.lo), int64(cg.lo)
}

// updateDE sets (d, e) = t (d, e) / 2^60 mod m. Both stay in -2m..m.
func updateDE(d, e *wide, t *matrix, p *gcdModulus) {
	n := p.n
	sd, se := d[n-1]>>63, e[n-1]>>63
	// Multiples of m to add: first m for a negative operand, then what makes
	// the lowest limb 0.
	md := t.u&sd + t.v&se
	me := t.q&sd + t.r&se
	var cd, ce acc
	cd.addMul(t.u, d[0])
	cd.addMul(t.v, e[0])
	ce.addMul(t.q, d[0])
	ce.addMul(t.r, e[0])
	md -= (p.inv*int64(cd.lo) + md) & limbMask
	me -= (p.inv*int64(ce.lo) + me) & limbMask
	cd.addMul(p.m[0], md)
	ce.addMul(p.m[0], me)
	cd.shift()
	ce.shift()
	for i := 1; i < n; i++ {
		di, ei, mi := d[i], e[i], p.m[i]
		cd.addMul(t.u, di)
		cd.addMul(t.v, ei)
		cd.addMul(mi, md)
		ce.addMul(t.q, di)
		ce.addMul(t.r, ei)
		ce.addMul(mi, me)
		d[i-1], e[i-1] = cd.shift(), ce.shift()
	}
	d[n-1], e[n-1] = int64(cd.lo), int64(ce.lo)
}

// normalize brings d, in -2m..m, to sign * d mod m in 0..m-1. sign is all ones
// to negate, else 0.
func (p *gcdModulus) normalize(d *wide, sign int64) {
	p.addIf(d, d[p.n-1]>>63)
	for i := range p.n {
		d[i] = (d[i] ^ sign) - sign
	}
	carryLimbs(d, p.n)
	p.addIf(d, d[p.n-1]>>63)
	p.addIf(d, d[p.n-1]>>63)
}

// addIf adds m if mask is all ones.
func (p *gcdModulus) addIf(d *wide, mask int64) {
	for i := range p.n {
		d[i] += p.m[i] & mask
	}
	carryLimbs(d, p.n)
}

func carryLimbs(d *wide, n int) {
	for i := range n - 1 {
		d[i+1] += d[i] >> limbBits
		d[i] &= limbMask
	}
}

// invert sets z = 1/x for 0 < x < m, and 0 for x = 0.
func (p *gcdModulus) invert(z, x []uint64) {
	s := gcdState{f: p.m, zeta: -1}
	toWide(&s.g, x)
	s.e[0] = 1
	s.run(p)
	// g = 0 and f = 1 or -1 now, and d is x's inverse with f's sign.
	p.normalize(&s.d, s.f[p.n-1]>>63)
	fromWide(z, &s.d)
}

// gcdState is an inversion on its way: d x = f and e x = g modulo m.
// safegcd_amd64.s counts on the order.
type gcdState struct {
	f, g, d, e wide
	t          matrix
	zeta       int64
}

// runGeneric does all batches of steps.
func (s *gcdState) runGeneric(p *gcdModulus) {
	for range p.batches {
		// The low 60 bits decide.
		s.zeta, s.t = steps(s.zeta, uint64(s.f[0])|uint64(s.f[1])<<limbBits, uint64(s.g[0])|uint64(s.g[1])<<limbBits)
		updateDE(&s.d, &s.e, &s.t, p)
		updateFG(&s.f, &s.g, &s.t, p.n)
	}
}

func toWide(w *wide, x []uint64) {
	for i := range w {
		bit := i * limbBits
		j, s := bit/64, bit%64
		if j >= len(x) {
			break
		}
		v := x[j] >> s
		if s > 64-limbBits && j+1 < len(x) {
			v |= x[j+1] << (64 - s)
		}
		w[i] = int64(v & limbMask)
	}
}

func fromWide(z []uint64, w *wide) {
	for j := range z {
		bit := j * 64
		i, s := bit/limbBits, bit%limbBits
		v := uint64(w[i]) >> s
		v |= uint64(w[i+1]) << (limbBits - s)
		if limbBits-s+limbBits < 64 && i+2 < len(w) {
			v |= uint64(w[i+2]) << (2*limbBits - s)
		}
		z[j] = v
	}
}
