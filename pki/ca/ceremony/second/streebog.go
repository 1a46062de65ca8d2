package second

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// block is a vector of V_512; block[i] is the octet a_i, so that the first
// octet of a message is block[0].
type block [64]byte

// xor is X[k] (RFC 6986, section 7).
func xor(a, b block) (c block) {
	for i := range c {
		c[i] = a[i] ^ b[i]
	}
	return c
}

// lps is L, P and S one after the other, as RFC 6986, section 7 writes them.
func lps(a block) block {
	var s, p, l block
	for i := range a {
		s[i] = pi[a[i]]
	}
	for i := range s {
		// "P(a) = a_(Tau(63))||...||a_(Tau(0))", and Tau (section 6.3)
		// transposes a square of eight by eight.
		p[i] = s[8*(i%8)+i/8]
	}
	for i := 0; i < 64; i += 8 {
		var c uint64
		for b := binary.LittleEndian.Uint64(p[i:]); b != 0; b &= b - 1 {
			// "b_i(...a_(63-i, 0))": bit i selects row 63 - i (section 6.4).
			c ^= matrix[63-bits.TrailingZeros64(b)]
		}
		binary.LittleEndian.PutUint64(l[i:], c)
	}
	return l
}

// compress is g_N (RFC 6986, section 8).
func compress(n, h, m block) block {
	k, e := lps(xor(h, n)), m
	for _, c := range constants {
		e = lps(xor(k, e))
		k = lps(xor(k, constant(c)))
	}
	return xor(xor(xor(k, e), h), m)
}

// constant reads one of the constants.
func constant(text string) (c block) {
	var printed block
	_, _ = hex.Decode(printed[:], []byte(text)) // 128 digits of the table
	for i := range c {
		c[i] = printed[63-i]
	}
	return c
}

// add is addition modulo 2^512.
func add(a, b block) (c block) {
	carry := 0
	for i := range c {
		carry += int(a[i]) + int(b[i])
		c[i] = byte(carry)
		carry >>= 8
	}
	return c
}

// streebog is the procedure of RFC 6986, section 9. The initializing
// value is 0^512 for the 512-bit function and (00000001)^64 for the 256-bit one
// (section 6.1).
func streebog(message []byte, size int) []byte {
	var h, n, sum, zero block
	if size == 32 {
		for i := range h {
			h[i] = 1
		}
	}
	for len(message) >= 64 { // Step 2
		m := block(message[:64])
		h = compress(n, h, m)
		n = add(n, block{1: 2}) // 512
		sum = add(sum, m)
		message = message[64:]
	}
	var m block // Step 3.1: a one before the message, and zeros
	copy(m[:], message)
	m[len(message)] = 1
	h = compress(n, h, m)
	n = add(n, block{byte(8 * len(message) & 0xff), byte(8 * len(message) >> 8)})
	sum = add(sum, m)
	h = compress(zero, h, n)
	h = compress(zero, h, sum)
	// MSB_256: the octets a_63 to a_32.
	return append([]byte(nil), h[64-size:]...)
}

// Streebog256 returns the digest of GOST R 34.11-2012 with 256 bits, 32 octets.
func Streebog256(message []byte) []byte { return streebog(message, 32) }

// Streebog512 returns the digest of GOST R 34.11-2012 with 512 bits, 64 octets.
func Streebog512(message []byte) []byte { return streebog(message, 64) }
