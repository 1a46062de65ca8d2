//go:build amd64 && !purego

package gost3410

import "github.com/gosklyuch/gosklyuch/gost/internal/cpu"

// implementations names the ways to compute that this processor has, the one
// that is chosen last.
func implementations() []string {
	if cpu.X86.ADX && cpu.X86.AVX2 {
		return []string{"portable", "adx"}
	}
	return []string{"portable"}
}

// force chooses an implementation and returns the one that was chosen before.
func force(name string) string {
	before := "portable"
	if adx {
		before = "adx"
	}
	adx = name == "adx"
	return before
}
