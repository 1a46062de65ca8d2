// Package omac implements the message authentication code of GOST R
// 34.13-2015, section 5.6, which is OMAC1 (CMAC), over a 64-bit or 128-bit
// block cipher.
//
// The code is only as private as the block cipher under it: the portable
// ciphers of this module look up tables at secret indices. Compare a received
// code with subtle.ConstantTimeCompare or hmac.Equal, never with ==.
package omac

import (
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
	"hash"
)

const maxBlock = 16

// mac is a computation in progress.
type mac struct {
	block  cipher.Block
	n      int // block size in bytes
	size   int // tag size in bytes
	k1, k2 [maxBlock]byte
	state  [maxBlock]byte
	buf    [maxBlock]byte // the last bytes written; full only until more come
	nbuf   int
}

// New returns a hash.Hash that computes the OMAC of what is written under the
// key of block. The block size is 8 or 16 bytes. tagSize is the length of the
// result in bytes, from 1 to the block size; the first bytes are kept ("the
// most significant", GOST R 34.13-2015, section 5.6). The result implements
// hash.Cloner.
func New(block cipher.Block, tagSize int) (hash.Hash, error) {
	n := block.BlockSize()
	if n != 8 && n != 16 {
		return nil, fmt.Errorf("omac: block size of %d bytes, want 8 or 16", n)
	}
	if tagSize < 1 || tagSize > n {
		return nil, fmt.Errorf("omac: tag size of %d bytes, want 1 to %d", tagSize, n)
	}
	m := &mac{block: block, n: n, size: tagSize}
	// R = E_K(0^n), K_1 = R*x, K_2 = R*x^2 in GF(2^n).
	block.Encrypt(m.k1[:n], m.k1[:n])
	double(m.k1[:n])
	m.k2 = m.k1
	double(m.k2[:n])
	return m, nil
}

// double multiplies b by x in GF(2^64) modulo x^64+x^4+x^3+x+1 or in GF(2^128)
// modulo x^128+x^7+x^2+x+1, in constant time.
func double(b []byte) {
	carry := b[0] >> 7
	for i := range len(b) - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	poly := byte(0x87)
	if len(b) == 8 {
		poly = 0x1b
	}
	b[len(b)-1] = b[len(b)-1]<<1 ^ poly&-carry
}

// Size returns the tag size in bytes.
func (m *mac) Size() int { return m.size }

// BlockSize returns the block size of the cipher in bytes.
func (m *mac) BlockSize() int { return m.n }

// Reset starts a new message under the same key.
func (m *mac) Reset() {
	m.state, m.buf, m.nbuf = [maxBlock]byte{}, [maxBlock]byte{}, 0
}

// Write adds p to the message. It never fails.
func (m *mac) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		// The last block is treated apart, so a full block waits for more.
		if m.nbuf == m.n {
			m.absorb(m.buf[:m.n])
			m.nbuf = 0
		}
		if m.nbuf == 0 {
			for len(p) > m.n {
				m.absorb(p[:m.n])
				p = p[m.n:]
			}
		}
		k := copy(m.buf[m.nbuf:m.n], p)
		m.nbuf += k
		p = p[k:]
	}
	return total, nil
}

func (m *mac) absorb(p []byte) {
	s := m.state[:m.n]
	subtle.XORBytes(s, s, p)
	m.block.Encrypt(s, s)
}

// Sum appends the tag of what was written so far to b. The computation can go
// on afterwards.
func (m *mac) Sum(b []byte) []byte {
	c := *m
	last := c.buf[:c.n]
	if c.nbuf == c.n {
		subtle.XORBytes(last, last, c.k1[:])
	} else {
		// An incomplete last block is padded with a one bit and zeros.
		last[c.nbuf] = 0x80
		clear(last[c.nbuf+1:])
		subtle.XORBytes(last, last, c.k2[:])
	}
	c.absorb(last)
	return append(b, c.state[:c.size]...)
}

// Clone returns an independent copy of the computation (hash.Cloner).
func (m *mac) Clone() (hash.Cloner, error) {
	c := *m
	return &c, nil
}
