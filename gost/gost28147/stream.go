package gost28147

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"unsafe"
)

// meshingInterval is the number of bytes after which CryptoPro key meshing
// replaces the key (RFC 4357, section 2.3.2).
const meshingInterval = 1024

// meshingConstant is C of RFC 4357, section 2.3.2.
var meshingConstant = [KeySize]byte{
	0x69, 0x00, 0x72, 0x22, 0x64, 0xc9, 0x04, 0x23,
	0x8d, 0x3a, 0xdb, 0x96, 0x46, 0xe9, 0x2a, 0xc4,
	0x18, 0xfe, 0xac, 0x94, 0x00, 0xed, 0x07, 0x12,
	0xc0, 0x86, 0xdc, 0xc2, 0xef, 0x4c, 0xa9, 0x2b,
}

// mesh performs K[i+1] = decryptECB(K[i], C) and returns IV0[i+1] =
// encryptECB(K[i+1], IVn[i]).
func (b *block) mesh(n1, n2 uint32) (uint32, uint32) {
	var key [KeySize]byte
	for i := 0; i < KeySize; i += BlockSize {
		b.Decrypt(key[i:], meshingConstant[i:])
	}
	b.setKey(key[:])
	clear(key[:])
	return b.encrypt(n1, n2)
}

// meter counts the bytes processed under one key.
type meter struct {
	on   bool
	used int
}

// due reports whether the key must be replaced before the next block, and
// counts that block.
func (m *meter) due() bool {
	if !m.on {
		return false
	}
	if m.used == meshingInterval {
		m.used = BlockSize
		return true
	}
	m.used += BlockSize
	return false
}

// stream is a CFB or CNT mode in progress.
type stream struct {
	b      *block
	n1, n2 uint32 // the register: IV, ciphertext (CFB) or counter (CNT)
	meter  meter
	gamma  [BlockSize]byte
	pos    int // bytes of gamma used; BlockSize when none is left
	next   func(*stream)
	feed   int // which side of CFB feeds the register
	input  [BlockSize]byte
}

const (
	feedNothing    = iota // CNT
	feedCiphertext        // CFB encryption: the output
	feedInput             // CFB decryption: the input
)

func newStream(key []byte, sbox SBox, iv []byte, meshing bool) (*stream, error) {
	b, err := newBlock(key, sbox)
	if err != nil {
		return nil, err
	}
	if len(iv) != BlockSize {
		return nil, fmt.Errorf("gost28147: iv of %d bytes, want %d", len(iv), BlockSize)
	}
	s := &stream{b: b, pos: BlockSize, meter: meter{on: meshing}}
	s.n1, s.n2 = load(iv)
	return s, nil
}

// NewCFBEncrypter returns the stream that encrypts in cipher feedback mode
// ("gamma with feedback", RFC 5830, section 7) with an iv of BlockSize bytes.
// With meshing the key changes every 1024 bytes (RFC 4357, section 2.3.2); the
// parameter set of the S-box decides whether a protocol does that.
func NewCFBEncrypter(key []byte, sbox SBox, iv []byte, meshing bool) (cipher.Stream, error) {
	return newCFB(key, sbox, iv, meshing, feedCiphertext)
}

// NewCFBDecrypter returns the stream that decrypts what NewCFBEncrypter's
// stream encrypted.
func NewCFBDecrypter(key []byte, sbox SBox, iv []byte, meshing bool) (cipher.Stream, error) {
	return newCFB(key, sbox, iv, meshing, feedInput)
}

func newCFB(key []byte, sbox SBox, iv []byte, meshing bool, feed int) (cipher.Stream, error) {
	s, err := newStream(key, sbox, iv, meshing)
	if err != nil {
		return nil, err
	}
	s.next, s.feed = (*stream).nextCFB, feed
	return s, nil
}

