// Program kuznyechik writes gost/kuznyechik/blocks_amd64.s: Kuznyechik in
// AVX-512 VBMI with GFNI. go generate runs it. No table in memory is indexed by
// data: the code runs in constant time.
//
// There are two forms. For few blocks each stays in 128 bits of a register (file
// lanes.go). For many, 64 blocks stand side by side in 16 registers, one for
// each byte of a block (this file):
//
//	S  one table of 256 entries: two VPERMI2B of 128 entries each, chosen
//	   between by the top bit of the index
//	L  16 steps of the shift register R. Its coefficients are the same from
//	   both ends, so the bytes that share one are added first; and 133 = 148 +
//	   16 + 1. Six VGF2P8AFFINEQB by constants and eleven additions of two or
//	   three terms make a step, whose result takes the place of the byte that
//	   leaves: nothing is moved.
package main

import (
	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in vbmiTables of the package.
const (
	sboxAt             = 0
	lanesSboxAt        = sboxAt + 256
	lanesInverseAt     = lanesSboxAt + 256
	diagonalsAt        = lanesInverseAt + 256
	inverseDiagonalsAt = diagonalsAt + 256
	constantsAt        = inverseDiagonalsAt + 256
	toLanesAt          = constantsAt + 32*16
	fromLanesAt        = toLanesAt + 8
	factorsAt          = fromLanesAt + 8
)

// Places in the factors of vbmiTables.
const (
	by148 = factorsAt + 8*iota
	by16
	by32
	by194
	by192
	by251
)

// Offsets in lanes of the package.
const (
	firstAt = 0
	stepAt  = 64
)

const (
	blockSize = 16
	rounds    = 10
	// batchSize is the number of bytes of 64 blocks.
	batchSize = 1024
)

// sum is the truth table of a xor b xor c.
const sum = U8(0x96)

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// sbox is a table of 256 bytes in registers.
type sbox [4]reg.VecVirtual

func loadSbox(tables reg.Register, offset int) sbox {
	var s sbox
	for i := range s {
		s[i] = ZMM()
		VMOVDQU64(at(tables, offset+64*i), s[i])
	}
	return s
}

// substitute replaces the bytes of x.
func (s sbox) substitute(x reg.VecVirtual) {
	high, top := ZMM(), K()
	VMOVDQA64(x.AsZ(), high)
	VPMOVB2M(x.AsZ(), top)
	VPERMI2B(s[1], s[0], x.AsZ())
	VPERMI2B(s[3], s[2], high)
	VMOVDQU8(high, top, x.AsZ())
}

// transpose exchanges the number of a register with the place of a byte in
// its 128 bits. Each stage moves one bit of the eight that tell where a byte is
// from the front of the number to the end of the place.
func transpose(x [blockSize]reg.VecVirtual) [blockSize]reg.VecVirtual {
	const half = blockSize / 2
	for range 4 {
		var y [blockSize]reg.VecVirtual
		for i := range half {
			y[2*i], y[2*i+1] = ZMM(), ZMM()
			VPUNPCKLBW(x[i+half], x[i], y[2*i])
			VPUNPCKHBW(x[i+half], x[i], y[2*i+1])
		}
		x = y
	}
	return x
}

// shift is L over the registers a_0 to a_15 of RFC 7801: 16 times R.
func shift(tables reg.Register, a [blockSize]reg.VecVirtual) {
	for n := range blockSize {
		byteAt := func(i int) reg.VecVirtual { return a[(n+i)%blockSize] }
		times := func(factor int, x reg.VecVirtual) reg.VecVirtual {
			VGF2P8AFFINEQB_BCST(U8(0), at(tables, factor), x, x)
			return x
		}
		pair := func(i int) reg.VecVirtual {
			s := ZMM()
			VPXORQ(byteAt(i), byteAt(blockSize-i), s)
			return s
		}
		p, u, v := pair(3), ZMM(), ZMM()
		VMOVDQA64(p, v)
		VPTERNLOGQ(sum, byteAt(12), byteAt(4), v)
		VMOVDQA64(p, u)
		VPTERNLOGQ(sum, byteAt(1), byteAt(15), u)
		out := byteAt(0)
		VPTERNLOGQ(sum, byteAt(7), byteAt(9), p)
		q, s, r, w := times(by32, pair(2)), times(by194, pair(5)), times(by192, pair(6)), ZMM()
		VGF2P8AFFINEQB_BCST(U8(0), at(tables, by251), byteAt(8), w)
		times(by16, v)
		VPTERNLOGQ(sum, q, s, p)
		VPTERNLOGQ(sum, r, w, out)
		VPTERNLOGQ(sum, p, v, out)
		times(by148, u)
		VPXORQ(u, out, out)
	}
}

// counters encrypts counters and adds them to a text.
func counters() {
	TEXT("countersVBMI", NOSPLIT, "func(t *byte, k *[160]uint64, dst, src *byte, n int, c *byte)")
	Doc("countersVBMI sets n times 64 blocks of dst, n > 0, to those of src XOR the",
		"encrypted counters from c on, and moves c on.")
	t, keys := Load(Param("t"), GP64()), Load(Param("k"), GP64())
	s := loadSbox(t, sboxAt)
	c := Load(Param("c"), GP64())
	// The pointers move in registers alone: behind its end a text's memory is
	// somebody else's, and Go's collector must not find a pointer there.
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	Label("batch")
	b := firstState(c)
	k, end := GP64(), GP64()
	MOVQ(keys, k)
	LEAQ(at(keys, (rounds-1)*8*blockSize), end)
	Label("round")
	var a [blockSize]reg.VecVirtual // RFC 7801 counts from the last byte
	for i, x := range b {
		VPXORQ_BCST(at(k, 8*i), x, x)
		s.substitute(x)
		a[blockSize-1-i] = x
	}
	shift(t, a)
	ADDQ(U32(8*blockSize), k)
	CMPQ(k, end)
	JNE(LabelRef("round"))
	for i, x := range b {
		VPXORQ_BCST(at(k, 8*i), x, x)
	}
	for i, x := range transpose(b) {
		VPXORQ(at(src, 64*i), x, x)
		VMOVDQU64(x, at(dst, 64*i))
	}
	ADDQ(U32(batchSize), src)
	ADDQ(U32(batchSize), dst)
	DECQ(n)
	JNZ(LabelRef("batch"))
	VZEROUPPER()
	RET()
}

// firstState returns the registers of bytes 0 to 15 of the next 64 counters. c
// has four of them as pairs of little-endian words.
func firstState(c reg.Register) (b [blockSize]reg.VecVirtual) {
	next, step := ZMM(), ZMM()
	VMOVDQU64(at(c, firstAt), next)
	VMOVDQU64(at(c, stepAt), step)
	var x [blockSize]reg.VecVirtual
	for i := range x {
		x[i] = ZMM()
		VMOVDQA64(next, x[i])
		VPADDQ(step, next, next)
	}
	VMOVDQU64(next, at(c, firstAt))
	for place, r := range transpose(x) {
		b[place^7] = r // the words' bytes are in reverse
	}
	return b
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	lanes("blocksVBMI")
	block("encryptVBMI", encrypt)
	block("decryptVBMI", decrypt)
	expand()
	counters()
	Generate()
}
