package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// edwards writes the arithmetic of u^2 + v^2 = 1 + d u^2 v^2: points are U, V,
// Z, T with u = U/Z, v = V/Z, T = UV/Z. An operand of an addition is U, V, Z,
// dT, or u, v, dT where Z is 1. The formulas hold for all points.
func (p *prime) edwards() {
	p.fromWeierstrass()
	p.doubleEdwards()
	p.addEdwards("EdwardsAdd", "adds U, V, Z, dT at t to q.", true)
	p.addEdwards("EdwardsAddAffine", "adds u, v, dT at t to q.", false)
	p.spread("EdwardsSpread", 4)
	p.choose("EdwardsChoose", 4, 0, 3)
	p.choose("EdwardsChooseAffine", 3, 0, 2)
}

// point returns n elements that a pointer points at.
func (p *prime) point(base reg.Register, n int) []element {
	e := make([]element, n)
	for i := range e {
		e[i] = p.param(base, i, p.tight())
	}
	return e
}

// fromWeierstrass is the map of RFC 7836, Section 5.2, without a division.
func (p *prime) fromWeierstrass() {
	p.begin("EdwardsMap", "func(q, xy, st *uint64)", "sets q to the point that is x, y in the Weierstrass form;\n"+
		"s and t are the numbers of RFC 7836, Section 5.2.")
	q := p.point(pointer("q"), 4)
	xy, st := p.point(pointer("xy"), 2), p.point(pointer("st"), 2)
	s := p.scratch(3)
	p.together(func() {
		a := p.combine(s[0], one(xy[0]), one(st[1]))
		b := p.combine(s[1], one(a), one(st[0]))
		c := p.combine(s[2], terms(times(1, a), times(1, st[0])), nil)
		u := p.mul(s[0], a, c) // times its denominator
		v := p.mul(s[1], b, xy[1])
		z := p.mul(s[2], c, xy[1])
		p.mul(q[0], u, z)
		p.mul(q[1], v, z)
		p.square(q[2], z)
		p.mul(q[3], u, v)
	})
	end()
}

func (p *prime) doubleEdwards() {
	p.begin("EdwardsDouble", "func(q *uint64, n int)", "doubles the point n times, n > 0. It does not read T.")
	q, n := p.point(pointer("q"), 4), Load(Param("n"), GP64())
	s := p.scratch(6)
	JMP(LabelRef("next"))
	Label("loop")
	p.together(func() { p.doublingEdwards(q, s, false) })
	Label("next")
	DECQ(n)
	JNZ(LabelRef("loop"))
	p.together(func() { p.doublingEdwards(q, s, true) })
	end()
}

// doublingEdwards leaves T as it is unless withT: a doubling that follows does
// not read it.
func (p *prime) doublingEdwards(q, s []element, withT bool) {
	u, v, z, t := q[0], q[1], q[2], q[3]
	e := p.combine(s[0], terms(times(1, u), times(1, v)), nil)
	a := p.square(s[1], u)
	b := p.square(s[2], v)
	c := p.square(s[3], z)
	g := p.combine(s[4], terms(times(1, a), times(1, b)), nil)
	f := p.combine(s[3], one(g), terms(times(2, c)))
	h := p.combine(s[5], one(a), one(b))
	e = p.square(s[0], e, linear{minus: terms(times(1, a), times(1, b))}) // 2UV
	p.mul(z, f, g)
	p.mul(v, g, h)
	p.mul(u, e, f)
	if withT {
		p.mul(t, e, h)
	}
}

func (p *prime) addEdwards(name, doc string, withZ bool) {
	p.begin(name, "func(q, t *uint64)", doc)
	q, a := p.point(pointer("q"), 4), p.point(pointer("t"), 4)
	s := p.scratch(7)
	p.together(func() { p.additionEdwards(q, a, s, withZ) })
	end()
}

func (p *prime) additionEdwards(q, a, s []element, withZ bool) {
	u, v, z, t := q[0], q[1], q[2], q[3]
	// A negated coordinate is larger than what a multiplication leaves.
	au, av, dt := a[0].of(p.negated()), a[1], a[2].of(p.negated())
	if withZ {
		dt = a[3].of(p.negated())
	}
	e := p.combine(s[0], terms(times(1, u), times(1, v)), nil)
	f := p.combine(s[1], terms(times(1, au), times(1, av)), nil)
	x := p.mul(s[2], u, au)
	y := p.mul(s[3], v, av)
	if withZ {
		z = p.mul(z, z, a[2])
	}
	g := p.mul(s[4], t, dt, linear{plus: one(z)})
	h := p.combine(s[5], one(y), one(x))
	diff := p.combine(s[6], terms(times(2, z)), one(g))
	e = p.mul(s[0], e, f, linear{minus: terms(times(1, x), times(1, y))})
	f = diff
	p.mul(v, g, h)
	p.mul(t, e, h)
	p.mul(u, e, f)
	p.mul(z, f, g)
}
