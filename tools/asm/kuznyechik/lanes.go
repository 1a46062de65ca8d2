package main

import (
	. "github.com/mmcloughlin/avo/build"   //nolint:revive,staticcheck // the form that the library asks for
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// A block, or four of them, in one register. The bytes are elements of the field
// GF(2^8) of AES, which the field of RFC 7801 is isomorphic to: there the
// processor multiplies each byte by another one (VGF2P8MULB). L is the sum of
// 16 products of the block, rotated by 0 to 15 bytes, and a diagonal of L's
// matrix.

// A unit is what the code for blocks in lanes needs.
type unit struct {
	tables reg.Register
	sbox   sbox
	// diagonal returns what to multiply the block by that was rotated by d bytes.
	diagonal func(d int) Op
}

// linear returns two registers whose sum is the sum of all products. x has 16
// bytes or 64.
func (u *unit) linear(x reg.VecVirtual) (one, two reg.VecVirtual) {
	register := YMM
	switch x.Size() {
	case 16:
		register = XMM
	case 64:
		register = ZMM
	}
	product := func(d int) reg.VecVirtual {
		p := register()
		if d == 0 {
			VGF2P8MULB(u.diagonal(d), x, p)
			return p
		}
		VPALIGNR(U8(uint8(d)), x, x, p)
		VGF2P8MULB(u.diagonal(d), p, p)
		return p
	}
	// 16 terms become six, of which two times three are added.
	var threes [5]reg.VecVirtual
	for i := range threes {
		a, b, c := product(3*i), product(3*i+1), product(3*i+2)
		VPTERNLOGQ(sum, a, b, c)
		threes[i] = c
	}
	last := product(blockSize - 1)
	VPTERNLOGQ(sum, threes[0], threes[1], threes[2])
	VPTERNLOGQ(sum, threes[3], threes[4], last)
	return threes[2], last
}

// lanes encrypts whole blocks, four at once.
func lanes(name string) {
	TEXT(name, NOSPLIT, "func(t *byte, k *[160]byte, dst, src *byte, n int)")
	Doc(name + " encrypts n bytes, n > 0, whole blocks.")
	u := &unit{tables: Load(Param("t"), GP64())}
	u.sbox = loadSbox(u.tables, lanesSboxAt)
	var diagonals [blockSize]reg.VecVirtual
	for d := range diagonals {
		diagonals[d] = ZMM()
		VBROADCASTI32X4(at(u.tables, diagonalsAt+blockSize*d), diagonals[d])
	}
	u.diagonal = func(d int) Op { return diagonals[d] }
	keys := Load(Param("k"), GP64())
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	advance := func(bytes uint32) {
		ADDQ(U32(bytes), src)
		ADDQ(U32(bytes), dst)
		SUBQ(U32(bytes), n)
	}
	one, two := ZMM(), ZMM()
	CMPQ(n, U8(127))
	JLE(LabelRef("next"))
	Label("pair")
	VMOVDQU64(at(src, 0), one)
	VMOVDQU64(at(src, 64), two)
	u.encryptLanes("pairs", keys, one, two)
	VMOVDQU64(one, at(dst, 0))
	VMOVDQU64(two, at(dst, 64))
	advance(128)
	CMPQ(n, U8(127))
	JG(LabelRef("pair"))
	CMPQ(n, U8(0))
	JLE(LabelRef("end"))
	mask, there := GP64(), K()
	Label("next")
	MOVQ(I32(-1), mask)
	CMPQ(n, U8(64))
	JGE(LabelRef("whole"))
	BZHIQ(n, mask, mask)
	Label("whole")
	KMOVQ(mask, there)
	VMOVDQU8_Z(at(src, 0), there, one)
	u.encryptLanes("round", keys, one)
	VMOVDQU8(one, there, at(dst, 0))
	advance(64)
	JG(LabelRef("next"))
	Label("end")
	VZEROUPPER()
	RET()
}

// encryptLanes encrypts the blocks in registers side by side.
func (u *unit) encryptLanes(label string, keys reg.Register, xs ...reg.VecVirtual) {
	for _, x := range xs {
		key := ZMM()
		VBROADCASTI32X4(at(keys, 0), key)
		VGF2P8AFFINEQB_BCST(U8(0), at(u.tables, toLanesAt), x, x)
		VPXORQ(key, x, x)
	}
	k, end := GP64(), GP64()
	LEAQ(at(keys, blockSize), k)
	LEAQ(at(keys, rounds*blockSize), end)
	Label(label)
	for _, x := range xs {
		u.sbox.substitute(x)
		a, b := u.linear(x)
		VBROADCASTI32X4(at(k, 0), x)
		VPTERNLOGQ(sum, a, b, x)
	}
	ADDQ(U8(blockSize), k)
	CMPQ(k, end)
	JNE(LabelRef(label))
	for _, x := range xs {
		VGF2P8AFFINEQB_BCST(U8(0), at(u.tables, fromLanesAt), x, x)
	}
}

// block is a function of one block.
func block(name string, body func(u *unit, keys reg.Register, x reg.VecVirtual)) {
	TEXT(name, NOSPLIT, "func(t *byte, k *[160]byte, dst, src *byte)")
	Doc(name + " transforms one block.")
	u := &unit{tables: Load(Param("t"), GP64())}
	keys := Load(Param("k"), GP64())
	x := XMM()
	VMOVDQU(Mem{Base: Load(Param("src"), GP64())}, x)
	VGF2P8AFFINEQB_BCST(U8(0), at(u.tables, toLanesAt), x, x)
	body(u, keys, x)
	VGF2P8AFFINEQB_BCST(U8(0), at(u.tables, fromLanesAt), x, x)
	VMOVDQU(x, Mem{Base: Load(Param("dst"), GP64())})
	VZEROUPPER()
	RET()
}

// useDiagonals takes the factors of linear from memory.
func (u *unit) useDiagonals(offset int) {
	u.diagonal = func(d int) Op { return at(u.tables, offset+blockSize*d) }
}

// encrypt is E of RFC 7801, section 4.5.1.
func encrypt(u *unit, keys reg.Register, x reg.VecVirtual) {
	u.sbox = loadSbox(u.tables, lanesSboxAt)
	u.useDiagonals(diagonalsAt)
	VPXORQ(at(keys, 0), x, x)
	k, end := GP64(), GP64()
	LEAQ(at(keys, blockSize), k)
	LEAQ(at(keys, rounds*blockSize), end)
	Label("round")
	u.sbox.substitute(x)
	a, b := u.linear(x)
	VMOVDQA64(a, x)
	VPTERNLOGQ(sum, at(k, 0), b, x)
	ADDQ(U8(blockSize), k)
	CMPQ(k, end)
	JNE(LabelRef("round"))
}

// decrypt is D of RFC 7801, section 4.5.2.
func decrypt(u *unit, keys reg.Register, x reg.VecVirtual) {
	u.sbox = loadSbox(u.tables, lanesInverseAt)
	u.useDiagonals(inverseDiagonalsAt)
	k := GP64()
	LEAQ(at(keys, (rounds-1)*blockSize), k)
	Label("round")
	VPXORQ(at(k, 0), x, x)
	a, b := u.linear(x)
	VPXORQ(a, b, x)
	u.sbox.substitute(x)
	SUBQ(U8(blockSize), k)
	CMPQ(k, keys)
	JNE(LabelRef("round"))
	VPXORQ(at(keys, 0), x, x)
}

// expand derives the round keys.
func expand() {
	TEXT("expandVBMI", NOSPLIT, "func(t *byte, key *byte, lanes, k *[160]byte)")
	Doc("expandVBMI derives the round keys from 32 bytes (RFC 7801, section 4.4), in",
		"the field of AES in lanes.")
	u := &unit{tables: Load(Param("t"), GP64())}
	u.sbox = loadSbox(u.tables, lanesSboxAt)
	u.useDiagonals(diagonalsAt)
	one, two, key := XMM(), XMM(), Load(Param("key"), GP64())
	VMOVDQU(at(key, 0), one)
	VMOVDQU(at(key, blockSize), two)
	for _, x := range []reg.VecVirtual{one, two} {
		VGF2P8AFFINEQB_BCST(U8(0), at(u.tables, toLanesAt), x, x)
	}
	inLanes, k := Load(Param("lanes"), GP64()), Load(Param("k"), GP64())
	store := func() {
		for i, x := range []reg.VecVirtual{one, two} {
			plain := XMM()
			VGF2P8AFFINEQB_BCST(U8(0), at(u.tables, fromLanesAt), x, plain)
			VMOVDQU(x, at(inLanes, blockSize*i))
			VMOVDQU(plain, at(k, blockSize*i))
		}
	}
	store()
	c, four, pairs := GP64(), GP64(), GP64()
	LEAQ(at(u.tables, constantsAt), c)
	MOVQ(U32(4), four)
	Label("keys")
	MOVQ(U32(4), pairs)
	Label("pair")
	// F[C](a, b) = (LSX[C](a) + b, a), twice.
	for i, halves := range [][2]reg.VecVirtual{{one, two}, {two, one}} {
		x := XMM()
		VPXORQ(at(c, blockSize*i), halves[0], x)
		u.sbox.substitute(x)
		a, b := u.linear(x)
		VPTERNLOGQ(sum, a, b, halves[1])
	}
	ADDQ(U8(2*blockSize), c)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	ADDQ(U8(2*blockSize), inLanes)
	ADDQ(U8(2*blockSize), k)
	store()
	DECQ(four)
	JNZ(LabelRef("keys"))
	VZEROUPPER()
	RET()
}
