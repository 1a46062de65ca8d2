package gost28147

import (
	"math/bits"
	"sync"
)

// SBox is a set of the eight substitutions K1 to K8 (RFC 5830, section 4)
// that parties have to agree on. Make one with the SBox functions; the zero
// value is invalid and NewCipher refuses it.
type SBox struct{ t *tables }

// tables are a set of substitutions as the implementations need it.
type tables struct {
	lookup lookup
	wide   wideTables
}

// lookup maps each byte of a word to its contribution to the substituted word
// rotated by 11; index 0 is the least significant byte.
type lookup [4][256]uint32

// newTables returns the tables of the substitutions k, of which k[0] (K1)
// applies to the least significant four bits.
func newTables(k *[8][16]byte) *tables {
	t := &tables{wide: newWideTables(k)}
	for i := range t.lookup {
		for x := range t.lookup[i] {
			v := uint32(k[2*i+1][x>>4])<<4 | uint32(k[2*i][x&15])
			t.lookup[i][x] = bits.RotateLeft32(v<<(8*i), 11)
		}
	}
	return t
}

// The tables of a set (4 KiB) are computed once, when it is first used.
var (
	tc26ZTable         = sync.OnceValue(func() *tables { return newTables(&tc26Z) })
	cryptoProATable    = sync.OnceValue(func() *tables { return newTables(&cryptoProA) })
	cryptoProBTable    = sync.OnceValue(func() *tables { return newTables(&cryptoProB) })
	cryptoProCTable    = sync.OnceValue(func() *tables { return newTables(&cryptoProC) })
	cryptoProDTable    = sync.OnceValue(func() *tables { return newTables(&cryptoProD) })
	testTable          = sync.OnceValue(func() *tables { return newTables(&test) })
	hashCryptoProTable = sync.OnceValue(func() *tables { return newTables(&hashCryptoPro) })
	hashTestTable      = sync.OnceValue(func() *tables { return newTables(&hashTest) })
)

// SBoxTC26Z returns the substitutions of id-tc26-gost-28147-param-Z (1.2.643.7.1.2.5.1.1), the parameter set of the 2012 algorithms (RFC 7836, appendix C).
func SBoxTC26Z() SBox { return SBox{tc26ZTable()} }

// SBoxCryptoProA returns the substitutions of id-Gost28147-89-CryptoPro-A-ParamSet (1.2.643.2.2.31.1) (RFC 4357, section 11.1).
func SBoxCryptoProA() SBox { return SBox{cryptoProATable()} }

// SBoxCryptoProB returns the substitutions of id-Gost28147-89-CryptoPro-B-ParamSet (1.2.643.2.2.31.2) (RFC 4357, section 11.1).
func SBoxCryptoProB() SBox { return SBox{cryptoProBTable()} }

// SBoxCryptoProC returns the substitutions of id-Gost28147-89-CryptoPro-C-ParamSet (1.2.643.2.2.31.3) (RFC 4357, section 11.1).
func SBoxCryptoProC() SBox { return SBox{cryptoProCTable()} }

// SBoxCryptoProD returns the substitutions of id-Gost28147-89-CryptoPro-D-ParamSet (1.2.643.2.2.31.4) (RFC 4357, section 11.1).
func SBoxCryptoProD() SBox { return SBox{cryptoProDTable()} }

// SBoxTest returns the substitutions of id-Gost28147-89-TestParamSet (1.2.643.2.2.31.0), for test vectors only (RFC 4357, section 11.1).
func SBoxTest() SBox { return SBox{testTable()} }

// SBoxHashCryptoPro returns the substitutions of id-GostR3411-94-CryptoProParamSet (1.2.643.2.2.30.1), which GOST R 34.11-94 uses (RFC 4357, section 11.2).
func SBoxHashCryptoPro() SBox { return SBox{hashCryptoProTable()} }

// SBoxHashTest returns the substitutions of id-GostR3411-94-TestParamSet (1.2.643.2.2.30.0), which GOST R 34.11-94 uses in its examples (RFC 4357, section 11.2).
func SBoxHashTest() SBox { return SBox{hashTestTable()} }

