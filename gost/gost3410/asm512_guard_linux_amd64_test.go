//go:build !purego

package gost3410

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gosklyuch/gosklyuch/gost/internal/cpu"
)

// guarded is memory between pages that cannot be touched.
type guarded []byte

func newGuarded(t *testing.T, size int) guarded {
	t.Helper()
	page := os.Getpagesize()
	size = (size + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(b) })
	inner := b[page : page+size]
	if err := syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	return inner
}

// placed returns a T at the beginning of such memory, or at its end.
func placed[T any](t *testing.T, end bool) *T {
	t.Helper()
	var zero T
	g := newGuarded(t, int(unsafe.Sizeof(zero)))
	at := 0
	if end {
		at = len(g) - int(unsafe.Sizeof(zero))
	}
	return (*T)(unsafe.Pointer(&g[at]))
}

// Nothing beside a point, an affine point or a row is read or written: the
// pages there cannot be.
func TestGuardPages512(t *testing.T) {
	if !cpu.X86.ADX || !cpu.X86.AVX2 {
		return // the assembler's code cannot run
	}
	for _, end := range []bool{false, true} {
		ap, aq := placed[tcA512Point](t, end), placed[tcA512Point](t, end)
		at, ar := placed[tcA512Affine](t, end), placed[tcA512Row](t, end)
		*ar = *tcA512First()
		tcA512LookupAVX2(at, ar, 31)
		if *at != ar[31] {
			t.Error("512-A: another entry")
		}
		aq.setAffine(at)
		tcA512DoubleADX(ap, aq, 2)
		tcA512AddDistinctADX(ap, ap, at, 1)

		bp, bq := placed[tcB512Point](t, end), placed[tcB512Point](t, end)
		bt, br := placed[tcB512Affine](t, end), placed[tcB512Row](t, end)
		*br = *tcB512First()
		tcB512LookupAVX2(bt, br, 31)
		if *bt != br[31] {
			t.Error("512-B: another entry")
		}
		bq.setAffine(bt)
		tcB512DoubleADX(bp, bq, 2)
		tcB512AddDistinctADX(bp, bp, bt, 1)

		cp, cq := placed[tcC512Point](t, end), placed[tcC512Point](t, end)
		ct, cr := placed[tcC512Affine](t, end), placed[tcC512Row](t, end)
		*cr = *tcC512First()
		tcC512LookupAVX2(ct, cr, 31)
		if *ct != cr[31] {
			t.Error("512-C: another entry")
		}
		cq.setAffine(ct)
		tcC512DoubleADX(cp, cq, 2, 1)
		tcC512AddAffineADX(cp, cp, ct, 1, 1)
	}
}
