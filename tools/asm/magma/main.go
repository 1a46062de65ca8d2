// Program magma writes gost/internal/feistel/blocks_amd64.s: Magma, or GOST
// 28147-89, on many blocks side by side in AVX-512 VBMI. go generate runs it.
//
// A register holds one half of 16 blocks as words of 32 bits, so that the
// addition of the round key is one VPADDD. A round is
//
//	t  eight tables of 16 entries: VPERMB has room for 64 entries, those of the
//	   four bytes' low nibbles; another one for those of the high nibbles. The
//	   index is the nibble and, above it, the number of the byte.
//	<<<11 is put off: the half that the sum is added to is kept rotated by 11 to
//	   the right, so that both tables' results and it are added at once
//	   (VPTERNLOG); the next round needs it rotated back.
//
// That makes eight instructions. A round waits for the one before, so groups of
// 16 blocks go side by side. No table in memory is indexed by data: the code
// runs in constant time.
package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand" //nolint:revive,staticcheck // likewise
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in Tables of the package.
const (
	lowAt  = 0
	highAt = 64
	swapAt = 128
	maskAt = 192
	byteAt = 196
)

// Offsets in lanes of the package.
const (
	leftAt      = 0
	rightAt     = 64
	stepLeftAt  = 128
	stepRightAt = 132
)

const (
	rounds = 32
	// unrolled is how many rounds stand in the loop.
	unrolled = 8
	// groups is how many times 16 blocks go side by side.
	groups = 8
	// together is how many of them take a step at the same time: more need more
	// registers than there are.
	together = 4
	// groupSize is the number of bytes of 16 blocks.
	groupSize = 128
)

// Truth tables of VPTERNLOG.
const (
	sum    = U8(0x96) // a xor b xor c
	choose = U8(0xea) // a and b, or c
)

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// A unit holds what stays in registers.
type unit struct {
	low, high    reg.VecVirtual
	mask, number reg.VecVirtual // of a nibble; of a byte in its word, times 16
	swap         Mem            // turns the bytes of words around
	keys         reg.Register
}

func load() *unit {
	t := Load(Param("t"), GP64())
	u := &unit{low: ZMM(), high: ZMM(), mask: ZMM(), number: ZMM(), swap: at(t, swapAt)}
	VMOVDQU64(at(t, lowAt), u.low)
	VMOVDQU64(at(t, highAt), u.high)
	VPBROADCASTD(at(t, maskAt), u.mask)
	VPBROADCASTD(at(t, byteAt), u.number)
	u.keys = Load(Param("k"), GP64())
	return u
}

// A group is 16 blocks on their way. rotated holds the halves rotated by 11 to
// the right, plain the one that the next round key is added to.
type group struct {
	rotated [2]reg.VecVirtual // of a_1, a_0
	plain   reg.VecVirtual
}

// begin starts the encryption of the halves left and right.
func begin(left, right reg.VecVirtual) *group {
	g := &group{rotated: [2]reg.VecVirtual{left, ZMM()}, plain: right}
	VPRORD(U8(11), right, g.rotated[1])
	VPRORD(U8(11), left, left)
	return g
}

// round adds t(a + key) to the other half, for all groups.
func (u *unit) round(gs []*group, key Mem, half int) {
	for some := range slices.Chunk(gs, together) {
		high := make([]reg.VecVirtual, len(some))
		for _, g := range some {
			VPADDD_BCST(key, g.plain, g.plain)
		}
		for i, g := range some {
			high[i] = ZMM()
			VPSRLD(U8(4), g.plain, high[i])
		}
		for _, g := range some {
			VPTERNLOGD(choose, u.number, u.mask, g.plain)
		}
		for i := range some {
			VPTERNLOGD(choose, u.number, u.mask, high[i])
		}
		for _, g := range some {
			VPERMB(u.low, g.plain, g.plain)
		}
		for i := range some {
			VPERMB(u.high, high[i], high[i])
		}
		for i, g := range some {
			VPTERNLOGD(sum, g.plain, high[i], g.rotated[half])
		}
		for _, g := range some {
			VPROLD(U8(11), g.rotated[half], g.plain)
		}
	}
}

// allRounds encrypts; the loop has its label from name.
func (u *unit) allRounds(name string, gs []*group) {
	k, end := GP64(), GP64()
	MOVQ(u.keys, k)
	LEAQ(at(u.keys, 4*rounds), end)
	Label(name)
	for i := range unrolled {
		u.round(gs, at(k, 4*i), i%2)
	}
	ADDQ(U8(4*unrolled), k)
	CMPQ(k, end)
	JNE(LabelRef(name))
}

// end returns the two registers of 8 blocks each in the order of memory. The
// halves are exchanged, as the last round of all does not exchange them.
func (u *unit) end(g *group) (one, two reg.VecVirtual) {
	first, second := g.plain, g.rotated[0]
	VPROLD(U8(11), second, second)
	one, two = ZMM(), ZMM()
	VPUNPCKLDQ(second, first, one)
	VPUNPCKHDQ(second, first, two)
	VPSHUFB(u.swap, one, one)
	VPSHUFB(u.swap, two, two)
	return one, two
}

