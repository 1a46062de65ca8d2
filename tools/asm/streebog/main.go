// Program streebog writes gost/streebog/block_amd64.s: the compression function
// of GOST R 34.11-2012 in AVX-512 VBMI with GFNI. go generate runs it.
//
// The 64 bytes of a state form a square: byte c of word r (RFC 6986 counts the
// same way). Between rounds the code keeps the square transposed: byte r of
// lane c. A round is
//
//	S  one byte table of 256 entries: two VPERMI2B of 128 entries each, chosen
//	   between by the top bit of the index
//	P  is that transposition. In a transposed state every lane has what L makes
//	   one byte of a word from, once the words stand in the lanes again:
//	   VPERMB number b puts into lane j word wordAt(b, j), so that the four
//	   registers together have in each lane all words of its own parity
//	L  byte j of a word of the result is the sum over c of an 8x8 bit matrix
//	   times byte c: VGF2P8AFFINEQB has eight matrices, one in each lane. Words
//	   of the other parity are multiplied in the neighbouring lane by the
//	   matrices of this one, and their sum crosses over (VPSHUFD). The result is
//	   transposed again.
//
// so that nothing is moved back before the message ends. No table in memory is
// indexed by data: the code runs in constant time.
//
// One message is bound by the time that each step waits for the last one. Three
// and four messages side by side are bound by the units that permute; there the
// words go through memory, which can spread one over all lanes as it is read, and
// each of eight multiplications takes one.
package main

