package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gosklyuch/gosklyuch/tools/asm/point"
)

// limbs is the number of 64-bit limbs of an element.
const limbs = 8

// element is one in registers.
type element = [limbs]reg.GPPhysical

var (
	// acc is the accumulator.
	acc = element{reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13, reg.R15, reg.RDI}
	lo  = reg.RAX
	hi  = reg.RCX
	mul = reg.RDX // MULX multiplies by it
)

// field implements point.Field. An element is any integer below 2^512.
//
// A product is a call: the formulas have up to eleven, of 1.3 kB each. Its
// operands are passed as pointers in the first registers of the accumulator,
// which a product does not read.
type field struct{ prime }

// Limbs, Pointers, and all that follow are what point.Field says.
func (field) Limbs() int { return limbs }

// Pointers returns registers that the routines below keep.
func (field) Pointers() (p, q, t reg.Register) { return reg.RBP, reg.RSI, reg.RBX }

// Load sets acc = a.
func (field) Load(a point.Slot) {
	for i := range limbs {
		MOVQ(a.Offset(8*i), acc[i])
	}
}

// Store sets a = acc.
func (field) Store(a point.Slot) {
	for i := range limbs {
		MOVQ(acc[i], a.Offset(8*i))
	}
}

// Mul sets acc = a * b.
func (f field) Mul(a, b point.Slot) {
	LEAQ(a, acc[0])
	LEAQ(b, acc[1])
	call("mul" + f.name)
}

// Square sets acc = a * a.
func (f field) Square(a point.Slot) {
	LEAQ(a, acc[0])
	call("square" + f.name)
}

// Add sets acc = acc + each.
func (f field) Add(a ...point.Slot) {
	for _, s := range a {
		ADDQ(s, acc[0])
		for i := 1; i < limbs; i++ {
			ADCQ(s.Offset(8*i), acc[i])
		}
		f.carry()
	}
}

// Sub sets acc = acc - each.
func (f field) Sub(a ...point.Slot) {
	for _, s := range a {
		SUBQ(s, acc[0])
		for i := 1; i < limbs; i++ {
			SBBQ(s.Offset(8*i), acc[i])
		}
		f.borrow()
	}
}

// Double sets acc = 2 acc.
func (f field) Double() {
	ADDQ(acc[0], acc[0])
	for i := 1; i < limbs; i++ {
		ADCQ(acc[i], acc[i])
	}
	f.carry()
}

// Triple sets acc = 3 acc.
func (f field) Triple() {
	MOVL(U32(3), reg.EDX)
	for i := range limbs {
		from, to := hi, lo
		if i%2 == 1 {
			from, to = lo, hi
		}
		MULXQ(acc[i], acc[i], to)
		switch i {
		case 0:
		case 1:
			ADDQ(from, acc[i])
		default:
			ADCQ(from, acc[i])
		}
	}
	ADCQ(I8(0), hi)
	f.finish()
}

// Half sets acc = acc / 2.
func (f field) Half() {
	f.addOdd()
	for i := limbs - 1; i >= 0; i-- {
		RCRQ(U8(1), acc[i])
	}
}

// CondNeg sets acc = -acc if flag is 1.
func (f field) CondNeg(flag Mem) {
	MOVQ(flag, lo)
	NEGQ(lo)
	for _, w := range acc {
		XORQ(lo, w)
	}
	f.afterNot()
}

// call calls a routine of this file.
func call(name string) {
	target := LabelRef("\u00b7" + name + "<>(SB)")
	Instruction(&ir.Instruction{Opcode: "CALL", Operands: []Op{target}})
}

// word returns word i at a pointer.
func word(base reg.Register, i int) Mem { return Mem{Base: base, Disp: 8 * i} }

// zero clears lo, CF and OF.
func zero() { XORL(reg.EAX, reg.EAX) }

