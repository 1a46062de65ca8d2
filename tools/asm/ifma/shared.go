package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// shared says that multiplications are functions. Those of ten limbs are long
// and leave no registers to mix them, so calls cost nothing that shows.
func (p *prime) shared() bool { return p.limbs > 5 }

// The registers in which these functions find the result, the operands and what
// they add to the product, limb by limb.
var (
	resultAt = reg.RDI
	leftAt   = reg.RSI
	rightAt  = reg.RDX
	addendAt = reg.RCX
)

// functions writes them. They change no other general register, and all vector
// registers.
func (p *prime) functions() {
	for _, name := range []string{"Product", "Square"} {
		TEXT(p.function(name), attr.NOSPLIT, "func()")
		Doc(p.function(name)+" is called by the other functions only: its operands are not where Go", "puts them.")
		p.zero = ZMM()
		VPXORQ(p.zero, p.zero, p.zero)
		var list []func()
		p.to = &list
		t := make([]reg.VecVirtual, 2*p.limbs)
		if name == "Product" {
			p.product(t, p.param(leftAt, 0, 0), p.param(rightAt, 0, 0))
		} else {
			p.squares(t, p.param(leftAt, 0, 0))
		}
		for i := range p.limbs {
			p.op(VPADDQ, p.param(addendAt, 0, 0).limb(i), t[i], t[i])
		}
		p.reduce(p.param(resultAt, 0, 0), t)
		mix(list, nil)
		RET()
	}
}

// call adds a call.
func (p *prime) call(name string, dst, a, b element, sum []linear) element {
	addend := p.memory(p.nothing())
	for _, l := range sum {
		addend = p.addend.limb(0)
		negative, spread := l.negative()
		k, _ := p.lift(negative)
		for i := range p.limbs {
			z := ZMM()
			if len(l.minus) > 0 {
				p.op(VPBROADCASTQ, p.memory(p.multiple(k, spread)+i), z)
			} else {
				p.op(VPXORQ, z, z, z)
			}
			for _, e := range l.plus {
				p.addLimb(z, e, i, VPADDQ)
			}
			for _, e := range l.minus {
				p.addLimb(z, e, i, VPSUBQ)
			}
			p.op(VMOVDQU64, z, p.addend.limb(i))
		}
	}
	load := func(m Op, r Op) { p.op(func(o ...Op) { LEAQ(o[0], o[1]) }, m, r) }
	load(a.limb(0), leftAt)
	load(b.limb(0), rightAt)
	load(addend, addendAt)
	load(dst.limb(0), resultAt)
	p.op(func(o ...Op) { CALL(o[0]) }, LabelRef("·"+p.function(name)+"(SB)"))
	p.follow(dst)
	return dst.of(p.tight())
}

// nothing returns where the element 0 is.
func (p *prime) nothing() int {
	i, ok := p.sums[[2]int{0, 0}]
	if !ok {
		i = len(p.words)
		p.words = append(p.words, make([]uint64, p.size()/8)...)
		p.sums[[2]int{0, 0}] = i
	}
	return i
}
