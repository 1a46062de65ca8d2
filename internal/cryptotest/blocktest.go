package cryptotest

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"testing"
)

// TestBlock checks that what newCipher returns for keys of keySize bytes keeps
// the contract of cipher.Block, that it copies the key, and that other key
// sizes are errors. If the cipher has EncryptBlocks(dst, src []byte) or
// XORCounters(dst, src []byte, c, step [2]uint64), they must agree with Encrypt.
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
	if mode, ok := b.(counterMode); ok {
		t.Run("counters", func(t *testing.T) { blockCounters(t, b, mode) })
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
	for _, blocks := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300, 10_001} {
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

// counterMode is what a cipher may have besides: it XORs src with the encryption
// of the blocks c, c+step, c+2*step, ..., each half of a block by itself.
type counterMode interface {
	XORCounters(dst, src []byte, c, step [2]uint64)
}

// Counters returns the first n bytes of the encryption under b of the blocks
// c, c+step, c+2*step, ...: each half of a block is a number by itself.
func Counters(b cipher.Block, n int, c, step [2]uint64) []byte {
	var out []byte
	for len(out) < n {
		var block [16]byte
		binary.BigEndian.PutUint64(block[:], c[0])
		binary.BigEndian.PutUint64(block[8:], c[1])
		if b.BlockSize() == 8 {
			binary.BigEndian.PutUint32(block[:], uint32(c[0]))
			binary.BigEndian.PutUint32(block[4:], uint32(c[1]))
		}
		b.Encrypt(block[:], block[:])
		out = append(out, block[:b.BlockSize()]...)
		c[0], c[1] = c[0]+step[0], c[1]+step[1]
	}
	return out[:n]
}

func blockCounters(t *testing.T, b cipher.Block, mode counterMode) {
	n := b.BlockSize()
	last := uint64(1)<<(4*n) - 1 // of a half; shifted out where it has 64 bits
	starts := [][2]uint64{{0, 0}, {1, last - 3}, {last - 70, 5}, {last, last}, {1 << 31, 1<<31 - 1}}
	for i, c := range starts {
		for _, step := range [][2]uint64{{0, 1}, {1, 0}, {3, last}} {
			stream := Counters(b, 4000, c, step)
			for length := i; length <= len(stream); length += 1 + length/20 {
				src, dst := Bytes(uint64(length), length+1)[1:], make([]byte, length+1+n)[1:]
				mode.XORCounters(dst, src, c, step)
				checkXOR(t, dst, src, stream)
				want := bytes.Clone(dst[:length])
				if mode.XORCounters(src, src, c, step); !bytes.Equal(src, want) {
					t.Fatalf("%d bytes in place differ", length)
				}
			}
		}
	}
	// More than one call of any implementation does at once.
	const long = 150_001
	c, step := [2]uint64{last - 5, last - 9000}, [2]uint64{1, 1}
	dst := make([]byte, long)
	mode.XORCounters(dst, dst, c, step)
	if !bytes.Equal(dst, Counters(b, long, c, step)) {
		t.Errorf("%d bytes of counters differ from single blocks", long)
	}
	MustPanic(t, "XORCounters into a short destination", func() {
		mode.XORCounters(make([]byte, 8), make([]byte, 9), [2]uint64{}, [2]uint64{})
	})
}

// checkXOR checks that dst is src XOR the start of stream and zero behind it.
func checkXOR(t *testing.T, dst, src, stream []byte) {
	t.Helper()
	want := make([]byte, len(dst))
	for i, x := range src {
		want[i] = x ^ stream[i]
	}
	if !bytes.Equal(dst, want) {
		t.Fatalf("%d bytes of counters differ from single blocks", len(src))
	}
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
