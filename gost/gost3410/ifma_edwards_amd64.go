//go:build amd64 && !purego

package gost3410

import (
	"sync"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// laneEdwards is u^2 + v^2 = 1 + d u^2 v^2 (RFC 7836, Section 5.2). Points are
// U, V, Z, T with u = U/Z, v = V/Z, T = UV/Z; entries of a key's table are U,
// V, Z, dT and those of the base point's u, v, dT. The formulas hold for all
// points.
type laneEdwards struct {
	*laneGroup
	d, s, t         field.Scalar
	fromWeierstrass func(q, xy, st *uint64)
	doubleN         func(q *uint64, n int)
	add, addAffine  func(q, t *uint64)
	spread          func(z, x *uint64, distance uint64)
	choose          func(z, table *uint64, offset *[lanes]uint64, negative uint64)
	chooseAffine    func(z, table *uint64, offset *[lanes]uint64, negative uint64)

	constants func() []uint64 // s, t and d in every lane
}

func (g *laneGroup) edwards(f laneEdwards) *laneGroup {
	f.laneGroup = g
	f.constants = sync.OnceValue(func() []uint64 {
		out, w := f.alloc(3), f.words()
		f.setAll(out, &f.s)
		f.setAll(out[w:], &f.t)
		f.setAll(out[2*w:], &f.d)
		return out
	})
	g.form = &f
	g.base = sync.OnceValue(g.baseEntries)
	return g
}

func (f *laneEdwards) keyParts() int  { return 4 }
func (f *laneEdwards) baseParts() int { return 3 }

func (f *laneEdwards) spreadKey(z, x *uint64, distance uint64) { f.spread(z, x, distance) }

func (f *laneEdwards) chooseKey(z, table *uint64, offset *[lanes]uint64, negative uint64) {
	f.choose(z, table, offset, negative)
}

func (f *laneEdwards) chooseBase(z, table *uint64, offset *[lanes]uint64, negative uint64) {
	f.chooseAffine(z, table, offset, negative)
}

func (f *laneEdwards) double(q *uint64, n int) { f.doubleN(q, n) }
func (f *laneEdwards) addKey(q, t *uint64)     { f.add(q, t) }
func (f *laneEdwards) addBase(q, t *uint64)    { f.addAffine(q, t) }

// setKey leaves the Weierstrass coordinates for oddMultiples.
func (f *laneEdwards) setKey(z []uint64, k int, x, y *field.Scalar) {
	f.set(z, k, x)
	f.set(z[f.words():], k, y)
}

// start sets q but for T, which a doubling does not read.
func (f *laneEdwards) start(q, t []uint64) { copy(q[:3*f.words()], t) }

// timesD multiplies T of a point by d, which makes it an operand.
func (f *laneEdwards) timesD(q []uint64) {
	w := f.words()
	f.mul(&q[3*w], &q[3*w], &f.constants()[2*w])
}

func (f *laneEdwards) oddMultiples(l *lanePoints) bool {
	size := 4 * f.words()
	f.fromWeierstrass(&l.acc[0], &l.table[0], &f.constants()[0])
	copy(l.operand, l.acc)
	f.doubleN(&l.operand[0], 1)
	f.timesD(l.operand)
	for i := range laneKeyEntries {
		entry := l.table[i*size:][:size]
		copy(entry, l.acc)
		f.timesD(entry)
		f.add(&l.acc[0], &l.operand[0])
	}
	return true
}

// makeBase computes (2(8b+k)+1)G as (2k+1)G + b 16G.
func (f *laneEdwards) makeBase() []uint64 {
	const blocks = 1 << (laneBaseWindow - 1) / lanes
	l, w := f.newPoints(), f.words()
	for k := range lanes {
		f.setKey(l.table, k, &f.gx, &f.gy)
	}
	f.oddMultiples(l)
	f.start(l.acc, l.table)
	f.doubleN(&l.acc[0], 4)
	f.timesD(l.acc)
	sixteen := append(f.alloc(4)[:0], l.acc...)
	l.spread()
	var offset [lanes]uint64
	for k := range offset {
		offset[k] = uint64(8 * k * f.keyEntry())
	}
	f.choose(&l.operand[0], &l.entries[0], &offset, 0)
	// With T from U, V and Z.
	u, v, z := &l.operand[0], &l.operand[w], &l.operand[2*w]
	f.mul(&l.acc[0], u, z)
	f.mul(&l.acc[w], v, z)
	f.mul(&l.acc[2*w], z, z)
	f.mul(&l.acc[3*w], u, v)
	out := f.alloc(3 * blocks)
	for b := range blocks {
		entry := out[3*b*w:]
		l.inverse(l.acc[2*w:]) // Z is never 0 on this curve
		f.mul(&entry[0], &l.acc[0], &l.z[0])
		f.mul(&entry[w], &l.acc[w], &l.z[0])
		f.mul(&entry[2*w], &entry[0], &entry[w])
		f.mul(&entry[2*w], &entry[2*w], &f.constants()[2*w])
		f.add(&l.acc[0], &sixteen[0])
	}
	return out
}

func (f *laneEdwards) compare(l *lanePoints, r []field.Scalar, q *field.Modulus) (valid, sure uint64) {
	w, p := f.words(), f.p()
	for k := range r {
		v, z := f.get(l.acc[w:], k), f.get(l.acc[2*w:], k)
		// x - t = s (Z + V) / (Z - V). The denominator is 0 for infinity only.
		var num, den field.Scalar
		p.Neg(&den, &v)
		p.Add(&den, &den, &z)
		p.Add(&num, &z, &v)
		p.Mul(&num, &num, &f.s)
		sure |= 1 << k
		if den.IsZero() == 0 && f.matches(&num, &den, &r[k], q) {
			valid |= 1 << k
		}
	}
	return valid, sure
}

// matches reports whether num/den + t is r modulo q. It is r, r + q, r + 2q,
// ... as far as these stay below p.
func (f *laneEdwards) matches(num, den, r *field.Scalar, q *field.Modulus) bool {
	p, order, candidate := f.p(), q.Value(), *r
	var less field.Scalar
	p.Neg(&less, &f.t)
	for p.InRange(&candidate) == 1 {
		var c field.Scalar
		p.Add(&c, &candidate, &less)
		p.Mul(&c, &c, den)
		if c == *num {
			return true
		}
		if next := candidate; addLimbs(&candidate, &next, &order, f.n) {
			return false
		}
	}
	return false
}
