package streebog

import (
	"encoding/binary"
	"math/bits"
)

// state is a vector of 512 bits as 64-bit words, the least significant first.
type state [8]uint64

// lps sets dst to LPS(a xor b) (RFC 6986, section 7). Byte i of word j moves
// to byte j of word i under P, so row i reads byte i of every word. dst may be
// a or b.
func lps(dst, a, b *state) {
	t := table
	x0, x1, x2, x3 := a[0]^b[0], a[1]^b[1], a[2]^b[2], a[3]^b[3]
	x4, x5, x6, x7 := a[4]^b[4], a[5]^b[5], a[6]^b[6], a[7]^b[7]
	dst[0] = t[0][byte(x0)] ^ t[1][byte(x1)] ^ t[2][byte(x2)] ^ t[3][byte(x3)] ^ t[4][byte(x4)] ^ t[5][byte(x5)] ^ t[6][byte(x6)] ^ t[7][byte(x7)]
	dst[1] = t[0][byte(x0>>8)] ^ t[1][byte(x1>>8)] ^ t[2][byte(x2>>8)] ^ t[3][byte(x3>>8)] ^ t[4][byte(x4>>8)] ^ t[5][byte(x5>>8)] ^ t[6][byte(x6>>8)] ^ t[7][byte(x7>>8)]
	dst[2] = t[0][byte(x0>>16)] ^ t[1][byte(x1>>16)] ^ t[2][byte(x2>>16)] ^ t[3][byte(x3>>16)] ^ t[4][byte(x4>>16)] ^ t[5][byte(x5>>16)] ^ t[6][byte(x6>>16)] ^ t[7][byte(x7>>16)]
	dst[3] = t[0][byte(x0>>24)] ^ t[1][byte(x1>>24)] ^ t[2][byte(x2>>24)] ^ t[3][byte(x3>>24)] ^ t[4][byte(x4>>24)] ^ t[5][byte(x5>>24)] ^ t[6][byte(x6>>24)] ^ t[7][byte(x7>>24)]
	dst[4] = t[0][byte(x0>>32)] ^ t[1][byte(x1>>32)] ^ t[2][byte(x2>>32)] ^ t[3][byte(x3>>32)] ^ t[4][byte(x4>>32)] ^ t[5][byte(x5>>32)] ^ t[6][byte(x6>>32)] ^ t[7][byte(x7>>32)]
	dst[5] = t[0][byte(x0>>40)] ^ t[1][byte(x1>>40)] ^ t[2][byte(x2>>40)] ^ t[3][byte(x3>>40)] ^ t[4][byte(x4>>40)] ^ t[5][byte(x5>>40)] ^ t[6][byte(x6>>40)] ^ t[7][byte(x7>>40)]
	dst[6] = t[0][byte(x0>>48)] ^ t[1][byte(x1>>48)] ^ t[2][byte(x2>>48)] ^ t[3][byte(x3>>48)] ^ t[4][byte(x4>>48)] ^ t[5][byte(x5>>48)] ^ t[6][byte(x6>>48)] ^ t[7][byte(x7>>48)]
	dst[7] = t[0][byte(x0>>56)] ^ t[1][byte(x1>>56)] ^ t[2][byte(x2>>56)] ^ t[3][byte(x3>>56)] ^ t[4][byte(x4>>56)] ^ t[5][byte(x5>>56)] ^ t[6][byte(x6>>56)] ^ t[7][byte(x7>>56)]
}

// compressGeneric sets h to g_N(h, m), the round function of RFC 6986, section 8. N
// is a bit count below 2^67, so its two low words suffice.
func compressGeneric(h, n, m *state) {
	var k, s state
	lps(&k, h, n)
	s = *m
	for i := range iteration {
		lps(&s, &s, &k)
		lps(&k, &k, &iteration[i])
	}
	for i := range h {
		h[i] ^= s[i] ^ k[i] ^ m[i]
	}
}

// A step is one application of g: the message block and N.
type step struct{ m, n state }

// roundKeys are K_1 to K_13 of RFC 6986, section 8, for one h and one N; h is
// added to the last. In which order an implementation keeps the bytes is its
// own affair.
type roundKeys [13]state

// initialGeneric are the keys of the first block, whose h and N are known, by
// Size/Size512.
var initialGeneric = makeInitialKeys()

func makeInitialKeys() (keys [2]roundKeys) {
	for i, size := range [2]int{Size256, Size512} {
		h := initial(size)
		expandGeneric(&keys[i], &h, &state{})
	}
	return keys
}

// initial returns the IV: RFC 6986, section 6.1, has (00000001)^64 for the
// 256-bit hash and zeros for the other.
func initial(size int) (h state) {
	if size == Size256 {
		for i := range h {
			h[i] = 0x0101010101010101
		}
	}
	return h
}

// expandGeneric returns the keys of g_N(h, m).
func expandGeneric(keys *roundKeys, h, n *state) {
	lps(&keys[0], h, n)
	for i := range iteration {
		lps(&keys[i+1], &keys[i], &iteration[i])
	}
	for i, w := range h {
		keys[12][i] ^= w
	}
}

// keyedGeneric returns g_N(h, m) with the keys for h and N.
func keyedGeneric(keys *roundKeys, m *state) state {
	s := *m
	for i := range iteration {
		lps(&s, &s, &keys[i])
	}
	for i, w := range m {
		s[i] ^= keys[12][i] ^ w
	}
	return s
}

// chainGeneric applies g with each of the steps to h. keys, if not nil, are
// those of the first step.
func chainGeneric(keys *roundKeys, h *state, steps []step) {
	if keys != nil {
		*h = keyedGeneric(keys, &steps[0].m)
		steps = steps[1:]
	}
	for i := range steps {
		compressGeneric(h, &steps[i].n, &steps[i].m)
	}
}

// blocksGeneric performs steps 2.2 to 2.5 of RFC 6986, section 9, for the whole
// blocks of p.
func (d *digest) blocksGeneric(p []byte) {
	for ; len(p) >= BlockSize; p = p[BlockSize:] {
		m := load((*[BlockSize]byte)(p))
		n := bitCount(d.len)
		compressGeneric(&d.h, &n, &m)
		d.sigma.add(&m)
		d.len += BlockSize
	}
}

// load returns the 64 bytes of a block as words.
func load(p *[BlockSize]byte) state {
	var m state
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(p[8*i:])
	}
	return m
}

// bitCount returns N for so many bytes.
func bitCount(length uint64) state { return state{length << 3, length >> 61} }

// add sets s to s+m modulo 2^512.
func (s *state) add(m *state) {
	var c uint64
	for i := range s {
		s[i], c = bits.Add64(s[i], m[i], c)
	}
}
