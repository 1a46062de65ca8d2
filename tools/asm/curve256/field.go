package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gosklyuch/gosklyuch/tools/asm/point"
)

// limbs is the number of 64-bit limbs of an element.
const limbs = 4

// element is an element in registers, the lowest limb first.
type element [limbs]reg.GPPhysical

// The registers are given out by hand: all that Go leaves to assembler are in
// use.
var (
	acc  = element{reg.R8, reg.R9, reg.R10, reg.R11}
	high = element{reg.R12, reg.R13, reg.R15, reg.RBP} // the upper half of a product
	lo   = reg.RAX
	hi   = reg.RCX
	mul  = reg.RDX // MULX multiplies by it
)

// arith is what all fields of four limbs have in common.
type arith struct{}

func (arith) Limbs() int { return limbs }

func (arith) Pointers() (p, q, t reg.Register) { return reg.RDI, reg.RSI, reg.RBX }

func (arith) Load(a point.Slot) {
	for i, r := range acc {
		MOVQ(a.Offset(8*i), r)
	}
}

func (arith) Store(a point.Slot) {
	for i, r := range acc {
		MOVQ(r, a.Offset(8*i))
	}
}

// nothing is a word of zeros in memory, for the end of a chain of ADOX. The
// assembler makes a MOV of 0 into a XOR, and the carries would be lost.
var nothing Mem

func constants() {
	nothing = GLOBL("nothing256", RODATA|NOPTR)
	DATA(0, U64(0))
}

// zero clears r and the flags CF and OF.
func zero(r reg.GPPhysical) { XORL(r.As32(), r.As32()) }

// product sets high and acc to the two halves of a * b, by rows: row i is word
// i of a times all words of b, added to what the rows before left. The low
// halves run in one chain of carries, the high halves in the other.
func product(a, b point.Slot) {
	t := []reg.GPPhysical{acc[0], acc[1], acc[2], acc[3], high[0], high[1], high[2], high[3]}
	MOVQ(a, mul)
	MULXQ(b, t[0], t[1])
	for j := 1; j < limbs; j++ {
		MULXQ(b.Offset(8*j), lo, t[j+1])
		if j == 1 {
			ADDQ(lo, t[j])
		} else {
			ADCQ(lo, t[j])
		}
	}
	ADCQ(I8(0), t[limbs])
	for i := 1; i < limbs; i++ {
		MOVQ(a.Offset(8*i), mul)
		zero(lo)
		for j := range limbs - 1 {
			MULXQ(b.Offset(8*j), lo, hi)
			ADCXQ(lo, t[i+j])
			ADOXQ(hi, t[i+j+1])
		}
		MULXQ(b.Offset(8*(limbs-1)), lo, t[i+limbs])
		ADCXQ(lo, t[i+limbs-1])
		ADOXQ(nothing, t[i+limbs])
		ADCQ(I8(0), t[i+limbs])
	}
}

// square sets high and acc to the two halves of a * a: the products above the
// diagonal once, doubled in one chain of carries while the diagonal is added in
// the other.
func square(a point.Slot) {
	t := []reg.GPPhysical{acc[0], acc[1], acc[2], acc[3], high[0], high[1], high[2], high[3]}
	MOVQ(a, mul)
	MULXQ(a.Offset(8), t[1], t[2])
	MULXQ(a.Offset(16), lo, t[3])
	ADDQ(lo, t[2])
	MULXQ(a.Offset(24), lo, t[4])
	ADCQ(lo, t[3])
	MOVQ(a.Offset(8), mul)
	MULXQ(a.Offset(24), lo, t[5])
	ADCQ(lo, t[4])
	ADCQ(I8(0), t[5])
	MULXQ(a.Offset(16), lo, hi)
	MOVQ(a.Offset(24), mul)
	MULXQ(a.Offset(16), mul, t[6])
	ADDQ(lo, t[3])
	ADCQ(hi, t[4])
	ADCQ(mul, t[5])
	ADCQ(I8(0), t[6])
	zero(t[7])
	for i := range limbs {
		MOVQ(a.Offset(8*i), mul)
		if i == 0 {
			MULXQ(mul, t[0], hi)
		} else {
			MULXQ(mul, lo, hi)
			ADCXQ(t[2*i], t[2*i])
			ADOXQ(lo, t[2*i])
		}
		ADCXQ(t[2*i+1], t[2*i+1])
		ADOXQ(hi, t[2*i+1])
	}
}

// addChain emits acc = acc + b with its carry in CF.
func addChain(b func(i int) Op) {
	for i, r := range acc {
		if i == 0 {
			ADDQ(b(i), r)
		} else {
			ADCQ(b(i), r)
		}
	}
}

// subChain emits acc = acc - b with its borrow in CF.
func subChain(b func(i int) Op) {
	for i, r := range acc {
		if i == 0 {
			SUBQ(b(i), r)
		} else {
			SBBQ(b(i), r)
		}
	}
}

// lowest is an operand of a chain that has one word.
func lowest(b Op) func(i int) Op {
	return func(i int) Op {
		if i == 0 {
			return b
		}
		return I8(0)
	}
}

func of(a point.Slot) func(i int) Op { return func(i int) Op { return a.Offset(8 * i) } }

func (e element) limb(i int) Op { return e[i] }

// sum emits acc = acc + each summand and leaves in hi how often it carried.
func sum(summands ...func(i int) Op) { count(addChain, summands) }

func difference(subtrahends ...func(i int) Op) { count(subChain, subtrahends) }

func count(chain func(b func(i int) Op), operands []func(i int) Op) {
	for k, b := range operands {
		chain(b)
		if k == 0 {
			SBBQ(hi, hi) // CF as it was
			NEGQ(hi)
		} else {
			ADCQ(I8(0), hi)
		}
	}
}

func slots(a []point.Slot) []func(i int) Op {
	out := make([]func(i int) Op, len(a))
	for i := range a {
		out[i] = of(a[i])
	}
	return out
}

// copyTo copies the accumulator.
func copyTo(e element) {
	for i, r := range acc {
		MOVQ(r, e[i])
	}
}

// shiftRight halves acc, with the bit above it in CF.
func shiftRight() {
	for i := limbs - 1; i >= 0; i-- {
		RCRQ(U8(1), acc[i])
	}
}

// choose undoes what was done to acc since copyTo(high) if flag is 0.
func choose(flag Mem) {
	CMPQ(flag, U8(0))
	for i, r := range acc {
		CMOVQEQ(high[i], r)
	}
}
