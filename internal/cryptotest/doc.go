// Package cryptotest holds the tests that every hash function, block cipher,
// stream and AEAD of this module has to pass, and the reader of the test
// vectors in testdata. It is imported by tests only.
package cryptotest

import (
	"math/rand/v2"
	"strconv"
)

// Bytes returns n bytes that look random and are the same in every run for the
// same seed, so that a failure can be repeated.
func Bytes(seed uint64, n int) []byte {
	var s [32]byte
	copy(s[:], "cryptotest "+strconv.FormatUint(seed, 10))
	b := make([]byte, n)
	// Read of a ChaCha8 never fails.
	_, _ = rand.NewChaCha8(s).Read(b)
	return b
}

// Lengths returns the lengths at which an algorithm with this block size is
// likely to fail: none, one byte, and around one, two and many blocks.
func Lengths(block int) []int {
	n := []int{0, 1}
	for _, k := range []int{1, 2, 3, 4, 5, 8, 33} {
		for d := -1; d <= 1; d++ {
			if l := k*block + d; l > n[len(n)-1] {
				n = append(n, l)
			}
		}
	}
	return n
}
