// Package mgm implements the Multilinear Galois Mode, authenticated encryption
// with associated data over a 64-bit or 128-bit block cipher, as published in
// [RFC 9058].
//
// The multiplications in GF(2^64) and GF(2^128) take a time that does not depend
// on secrets, on processors whose integer multiplication does so too; on amd64
// with VPCLMULQDQ and AVX-512 that instruction does them. The block ciphers of
// this module are constant time where packages kuznyechik and magma say so; their
// portable code looks up tables at secret indices.
//
// [RFC 9058]: https://www.rfc-editor.org/rfc/rfc9058
package mgm

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// ErrOpen is the error of Open when the message is not authentic.
var ErrOpen = errors.New("mgm: message authentication failed")

var errNonce = errors.New("mgm: first bit of the nonce is not zero")

// maxBlock is the largest block size in bytes.
const maxBlock = 16

// batch is the number of bytes for which counters are encrypted at once, a
// multiple of both block sizes: 64 blocks of 16 bytes or 128 of 8 are what the
// ciphers of this module do at once where the processor has wide registers.
const batch = 1024

// aead is the mode over one key.
type aead struct {
	block   cipher.Block
	n       int // block size in bytes
	tagSize int
}

// New returns the MGM of a block cipher with blocks of 8 or 16 bytes and tags
// as long as a block. Nonces have the length of a block, and their first bit is
// zero (RFC 9058, section 4.1: ICN in V_{n-1}): with another nonce Seal panics
// and Open returns an error. A nonce must never be used twice under one key.
func New(block cipher.Block) (cipher.AEAD, error) {
	return NewWithTagSize(block, block.BlockSize())
}

// NewWithTagSize is New with tags of tagSize bytes, from 4 to the block size
// (RFC 9058, section 4: 32 <= S <= n). The size is fixed by the protocol.
func NewWithTagSize(block cipher.Block, tagSize int) (cipher.AEAD, error) {
	n := block.BlockSize()
	if n != 8 && n != 16 {
		return nil, fmt.Errorf("mgm: block size of %d bytes, want 8 or 16", n)
	}
	if tagSize < 4 || tagSize > n {
		return nil, fmt.Errorf("mgm: tag size of %d bytes, want 4 to %d", tagSize, n)
	}
	return &aead{block: block, n: n, tagSize: tagSize}, nil
}

// NonceSize returns the block size in bytes.
func (a *aead) NonceSize() int { return a.n }

// Overhead returns the tag size in bytes.
func (a *aead) Overhead() int { return a.tagSize }

// checkLengths enforces |A|, |P| < 2^{n/2} bits and their sum (RFC 9058,
// section 4.1). Only a 64-bit block makes that a limit: 2^32 bits.
func (a *aead) checkLengths(data, text int) error {
	if a.n == 8 && uint64(data)+uint64(text) >= 1<<29 {
		return errors.New("mgm: message and associated data of 2^32 bits or more")
	}
	return nil
}

// Seal encrypts and authenticates plaintext, authenticates data and appends
// the ciphertext and the tag to dst. It panics on a nonce that New forbids, on
// 2^32 bits or more with a 64-bit block, and when plaintext and the spare
// capacity of dst overlap without being the same memory.
//
// RFC 9058 requires at least one bit of plaintext or associated data; Seal
// accepts none, as the formulas do.
func (a *aead) Seal(dst, nonce, plaintext, data []byte) []byte {
	if len(nonce) != a.n {
		panic("mgm: incorrect nonce length given to MGM") //nolint:forbidigo // the contract of cipher.AEAD
	}
	if nonce[0]&0x80 != 0 {
		panic(errNonce.Error()) //nolint:forbidigo // the contract of cipher.AEAD
	}
	if err := a.checkLengths(len(data), len(plaintext)); err != nil {
		panic(err.Error()) //nolint:forbidigo // the contract of cipher.AEAD
	}
	ret, out := grow(dst, len(plaintext)+a.tagSize)
	if inexactOverlap(out[:len(plaintext)], plaintext) || anyOverlap(out, data) {
		panic("mgm: invalid buffer overlap") //nolint:forbidigo // the contract of cipher.AEAD
	}
	text := out[:len(plaintext)]
	a.crypt(text, plaintext, nonce)
	tag := a.tag(nonce, text, data)
	copy(out[len(plaintext):], tag[:a.tagSize])
	return ret
}

