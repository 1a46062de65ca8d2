// Package acpkm implements the counter mode of GOST R 34.13-2015 (CTR) and its
// variant with internal re-keying, CTR-ACPKM ([RFC 8645], section 6.2), for the
// ciphers of GOST R 34.12-2015, and the authenticated form of the latter that
// CMS and password-based encryption use (CTR-ACPKM with an encrypted OMAC).
//
// Neither mode alone protects against modification. The block ciphers under
// them are constant time where packages kuznyechik and magma say so; their
// portable code looks up tables at secret indices.
//
// [RFC 8645]: https://www.rfc-editor.org/rfc/rfc8645
package acpkm

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"unsafe"
)

// bufferSize is the number of bytes of key stream computed at once. It is a
// multiple of every block size and what the ciphers of this module do at once
// where the processor has wide registers: 64 blocks of 16 bytes, 128 of 8.
const bufferSize = 1024

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
func encryptBlocks(b cipher.Block, buf []byte) {
	if f, ok := b.(bulk); ok {
		f.EncryptBlocks(buf, buf)
		return
	}
	n := b.BlockSize()
	for i := 0; i < len(buf); i += n {
		b.Encrypt(buf[i:i+n], buf[i:i+n])
	}
}

// ctr is a counter mode in progress.
type ctr struct {
	block   cipher.Block
	n       int       // block size in bytes, 8 or 16
	counter [2]uint64 // big-endian words; [0] is unused when n is 8
	left    []byte    // key stream computed and not yet used
	buf     [bufferSize]byte

	// CTR-ACPKM only; section is 0 for plain CTR.
	newCipher func([]byte) (cipher.Block, error)
	section   int // section size in bytes
	remaining int // bytes of the section whose key stream is not yet computed
}

// checkBlock returns the block size of b in bytes, 8 or 16.
func checkBlock(b cipher.Block) (int, error) {
	n := b.BlockSize()
	if n != 8 && n != 16 {
		return 0, fmt.Errorf("acpkm: block size of %d bytes, want 8 or 16", n)
	}
	return n, nil
}

// NewCTR returns the stream of GOST R 34.13-2015 CTR. The iv has half the
// length of a block (8 bytes for Kuznyechik, 4 for Magma) and fills the more
// significant half of the counter, which starts with zeros in the other half.
// The same key and iv must never be used for two messages.
func NewCTR(block cipher.Block, iv []byte) (cipher.Stream, error) {
	n, err := checkBlock(block)
	if err != nil {
		return nil, err
	}
	if len(iv) != n/2 {
		return nil, fmt.Errorf("acpkm: CTR iv of %d bytes, want %d", len(iv), n/2)
	}
	c := &ctr{block: block, n: n}
	c.setIV(iv)
	return c, nil
}

// NewCTRACPKM returns the stream of CTR-ACPKM (RFC 8645, section 6.2.2) with
// c = n/2. key has 32 bytes and newCipher makes the block cipher from it and
// from every section key after it. The iv (ICN in the RFC) has half the length
// of a block. sectionSize is in bytes and a multiple of the block size; it is
// fixed by the protocol, see SectionSizeKuznyechik and SectionSizeMagma.
func NewCTRACPKM(newCipher func(key []byte) (cipher.Block, error), key, iv []byte, sectionSize int) (cipher.Stream, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("acpkm: key of %d bytes, want %d", len(key), keySize)
	}
	block, err := newCipher(key)
	if err != nil {
		return nil, fmt.Errorf("acpkm: %w", err)
	}
	s, err := NewCTR(block, iv)
	if err != nil {
		return nil, err
	}
	c := s.(*ctr)
	// RFC 8645, section 6.2.1: "The section size N MUST be divisible by the
	// block size n."
	if sectionSize <= 0 || sectionSize%c.n != 0 {
		return nil, fmt.Errorf("acpkm: section size of %d bytes is not a positive multiple of the block size %d", sectionSize, c.n)
	}
	c.newCipher, c.section, c.remaining = newCipher, sectionSize, sectionSize
	return c, nil
}

func (c *ctr) setIV(iv []byte) {
	if c.n == 8 {
		c.counter[1] = uint64(binary.BigEndian.Uint32(iv)) << 32
	} else {
		c.counter[0] = binary.BigEndian.Uint64(iv)
	}
}

