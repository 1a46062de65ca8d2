// Package feistel is the network of 32 rounds that Magma (RFC 8891) and GOST
// 28147-89 (RFC 5830) share, in AVX-512 VBMI: on many blocks side by side, or on
// one. Its time does not depend on keys or data. The portable code of both
// ciphers is in their own packages.
package feistel

const (
	// BlockSize is the length of a block in bytes.
	BlockSize = 8
	// Rounds is the number of rounds and of round keys.
	Rounds = 32
)

// Keys are the round keys in the order of their use.
type Keys [Rounds]uint32

// Expand returns the round keys of encryption: the words of the key three times,
// then in reverse (RFC 8891, section 4.3; RFC 5830, section 5.1).
func Expand(key *[8]uint32) (k Keys) {
	for i, w := range key {
		k[i], k[i+8], k[i+16], k[Rounds-1-i] = w, w, w, w
	}
	return k
}

// Reverse returns the keys in reverse: those of decryption.
func (k *Keys) Reverse() (r Keys) {
	for i, w := range k {
		r[Rounds-1-i] = w
	}
	return r
}
