//go:build amd64 && !purego

package feistel

//go:generate go run -C ../../../tools/asm ./magma -out ../../gost/internal/feistel/blocks_amd64.s

import (
	"math/bits"

	"github.com/gosklyuch/gosklyuch/gost/internal/cpu"
)

const (
	// Group is the number of blocks in a pair of registers.
	Group = 16
	// Batch is the number of blocks that Counters works on at once.
	Batch = 8 * Group
)

// Tables are the substitutions of one set. blocks_amd64.s reads them: its
// generator counts on this order.
type Tables struct {
	// low[16*i+x] is the image of x as the low nibble of byte i of a word, high
	// that of the high nibble, in its place.
	low, high [64]byte
	swap      [64]byte // VPSHUFB: brings words into order
	mask      uint32   // of the low nibbles
	number    [4]byte  // 16*i in byte i
}

// lanes are the counters of the first group and what is added for the next
// one: the generator counts on this order.
type lanes struct {
	left, right         [Group]uint32
	stepLeft, stepRight uint32
}

// blockOf is the number of the block whose halves are in a lane.
var blockOf = [Group]uint32{0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15}

//go:noescape
func blockVBMI(t *Tables, k *Keys, x uint64, rounds int) uint64

//go:noescape
func blocksVBMI(t *Tables, k *Keys, dst, src *byte, mask0, mask1 uint64)

//go:noescape
func countersVBMI(t *Tables, k *Keys, dst, src *byte, n int, c *lanes)

// Available reports whether this processor can run the functions of Tables.
func Available() bool { return cpu.X86.VBMI }

// NewTables returns the tables of eight substitutions, of which the first
// applies to the least significant four bits. Blocks are big-endian as Magma's or
// little-endian as those of GOST 28147-89.
func NewTables(pi *[8][16]byte, bigEndian bool) *Tables {
	t := &Tables{mask: 0x0f0f0f0f, number: [4]byte{0, 16, 32, 48}}
	order := 4 // the halves
	if bigEndian {
		order = 3 // the bytes of each
	}
	for i := range t.low {
		t.low[i] = pi[i/16*2][i%16]
		t.high[i] = pi[i/16*2+1][i%16] << 4
		t.swap[i] = byte(i%16 ^ order)
	}
	return t
}

// Block encrypts the block x, whose more significant half is a_1 of RFC 8891.
func (t *Tables) Block(k *Keys, x uint64) uint64 { return blockVBMI(t, k, x, Rounds) }

// Half applies the first 16 rounds to the block x, with which the MAC of GOST
// 28147-89 is made (RFC 5830, section 8), and does not exchange the halves.
func (t *Tables) Half(k *Keys, x uint64) uint64 {
	return bits.RotateLeft64(blockVBMI(t, k, x, Rounds/2), 32)
}

// Blocks encrypts every block of src, which has whole blocks, into dst, which
// is no shorter, 16 at once. They are the same memory or do not overlap.
func (t *Tables) Blocks(k *Keys, dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src), Group*BlockSize)
		mask0, mask1 := ^uint64(0), ^uint64(0)
		if n <= 64 {
			mask0, mask1 = mask0>>(64-n), 0
		} else {
			mask1 >>= 128 - n
		}
		blocksVBMI(t, k, &dst[0], &src[0], mask0, mask1)
		dst, src = dst[n:], src[n:]
	}
}

// Counters sets n batches of dst, n > 0, to those of src XOR the encryption of
// the big-endian blocks c, c+step, c+2*step, ... The halves of a block are
// numbers modulo 2^32 by themselves. A call of more than 64 batches would keep
// the scheduler waiting.
func (t *Tables) Counters(k *Keys, dst, src []byte, n int, c, step [2]uint64) {
	_, _ = dst[n*Batch*BlockSize-1], src[n*Batch*BlockSize-1]
	l := lanes{stepLeft: uint32(Group * step[0]), stepRight: uint32(Group * step[1])}
	for i, b := range blockOf {
		l.left[i] = uint32(c[0]) + b*uint32(step[0])
		l.right[i] = uint32(c[1]) + b*uint32(step[1])
	}
	countersVBMI(t, k, &dst[0], &src[0], n, &l)
}