// XORKeyStream sets dst to src XOR the next len(src) bytes of the key stream.
// It panics if dst is shorter than src or overlaps it without being the same
// memory.
func (c *ctr) XORKeyStream(dst, src []byte) {
	if len(dst) < len(src) {
		panic("acpkm: output smaller than input") //nolint:forbidigo // the contract of cipher.Stream
	}
	dst = dst[:len(src)]
	if inexactOverlap(dst, src) {
		panic("acpkm: invalid buffer overlap") //nolint:forbidigo // the contract of cipher.Stream
	}
	for len(src) > 0 {
		if len(c.left) == 0 {
			if n := c.direct(dst, src); n > 0 {
				dst, src = dst[n:], src[n:]
				continue
			}
			c.fill(len(src))
		}
		n := subtle.XORBytes(dst, src, c.left)
		dst, src, c.left = dst[n:], src[n:], c.left[n:]
	}
}

// direct encrypts as much of src as needs no buffer, where the cipher can, and
// returns how much that is. All key stream computed before has been used.
func (c *ctr) direct(dst, src []byte) int {
	if c.section > 0 && c.remaining == 0 {
		c.rekey()
	}
	f, ok := c.block.(counterMode)
	if !ok {
		return 0
	}
	n := len(src)
	if c.section > 0 {
		n = min(n, c.remaining)
	}
	n = n / bufferSize * bufferSize
	if c.section > 0 {
		c.remaining -= n
	}
	c.xorCounters(f, dst[:n], src[:n])
	return n
}

// xorCounters sets dst to src, whole blocks, XOR the next key stream.
func (c *ctr) xorCounters(f counterMode, dst, src []byte) {
	for len(src) > 0 {
		half := c.counter
		untilCarry := -half[1] // blocks; 0 are 2^64
		if c.n == 8 {
			half = [2]uint64{c.counter[1] >> 32, c.counter[1] & (1<<32 - 1)}
			untilCarry = 1<<32 - half[1]
		}
		blocks := uint64(len(src) / c.n)
		if untilCarry > 0 {
			blocks = min(blocks, untilCarry)
		}
		n := int(blocks) * c.n
		f.XORCounters(dst[:n], src[:n], half, [2]uint64{0, 1})
		dst, src = dst[n:], src[n:]
		c.counter[1] += blocks
		if c.n == 16 && c.counter[1] == 0 {
			c.counter[0]++
		}
	}
}

// fill computes key stream for the next want bytes or, if that is less, for
// the rest of the buffer or of the section, which is not at its end.
func (c *ctr) fill(want int) {
	size := min(bufferSize, (want+c.n-1)/c.n*c.n)
	if c.section > 0 {
		size = min(size, c.remaining)
		c.remaining -= size
	}
	c.left = c.buf[:size]
	if f, ok := c.block.(counterMode); ok {
		clear(c.left)
		c.xorCounters(f, c.left, c.left)
		return
	}
	c.putCounters(c.left)
	encryptBlocks(c.block, c.left)
}

// putCounters fills buf, whole blocks, with the next values of the counter.
func (c *ctr) putCounters(buf []byte) {
	high, low := c.counter[0], c.counter[1]
	if c.n == 8 {
		for ; len(buf) >= 8; buf = buf[8:] {
			binary.BigEndian.PutUint64(buf, low)
			low++
		}
	} else {
		for ; len(buf) >= 16; buf = buf[16:] {
			binary.BigEndian.PutUint64(buf, high)
			binary.BigEndian.PutUint64(buf[8:], low)
			if low++; low == 0 {
				high++
			}
		}
	}
	c.counter = [2]uint64{high, low}
}

const keySize = 32

// rekey replaces the section key: K^{i+1} = ACPKM(K^i), the encryption of the
// constant D_1 | D_2 | ... under K^i (RFC 8645, section 6.2.1).
func (c *ctr) rekey() {
	var key [keySize]byte
	for i := range key {
		key[i] = 0x80 + byte(i)
	}
	encryptBlocks(c.block, key[:])
	block, err := c.newCipher(key[:])
	clear(key[:])
	if err != nil {
		// The constructor has accepted a key of this length.
		panic("acpkm: " + err.Error()) //nolint:forbidigo // cannot happen
	}
	c.block, c.remaining = block, c.section
}

// inexactOverlap reports whether x and y, of equal length, share memory
// without starting at the same byte.
func inexactOverlap(x, y []byte) bool {
	if len(x) == 0 || len(y) == 0 || &x[0] == &y[0] {
		return false
	}
	px, py := uintptr(unsafe.Pointer(&x[0])), uintptr(unsafe.Pointer(&y[0])) //nolint:gosec // addresses are compared, not used
	return px < py+uintptr(len(y)) && py < px+uintptr(len(x))
}
