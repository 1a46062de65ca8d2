//go:build !amd64 || purego

package mgm

func implementations() []string { return []string{portable} }

// add64 adds h (x) x for every 8-byte block h of factors and x of data, which
// have the same length, whole blocks. The first byte of a block holds the
// highest powers. Factors are secret, data is ciphertext or associated data.
func (a *accumulator) add64(factors, data []byte) { a.add64Generic(factors, data) }

// add128 is add64 for 16-byte blocks.
func (a *accumulator) add128(factors, data []byte) { a.add128Generic(factors, data) }
