package main

import (
	"log"
	"math/big"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/gosklyuch/gosklyuch/tools/asm/point"
)

// montgomery is a field whose prime has no special form. Elements are reduced
// and stand for themselves times 2^-256.
type montgomery struct {
	arith
	p  Mem // the prime
	n0 Mem // -p^-1 mod 2^64
}

// newMontgomery writes the constants of a prime.
func newMontgomery(name, prime string) montgomery {
	p, ok := new(big.Int).SetString(prime, 16)
	if !ok {
		log.Fatal("bad number " + prime)
	}
	word := new(big.Int).Lsh(big.NewInt(1), 64)
	f := montgomery{p: GLOBL(name+"Prime", RODATA|NOPTR)}
	for i := range limbs {
		w := new(big.Int).Rsh(p, uint(64*i))
		DATA(8*i, U64(w.Mod(w, word).Uint64()))
	}
	f.n0 = f.p.Offset(8 * limbs)
	inverse := new(big.Int).ModInverse(p, word)
	DATA(8*limbs, U64(-inverse.Uint64()))
	return f
}

func (f montgomery) Mul(a, b point.Slot) {
	product(a, b)
	f.reduce()
}

func (f montgomery) Square(a point.Slot) {
	square(a)
	f.reduce()
}

// reduce sets acc to (acc + 2^256 high) / 2^256: four times a multiple of p is
// added that clears the lowest word, and the words move down by one. The upper
// half waits for the end.
func (f montgomery) reduce() {
	for i := range limbs {
		t := func(j int) Op { return acc[(i+j)%limbs] }
		MOVQ(t(0), mul)
		IMULQ(f.n0, mul)
		zero(lo)
		for j := range limbs - 1 {
			MULXQ(f.p.Offset(8*j), lo, hi)
			ADCXQ(lo, t(j))
			ADOXQ(hi, t(j+1))
		}
		MULXQ(f.p.Offset(8*(limbs-1)), lo, t(0))
		ADCXQ(lo, t(limbs-1))
		ADOXQ(nothing, t(0))
		ADCQ(I8(0), t(0))
	}
	sum(high.limb)
	f.subPrime(1)
}

// subPrime takes p away from acc + 2^256 hi as often as possible, but not more
// than times times.
func (f montgomery) subPrime(times int) {
	for k := range times {
		copyTo(high)
		if k+1 < times {
			MOVQ(hi, lo)
		}
		subChain(of(f.p))
		SBBQ(I8(0), hi)
		for i, r := range acc {
			CMOVQCS(high[i], r)
		}
		if k+1 < times {
			CMOVQCS(lo, hi)
		}
	}
}

func (f montgomery) Add(a ...point.Slot) {
	sum(slots(a)...)
	f.subPrime(len(a))
}

func (f montgomery) Sub(a ...point.Slot) {
	for _, s := range a {
		for _, r := range high {
			zero(r)
		}
		subChain(of(s))
		for i, r := range high {
			CMOVQCS(f.p.Offset(8*i), r)
		}
		addChain(high.limb)
	}
}

func (f montgomery) Double() {
	sum(acc.limb)
	f.subPrime(1)
}

func (f montgomery) Triple() {
	copyTo(high)
	sum(high.limb, high.limb)
	f.subPrime(2)
}

// Half adds p to an odd number first.
func (f montgomery) Half() {
	for _, r := range high {
		zero(r)
	}
	TESTQ(U32(1), acc[0])
	for i, r := range high {
		CMOVQNE(f.p.Offset(8*i), r)
	}
	addChain(high.limb)
	shiftRight()
}

// CondNeg leaves 0 as it is: p is not reduced.
func (f montgomery) CondNeg(flag Mem) {
	copyTo(high)
	zero(lo)
	for i, r := range acc {
		ORQ(r, lo)
		MOVQ(f.p.Offset(8*i), r)
	}
	subChain(high.limb)
	NEGQ(lo)
	SBBQ(lo, lo)
	ANDQ(flag, lo)
	for i, r := range acc {
		CMOVQEQ(high[i], r)
	}
}
