//go:build amd64 && !purego

package streebog

//go:generate go run -C ../../tools/asm ./streebog-avx2 -out ../../gost/streebog/avx2_amd64.s

// avx2Tables is what avx2_amd64.s reads: its generator counts on this order and
// explains what the registers hold. Tables have 16 entries, twice.
type avx2Tables struct {
	logLeft, logInverse, logRight [32]byte
	phi, nu1                      [32]byte // at logarithms
	nu0                           [32]byte
	sigma                         [32]byte // at logarithms

	low   [32]byte // the low halves of bytes
	order [32]byte // smallOrder
	// alpha and back, its inverse, are of low and of high nibbles.
	alpha, back [2][32]byte
	// linear has for each register of the result, for what stays in its half and
	// for what crosses over, and for each register of the operand the tables of
	// low and of high nibbles.
	linear [4][2][4][2][32]byte
	// rounds are the constants of iteration for the key, with what S lacks, and
	// one that does nothing: the last key is not used any more.
	rounds [13][4][32]byte
}

var avx2 = makeAVX2Tables()

func makeAVX2Tables() *avx2Tables {
	t := new(avx2Tables)
	lacks := t.makeLogarithms()
	for i := range t.low {
		t.low[i], t.order[i] = 0x0f, smallOrder
	}
	var alpha, back [256]byte
	for x := range 256 {
		alpha[x] = multiply(piAlpha, byte(x))
		back[alpha[x]] = byte(x)
	}
	byNibbles(&t.alpha, func(_ int, x byte) byte { return alpha[x] })
	byNibbles(&t.back, func(_ int, x byte) byte { return back[x] })
	for i := range 4 {
		for b := range 4 {
			byNibbles(&t.linear[i][0][b], func(half int, x byte) byte { return alpha[byteOfL(2*b+half, i+4*half, x)] })
			byNibbles(&t.linear[i][1][b], func(half int, x byte) byte { return alpha[byteOfL(2*b+half, i+4*(1-half), x)] })
		}
	}
	t.makeRounds(func(j int, x byte) byte {
		var image byte // of L for words that lack the constant in all bytes
		for c := range 8 {
			image ^= byteOfL(c, j, lacks)
		}
		return alpha[x^image]
	})
	return t
}

// byNibbles sets tables to f of the low and of the high nibbles in each half of a
// register.
func byNibbles(tables *[2][32]byte, f func(half int, x byte) byte) {
	for i := range 32 {
		tables[0][i], tables[1][i] = f(i/16, byte(i%16)), f(i/16, byte(i%16<<4))
	}
}

// Logarithms in the field of 16 elements that the decomposition of Pi takes,
// modulo X^4+X^3+1. X generates its group.
const (
	smallOrder = 15
	// logZero stays above 127 with any logarithm added, with 15 subtracted and,
	// as the addition stops at 255, when doubled.
	logZero = 0xc0
)

func smallLogarithms() (log [16]byte) {
	log[0] = logZero
	x := byte(1)
	for i := range byte(smallOrder) {
		log[x] = i
		if x <<= 1; x > 15 {
			x ^= 0x19
		}
	}
	return log
}

// makeLogarithms fills the tables of S and returns what has to be added to their
// result.
func (t *avx2Tables) makeLogarithms() byte {
	log := smallLogarithms()
	twice := func(table *[32]byte, index, value byte) { table[index], table[16+index] = value, value }
	phi0 := log[piPhi[piNu1[0]]]
	for v := range byte(16) {
		twice(&t.logLeft, v, log[v])
		twice(&t.logInverse, v, log[piInverse[v]])
		twice(&t.nu0, v, multiply(piOmega, (piNu0[v]^piNu1[0])<<4))
		if v == 0 {
			twice(&t.logRight, v, logZero)
			continue
		}
		// VPSHUFB gives 0 for 0, which is right for what is taken relative to it.
		twice(&t.logRight, v, (log[v]+phi0)%smallOrder)
		twice(&t.phi, log[v], (log[piPhi[piNu1[v]]]+smallOrder-phi0)%smallOrder)
		twice(&t.nu1, log[v], multiply(piOmega, (piNu1[v]^piNu1[0])<<4))
		twice(&t.sigma, log[v], multiply(piOmega, piSigma[v]^piSigma[0]))
	}
	return multiply(piOmega, piNu1[0]<<4^piSigma[0])
}

// makeRounds fills the constants. f gives what byte j of a constant becomes.
func (t *avx2Tables) makeRounds(f func(j int, x byte) byte) {
	for n := range t.rounds {
		for i := range 4 {
			for at := range 32 {
				j, word, isState := i+at/16*4, at%16/8*4+at%4, at%8 >= 4
				switch {
				case !isState && n < len(iteration):
					t.rounds[n][i][at] = f(j, byte(iteration[n][word]>>(8*j)))
				case isState && n == 0: // which has had no other key added
					t.rounds[n][i][at] = f(j, 0)
				}
			}
		}
	}
}

//go:noescape
func compressAVX2(t *avx2Tables, h, n, m *state)
