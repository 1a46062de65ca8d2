package mgm

import (
	"encoding/binary"
	"math/bits"
)

// Carry-less multiplication with integer multipliers. Each operand is split
// into four words that keep every fourth bit. In the integer product of two
// such words at most 15 bits meet in one column, so the carries stay in the
// three bits between columns and the columns' lowest bits are the carry-less
// product. Sixteen bits would meet only if all bits of a word were set; then the
// top four bits of that operand are multiplied by shifting.
//
// Masks and reductions are linear, so they wait until all products are added.

const (
	every4th = 0x1111111111111111
	low60    = 1<<60 - 1
)

// product accumulates carry-less 64x64-bit products: hi[r], lo[r] hold, among
// others, the bits whose position is r modulo 4.
type product struct {
	lo, hi [4]uint64
	// exact holds the contribution of the top four bits, or of a processor that
	// multiplies so by itself.
	exactLo, exactHi uint64
}

// add adds x*y. Its time does not depend on y; on x, which is public, only by
// the test for the rare words that have too many bits.
func (p *product) add(x, y uint64) {
	x0, x1, x2, x3 := x&every4th, x&(every4th<<1), x&(every4th<<2), x&(every4th<<3)
	if x0 == every4th || x1 == every4th<<1 || x2 == every4th<<2 || x3 == every4th<<3 {
		p.addTop(x, y)
		x0, x1, x2, x3 = x0&low60, x1&low60, x2&low60, x3&low60
	}
	y0, y1, y2, y3 := y&every4th, y&(every4th<<1), y&(every4th<<2), y&(every4th<<3)

	hi, lo := p.hi[0], p.lo[0]
	a, b := bits.Mul64(x0, y0)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x1, y3)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x2, y2)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x3, y1)
	hi, lo = hi^a, lo^b
	p.hi[0], p.lo[0] = hi, lo

	hi, lo = p.hi[1], p.lo[1]
	a, b = bits.Mul64(x0, y1)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x1, y0)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x2, y3)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x3, y2)
	hi, lo = hi^a, lo^b
	p.hi[1], p.lo[1] = hi, lo

	hi, lo = p.hi[2], p.lo[2]
	a, b = bits.Mul64(x0, y2)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x1, y1)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x2, y0)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x3, y3)
	hi, lo = hi^a, lo^b
	p.hi[2], p.lo[2] = hi, lo

	hi, lo = p.hi[3], p.lo[3]
	a, b = bits.Mul64(x0, y3)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x1, y2)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x2, y1)
	hi, lo = hi^a, lo^b
	a, b = bits.Mul64(x3, y0)
	hi, lo = hi^a, lo^b
	p.hi[3], p.lo[3] = hi, lo
}

// addTop adds the product of the top four bits of x, which is public, and y.
func (p *product) addTop(x, y uint64) {
	for i := 60; i < 64; i++ {
		if x>>i&1 == 1 {
			p.exactLo ^= y << i
			p.exactHi ^= y >> (64 - i)
		}
	}
}

// addExact adds a product, the lower word first.
func (p *product) addExact(x [2]uint64) {
	p.exactLo ^= x[0]
	p.exactHi ^= x[1]
}

// value returns the sum of the products.
func (p *product) value() (hi, lo uint64) {
	hi, lo = p.exactHi, p.exactLo
	for r := range 4 {
		hi ^= p.hi[r] & (every4th << r)
		lo ^= p.lo[r] & (every4th << r)
	}
	return hi, lo
}

// accumulator is a sum of products of blocks before reduction. For 128-bit
// blocks it holds the three products of Karatsuba's method, for 64-bit blocks
// only low.
type accumulator struct {
	high, low, middle product
}

// portable is the name of the implementation that every processor has.
const portable = "portable"

func (a *accumulator) add64Generic(factors, data []byte) {
	for ; len(factors) >= 8 && len(data) >= 8; factors, data = factors[8:], data[8:] {
		a.low.add(binary.BigEndian.Uint64(data), binary.BigEndian.Uint64(factors))
	}
}

func (a *accumulator) add128Generic(factors, data []byte) {
	for ; len(factors) >= 16 && len(data) >= 16; factors, data = factors[16:], data[16:] {
		h1, x1 := binary.BigEndian.Uint64(factors), binary.BigEndian.Uint64(data)
		h0, x0 := binary.BigEndian.Uint64(factors[8:]), binary.BigEndian.Uint64(data[8:])
		a.high.add(x1, h1)
		a.low.add(x0, h0)
		a.middle.add(x0^x1, h0^h1)
	}
}

// sum64 returns the sum modulo w^64+w^4+w^3+w+1 in the first 8 bytes.
func (a *accumulator) sum64() [maxBlock]byte {
	hi, lo := a.low.value()
	// Fold twice: the first fold leaves at most 4 bits above.
	over := hi>>63 ^ hi>>61 ^ hi>>60
	lo ^= hi ^ hi<<1 ^ hi<<3 ^ hi<<4
	lo ^= over ^ over<<1 ^ over<<3 ^ over<<4
	var out [maxBlock]byte
	binary.BigEndian.PutUint64(out[:], lo)
	return out
}

// sum128 returns the sum modulo w^128+w^7+w^2+w+1.
func (a *accumulator) sum128() [maxBlock]byte {
	z3, z2 := a.high.value()
	z1, z0 := a.low.value()
	m1, m0 := a.middle.value()
	m1 ^= z3 ^ z1
	m0 ^= z2 ^ z0
	z2 ^= m1
	z1 ^= m0
	// Fold z3 into z2 and z1, then z2 into z1 and z0.
	z2 ^= z3>>63 ^ z3>>62 ^ z3>>57
	z1 ^= z3 ^ z3<<1 ^ z3<<2 ^ z3<<7
	z1 ^= z2>>63 ^ z2>>62 ^ z2>>57
	z0 ^= z2 ^ z2<<1 ^ z2<<2 ^ z2<<7
	var out [maxBlock]byte
	binary.BigEndian.PutUint64(out[:], z1)
	binary.BigEndian.PutUint64(out[8:], z0)
	return out
}
