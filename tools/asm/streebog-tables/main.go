// Program streebog-tables writes gost/streebog/lookup_amd64.s: the compression
// function of GOST R 34.11-2012 by look-up in eight tables, as the portable code
// does it, for processors without AVX2. go generate runs it.
//
// Eight registers collect the eight words of a result while the bytes of the
// operand pass by, two words at a time: those of even words are read from memory
// one by one, those of odd words are taken from a register, so that the units
// that read and those that compute are equally busy at every moment.
//
// The tables are indexed by data: like the portable code, this one does not run
// in constant time.
package main

import (
	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

const rounds = 12

// tableSize is the size of the table for one byte of a word.
const tableSize = 256 * 8

// lps sets out to LPS of the words at x. t is the table of the package.
func lps(t reg.Register, x Mem, out [8]reg.GPVirtual) {
	for j := 0; j < 8; j += 2 {
		w := GP64()
		MOVQ(x.Offset(8*j+8), w)
		for i, o := range out {
			index := GP64()
			MOVBLZX(x.Offset(8*j+i), index.As32())
			entry := Mem{Base: t, Index: index, Scale: 8, Disp: tableSize * j}
			if j == 0 {
				MOVQ(entry, o)
			} else {
				XORQ(entry, o)
			}
			index = w
			if i < 7 {
				index = GP64()
				MOVBLZX(w.As8L(), index.As32())
				SHRQ(U8(8), w)
			}
			XORQ(Mem{Base: t, Index: index, Scale: 8, Disp: tableSize * (j + 1)}, o)
		}
	}
}

// compress is one application of g. constants are those of iteration and one
// more that does not matter.
func compress() {
	TEXT("compressTables", NOSPLIT, "func(t *[8][256]uint64, constants, h, n, m *[8]uint64)")
	Doc("compressTables sets h to g_N(h, m).")
	key, plain, x := AllocLocal(64), AllocLocal(64), AllocLocal(64)
	t, left := Load(Param("t"), GP64()), AllocLocal(8)
	var out [8]reg.GPVirtual
	for i := range out {
		out[i] = GP64()
	}
	p := GP64()
	Load(Param("h"), p)
	for i, o := range out {
		MOVQ(Mem{Base: p, Disp: 8 * i}, o)
	}
	Load(Param("n"), p)
	for i, o := range out {
		XORQ(Mem{Base: p, Disp: 8 * i}, o)
		MOVQ(o, key.Offset(8*i))
	}
	lps(t, key, out)
	Load(Param("constants"), p)
	for i, o := range out {
		MOVQ(o, x.Offset(8*i))
		XORQ(Mem{Base: p, Disp: 8 * i}, o)
		MOVQ(o, key.Offset(8*i))
	}
	Load(Param("m"), p)
	for i, o := range out {
		MOVQ(Mem{Base: p, Disp: 8 * i}, o)
		XORQ(o, x.Offset(8*i))
	}
	MOVQ(U32(rounds), left)
	Label("round")
	lps(t, key, out)
	Load(Param("constants"), p)
	ADDQ(U8(64), p)
	Store(p, Param("constants"))
	for i, o := range out {
		MOVQ(o, plain.Offset(8*i))
		XORQ(Mem{Base: p, Disp: 8 * i}, o)
		MOVQ(o, key.Offset(8*i))
	}
	lps(t, x, out)
	for i, o := range out {
		XORQ(plain.Offset(8*i), o)
		MOVQ(o, x.Offset(8*i))
	}
	DECQ(left)
	JNZ(LabelRef("round"))
	Load(Param("m"), p)
	for i, o := range out {
		XORQ(Mem{Base: p, Disp: 8 * i}, o)
	}
	Load(Param("h"), p)
	for i, o := range out {
		XORQ(o, Mem{Base: p, Disp: 8 * i})
	}
	RET()
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	compress()
	Generate()
}
