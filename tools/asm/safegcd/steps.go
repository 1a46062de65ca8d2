package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Registers of the steps.
var (
	f, g  = reg.R11, reg.R12 // the low words
	pf    = reg.R8           // f, u and v packed
	pg    = reg.R9           // g, q and r packed
	zeta  = reg.R10
	small = [4]reg.Register{reg.RAX, reg.RCX, reg.RDX, reg.RBX} // u, v, q, r of 20 steps
)

// steps does 60 division steps on the low limbs and leaves their matrix.
func steps() {
	MOVQ(at(state, zetaAt), zeta)
	for _, w := range []struct {
		word reg.Register
		at   int
	}{{f, fAt}, {g, gAt}} {
		MOVQ(at(state, w.at+8), w.word)
		SHLQ(U8(limbBits), w.word)
		ORQ(at(state, w.at), w.word)
	}
	for round := range limbBits / packed {
		pack()
		for range packed {
			step()
		}
		unpack(pf, small[0], small[1])
		unpack(pg, small[2], small[3])
		if round+1 < limbBits/packed {
			advance()
		}
		multiply(round == 0)
	}
	MOVQ(zeta, at(state, zetaAt))
}

// pack sets the packed words: u = 1 and r = 1 are -2^41 and -2^62, for the
// parts hold -u, -v, -q and -r times 2^20, and of these 2^20 itself is never
// reached.
func pack() {
	MOVQ(f, pf)
	MOVQ(g, pg)
	ANDQ(U32(1<<packed-1), pf)
	ANDQ(U32(1<<packed-1), pg)
	minus := uint64(1) << 41
	MOVQ(U64(-minus), reg.RAX)
	ORQ(reg.RAX, pf)
	minus = 1 << 62
	MOVQ(U64(-minus), reg.RCX)
	ORQ(reg.RCX, pg)
}

// step is one division step. zeta is -(delta + 1/2): for zeta < 0 and odd g
// f, g = g, (g - f)/2 and zeta = -zeta - 2, else g = (g + (g mod 2) f)/2 and
// zeta = zeta - 1.
func step() {
	sum, difference, next, turned := reg.RAX, reg.RCX, reg.RDX, reg.RBX
	LEAQ(Mem{Base: pf, Index: pg, Scale: 1}, sum)
	MOVQ(pg, difference)
	SUBQ(pf, difference)
	MOVQ(pf, next)
	MOVQ(zeta, turned)
	NOTQ(turned)
	TESTQ(zeta, zeta)
	CMOVQMI(difference, sum)
	CMOVQMI(pg, next)
	CMOVQPL(zeta, turned)
	TESTQ(U32(1), pg)
	CMOVQNE(sum, pg)
	CMOVQNE(next, pf)
	CMOVQNE(turned, zeta)
	DECQ(zeta)
	SARQ(U8(1), pg)
}

// unpack sets a and b to the row of a packed word, which is lost.
func unpack(p, a, b reg.Register) {
	half := reg.R13
	ADDQ(U32(1<<packed), p) // the number at the bottom may be below 0
	MOVQ(p, a)
	SHLQ(U8(22), a)
	SARQ(U8(43), a)
	MOVQ(U64(1<<41), half) // and so may the part in the middle
	ADDQ(half, p)
	SARQ(U8(42), p)
	MOVQ(p, b)
	NEGQ(a)
	NEGQ(b)
}

// advance applies the 20 steps to the low words.
func advance() {
	a, b := reg.R13, reg.R15
	product := func(dst, u, v reg.Register) {
		MOVQ(f, dst)
		IMULQ(u, dst)
		MOVQ(g, pf)
		IMULQ(v, pf)
		ADDQ(pf, dst)
		SARQ(U8(packed), dst)
	}
	product(a, small[0], small[1])
	product(b, small[2], small[3])
	MOVQ(a, f)
	MOVQ(b, g)
}

// multiply multiplies the matrix so far by the new one from the left, or sets
// it if it is the first.
func multiply(first bool) {
	t := func(i int) Mem { return at(state, matrixAt+8*i) }
	if first {
		for i, r := range small {
			MOVQ(r, t(i))
		}
		return
	}
	out := [4]reg.Register{pf, reg.R13, reg.R15, reg.RBP}
	for i, dst := range out {
		row, column := i/2*2, i%2
		MOVQ(t(column), dst)
		IMULQ(small[row], dst)
		MOVQ(t(column+2), pg)
		IMULQ(small[row+1], pg)
		ADDQ(pg, dst)
	}
	for i, r := range out {
		MOVQ(r, t(i))
	}
}
