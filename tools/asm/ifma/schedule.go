package main

import (
	. "github.com/mmcloughlin/avo/operand"
)

// A stage is a multiplication: the product, which keeps the multipliers busy,
// and all that follows until the next one, which waits for carries. The
// processor looks ahead about as far as one multiplication is long, so the
// instructions are mixed here.
type stage struct {
	product, tail []func()
	reads, writes []element
}

// op adds an instruction.
func (p *prime) op(f func(...Op), operands ...Op) {
	*p.to = append(*p.to, func() { f(operands...) })
}

// multiply starts a stage whose product reads the elements given.
func (p *prime) multiply(reads ...element) {
	p.stages = append(p.stages, stage{reads: reads})
	p.to = &p.stages[len(p.stages)-1].product
}

// follow says that the instructions that come belong to the tail of the stage,
// and write dst.
func (p *prime) follow(dst element) {
	if len(p.stages) == 0 {
		p.stages = append(p.stages, stage{})
	}
	s := &p.stages[len(p.stages)-1]
	s.writes = append(s.writes, dst)
	p.to = &s.tail
}

// together writes the instructions that f adds. The tail of a stage is mixed
// with the next product if that does not need it, and if there are registers
// for both.
func (p *prime) together(f func()) {
	p.stages = nil
	f()
	var tail []func()
	for k, s := range p.stages {
		if k > 0 && (p.limbs > 5 || !s.independent(p.stages[k-1])) {
			mix(tail, nil)
			tail = nil
		}
		mix(s.product, tail)
		tail = s.tail
	}
	mix(tail, nil)
	p.stages = nil
}

// independent reports whether the product of s does not need the tail of t.
func (s stage) independent(t stage) bool {
	for _, r := range s.reads {
		for _, w := range t.writes {
			if r.base == w.base && r.off == w.off {
				return false
			}
		}
	}
	return true
}

// mix writes two sequences of instructions, spread over each other.
func mix(a, b []func()) {
	for i, j := 0, 0; i < len(a) || j < len(b); {
		if j == len(b) || i < len(a) && i*len(b) <= j*len(a) {
			a[i]()
			i++
			continue
		}
		b[j]()
		j++
	}
}
