// Program mgm writes gost/mgm/gf_amd64.s: sums of products of polynomials over
// GF(2) with VPCLMULQDQ. go generate runs it.
package main

import (
	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// sum is the truth table of a xor b xor c.
const sum = U8(0x96)

// Which words of two pairs VPCLMULQDQ multiplies.
const (
	lowLow   = U8(0x00)
	lowHigh  = U8(0x10)
	highLow  = U8(0x01)
	highHigh = U8(0x11)
)

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// products is a function that sums products of blocks. term is called
// with 64 bytes of factors and of data, zero behind the end, and accumulates
// into registers, as many as there are sums.
func products(name string, sums int, term func(h, x reg.VecVirtual, acc []reg.VecVirtual), doc ...string) {
	TEXT(name, NOSPLIT, "func(sums *[2]uint64, swap *byte, factors, data *byte, n int)")
	Doc(doc...)
	acc := make([]reg.VecVirtual, sums)
	for i := range acc {
		acc[i] = ZMM()
		VPXORQ(acc[i], acc[i], acc[i])
	}
	swap := ZMM()
	VMOVDQU64(Mem{Base: Load(Param("swap"), GP64())}, swap)
	factors, data, n := Load(Param("factors"), GP64()), Load(Param("data"), GP64()), Load(Param("n"), GP64())
	mask, there := GP64(), K()
	MOVQ(I32(-1), mask)
	Label("next")
	CMPQ(n, U8(64))
	JGE(LabelRef("whole"))
	BZHIQ(n, mask, mask)
	Label("whole")
	KMOVQ(mask, there)
	h, x := ZMM(), ZMM()
	VMOVDQU8_Z(at(factors, 0), there, h)
	VMOVDQU8_Z(at(data, 0), there, x)
	VPSHUFB(swap, h, h)
	VPSHUFB(swap, x, x)
	term(h, x, acc)
	ADDQ(U8(64), factors)
	ADDQ(U8(64), data)
	SUBQ(U8(64), n)
	JG(LabelRef("next"))
	out := Load(Param("sums"), GP64())
	for i, a := range acc {
		store(a, at(out, 16*i))
	}
	VZEROUPPER()
	RET()
}

// store writes the sum of the four pairs of words of a.
func store(a reg.VecVirtual, m Mem) {
	half, quarter := YMM(), XMM()
	VEXTRACTI64X4(U8(1), a, half)
	VPXORQ(half, a.AsY(), half)
	VEXTRACTI64X2(U8(1), half, quarter)
	VPXORQ(half.AsX(), quarter, quarter)
	VMOVDQU64(quarter, m)
}

func multiply(part Op, h, x reg.VecVirtual) reg.VecVirtual {
	p := ZMM()
	VPCLMULQDQ(part, h, x, p)
	return p
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	products("products64", 1, func(h, x reg.VecVirtual, acc []reg.VecVirtual) {
		VPTERNLOGQ(sum, multiply(lowLow, h, x), multiply(highHigh, h, x), acc[0])
	}, "products64 sets sums to that of the products of 8-byte blocks in n bytes, n > 0.")
	products("products128", 3, func(h, x reg.VecVirtual, acc []reg.VecVirtual) {
		VPXORQ(multiply(lowLow, h, x), acc[0], acc[0])
		VPXORQ(multiply(highHigh, h, x), acc[1], acc[1])
		VPTERNLOGQ(sum, multiply(lowHigh, h, x), multiply(highLow, h, x), acc[2])
	}, "products128 sets sums to those of the products of 16-byte blocks in n bytes, n > 0: of",
		"their low halves, of their high halves, and of one's low with the other's",
		"high half.")
	Generate()
}
