//go:build amd64 && !purego

package streebog

import "math/bits"

//go:generate go run -C ../../tools/asm ./streebog-gfni -out ../../gost/streebog/gfni_amd64.s

// gfniTables is what gfni_amd64.s reads: its generator counts on this order and
// explains what a state is.
type gfniTables struct {
	// Tables of VPSHUFB with 16 entries, twice. The first four lead into the
	// field of 256 elements, from the second on their operand is a number or an
	// index that VGF2P8MULB has computed.
	embed, inverse, nonzero, phi, nu1, nu0, sigma [32]byte

	low    [32]byte  // the low halves of bytes
	order  [8]uint32 // VPERMD: the lanes after VPUNPCK
	words  [32]byte  // VPSHUFB: the words in a lane in their own order
	alpha  [4]uint64 // bit matrix
	back   [4]uint64 // its inverse
	own    [2][4][4]uint64
	other  [2][4][4]uint64
	rounds [12][64]byte // iteration
}

var gfni = makeGFNITables()

// The decomposition of Pi. Rows of alpha and omega are bits from the top.
var (
	piAlpha   = [8]byte{0x08, 0x41, 0x43, 0xef, 0x8a, 0x44, 0x1a, 0x20}
	piOmega   = [8]byte{0x0a, 0x04, 0x20, 0x9a, 0x08, 0x44, 0x82, 0x01}
	piInverse = [16]byte{0x0, 0x1, 0xc, 0x8, 0x6, 0xf, 0x4, 0xe, 0x3, 0xd, 0xb, 0xa, 0x2, 0x9, 0x7, 0x5}
	piNu0     = [16]byte{0x2, 0x5, 0x3, 0xb, 0x6, 0x9, 0xe, 0xa, 0x0, 0x4, 0xf, 0x1, 0x8, 0xd, 0xc, 0x7}
	piNu1     = [16]byte{0x7, 0x6, 0xc, 0x9, 0x0, 0xf, 0x8, 0x1, 0x4, 0x5, 0xb, 0xe, 0xd, 0x2, 0x3, 0xa}
	piPhi     = [16]byte{0xb, 0x2, 0xb, 0x8, 0xc, 0x4, 0x1, 0xc, 0x6, 0x3, 0x5, 0x8, 0xe, 0x3, 0x6, 0xb}
	piSigma   = [16]byte{0xc, 0xd, 0x0, 0x4, 0x8, 0xb, 0xa, 0xe, 0x3, 0x9, 0x5, 0x2, 0xf, 0x1, 0x6, 0x7}
)

const (
	// smallRoot is a root of X^4+X^3+1, which the decomposition takes for the
	// field of 16 elements, in the field of VGF2P8MULB.
	smallRoot = 0x0d
	// smallFactor times the elements of the small field gives bytes below 128
	// with different low halves.
	smallFactor = 0x05
)

// wordOrder is the order of words in a lane.
var wordOrder = [8]int{0, 4, 1, 5, 2, 6, 3, 7}

func makeGFNITables() *gfniTables {
	t := new(gfniTables)
	t.makeSubstitution()
	t.makeLinear()
	t.order = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}
	for i := range t.low {
		t.low[i] = 0x0f
		for at, word := range wordOrder {
			if word == i%8 {
				t.words[i] = byte(i%16/8*8 + at)
			}
		}
	}
	for i := range iteration {
		t.rounds[i] = inOrder(&iteration[i])
	}
	return t
}

// inOrder returns x as a state of this implementation.
func inOrder(x *state) (y [BlockSize]byte) {
	for at := range y {
		y[at] = multiply(piAlpha, byte(x[wordOrder[at%8]]>>(8*(at/8))))
	}
	return y
}

// makeSubstitution fills the tables of S.
func (t *gfniTables) makeSubstitution() {
	twice := func(table *[32]byte, index, value byte) { table[index], table[16+index] = value, value }
	for v := range byte(16) {
		twice(&t.embed, v, embedSmall(v))
		twice(&t.inverse, v, multiplyField(smallFactor, embedSmall(piInverse[v])))
		twice(&t.nonzero, v, 0x80)
		twice(&t.nu0, v, multiply(piOmega, (piNu0[v]^piNu1[0])<<4))
		index := multiplyField(smallFactor, embedSmall(v)) & 0x0f
		twice(&t.phi, index, multiplyField(smallFactor, embedSmall(piPhi[piNu1[v]])))
		twice(&t.nu1, index, multiply(piOmega, piNu1[v]<<4))
		twice(&t.sigma, index, multiply(piOmega, piSigma[v]))
	}
	twice(&t.nonzero, 0, 0)
}

// makeLinear fills the matrices. Lane j of register i of a result is its byte
// 4*i+j. Operands 0 and 1 are the registers, 2 and 3 the same with their halves
// exchanged.
func (t *gfniTables) makeLinear() {
	var back [256]byte
	for x := range 256 {
		back[multiply(piAlpha, byte(x))] = byte(x)
	}
	for j := range 4 {
		t.alpha[j] = affine(func(x byte) byte { return multiply(piAlpha, x) })
		t.back[j] = affine(func(x byte) byte { return back[x] })
		for i := range 2 {
			for operand := range 4 {
				c := wordOrder[operand%2*4+(j^operand/2*2)]
				t.own[i][operand][j] = affine(func(x byte) byte { return multiply(piAlpha, byteOfL(c, 4*i+j, x)) })
				t.other[i][operand][j] = affine(func(x byte) byte { return multiply(piAlpha, byteOfL(c, 4*i+(j^1), x)) })
			}
		}
	}
}

// multiply returns the product of a bit matrix and x.
func multiply(rows [8]byte, x byte) (y byte) {
	for _, row := range rows {
		y = y<<1 | byte(bits.OnesCount8(row&x)&1)
	}
	return y
}

// multiplyField multiplies in the field of VGF2P8MULB, modulo
// x^8 + x^4 + x^3 + x + 1.
func multiplyField(a, b byte) (p byte) {
	for ; b > 0; b >>= 1 {
		p ^= a * (b & 1)
		a = a<<1 ^ 0x1b*(a>>7)
	}
	return p
}

// embedSmall returns an element of the field of 16 in the field of 256.
func embedSmall(v byte) (e byte) {
	for power := byte(1); v > 0; v >>= 1 {
		e ^= power * (v & 1)
		power = multiplyField(power, smallRoot)
	}
	return e
}

//go:noescape
func expandGFNI(t *gfniTables, keys *roundKeys, h, n *state)

//go:noescape
func chainGFNI(t *gfniTables, keys *roundKeys, h *state, steps *step, n int)

//go:noescape
func blocksGFNI(t *gfniTables, lane *lane, n int)

//go:noescape
func iterateGFNI(t *gfniTables, lane *iterated, n int)
