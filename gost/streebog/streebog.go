// Package streebog implements the hash functions of GOST R 34.11-2012
// ("Streebog") with 256-bit and 512-bit output, as published in [RFC 6986].
//
// Digests are returned in the byte order of the message stream: the octet
// that RFC 6986 prints last comes first. This is the order that certificates,
// CMS and every common implementation use; Streebog-256 of the empty message
// starts 3f539a21.
//
// On amd64 with AVX-512 VBMI and GFNI the data indexes no table in memory and
// the time does not depend on it. The portable implementation uses tables that
// are indexed by the data being hashed: where that data is secret, as in HMAC,
// an attacker who shares the processor's cache may learn something about it.
//
// [RFC 6986]: https://www.rfc-editor.org/rfc/rfc6986
package streebog

import (
	"encoding/binary"
	"errors"
	"hash"
)

const (
	// BlockSize is the length of a message block in bytes.
	BlockSize = 64
	// Size256 is the length of a Streebog-256 digest in bytes.
	Size256 = 32
	// Size512 is the length of a Streebog-512 digest in bytes.
	Size512 = 64
)

// digest is a computation in progress.
type digest struct {
	h     state
	sigma state // sum of the blocks modulo 2^512, EPSILON in RFC 6986
	buf   [BlockSize]byte
	nbuf  int    // bytes waiting in buf, always below BlockSize
	size  int    // Size256 or Size512
	len   uint64 // bytes written, modulo 2^64
}

// New256 returns a hash.Hash that computes the 32-byte Streebog-256 digest.
// It also implements hash.Cloner, encoding.BinaryMarshaler,
// encoding.BinaryAppender and encoding.BinaryUnmarshaler.
func New256() hash.Hash { return newDigest(Size256) }

// New512 returns a hash.Hash that computes the 64-byte Streebog-512 digest.
// It also implements hash.Cloner, encoding.BinaryMarshaler,
// encoding.BinaryAppender and encoding.BinaryUnmarshaler.
func New512() hash.Hash { return newDigest(Size512) }

// Sum256 returns the Streebog-256 digest of data.
func Sum256(data []byte) [Size256]byte {
	var d digest
	d.init(Size256)
	d.write(data)
	d.finish()
	var out [Size256]byte
	for i := range 4 {
		binary.LittleEndian.PutUint64(out[8*i:], d.h[4+i])
	}
	return out
}

// Sum512 returns the Streebog-512 digest of data.
func Sum512(data []byte) [Size512]byte {
	var d digest
	d.init(Size512)
	d.write(data)
	d.finish()
	var out [Size512]byte
	for i := range 8 {
		binary.LittleEndian.PutUint64(out[8*i:], d.h[i])
	}
	return out
}

func newDigest(size int) *digest {
	d := new(digest)
	d.init(size)
	return d
}

func (d *digest) init(size int) {
	*d = digest{size: size}
	if size == Size256 {
		// RFC 6986, section 6.1: IV is (00000001)^64 for the 256-bit hash.
		for i := range d.h {
			d.h[i] = 0x0101010101010101
		}
	}
}

// Size returns the length of the digest in bytes.
func (d *digest) Size() int { return d.size }

// BlockSize returns BlockSize.
func (d *digest) BlockSize() int { return BlockSize }

// Reset starts a new message.
func (d *digest) Reset() { d.init(d.size) }

// Write adds p to the message. It never fails.
func (d *digest) Write(p []byte) (int, error) {
	d.write(p)
	return len(p), nil
}

func (d *digest) write(p []byte) {
	if d.nbuf > 0 {
		n := copy(d.buf[d.nbuf:], p)
		d.nbuf += n
		p = p[n:]
		if d.nbuf < BlockSize {
			d.len += uint64(n)
			return
		}
		d.len += uint64(n) - BlockSize
		d.blocks(d.buf[:])
		d.nbuf = 0
	}
	if n := len(p) / BlockSize * BlockSize; n > 0 {
		d.blocks(p[:n])
		p = p[n:]
	}
	d.nbuf = copy(d.buf[:], p)
	d.len += uint64(d.nbuf)
}

// finish performs step 3 of RFC 6986, section 9, and leaves the result in d.h.
func (d *digest) finish() {
	// Step 3.1: m := 0^(511-|M|) || 1 || M.
	d.buf[d.nbuf] = 1
	clear(d.buf[d.nbuf+1:])
	total := d.len
	d.len -= uint64(d.nbuf)
	d.blocks(d.buf[:])
	zero, n := state{}, bitCount(total)
	compress(&d.h, &zero, &n)
	compress(&d.h, &zero, &d.sigma)
}

// Sum appends the digest of what was written so far to b. The computation can
// go on afterwards.
func (d *digest) Sum(b []byte) []byte {
	c := *d
	c.finish()
	// RFC 6986, step 3.6: the 256-bit hash is the most significant half.
	for _, w := range c.h[8-d.size/8:] {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// Clone returns an independent copy of the computation (hash.Cloner).
func (d *digest) Clone() (hash.Cloner, error) {
	c := *d
	return &c, nil
}

const (
	magic         = "sb\x01"
	marshaledSize = len(magic) + 1 + 64 + 64 + BlockSize + 8
)

// MarshalBinary encodes the state of the computation. The form is private to
// this package; it contains what was hashed last, so it is as secret as that.
func (d *digest) MarshalBinary() ([]byte, error) {
	return d.AppendBinary(make([]byte, 0, marshaledSize))
}

// AppendBinary appends what MarshalBinary returns to b.
func (d *digest) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, magic...)
	b = append(b, byte(d.size))
	for _, w := range d.h {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	for _, w := range d.sigma {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	b = append(b, d.buf[:d.nbuf]...)
	b = append(b, make([]byte, BlockSize-d.nbuf)...)
	return binary.LittleEndian.AppendUint64(b, d.len), nil
}

// UnmarshalBinary restores what MarshalBinary of the same hash function wrote.
// After an error d is unchanged.
func (d *digest) UnmarshalBinary(b []byte) error {
	if len(b) != marshaledSize || string(b[:len(magic)]) != magic {
		return errors.New("streebog: invalid hash state")
	}
	b = b[len(magic):]
	if int(b[0]) != d.size {
		return errors.New("streebog: hash state of another digest size")
	}
	b = b[1:]
	for i := range d.h {
		d.h[i] = binary.LittleEndian.Uint64(b[8*i:])
		d.sigma[i] = binary.LittleEndian.Uint64(b[64+8*i:])
	}
	copy(d.buf[:], b[128:])
	d.len = binary.LittleEndian.Uint64(b[128+BlockSize:])
	d.nbuf = int(d.len % BlockSize)
	return nil
}
