//go:build !amd64 || purego

package magma

import "crypto/cipher"

func implementations() []string { return []string{portable} }

func newCipher(k *[rounds]uint32) cipher.Block { return newPortable(k) }
