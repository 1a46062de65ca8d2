package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An entry of a table that lanes read at different places is a row of words,
// limb by limb and part by part. Eight entries of eight words are transposed
// to eight limbs of all lanes, and back; gathering takes four times as long.
const lanes = 8

// transpose returns the columns of rows of eight words, as many as wanted.
// Rows may be in memory.
func (p *prime) transpose(rows []Op, wanted int) []reg.VecVirtual {
	first := func(op func(...Op), a, b Op) reg.VecVirtual {
		if m, ok := a.(Mem); ok {
			r := ZMM()
			p.op(VMOVDQU64, m, r)
			a = r
		}
		out := ZMM()
		p.op(op, b, a, out)
		return out
	}
	half := func(choice uint8, a, b reg.VecVirtual) reg.VecVirtual {
		out := ZMM()
		p.op(VSHUFI64X2, U8(choice), b, a, out)
		return out
	}
	out := make([]reg.VecVirtual, lanes)
	// Column 2j is in octets 16j to 16j + 15 of the pairs' lower words, column
	// 2j + 1 in those of the upper ones.
	for odd, op := range []func(...Op){VPUNPCKLQDQ, VPUNPCKHQDQ} {
		if odd >= wanted {
			break
		}
		var pair [lanes / 2]reg.VecVirtual
		for i := range pair {
			pair[i] = first(op, rows[2*i], rows[2*i+1])
		}
		for j := range 2 { // columns 2j and 2j + 4
			if 2*j+odd >= wanted {
				continue
			}
			choice := []uint8{0x88, 0xdd}[j]
			low, high := half(choice, pair[0], pair[1]), half(choice, pair[2], pair[3])
			out[2*j+odd] = half(0x88, low, high)
			if 2*j+odd+4 < wanted {
				out[2*j+odd+4] = half(0xdd, low, high)
			}
		}
	}
	return out[:wanted]
}

// choose takes an entry of a table for each lane and turns the sign of some of
// its parts.
func (p *prime) choose(name string, parts int, signed ...int) {
	p.begin(name, "func(z, table *uint64, offset *[8]uint64, negative uint64)", "sets the elements at z, lane by lane, to those at\n"+
		"table + offset, the opposite point where the lane's bit is set in negative. It\n"+
		"reads up to seven words behind an entry.")
	z, table, offset := pointer("z"), pointer("table"), pointer("offset")
	neg := K()
	KMOVQ(pointer("negative"), neg)
	var at [lanes]reg.Register
	for k := range at {
		r := GP64()
		MOVQ(Mem{Base: offset, Disp: 8 * k}, r)
		ADDQ(table, r)
		at[k] = r
	}
	var list []func()
	p.to = &list
	k, _ := p.lift(p.tight())
	constants := p.multiple(k, 1)
	var carry reg.VecVirtual
	words := parts * p.limbs
	for from := 0; from < words; from += lanes {
		var rows []Op
		for _, r := range at {
			rows = append(rows, Mem{Base: r, Disp: 8 * from})
		}
		for i, t := range p.transpose(rows, min(lanes, words-from)) {
			part, limb := (from+i)/p.limbs, (from+i)%p.limbs
			if slices.Contains(signed, part) {
				// A multiple of p less the number, where wanted.
				c := ZMM()
				p.op(VPBROADCASTQ, p.memory(constants+limb), c)
				p.op(VPSUBQ, t, c, neg, t)
				if limb > 0 {
					p.op(VPADDQ, carry, t, t)
				}
				if limb < p.limbs-1 {
					carry = ZMM()
					p.op(VPSRLQ, U8(radix), t, carry)
					p.op(VPANDQ_BCST, p.word(1<<radix-1), t, t)
				}
			}
			p.op(VMOVDQU64, t, p.param(z, part, 0).limb(limb))
		}
	}
	mix(list, nil)
	end()
}

