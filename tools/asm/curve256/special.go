package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/gosklyuch/gosklyuch/tools/asm/point"
)

// minus is the field modulo 2^256 - c. Elements are below 2^256 and not always
// reduced: a carry of k is worth kc.
type minus struct {
	arith
	c uint32
}

func (f minus) Mul(a, b point.Slot) {
	product(a, b)
	f.reduce()
}

func (f minus) Square(a point.Slot) {
	square(a)
	f.reduce()
}

// reduce sets acc to acc + 2^256 high.
func (f minus) reduce() {
	MOVL(U32(f.c), mul.As32())
	zero(lo)
	for i := range limbs - 1 {
		MULXQ(high[i], lo, hi)
		ADCXQ(lo, acc[i])
		ADOXQ(hi, acc[i+1])
	}
	MULXQ(high[limbs-1], lo, hi)
	ADCXQ(lo, acc[limbs-1])
	ADOXQ(nothing, hi)
	ADCQ(I8(0), hi)
	f.foldCarries()
}

// foldCarries adds hi times c: hi is below 2^11. After a second carry what is
// left is below 2^21, so a third cannot follow.
func (f minus) foldCarries() {
	IMUL3Q(U32(f.c), hi, hi)
	addChain(lowest(hi))
	SBBQ(lo, lo)
	ANDL(U32(f.c), lo.As32())
	ADDQ(lo, acc[0])
}

func (f minus) foldBorrows() {
	IMUL3Q(U32(f.c), hi, hi)
	subChain(lowest(hi))
	SBBQ(lo, lo)
	ANDL(U32(f.c), lo.As32())
	SUBQ(lo, acc[0]) // after a second borrow the lowest limb is near 2^64
}

func (f minus) Add(a ...point.Slot) {
	sum(slots(a)...)
	f.foldCarries()
}

func (f minus) Sub(a ...point.Slot) {
	difference(slots(a)...)
	f.foldBorrows()
}

func (f minus) Double() {
	sum(acc.limb)
	f.foldCarries()
}

func (f minus) Triple() {
	copyTo(high)
	sum(high.limb, high.limb)
	f.foldCarries()
}

// Half adds p to an odd number first: p is 2^256 - c.
func (f minus) Half() {
	MOVQ(acc[0], hi)
	ANDL(U32(1), hi.As32())
	MOVQ(hi, high[0])
	IMUL3Q(U32(f.c), hi, hi)
	subChain(lowest(hi))
	SBBQ(I8(0), high[0]) // 2^256 less the borrow
	SHRQ(U8(1), high[0])
	shiftRight()
}

func (f minus) CondNeg(flag Mem) {
	copyTo(high)
	for _, r := range acc {
		zero(r)
	}
	difference(high.limb)
	f.foldBorrows()
	choose(flag)
}

// plus is the field modulo 2^255 + c. Elements are below 2^256 and not always
// reduced: a carry of k is worth -2kc.
type plus struct {
	arith
	c uint32
}

func (f plus) Mul(a, b point.Slot) {
	product(a, b)
	f.reduce()
}

func (f plus) Square(a point.Slot) {
	square(a)
	f.reduce()
}

// reduce sets acc to acc + 2^256 high = acc - 2c high.
func (f plus) reduce() {
	MOVL(U32(2*f.c), mul.As32())
	MULXQ(high[0], high[0], hi)
	MULXQ(high[1], lo, high[1])
	ADDQ(lo, hi)
	MULXQ(high[2], lo, high[2])
	ADCQ(lo, high[1])
	MULXQ(high[3], lo, high[3])
	ADCQ(lo, high[2])
	ADCQ(I8(0), high[3])
	folded := element{high[0], hi, high[1], high[2]}
	subChain(folded.limb)
	ADCQ(I8(0), high[3])
	MOVQ(high[3], hi)
	f.foldBorrows()
}

// foldBorrows adds hi times 2c: hi is below 2^14. What is left after a carry is
// small; 2^256 - p are added to it for the carry.
func (f plus) foldBorrows() {
	IMUL3Q(U32(2*f.c), hi, hi)
	addChain(lowest(hi))
	SBBQ(lo, lo)
	MOVQ(lo, hi)
	MOVQ(lo, mul)
	ANDQ(I32(-int32(f.c)), hi)
	SHRQ(U8(1), mul)
	addChain(element{hi, lo, lo, mul}.limb)
}

// foldCarries takes hi times 2c away, and adds p after a borrow.
func (f plus) foldCarries() {
	IMUL3Q(U32(2*f.c), hi, hi)
	subChain(lowest(hi))
	SBBQ(lo, lo)
	f.addPrime()
}

// addPrime adds p if lo is all ones and nothing if it is 0.
func (f plus) addPrime() {
	MOVQ(lo, hi)
	ANDL(U32(f.c), hi.As32())
	SHLQ(U8(63), lo)
	ADDQ(hi, acc[0])
	ADCQ(I8(0), acc[1])
	ADCQ(I8(0), acc[2])
	ADCQ(lo, acc[3])
}

func (f plus) Add(a ...point.Slot) {
	sum(slots(a)...)
	f.foldCarries()
}

func (f plus) Sub(a ...point.Slot) {
	difference(slots(a)...)
	f.foldBorrows()
}

func (f plus) Double() {
	sum(acc.limb)
	f.foldCarries()
}

func (f plus) Triple() {
	copyTo(high)
	sum(high.limb, high.limb)
	f.foldCarries()
}

// Half adds p to an odd number first.
func (f plus) Half() {
	MOVQ(acc[0], lo)
	ANDL(U32(1), lo.As32())
	NEGQ(lo)
	f.addPrime()
	shiftRight()
}

func (f plus) CondNeg(flag Mem) {
	copyTo(high)
	for _, r := range acc {
		zero(r)
	}
	difference(high.limb)
	f.foldBorrows()
	choose(flag)
}