// blocks encrypts up to 16 blocks.
func blocks() {
	TEXT("blocksVBMI", NOSPLIT, "func(t *byte, k *[32]uint32, dst, src *byte, mask0, mask1 uint64)")
	Doc("blocksVBMI encrypts up to 16 blocks. The masks have a bit for each byte of",
		"the first and of the second 8 blocks that is there.")
	u := load()
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	k0, k1 := K(), K()
	m := Load(Param("mask0"), GP64())
	KMOVQ(m, k0)
	m = Load(Param("mask1"), GP64())
	KMOVQ(m, k1)
	one, two, left, right := ZMM(), ZMM(), ZMM(), ZMM()
	VMOVDQU8_Z(at(src, 0), k0, one)
	VMOVDQU8_Z(at(src, 64), k1, two)
	VPSHUFB(u.swap, one, one)
	VPSHUFB(u.swap, two, two)
	VSHUFPS(U8(0x88), two, one, left)
	VSHUFPS(U8(0xdd), two, one, right)
	g := begin(left, right)
	u.allRounds("round", []*group{g})
	one, two = u.end(g)
	VMOVDQU8(one, k0, at(dst, 0))
	VMOVDQU8(two, k1, at(dst, 64))
	VZEROUPPER()
	RET()
}

// one encrypts one block. Registers of 256 bits answer sooner; there VPERMI2B
// has room for the 64 entries.
func one() {
	TEXT("blockVBMI", NOSPLIT, "func(t *byte, k *[32]uint32, x uint64, rounds int) uint64")
	Doc("blockVBMI applies a number of rounds, a multiple of 8, to one block and",
		"exchanges its halves.")
	t, k := Load(Param("t"), GP64()), Load(Param("k"), GP64())
	var low, high [2]reg.VecVirtual
	for i := range low {
		low[i], high[i] = YMM(), YMM()
		VMOVDQU64(at(t, lowAt+32*i), low[i])
		VMOVDQU64(at(t, highAt+32*i), high[i])
	}
	mask, number := YMM(), YMM()
	VPBROADCASTD(at(t, maskAt), mask)
	VPBROADCASTD(at(t, byteAt), number)
	a, b, rotated := YMM(), YMM(), [2]reg.VecVirtual{YMM(), YMM()}
	x := Load(Param("x"), GP64())
	VMOVD(x.(reg.GP).As32(), a.AsX())
	VPRORD(U8(11), a, rotated[1])
	SHRQ(U8(32), x)
	VMOVD(x.(reg.GP).As32(), rotated[0].AsX())
	VPRORD(U8(11), rotated[0], rotated[0])
	left := Load(Param("rounds"), GP64())
	Label("round")
	for i := range unrolled {
		half := rotated[i%2]
		VPADDD_BCST(at(k, 4*i), a, a)
		VPSRLD(U8(4), a, b)
		VPTERNLOGD(choose, number, mask, a)
		VPTERNLOGD(choose, number, mask, b)
		VPERMI2B(low[1], low[0], a)
		VPERMI2B(high[1], high[0], b)
		VPTERNLOGD(sum, a, b, half)
		VPROLD(U8(11), half, a)
	}
	ADDQ(U8(4*unrolled), k)
	SUBQ(U8(unrolled), left)
	JNZ(LabelRef("round"))
	VPROLD(U8(11), rotated[0], b)
	first, second := GP64(), GP64()
	VMOVD(a.AsX(), first.As32())
	VMOVD(b.AsX(), second.As32())
	SHLQ(U8(32), first)
	ORQ(second, first)
	Store(first, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// counters encrypts counters and adds them to a text.
func counters() {
	TEXT("countersVBMI", NOSPLIT, "func(t *byte, k *[32]uint32, dst, src *byte, n int, c *byte)")
	Doc("countersVBMI sets n times 128 blocks of dst, n > 0, to those of src XOR the",
		"encrypted counters from c on, and moves c on.")
	u := load()
	c := Load(Param("c"), GP64())
	// The pointers move in registers alone: behind its end a text's memory is
	// somebody else's, and Go's collector must not find a pointer there.
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	Label("batch")
	gs, left, right := make([]*group, groups), ZMM(), ZMM()
	VMOVDQU64(at(c, leftAt), left)
	VMOVDQU64(at(c, rightAt), right)
	for i := range gs {
		l, r := ZMM(), ZMM()
		VMOVDQA64(left, l)
		VMOVDQA64(right, r)
		gs[i] = begin(l, r)
		VPADDD_BCST(at(c, stepLeftAt), left, left)
		VPADDD_BCST(at(c, stepRightAt), right, right)
	}
	VMOVDQU64(left, at(c, leftAt))
	VMOVDQU64(right, at(c, rightAt))
	u.allRounds("rounds", gs)
	for i, g := range gs {
		one, two := u.end(g)
		VPXORQ(at(src, groupSize*i), one, one)
		VPXORQ(at(src, groupSize*i+64), two, two)
		VMOVDQU64(one, at(dst, groupSize*i))
		VMOVDQU64(two, at(dst, groupSize*i+64))
	}
	ADDQ(U32(groupSize*groups), src)
	ADDQ(U32(groupSize*groups), dst)
	DECQ(n)
	JNZ(LabelRef("batch"))
	VZEROUPPER()
	RET()
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	one()
	blocks()
	counters()
	Generate()
}