// spread is the opposite.
func (p *prime) spread(name string, parts int) {
	p.begin(name, "func(z, x *uint64, distance uint64)", "writes the elements at x as an entry for each lane, so many\n"+
		"octets from that of the lane before. It writes zeros to up to seven words behind\n"+
		"an entry.")
	z, x, distance := pointer("z"), pointer("x"), pointer("distance")
	var at [lanes]reg.Register
	at[0] = z
	for k := 1; k < lanes; k++ {
		r := GP64()
		LEAQ(Mem{Base: at[k-1], Index: distance, Scale: 1}, r)
		at[k] = r
	}
	var list []func()
	p.to = &list
	words := parts * p.limbs
	for from := 0; from < words; from += lanes {
		rows := make([]Op, lanes)
		for i := range rows {
			rows[i] = p.zero
			if from+i < words {
				rows[i] = p.param(x, (from+i)/p.limbs, 0).limb((from + i) % p.limbs)
			}
		}
		for k, t := range p.transpose(rows, lanes) {
			p.op(VMOVDQU64, t, Mem{Base: at[k], Disp: 8 * from})
		}
	}
	mix(list, nil)
	end()
}

// digits writes the function that takes scalars apart, for all fields.
func digits() {
	TEXT("ifmaDigits", 0, "func(offset, negative, words, start *uint64, count, window, size, signs uint64)")
	Pragma("noescape")
	Doc("ifmaDigits writes count > 0 digits, as oddDigit has them, of eight numbers. Word j",
		"of all is at words[8j]; one that is 0 must be behind the last. offset gets start",
		"and size times the number of the odd multiple, negative the lanes whose digit is",
		"negative, or positive where signs has a bit.")
	offset, negative, words := pointer("offset"), pointer("negative"), pointer("words")
	count, window := Load(Param("count"), GP64()), Load(Param("window"), GP64())
	signs := Load(Param("signs"), GP64())
	start, size, ones, top, below := ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
	VMOVDQU64(Mem{Base: pointer("start")}, start)
	VPBROADCASTQ(Load(Param("size"), GP64()), size)
	VPTERNLOGQ(U8(0xff), ones, ones, ones)
	// The digit's top bit, and those below.
	shift := GP64()
	LEAQ(Mem{Base: window, Disp: -1}, shift)
	VPBROADCASTQ(shift, top)
	VPSLLVQ(top, ones, below)
	VPANDNQ(ones, below, below)
	one := ZMM()
	VPSRLQ(U8(63), ones, one)
	VPSLLVQ(top, one, top)
	bit := GP64()
	MOVQ(U32(1), bit)
	Label("loop")
	at := GP64()
	MOVQ(bit, at)
	SHRQ(U8(6), at)
	SHLQ(U8(6), at)
	low, high, by := ZMM(), ZMM(), ZMM()
	VMOVDQU64(Mem{Base: words, Index: at, Scale: 1}, low)
	VMOVDQU64(Mem{Base: words, Index: at, Scale: 1, Disp: 64}, high)
	MOVQ(bit, at)
	ANDQ(U8(63), at)
	VPBROADCASTQ(at, by)
	VPSRLVQ(by, low, low)
	NEGQ(at)
	ADDQ(U8(64), at)
	VPBROADCASTQ(at, by)
	VPSLLVQ(by, high, high) // 0 if it is 64
	VPORQ(high, low, low)
	minus := K()
	VPTESTNMQ(top, low, minus)
	VPXORQ(ones, low, minus, low)
	VPANDQ(below, low, low)
	VPMULLQ(size, low, low)
	VPADDQ(start, low, low)
	VMOVDQU64(low, Mem{Base: offset})
	KMOVQ(minus, at)
	XORQ(signs, at)
	MOVQ(at, Mem{Base: negative})
	ADDQ(U8(64), offset)
	ADDQ(U8(8), negative)
	ADDQ(window, bit)
	DECQ(count)
	JNZ(LabelRef("loop"))
	end()
}
