package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// weierstrass writes the arithmetic of y^2 = x^3 - 3x + b: points are X, Y, Z
// with x = X/Z^2, y = Y/Z^3, and Z = 0 for infinity. W = 2Y is kept in place of
// Y: it is what the formulas want.
func (p *prime) weierstrass() {
	p.spread("Spread", 2)
	p.choose("Choose", 2, 1)
	p.double()
	p.add()
	p.addCoZ()
	p.scale()
}

func one(e element) []term        { return []term{{1, e}} }
func times(n int, e element) term { return term{n, e} }
func terms(e ...term) []term      { return e }

// double: Z stays 0 modulo p if it is.
func (p *prime) double() {
	p.begin("Double", "func(q *uint64, n int)", "doubles the point n times, n > 0.")
	q, n := pointer("q"), Load(Param("n"), GP64())
	s := p.scratch(5)
	Label("loop")
	p.together(func() { p.doubling(q, s) })
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

func (p *prime) doubling(q reg.Register, s []element) {
	x, w, z := p.param(q, 0, p.tight()), p.param(q, 1, p.tight()), p.param(q, 2, p.tight())
	zz := p.square(s[0], z)
	ww := p.square(s[2], w) // 4Y^2
	m := p.combine(s[1], one(x), one(zz))
	t := p.combine(s[0], terms(times(3, x), times(3, zz)), nil)
	z3 := p.mul(z, z, w)
	m = p.mul(s[0], m, t) // 3X^2 - 3Z^4
	d := p.mul(s[1], x, ww)
	var u element
	if p.modulus != nil {
		u = p.combine(s[3], nil, one(ww))
	}
	x3 := p.square(x, m, linear{minus: terms(times(2, d))})
	t = p.combine(s[1], terms(times(2, d)), terms(times(2, x3)))
	if p.modulus != nil { // a reduction is longer than what a square saves
		p.keep(1, x3, p.mul2(w, ww, u, t, m), z3)
		return
	}
	e := p.square(s[2], ww) // 16Y^4
	p.keep(1, x3, p.mul(w, t, m, linear{minus: one(e)}), z3)
}

// add: if the points are equal or opposite, or q is infinity, the result's Z
// is 0 modulo p, and stays so.
func (p *prime) add() {
	p.begin("Add", "func(q, t *uint64)", "adds the affine point t to q.")
	q, t := pointer("q"), pointer("t")
	s := p.scratch(5)
	p.together(func() { p.addition(q, t, s) })
	end()
}

func (p *prime) addition(q, a reg.Register, s []element) {
	x, w, z := p.param(q, 0, p.tight()), p.param(q, 1, p.tight()), p.param(q, 2, p.tight())
	// A negated ordinate is larger than what a multiplication leaves.
	ax, aw := p.param(a, 0, p.tight()), p.param(a, 1, p.negated())
	zz := p.square(s[0], z)
	r := p.mul(s[2], aw, z)
	h := p.mul(s[1], ax, zz, linear{minus: one(x)})
	h2 := p.combine(s[4], terms(times(2, h)), nil)
	r = p.mul(s[2], r, zz, linear{minus: one(w)}) // twice the difference
	hh := p.square(s[3], h2)
	z3 := p.mul(z, z, h2)
	j := p.mul(s[1], h, hh)
	var u element
	if !p.shared() {
		u = p.combine(s[0], nil, terms(times(2, w)))
	}
	v := p.mul(s[3], x, hh)
	x3 := p.square(x, r, linear{minus: terms(times(1, j), times(2, v))})
	if p.shared() {
		j = p.mul(s[1], w, j)
		v = p.combine(s[3], terms(times(2, v)), terms(times(2, x3)))
		p.keep(1, x3, p.mul(w, v, r, linear{minus: terms(times(2, j))}), z3)
		return
	}
	v = p.combine(s[3], terms(times(2, v)), terms(times(2, x3)))
	p.keep(1, x3, p.mul2(w, u, j, v, r), z3)
}

// addCoZ is the addition of points with the same Z (Meloni).
func (p *prime) addCoZ() {
	p.begin("AddCoZ", "func(sum, h, q, t *uint64)", "sets sum = q + t for distinct points that have one Z, which the\n"+
		"pointers leave out. The sum and q, which is changed, then have h times that Z.")
	sum, hp, q, a := pointer("sum"), pointer("h"), pointer("q"), pointer("t")
	s := p.scratch(4)
	p.together(func() {
		x1, w1 := p.param(q, 0, p.tight()), p.param(q, 1, 2*p.tight())
		x2, w2 := p.param(a, 0, p.tight()), p.param(a, 1, 2*p.tight())
		h := p.combine(p.param(hp, 0, 0), terms(times(2, x1)), terms(times(2, x2)))
		c := p.square(s[0], h)
		u1 := p.mul(x1, x1, c)
		u2 := p.mul(s[1], x2, c)
		d := p.combine(s[0], one(w1), one(w2))
		t := p.combine(s[2], one(u1), one(u2))
		x3 := p.square(p.param(sum, 0, 0), d, linear{minus: terms(times(1, u1), times(1, u2))})
		v1 := p.mul(s[3], w1, t)
		t = p.combine(s[2], terms(times(2, u1)), terms(times(2, x3)))
		w1 = p.combine(w1, terms(times(2, v1)), nil)
		p.keep(1, u1, x3, p.mul(p.param(sum, 1, 0), t, d, linear{minus: one(w1)}))
		p.keep(2, w1)
	})
	end()
}

// scale makes a point affine.
func (p *prime) scale() {
	p.begin("Scale", "func(q, z, h *uint64)", "multiplies X at q by z^2 and Y by z^3, and then z by h.")
	q, zp, hp := pointer("q"), pointer("z"), pointer("h")
	s := p.scratch(1)
	x, y, z := p.param(q, 0, p.tight()), p.param(q, 1, p.tight()), p.param(zp, 0, p.tight())
	p.together(func() {
		zz := p.square(s[0], z)
		x3 := p.mul(x, x, zz)
		zz = p.mul(s[0], zz, z)
		y3 := p.mul(y, y, zz)
		// Twice a difference of two abscissas.
		_, bound := p.lift(2 * p.tight())
		p.keep(1, x3, y3, p.mul(z, z, p.param(hp, 0, 2*p.tight()+bound)))
	})
	end()
}
