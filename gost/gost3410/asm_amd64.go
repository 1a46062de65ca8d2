//go:build amd64 && !purego

package gost3410

//go:generate go run -C ../../tools/asm ./curve256 -out ../../gost/gost3410/asm256_amd64.s

import "github.com/gosklyuch/gosklyuch/gost/internal/cpu"

// adx says that the assembler's code is used. It is set once, here; tests
// force it.
var adx = cpu.X86.ADX && cpu.X86.AVX2

// bit returns 1 for true. b is public.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
