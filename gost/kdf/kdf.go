// Package kdf implements the key derivation functions over Streebog:
// KDF_GOSTR3411_2012_256 and KDF_TREE_GOSTR3411_2012_256 of [RFC 7836],
// sections 4.5 and 4.4, and PBKDF2 with HMAC-Streebog-512 of [RFC 9337].
//
// [RFC 7836]: https://www.rfc-editor.org/rfc/rfc7836
// [RFC 9337]: https://www.rfc-editor.org/rfc/rfc9337
package kdf

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// blockSize is the output of one step in bytes.
const blockSize = streebog.Size256

// GOSTR3411_2012_256 returns KDF_GOSTR3411_2012_256(key, label, seed): 32
// bytes (RFC 7836, section 4.5). key, label and seed may have any length; the
// protocol fixes them.
func GOSTR3411_2012_256(key, label, seed []byte) [32]byte {
	var out [32]byte
	step(out[:0], key, []byte{1}, label, seed, []byte{1, 0})
	return out
}

// step appends K(i) of RFC 7836, section 4.4, to dst: HMAC over
// [i]_b | label | 0x00 | seed | [L]_b.
func step(dst, key, i, label, seed, bits []byte) []byte {
	h := hmac.New(streebog.New256, key)
	h.Write(i)
	h.Write(label)
	h.Write([]byte{0})
	h.Write(seed)
	h.Write(bits)
	return h.Sum(dst)
}

// maxTreeLength bounds the output of Tree. RFC 7836 allows far more for large
// r, but no protocol derives more than a few keys at once, and the length may
// come from a message.
const maxTreeLength = 64 << 10

// Tree returns length bytes of KDF_TREE_GOSTR3411_2012_256(key, label, seed, R
// = r) (RFC 7836, section 4.4). r, from 1 to 4, is the number of bytes of the
// step counter. length is positive and at most 32*(2^(8r)-1), and here at most
// 64 KiB.
//
// The result depends on length as a whole: the first bytes of a longer output
// differ from a shorter one.
func Tree(key, label, seed []byte, r int, length int) ([]byte, error) {
	// "R: A fixed external parameter, with possible values of 1, 2, 3, or 4."
	if r < 1 || r > 4 {
		return nil, fmt.Errorf("kdf: R = %d, want 1 to 4", r)
	}
	if length < 1 || length > maxTreeLength {
		return nil, fmt.Errorf("kdf: output of %d bytes, want 1 to %d", length, maxTreeLength)
	}
	// "L ... an integer, not exceeding 256*(2^(8*R)-1)" (in bits).
	if r == 1 && length > blockSize*255 {
		return nil, fmt.Errorf("kdf: output of %d bytes, want at most %d with R = 1", length, blockSize*255)
	}
	// "[L]_b ... variable length: no leading zero bytes added".
	var word [4]byte
	binary.BigEndian.PutUint32(word[:], uint32(length)*8)
	bits := word[:]
	for bits[0] == 0 {
		bits = bits[1:]
	}
	steps := (length + blockSize - 1) / blockSize
	out := make([]byte, 0, steps*blockSize)
	for i := 1; i <= steps; i++ {
		var counter [4]byte
		binary.BigEndian.PutUint32(counter[:], uint32(i))
		out = step(out, key, counter[4-r:], label, seed, bits)
	}
	clear(out[length:])
	return out[:length], nil
}
