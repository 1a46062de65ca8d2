package streebog

import "encoding/binary"

// A Loop is the inner loop of PBKDF2 with HMAC-Streebog-512 (RFC 8018, section
// 5.2, step 3; RFC 9337, section 4), for one block of output.
type Loop struct {
	// Key of HMAC, of any length: the password.
	Key []byte
	// Value is U_1 before, and U_1 xor ... xor U_c after [RunLoops].
	Value [Size512]byte
	// Count is c-1, the number of HMACs to compute; 0 or less is nothing to do.
	Count int
}

// maxLanes is how many messages, or loops, go side by side.
const maxLanes = 4

// Lanes returns how many messages of [Sum256Many] and [Sum512Many], or loops of
// [RunLoops], this processor computes side by side: 4 with AVX-512, and 1 where
// nothing is gained by asking for several together.
func Lanes() int { return lanes() }

// slice bounds the HMACs of one call of the assembler, which cannot be
// interrupted: 128 take some 0.1 to 0.5 ms.
const slice = 128

// RunLoops computes all loops. Where the processor can, several go side by
// side, which is faster than one after the other.
//
// An HMAC takes eight applications of g: four of the inner and four of the outer
// hash, whose states after the block with the key are computed once, as are the
// round keys of the block that follows it. What depends on keys is wiped
// afterwards.
func RunLoops(loops []Loop) {
	var r loopRun
	defer func() { r.lanes = [maxLanes]iterated{} }()
	for next := 0; ; {
		for ; r.used < maxLanes && next < len(loops); next++ {
			if loops[next].Count > 0 {
				r.begin(&loops[next])
			}
		}
		if r.used == 0 {
			return
		}
		n := slice
		for _, left := range r.left[:r.used] {
			n = min(n, left)
		}
		iterate(&r.lanes, r.used, n)
		for k := r.used - 1; k >= 0; k-- {
			if r.left[k] -= n; r.left[k] == 0 {
				r.end(k)
			}
		}
	}
}

// A loopRun holds the loops that are under way: the lanes in use are the first.
type loopRun struct {
	lanes [maxLanes]iterated
	loops [maxLanes]*Loop
	left  [maxLanes]int
	used  int
}

func (r *loopRun) begin(l *Loop) {
	r.lanes[r.used].init(l.Key, &l.Value)
	r.loops[r.used], r.left[r.used] = l, l.Count
	r.used++
}

// end takes the result of lane k and moves the last lane into its place.
func (r *loopRun) end(k int) {
	total, value := &r.lanes[k].halves[outer].total, &r.loops[k].Value
	for i, w := range total {
		binary.LittleEndian.PutUint64(value[8*i:], binary.LittleEndian.Uint64(value[8*i:])^w)
	}
	r.used--
	r.lanes[k], r.loops[k], r.left[k] = r.lanes[r.used], r.loops[r.used], r.left[r.used]
}

// An iterated is HMAC of one key on its way. block_amd64.s counts on the order.
type iterated struct {
	halves [2]half
	value  state
	// steps are those that end a message of two blocks. The block with the sum
	// is filled in while the code runs.
	steps [3]step
}

// The halves of HMAC (RFC 2104, section 2).
const (
	inner = iota
	outer
)

// A half is the inner or the outer hash, of messages of two blocks: the key, xored
// with a pad, and a digest.
type half struct {
	keys  roundKeys // of the second block
	sum   state     // of the first and of the padded block, modulo 2^512
	total state     // sum modulo 2 of the results so far
}

func (it *iterated) init(key []byte, value *[Size512]byte) {
	*it = iterated{value: load(value)}
	it.steps[0] = step{m: state{1}, n: bitCount(2 * BlockSize)} // RFC 6986, section 9, step 3.1: nothing is left, so the padding is all
	it.steps[1].m = bitCount(2 * BlockSize)
	if len(key) > BlockSize {
		long := Sum512(key)
		defer clear(long[:])
		key = long[:]
	}
	var pad [BlockSize]byte
	defer clear(pad[:])
	for i, octet := range [2]byte{inner: 0x36, outer: 0x5c} {
		for j := range pad {
			pad[j] = octet
			if j < len(key) {
				pad[j] ^= key[j]
			}
		}
		h := &it.halves[i]
		first := [1]step{{m: load(&pad)}}
		var after state
		chain(initialKeys(Size512), &after, first[:])
		n := bitCount(BlockSize)
		expand(&h.keys, &after, &n)
		h.sum = state{1}
		h.sum.add(&first[0].m)
		first, after = [1]step{}, state{}
	}
}

// iterateEach advances one loop after the other by n HMACs.
func iterateEach(lanes *[maxLanes]iterated, used, n int) {
	for k := range lanes[:used] {
		for range n {
			for i := range lanes[k].halves {
				lanes[k].turn(&lanes[k].halves[i])
			}
		}
	}
}

// turn replaces the value by its hash behind the block of h.
func (it *iterated) turn(h *half) {
	it.steps[2].m = h.sum
	it.steps[2].m.add(&it.value)
	it.value = keyed(&h.keys, &it.value)
	chain(nil, &it.value, it.steps[:])
	for i, w := range it.value {
		h.total[i] ^= w
	}
}
