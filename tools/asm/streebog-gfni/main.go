// Program streebog-gfni writes gost/streebog/gfni_amd64.s: the compression
// function of GOST R 34.11-2012 in AVX2 with GFNI. go generate runs it.
//
// A state is two registers, eight lanes of eight bytes. Lane c has byte c of
// each word (RFC 6986 counts the same way), in the order 0, 4, 1, 5, 2, 6, 3, 7
// of the words, in which two levels of VPUNPCK leave them; and each byte x is
// kept as alpha(x), see below. A round is
//
//	S  of Biryukov, Perrin and Udovenko (EUROCRYPT 2016, "Reverse-engineering
//	   the S-box of Streebog, Kuznyechik and STRIBOBr1"): Pi is, between two
//	   linear maps alpha and omega, a network of substitutions of four bits and
//	   two multiplications in the field of 16 elements. VPSHUFB substitutes.
//	   VGF2P8MULB multiplies: the field of 256 elements contains that of 16, and
//	   where one factor comes from a multiple of the small field whose elements
//	   have different low halves and no top bit, the product is an index of
//	   VPSHUFB as it is.
//	P  the square of bytes is turned over its diagonal: VPUNPCK and VPERMD
//	L  byte j of a word of the result is the sum over c of an 8x8 bit matrix
//	   times byte c: VGF2P8AFFINEQB has four matrices, one in each lane. Its
//	   operands are the registers and the same with their halves exchanged;
//	   what belongs into the neighbouring lane crosses over (VPSHUFD) as a sum.
//
// No table in memory is indexed by data: the code runs in constant time.
package main

