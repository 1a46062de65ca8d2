package main

import (
	"log"
	"math/big"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A prime without a special form: x is held as x R modulo p, R = 2^(52 limbs),
// and a product is divided by R. The product is below 2^8 p^2 at most, so the
// quotient of it comes out small, and bounds are finer: in 64ths of p.
const fine = 64

func newMontgomery(name string, limbs int, modulus string) *prime {
	p := newPrime(name, limbs, 0, 0)
	m, ok := new(big.Int).SetString(modulus, 16)
	if !ok {
		log.Fatal("not a number: ", modulus)
	}
	p.modulus, p.bits = m, m.BitLen()
	return p
}

// power returns 2^n.
func power(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }

// radixInverse is 2^-52 modulo p.
func (p *prime) radixInverse() *big.Int { return new(big.Int).ModInverse(power(radix), p.modulus) }

// quotient bounds what a product of a and b leaves when it is divided by R: the
// quotient itself and p, which the multiple of p that makes it divisible adds.
func (p *prime) quotient(a, b int) int {
	n := new(big.Int).Mul(p.modulus, big.NewInt(int64(a*b)))
	n.Rsh(n, uint(radix*p.limbs)).Div(n, big.NewInt(fine))
	return fine + int(n.Int64()) + 2
}

// carryUp is how many limbs of a product are removed by a multiple of 2^-52
// modulo p, put one limb higher. That is shorter to wait for than the multiple
// of p that ends in the same limb, but leaves a number larger by up to p if it
// comes last, and by p/2^52 if one of the other kind follows.
func (p *prime) carryUp() int { return p.limbs - 2 }

// reduceMontgomery stores the number whose columns are t divided by R, modulo
// p. What was added to the upper columns is added to the quotient.
func (p *prime) reduceMontgomery(dst element, t []reg.VecVirtual, tidy bool) {
	n := p.limbs
	c := split(p.radixInverse(), n)
	m := split(p.modulus, n)
	minus := new(big.Int).ModInverse(p.modulus, power(radix))
	minus.Sub(power(radix), minus)
	for i := range n {
		carry := ZMM()
		if i < p.carryUp() {
			p.op(VPSRLQ, U8(radix), t[i], carry)
			for j := range n {
				p.op(VPMADD52LUQ_BCST, p.word(c[j]), t[i], t[i+j+1])
			}
			p.op(VPADDQ, carry, t[i+1], t[i+1])
			for j := range n {
				p.op(VPMADD52HUQ_BCST, p.word(c[j]), t[i], t[i+j+2])
			}
			continue
		}
		// f p ends in what makes the limb 0; the carry of that is 1 unless the
		// limb is 0 already.
		f := p.zeros(1)[0]
		p.op(VPMADD52LUQ_BCST, p.word(minus.Uint64()), t[i], f)
		p.op(VPADDQ_BCST, p.word(1<<radix-1), t[i], carry)
		p.op(VPSRLQ, U8(radix), carry, carry)
		p.op(VPMADD52HUQ_BCST, p.word(m[0]), f, carry)
		for j := 1; j < n; j++ {
			p.op(VPMADD52LUQ_BCST, p.word(m[j]), f, t[i+j])
		}
		p.op(VPADDQ, carry, t[i+1], t[i+1])
		for j := 1; j < n; j++ {
			p.op(VPMADD52HUQ_BCST, p.word(m[j]), f, t[i+j+1])
		}
	}
	if tidy {
		p.tidy(t[n:])
	}
	p.ripple(dst, t[n:], VPSRLQ)
}

// tidied is how many numbers the bits above 2^bits may make.
const tidied = 8

// below returns the multiple of p for the numbers from q 2^bits on.
func (p *prime) below(q int) *big.Int {
	k := new(big.Int).Mul(big.NewInt(int64(q)), power(p.bits))
	k.Div(k, p.modulus)
	return k.Mul(k, p.modulus)
}

// tidy subtracts a multiple of p that the bits from 2^bits on tell. Less than
// one more of these comes with the carries.
func (p *prime) tidy(t []reg.VecVirtual) {
	if p.tables == 0 {
		p.tables = len(p.words)
		p.words = append(p.words, make([]uint64, tidied*p.limbs)...)
		for q := range tidied {
			// Negative, with lower limbs that are not.
			limbs := split(p.below(q), p.limbs)
			for i := range limbs {
				limbs[i] = 1<<radix - 1 - limbs[i]
			}
			limbs[0]++
			limbs[p.limbs-1] -= 1 << radix
			for i, w := range limbs {
				p.words[p.tables+tidied*i+q] = w
			}
		}
	}
	q := ZMM()
	p.op(VPSRLQ, U8(p.top()), t[p.limbs-1], q)
	for i := range t {
		v := ZMM()
		p.op(VPERMQ, p.memory(p.tables+tidied*i), q, v)
		p.op(VPADDQ, v, t[i], t[i])
	}
}

// tidyBound is what tidy leaves.
func (p *prime) tidyBound() int {
	most := new(big.Int)
	for q := range tidied {
		end := new(big.Int).Mul(big.NewInt(int64(q+1)), power(p.bits))
		end.Sub(end, p.below(q))
		if end.Cmp(most) > 0 {
			most = end
		}
	}
	// The carries are less than 2^-30 of it.
	return int(most.Mul(most, big.NewInt(fine)).Div(most, p.modulus).Int64()) + 2
}

// canTidy reports whether a number of so many units has few enough bits above.
func (p *prime) canTidy(units int) bool {
	v := new(big.Int).Mul(p.modulus, big.NewInt(int64(units)))
	v.Div(v, big.NewInt(fine))
	return v.Cmp(new(big.Int).Mul(big.NewInt(tidied-1), power(p.bits))) < 0
}
