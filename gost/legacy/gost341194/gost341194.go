// Package gost341194 implements the hash function of GOST R 34.11-94, as
// published in [RFC 5831], with the parameter sets of RFC 4357, section 11.2.
//
// GOST R 34.11-2012 (package streebog) has replaced this function; collisions
// cost less than they should. It is here to read what already exists and must
// not be used for anything new.
//
// The 32 bytes of a digest are little-endian: the byte that RFC 5831 prints
// last comes first, as in certificates and CMS.
//
// The implementation looks up tables at indices that depend on the data being
// hashed: where that data is secret, an attacker who shares the processor's
// cache may learn something about it.
//
// [RFC 5831]: https://www.rfc-editor.org/rfc/rfc5831
package gost341194

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"hash"
	"math/bits"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
)

const (
	// BlockSize is the length of a message block in bytes.
	BlockSize = 32
	// Size is the length of a digest in bytes.
	Size = 32
)

// word is an element of V256 as 64-bit words, the least significant first.
type word [4]uint64

// digest is a computation in progress.
type digest struct {
	sbox  gost28147.SBox
	set   byte // which parameter set, for MarshalBinary
	h     word
	sigma word
	buf   [BlockSize]byte
	nbuf  int
	len   uint64 // bytes written, modulo 2^61
}

// New returns a hash.Hash for id-GostR3411-94-CryptoProParamSet
// (1.2.643.2.2.30.1), the set that every protocol uses. It also implements
// hash.Cloner, encoding.BinaryMarshaler, encoding.BinaryAppender and
// encoding.BinaryUnmarshaler.
func New() hash.Hash {
	return &digest{sbox: gost28147.SBoxHashCryptoPro(), set: setCryptoPro}
}

// NewTest returns a hash.Hash for id-GostR3411-94-TestParamSet
// (1.2.643.2.2.30.0), the set of the examples of RFC 5831, section 7.
func NewTest() hash.Hash {
	return &digest{sbox: gost28147.SBoxHashTest(), set: setTest}
}

const (
	setTest      = 0
	setCryptoPro = 1
)

// Size returns Size.
func (d *digest) Size() int { return Size }

// BlockSize returns BlockSize.
func (d *digest) BlockSize() int { return BlockSize }

// Reset starts a new message.
func (d *digest) Reset() { *d = digest{sbox: d.sbox, set: d.set} }

// Write adds p to the message. It never fails.
func (d *digest) Write(p []byte) (int, error) {
	total := len(p)
	d.len += uint64(total)
	if d.nbuf > 0 {
		n := copy(d.buf[d.nbuf:], p)
		d.nbuf += n
		p = p[n:]
		if d.nbuf < BlockSize {
			return total, nil
		}
		d.block(load(d.buf[:]))
	}
	for len(p) >= BlockSize {
		d.block(load(p))
		p = p[BlockSize:]
	}
	d.nbuf = copy(d.buf[:], p)
	return total, nil
}

func load(p []byte) word {
	var w word
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(p[8*i:])
	}
	return w
}

func (w word) xor(v word) word {
	for i := range w {
		w[i] ^= v[i]
	}
	return w
}

// block performs step 3 of RFC 5831, section 6, for one block.
func (d *digest) block(m word) {
	d.step(m)
	var c uint64
	for i := range m {
		d.sigma[i], c = bits.Add64(d.sigma[i], m[i], c)
	}
}

