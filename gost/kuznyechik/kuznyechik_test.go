package kuznyechik_test

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"strconv"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

func TestVectors(t *testing.T) { kuznyechik.EachImplementation(t, testVectors) }

func testVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc7801.json").Cases {
		b, err := kuznyechik.NewCipher(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, kuznyechik.BlockSize)
		b.Encrypt(got, c.Message)
		if !bytes.Equal(got, c.Result) {
			t.Errorf("%s: encryption: %x, want %x", c.ID, got, c.Result)
		}
		b.Decrypt(got, c.Result)
		if !bytes.Equal(got, c.Message) {
			t.Errorf("%s: decryption: %x, want %x", c.ID, got, c.Message)
		}
	}
}

func TestBlock(t *testing.T) {
	kuznyechik.EachImplementation(t, func(t *testing.T) {
		cryptotest.TestBlock(t, kuznyechik.KeySize, kuznyechik.NewCipher)
	})
}

func TestBlockSize(t *testing.T) {
	b, err := kuznyechik.NewCipher(make([]byte, kuznyechik.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if b.BlockSize() != kuznyechik.BlockSize {
		t.Errorf("BlockSize() = %d", b.BlockSize())
	}
}

// Encryption against OpenSSL in a mode of one block after the other.
func TestOpenSSL(t *testing.T) { kuznyechik.EachImplementation(t, testOpenSSL) }

func testOpenSSL(t *testing.T) {
	key, src := cryptotest.Bytes(1, kuznyechik.KeySize), cryptotest.Bytes(2, 100*kuznyechik.BlockSize)
	b, err := kuznyechik.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	want := peer.OpenSSL(t, peer.Run{
		Args:  []string{"enc", "-kuznyechik-ecb", "-nopad", "-K", hex.EncodeToString(key)},
		Stdin: src,
	})
	got := make([]byte, len(src))
	b.(interface{ EncryptBlocks(dst, src []byte) }).EncryptBlocks(got, src)
	if !bytes.Equal(got, want.Stdout) {
		t.Errorf("encryption differs from OpenSSL: %s", want.Stderr)
	}
	for i := 0; i < len(got); i += kuznyechik.BlockSize {
		b.Decrypt(got[i:], got[i:])
	}
	if !bytes.Equal(got, src) {
		t.Error("decryption does not undo OpenSSL encryption")
	}
}

func newBlock(b testing.TB) cipher.Block {
	c, err := kuznyechik.NewCipher(make([]byte, kuznyechik.KeySize))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// perImplementation runs f for each implementation.
func perImplementation(b *testing.B, f func(b *testing.B)) {
	for _, name := range kuznyechik.Implementations() {
		b.Run(name, func(b *testing.B) {
			defer kuznyechik.Force(kuznyechik.Force(name))
			f(b)
		})
	}
}

func BenchmarkEncrypt(b *testing.B) {
	perImplementation(b, func(b *testing.B) {
		c, buf := newBlock(b), make([]byte, kuznyechik.BlockSize)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			c.Encrypt(buf, buf)
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	perImplementation(b, func(b *testing.B) {
		c, buf := newBlock(b), make([]byte, kuznyechik.BlockSize)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			c.Decrypt(buf, buf)
		}
	})
}

func BenchmarkEncryptBlocks(b *testing.B) {
	perImplementation(b, func(b *testing.B) {
		c, buf := newBlock(b).(interface{ EncryptBlocks(dst, src []byte) }), make([]byte, 8192)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			c.EncryptBlocks(buf, buf)
		}
	})
}

func BenchmarkXORCounters(b *testing.B) {
	c, ok := newBlock(b).(interface {
		XORCounters(dst, src []byte, c, step [2]uint64)
	})
	if !ok {
		return // portable only
	}
	for _, n := range []int{kuznyechik.BlockSize, 64, 256, 1024, 8192} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			buf := make([]byte, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				c.XORCounters(buf, buf, [2]uint64{1, 2}, [2]uint64{0, 1})
			}
		})
	}
}

func BenchmarkNewCipher(b *testing.B) {
	perImplementation(b, func(b *testing.B) {
		key := make([]byte, kuznyechik.KeySize)
		for b.Loop() {
			if _, err := kuznyechik.NewCipher(key); err != nil {
				b.Fatal(err)
			}
		}
	})
}
