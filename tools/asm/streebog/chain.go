package main

import (
	. "github.com/mmcloughlin/avo/build"   //nolint:revive,staticcheck // the form that the library asks for
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in step and in half and iterated of the package.
const (
	stepMessageAt = 0
	stepCountAt   = 64
	stepSize      = 128

	keysAt   = 0
	sumAt    = keysAt + (rounds+1)*64
	totalAt  = sumAt + 64
	halfSize = totalAt + 64

	valueAt      = 2 * halfSize
	stepsAt      = valueAt + 64
	iteratedSize = stepsAt + finalSteps*stepSize
)

// finalSteps is how many applications of g the end of a message takes: the
// padded block, the length and the sum.
const finalSteps = 3

// keyed applies E of RFC 6986, section 8, with keys that are known, to each x.
// The last key has h added, so that the result lacks only the message to be
// g_N(h, m).
func (u *unit) keyed(keys []Mem, xs []reg.Register) {
	for k, x := range xs {
		VPXORQ(keys[k], x, x)
	}
	offset := GP64()
	XORL(offset.As32(), offset.As32())
	Label("keyed")
	for k, x := range xs {
		key := keys[k].Offset(64)
		key.Index, key.Scale = offset, 1
		a, b := u.linear(u.substitute(x)[0])
		VMOVDQU64(key, x)
		VPTERNLOGQ(sum, a, b, x)
	}
	ADDQ(I32(64), offset)
	CMPQ(offset, U32(rounds*64))
	JNE(LabelRef("keyed"))
}

// next is one application of g to h with the step at p.
func (u *unit) next(h reg.Register, p Mem) {
	n, m, kept := ZMM(), ZMM(), ZMM()
	u.transpose(p.Offset(stepCountAt), n)
	u.transpose(p.Offset(stepMessageAt), m)
	VMOVDQA64(h, kept)
	s := u.begin(h, n, m)
	u.roundLoop("round", []*stream{s})
	s.end(p.Offset(stepMessageAt), kept, h)
}

// expand makes keys that are used again and again.
func expand() {
	TEXT("expandVBMI", NOSPLIT, "func(t, keys, h, n *[8]uint64)")
	Doc("expandVBMI sets keys to those of g_N(h, m) for every m, with h added to the last.")
	u := load(1)
	keys, hp, np := Load(Param("keys"), GP64()), Load(Param("h"), GP64()), Load(Param("n"), GP64())
	h, x := ZMM(), ZMM()
	u.transpose(Mem{Base: hp}, h)
	u.transpose(Mem{Base: np}, x)
	VPXORQ(h, x, x)
	for i := range rounds + 1 {
		a, b := u.linear(u.substitute(x)[0])
		if i == rounds {
			VPXORQ(a, h, a)
		}
		VPXORQ(a, b, x)
		VMOVDQU64(x, at(keys, 64*i))
		if i < rounds {
			VPXORQ(at(u.tables, constantsAt+64*i), x, x)
		}
	}
	VZEROUPPER()
	RET()
}

// chain is g with one message after the other.
func chain() {
	TEXT("chainVBMI", NOSPLIT, "func(t, keys, h, steps *[8]uint64, n int)")
	Doc("chainVBMI applies g with n steps, n > 0, to h. keys are those of the first", "step; where they are nil, it is like the others.")
	u := load(1)
	keys, hp := Load(Param("keys"), GP64()), Load(Param("h"), GP64())
	p, left := Load(Param("steps"), GP64()), Load(Param("n"), GP64())
	h, m := ZMM(), ZMM()
	u.transpose(Mem{Base: hp}, h)
	TESTQ(keys, keys)
	JZ(LabelRef("step"))
	u.transpose(at(p, stepMessageAt), m)
	u.keyed([]Mem{at(keys, 0)}, []reg.Register{m})
	u.transpose(at(p, stepMessageAt), h)
	VPXORQ(m, h, h)
	ADDQ(I32(stepSize), p)
	DECQ(left)
	JZ(LabelRef("done"))
	Label("step")
	u.next(h, at(p, 0))
	ADDQ(I32(stepSize), p)
	DECQ(left)
	JNZ(LabelRef("step"))
	Label("done")
	u.transpose(h, h)
	VMOVDQU64(h, Mem{Base: hp})
	VZEROUPPER()
	RET()
}

// roundLoop runs all rounds of the streams with the code of one.
func (u *unit) roundLoop(label string, streams []*stream) {
	constant, left := GP64(), GP64()
	LEAQ(at(u.tables, constantsAt), constant)
	MOVQ(U32(rounds), left)
	Label(label)
	ADDQ(I8(64), constant)
	for _, s := range streams {
		s.round(Mem{Base: constant}) // behind the last constant is a table: the key is not used any more
	}
	DECQ(left)
	JNZ(LabelRef(label))
}

// iterate computes HMAC again and again, of n lanes side by side.
func iterate(name string, n int) {
	TEXT(name, NOSPLIT, "func(t, lanes *[8]uint64, n int)")
	Doc(name + " replaces the value of each lane n times, n > 0, by its HMAC.")
	u := load(n)
	lanes, left, half, both := Load(Param("lanes"), GP64()), Load(Param("n"), GP64()), GP64(), GP64()
	ADDQ(left, left)
	MOVQ(lanes, half)
	LEAQ(Mem{Base: lanes, Index: lanes, Scale: 1, Disp: halfSize}, both)
	h := make([]reg.Register, n)
	for k := range h {
		h[k] = ZMM()
	}
	Label("half")
	keys, values := make([]Mem, n), make([]reg.Register, n)
	for k := range n {
		keys[k], values[k] = at(half, k*iteratedSize+keysAt), ZMM()
		addValue(at(half, k*iteratedSize+sumAt), at(lanes, k*iteratedSize+valueAt), at(lanes, k*iteratedSize+stepsAt+(finalSteps-1)*stepSize))
		u.transpose(at(lanes, k*iteratedSize+valueAt), values[k])
	}
	u.keyed(keys, values)
	for k, x := range values {
		u.transpose(at(lanes, k*iteratedSize+valueAt), h[k])
		VPXORQ(x, h[k], h[k])
	}
	p, end := GP64(), GP64()
	LEAQ(at(lanes, stepsAt), p)
	LEAQ(at(lanes, stepsAt+finalSteps*stepSize), end)
	Label("step")
	u.nextOfEach(h, p)
	ADDQ(I32(stepSize), p)
	CMPQ(p, end)
	JNE(LabelRef("step"))
	for k := range n {
		u.transpose(h[k], h[k])
		VMOVDQU64(h[k], at(lanes, k*iteratedSize+valueAt))
		total := at(half, k*iteratedSize+totalAt)
		VPXORQ(total, h[k], h[k])
		VMOVDQU64(h[k], total)
	}
	SUBQ(both, half)
	NEGQ(half)
	DECQ(left)
	JNZ(LabelRef("half"))
	if u.scratch != nil { // what the lanes hold is secret
		VPXORQ(h[0], h[0], h[0])
		for i := range slots {
			VMOVDQU64(h[0], at(u.scratch, 64*i))
		}
	}
	VZEROUPPER()
	RET()
}

// nextOfEach is one application of g to each h with the step of its lane at p.
func (u *unit) nextOfEach(h []reg.Register, p reg.Register) {
	streams, kept := make([]*stream, len(h)), make([]reg.Register, len(h))
	for k := range h {
		step := at(p, k*iteratedSize)
		n, m := ZMM(), ZMM()
		u.transpose(step.Offset(stepCountAt), n)
		u.transpose(step.Offset(stepMessageAt), m)
		kept[k] = ZMM()
		VMOVDQA64(h[k], kept[k])
		streams[k] = u.begin(h[k], n, m)
	}
	u.roundLoop("round", streams)
	for k, s := range streams {
		s.end(at(p, k*iteratedSize+stepMessageAt), kept[k], h[k])
	}
}

// addValue sets dst to a + b modulo 2^512.
func addValue(a, b, dst Mem) {
	w := GP64()
	for i := range 8 {
		MOVQ(a.Offset(8*i), w)
		if i == 0 {
			ADDQ(b, w)
		} else {
			ADCQ(b.Offset(8*i), w)
		}
		MOVQ(w, dst.Offset(8*i))
	}
}
