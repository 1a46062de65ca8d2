package main

import (
	"fmt"
	"log"
	"math/big"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const radix = 52

// A prime is 2^bits - c, or modulus, which has so many bits.
type prime struct {
	name    string // part of the names of functions
	limbs   int
	bits    int
	c       int64
	modulus *big.Int // for Montgomery's reduction
	tables  int      // where those of tidy are

	zero   reg.VecVirtual // of the current function
	stages []stage        // operations that are not written yet
	addend element        // memory for what calls add
	to     *[]func()      // where instructions go
	words  []uint64       // the constants in memory
	at     map[uint64]int // where a constant is
	sums   map[[2]int]int // where a multiple of p is, see multiple
}

// An element is eight numbers in memory: limb i of all lanes in 64 octets.
type element struct {
	base reg.Register
	off  int
	// units bounds the numbers: they are below units * 2^bits * (1 + 2^-30), or
	// below units * modulus / 64.
	units int
}

func (e element) limb(i int) Mem { return Mem{Base: e.base, Disp: e.off + 64*i} }

func (e element) of(units int) element {
	e.units = units
	return e
}

func (p *prime) value() *big.Int {
	if p.modulus != nil {
		return p.modulus
	}
	v := new(big.Int).Lsh(big.NewInt(1), uint(p.bits))
	return v.Sub(v, big.NewInt(p.c))
}

func (p *prime) symbol() string { return "ifma" + p.name + "Constants" }

// word returns the memory of a constant.
func (p *prime) word(w uint64) Mem {
	i, ok := p.at[w]
	if !ok {
		i = len(p.words)
		p.words = append(p.words, w)
		p.at[w] = i
	}
	return p.memory(i)
}

func (p *prime) memory(i int) Mem {
	return Mem{Symbol: Symbol{Name: p.symbol(), Static: true}, Base: reg.StaticBase, Disp: 8 * i}
}

// data writes the constants.
func (p *prime) data() {
	g := GLOBL(p.symbol(), attr.RODATA|attr.NOPTR)
	_ = g
	for i, w := range p.words {
		DATA(8*i, U64(w))
	}
}

// top is the number of bits of a number below 2^bits in the last limb.
func (p *prime) top() int { return p.bits - radix*(p.limbs-1) }

// tight bounds coordinates between two operations on points.
func (p *prime) tight() int {
	if p.modulus != nil {
		return p.tidyBound()
	}
	if p.c > 0 {
		return 1
	}
	return 2
}

// lift returns the multiple of p that is subtracted from so that nothing below
// units, which has carries that are not yet made, leaves something negative;
// and its bound.
func (p *prime) lift(units int) (k, bound int) {
	if p.modulus != nil {
		k = units/fine + 1
		return k, k * fine
	}
	return units + 1, units + 1
}

// negated bounds a coordinate that choose may have negated.
func (p *prime) negated() int {
	_, bound := p.lift(p.tight())
	return bound
}

// fits reports whether such numbers have no more than the limbs' bits.
func (p *prime) fits(units int) bool {
	if p.modulus != nil {
		v := new(big.Int).Mul(p.modulus, big.NewInt(int64(units)))
		return v.Cmp(new(big.Int).Mul(big.NewInt(fine), power(radix*p.limbs))) < 0
	}
	return units < 1<<(radix-p.top())
}

// keep checks numbers that another operation reads, which relies on a bound of
// n times tight.
func (p *prime) keep(n int, e ...element) {
	for _, e := range e {
		if e.units > n*p.tight() {
			log.Fatalf("%s: a coordinate of %d units", p.name, e.units)
		}
	}
}

// multiple returns where the limbs of k * p are, written so that every limb but
// the last is at least spread * (2^52 - 1): what is subtracted from them limb
// by limb leaves nothing negative.
func (p *prime) multiple(k, spread int) int {
	if i, ok := p.sums[[2]int{k, spread}]; ok {
		return i
	}
	limbs := split(new(big.Int).Mul(p.value(), big.NewInt(int64(k))), p.limbs)
	for i := range p.limbs - 1 {
		limbs[i] += uint64(spread) << radix
		limbs[i+1] -= uint64(spread)
	}
	i := len(p.words)
	p.words = append(p.words, limbs...)
	p.sums[[2]int{k, spread}] = i
	return i
}

// split returns the limbs of x; the last takes all that is left.
func split(x *big.Int, n int) []uint64 {
	x = new(big.Int).Set(x)
	mask := big.NewInt(1<<radix - 1)
	limbs := make([]uint64, n)
	for i := range n - 1 {
		limbs[i] = new(big.Int).And(x, mask).Uint64()
		x.Rsh(x, radix)
	}
	if x.BitLen() > 63 {
		log.Fatal("a constant is too large")
	}
	limbs[n-1] = x.Uint64()
	return limbs
}

// A term of a sum: an element times 1, 2, 3, 4 or 8.
type term struct {
	times int
	element
}

// scaled returns limb i of a term in a register that may be changed.
func (p *prime) scaled(t term, i int) reg.VecVirtual {
	z := ZMM()
	p.op(VMOVDQU64, t.limb(i), z)
	switch t.times {
	case 1:
	case 2:
		p.op(VPADDQ, z, z, z)
	case 3:
		w := ZMM()
		p.op(VPADDQ, z, z, w)
		p.op(VPADDQ, w, z, z)
	case 4:
		p.op(VPSLLQ, U8(2), z, z)
	default:
		log.Fatalf("no term times %d", t.times)
	}
	return z
}

// combine sets dst to the sum of the terms of plus, less that of minus, and a
// multiple of p that keeps it positive. It returns dst with its bound.
func (p *prime) combine(dst element, plus, minus []term) element {
	units := 0
	for _, t := range plus {
		units += t.times * t.units
	}
	negative, spread := linear{minus: minus}.negative()
	constants := 0
	if len(minus) > 0 {
		k, bound := p.lift(negative)
		constants = p.multiple(k, spread)
		units += bound
	}
	if !p.fits(units) {
		log.Fatalf("%s: a sum of %d units does not fit", p.name, units)
	}
	p.emitSum(dst, plus, minus, constants)
	return dst.of(units)
}

func (p *prime) emitSum(dst element, plus, minus []term, constants int) {
	p.follow(dst)
	var carry reg.VecVirtual
	for i := range p.limbs {
		z := ZMM()
		if len(plus) == 0 {
			p.op(VPBROADCASTQ, p.memory(constants+i), z)
		} else {
			z = p.scaled(plus[0], i)
			for _, t := range plus[1:] {
				p.addLimb(z, t, i, VPADDQ)
			}
			if len(minus) > 0 {
				p.op(VPADDQ_BCST, p.memory(constants+i), z, z)
			}
		}
		for _, t := range minus {
			p.addLimb(z, t, i, VPSUBQ)
		}
		if i > 0 {
			p.op(VPADDQ, carry, z, z)
		}
		if i < p.limbs-1 {
			carry = ZMM()
			p.op(VPSRLQ, U8(radix), z, carry)
			p.op(VPANDQ_BCST, p.word(1<<radix-1), z, z)
		}
		p.op(VMOVDQU64, z, dst.limb(i))
	}
}

func (p *prime) addLimb(z reg.VecVirtual, t term, i int, op func(...Op)) {
	if t.times <= 2 {
		for range t.times {
			p.op(op, t.limb(i), z, z)
		}
		return
	}
	p.op(op, p.scaled(t, i), z, z)
}

// check bounds the operands of a multiplication: their product has 2 * limbs
// limbs.
func (p *prime) check(a, b element) {
	if p.modulus != nil {
		return // each has no more than limbs: fits has seen it
	}
	if a.units*b.units >= 1<<(2*radix*p.limbs-2*p.bits) {
		log.Fatalf("%s: the product of %d and %d units does not fit", p.name, a.units, b.units)
	}
}

func (p *prime) zeros(n int) []reg.VecVirtual {
	t := make([]reg.VecVirtual, n)
	for i := range t {
		t[i] = ZMM()
		p.op(VMOVDQA64, p.zero, t[i])
	}
	return t
}

// column makes column i, unless it is there.
func (p *prime) column(t []reg.VecVirtual, i int) {
	if t[i] == nil {
		t[i] = p.zeros(1)[0]
	}
}

// A linear is a sum that is added to a product: elements, a number of times
// each, and what must be subtracted.
type linear struct {
	plus, minus []term
}

// product sets the columns t to a * b.
func (p *prime) product(t []reg.VecVirtual, a, b element) {
	x := make([]reg.VecVirtual, p.limbs)
	for i := range x {
		x[i] = ZMM()
		p.op(VMOVDQU64, a.limb(i), x[i])
	}
	for j := range p.limbs {
		y := ZMM()
		p.op(VMOVDQU64, b.limb(j), y)
		for i := range x {
			p.column(t, i+j)
			p.op(VPMADD52LUQ, y, x[i], t[i+j])
		}
		for i := range x {
			p.column(t, i+j+1)
			p.op(VPMADD52HUQ, y, x[i], t[i+j+1])
		}
	}
}

// squares sets the columns t to a * a.
func (p *prime) squares(t []reg.VecVirtual, a element) {
	x := make([]reg.VecVirtual, p.limbs)
	for j := range p.limbs {
		x[j] = ZMM()
		p.op(VMOVDQU64, a.limb(j), x[j])
		for i := range j {
			p.column(t, i+j)
			p.op(VPMADD52LUQ, x[j], x[i], t[i+j])
		}
		for i := range j {
			p.column(t, i+j+1)
			p.op(VPMADD52HUQ, x[j], x[i], t[i+j+1])
		}
	}
	for i := 1; i < 2*p.limbs-1; i++ {
		p.op(VPADDQ, t[i], t[i], t[i])
	}
	for i := range x {
		p.column(t, 2*i)
		p.column(t, 2*i+1)
		p.op(VPMADD52LUQ, x[i], x[i], t[2*i])
		p.op(VPMADD52HUQ, x[i], x[i], t[2*i+1])
	}
}

// mul sets dst = a * b, or adds the one sum that may be given.
func (p *prime) mul(dst, a, b element, sum ...linear) element {
	p.check(a, b)
	p.multiply(append(reads(sum), a, b)...)
	if p.shared() {
		return p.call("Product", dst, a, b, sum)
	}
	t := make([]reg.VecVirtual, 2*p.limbs)
	p.product(t, a, b)
	return p.finish(dst, t, p.left(a, b), sum)
}

// mul2 sets dst = a * b + c * d with one reduction. The first product is mixed
// with what comes before if that does not need it: c and d may still be made.
func (p *prime) mul2(dst, a, b, c, d element) element {
	sum := element{units: a.units*b.units + c.units*d.units}
	p.check(sum, element{units: 1})
	t := make([]reg.VecVirtual, 2*p.limbs)
	p.multiply(a, b)
	p.product(t, a, b)
	p.multiply(c, d)
	p.product(t, c, d)
	return p.finish(dst, t, p.left(sum, element{units: 1}), nil)
}

// square sets dst = a * a, likewise.
func (p *prime) square(dst, a element, sum ...linear) element {
	p.check(a, a)
	p.multiply(append(reads(sum), a)...)
	if p.shared() {
		return p.call("Square", dst, a, a, sum)
	}
	t := make([]reg.VecVirtual, 2*p.limbs)
	p.squares(t, a)
	return p.finish(dst, t, p.left(a, a), sum)
}

// left bounds what a product leaves.
func (p *prime) left(a, b element) int {
	if p.modulus != nil {
		return p.quotient(a.units, b.units)
	}
	return p.tight()
}

func reads(sum []linear) (out []element) {
	for _, l := range sum {
		for _, t := range append(append([]term(nil), l.plus...), l.minus...) {
			out = append(out, t.element)
		}
	}
	return out
}

// finish adds the sum to the columns and reduces them. A number in Montgomery's
// form is added above, where the quotient will be.
func (p *prime) finish(dst element, t []reg.VecVirtual, units int, sum []linear) element {
	at := t
	if p.modulus != nil {
		at = t[p.limbs:]
	}
	for _, l := range sum {
		negative, spread := l.negative()
		k, bound := p.lift(negative)
		for _, e := range l.plus {
			units += e.times * e.units
		}
		if len(l.minus) > 0 {
			units += bound
		}
		for i := range p.limbs {
			if len(l.minus) > 0 {
				p.op(VPADDQ_BCST, p.memory(p.multiple(k, spread)+i), at[i], at[i])
			}
			for _, e := range l.plus {
				p.addLimb(at[i], e, i, VPADDQ)
			}
			for _, e := range l.minus {
				p.addLimb(at[i], e, i, VPSUBQ)
			}
		}
	}
	p.follow(dst)
	if p.modulus == nil {
		p.reduce(dst, t)
		return dst.of(p.tight())
	}
	tidy := units > p.tight() && len(sum) > 0
	if tidy && !p.canTidy(units) || !p.fits(units) {
		log.Fatalf("%s: a product leaves %d units", p.name, units)
	}
	p.reduceMontgomery(dst, t, tidy)
	if tidy {
		units = p.tight()
	}
	return dst.of(units)
}

// negative returns the bound of what is subtracted, in units and in limbs.
func (l linear) negative() (units, spread int) {
	for _, t := range l.minus {
		units += t.times * t.units
		spread += t.times
	}
	return units, spread
}

func (p *prime) function(what string) string { return fmt.Sprintf("ifma%s%s", what, p.name) }
