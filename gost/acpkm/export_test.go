package acpkm

import "crypto/cipher"

// SetCounter sets the counter of a stream that has not begun: the block as
// big-endian words, of which a block of 8 bytes has only the second.
func SetCounter(s cipher.Stream, counter [2]uint64) { s.(*ctr).counter = counter }
