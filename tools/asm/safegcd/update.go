package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Registers of the updates.
var (
	u, v, q, r = reg.R8, reg.R9, reg.R10, reg.R11
	one        = accumulator{reg.R12, reg.R13} // of f and of d
	two        = accumulator{reg.R15, reg.RBP} // of g and of e
	index      = reg.RBX
)

// accumulator is a signed number of 128 bits.
type accumulator struct{ lo, hi reg.Register }

func (a accumulator) clear() {
	XORQ(a.lo, a.lo)
	XORQ(a.hi, a.hi)
}

// addMul adds x * y.
func (a accumulator) addMul(x, y Op) {
	MOVQ(x, reg.RAX)
	IMULQ(y)
	ADDQ(reg.RAX, a.lo)
	ADCQ(reg.RDX, a.hi)
}

// shift divides by 2^60, rounding down. The 60 bits go to out, if there is one.
func (a accumulator) shift(out ...Mem) {
	if len(out) > 0 {
		MOVQ(a.lo, reg.RAX)
		SHLQ(U8(64-limbBits), reg.RAX)
		SHRQ(U8(64-limbBits), reg.RAX)
		MOVQ(reg.RAX, out[0])
	}
	SHRQ(U8(limbBits), a.lo)
	MOVQ(a.hi, reg.RDX)
	SHLQ(U8(64-limbBits), reg.RDX)
	ORQ(reg.RDX, a.lo)
	SARQ(U8(limbBits), a.hi)
}

// rows adds u x + v y to one and q x + r y to two.
func rows(x, y Mem) {
	one.addMul(u, x)
	one.addMul(v, y)
	two.addMul(q, x)
	two.addMul(r, y)
}

// each emits body for the limbs from the second to the last.
func each(label string, body func()) {
	MOVQ(U32(1), index)
	Label(label)
	body()
	INCQ(index)
	CMPQ(index, at(modulus, nAt))
	JNE(LabelRef(label))
}

// updateFG sets (f, g) = t (f, g) / 2^60, which is exact: the lowest limb of
// the product is 0.
func updateFG() {
	for i, w := range []reg.Register{u, v, q, r} {
		MOVQ(at(state, matrixAt+8*i), w)
	}
	one.clear()
	two.clear()
	rows(at(state, fAt), at(state, gAt))
	one.shift()
	two.shift()
	each("fg", func() {
		rows(indexed(state, fAt, index), indexed(state, gAt, index))
		one.shift(indexed(state, fAt-8, index))
		two.shift(indexed(state, gAt-8, index))
	})
	MOVQ(one.lo, indexed(state, fAt-8, index))
	MOVQ(two.lo, indexed(state, gAt-8, index))
}

// updateDE sets (d, e) = t (d, e) / 2^60 mod m, for d and e in -2m..m, which
// they remain in: first m is added for each that is below 0, and then what
// makes the lowest limb 0, md and me times.
func updateDE(md, me Mem) {
	n := reg.RAX
	MOVQ(at(modulus, nAt), n)
	MOVQ(indexed(state, dAt-8, n), reg.RCX)
	MOVQ(indexed(state, eAt-8, n), reg.RDX)
	SARQ(U8(63), reg.RCX)
	SARQ(U8(63), reg.RDX)
	for _, m := range []struct {
		x, y reg.Register
		sum  Mem
	}{{u, v, md}, {q, r, me}} {
		MOVQ(reg.RCX, reg.RAX)
		ANDQ(m.x, reg.RAX)
		MOVQ(reg.RDX, index)
		ANDQ(m.y, index)
		ADDQ(index, reg.RAX)
		MOVQ(reg.RAX, m.sum)
	}
	one.clear()
	two.clear()
	rows(at(state, dAt), at(state, eAt))
	for _, m := range []struct {
		a   accumulator
		sum Mem
	}{{one, md}, {two, me}} {
		MOVQ(at(modulus, inverseAt), reg.RAX)
		IMULQ(m.a.lo, reg.RAX)
		ADDQ(m.sum, reg.RAX)
		SHLQ(U8(64-limbBits), reg.RAX)
		SHRQ(U8(64-limbBits), reg.RAX)
		SUBQ(reg.RAX, m.sum)
		m.a.addMul(m.sum, at(modulus, mAt))
		m.a.shift()
	}
	each("de", func() {
		rows(indexed(state, dAt, index), indexed(state, eAt, index))
		one.addMul(md, indexed(modulus, mAt, index))
		two.addMul(me, indexed(modulus, mAt, index))
		one.shift(indexed(state, dAt-8, index))
		two.shift(indexed(state, eAt-8, index))
	})
	MOVQ(one.lo, indexed(state, dAt-8, index))
	MOVQ(two.lo, indexed(state, eAt-8, index))
}