import (
	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in gfniTables of the package.
const (
	embedAt     = 0
	inverseAt   = embedAt + 32
	nonzeroAt   = inverseAt + 32
	phiAt       = nonzeroAt + 32
	nu1At       = phiAt + 32
	nu0At       = nu1At + 32
	sigmaBoxAt  = nu0At + 32
	lowAt       = sigmaBoxAt + 32
	orderAt     = lowAt + 32
	wordsAt     = orderAt + 32
	alphaAt     = wordsAt + 32
	backAt      = alphaAt + 32
	ownAt       = backAt + 32
	otherAt     = ownAt + 2*4*32
	constantsAt = otherAt + 2*4*32
)

// Offsets in lane, step, half and iterated of the package.
const (
	hashAt   = 0
	sigmaAt  = 64
	dataAt   = 128
	lengthAt = 136

	stepMessageAt = 0
	stepCountAt   = 64
	stepSize      = 128

	keysAt   = 0
	sumAt    = keysAt + (rounds+1)*64
	totalAt  = sumAt + 64
	halfSize = totalAt + 64

	valueAt = 2 * halfSize
	stepsAt = valueAt + 64
)

const (
	// rounds is the number of iteration constants.
	rounds = 12
	// finalSteps is how many applications of g the end of a message takes.
	finalSteps = 3
)

// A pair is a state, or some other 64 bytes.
type pair [2]reg.VecVirtual

func newPair() pair { return pair{YMM(), YMM()} }

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// A unit knows where things are.
type unit struct {
	tables reg.Register
	p      reg.Register // moves through the constants or keys
	left   reg.Register // rounds
	kept   Mem          // 64 bytes on the stack
}

func newUnit() *unit {
	return &unit{tables: Load(Param("t"), GP64()), p: GP64(), left: GP64(), kept: AllocLocal(64)}
}

// table returns 32 bytes of the tables in a register.
func (u *unit) table(offset int) reg.VecVirtual {
	y := YMM()
	VMOVDQU(at(u.tables, offset), y)
	return y
}

// look sets each register of dst to what the table has at the indices.
func (u *unit) look(offset int, index, dst pair) {
	t := u.table(offset)
	VPSHUFB(index[0], t, dst[0])
	VPSHUFB(index[1], t, dst[1])
}

// each applies a three-operand instruction to both registers.
func each(instruction func(...Op), a, b, dst pair) {
	instruction(a[0], b[0], dst[0])
	instruction(a[1], b[1], dst[1])
}

func xor(ops ...Op) { VPXOR(ops[0], ops[1], ops[2]) }

func or(ops ...Op) { VPOR(ops[0], ops[1], ops[2]) }

func loadPair(m Mem) pair {
	p := newPair()
	VMOVDQU(m, p[0])
	VMOVDQU(m.Offset(32), p[1])
	return p
}

func storePair(p pair, m Mem) {
	VMOVDQU(p[0], m)
	VMOVDQU(p[1], m.Offset(32))
}

func addMemory(m Mem, p pair) {
	VPXOR(m, p[0], p[0])
	VPXOR(m.Offset(32), p[1], p[1])
}

// substitute returns S of alpha's values; the result has no alpha.
func (u *unit) substitute(x pair) pair {
	l, r := newPair(), newPair()
	low := u.table(lowAt)
	for i := range x {
		VPSRLW(U8(4), x[i], l[i])
		VPAND(low, x[i], r[i])
	}
	for i := range x {
		VPAND(low, l[i], l[i])
	}
	inverse, left, right := newPair(), newPair(), newPair()
	u.look(inverseAt, r, inverse)
	u.look(embedAt, l, left)
	each(VGF2P8MULB, inverse, left, left) // l / r, an index
	u.look(embedAt, r, right)
	u.look(nonzeroAt, r, r)
	each(or, r, l, l) // where r is not 0, an index that gives 0
	u.look(phiAt, left, inverse)
	each(VGF2P8MULB, inverse, right, right)
	u.look(nu1At, left, left)
	u.look(nu0At, l, l)
	each(xor, l, left, left)
	u.look(sigmaBoxAt, right, right)
	each(xor, right, left, left)
	return left
}

// transpose turns the square over its diagonal.
func (u *unit) transpose(x pair) pair {
	a, b := newPair(), newPair()
	VPUNPCKLBW(x[1], x[0], a[0])
	VPUNPCKHBW(x[1], x[0], a[1])
	VPUNPCKLWD(a[1], a[0], b[0])
	VPUNPCKHWD(a[1], a[0], b[1])
	order := u.table(orderAt)
	VPERMD(b[0], order, b[0])
	VPERMD(b[1], order, b[1])
	return b
}

// lps returns L(P(S(x))).
func (u *unit) lps(x pair) pair { return u.linear(u.substitute(x)) }

// linear returns L(P(x)).
func (u *unit) linear(x pair) pair {
	q := u.transpose(x)
	swapped := newPair()
	for i := range q {
		VPERMQ(U8(0x4e), q[i], swapped[i])
	}
	from := []reg.Register{q[0], q[1], swapped[0], swapped[1]}
	y := newPair()
	for i := range y {
		crossed := u.products(from, otherAt+128*i)
		VPSHUFD(U8(0x4e), crossed, crossed)
		VPXOR(u.products(from, ownAt+128*i), crossed, y[i])
	}
	return y
}

// products returns the sum of four registers, each multiplied by matrices.
func (u *unit) products(from []reg.Register, offset int) reg.Register {
	var p [4]reg.Register
	for i, x := range from {
		p[i] = YMM()
		VGF2P8AFFINEQB(U8(0), at(u.tables, offset+32*i), x, p[i])
	}
	VPXOR(p[1], p[0], p[0])
	VPXOR(p[3], p[2], p[2])
	VPXOR(p[2], p[0], p[0])
	return p[0]
}

// read returns 64 bytes in the order of a state.
func (u *unit) read(m Mem) pair {
	x := u.transpose(loadPair(m))
	for i := range x {
		VGF2P8AFFINEQB(U8(0), at(u.tables, alphaAt), x[i], x[i])
	}
	return x
}

// write undoes read.
func (u *unit) write(x pair, m Mem) {
	words := u.table(wordsAt)
	y := newPair()
	for i := range x {
		VGF2P8AFFINEQB(U8(0), at(u.tables, backAt), x[i], y[i])
		VPSHUFB(words, y[i], y[i])
	}
	y = u.transpose(y)
	for i := range y {
		VPSHUFB(words, y[i], y[i])
	}
	storePair(y, m)
}

// loop runs body once for each round, with p moving on by 64.
func (u *unit) loop(label string, start Mem, body func()) {
	LEAQ(start, u.p)
	MOVQ(U32(rounds), u.left)
	Label(label)
	body()
	ADDQ(I8(64), u.p)
	DECQ(u.left)
	JNZ(LabelRef(label))
}

func move(from, to pair) {
	VMOVDQA(from[0], to[0])
	VMOVDQA(from[1], to[1])
}

// constants is where the iteration constants begin.
func (u *unit) constants() Mem { return at(u.tables, constantsAt) }

// compress sets h to g_N(h, m): n gives N, and m is the message.
func (u *unit) compress(label string, h pair, n func() pair, m Mem) {
	storePair(h, u.kept)
	each(xor, n(), h, h)
	key := u.lps(h)
	x := u.read(m)
	move(x, h)
	addMemory(u.kept, h)
	storePair(h, u.kept) // h and m, which are added at the end
	each(xor, key, x, x)
	u.loop(label, u.constants(), func() {
		addMemory(Mem{Base: u.p}, key)
		a, b := u.substitute(key), u.substitute(x) // independent: side by side as far as there are registers
		move(u.linear(a), key)
		each(xor, key, u.linear(b), x)
	})
	move(x, h)
	addMemory(u.kept, h)
}

// keyed sets h to g_N(h, m) with keys that are known, the last of them with h.
func (u *unit) keyed(label string, keys, m Mem, h pair) {
	x := u.read(m)
	storePair(x, u.kept)
	addMemory(keys, x)
	u.loop(label, keys.Offset(64), func() {
		move(u.lps(x), x)
		addMemory(Mem{Base: u.p}, x)
	})
	move(x, h)
	addMemory(u.kept, h)
}

// expand makes keys that are used again and again.
func expand() {
	TEXT("expandGFNI", NOSPLIT, "func(t, keys, h, n *[8]uint64)")
	Doc("expandGFNI sets keys to those of g_N(h, m) for every m, with h added to the last.")
	u := newUnit()
	keys, hp, np := Load(Param("keys"), GP64()), Load(Param("h"), GP64()), Load(Param("n"), GP64())
	h := u.read(Mem{Base: hp})
	storePair(h, u.kept)
	x := u.read(Mem{Base: np})
	each(xor, x, h, x)
	move(u.lps(x), x)
	u.loop("round", u.constants(), func() {
		storePair(x, Mem{Base: keys})
		addMemory(Mem{Base: u.p}, x)
		move(u.lps(x), x)
		ADDQ(I8(64), keys)
	})
	addMemory(u.kept, x)
	storePair(x, Mem{Base: keys})
	VZEROUPPER()
	RET()
}

// chain is g with one message after the other.
func chain() {
	TEXT("chainGFNI", NOSPLIT, "func(t, keys, h, steps *[8]uint64, n int)")
	Doc("chainGFNI applies g with n steps, n > 0, to h. keys are those of the first", "step; where they are nil, it is like the others.")
	u := newUnit()
	keys, hp := Load(Param("keys"), GP64()), Load(Param("h"), GP64())
	p, left := Load(Param("steps"), GP64()), Load(Param("n"), GP64())
	h := u.read(Mem{Base: hp})
	TESTQ(keys, keys)
	JZ(LabelRef("step"))
	u.keyed("keyed", Mem{Base: keys}, at(p, stepMessageAt), h)
	ADDQ(I32(stepSize), p)
	DECQ(left)
	JZ(LabelRef("done"))
	Label("step")
	u.compress("round", h, func() pair { return u.read(at(p, stepCountAt)) }, at(p, stepMessageAt))
	ADDQ(I32(stepSize), p)
	DECQ(left)
	JNZ(LabelRef("step"))
	Label("done")
	u.write(h, Mem{Base: hp})
	VZEROUPPER()
	RET()
}

// blocks hashes whole blocks of a message.
func blocks() {
	TEXT("blocksGFNI", NOSPLIT, "func(t, lane *[8]uint64, n int)")
	Doc("blocksGFNI hashes n blocks, n > 0.")
	u := newUnit()
	lane, left := Load(Param("lane"), GP64()), Load(Param("n"), GP64())
	// The pointer moves in a register alone: behind its end a message's memory is
	// somebody else's, and Go's collector must not find a pointer there.
	data := GP64()
	MOVQ(at(lane, dataAt), data)
	h := u.read(at(lane, hashAt))
	Label("block")
	u.compress("round", h, func() pair { return u.bitCount(at(lane, lengthAt)) }, Mem{Base: data})
	addWords(at(lane, sigmaAt), Mem{Base: data}, at(lane, sigmaAt))
	ADDQ(U8(64), data)
	ADDQ(U8(64), at(lane, lengthAt))
	DECQ(left)
	JNZ(LabelRef("block"))
	u.write(h, at(lane, hashAt))
	VZEROUPPER()
	RET()
}

// bitCount returns N for length bytes: a number of 67 bits.
func (u *unit) bitCount(length Mem) pair {
	low, high, n := GP64(), GP64(), newPair()
	MOVQ(length, low)
	MOVQ(low, high)
	SHLQ(U8(3), low)
	SHRQ(U8(61), high)
	VMOVQ(low, n[0].AsX())
	VPINSRQ(U8(1), high, n[0].AsX(), n[0].AsX())
	VPXOR(n[1], n[1], n[1])
	n = u.transpose(n)
	for i := range n {
		VGF2P8AFFINEQB(U8(0), at(u.tables, alphaAt), n[i], n[i])
	}
	return n
}

// iterate computes HMAC again and again.
func iterate() {
	TEXT("iterateGFNI", NOSPLIT, "func(t, lane *[8]uint64, n int)")
	Doc("iterateGFNI replaces the value of the lane n times, n > 0, by its HMAC.")
	u := newUnit()
	lane, left, half, both := Load(Param("lane"), GP64()), Load(Param("n"), GP64()), GP64(), GP64()
	ADDQ(left, left)
	MOVQ(lane, half)
	LEAQ(Mem{Base: lane, Index: lane, Scale: 1, Disp: halfSize}, both)
	value := at(lane, valueAt)
	h := newPair()
	Label("half")
	addWords(at(half, sumAt), value, at(lane, stepsAt+(finalSteps-1)*stepSize))
	u.keyed("keyed", at(half, keysAt), value, h)
	p, end := GP64(), GP64()
	LEAQ(at(lane, stepsAt), p)
	LEAQ(at(lane, stepsAt+finalSteps*stepSize), end)
	Label("step")
	u.compress("round", h, func() pair { return u.read(at(p, stepCountAt)) }, at(p, stepMessageAt))
	ADDQ(I32(stepSize), p)
	CMPQ(p, end)
	JNE(LabelRef("step"))
	u.write(h, value)
	result, total := loadPair(value), at(half, totalAt)
	addMemory(total, result)
	storePair(result, total)
	SUBQ(both, half)
	NEGQ(half)
	DECQ(left)
	JNZ(LabelRef("half"))
	each(xor, h, h, h)
	storePair(h, u.kept) // what it held is secret
	VZEROUPPER()
	RET()
}

// addWords sets dst to a + b modulo 2^512.
func addWords(a, b, dst Mem) {
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

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	expand()
	chain()
	blocks()
	iterate()
	Generate()
}
