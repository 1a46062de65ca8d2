package streebog_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// Nothing before or behind a message is read: the pages there cannot be.
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
	streebog.EachImplementation(t, func(t *testing.T) {
		for n := range 300 {
			for _, m := range [][]byte{inner[:n], inner[len(inner)-n:]} {
				want := streebog.Sum256(append([]byte(nil), m...))
				if streebog.Sum256(m) != want {
					t.Fatalf("%d bytes: another digest", n)
				}
				digests := make([][32]byte, 5)
				streebog.Sum256Many(digests, [][]byte{m, nil, m, m, m})
				if digests[0] != want || digests[4] != want {
					t.Fatalf("%d bytes side by side: another digest", n)
				}
			}
		}
	})
}
