package magma_test

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

func newKeyed(t testing.TB, key []byte) cipher.Block {
	t.Helper()
	c, err := magma.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzImplementations: every implementation agrees with the portable one on
// single blocks, many blocks and counters, under every key.
func FuzzImplementations(f *testing.F) {
	f.Add([]byte{}, []byte{}, []byte("0123456789abcdef"))
	f.Add(bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{0xff}, 1500), bytes.Repeat([]byte{0xff}, 32))
	f.Add(cryptotest.Bytes(1, 32), cryptotest.Bytes(2, 1030), cryptotest.Bytes(3, 32))
	f.Fuzz(func(t *testing.T, key, text, start []byte) {
		defer magma.Force(magma.Force("portable"))
		key = append(bytes.Clone(key), make([]byte, magma.KeySize)...)[:magma.KeySize]
		start = append(bytes.Clone(start), make([]byte, 32)...)
		var c, step [2]uint64
		for i := range c {
			c[i], step[i] = binary.BigEndian.Uint64(start[8*i:]), binary.BigEndian.Uint64(start[16+8*i:])
		}
		p := newKeyed(t, key)
		stream := cryptotest.Counters(p, len(text), c, step)
		for _, name := range magma.Implementations() {
			magma.Force(name)
			compare(t, name, newKeyed(t, key), p, text)
			if m, ok := newKeyed(t, key).(interface {
				XORCounters(dst, src []byte, c, step [2]uint64)
			}); ok {
				got := make([]byte, len(text))
				if m.XORCounters(got, got, c, step); !bytes.Equal(got, stream) {
					t.Fatalf("%s: other counters", name)
				}
			}
		}
	})
}

// compare compares encryption and decryption of the blocks of text.
func compare(t *testing.T, name string, c, want cipher.Block, text []byte) {
	t.Helper()
	n := magma.BlockSize
	text = text[:len(text)/n*n]
	all := make([]byte, len(text))
	c.(interface{ EncryptBlocks(dst, src []byte) }).EncryptBlocks(all, text)
	got, expected := make([]byte, n), make([]byte, n)
	for i := 0; i < len(text); i += n {
		c.Encrypt(got, text[i:])
		want.Encrypt(expected, text[i:])
		if !bytes.Equal(got, expected) || !bytes.Equal(all[i:i+n], expected) {
			t.Fatalf("%s: another encryption of block %d", name, i/n)
		}
		c.Decrypt(got, text[i:])
		if want.Decrypt(expected, text[i:]); !bytes.Equal(got, expected) {
			t.Fatalf("%s: another decryption of block %d", name, i/n)
		}
	}
}
