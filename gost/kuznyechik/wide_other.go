//go:build !amd64 || purego

package kuznyechik

import "crypto/cipher"

func implementations() []string { return []string{portable} }

func newCipher(key []byte) cipher.Block { return newPortable(key) }
