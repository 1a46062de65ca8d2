// Package streebog implements the hash functions of GOST R 34.11-2012
// ("Streebog") with 256-bit and 512-bit output, as published in [RFC 6986].
//
// Digests are returned in the byte order of the message stream: the octet
// that RFC 6986 prints last comes first. This is the order that certificates,
// CMS and every common implementation use; Streebog-256 of the empty message
// starts 3f539a21.
//
// On amd64 with AVX2 the data indexes no table in memory and the time does not
// depend on it. Everywhere else the code uses tables that are indexed by the data
// being hashed: where that data is secret, as in HMAC, an attacker who shares the
// processor's cache may learn something about it.
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
func Sum256(data []byte) (out [Size256]byte) {
	h := sum(data, Size256)
	put(out[:], &h)
	return out
}

// Sum512 returns the Streebog-512 digest of data.
func Sum512(data []byte) (out [Size512]byte) {
	h := sum(data, Size512)
	put(out[:], &h)
	return out
}

// sum returns the state at the end of a message that is there as a whole. The
// first block goes by keys that are known, with what ends the message where it
// is the only one.
func sum(data []byte, size int) state {
	h := initial(size)
	var steps [1 + finalSteps]step
	if len(data) < BlockSize {
		finalize(steps[:finalSteps], &state{}, data, uint64(len(data)))
		chain(initialKeys(size), &h, steps[:finalSteps])
		return h
	}
	if len(data) < 2*BlockSize {
		steps[0].m = load((*[BlockSize]byte)(data))
		finalize(steps[1:], &steps[0].m, data[BlockSize:], uint64(len(data)))
		chain(initialKeys(size), &h, steps[:])
		return h
	}
	d := digest{h: h, size: size}
	whole := len(data) / BlockSize * BlockSize
	d.blocks(data[:whole])
	finalize(steps[1:], &d.sigma, data[whole:], uint64(len(data)))
	chain(nil, &d.h, steps[1:])
	return d.h
}

func newDigest(size int) *digest {
	d := new(digest)
	d.init(size)
	return d
}

func (d *digest) init(size int) {
	*d = digest{size: size, h: initial(size)}
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

// blocks takes in the whole blocks of p, at least one. The keys of the first
// block of a message are known.
func (d *digest) blocks(p []byte) {
	if d.len == 0 && d.h == initial(d.size) {
		first := [1]step{{m: load((*[BlockSize]byte)(p))}}
		chain(initialKeys(d.size), &d.h, first[:])
		d.sigma.add(&first[0].m)
		d.len = BlockSize
		p = p[BlockSize:]
	}
	if len(p) > 0 {
		d.wholeBlocks(p)
	}
}

// finalSteps is how many applications of g the end of a message takes.
const finalSteps = 3

// finalize sets steps, of which there are finalSteps and which are zero, to
// step 3 of RFC 6986, section 9, for the message of length bytes that ends with
// tail, shorter than a block. sigma is the sum of the blocks before.
func finalize(steps []step, sigma *state, tail []byte, length uint64) {
	steps = steps[:finalSteps]
	first, second, third := &steps[0], &steps[1], &steps[2]
	// Step 3.1: m := 0^(511-|M|) || 1 || M.
	if len(tail) == 0 {
		first.m[0] = 1
	} else {
		var block [BlockSize]byte
		block[copy(block[:], tail)] = 1
		first.m = load(&block)
	}
	before := length - uint64(len(tail))
	first.n[0], first.n[1] = before<<3, before>>61
	second.m[0], second.m[1] = length<<3, length>>61
	third.m = *sigma
	third.m.add(&first.m)
}

// result returns the state at the end of the message. d does not change.
func (d *digest) result() state {
	h := d.h
	var steps [finalSteps]step
	finalize(steps[:], &d.sigma, d.buf[:d.nbuf], d.len)
	chain(nil, &h, steps[:])
	return h
}

// Sum appends the digest of what was written so far to b. The computation can
// go on afterwards.
func (d *digest) Sum(b []byte) []byte {
	h := d.result()
	// RFC 6986, step 3.6: the 256-bit hash is the most significant half.
	for _, w := range h[8-d.size/8:] {
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