import (
	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in vbmiTables of the package.
const (
	sboxAt      = 0
	gatherAt    = sboxAt + 256
	affineAt    = gatherAt + 256
	transposeAt = affineAt + 512
	constantsAt = transposeAt + 64
	columnsAt   = constantsAt + 12*64
)

// Offsets in lane of the package.
const (
	hashAt   = 0
	sigmaAt  = 64
	dataAt   = 128
	lengthAt = 136
	laneSize = 144
)

// rounds is the number of iteration constants.
const rounds = 12

// sum is the truth table of a xor b xor c.
const sum = U8(0x96)

// A unit holds what stays in registers.
type unit struct {
	tables reg.Register
	sbox   [4]reg.VecVirtual
	gather [4]reg.VecVirtual // of one and two messages

	scratch reg.Register      // of three and more: memory on the stack at a multiple of 64
	uses    int               // of the scratch memory so far
	order   reg.VecVirtual    // transposes
	columns [8]reg.VecVirtual // matrices of each byte of a word
}

// slots is how many states the scratch memory has.
const slots = 8

// throughMemory is the number of messages from which the words go through memory.
const throughMemory = 3

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// table returns the 64 bytes of the tables at an offset in a register.
func (u *unit) table(offset int) reg.VecVirtual {
	z := ZMM()
	VMOVDQU64(at(u.tables, offset), z)
	return z
}

// load fills the registers for n messages.
func load(n int) *unit {
	u := &unit{tables: Load(Param("t"), GP64())}
	for i := range u.sbox {
		u.sbox[i] = u.table(sboxAt + 64*i)
	}
	if n < throughMemory {
		for i := range u.gather {
			u.gather[i] = u.table(gatherAt + 64*i)
		}
		return u
	}
	u.scratch, u.order = GP64(), u.table(transposeAt)
	memory := AllocLocal(64 * (slots + 1))
	LEAQ(memory.Offset(63), u.scratch)
	ANDQ(I8(-64), u.scratch)
	for i := range u.columns {
		u.columns[i] = u.table(columnsAt + 64*i)
	}
	return u
}

// transpose turns the square of bytes in m, a register or memory, over its
// diagonal into dst.
func (u *unit) transpose(m Op, dst reg.Register) {
	order := u.order
	if u.scratch == nil {
		order = u.table(transposeAt)
	}
	VPERMB(m, order, dst)
}

// substitute returns S(x) for each x. The steps of all of them go side by side:
// one waits for its tables while the next one works.
func (u *unit) substitute(xs ...reg.Register) []reg.Register {
	low, high, top := make([]reg.Register, len(xs)), make([]reg.Register, len(xs)), make([]reg.Register, len(xs))
	for i, x := range xs {
		low[i], high[i] = ZMM(), ZMM()
		VMOVDQA64(x, low[i])
		VMOVDQA64(x, high[i])
	}
	for i := range xs {
		VPERMI2B(u.sbox[1], u.sbox[0], low[i])
	}
	for i := range xs {
		VPERMI2B(u.sbox[3], u.sbox[2], high[i])
	}
	for i, x := range xs {
		top[i] = K()
		VPMOVB2M(x, top[i])
	}
	for i := range xs {
		VMOVDQU8(high[i], top[i], low[i])
	}
	return low
}

// linear returns two registers whose sum is L(P(x)): the caller adds them
// together with what else is to be added.
func (u *unit) linear(x reg.Register) (one, two reg.Register) {
	if u.scratch != nil {
		return u.linearThroughMemory(x)
	}
	var words, own, other [4]reg.Register
	for b := range 4 {
		words[b] = ZMM()
		VPERMB(x, u.gather[b], words[b])
	}
	for b := range 4 {
		other[b] = ZMM()
		VGF2P8AFFINEQB(U8(0), at(u.tables, affineAt+64*(4+b)), words[b], other[b])
	}
	crossed := add4(other)
	VPSHUFD(U8(0x4e), crossed, crossed)
	for b := range 4 {
		own[b] = words[b]
		VGF2P8AFFINEQB(U8(0), at(u.tables, affineAt+64*b), words[b], own[b])
	}
	return crossed, add4(own)
}

// linearThroughMemory is linear for three messages and more. x is lost.
func (u *unit) linearThroughMemory(x reg.Register) (one, two reg.Register) {
	words := at(u.scratch, 64*(u.uses%slots))
	u.uses++
	VPERMB(x, u.order, x)
	VMOVDQU64(x, words)
	product := func(c int) reg.Register {
		a := ZMM()
		VPBROADCASTQ(words.Offset(8*c), a)
		VGF2P8AFFINEQB(U8(0), u.columns[c], a, a)
		return a
	}
	a0, a1, a2 := product(0), product(1), product(2)
	VPTERNLOGQ(sum, a0, a1, a2)
	a3, a4, a5 := product(3), product(4), product(5)
	VPTERNLOGQ(sum, a3, a4, a5)
	a6, a7 := product(6), product(7)
	VPTERNLOGQ(sum, a6, a7, a2)
	return a2, a5
}

// add4 returns the sum of four registers and loses them.
func add4(a [4]reg.Register) reg.Register {
	VPTERNLOGQ(sum, a[0], a[1], a[2])
	VPXORQ(a[2], a[3], a[3])
	return a[3]
}

// A stream is one g_N(h, m) on its way. The registers are transposed.
type stream struct {
	u      *unit
	key, x reg.Register // the key of the next round has its constant added
}

// begin starts g_N(h, m). n and m are lost.
func (u *unit) begin(h Op, n, m reg.Register) *stream {
	s := &stream{u: u, key: ZMM(), x: m}
	VPXORQ(h, n, n)
	a, b := u.linear(u.substitute(n)[0])
	VPTERNLOGQ(sum, a, b, s.x)
	VMOVDQU64(at(u.tables, constantsAt), s.key)
	VPTERNLOGQ(sum, a, b, s.key)
	return s
}

// round is a round with the constant of the next one.
func (s *stream) round(constant Mem) {
	u := s.u
	after := u.substitute(s.key, s.x)
	a, b := u.linear(after[0])
	key := ZMM()
	VPXORQ(a, b, key)
	VMOVDQU64(constant, s.key)
	VPTERNLOGQ(sum, a, b, s.key)
	a, b = u.linear(after[1])
	VMOVDQA64(key, s.x)
	VPTERNLOGQ(sum, a, b, s.x)
}

// end sets h to the result: h and m, as they were at the beginning, are added.
func (s *stream) end(m Op, h Op, dst reg.Register) {
	s.u.transpose(m, dst)
	VPTERNLOGQ(sum, h, s.x, dst)
}

// blocks hashes whole blocks of n messages side by side: while one waits for
// its tables, the units work for another one.
func blocks(name string, n int) {
	TEXT(name, NOSPLIT, "func(t, lanes *[8]uint64, n int)")
	Doc(name + " hashes n blocks, n > 0, of each lane.")
	u := load(n)
	lanes, left := Load(Param("lanes"), GP64()), Load(Param("n"), GP64())
	// The pointers move in registers alone: behind its end a message's memory is
	// somebody else's, and Go's collector must not find a pointer there.
	data := make([]reg.Register, n)
	for k := range data {
		data[k] = GP64()
		MOVQ(at(lanes, k*laneSize+dataAt), data[k])
	}
	h, kept := make([]Op, n), n == 1 // one message's h stays in a register
	t := ZMM()
	for k := range n {
		u.transpose(at(lanes, k*laneSize+hashAt), t)
		h[k] = at(lanes, k*laneSize+hashAt)
		if kept {
			h[k] = t
			continue
		}
		VMOVDQU64(t, h[k])
	}
	Label("block")
	streams := make([]*stream, n)
	for k := range streams {
		base := k * laneSize
		count, m := bitCount(u, at(lanes, base+lengthAt)), ZMM()
		u.transpose(Mem{Base: data[k]}, m)
		streams[k] = u.begin(h[k], count, m)
	}
	for k := range streams {
		addBlock(at(lanes, k*laneSize+sigmaAt), data[k])
	}
	u.roundLoop("round", streams)
	for k, s := range streams {
		result := ZMM()
		s.end(Mem{Base: data[k]}, h[k], result)
		VMOVDQU64(result, h[k])
		ADDQ(U8(64), data[k])
		ADDQ(U8(64), at(lanes, k*laneSize+lengthAt))
	}
	DECQ(left)
	JNZ(LabelRef("block"))
	for k := range n {
		u.transpose(h[k], t)
		VMOVDQU64(t, at(lanes, k*laneSize+hashAt))
	}
	VZEROUPPER()
	RET()
}

// bitCount returns N for length bytes: a number of 67 bits, transposed.
func bitCount(u *unit, length Mem) reg.Register {
	low, high, n := GP64(), GP64(), ZMM()
	MOVQ(length, low)
	MOVQ(low, high)
	SHLQ(U8(3), low)
	SHRQ(U8(61), high)
	VMOVQ(low, n.AsX())
	VPINSRQ(U8(1), high, n.AsX(), n.AsX())
	u.transpose(n, n)
	return n
}

// addBlock adds the block at p to sigma modulo 2^512.
func addBlock(sigma Mem, p reg.Register) {
	w := GP64()
	for i := range 8 {
		MOVQ(at(p, 8*i), w)
		if i == 0 {
			ADDQ(w, sigma)
		} else {
			ADCQ(w, sigma.Offset(8*i))
		}
	}
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	blocks("blocksVBMI", 1)
	blocks("blocks2VBMI", 2)
	blocks("blocks3VBMI", 3)
	blocks("blocks4VBMI", 4)
	expand()
	chain()
	iterate("iterateVBMI", 1)
	iterate("iterate2VBMI", 2)
	iterate("iterate3VBMI", 3)
	iterate("iterate4VBMI", 4)
	Generate()
}