// routines writes the two products of a field. They lose all registers but P, Q
// and T.
func (p prime) routines() {
	_, q, t := field{}.Pointers()
	for _, r := range []struct {
		name, doc string
		product   func(x, y reg.Register, low, none Mem)
	}{
		{"mul", " sets the accumulator to the product of the elements at R8 and R9.", product},
		{"square", " sets the accumulator to the square of the element at R8.", square},
	} {
		TEXT(r.name+p.name+"<>", NOSPLIT, "func()")
		Doc(r.name + p.name + r.doc)
		low := AllocLocal(8 * limbs)
		none, keptQ, keptT := AllocLocal(8), AllocLocal(8), AllocLocal(8)
		MOVQ(q, keptQ)
		MOVQ(t, keptT)
		MOVQ(acc[0], q)
		MOVQ(acc[1], t)
		MOVQ(U32(0), none)
		r.product(q, t, low, none)
		p.fold(low, none)
		MOVQ(keptQ, q)
		MOVQ(keptT, t)
		RET()
	}
}

// product sets 2^512 acc + low to x * y, by rows: row i is word i of x times
// all words of y, added to what the rows before left. Its low halves and its
// high halves run in a carry chain each. none is a word 0 in memory: that is
// faster than to put 0 into a register every time.
func product(x, y reg.Register, low, none Mem) {
	a := rotate(acc, 1)
	MOVQ(word(x, 0), mul)
	MULXQ(word(y, 0), lo, a[0])
	MOVQ(lo, low)
	for j := 1; j < limbs; j++ {
		MULXQ(word(y, j), lo, a[j])
		if j == 1 {
			ADDQ(lo, a[j-1])
		} else {
			ADCQ(lo, a[j-1])
		}
	}
	ADCQ(I8(0), a[limbs-1])
	for i := 1; i < limbs; i++ {
		MOVQ(word(x, i), mul)
		zero()
		for j := range limbs - 1 {
			MULXQ(word(y, j), lo, hi)
			ADCXQ(lo, a[j])
			ADOXQ(hi, a[j+1])
			if j == 0 {
				MOVQ(a[0], low.Offset(8*i))
			}
		}
		top := a[0]
		MULXQ(word(y, limbs-1), lo, top)
		ADCXQ(lo, a[limbs-1])
		ADCXQ(none, top)
		ADOXQ(none, top)
		a = rotate(a, 1)
	}
}

// rotate returns a with its first n entries moved to the end.
func rotate(a element, n int) (b element) {
	for i := range a {
		b[i] = a[(i+n)%limbs]
	}
	return b
}

// square is product with x times itself, from 28 products of different words,
// which count twice, and 8 squares.
func square(x, _ reg.Register, low, none Mem) {
	// Row i is word i times the words after it, added to words 2i+1 to i+8 of
	// the sum. Its two lowest words are complete then.
	sum := func(k int) reg.GPPhysical { return acc[k%limbs] }
	for i := range limbs - 1 {
		MOVQ(word(x, i), mul)
		zero()
		for j := i + 1; j < limbs; j++ {
			high := hi
			if j == limbs-1 || i == 0 {
				high = sum(i + j + 1)
			}
			if i == 0 && j == 1 {
				MULXQ(word(x, j), sum(1), high)
				continue
			}
			MULXQ(word(x, j), lo, high)
			ADCXQ(lo, sum(i+j))
			if high == hi {
				ADOXQ(hi, sum(i+j+1))
			}
		}
		ADCXQ(none, sum(i+limbs))
		if i > 0 {
			ADOXQ(none, sum(i+limbs))
		}
		for k := 2*i + 1; k <= 2*i+2 && k < limbs; k++ {
			MOVQ(sum(k), low.Offset(8*k))
		}
	}
	// Twice the sum, in one carry chain, and the squares, in the other.
	top := sum(2*limbs - 1)
	zero()
	for i := range limbs {
		MOVQ(word(x, i), mul)
		MULXQ(mul, lo, hi)
		for k, half := range []reg.Register{lo, hi} {
			doubled(top, sum(2*i+k), 2*i+k, half, low)
		}
	}
}

// doubled sets word k of a square to twice itself and half, with both carries.
func doubled(top, w reg.GPPhysical, k int, half reg.Register, low Mem) {
	switch {
	case k == 0:
		MOVQ(half, low)
		return
	case k < limbs:
		w = top
		MOVQ(low.Offset(8*k), w)
	case k == 2*limbs-1:
		MOVL(U32(0), top.As32())
	}
	ADCXQ(w, w)
	ADOXQ(half, w)
	if k < limbs {
		MOVQ(w, low.Offset(8*k))
	}
}
