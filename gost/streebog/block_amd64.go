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

// bitMatrix returns the 8x8 matrix in the form of VGF2P8AFFINEQB: byte 7-i of
// it is the mask of those bits of the operand whose sum is bit i of the result.
func bitMatrix(c, j int) uint64 {
	var m uint64
	for bit := range 8 {
		image := byte(matrix[63-8*c-bit] >> (8 * j)) // of bit `bit` of byte c
		for i := range 8 {
			m |= uint64(image>>i&1) << (8*(7-i) + bit)
		}
	}
	return m
}

//go:noescape
func compressVBMI(t *vbmiTables, h, n, m *state)

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
func blocks4VBMI(t *vbmiTables, lanes *[4]lane, n int)

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

func (d *digest) blocks(p []byte) {
	if !useVBMI {
		d.blocksGeneric(p)
		return
	}
	l := [1]lane{{h: d.h, sigma: d.sigma, data: &p[0], length: d.len}}
	blocksVBMI(vbmi, &l, len(p)/BlockSize)
	d.h, d.sigma = l[0].h, l[0].sigma
	d.len += uint64(len(p))
}

func compress(h, n, m *state) {
	if useVBMI {
		compressVBMI(vbmi, h, n, m)
		return
	}
	compressGeneric(h, n, m)
}

func sumMany(messages [][]byte, size int, out func(i int, h *state)) {
	if !useVBMI || len(messages) < 2 {
		sumEach(messages, size, out)
		return
	}
	s := schedule{messages: messages, size: size, out: out}
	s.run()
}

// wordAt is the word that VPERMB number b puts into lane j.
func wordAt(b, j int) int { return (j/2+b)%4*2 + j%2 }