// NewCNT returns the stream of the counter mode ("gamma", RFC 5830, section 6)
// with an iv of BlockSize bytes. With meshing the key changes every 1024 bytes
// (RFC 4357, section 2.3.2). The same key and iv must never be used for two
// messages.
func NewCNT(key []byte, sbox SBox, iv []byte, meshing bool) (cipher.Stream, error) {
	s, err := newStream(key, sbox, iv, meshing)
	if err != nil {
		return nil, err
	}
	// RFC 5830, section 6.1: the iv is encrypted once to start the counter.
	s.n1, s.n2 = s.b.encrypt(s.n1, s.n2)
	s.next = (*stream).nextCNT
	return s, nil
}

func (s *stream) nextCFB() {
	if s.meter.due() {
		s.n1, s.n2 = s.b.mesh(s.n1, s.n2)
	}
	store(s.gamma[:], join(s.b.encrypt(s.n1, s.n2)))
}

// The constants C2 and C1 of RFC 5830, appendix A.
const (
	c2 = 0x01010101
	c1 = 0x01010104
)

func (s *stream) nextCNT() {
	if s.meter.due() {
		s.n1, s.n2 = s.b.mesh(s.n1, s.n2)
	}
	s.count()
	store(s.gamma[:], join(s.b.encrypt(s.n1, s.n2)))
}

// count advances the counter.
func (s *stream) count() {
	s.n1 += c2
	// N4 is added to C1 modulo 2^32-1.
	s.n2 += c1
	if s.n2 < c1 {
		s.n2++
	}
}

// atOnce is the greatest number of bytes that many processes, those of one key.
const atOnce = meshingInterval

// many processes whole blocks at the beginning of src side by side, where the
// mode and the processor can, and returns how many bytes that were. No gamma is
// left.
func (s *stream) many(dst, src []byte) int {
	if !s.b.wide.on || s.feed == feedCiphertext || len(src) < 2*BlockSize {
		return 0
	}
	n := min(len(src)/BlockSize*BlockSize, atOnce)
	if s.meter.on {
		if s.meter.used == meshingInterval {
			s.n1, s.n2 = s.b.mesh(s.n1, s.n2)
			s.meter.used = 0
		}
		n = min(n, meshingInterval-s.meter.used)
		s.meter.used += n
	}
	var buf [atOnce]byte
	gamma := buf[:n]
	if s.feed == feedInput {
		store(gamma, join(s.n1, s.n2))
		copy(gamma[BlockSize:], src)
		s.n1, s.n2 = load(src[n-BlockSize:])
	} else {
		for i := 0; i < n; i += BlockSize {
			s.count()
			store(gamma[i:], join(s.n1, s.n2))
		}
	}
	s.b.wide.encryptBlocks(gamma)
	subtle.XORBytes(dst, src[:n], gamma)
	return n
}

// XORKeyStream encrypts or decrypts src into dst. It panics if dst is shorter
// than src or overlaps it without being the same memory.
func (s *stream) XORKeyStream(dst, src []byte) {
	if len(dst) < len(src) {
		panic("gost28147: output smaller than input") //nolint:forbidigo // the contract of cipher.Stream
	}
	dst = dst[:len(src)]
	if inexactOverlap(dst, src) {
		panic("gost28147: invalid buffer overlap") //nolint:forbidigo // the contract of cipher.Stream
	}
	for len(src) > 0 {
		if s.pos == BlockSize {
			if n := s.many(dst, src); n > 0 {
				dst, src = dst[n:], src[n:]
				continue
			}
			s.next(s)
			s.pos = 0
		}
		n := min(len(src), BlockSize-s.pos)
		if s.feed == feedInput {
			copy(s.input[s.pos:], src[:n])
		}
		subtle.XORBytes(dst, src[:n], s.gamma[s.pos:])
		if s.feed == feedCiphertext {
			copy(s.input[s.pos:], dst[:n])
		}
		s.pos += n
		dst, src = dst[n:], src[n:]
		if s.feed != feedNothing && s.pos == BlockSize {
			s.n1 = binary.LittleEndian.Uint32(s.input[:])
			s.n2 = binary.LittleEndian.Uint32(s.input[4:])
		}
	}
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