// Open checks ciphertext with its tag and data and appends the plaintext to
// dst. Nothing is decrypted before the tag has been checked. The error is
// ErrOpen if the message is not authentic; a nonce of the wrong length is an
// error too. Open panics on an inexact overlap only.
func (a *aead) Open(dst, nonce, ciphertext, data []byte) ([]byte, error) {
	if len(nonce) != a.n {
		return nil, fmt.Errorf("mgm: nonce of %d bytes, want %d", len(nonce), a.n)
	}
	if nonce[0]&0x80 != 0 {
		return nil, errNonce
	}
	if len(ciphertext) < a.tagSize {
		return nil, ErrOpen
	}
	text := ciphertext[:len(ciphertext)-a.tagSize]
	if err := a.checkLengths(len(data), len(text)); err != nil {
		return nil, err
	}
	ret, out := grow(dst, len(text))
	if inexactOverlap(out, text) || anyOverlap(out, data) {
		panic("mgm: invalid buffer overlap") //nolint:forbidigo // the contract of cipher.AEAD
	}
	want := a.tag(nonce, text, data)
	if subtle.ConstantTimeCompare(want[:a.tagSize], ciphertext[len(text):]) != 1 {
		return nil, ErrOpen
	}
	a.crypt(out, text, nonce)
	return ret, nil
}

// bulk is what the ciphers of this module offer beside cipher.Block.
type bulk interface {
	EncryptBlocks(dst, src []byte)
}

// counterMode is what they offer besides where the processor has wide
// registers: block number i is c+i*step, each half by itself and modulo 2^(n/2).
type counterMode interface {
	XORCounters(dst, src []byte, c, step [2]uint64)
}

// encryptBlocks encrypts the blocks of buf in place.
func (a *aead) encryptBlocks(buf []byte) {
	if f, ok := a.block.(bulk); ok {
		f.EncryptBlocks(buf, buf)
		return
	}
	for i := 0; i < len(buf); i += a.n {
		a.block.Encrypt(buf[i:i+a.n], buf[i:i+a.n])
	}
}

// crypt XORs src with E_K(Y_1), E_K(Y_2), ... into dst (RFC 9058, section 4.1,
// step 1).
func (a *aead) crypt(dst, src, nonce []byte) {
	y := a.counter(nonce, 0)
	if f, ok := a.block.(counterMode); ok {
		f.XORCounters(dst, src, [2]uint64{y.left, y.right}, [2]uint64{0, 1}) // incr_r
		return
	}
	var buf [batch]byte
	for len(src) > 0 {
		stream := buf[:min(batch, (len(src)+a.n-1)/a.n*a.n)]
		for i := 0; i < len(stream); i += a.n {
			y.put(stream[i : i+a.n])
			y.right++ // incr_r
		}
		a.encryptBlocks(stream)
		n := subtle.XORBytes(dst, src, stream)
		dst, src = dst[n:], src[n:]
	}
}

// counter is a block as its two halves, numbers of 32 or 64 bits.
type counter struct{ left, right uint64 }

