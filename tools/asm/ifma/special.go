package main

import (
	"math/big"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reduce stores the number whose columns are t, which are below 2^60 each,
// modulo p.
func (p *prime) reduce(dst element, t []reg.VecVirtual) {
	n := p.limbs
	// The multiplication below takes the low 52 bits of each upper limb: what
	// is above goes to the next first.
	for i := n; i < 2*n-1; i++ {
		carry := ZMM()
		p.op(VPSRLQ, U8(radix), t[i], carry)
		p.op(VPADDQ, carry, t[i+1], t[i+1])
	}
	c := p.c
	if c < 0 {
		c = -c
	}
	// 2^(52 n) = +-fold modulo p.
	fold := ZMM()
	p.op(VPBROADCASTQ, p.word(uint64(c)<<(radix*n-p.bits)), fold)
	if p.c > 0 {
		p.reducePlus(dst, t, fold)
	} else {
		p.reduceMinus(dst, t, fold)
	}
}

func (p *prime) reducePlus(dst element, t []reg.VecVirtual, fold reg.VecVirtual) {
	n := p.limbs
	over := p.zeros(1)[0] // in units of 2^(52 n)
	for i := range n {
		p.op(VPMADD52LUQ, t[n+i], fold, t[i])
		if i > 0 {
			p.op(VPMADD52HUQ, t[n+i-1], fold, t[i])
		}
	}
	p.op(VPMADD52HUQ, t[2*n-1], fold, over)
	// All that is above 2^bits, and then one carry through the limbs: it may
	// bring the last one a little above again.
	p.op(VPSLLQ, U8(radix*n-p.bits), over, over)
	high := ZMM()
	p.op(VPSRLQ, U8(p.top()), t[n-1], high)
	p.op(VPADDQ, high, over, over)
	p.op(VPANDQ_BCST, p.word(1<<p.top()-1), t[n-1], t[n-1])
	p.op(VPMADD52LUQ_BCST, p.word(uint64(p.c)), over, t[0])
	p.ripple(dst, t[:n], VPSRLQ)
}

// ripple carries through the limbs, which are below 2^63, and stores them.
func (p *prime) ripple(dst element, t []reg.VecVirtual, shift func(...Op)) {
	for i := range t {
		if i < len(t)-1 {
			carry := ZMM()
			p.op(shift, U8(radix), t[i], carry)
			p.op(VPADDQ, carry, t[i+1], t[i+1])
			p.op(VPANDQ_BCST, p.word(1<<radix-1), t[i], t[i])
		}
		p.op(VMOVDQU64, t[i], dst.limb(i))
	}
}

func (p *prime) reduceMinus(dst element, t []reg.VecVirtual, fold reg.VecVirtual) {
	n := p.limbs
	// t - u + k p, where k p = lift * 2^bits and limbs that are each larger
	// than those of u.
	const lift = 1 << 24
	spare := int64(1) << (radix*n - p.bits + 2)
	k := new(big.Int).Mul(p.value(), big.NewInt(lift+spare))
	k.Sub(k, new(big.Int).Lsh(big.NewInt(lift), uint(p.bits)))
	limbs := split(k, n)
	for i := range n - 1 {
		limbs[i] += 2 << radix
		limbs[i+1] -= 2
	}
	for i := range n {
		u := p.zeros(1)[0]
		p.op(VPMADD52LUQ, t[n+i], fold, u)
		if i > 0 {
			p.op(VPMADD52HUQ, t[n+i-1], fold, u)
		}
		p.op(VPADDQ_BCST, p.word(limbs[i]), t[i], t[i])
		p.op(VPSUBQ, u, t[i], t[i])
	}
	above := p.zeros(1)[0]
	p.op(VPMADD52HUQ, t[2*n-1], fold, above)
	// over counts 2^bits; one stays behind so that what is left is positive.
	over := ZMM()
	p.op(VPSRLQ, U8(p.top()), t[n-1], over)
	p.op(VPSLLQ, U8(radix*n-p.bits), above, above)
	p.op(VPSUBQ, above, over, over)
	p.op(VPADDQ_BCST, p.word(lift-1), over, over)
	p.op(VPANDQ_BCST, p.word(1<<p.top()-1), t[n-1], t[n-1])
	p.op(VPADDQ_BCST, p.word(1<<p.top()), t[n-1], t[n-1])
	less := p.zeros(1)[0]
	p.op(VPMADD52LUQ_BCST, p.word(uint64(-p.c)), over, less)
	p.op(VPSUBQ, less, t[0], t[0])
	p.ripple(dst, t[:n], VPSRAQ)
}
