package mgm

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// Reference is Seal as RFC 9058, section 4.1, writes it, block by block.
func Reference(b cipher.Block, nonce, text, data []byte) []byte {
	n := b.BlockSize()
	encrypt := func(x []byte) []byte {
		y := make([]byte, n)
		b.Encrypt(y, x)
		return y
	}
	// increment adds one to a half of x.
	increment := func(x []byte, left bool) []byte {
		y := append([]byte(nil), x...)
		half := y[n/2:]
		if left {
			half = y[:n/2]
		}
		for i := len(half) - 1; i >= 0; i-- {
			if half[i]++; half[i] != 0 {
				break
			}
		}
		return y
	}
	y := encrypt(nonce)
	out := append([]byte(nil), text...)
	for i := 0; i < len(out); i += n {
		subtle.XORBytes(out[i:], out[i:], encrypt(y))
		y = increment(y, false)
	}
	first := append([]byte(nil), nonce...)
	first[0] |= 0x80
	z, sum := encrypt(first), make([]byte, n)
	add := func(p []byte) {
		for i := 0; i < len(p); i += n {
			block := make([]byte, n)
			copy(block, p[i:])
			subtle.XORBytes(sum, sum, slowMultiply(encrypt(z), block))
			z = increment(z, true)
		}
	}
	add(data)
	add(out)
	lengths := make([]byte, 16)
	binary.BigEndian.PutUint64(lengths, uint64(len(data))*8)
	binary.BigEndian.PutUint64(lengths[8:], uint64(len(text))*8)
	if n == 8 {
		copy(lengths, lengths[4:8])
		copy(lengths[4:8], lengths[12:])
	}
	add(lengths[:n])
	return append(out, encrypt(sum)...)
}