// tc26Z is taken from RFC 7836, appendix C.
var tc26Z = [8][16]byte{
	{12, 4, 6, 2, 10, 5, 11, 9, 14, 8, 13, 7, 0, 3, 15, 1},
	{6, 8, 2, 3, 9, 10, 5, 12, 1, 14, 4, 7, 11, 13, 0, 15},
	{11, 3, 5, 8, 2, 15, 10, 13, 14, 1, 7, 4, 12, 9, 6, 0},
	{12, 8, 2, 1, 13, 4, 15, 6, 7, 0, 10, 5, 3, 14, 9, 11},
	{7, 15, 5, 10, 8, 1, 6, 13, 0, 9, 3, 14, 11, 4, 2, 12},
	{5, 13, 15, 6, 9, 2, 12, 10, 11, 7, 8, 1, 4, 3, 14, 0},
	{8, 14, 2, 5, 6, 9, 1, 12, 15, 4, 11, 0, 13, 10, 3, 7},
	{1, 7, 14, 13, 0, 5, 8, 3, 4, 15, 10, 6, 9, 12, 11, 2},
}

// cryptoProA is taken from RFC 4357, section 11.1.
var cryptoProA = [8][16]byte{
	{9, 6, 3, 2, 8, 11, 1, 7, 10, 4, 14, 15, 12, 0, 13, 5},
	{3, 7, 14, 9, 8, 10, 15, 0, 5, 2, 6, 12, 11, 4, 13, 1},
	{14, 4, 6, 2, 11, 3, 13, 8, 12, 15, 5, 10, 0, 7, 1, 9},
	{14, 7, 10, 12, 13, 1, 3, 9, 0, 2, 11, 4, 15, 8, 5, 6},
	{11, 5, 1, 9, 8, 13, 15, 0, 14, 4, 2, 3, 12, 7, 10, 6},
	{3, 10, 13, 12, 1, 2, 0, 11, 7, 5, 9, 4, 8, 15, 14, 6},
	{1, 13, 2, 9, 7, 10, 6, 0, 8, 12, 4, 5, 15, 3, 11, 14},
	{11, 10, 15, 5, 0, 12, 14, 8, 6, 2, 3, 9, 1, 7, 13, 4},
}

// cryptoProB is taken from RFC 4357, section 11.1.
var cryptoProB = [8][16]byte{
	{8, 4, 11, 1, 3, 5, 0, 9, 2, 14, 10, 12, 13, 6, 7, 15},
	{0, 1, 2, 10, 4, 13, 5, 12, 9, 7, 3, 15, 11, 8, 6, 14},
	{14, 12, 0, 10, 9, 2, 13, 11, 7, 5, 8, 15, 3, 6, 1, 4},
	{7, 5, 0, 13, 11, 6, 1, 2, 3, 10, 12, 15, 4, 14, 9, 8},
	{2, 7, 12, 15, 9, 5, 10, 11, 1, 4, 0, 13, 6, 8, 14, 3},
	{8, 3, 2, 6, 4, 13, 14, 11, 12, 1, 7, 15, 10, 0, 9, 5},
	{5, 2, 10, 11, 9, 1, 12, 3, 7, 4, 13, 0, 6, 15, 8, 14},
	{0, 4, 11, 14, 8, 3, 7, 1, 10, 2, 9, 6, 15, 13, 5, 12},
}

// cryptoProC is taken from RFC 4357, section 11.1.
var cryptoProC = [8][16]byte{
	{1, 11, 12, 2, 9, 13, 0, 15, 4, 5, 8, 14, 10, 7, 6, 3},
	{0, 1, 7, 13, 11, 4, 5, 2, 8, 14, 15, 12, 9, 10, 6, 3},
	{8, 2, 5, 0, 4, 9, 15, 10, 3, 7, 12, 13, 6, 14, 1, 11},
	{3, 6, 0, 1, 5, 13, 10, 8, 11, 2, 9, 7, 14, 15, 12, 4},
	{8, 13, 11, 0, 4, 5, 1, 2, 9, 3, 12, 14, 6, 15, 10, 7},
	{12, 9, 11, 1, 8, 14, 2, 4, 7, 3, 6, 5, 10, 0, 15, 13},
	{10, 9, 6, 8, 13, 14, 2, 0, 15, 3, 5, 11, 4, 1, 12, 7},
	{7, 4, 0, 5, 10, 2, 15, 14, 12, 6, 1, 11, 13, 9, 3, 8},
}

