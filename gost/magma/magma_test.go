package magma_test

import (
	"bytes"
	"crypto/cipher"
	"slices"
	"strconv"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

func TestVectors(t *testing.T) { magma.EachImplementation(t, testVectors) }

func testVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc8891.json").Cases {
		b, err := magma.NewCipher(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, magma.BlockSize)
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
	magma.EachImplementation(t, func(t *testing.T) {
		cryptotest.TestBlock(t, magma.KeySize, magma.NewCipher)
	})
}

func TestBlockSize(t *testing.T) {
	b, err := magma.NewCipher(make([]byte, magma.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if b.BlockSize() != magma.BlockSize {
		t.Errorf("BlockSize() = %d", b.BlockSize())
	}
}

// Magma is GOST 28147-89 with the TC26-Z substitutions, other byte order.
func TestGOST28147(t *testing.T) { magma.EachImplementation(t, testGOST28147) }

func testGOST28147(t *testing.T) {
	key, src := cryptotest.Bytes(1, magma.KeySize), cryptotest.Bytes(2, magma.BlockSize)
	a, err := magma.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Clone(key)
	for i := 0; i < len(swapped); i += 4 {
		slices.Reverse(swapped[i : i+4])
	}
	b, err := gost28147.NewCipher(swapped, gost28147.SBoxTC26Z())
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]byte, magma.BlockSize), bytes.Clone(src)
	a.Encrypt(got, src)
	slices.Reverse(want)
	b.Encrypt(want, want)
	slices.Reverse(want)
	if !bytes.Equal(got, want) {
		t.Errorf("%x, GOST 28147-89 gives %x", got, want)
	}
}

func newBlock(b testing.TB) cipher.Block {
	c, err := magma.NewCipher(make([]byte, magma.KeySize))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// perImplementation runs f for each implementation.
func perImplementation(b *testing.B, f func(b *testing.B)) {
	for _, name := range magma.Implementations() {
		b.Run(name, func(b *testing.B) {
			defer magma.Force(magma.Force(name))
			f(b)
		})
	}
}

func BenchmarkEncrypt(b *testing.B) {
	perImplementation(b, func(b *testing.B) {
		c, buf := newBlock(b), make([]byte, magma.BlockSize)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			c.Encrypt(buf, buf)
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	perImplementation(b, func(b *testing.B) {
		c, buf := newBlock(b), make([]byte, magma.BlockSize)
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
	for _, n := range []int{magma.BlockSize, 64, 256, 1024, 8192} {
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
		key := make([]byte, magma.KeySize)
		for b.Loop() {
			if _, err := magma.NewCipher(key); err != nil {
				b.Fatal(err)
			}
		}
	})
}
