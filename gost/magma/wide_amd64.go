//go:build amd64 && !purego

package magma

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"sync"

	"github.com/gosklyuch/gosklyuch/gost/internal/feistel"
)

// maxBatches bounds the time of a call, which the scheduler cannot interrupt:
// 64 KiB.
const maxBatches = 64

const (
	batchSize = feistel.Batch * BlockSize
	// few is the greatest number of blocks that Blocks is faster for than
	// Counters.
	few = 2 * feistel.Group
)

var sharedWideTables = sync.OnceValue(func() *feistel.Tables { return feistel.NewTables(&pi, true) })

// useVBMI chooses; tests change it.
var useVBMI = feistel.Available()

// implementations are the ways to compute that this processor has, the best
// last.
func implementations() []string {
	if feistel.Available() {
		return []string{portable, "vbmi"}
	}
	return []string{portable}
}

func newCipher(k *[rounds]uint32) cipher.Block {
	if !useVBMI {
		return newPortable(k)
	}
	w := &wide{t: sharedWideTables(), encryption: *k}
	w.decryption = w.encryption.Reverse()
	return w
}

// wide is the cipher in AVX-512 VBMI, with the round keys in the order of use.
// Its time does not depend on key or data.
type wide struct {
	t                      *feistel.Tables
	encryption, decryption feistel.Keys
}

// BlockSize returns BlockSize.
func (w *wide) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst (RFC 8891, section 5.1).
func (w *wide) Encrypt(dst, src []byte) {
	checkOne(dst, src)
	binary.BigEndian.PutUint64(dst, w.t.Block(&w.encryption, binary.BigEndian.Uint64(src)))
}

// Decrypt decrypts the first block of src into dst (RFC 8891, section 5.2).
func (w *wide) Decrypt(dst, src []byte) {
	checkOne(dst, src)
	binary.BigEndian.PutUint64(dst, w.t.Block(&w.decryption, binary.BigEndian.Uint64(src)))
}

// EncryptBlocks encrypts every block of src into dst, 16 at once. It panics if
// src is not a whole number of blocks or if dst is shorter. The two must be the
// same memory or must not overlap.
func (w *wide) EncryptBlocks(dst, src []byte) {
	checkMany(dst, src)
	w.t.Blocks(&w.encryption, dst, src)
}

// XORCounters sets dst to src XOR the encryption of the blocks c, c+step,
// c+2*step, ... The halves of a block, 32 bits each, are c[0] and c[1]; they
// are added to apart and modulo 2^32. The last block may be used in part. It
// panics if dst is shorter than src; they must be the same memory or must not
// overlap.
func (w *wide) XORCounters(dst, src []byte, c, step [2]uint64) {
	if len(dst) < len(src) {
		panic("magma: output smaller than input") //nolint:forbidigo // the contract of cipher.Stream
	}
	for len(src) >= batchSize {
		n := min(len(src)/batchSize, maxBatches)
		w.t.Counters(&w.encryption, dst, src, n, c, step)
		c[0] += uint64(n*feistel.Batch) * step[0]
		c[1] += uint64(n*feistel.Batch) * step[1]
		dst, src = dst[n*batchSize:], src[n*batchSize:]
	}
	switch {
	case len(src) > few*BlockSize:
		var buf [batchSize]byte
		copy(buf[:], src)
		w.t.Counters(&w.encryption, buf[:], buf[:], 1, c, step)
		copy(dst, buf[:len(src)])
	case len(src) > 0:
		var buf [few * BlockSize]byte
		stream := buf[:(len(src)+BlockSize-1)/BlockSize*BlockSize]
		for i := 0; i < len(stream); i += BlockSize {
			binary.BigEndian.PutUint64(stream[i:], c[0]<<32|c[1]&(1<<32-1))
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
