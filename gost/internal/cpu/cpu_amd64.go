//go:build amd64 && !purego

package cpu

// cpuid returns what CPUID answers for a leaf and a sub-leaf.
//
//go:noescape
func cpuid(leaf, sub uint32) (eax, ebx, ecx, edx uint32)

// xgetbv returns the low half of the extended control register 0.
//
//go:noescape
func xgetbv() (eax uint32)

// Bits of leaf 1 and of leaf 7, sub-leaf 0 (Intel's manual, volume 2A, CPUID).
const (
	leaf1OSXSAVE = 1 << 27 // ecx
	leaf1AVX     = 1 << 28

	leaf7AVX2   = 1 << 5 // ebx
	leaf7BMI2   = 1 << 8
	leaf7F      = 1 << 16
	leaf7DQ     = 1 << 17
	leaf7ADX    = 1 << 19
	leaf7IFMA   = 1 << 21
	leaf7BW     = 1 << 30
	leaf7VL     = 1 << 31
	leaf7VBMI   = 1 << 1 // ecx
	leaf7GFNI   = 1 << 8
	leaf7CLMUL  = 1 << 10
	stateYMM    = 1<<1 | 1<<2     // SSE and AVX
	stateZMM    = stateYMM | 7<<5 // opmask, upper halves, upper registers
	leaf7AVX512 = leaf7F | leaf7DQ | leaf7VL
)

func detect() Features {
	highest, _, _, _ := cpuid(0, 0)
	if highest < 7 {
		return Features{}
	}
	_, _, one, _ := cpuid(1, 0)
	_, b, c, _ := cpuid(7, 0)
	f := Features{ADX: has(b, leaf7BMI2|leaf7ADX)}
	// The registers may be used where the system saves them (XGETBV).
	if !has(one, leaf1OSXSAVE|leaf1AVX) {
		return f
	}
	saved := xgetbv()
	if has(saved, stateYMM) {
		f.AVX2 = has(b, leaf7AVX2)
		f.GFNI = has(c, leaf7GFNI)
	}
	if has(saved, stateZMM) {
		f.VBMI = has(b, leaf7AVX512|leaf7BW) && has(c, leaf7VBMI)
		f.CLMUL = f.VBMI && has(c, leaf7CLMUL)
		f.IFMA = has(b, leaf7AVX512|leaf7IFMA)
	}
	return f
}

func has(register, bits uint32) bool { return register&bits == bits }
