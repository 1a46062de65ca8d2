//go:build amd64 && !purego

package streebog

//go:generate go run -C ../../tools/asm ./streebog -out ../../gost/streebog/block_amd64.s

import "github.com/gosklyuch/gosklyuch/gost/internal/cpu"

// vbmiTables is what block_amd64.s reads: its generator counts on this order.
type vbmiTables struct {
	sbox      [256]byte
	gather    [4][64]byte  // [b][8*j+r] is the place of byte r of word wordAt(b, j) in a transposed state
	affine    [8][8]uint64 // [b][j] multiplies that word for lane j; [4+b][j] for the lane beside it
	transpose [64]byte
	constants [12][64]byte // iteration, transposed
	columns   [8][8]uint64 // [c][j] is the bit matrix from byte c of a word to byte j of its image under L
}

var vbmi = makeVBMITables()

func makeVBMITables() *vbmiTables {
	t := &vbmiTables{sbox: pi}
	for c := range 8 {
		for j := range 8 {
			t.columns[c][j] = bitMatrix(c, j)
		}
	}
	for j := range 8 {
		for r := range 8 {
			t.transpose[8*j+r] = byte(8*r + j)
			for b := range 4 {
				t.gather[b][8*j+r] = byte(8*r + wordAt(b, j))
			}
		}
	}
	for b := range 4 {
		for j := range 8 {
			t.affine[b][j] = bitMatrix(wordAt(b, j), j)
			t.affine[4+b][j] = bitMatrix(wordAt(b, j), j^1)
		}
	}
	for i := range iteration {
		for at, from := range t.transpose {
			t.constants[i][at] = byte(iteration[i][from/8] >> (8 * (from % 8)))
		}
	}
	return t
}

// bitMatrix returns the matrix from byte c of a word to byte j of its image
// under L.
func bitMatrix(c, j int) uint64 { return affine(func(x byte) byte { return byteOfL(c, j, x) }) }

// byteOfL returns byte j of the image under L of the word with x as byte c and
// nothing else.
func byteOfL(c, j int, x byte) (y byte) {
	for bit := range 8 {
		y ^= byte(matrix[63-8*c-bit]>>(8*j)) * (x >> bit & 1)
	}
	return y
}

// affine returns the 8x8 matrix of a linear map in the form of
// VGF2P8AFFINEQB: byte 7-i of it is the mask of those bits of the operand whose
// sum is bit i of the result.
func affine(f func(byte) byte) (m uint64) {
	for bit := range 8 {
		image := f(1 << bit)
		for i := range 8 {
			m |= uint64(image>>i&1) << (8*(7-i) + bit)
		}
	}
	return m
}

//go:noescape
func expandVBMI(t *vbmiTables, keys *roundKeys, h, n *state)

//go:noescape
func chainVBMI(t *vbmiTables, keys *roundKeys, h *state, steps *step, n int)

//go:noescape
func iterateVBMI(t *vbmiTables, lanes *iterated, n int)

//go:noescape
func iterate2VBMI(t *vbmiTables, lanes *iterated, n int)

//go:noescape
func iterate3VBMI(t *vbmiTables, lanes *iterated, n int)

//go:noescape
func iterate4VBMI(t *vbmiTables, lanes *iterated, n int)

// A lane is one message on its way through the blocks functions. They do not
// move data: behind the last block it would point at what may be another
// object.
type lane struct {
	h, sigma state
	data     *byte
	length   uint64
}

//go:noescape
func blocksVBMI(t *vbmiTables, lanes *[1]lane, n int)

//go:noescape
func blocks2VBMI(t *vbmiTables, lanes *[2]lane, n int)

//go:noescape
func blocks3VBMI(t *vbmiTables, lanes *[3]lane, n int)

//go:noescape
func blocks4VBMI(t *vbmiTables, lanes *[4]lane, n int)

// An implementation is a way to compute.
type implementation string

// The implementations that this processor may have besides the portable one.
const (
	inVBMI   implementation = "vbmi"      // AVX-512 VBMI and GFNI
	inGFNI   implementation = "avx2-gfni" // AVX2 and GFNI
	inAVX2   implementation = "avx2"
	inTables implementation = "tables" // of every amd64
)

// chosen is the best that there is; tests change it.
var chosen = implementation(best())

func best() string {
	all := implementations()
	return all[len(all)-1]
}

// implementations are the ways to compute that this processor has, the best
// last.
func implementations() []string {
	all := []string{portable, string(inTables)}
	if cpu.X86.AVX2 {
		all = append(all, string(inAVX2))
	}
	if cpu.X86.AVX2 && cpu.X86.GFNI {
		all = append(all, string(inGFNI))
	}
	if cpu.X86.VBMI && cpu.X86.GFNI {
		all = append(all, string(inVBMI))
	}
	return all
}

