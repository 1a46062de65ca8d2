// Package gost28147 implements the 64-bit block cipher of GOST 28147-89 with
// its cipher feedback, counter and authentication modes, as published in
// [RFC 5830], and the CryptoPro key meshing of [RFC 4357], section 2.3.2.
//
// Keys, blocks and initialization vectors are little-endian, as in every
// protocol that uses the cipher; Magma (package magma) is the same cipher with
// the substitutions of SBoxTC26Z and big-endian blocks and keys.
//
// On amd64 with AVX-512 VBMI everything is computed in constant time. The
// portable implementation, the one on other processors, looks up tables at
// indices that depend on the key and the data: an attacker who shares the
// processor's cache may learn something about both. It is not constant time.
//
// [RFC 5830]: https://www.rfc-editor.org/rfc/rfc5830
// [RFC 4357]: https://www.rfc-editor.org/rfc/rfc4357
package gost28147

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// BlockSize is the length of a block and of an initialization vector in
	// bytes.
	BlockSize = 8
	// KeySize is the length of a key in bytes.
	KeySize = 32

	// portable is the name of the implementation that every processor has.
	portable = "portable"
)

// block is the cipher with its key as the words X0 to X7 of the KDS.
type block struct {
	t    *lookup
	k    [8]uint32
	wide wide
}

// NewCipher returns the block cipher ("electronic codebook mode", RFC 5830,
// section 5) with a key of KeySize bytes, least significant word first. The key
// is copied.
func NewCipher(key []byte, sbox SBox) (cipher.Block, error) {
	b, err := newBlock(key, sbox)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func newBlock(key []byte, sbox SBox) (*block, error) {
	if sbox.t == nil {
		return nil, errors.New("gost28147: invalid (zero) SBox")
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("gost28147: key of %d bytes, want %d", len(key), KeySize)
	}
	b := &block{t: &sbox.t.lookup, wide: newWide(sbox)}
	b.setKey(key)
	return b, nil
}

func (b *block) setKey(key []byte) {
	for i := range b.k {
		b.k[i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	b.wide.setKey(&b.k)
}

// BlockSize returns BlockSize.
func (b *block) BlockSize() int { return BlockSize }

// f substitutes and rotates a word to which the round key has been added.
func f(t *lookup, a uint32) uint32 {
	return t[0][byte(a)] ^ t[1][byte(a>>8)] ^ t[2][byte(a>>16)] ^ t[3][a>>24]
}

// forward performs eight rounds with the keys X0 to X7.
func (b *block) forward(n1, n2 uint32) (uint32, uint32) {
	for i := 0; i < 8; i += 2 {
		n2 ^= f(b.t, n1+b.k[i])
		n1 ^= f(b.t, n2+b.k[i+1])
	}
	return n1, n2
}

// backward performs eight rounds with the keys X7 to X0.
func (b *block) backward(n1, n2 uint32) (uint32, uint32) {
	for i := 6; i >= 0; i -= 2 {
		n2 ^= f(b.t, n1+b.k[i+1])
		n1 ^= f(b.t, n2+b.k[i])
	}
	return n1, n2
}

// encrypt returns the block after 32 rounds: three times forward and once
// backward (RFC 5830, section 5.1). The last round does not exchange N1 and N2.
func (b *block) encrypt(n1, n2 uint32) (uint32, uint32) {
	if b.wide.on {
		return b.wide.encrypt(n1, n2)
	}
	n1, n2 = b.forward(n1, n2)
	n1, n2 = b.forward(n1, n2)
	n1, n2 = b.forward(n1, n2)
	n1, n2 = b.backward(n1, n2)
	return n2, n1
}

// Encrypt encrypts the first block of src into dst. The whole block is read
// before dst is written.
func (b *block) Encrypt(dst, src []byte) {
	checkOne(dst, src)
	store(dst, join(b.encrypt(load(src))))
}

// Decrypt decrypts the first block of src into dst.
func (b *block) Decrypt(dst, src []byte) {
	checkOne(dst, src)
	store(dst, join(b.decrypt(load(src))))
}

// decrypt undoes encrypt (RFC 5830, section 5.2).
func (b *block) decrypt(n1, n2 uint32) (uint32, uint32) {
	if b.wide.on {
		return b.wide.decrypt(n1, n2)
	}
	n1, n2 = b.forward(n1, n2)
	n1, n2 = b.backward(n1, n2)
	n1, n2 = b.backward(n1, n2)
	n1, n2 = b.backward(n1, n2)
	return n2, n1
}

// sixteen performs 16 rounds, the keys X0 to X7 twice.
func (b *block) sixteen(n1, n2 uint32) (uint32, uint32) {
	if b.wide.on {
		return b.wide.sixteen(n1, n2)
	}
	n1, n2 = b.forward(n1, n2)
	return b.forward(n1, n2)
}

func load(p []byte) (n1, n2 uint32) {
	return split(binary.LittleEndian.Uint64(p))
}

func split(x uint64) (n1, n2 uint32) { return uint32(x), uint32(x >> 32) }

func join(n1, n2 uint32) uint64 { return uint64(n1) | uint64(n2)<<32 }

func store(p []byte, x uint64) { binary.LittleEndian.PutUint64(p, x) }

func checkOne(dst, src []byte) {
	if len(src) < BlockSize {
		panic("gost28147: input not full block") //nolint:forbidigo // the contract of cipher.Block
	}
	if len(dst) < BlockSize {
		panic("gost28147: output not full block") //nolint:forbidigo // the contract of cipher.Block
	}
}
