// Package kuznyechik implements the 128-bit block cipher of GOST R 34.12-2015
// ("Kuznyechik") with its 256-bit key, as published in [RFC 7801].
//
// On amd64 with AVX-512 VBMI and GFNI everything, the round keys and single
// blocks too, is computed in constant time. The portable implementation, the
// one on other processors, looks up tables at indices that depend on the key
// and the data: an attacker who shares the processor's cache may learn
// something about both. It is not constant time.
//
// [RFC 7801]: https://www.rfc-editor.org/rfc/rfc7801
package kuznyechik

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

const (
	// BlockSize is the length of a block in bytes.
	BlockSize = 16
	// KeySize is the length of a key in bytes.
	KeySize = 32

	rounds = 10

	// portable is the name of the implementation that every processor has.
	portable = "portable"
)

// block is the cipher with an expanded key.
type block struct {
	t *tables
	// encryption holds K_1 to K_10; decryption holds K_1 and, from index 1 on,
	// the inverse of L over K_2 to K_10.
	encryption, decryption [rounds][2]uint64
}

// KeySizeError is the error of NewCipher: the length in bytes of a key that is
// not KeySize long.
type KeySizeError int

func (k KeySizeError) Error() string {
	return fmt.Sprintf("kuznyechik: key of %d bytes, want %d", int(k), KeySize)
}

// NewCipher returns the block cipher with a key of KeySize bytes, whose first
// byte is the most significant (k_255..k_248 of RFC 7801, section 4.4). The
// key is copied. The error is a KeySizeError.
//
// The result also has the method EncryptBlocks(dst, src []byte), which
// encrypts any number of whole blocks faster than one by one. Where the
// processor has AVX-512 VBMI and GFNI it has the method
//
//	XORCounters(dst, src []byte, c, step [2]uint64)
//
// which sets dst to src XOR the encryption of the blocks c, c+step, c+2*step,
// ..., whose halves are the 64-bit numbers c[0] and c[1] and are added to apart.
func NewCipher(key []byte) (cipher.Block, error) {
	if len(key) != KeySize {
		return nil, KeySizeError(len(key))
	}
	return newCipher(key), nil
}

func newPortable(key []byte) *block {
	b := &block{t: sharedTables()}
	b.expand(key)
	return b
}

// expand derives the round keys (RFC 7801, section 4.4).
func (b *block) expand(key []byte) {
	k1, k2 := load(key), load(key[BlockSize:])
	b.encryption[0], b.encryption[1] = k1, k2
	for i, c := range b.t.constants {
		y0, y1 := substitute(&b.t.encrypt, k1[0]^c[0], k1[1]^c[1])
		k1, k2 = [2]uint64{y0 ^ k2[0], y1 ^ k2[1]}, k1
		if i%8 == 7 {
			b.encryption[i/8*2+2], b.encryption[i/8*2+3] = k1, k2
		}
	}
	b.decryption[0] = b.encryption[0]
	for i, k := range b.encryption[1:] {
		b.decryption[i+1] = b.unmix(k)
	}
}

// unmix returns the inverse of L over x: the decryption tables also undo S, so
// S is applied first.
func (b *block) unmix(x [2]uint64) [2]uint64 {
	x0, x1 := substitute(&b.t.decrypt, bytewise(&pi, x[0]), bytewise(&pi, x[1]))
	return [2]uint64{x0, x1}
}

// bytewise replaces every byte of x by its image under s.
func bytewise(s *[256]byte, x uint64) uint64 {
	var y uint64
	for i := 0; i < 64; i += 8 {
		y |= uint64(s[byte(x>>i)]) << i
	}
	return y
}

func load(b []byte) [2]uint64 {
	return [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func store(b []byte, x0, x1 uint64) {
	_ = b[BlockSize-1]
	binary.LittleEndian.PutUint64(b, x0)
	binary.LittleEndian.PutUint64(b[8:], x1)
}

// BlockSize returns BlockSize.
func (b *block) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst (RFC 7801, section 4.5.1).
// The whole block is read before dst is written.
func (b *block) Encrypt(dst, src []byte) {
	checkOne(dst, src)
	x := load(src)
	x0, x1 := x[0], x[1]
	for i := range rounds - 1 {
		k := &b.encryption[i]
		x0, x1 = substitute(&b.t.encrypt, x0^k[0], x1^k[1])
	}
	k := &b.encryption[rounds-1]
	store(dst, x0^k[0], x1^k[1])
}

// EncryptBlocks encrypts every block of src into dst. It panics if src is not
// a whole number of blocks or if dst is shorter. The two must be the same
// memory or must not overlap.
func (b *block) EncryptBlocks(dst, src []byte) {
	checkMany(dst, src)
	t := &b.t.encrypt
	for ; len(src) >= 2*BlockSize; dst, src = dst[2*BlockSize:], src[2*BlockSize:] {
		x, u := load(src), load(src[BlockSize:])
		x0, x1, u0, u1 := x[0], x[1], u[0], u[1]
		for i := range rounds - 1 {
			k := &b.encryption[i]
			x0, x1, u0, u1 = substitute2(t, x0^k[0], x1^k[1], u0^k[0], u1^k[1])
		}
		k := &b.encryption[rounds-1]
		store(dst, x0^k[0], x1^k[1])
		store(dst[BlockSize:], u0^k[0], u1^k[1])
	}
	if len(src) > 0 {
		b.Encrypt(dst, src)
	}
}

// Decrypt decrypts the first block of src into dst (RFC 7801, section 4.5.2,
// with the inverse of L moved past the addition of the round key).
func (b *block) Decrypt(dst, src []byte) {
	checkOne(dst, src)
	x := b.unmix(load(src))
	x0, x1 := x[0], x[1]
	for i := rounds - 1; i > 1; i-- {
		k := &b.decryption[i]
		x0, x1 = substitute(&b.t.decrypt, x0^k[0], x1^k[1])
	}
	k := &b.decryption[1]
	x0, x1 = bytewise(&b.t.inversePi, x0^k[0]), bytewise(&b.t.inversePi, x1^k[1])
	k = &b.decryption[0]
	store(dst, x0^k[0], x1^k[1])
}

func checkOne(dst, src []byte) {
	if len(src) < BlockSize {
		panic("kuznyechik: input not full block") //nolint:forbidigo // the contract of cipher.Block
	}
	if len(dst) < BlockSize {
		panic("kuznyechik: output not full block") //nolint:forbidigo // the contract of cipher.Block
	}
}

func checkMany(dst, src []byte) {
	if len(src)%BlockSize != 0 || len(dst) < len(src) {
		panic("kuznyechik: input not full blocks") //nolint:forbidigo // the contract of cipher.Block
	}
}