// cryptoProD is taken from RFC 4357, section 11.1.
var cryptoProD = [8][16]byte{
	{15, 12, 2, 10, 6, 4, 5, 0, 7, 9, 14, 13, 1, 11, 8, 3},
	{11, 6, 3, 4, 12, 15, 14, 2, 7, 13, 8, 0, 5, 10, 9, 1},
	{1, 12, 11, 0, 15, 14, 6, 5, 10, 13, 4, 8, 9, 3, 7, 2},
	{1, 5, 14, 12, 10, 7, 0, 13, 6, 2, 11, 4, 9, 3, 15, 8},
	{0, 12, 8, 9, 13, 2, 10, 11, 7, 3, 6, 5, 4, 14, 15, 1},
	{8, 0, 15, 3, 2, 5, 14, 11, 1, 10, 4, 7, 12, 9, 13, 6},
	{3, 0, 6, 15, 1, 14, 9, 2, 13, 8, 12, 4, 11, 10, 5, 7},
	{1, 10, 6, 8, 15, 11, 0, 4, 12, 3, 5, 9, 7, 13, 2, 14},
}

// test is taken from RFC 4357, section 11.1.
var test = [8][16]byte{
	{4, 2, 15, 5, 9, 1, 0, 8, 14, 3, 11, 12, 13, 7, 10, 6},
	{12, 9, 15, 14, 8, 1, 3, 10, 2, 7, 4, 13, 6, 0, 11, 5},
	{13, 8, 14, 12, 7, 3, 9, 10, 1, 5, 2, 4, 6, 15, 0, 11},
	{14, 9, 11, 2, 5, 15, 7, 1, 0, 13, 12, 6, 10, 4, 3, 8},
	{3, 14, 5, 9, 6, 8, 0, 13, 10, 11, 7, 12, 2, 1, 15, 4},
	{8, 15, 6, 11, 1, 9, 12, 5, 13, 3, 7, 10, 0, 14, 2, 4},
	{9, 11, 12, 0, 3, 6, 7, 5, 4, 8, 14, 15, 1, 10, 2, 13},
	{12, 6, 5, 2, 11, 0, 9, 13, 3, 14, 7, 10, 15, 4, 1, 8},
}

// hashCryptoPro is taken from RFC 4357, section 11.2.
var hashCryptoPro = [8][16]byte{
	{10, 4, 5, 6, 8, 1, 3, 7, 13, 12, 14, 0, 9, 2, 11, 15},
	{5, 15, 4, 0, 2, 13, 11, 9, 1, 7, 6, 3, 12, 14, 10, 8},
	{7, 15, 12, 14, 9, 4, 1, 0, 3, 11, 5, 2, 6, 10, 8, 13},
	{4, 10, 7, 12, 0, 15, 2, 8, 14, 1, 6, 5, 13, 11, 9, 3},
	{7, 6, 4, 11, 9, 12, 2, 10, 1, 8, 0, 14, 15, 13, 3, 5},
	{7, 6, 2, 4, 13, 9, 15, 0, 10, 1, 5, 11, 8, 14, 12, 3},
	{13, 14, 4, 1, 7, 0, 5, 10, 3, 12, 8, 15, 6, 2, 9, 11},
	{1, 3, 10, 9, 5, 11, 4, 15, 8, 6, 7, 14, 13, 0, 2, 12},
}

// hashTest is taken from RFC 4357, section 11.2.
var hashTest = [8][16]byte{
	{4, 10, 9, 2, 13, 8, 0, 14, 6, 11, 1, 12, 7, 15, 5, 3},
	{14, 11, 4, 12, 6, 13, 15, 10, 2, 3, 8, 1, 0, 7, 5, 9},
	{5, 8, 1, 13, 10, 3, 4, 2, 14, 15, 12, 7, 6, 0, 9, 11},
	{7, 13, 10, 1, 0, 8, 9, 15, 14, 4, 6, 12, 11, 2, 5, 3},
	{6, 12, 7, 1, 5, 15, 13, 8, 4, 10, 9, 14, 0, 3, 11, 2},
	{4, 11, 10, 0, 7, 2, 1, 13, 3, 6, 8, 5, 9, 12, 15, 14},
	{13, 11, 4, 1, 3, 15, 5, 9, 0, 10, 14, 7, 6, 8, 2, 12},
	{1, 15, 13, 0, 5, 7, 10, 4, 9, 2, 3, 14, 6, 11, 8, 12},
}
