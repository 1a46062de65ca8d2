// Program ifma writes gost/gost3410/ifma_amd64.s: points of eight independent
// verifications of GOST R 34.10-2012 side by side in AVX-512 IFMA. go generate
// runs it.
//
// VPMADD52LUQ and VPMADD52HUQ multiply the low 52 bits of each of eight words
// and add the lower or the upper 52 bits of the product to an accumulator, so
// numbers have limbs of 52 bits: five for primes of 256 bits, ten for 512. An
// element is eight numbers, limb i of all in one register or in 64 octets of
// memory.
//
// A multiplication sums the products in one column for each limb. Each column
// gathers less than 2^58 and needs no carry on the way. What is above the limbs
// is folded, since 2^(52 limbs) is a small number modulo p; then all that is
// above the bits of p; then one carry goes through. The result is not quite
// reduced: an element carries a bound for it in units of 2^bits, from which the
// generator derives the multiple of p that keeps a difference positive, and
// refuses to write what might overflow.
//
// Bound: the processors of 2022 (Zen 4) start one VPMADD52 of 512 bits a cycle.
// A multiplication modulo 2^256-617 takes 50 and the reduction 11, a squaring 30
// and 11; a doubling 4 of each, 408 cycles for eight points. Montgomery's
// reduction, for the prime that has no special form, takes 50.
package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func newPrime(name string, limbs, bits int, c int64) *prime {
	return &prime{
		name: name, limbs: limbs, bits: bits, c: c,
		at: map[uint64]int{}, sums: map[[2]int]int{},
	}
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	for _, p := range []*prime{
		newPrime("256m617", 5, 256, 617),
		newPrime("255p3225", 5, 255, -3225),
		newMontgomery("256c", 5, "9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D759B"),
		newPrime("512m569", 10, 512, 569),
		newPrime("511p111", 10, 511, -111),
	} {
		if p.shared() {
			p.functions()
		}
		p.multiplication()
		p.weierstrass()
		if p.c > 0 {
			p.edwards()
		}
		p.data()
	}
	digits()
	Generate()
}

// begin starts a function; "p" and the other parameters are pointers.
func (p *prime) begin(name, signature, doc string) {
	TEXT(p.function(name), 0, signature)
	Pragma("noescape")
	Doc(strings.Split(p.function(name)+" "+doc, "\n")...)
	p.zero = ZMM()
	VPXORQ(p.zero, p.zero, p.zero)
}

// size is that of an element in octets.
func (p *prime) size() int { return 64 * p.limbs }

// param returns the element i of a row of elements that a parameter points at.
func (p *prime) param(base reg.Register, i, units int) element {
	return element{base: base, off: i * p.size(), units: units}
}

// scratch returns n elements on the stack, at a multiple of 64. One more is for
// what calls add.
func (p *prime) scratch(n int) []element {
	memory := AllocLocal(p.size()*(n+1) + 64)
	base := GP64()
	LEAQ(memory.Offset(63), base)
	ANDQ(I8(-64), base)
	p.addend = p.param(base, n, 0)
	out := make([]element, n)
	for i := range out {
		out[i] = p.param(base, i, 0)
	}
	return out
}

func pointer(name string) reg.Register { return Load(Param(name), GP64()) }

func end() {
	VZEROUPPER()
	RET()
}

func (p *prime) multiplication() {
	p.begin("Mul", "func(z, x, y *uint64)", "sets z = x * y.")
	z, x, y := pointer("z"), pointer("x"), pointer("y")
	p.together(func() { p.mul(p.param(z, 0, 0), p.param(x, 0, p.tight()), p.param(y, 0, p.tight())) })
	end()
}