// Sum appends the digest of what was written so far to b. The computation can
// go on afterwards.
func (d *digest) Sum(b []byte) []byte {
	c := *d
	// Steps 2.2 to 2.7. A last block that was full is already absorbed. For the
	// empty message step 2.5 would hash a block of zeros; the published digests
	// of the empty message leave it out.
	if c.nbuf > 0 {
		clear(c.buf[c.nbuf:])
		c.block(load(c.buf[:]))
	}
	c.step(word{c.len << 3, c.len >> 61})
	c.step(c.sigma)
	for _, w := range c.h {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// c3 is the constant C[3] of RFC 5831, section 5.1; C[2] and C[4] are zero.
var c3 = word{0xff00ff00ff00ff00, 0x00ff00ff00ff00ff, 0xff0000ff00ffff00, 0xff00ffff000000ff}

// step sets H to chi(m, H) (RFC 5831, section 5).
func (d *digest) step(m word) {
	u, v := d.h, m
	var s [Size]byte
	for i := range 4 {
		if i > 0 {
			u = shift(u)
			if i == 2 {
				u = u.xor(c3)
			}
			v = shift(shift(v))
		}
		key := permute(u.xor(v))
		binary.LittleEndian.PutUint64(s[8*i:], d.h[i])
		d.cipher(key[:]).Encrypt(s[8*i:], s[8*i:])
	}
	d.h = mix(load(s[:]), m, d.h)
}

func (d *digest) cipher(key []byte) cipher.Block {
	c, err := gost28147.NewCipher(key, d.sbox)
	if err != nil {
		// The key has 32 bytes and the S-box comes from a constructor.
		panic("gost341194: " + err.Error()) //nolint:forbidigo // cannot happen
	}
	return c
}

// shift is the transformation A of RFC 5831, section 5.1.
func shift(x word) word { return word{x[1], x[2], x[3], x[0] ^ x[1]} }

// permute is the transformation P of RFC 5831, section 5.1.
func permute(w word) [Size]byte {
	var out [Size]byte
	for i := range 4 {
		for k := range 8 {
			out[i+4*k] = byte(w[i] >> (8 * k))
		}
	}
	return out
}

// register holds the 16 words of RFC 5831, section 5.3, at its end: each PSI
// appends one and drops the first.
type register struct {
	w [16 + 61]uint16
	n int // index of eta[1]
}

func (r *register) set(x word) {
	r.n = 0
	for i := range 16 {
		r.w[i] = uint16(x[i/4] >> (i % 4 * 16))
	}
}

func (r *register) get() word {
	var x word
	for i := range 16 {
		x[i/4] |= uint64(r.w[r.n+i]) << (i % 4 * 16)
	}
	return x
}

// psi applies PSI n times; n is at most 61.
func (r *register) psi(n int) {
	for range n {
		e := r.w[r.n : r.n+17]
		e[16] = e[0] ^ e[1] ^ e[2] ^ e[3] ^ e[12] ^ e[15]
		r.n++
	}
}

// mix returns PSI^61(h xor PSI(m xor PSI^12(s))) (RFC 5831, section 5.3).
func mix(s, m, h word) word {
	var r register
	r.set(s)
	r.psi(12)
	r.set(m.xor(r.get()))
	r.psi(1)
	r.set(h.xor(r.get()))
	r.psi(61)
	return r.get()
}

// Clone returns an independent copy of the computation (hash.Cloner).
func (d *digest) Clone() (hash.Cloner, error) {
	c := *d
	return &c, nil
}

const (
	magic         = "g94\x01"
	marshaledSize = len(magic) + 1 + Size + Size + BlockSize + 8
)

// MarshalBinary encodes the state of the computation in a form private to this
// package.
func (d *digest) MarshalBinary() ([]byte, error) {
	return d.AppendBinary(make([]byte, 0, marshaledSize))
}

// AppendBinary appends what MarshalBinary returns to b.
func (d *digest) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, magic...)
	b = append(b, d.set)
	for _, x := range []word{d.h, d.sigma} {
		for _, w := range x {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	b = append(b, d.buf[:d.nbuf]...)
	b = append(b, make([]byte, BlockSize-d.nbuf)...)
	return binary.LittleEndian.AppendUint64(b, d.len), nil
}

// UnmarshalBinary restores what MarshalBinary of a hash with the same
// parameter set wrote. After an error d is unchanged.
func (d *digest) UnmarshalBinary(b []byte) error {
	if len(b) != marshaledSize || string(b[:len(magic)]) != magic {
		return errors.New("gost341194: invalid hash state")
	}
	b = b[len(magic):]
	if b[0] != d.set {
		return errors.New("gost341194: hash state of another parameter set")
	}
	b = b[1:]
	d.h, d.sigma = load(b), load(b[Size:])
	copy(d.buf[:], b[2*Size:])
	d.len = binary.LittleEndian.Uint64(b[2*Size+BlockSize:])
	d.nbuf = int(d.len % BlockSize)
	return nil
}
