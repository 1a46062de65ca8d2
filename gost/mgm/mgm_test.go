package mgm_test

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/gost/mgm"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

var ciphers = map[string]func([]byte) (cipher.Block, error){
	"kuznyechik": kuznyechik.NewCipher, "magma": magma.NewCipher,
}

func newAEAD(t testing.TB, name string, key []byte) cipher.AEAD {
	t.Helper()
	b, err := ciphers[name](key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := mgm.New(b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc9058.json").Cases {
		name, _, _ := strings.Cut(c.ID, "-")
		a := newAEAD(t, name, c.Key)
		if got := a.Seal(nil, c.IV, c.Message, c.AAD); !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
		}
		if got, err := a.Open(nil, c.IV, c.Result, c.AAD); err != nil || !bytes.Equal(got, c.Message) {
			t.Errorf("%s: Open: %x, %v", c.ID, got, err)
		}
	}
}

func clearFirstBit(nonce []byte) { nonce[0] &= 0x7f }

func TestAEAD(t *testing.T) {
	for name := range ciphers {
		t.Run(name, func(t *testing.T) {
			a := newAEAD(t, name, cryptotest.Bytes(1, 32))
			cryptotest.TestAEAD(t, a, a.NonceSize(), clearFirstBit)
		})
	}
}

func TestTagSize(t *testing.T) {
	b, err := kuznyechik.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	full, err := mgm.New(b)
	if err != nil {
		t.Fatal(err)
	}
	nonce, text := make([]byte, 16), []byte("text")
	for size := range 20 {
		a, err := mgm.NewWithTagSize(b, size)
		if (err == nil) != (size >= 4 && size <= 16) {
			t.Errorf("tag of %d bytes: %v", size, err)
		}
		if err != nil {
			continue
		}
		got, want := a.Seal(nil, nonce, text, nil), full.Seal(nil, nonce, text, nil)
		if !bytes.Equal(got, want[:len(text)+size]) {
			t.Errorf("tag of %d bytes: %x, want the start of %x", size, got, want)
		}
		cryptotest.TestAEAD(t, a, 16, clearFirstBit)
	}
}

// RFC 9058, section 4.1: the nonce has n-1 bits.
func TestNonceBit(t *testing.T) {
	a := newAEAD(t, "kuznyechik", make([]byte, 32))
	nonce := append([]byte{0x80}, make([]byte, 15)...)
	cryptotest.MustPanic(t, "Seal with the first bit of the nonce set", func() { a.Seal(nil, nonce, nil, nil) })
	if _, err := a.Open(nil, nonce, make([]byte, 16), nil); err == nil || errors.Is(err, mgm.ErrOpen) {
		t.Errorf("Open with the first bit of the nonce set: %v", err)
	}
}

func BenchmarkSeal8K(b *testing.B) {
	for name := range ciphers {
		b.Run(name, func(b *testing.B) {
			a, buf := newAEAD(b, name, make([]byte, 32)), make([]byte, 8192)
			out, nonce := make([]byte, 0, len(buf)+16), make([]byte, a.NonceSize())
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				a.Seal(out, nonce, buf, nil)
			}
		})
	}
}
