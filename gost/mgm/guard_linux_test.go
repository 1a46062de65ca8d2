package mgm_test

import (
	"bytes"
	"os"
	"syscall"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/mgm"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

// Nothing before or behind a message and its associated data is read or
// written: the pages there cannot be.
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
	mgm.EachImplementation(t, func(t *testing.T) {
		for name := range ciphers {
			a := newAEAD(t, name, cryptotest.Bytes(1, 32))
			nonce := make([]byte, a.NonceSize())
			for n := range 1100 {
				text := cryptotest.Bytes(2, n)
				sealed := a.Seal(nil, nonce, text, nil)
				for _, m := range [][]byte{inner[:len(sealed):len(sealed)], inner[page-len(sealed):]} {
					copy(m, text)
					if got := a.Seal(m[:0], nonce, m[:n], nil); &got[0] != &m[0] || !bytes.Equal(got, sealed) {
						t.Fatalf("%s: %d bytes in place differ", name, n)
					}
					if got, err := a.Open(m[:0], nonce, m, nil); err != nil || !bytes.Equal(got, text) {
						t.Fatalf("%s: %d bytes: Open in place: %v", name, n, err)
					}
				}
				data := inner[page-n:]
				if _, err := a.Open(nil, nonce, a.Seal(nil, nonce, text, data), data); err != nil {
					t.Fatalf("%s: %d bytes of associated data: %v", name, n, err)
				}
			}
		}
	})
}