// counter returns Y_1 = E_K(0^1 || ICN) or Z_1 = E_K(1^1 || ICN).
func (a *aead) counter(nonce []byte, first byte) counter {
	var b [maxBlock]byte
	copy(b[:], nonce)
	b[0] |= first << 7
	a.block.Encrypt(b[:a.n], b[:a.n])
	if a.n == 8 {
		return counter{uint64(binary.BigEndian.Uint32(b[:])), uint64(binary.BigEndian.Uint32(b[4:]))}
	}
	return counter{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

// put writes the block of 8 or 16 bytes; the halves wrap around by themselves.
func (c counter) put(b []byte) {
	if len(b) == 8 {
		binary.BigEndian.PutUint64(b, c.left<<32|c.right&0xffffffff)
		return
	}
	binary.BigEndian.PutUint64(b, c.left)
	binary.BigEndian.PutUint64(b[8:], c.right)
}

// tag returns T before truncation (RFC 9058, section 4.1, steps 2 and 3).
func (a *aead) tag(nonce, text, data []byte) [maxBlock]byte {
	s := &summer{aead: a, z: a.counter(nonce, 1)}
	s.add(data)
	s.add(text)
	var lengths [maxBlock]byte
	if a.n == 8 {
		binary.BigEndian.PutUint32(lengths[:], uint32(len(data))*8)
		binary.BigEndian.PutUint32(lengths[4:], uint32(len(text))*8)
	} else {
		binary.BigEndian.PutUint64(lengths[:], uint64(len(data))*8)
		binary.BigEndian.PutUint64(lengths[8:], uint64(len(text))*8)
	}
	s.add(lengths[:a.n])
	sum := s.sum()
	a.block.Encrypt(sum[:a.n], sum[:a.n])
	return sum
}

// summer accumulates the sum of H_i (x) X_i over the blocks X_i.
type summer struct {
	*aead
	z      counter     // Z_i
	factor [batch]byte // H_i, H_{i+1}, ...
	acc    accumulator
}

// add adds the blocks of p, the last padded with zeros.
func (s *summer) add(p []byte) {
	n := s.n
	for len(p) > 0 {
		h := s.factor[:min(batch, (len(p)+n-1)/n*n)]
		s.factors(h)
		whole := min(len(h), len(p)/n*n)
		s.multiply(h[:whole], p[:whole])
		p = p[whole:]
		if whole < len(h) {
			var last [maxBlock]byte
			copy(last[:], p)
			s.multiply(h[whole:], last[:n])
			p = nil
		}
	}
}

// factors sets h to the next blocks H_i.
func (s *summer) factors(h []byte) {
	n := s.n
	if f, ok := s.block.(counterMode); ok {
		clear(h)
		f.XORCounters(h, h, [2]uint64{s.z.left, s.z.right}, [2]uint64{1, 0}) // incr_l
		s.z.left += uint64(len(h) / n)
		return
	}
	for i := 0; i < len(h); i += n {
		s.z.put(h[i : i+n])
		s.z.left++
	}
	s.encryptBlocks(h)
}

func (s *summer) multiply(factors, data []byte) {
	if s.n == 8 {
		s.acc.add64(factors, data)
	} else {
		s.acc.add128(factors, data)
	}
}

func (s *summer) sum() [maxBlock]byte {
	if s.n == 8 {
		return s.acc.sum64()
	}
	return s.acc.sum128()
}

// grow appends n bytes to dst and returns the result and its new part.
func grow(dst []byte, n int) (all, tail []byte) {
	total := len(dst) + n
	if cap(dst) >= total {
		all = dst[:total]
	} else {
		all = make([]byte, total)
		copy(all, dst)
	}
	return all, all[len(dst):]
}

// anyOverlap reports whether x and y share memory.
func anyOverlap(x, y []byte) bool {
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	px, py := uintptr(unsafe.Pointer(&x[0])), uintptr(unsafe.Pointer(&y[0])) //nolint:gosec // addresses are compared, not used
	return px < py+uintptr(len(y)) && py < px+uintptr(len(x))
}

// inexactOverlap reports whether x and y share memory without starting at the
// same byte.
func inexactOverlap(x, y []byte) bool {
	return anyOverlap(x, y) && &x[0] != &y[0]
}
