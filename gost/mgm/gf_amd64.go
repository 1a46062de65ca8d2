//go:build amd64 && !purego

package mgm

//go:generate go run -C ../../tools/asm ./mgm -out ../../gost/mgm/gf_amd64.s

import "github.com/gosklyuch/gosklyuch/gost/internal/cpu"

//go:noescape
func products64(sums *[1][2]uint64, swap *[64]byte, factors, data *byte, n int)

//go:noescape
func products128(sums *[3][2]uint64, swap *[64]byte, factors, data *byte, n int)

// swap64 and swap128 turn the bytes of blocks around (VPSHUFB).
var swap64, swap128 = makeSwap(8), makeSwap(16)

func makeSwap(n int) (s [64]byte) {
	for i := range s {
		s[i] = byte(i%16 ^ (n - 1))
	}
	return s
}

// useCLMUL chooses; tests change it.
var useCLMUL = cpu.X86.CLMUL

// implementations are the ways to multiply that this processor has, the best
// last.
func implementations() []string {
	if cpu.X86.CLMUL {
		return []string{portable, "clmul"}
	}
	return []string{portable}
}

// add64 adds h (x) x for every 8-byte block h of factors and x of data, which
// have the same length, whole blocks. The first byte of a block holds the
// highest powers. Factors are secret, data is ciphertext or associated data.
func (a *accumulator) add64(factors, data []byte) {
	if !useCLMUL || len(data) == 0 {
		a.add64Generic(factors, data)
		return
	}
	var sums [1][2]uint64
	products64(&sums, &swap64, &factors[0], &data[0], len(data))
	a.low.addExact(sums[0])
}

// add128 is add64 for 16-byte blocks.
func (a *accumulator) add128(factors, data []byte) {
	if !useCLMUL || len(data) == 0 {
		a.add128Generic(factors, data)
		return
	}
	var sums [3][2]uint64
	products128(&sums, &swap128, &factors[0], &data[0], len(data))
	low, high, cross := sums[0], sums[1], sums[2]
	a.low.addExact(low)
	a.high.addExact(high)
	// Karatsuba's third product is the sum of all four.
	a.middle.addExact([2]uint64{low[0] ^ high[0] ^ cross[0], low[1] ^ high[1] ^ cross[1]})
}
