package cryptotest

import (
	"bytes"
	"crypto/cipher"
	"testing"
)

// TestBlock checks that what newCipher returns for keys of keySize bytes keeps
// the contract of cipher.Block, that it copies the key, and that other key
// sizes are errors. If the cipher has EncryptBlocks(dst, src []byte), that must
// agree with Encrypt.
func TestBlock(t *testing.T, keySize int, newCipher func(key []byte) (cipher.Block, error)) {
	t.Helper()
	key := Bytes(2, keySize)
	b, err := newCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("key sizes", func(t *testing.T) {
		for n := range 2*keySize + 1 {
			if c, err := newCipher(make([]byte, n)); (err == nil) != (n == keySize) || (c == nil) != (err != nil) {
				t.Errorf("key of %d bytes: %v, %v", n, c, err)
			}
		}
	})
	t.Run("round trip", func(t *testing.T) { blockRoundTrip(t, b) })
	t.Run("key is copied", func(t *testing.T) {
		src, want, got := Bytes(3, b.BlockSize()), make([]byte, b.BlockSize()), make([]byte, b.BlockSize())
		b.Encrypt(want, src)
		clear(key)
		b.Encrypt(got, src)
		if !bytes.Equal(got, want) {
			t.Error("the cipher refers to the caller's key")
		}
	})
	t.Run("short buffers", func(t *testing.T) {
		n := b.BlockSize()
		for name, f := range map[string]func(dst, src []byte){"Encrypt": b.Encrypt, "Decrypt": b.Decrypt} {
			MustPanic(t, name+" of a short source", func() { f(make([]byte, n), make([]byte, n-1)) })
			MustPanic(t, name+" into a short destination", func() { f(make([]byte, n-1), make([]byte, n)) })
		}
	})
	if bulk, ok := b.(interface{ EncryptBlocks(dst, src []byte) }); ok {
		t.Run("many blocks", func(t *testing.T) { blockMany(t, b, bulk.EncryptBlocks) })
	}
}

func blockRoundTrip(t *testing.T, b cipher.Block) {
	n := b.BlockSize()
	for seed := range uint64(50) {
		src := Bytes(100+seed, n+3)
		orig := bytes.Clone(src)
		dst := Bytes(200+seed, n+3)
		tail := bytes.Clone(dst[n:])
		b.Encrypt(dst, src)
		if !bytes.Equal(src, orig) {
			t.Fatal("Encrypt changed the source")
		}
		if !bytes.Equal(dst[n:], tail) {
			t.Fatal("Encrypt wrote more than a block")
		}
		inPlace := bytes.Clone(src)
		b.Encrypt(inPlace, inPlace)
		if !bytes.Equal(inPlace[:n], dst[:n]) {
			t.Fatal("Encrypt in place differs")
		}
		b.Decrypt(inPlace, inPlace)
		if !bytes.Equal(inPlace, orig) {
			t.Fatal("Decrypt in place does not undo Encrypt")
		}
		back := make([]byte, n)
		b.Decrypt(back, dst)
		if !bytes.Equal(back, orig[:n]) {
			t.Fatal("Decrypt does not undo Encrypt")
		}
	}
}

func blockMany(t *testing.T, b cipher.Block, encryptBlocks func(dst, src []byte)) {
	n := b.BlockSize()
	for blocks := range 20 {
		src := Bytes(uint64(300+blocks), blocks*n)
		want := make([]byte, len(src))
		for i := 0; i < len(src); i += n {
			b.Encrypt(want[i:], src[i:])
		}
		got := make([]byte, len(src)+1)
		encryptBlocks(got, src)
		if !bytes.Equal(got[:len(src)], want) || got[len(src)] != 0 {
			t.Errorf("%d blocks differ from single blocks", blocks)
		}
		encryptBlocks(src, src)
		if !bytes.Equal(src, want) {
			t.Errorf("%d blocks in place differ from single blocks", blocks)
		}
	}
	MustPanic(t, "EncryptBlocks of part of a block", func() { encryptBlocks(make([]byte, 2*n), make([]byte, n+1)) })
	MustPanic(t, "EncryptBlocks into a short destination", func() { encryptBlocks(make([]byte, n), make([]byte, 2*n)) })
}

// MustPanic fails the test if f returns.
func MustPanic(t testing.TB, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}
