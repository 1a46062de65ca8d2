package cryptotest

import (
	"bytes"
	"crypto/cipher"
	"testing"
)

// TestAEAD checks that a keeps the contract of cipher.AEAD: every change of
// nonce, ciphertext, tag or associated data is refused, results are appended,
// work in place is possible. block is the block size in bytes; validNonce turns
// random bytes into a nonce that a accepts, nil if all are.
func TestAEAD(t *testing.T, a cipher.AEAD, block int, validNonce func([]byte)) {
	t.Helper()
	nonce := Bytes(5, a.NonceSize())
	if validNonce != nil {
		validNonce(nonce)
	}
	t.Run("round trip", func(t *testing.T) {
		for _, n := range Lengths(block) {
			for _, m := range []int{0, 1, block - 1, block, block + 1, 3*block + 2} {
				aeadRoundTrip(t, a, nonce, Bytes(6, n), Bytes(7, m))
			}
		}
	})
	t.Run("tampering", func(t *testing.T) { aeadTamper(t, a, nonce, block) })
	t.Run("wrong nonce size", func(t *testing.T) {
		for _, n := range []int{0, a.NonceSize() - 1, a.NonceSize() + 1} {
			MustPanic(t, "Seal with a wrong nonce size", func() { a.Seal(nil, make([]byte, n), nil, nil) })
			aeadOpenWrongNonce(t, a, n)
		}
	})
	t.Run("overlap", func(t *testing.T) {
		buf := make([]byte, 1000)
		MustPanic(t, "Seal with an inexact overlap", func() { a.Seal(buf[1:1], nonce, buf[:100], nil) })
		MustPanic(t, "Open with an inexact overlap", func() { _, _ = a.Open(buf[1:1], nonce, buf[:100], nil) })
		MustPanic(t, "Seal over its associated data", func() { a.Seal(buf[:0], nonce, nil, buf[:8]) })
	})
}

// aeadOpenWrongNonce accepts an error as well as the standard library's panic.
func aeadOpenWrongNonce(t *testing.T, a cipher.AEAD, n int) {
	t.Helper()
	defer func() { _ = recover() }()
	if _, err := a.Open(nil, make([]byte, n), make([]byte, a.Overhead()), nil); err == nil {
		t.Errorf("Open accepted a nonce of %d bytes", n)
	}
}

func aeadRoundTrip(t *testing.T, a cipher.AEAD, nonce, text, data []byte) {
	t.Helper()
	orig, origData := bytes.Clone(text), bytes.Clone(data)
	sealed := a.Seal(nil, nonce, text, data)
	if len(sealed) != len(text)+a.Overhead() {
		t.Fatalf("%d bytes were sealed into %d", len(text), len(sealed))
	}
	if !bytes.Equal(text, orig) || !bytes.Equal(data, origData) {
		t.Fatal("Seal changed its input")
	}
	if got := a.Seal([]byte("prefix"), nonce, text, data); !bytes.Equal(got, append([]byte("prefix"), sealed...)) {
		t.Fatal("Seal does not append")
	}
	inPlace := append(make([]byte, 0, len(sealed)), text...)
	if got := a.Seal(inPlace[:0], nonce, inPlace, data); !bytes.Equal(got, sealed) {
		t.Fatal("Seal in place differs")
	}
	got, err := a.Open([]byte("prefix"), nonce, sealed, data)
	if err != nil || !bytes.Equal(got, append([]byte("prefix"), orig...)) {
		t.Fatalf("Open of %d bytes, %d associated: %v", len(text), len(data), err)
	}
	work := bytes.Clone(sealed)
	if got, err = a.Open(work[:0], nonce, work, data); err != nil || !bytes.Equal(got, orig) {
		t.Fatalf("Open in place of %d bytes: %v", len(text), err)
	}
}

func aeadTamper(t *testing.T, a cipher.AEAD, nonce []byte, block int) {
	for _, n := range []int{0, 1, block, 2*block + 1} {
		data := Bytes(8, block+1)
		sealed := a.Seal(nil, nonce, Bytes(9, n), data)
		refuse := func(what string, nonce, sealed, data []byte) {
			t.Helper()
			if got, err := a.Open(nil, nonce, sealed, data); err == nil || got != nil {
				t.Errorf("%s of a message of %d bytes was accepted", what, n)
			}
		}
		for name, b := range map[string][]byte{"ciphertext": sealed, "associated data": data, "nonce": nonce} {
			for i := range b {
				for _, bit := range []byte{1, 0x40} {
					b[i] ^= bit
					refuse("changed "+name, nonce, sealed, data)
					b[i] ^= bit
				}
			}
		}
		for i := range sealed {
			refuse("a prefix", nonce, sealed[:i], data)
		}
		refuse("an extension", nonce, append(bytes.Clone(sealed), 0), data)
		refuse("extended associated data", nonce, sealed, append(bytes.Clone(data), 0))
		refuse("missing associated data", nonce, sealed, nil)
	}
}