// maxBlocks bounds the blocks of one message in one call of the assembler, which
// cannot be interrupted: 64 KiB take 0.1 to 0.5 ms.
const maxBlocks = 1024

func (d *digest) wholeBlocks(p []byte) {
	switch chosen {
	case portable:
		d.blocksGeneric(p)
		return
	case inTables, inAVX2:
		d.blocksOneByOne(p)
		return
	}
	l := [1]lane{{h: d.h, sigma: d.sigma, length: d.len}}
	for left := p; len(left) > 0; {
		n := min(len(left)/BlockSize, maxBlocks)
		l[0].data = &left[0]
		if chosen == inVBMI {
			blocksVBMI(vbmi, &l, n)
		} else {
			blocksGFNI(gfni, &l[0], n)
		}
		left = left[n*BlockSize:]
	}
	d.h, d.sigma = l[0].h, l[0].sigma
	d.len += uint64(len(p))
}

func chain(keys *roundKeys, h *state, steps []step) {
	switch chosen {
	case inVBMI:
		chainVBMI(vbmi, keys, h, &steps[0], len(steps))
	case inGFNI:
		chainGFNI(gfni, keys, h, &steps[0], len(steps))
	case inTables, inAVX2:
		chainOneByOne(keys, h, steps)
	default:
		chainGeneric(keys, h, steps)
	}
}

func expand(keys *roundKeys, h, n *state) {
	switch chosen {
	case inVBMI:
		expandVBMI(vbmi, keys, h, n)
	case inGFNI:
		expandGFNI(gfni, keys, h, n)
	case inAVX2:
		keys[0], keys[1] = *h, *n // the keys cost nothing beside the state
	default:
		expandGeneric(keys, h, n)
	}
}

// keyed returns g_N(h, m) with the keys of expand or of initialKeys.
func keyed(keys *roundKeys, m *state) state {
	if chosen == inAVX2 {
		h := keys[0]
		compressAVX2(avx2, &h, &keys[1], m)
		return h
	}
	return keyedGeneric(keys, m)
}

// initialVBMI and initialGFNI are initialGeneric in their order of bytes,
// initialAVX2 is h alone.
var (
	initialVBMI = reordered(func(x *state) state {
		var y [BlockSize]byte
		for at, from := range vbmi.transpose {
			y[at] = byte(x[from/8] >> (8 * (from % 8)))
		}
		return load(&y)
	})
	initialGFNI = reordered(func(x *state) state {
		y := inOrder(x)
		return load(&y)
	})
	initialAVX2 = [2]roundKeys{{initial(Size256)}, {initial(Size512)}}
)

func reordered(f func(*state) state) (out [2]roundKeys) {
	for i := range initialGeneric {
		for j := range initialGeneric[i] {
			out[i][j] = f(&initialGeneric[i][j])
		}
	}
	return out
}

// initialKeys returns the keys of the first block.
func initialKeys(size int) *roundKeys {
	switch chosen {
	case inVBMI:
		return &initialVBMI[size/Size512]
	case inGFNI:
		return &initialGFNI[size/Size512]
	case inAVX2:
		return &initialAVX2[size/Size512]
	}
	return &initialGeneric[size/Size512]
}

func iterate(lanes *[maxLanes]iterated, used, n int) {
	switch {
	case chosen == portable, chosen == inTables, chosen == inAVX2:
		iterateEach(lanes, used, n)
	case chosen == inGFNI:
		for k := range lanes[:used] {
			iterateGFNI(gfni, &lanes[k], n)
		}
	case used == 1:
		iterateVBMI(vbmi, &lanes[0], n)
	case used == 2:
		iterate2VBMI(vbmi, &lanes[0], n)
	case used == 3:
		iterate3VBMI(vbmi, &lanes[0], n)
	default:
		iterate4VBMI(vbmi, &lanes[0], n)
	}
}

func lanes() int {
	if chosen == inVBMI {
		return maxLanes
	}
	return 1
}

func sumMany(messages [][]byte, size int, out func(i int, h *state)) {
	if chosen != inVBMI || len(messages) < 2 {
		sumEach(messages, size, out)
		return
	}
	s := schedule{messages: messages, size: size, out: out}
	s.run()
}

// wordAt is the word that VPERMB number b puts into lane j.
func wordAt(b, j int) int { return (j/2+b)%4*2 + j%2 }
