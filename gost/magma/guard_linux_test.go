package magma_test

import (
	"bytes"
	"os"
	"syscall"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

// Nothing before or behind the data is read or written: the pages there cannot
// be.
func TestGuardPages(t *testing.T) {
	page := os.Getpagesize()
	b, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(b)
	inner := b[page : 2*page]
	if err := syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	magma.EachImplementation(t, func(t *testing.T) {
		for n := range 1100 {
			for _, m := range [][]byte{inner[:n], inner[page-n:]} {
				testAt(t, m)
			}
		}
		key := inner[page-magma.KeySize:]
		want, got := make([]byte, magma.BlockSize), make([]byte, magma.BlockSize)
		newKeyed(t, bytes.Clone(key)).Encrypt(want, want)
		if newKeyed(t, key).Encrypt(got, got); !bytes.Equal(got, want) {
			t.Error("a key at the end of a page gives another cipher")
		}
	})
}

// testAt encrypts in place what is at m.
func testAt(t *testing.T, m []byte) {
	t.Helper()
	c := newBlock(t)
	text := cryptotest.Bytes(1, len(m))
	whole := m[:len(m)/magma.BlockSize*magma.BlockSize]
	copy(m, text)
	c.(interface{ EncryptBlocks(dst, src []byte) }).EncryptBlocks(whole, whole)
	for i := 0; i < len(whole); i += magma.BlockSize {
		c.Decrypt(whole[i:], whole[i:])
	}
	if !bytes.Equal(m, text) {
		t.Fatalf("%d bytes: decryption does not undo encryption", len(m))
	}
	f, ok := c.(interface {
		XORCounters(dst, src []byte, c, step [2]uint64)
	})
	if !ok {
		return
	}
	f.XORCounters(m, m, [2]uint64{3, 4}, [2]uint64{0, 1})
	for i, x := range cryptotest.Counters(c, len(m), [2]uint64{3, 4}, [2]uint64{0, 1}) {
		if m[i] != text[i]^x {
			t.Fatalf("%d bytes: byte %d of the counters differs", len(m), i)
		}
	}
}
