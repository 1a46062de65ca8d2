//go:build amd64 && !purego

package kuznyechik

//go:generate go run -C ../../tools/asm ./kuznyechik -out ../../gost/kuznyechik/blocks_amd64.s

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"

	"github.com/gosklyuch/gosklyuch/gost/internal/cpu"
)

const (
	// batch is the number of blocks that countersVBMI works on at once, few the
	// greatest number that blocksVBMI is faster for.
	batch = 64
	few   = 28
	// maxBatches bounds the time of a call, which the scheduler cannot
	// interrupt: 64 KiB.
	maxBatches = 64
)

// counters are the first four blocks and what is added to each of them for the
// next four, as pairs of little-endian words: the generator counts on this
// order.
type counters struct {
	first, step [4][2]uint64
}

//go:noescape
func blocksVBMI(t *vbmiTables, k *[rounds][BlockSize]byte, dst, src *byte, n int)

//go:noescape
func encryptVBMI(t *vbmiTables, k *[rounds][BlockSize]byte, dst, src *byte)

//go:noescape
func decryptVBMI(t *vbmiTables, k *[rounds][BlockSize]byte, dst, src *byte)

//go:noescape
func expandVBMI(t *vbmiTables, key *byte, lanes, k *[rounds][BlockSize]byte)

//go:noescape
func countersVBMI(t *vbmiTables, k *[rounds][BlockSize]uint64, dst, src *byte, n int, c *counters)

// useVBMI chooses; tests change it.
var useVBMI = hasVBMI()

func hasVBMI() bool { return cpu.X86.VBMI && cpu.X86.GFNI }

// implementations are the ways to compute that this processor has, the best
// last.
func implementations() []string {
	if hasVBMI() {
		return []string{portable, "vbmi"}
	}
	return []string{portable}
}

func newCipher(key []byte) cipher.Block {
	if !useVBMI {
		return newPortable(key)
	}
	w := &wide{t: sharedVBMITables()}
	var keys [rounds][BlockSize]byte
	expandVBMI(w.t, &key[0], &w.lanes, &keys)
	for i := range keys {
		for j, x := range keys[i] {
			w.sliced[i][j] = uint64(x) * 0x0101010101010101
		}
	}
	clear(keys[:])
	return w
}

// wide is the cipher in AVX-512 VBMI with GFNI. Its time does not depend on key
// or data.
type wide struct {
	t *vbmiTables
	// lanes holds K_1 to K_10 in the field of AES, sliced each byte of them eight
	// times.
	lanes  [rounds][BlockSize]byte
	sliced [rounds][BlockSize]uint64
}

// BlockSize returns BlockSize.
func (w *wide) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst (RFC 7801, section 4.5.1).
func (w *wide) Encrypt(dst, src []byte) {
	checkOne(dst, src)
	encryptVBMI(w.t, &w.lanes, &dst[0], &src[0])
}

// Decrypt decrypts the first block of src into dst (RFC 7801, section 4.5.2).
func (w *wide) Decrypt(dst, src []byte) {
	checkOne(dst, src)
	decryptVBMI(w.t, &w.lanes, &dst[0], &src[0])
}

// EncryptBlocks encrypts every block of src into dst, eight at once. It panics
// if src is not a whole number of blocks or if dst is shorter. The two must be
// the same memory or must not overlap.
func (w *wide) EncryptBlocks(dst, src []byte) {
	checkMany(dst, src)
	for len(src) > 0 {
		n := min(len(src), maxBatches*batch*BlockSize)
		blocksVBMI(w.t, &w.lanes, &dst[0], &src[0], n)
		dst, src = dst[n:], src[n:]
	}
}

// XORCounters sets dst to src XOR the encryption of the blocks c, c+step,
// c+2*step, ... The halves of a block, 64 bits each, are c[0] and c[1]; they
// are added to apart and modulo 2^64. The last block may be used in part. It
// panics if dst is shorter than src; they must be the same memory or must not
// overlap.
func (w *wide) XORCounters(dst, src []byte, c, step [2]uint64) {
	if len(dst) < len(src) {
		panic("kuznyechik: output smaller than input") //nolint:forbidigo // the contract of cipher.Stream
	}
	for len(src) >= batch*BlockSize {
		n := min(len(src)/(batch*BlockSize), maxBatches)
		w.xorBatches(dst, src, n, c, step)
		c[0] += uint64(n*batch) * step[0]
		c[1] += uint64(n*batch) * step[1]
		dst, src = dst[n*batch*BlockSize:], src[n*batch*BlockSize:]
	}
	switch {
	case len(src) > few*BlockSize:
		var buf [batch * BlockSize]byte
		copy(buf[:], src)
		w.xorBatches(buf[:], buf[:], 1, c, step)
		copy(dst, buf[:len(src)])
	case len(src) > 0:
		var buf [few * BlockSize]byte
		stream := buf[:(len(src)+BlockSize-1)/BlockSize*BlockSize]
		for i := 0; i < len(stream); i += BlockSize {
			binary.BigEndian.PutUint64(stream[i:], c[0])
			binary.BigEndian.PutUint64(stream[i+8:], c[1])
			c[0] += step[0]
			c[1] += step[1]
		}
		if len(stream) == BlockSize {
			w.Encrypt(stream, stream) // its result comes sooner
		} else {
			w.EncryptBlocks(stream, stream)
		}
		subtle.XORBytes(dst, src, stream)
	}
}

// xorBatches is XORCounters of n batches.
func (w *wide) xorBatches(dst, src []byte, n int, c, step [2]uint64) {
	var four counters
	for i := range four.first {
		four.first[i] = [2]uint64{c[0] + uint64(i)*step[0], c[1] + uint64(i)*step[1]}
		four.step[i] = [2]uint64{4 * step[0], 4 * step[1]}
	}
	countersVBMI(w.t, &w.sliced, &dst[0], &src[0], n, &four)
}
