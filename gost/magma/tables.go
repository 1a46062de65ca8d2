package magma

import (
	"math/bits"
	"sync"
)

// pi holds the substitutions Pi'_0 to Pi'_7 of RFC 8891, section 4.1. Pi'_0
// applies to the least significant four bits.
var pi = [8][16]byte{
	{12, 4, 6, 2, 10, 5, 11, 9, 14, 8, 13, 7, 0, 3, 15, 1},
	{6, 8, 2, 3, 9, 10, 5, 12, 1, 14, 4, 7, 11, 13, 0, 15},
	{11, 3, 5, 8, 2, 15, 10, 13, 14, 1, 7, 4, 12, 9, 6, 0},
	{12, 8, 2, 1, 13, 4, 15, 6, 7, 0, 10, 5, 3, 14, 9, 11},
	{7, 15, 5, 10, 8, 1, 6, 13, 0, 9, 3, 14, 11, 4, 2, 12},
	{5, 13, 15, 6, 9, 2, 12, 10, 11, 7, 8, 1, 4, 3, 14, 0},
	{8, 14, 2, 5, 6, 9, 1, 12, 15, 4, 11, 0, 13, 10, 3, 7},
	{1, 7, 14, 13, 0, 5, 8, 3, 4, 15, 10, 6, 9, 12, 11, 2},
}

// lookup maps each byte of a word to its contribution to t(a)<<<11 (RFC 8891,
// section 4.2); index 0 is the least significant byte.
type lookup [4][256]uint32

// sharedLookup computes the tables (4 KiB) once, when the first cipher is
// made.
var sharedLookup = sync.OnceValue(func() *lookup {
	t := new(lookup)
	for i := range t {
		for x := range t[i] {
			v := uint32(pi[2*i+1][x>>4])<<4 | uint32(pi[2*i][x&15])
			t[i][x] = bits.RotateLeft32(v<<(8*i), 11)
		}
	}
	return t
})
