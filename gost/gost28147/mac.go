package gost28147

import (
	"encoding/binary"
	"fmt"
	"hash"
)

// MACSize is the length of the authentication code in bytes.
const MACSize = 4

// mac is a computation of the imitovstavka in progress.
type mac struct {
	key    [KeySize]byte // for Reset: meshing replaces the key of b
	iv     [BlockSize]byte
	b      block
	n1, n2 uint32
	meter  meter
	blocks int // blocks absorbed, counted up to 2
	buf    [BlockSize]byte
	nbuf   int
}

// NewMAC returns a hash.Hash that computes the 4-byte message authentication
// code of RFC 5830, section 8 (32 bits, the first register, least significant
// byte first). iv is the initial value of the registers, BlockSize bytes, or
// nil for zeros as in the standard; key wrapping (RFC 4357, section 6.3) uses
// another. With meshing the key changes every 1024 bytes (RFC 4357, section
// 2.3.2); the registers are not encrypted then, since they are no
// initialization vector. gost-engine does the same.
//
// A last incomplete block is padded with zeros, so messages that differ in
// trailing zeros have the same code: use it only where the length is known. A
// message of one block is followed by a block of zeros, since the standard
// requires two; the code of the empty message is that of gost-engine, the
// initial value itself. The result implements hash.Cloner.
func NewMAC(key []byte, sbox SBox, iv []byte, meshing bool) (hash.Hash, error) {
	b, err := newBlock(key, sbox)
	if err != nil {
		return nil, err
	}
	if iv != nil && len(iv) != BlockSize {
		return nil, fmt.Errorf("gost28147: iv of %d bytes, want %d or none", len(iv), BlockSize)
	}
	m := &mac{b: *b, meter: meter{on: meshing}}
	copy(m.key[:], key)
	copy(m.iv[:], iv)
	m.Reset()
	return m, nil
}

// Size returns MACSize.
func (m *mac) Size() int { return MACSize }

// BlockSize returns BlockSize.
func (m *mac) BlockSize() int { return BlockSize }

// Reset starts a new message under the original key.
func (m *mac) Reset() {
	m.b.setKey(m.key[:])
	m.n1, m.n2 = load(m.iv[:])
	m.meter.used, m.blocks, m.nbuf = 0, 0, 0
}

// Write adds p to the message. It never fails.
func (m *mac) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if m.nbuf == 0 && len(p) >= BlockSize {
			m.absorb(p)
			p = p[BlockSize:]
			continue
		}
		n := copy(m.buf[m.nbuf:], p)
		m.nbuf += n
		p = p[n:]
		if m.nbuf == BlockSize {
			m.absorb(m.buf[:])
			m.nbuf = 0
		}
	}
	return total, nil
}

// absorb adds one block: 16 rounds, the keys X0 to X7 twice.
func (m *mac) absorb(p []byte) {
	if m.meter.due() {
		// The registers are no initialization vector: only the key changes.
		m.b.mesh(0, 0)
	}
	m.blocks = min(m.blocks+1, 2)
	a, b := load(p)
	m.n1, m.n2 = m.b.sixteen(m.n1^a, m.n2^b)
}

// Sum appends the code of what was written so far to b. The computation can go
// on afterwards.
func (m *mac) Sum(b []byte) []byte {
	c := *m
	if c.nbuf > 0 {
		clear(c.buf[c.nbuf:])
		c.absorb(c.buf[:])
	}
	// RFC 5830, section 8: "M >= 2" blocks.
	if c.blocks == 1 {
		c.absorb(make([]byte, BlockSize))
	}
	return binary.LittleEndian.AppendUint32(b, c.n1)
}

// Clone returns an independent copy of the computation (hash.Cloner).
func (m *mac) Clone() (hash.Cloner, error) {
	c := *m
	return &c, nil
}
