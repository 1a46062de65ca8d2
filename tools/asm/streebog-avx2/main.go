// Program streebog-avx2 writes gost/streebog/avx2_amd64.s: the compression
// function of GOST R 34.11-2012 in AVX2 alone. go generate runs it.
//
// VPSHUFB looks up 16 entries, the same in each half of a register. So the bytes
// that one table serves stand together: a half has byte c of all eight words of
// the key and of the state, which go side by side. Four registers hold both;
// register i has c = i and c = i+4. Within a half there are words 0 to 3 of the
// key, the same of the state, then words 4 to 7 of both. Each byte x is kept as
// alpha(x), see below. A round is
//
//	S  by the decomposition of Pi that streebog-gfni explains. The products in
//	   the field of 16 elements are sums of logarithms; that of 0 is so large that
//	   the top bit stays set, for which VPSHUFB gives 0. The tables are shifted
//	   so that 0 is right, and what S then lacks, a constant, is in those of the
//	   rounds.
//	P  the squares of bytes are turned over their diagonals: three levels of
//	   VPUNPCK and VPERMQ
//	L  byte j of a word of the result is the sum over c of a linear map of byte
//	   c, and so of a table for the low and one for the high nibble. What belongs
//	   into the other half crosses over (VPERM2I128) as a sum.
//
// No table in memory is indexed by data: the code runs in constant time.
package main

