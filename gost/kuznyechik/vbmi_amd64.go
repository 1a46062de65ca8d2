//go:build amd64 && !purego

package kuznyechik

import "sync"

// vbmiTables is what blocks_amd64.s reads: its generator counts on this order.
// What is marked as of lanes is in the field of AES.
type vbmiTables struct {
	sbox                        [256]byte
	lanesSbox, lanesInverseSbox [256]byte
	// diagonals[d][j] is of lanes and is what the byte j+d, modulo 16, of a block
	// is multiplied by for byte j of its image under L.
	diagonals, inverseDiagonals [BlockSize][BlockSize]byte
	constants                   [32][BlockSize]byte // C_1 to C_32 of RFC 7801, section 4.4; of lanes
	toLanes, fromLanes          uint64              // matrices of the isomorphism and of its inverse
	factors                     [6]uint64           // matrices of the multiplications by coefficients
}

// factors are the coefficients of l whose products are computed.
var factors = [6]byte{148, 16, 32, 194, 192, 251}

var sharedVBMITables = sync.OnceValue(func() *vbmiTables {
	to := isomorphism()
	var from [256]byte
	for x, y := range to {
		from[y] = byte(x)
	}
	t := &vbmiTables{
		sbox:      pi,
		toLanes:   bitMatrix(func(x byte) byte { return to[x] }),
		fromLanes: bitMatrix(func(x byte) byte { return from[x] }),
	}
	for x, y := range pi {
		t.lanesSbox[to[x]] = to[y]
		t.lanesInverseSbox[to[y]] = to[x]
	}
	for i := range BlockSize {
		var unit [BlockSize]byte
		unit[i] = 1
		column, inverse := linear(unit), inverseLinear(unit)
		for j := range BlockSize {
			d := (BlockSize + i - j) % BlockSize
			t.diagonals[d][j] = to[column[j]]
			t.inverseDiagonals[d][j] = to[inverse[j]]
		}
	}
	for i := range t.constants {
		for j, x := range linear([BlockSize]byte{BlockSize - 1: byte(i + 1)}) {
			t.constants[i][j] = to[x]
		}
	}
	for i, f := range factors {
		t.factors[i] = bitMatrix(func(x byte) byte { return multiply(x, f) })
	}
	return t
})

// isomorphism maps the field of RFC 7801 to that of AES, modulo
// x^8+x^4+x^3+x+1. What it maps x to is a root of the polynomial of the former.
func isomorphism() (to [256]byte) {
	times := func(x, y byte) byte { return multiplyModulo(x, y, 0x1b) }
	for root := range 256 {
		powers := [9]byte{1}
		for i := 1; i < len(powers); i++ {
			powers[i] = times(powers[i-1], byte(root))
		}
		if powers[8]^powers[7]^powers[6]^powers[1]^1 != 0 {
			continue
		}
		for x := range to {
			for i := range 8 {
				if x>>i&1 == 1 {
					to[x] ^= powers[i]
				}
			}
		}
		break
	}
	return to
}

// bitMatrix returns the 8x8 matrix of f, which is linear, in the form of
// VGF2P8AFFINEQB: byte 7-i of it is the mask of those bits of the operand whose
// sum is bit i of the result.
func bitMatrix(f func(byte) byte) uint64 {
	var m uint64
	for bit := range 8 {
		for i := range 8 {
			m |= uint64(f(1<<bit)>>i&1) << (8*(7-i) + bit)
		}
	}
	return m
}
