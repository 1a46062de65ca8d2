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

	leaf7BMI1   = 1 << 3 // ebx
	leaf7AVX2   = 1 << 5
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
	leaf7AVX512 = leaf7F | leaf7DQ | leaf7BW | leaf7VL | leaf7AVX2 | leaf7BMI2
)

func detect() Features {
	highest, _, _, _ := cpuid(0, 0)
	if highest < 7 {
		return Features{}
	}
	_, _, one, _ := cpuid(1, 0)
	_, b, c, _ := cpuid(7, 0)
	// The registers may be used where the system saves them (XGETBV).
	var saved uint32
	if has(one, leaf1OSXSAVE|leaf1AVX) {
		saved = xgetbv()
	}
	return features(b, c, saved)
}

// features returns what may be used where CPUID answers ebx and ecx for leaf 7
// and the system saves those registers. A virtual machine may be told any
// combination.
func features(ebx, ecx, saved uint32) Features {
	f := Features{ADX: has(ebx, leaf7BMI1|leaf7BMI2|leaf7ADX)}
	if has(saved, stateYMM) {
		f.AVX2 = has(ebx, leaf7AVX2)
		f.GFNI = has(ecx, leaf7GFNI)
	}
	if has(saved, stateZMM) && has(ebx, leaf7AVX512) {
		f.VBMI = has(ecx, leaf7VBMI)
		f.CLMUL = f.VBMI && has(ecx, leaf7CLMUL)
		f.IFMA = has(ebx, leaf7IFMA)
	}
	return f
}

func has(register, bits uint32) bool { return register&bits == bits }
