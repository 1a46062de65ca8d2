//go:build amd64 && !purego

package gost3410

import (
	"sync"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// laneWeierstrass is y^2 = x^3 - 3x + b. Points are X, W, Z with x = X/Z^2,
// y = W/(2 Z^3), and entries of tables X, W with Z = 1. Z stays 0 once a sum
// was one that the formulas do not cover: of equal or opposite points, or with
// infinity. The cofactor is 1.
type laneWeierstrass struct {
	*laneGroup
	spread      func(z, x *uint64, distance uint64)
	chooseEntry func(z, table *uint64, offset *[lanes]uint64, negative uint64)
	doubleN     func(q *uint64, n int)
	add         func(q, t *uint64)
	addCoZ      func(sum, h, q, t *uint64)
	scale       func(q, z, h *uint64)
}

func (g *laneGroup) weierstrass(f laneWeierstrass) *laneGroup {
	f.laneGroup = g
	g.form = &f
	g.base = sync.OnceValue(g.baseEntries)
	return g
}

func (f *laneWeierstrass) keyParts() int  { return 2 }
func (f *laneWeierstrass) baseParts() int { return 2 }

func (f *laneWeierstrass) spreadKey(z, x *uint64, distance uint64) { f.spread(z, x, distance) }

func (f *laneWeierstrass) chooseKey(z, table *uint64, offset *[lanes]uint64, negative uint64) {
	f.chooseEntry(z, table, offset, negative)
}

func (f *laneWeierstrass) chooseBase(z, table *uint64, offset *[lanes]uint64, negative uint64) {
	f.chooseEntry(z, table, offset, negative)
}

func (f *laneWeierstrass) double(q *uint64, n int) { f.doubleN(q, n) }
func (f *laneWeierstrass) addKey(q, t *uint64)     { f.add(q, t) }
func (f *laneWeierstrass) addBase(q, t *uint64)    { f.add(q, t) }

func (f *laneWeierstrass) setKey(z []uint64, k int, x, y *field.Scalar) {
	var twice field.Scalar
	f.p().Add(&twice, y, y)
	f.set(z, k, x)
	f.set(z[f.words():], k, &twice)
}

func (f *laneWeierstrass) start(q, t []uint64) {
	w := f.words()
	copy(q[:2*w], t)
	f.setAll(q[2*w:], &laneOne)
	f.enter(q[2*w:])
}

// oddMultiples adds 2Q to each entry for the next. All points keep one Z, which
// is multiplied by a step each time, so that one inversion makes all entries
// affine. A Z of 0 is what no valid key can bring about.
func (f *laneWeierstrass) oddMultiples(l *lanePoints) bool {
	w := f.words()
	f.enter(l.table)
	f.enter(l.table[w:])
	f.start(l.acc, l.table)
	f.doubleN(&l.acc[0], 1)
	// The first entry with the Z of 2Q.
	prev, z, zz := l.operand, l.acc[2*w:], l.z
	f.mul(&zz[0], &z[0], &z[0])
	f.mul(&prev[0], &l.table[0], &zz[0])
	f.mul(&zz[0], &zz[0], &z[0])
	f.mul(&prev[w], &l.table[w], &zz[0])
	for i := 1; i < laneKeyEntries; i++ {
		next, h := l.table[2*i*w:], l.steps[i*w:]
		f.addCoZ(&next[0], &h[0], &l.acc[0], &prev[0])
		f.mul(&z[0], &z[0], &h[0])
		prev = next
	}
	if !l.inverse(z) {
		return false
	}
	for i := laneKeyEntries - 1; i > 0; i-- {
		f.scale(&l.table[2*i*w], &l.z[0], &l.steps[i*w])
	}
	return true
}

// makeBase computes (2(8b+k)+1)G as (2k+1)G + b 16G.
func (f *laneWeierstrass) makeBase() []uint64 {
	const blocks = 1 << (laneBaseWindow - 1) / lanes
	l, w := f.newPoints(), f.words()
	for k := range lanes {
		f.setKey(l.table, k, &f.gx, &f.gy)
	}
	affine := func(z []uint64) { // G has no multiple in reach that is infinity
		l.inverse(l.acc[2*w:])
		copy(z, l.acc[:2*w])
		f.scale(&z[0], &l.z[0], &l.z[0])
	}
	f.oddMultiples(l)
	f.start(l.acc, l.table)
	f.doubleN(&l.acc[0], 4)
	sixteen, out := f.alloc(2), f.alloc(2*blocks)
	affine(sixteen)
	l.spread()
	var offset [lanes]uint64
	for k := range offset {
		offset[k] = uint64(8 * k * f.keyEntry())
	}
	f.chooseEntry(&l.operand[0], &l.entries[0], &offset, 0)
	f.start(l.acc, l.operand)
	for b := range blocks {
		affine(out[2*b*w:])
		f.add(&l.acc[0], &sixteen[0])
	}
	return out
}

func (f *laneWeierstrass) compare(l *lanePoints, r []field.Scalar, q *field.Modulus) (valid, sure uint64) {
	z := l.acc[2*f.words():]
	f.mul(&z[0], &z[0], &z[0])
	for k := range r {
		x, zz := f.get(l.acc, k), f.get(z, k)
		// Infinity, or a sum of equal or opposite points: who chooses the key
		// and the signature can bring it about.
		if zz.IsZero() == 1 {
			continue
		}
		sure |= 1 << k
		if f.matches(&x, &zz, &r[k], q) {
			valid |= 1 << k
		}
	}
	return valid, sure
}

// matches reports whether x/zz is r modulo q. It is r, r + q, r + 2q, ... as
// far as these stay below p.
func (f *laneWeierstrass) matches(x, zz, r *field.Scalar, q *field.Modulus) bool {
	p, order, candidate := f.p(), q.Value(), *r
	for p.InRange(&candidate) == 1 {
		var c field.Scalar
		p.Mul(&c, &candidate, zz)
		if c == *x {
			return true
		}
		if next := candidate; addLimbs(&candidate, &next, &order, f.n) {
			return false
		}
	}
	return false
}
