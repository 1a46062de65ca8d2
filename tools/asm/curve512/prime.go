package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A prime is how a field reduces. All of these change acc and clobber lo, hi
// and mul.
type prime struct {
	name string // of its routines
	// fold adds the eight words of low to 2^512 acc. none is a word 0.
	fold func(low, none Mem)
	// finish adds 2^512 hi, where hi is at most 2.
	finish func()
	// carry adds 2^512 CF, borrow subtracts it.
	carry, borrow func()
	// addOdd adds the prime if acc is odd; CF is the carry out of it.
	addOdd func()
	// afterNot takes the complement of each bit, if lo is all ones, for the
	// element's negative. If lo is 0, nothing changes.
	afterNot func()
}

var (
	p569 = prime{"569", fold569, finish569, carry569, borrow569, addOdd569, afterNot569}
	p111 = prime{"111", fold111, finish111, carry111, borrow111, addOdd111, afterNot111}
)

// fold sets acc to the low words of c acc + low, c being in mul, and hi to the
// ninth. CF and OF are clear before. With first, hi holds something to be added
// before.
func fold(low, none Mem, first bool) {
	for i := range limbs {
		from, to := hi, lo
		if i%2 == 1 {
			from, to = lo, hi
		}
		MULXQ(acc[i], acc[i], to)
		ADCXQ(low.Offset(8*i), acc[i])
		if i > 0 || first {
			ADOXQ(from, acc[i])
		}
	}
	ADCXQ(none, hi)
	ADOXQ(none, hi)
}

// propagate adds n to acc; CF is the carry out of it.
func propagate(n Op) {
	ADDQ(n, acc[0])
	for i := 1; i < limbs; i++ {
		ADCQ(I8(0), acc[i])
	}
}

// withdraw subtracts n; CF is the borrow.
func withdraw(n Op) {
	SUBQ(n, acc[0])
	for i := 1; i < limbs; i++ {
		SBBQ(I8(0), acc[i])
	}
}

// c569 is 2^512 modulo 2^512 - 569.
const c569 = 569

func fold569(low, none Mem) {
	MOVL(U32(c569), reg.EDX)
	zero()
	fold(low, none, false)
	finish569()
}

// finish569 takes a hi of up to 569.
func finish569() {
	IMUL3Q(U32(c569), hi, hi)
	propagate(hi)
	// If that carried out of the eighth word, what is left is below 569^2 and
	// 569 more do not carry.
	SBBQ(lo, lo)
	ANDL(U32(c569), reg.EAX)
	ADDQ(lo, acc[0])
}

func carry569() {
	SBBQ(lo, lo)
	ANDL(U32(c569), reg.EAX)
	propagate(lo)
	SBBQ(lo, lo)
	ANDL(U32(c569), reg.EAX)
	ADDQ(lo, acc[0]) // below 569 if it carried
}

func borrow569() {
	SBBQ(lo, lo)
	ANDL(U32(c569), reg.EAX)
	withdraw(lo)
	SBBQ(lo, lo)
	ANDL(U32(c569), reg.EAX)
	SUBQ(lo, acc[0]) // at least 2^512 - 569 if it borrowed
}

func addOdd569() {
	MOVQ(acc[0], lo)
	ANDL(U8(1), reg.EAX)
	NEGQ(lo)
	MOVQ(lo, hi)
	ANDQ(I32(-c569), hi)
	ADDQ(hi, acc[0])
	for i := 1; i < limbs; i++ {
		ADCQ(lo, acc[i])
	}
}

func afterNot569() {
	// The complement of x is 2^512 - 1 - x, or 568 - x.
	ANDL(U32(c569-1), reg.EAX)
	withdraw(lo)
	SBBQ(lo, lo)
	ANDL(U32(c569), reg.EAX)
	SUBQ(lo, acc[0]) // at least 2^512 - 568 if it borrowed
}

// c111 is 2^511 modulo 2^511 + 111, negated.
const c111 = 111

func fold111(low, none Mem) {
	// -222 h = 222 (2^512 - 1 - h) - 222 (2^512 - 1) is, up to a multiple of the
	// prime, 222 (not h) + 222^2 + 222. Twice the prime, 2^512 + 222, on top
	// makes the sum certainly larger than 2^512.
	const c = 2 * c111
	MOVL(U32(c), reg.EDX)
	MOVL(U32(c*c+c+c), reg.ECX)
	for _, w := range acc {
		NOTQ(w)
	}
	zero()
	fold(low, none, true)
	// The sum is l + 2^511 n, with l below 2^511 and n = 2 (hi + 1) + the
	// highest bit of acc. Less n-1 times the prime it is l + 2^511 - 111 (n-1).
	MOVQ(acc[limbs-1], lo)
	SHRQ(U8(63), lo)
	LEAQ(Mem{Base: lo, Index: hi, Scale: 2, Disp: 1}, lo)
	IMUL3Q(U8(c111), lo, lo)
	BTSQ(U8(63), acc[limbs-1])
	withdraw(lo)
}

// finish111 does the same with n = 2 hi + the highest bit, where it may be 0:
// then nothing is to be done.
func finish111() {
	MOVQ(acc[limbs-1], lo)
	SHRQ(U8(63), lo)
	LEAQ(Mem{Base: lo, Index: hi, Scale: 2}, lo)
	CMPQ(lo, U8(1))
	SBBQ(hi, hi)
	NOTQ(hi) // all ones if n > 0
	ADDQ(hi, lo)
	IMUL3Q(U8(c111), lo, lo)
	SHLQ(U8(63), hi)
	ORQ(hi, acc[limbs-1]) // n = 0 means that the highest bit is clear
	withdraw(lo)
}

func carry111() {
	// As above: 2^511 is left, 111 (CF + (CF and the highest bit)) goes.
	SBBQ(hi, hi)
	MOVQ(acc[limbs-1], lo)
	SARQ(U8(63), lo)
	ANDQ(hi, lo)
	ADDQ(hi, lo)
	IMUL3Q(I8(-c111), lo, lo)
	SHLQ(U8(63), hi)
	ORQ(hi, acc[limbs-1])
	withdraw(lo)
}

func borrow111() {
	// The prime is added once if acc has its highest bit set, else twice.
	SBBQ(hi, hi)
	MOVQ(acc[limbs-1], lo)
	SARQ(U8(63), lo)
	ANDQ(hi, lo)
	SUBQ(hi, lo)
	SUBQ(hi, lo) // 2 CF - (CF and the bit)
	IMUL3Q(U8(c111), lo, lo)
	SHLQ(U8(63), hi)
	ANDNQ(acc[limbs-1], hi, acc[limbs-1])
	propagate(lo)
}

func addOdd111() {
	MOVQ(acc[0], lo)
	ANDL(U8(1), reg.EAX)
	MOVQ(lo, hi)
	SHLQ(U8(63), hi)
	IMUL3Q(U8(c111), lo, lo)
	ADDQ(lo, acc[0])
	for i := 1; i < limbs-1; i++ {
		ADCQ(I8(0), acc[i])
	}
	ADCQ(hi, acc[limbs-1])
}

func afterNot111() {
	// The complement of x is 2^512 - 1 - x, or -223 - x.
	ANDL(U32(2*c111+1), reg.EAX)
	propagate(lo)
	carry111()
}
