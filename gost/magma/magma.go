// Package magma implements the 64-bit block cipher of GOST R 34.12-2015
// ("Magma") with its 256-bit key, as published in [RFC 8891].
//
// On amd64 with AVX-512 VBMI everything, single blocks too, is computed in
// constant time. The portable implementation, the one on other processors,
// looks up tables at indices that depend on the key and the data: an attacker
// who shares the processor's cache may learn something about both. It is not
// constant time.
//
// [RFC 8891]: https://www.rfc-editor.org/rfc/rfc8891
package magma

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

const (
	// BlockSize is the length of a block in bytes.
	BlockSize = 8
	// KeySize is the length of a key in bytes.
	KeySize = 32

	rounds   = 32
	parallel = 4 // blocks that the portable EncryptBlocks works on at once

	// portable is the name of the implementation that every processor has.
	portable = "portable"
)

// block is the cipher with the round keys in the order of encryption.
type block struct {
	t *lookup
	k [rounds]uint32
}

// KeySizeError is the error of NewCipher: the length in bytes of a key that is
// not KeySize long.
type KeySizeError int

func (k KeySizeError) Error() string {
	return fmt.Sprintf("magma: key of %d bytes, want %d", int(k), KeySize)
}

// NewCipher returns the block cipher with a key of KeySize bytes, whose first
// byte is the most significant (k_255..k_248 of RFC 8891, section 4.3). The
// key is copied. The error is a KeySizeError.
//
// The result also has the method EncryptBlocks(dst, src []byte), which
// encrypts any number of whole blocks faster than one by one. Where the
// processor has AVX-512 VBMI it has the method
//
//	XORCounters(dst, src []byte, c, step [2]uint64)
//
// which sets dst to src XOR the encryption of the blocks c, c+step, c+2*step,
// ..., whose halves are the 32-bit numbers c[0] and c[1] and are added to apart.
func NewCipher(key []byte) (cipher.Block, error) {
	if len(key) != KeySize {
		return nil, KeySizeError(len(key))
	}
	var k [rounds]uint32
	for i := range 8 {
		w := binary.BigEndian.Uint32(key[4*i:])
		// RFC 8891, section 4.3: K_1 to K_8 three times, then in reverse.
		k[i], k[i+8], k[i+16], k[31-i] = w, w, w, w
	}
	defer clear(k[:])
	return newCipher(&k), nil
}

// newPortable returns the cipher with the round keys k.
func newPortable(k *[rounds]uint32) *block { return &block{t: sharedLookup(), k: *k} }

// BlockSize returns BlockSize.
func (b *block) BlockSize() int { return BlockSize }

// g is the transformation g of RFC 8891, section 4.2, of a word to which the
// round key has been added.
func g(t *lookup, a uint32) uint32 {
	return t[0][byte(a)] ^ t[1][byte(a>>8)] ^ t[2][byte(a>>16)] ^ t[3][a>>24]
}

// Encrypt encrypts the first block of src into dst (RFC 8891, section 5.1).
// The whole block is read before dst is written.
func (b *block) Encrypt(dst, src []byte) {
	checkOne(dst, src)
	x := binary.BigEndian.Uint64(src)
	a1, a0 := uint32(x>>32), uint32(x)
	for i := 0; i < rounds; i += 2 {
		a1 ^= g(b.t, a0+b.k[i])
		a0 ^= g(b.t, a1+b.k[i+1])
	}
	// The last round does not exchange the halves (G^*), so undo it.
	binary.BigEndian.PutUint64(dst, uint64(a0)<<32|uint64(a1))
}

// Decrypt decrypts the first block of src into dst (RFC 8891, section 5.2).
func (b *block) Decrypt(dst, src []byte) {
	checkOne(dst, src)
	x := binary.BigEndian.Uint64(src)
	a1, a0 := uint32(x>>32), uint32(x)
	for i := rounds - 2; i >= 0; i -= 2 {
		a1 ^= g(b.t, a0+b.k[i+1])
		a0 ^= g(b.t, a1+b.k[i])
	}
	binary.BigEndian.PutUint64(dst, uint64(a0)<<32|uint64(a1))
}

// EncryptBlocks encrypts every block of src into dst. It panics if src is not
// a whole number of blocks or if dst is shorter. The two must be the same
// memory or must not overlap.
func (b *block) EncryptBlocks(dst, src []byte) {
	checkMany(dst, src)
	for ; len(src) >= parallel*BlockSize; dst, src = dst[parallel*BlockSize:], src[parallel*BlockSize:] {
		b.encryptMany((*[parallel * BlockSize]byte)(dst), (*[parallel * BlockSize]byte)(src))
	}
	for ; len(src) > 0; dst, src = dst[BlockSize:], src[BlockSize:] {
		b.Encrypt(dst, src)
	}
}

// encryptMany encrypts parallel blocks side by side: each round has to wait for the
// one before it, so a single block leaves the processor idle.
func (b *block) encryptMany(dst, src *[parallel * BlockSize]byte) {
	x1, x0 := binary.BigEndian.Uint32(src[0:]), binary.BigEndian.Uint32(src[4:])
	y1, y0 := binary.BigEndian.Uint32(src[8:]), binary.BigEndian.Uint32(src[12:])
	z1, z0 := binary.BigEndian.Uint32(src[16:]), binary.BigEndian.Uint32(src[20:])
	w1, w0 := binary.BigEndian.Uint32(src[24:]), binary.BigEndian.Uint32(src[28:])
	t := b.t
	for i := 0; i < rounds; i += 2 {
		k := b.k[i]
		x1 ^= g(t, x0+k)
		y1 ^= g(t, y0+k)
		z1 ^= g(t, z0+k)
		w1 ^= g(t, w0+k)
		k = b.k[i+1]
		x0 ^= g(t, x1+k)
		y0 ^= g(t, y1+k)
		z0 ^= g(t, z1+k)
		w0 ^= g(t, w1+k)
	}
	binary.BigEndian.PutUint32(dst[0:], x0)
	binary.BigEndian.PutUint32(dst[4:], x1)
	binary.BigEndian.PutUint32(dst[8:], y0)
	binary.BigEndian.PutUint32(dst[12:], y1)
	binary.BigEndian.PutUint32(dst[16:], z0)
	binary.BigEndian.PutUint32(dst[20:], z1)
	binary.BigEndian.PutUint32(dst[24:], w0)
	binary.BigEndian.PutUint32(dst[28:], w1)
}

func checkOne(dst, src []byte) {
	if len(src) < BlockSize {
		panic("magma: input not full block") //nolint:forbidigo // the contract of cipher.Block
	}
	if len(dst) < BlockSize {
		panic("magma: output not full block") //nolint:forbidigo // the contract of cipher.Block
	}
}

func checkMany(dst, src []byte) {
	if len(src)%BlockSize != 0 || len(dst) < len(src) {
		panic("magma: input not full blocks") //nolint:forbidigo // the contract of cipher.Block
	}
}