import (
	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in avx2Tables of the package.
const (
	logLeftAt    = 0
	logInverseAt = logLeftAt + 32
	logRightAt   = logInverseAt + 32
	phiAt        = logRightAt + 32
	nu1At        = phiAt + 32
	nu0At        = nu1At + 32
	sigmaAt      = nu0At + 32
	lowAt        = sigmaAt + 32
	orderAt      = lowAt + 32
	alphaAt      = orderAt + 32
	backAt       = alphaAt + 2*32
	linearAt     = backAt + 2*32
	constantsAt  = linearAt + 4*2*4*2*32
)

const (
	rounds = 12
	// both is the size of the registers that hold key and state.
	both = 4 * 32
)

// A square is the four registers.
type square [4]reg.VecVirtual

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// A unit knows where the tables are and holds what stays in registers.
type unit struct {
	tables           reg.Register
	low, order, zero reg.VecVirtual
}

// table returns 32 bytes of the tables in a register.
func (u *unit) table(offset int) reg.VecVirtual {
	y := YMM()
	VMOVDQU(at(u.tables, offset), y)
	return y
}

// look replaces the indices in the registers by what the table has there.
func (u *unit) look(offset int, index, dst []reg.VecVirtual) {
	t := u.table(offset)
	for i := range index {
		VPSHUFB(index[i], t, dst[i])
	}
}

func registers(n int) []reg.VecVirtual {
	out := make([]reg.VecVirtual, n)
	for i := range out {
		out[i] = YMM()
	}
	return out
}

// nibbles returns the low and the high nibbles of x. The former take its place.
func (u *unit) nibbles(x []reg.VecVirtual) (low, high []reg.VecVirtual) {
	high = registers(len(x))
	for i := range x {
		VPSRLW(U8(4), x[i], high[i])
		VPAND(u.low, x[i], x[i])
		VPAND(u.low, high[i], high[i])
	}
	return x, high
}

// product sets x to the logarithm of the product of which a and x are the
// factors' logarithms. a is lost.
func (u *unit) product(a, x []reg.VecVirtual) {
	for i := range x {
		VPADDUSB(a[i], x[i], x[i])
		VPSUBB(u.order, x[i], a[i])
		VPMINUB(a[i], x[i], x[i])
	}
}

// substitute replaces alpha's values by S of them, but for a constant.
func (u *unit) substitute(x []reg.VecVirtual) {
	n := len(x)
	r, l := u.nibbles(x)
	quotient, t := registers(n), registers(n)
	u.look(logLeftAt, l, quotient)
	u.look(logInverseAt, r, t)
	u.product(t, quotient) // l / r
	for i := range x {
		VPCMPGTB(u.zero, r[i], t[i])
		VPOR(t[i], l[i], l[i]) // where r is not 0, an index that gives 0
	}
	u.look(phiAt, quotient, t)
	u.look(logRightAt, r, r)
	u.product(t, r)
	u.look(nu1At, quotient, quotient)
	u.look(nu0At, l, l)
	u.look(sigmaAt, r, r)
	for i := range x {
		VPXOR(quotient[i], r[i], r[i])
		VPXOR(l[i], r[i], r[i])
	}
}

// transpose turns the squares over their diagonals. Registers with rows i and
// i+4 become such with rows 2i and 2i+1.
func transpose(x square) square {
	var a, b, c square
	for i := range a {
		a[i], b[i], c[i] = YMM(), YMM(), YMM()
	}
	VPUNPCKLBW(x[1], x[0], a[0]) // words 0 to 3
	VPUNPCKHBW(x[1], x[0], a[1])
	VPUNPCKLBW(x[3], x[2], a[2])
	VPUNPCKHBW(x[3], x[2], a[3])
	VPUNPCKLWD(a[2], a[0], b[0]) // of the key
	VPUNPCKHWD(a[2], a[0], b[1])
	VPUNPCKLWD(a[3], a[1], b[2])
	VPUNPCKHWD(a[3], a[1], b[3])
	VPUNPCKLDQ(b[1], b[0], c[0])
	VPUNPCKHDQ(b[1], b[0], c[1])
	VPUNPCKLDQ(b[3], b[2], c[2])
	VPUNPCKHDQ(b[3], b[2], c[3])
	for i := range c {
		VPERMQ(U8(0xd8), c[i], c[i])
	}
	return c
}

// linear returns L of the rows 2i and 2i+1 in registers with rows i and i+4.
func (u *unit) linear(x square) (y square) {
	low, high := u.nibbles(x[:])
	for i := range y {
		var sums [2]reg.VecVirtual // of what stays in its half and of what crosses over
		for b := range x {
			for j, index := range []reg.VecVirtual{low[b], high[b]} {
				for k := range sums {
					t := u.table(linearAt + 32*(16*i+8*k+2*b+j))
					VPSHUFB(index, t, t)
					if sums[k] == nil {
						sums[k] = t
						continue
					}
					VPXOR(t, sums[k], sums[k])
				}
			}
		}
		y[i] = sums[1]
		VPERM2I128(U8(1), y[i], y[i], y[i])
		VPXOR(sums[0], y[i], y[i])
	}
	return y
}

// lps sets x to L(P(S(x))).
func (u *unit) lps(x square) {
	for i := 0; i < len(x); i += 2 {
		u.substitute(x[i : i+2])
	}
	for i, y := range u.linear(transpose(x)) {
		VMOVDQA(y, x[i])
	}
}

// add adds the key to the state and p to both.
func add(x square, p Mem) {
	for i := range x {
		t := YMM()
		VPSLLQ(U8(32), x[i], t)
		VPXOR(p.Offset(32*i), x[i], x[i])
		VPXOR(t, x[i], x[i])
	}
}

// apply replaces the bytes of x by their images under a linear map.
func (u *unit) apply(offset int, x square) {
	low, high := u.nibbles(x[:])
	u.look(offset, low, low)
	u.look(offset+32, high, high)
	for i := range x {
		VPXOR(high[i], low[i], x[i])
	}
}

// words returns words 0, 1, 4, 5 of m in a register or, from 2 on, the others.
func words(m Mem, from int) reg.VecVirtual {
	y := YMM()
	VMOVDQU(m.Offset(8*from), y.AsX())
	VINSERTI128(U8(1), m.Offset(8*from+32), y, y)
	return y
}

// read returns h+n as the key and m as the state.
func (u *unit) read(h, n, m Mem) square {
	var x square
	for i := 0; i < len(x); i += 2 {
		key, t, s := words(h, i), words(n, i), words(m, i)
		VPXOR(t, key, key)
		x[i], x[i+1] = YMM(), YMM()
		VPUNPCKLDQ(s, key, x[i])
		VPUNPCKHDQ(s, key, x[i+1])
	}
	t := transpose(x)
	for i := range 2 {
		VPERM2I128(U8(0x20), t[i+2], t[i], x[2*i])
		VPERM2I128(U8(0x31), t[i+2], t[i], x[2*i+1])
	}
	u.apply(alphaAt, x)
	return x
}

// write adds the state to h and m and stores it in h.
func (u *unit) write(x square, h, m Mem) {
	u.apply(backAt, x)
	t := transpose(x)
	for i := range 2 {
		y := YMM()
		VSHUFPS(U8(0xdd), t[2*i+1], t[2*i], y)
		VPERMQ(U8(0xd8), y, y)
		VPXOR(h.Offset(32*i), y, y)
		VPXOR(m.Offset(32*i), y, y)
		VMOVDQU(y, h.Offset(32*i))
	}
}

// compress is one application of g.
func compress() {
	TEXT("compressAVX2", NOSPLIT, "func(t, h, n, m *[8]uint64)")
	Doc("compressAVX2 sets h to g_N(h, m).")
	u := &unit{tables: Load(Param("t"), GP64())}
	u.low, u.order, u.zero = u.table(lowAt), u.table(orderAt), YMM()
	VPXOR(u.zero, u.zero, u.zero)
	h, n, m := Load(Param("h"), GP64()), Load(Param("n"), GP64()), Load(Param("m"), GP64())
	kept := AllocLocal(both)
	x := u.read(at(h, 0), at(n, 0), at(m, 0))
	for i := range x {
		VMOVDQU(x[i], kept.Offset(32*i))
	}
	u.lps(x)
	for i := range x {
		VPBLENDD(U8(0xaa), kept.Offset(32*i), x[i], x[i])
	}
	constants, left := GP64(), GP64()
	LEAQ(at(u.tables, constantsAt), constants)
	add(x, at(constants, 0))
	MOVQ(U32(rounds), left)
	Label("round")
	ADDQ(I32(both), constants)
	u.lps(x)
	add(x, at(constants, 0))
	DECQ(left)
	JNZ(LabelRef("round"))
	u.write(x, at(h, 0), at(m, 0))
	for i := range x { // what it held is secret
		VPXOR(x[i], x[i], x[i])
		VMOVDQU(x[i], kept.Offset(32*i))
	}
	VZEROUPPER()
	RET()
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	compress()
	Generate()
}
