// Package cpu finds out what the processor and the operating system offer, for
// the choice between implementations.
package cpu

// Features are sets of instructions that may be used: the processor has them
// and the operating system keeps their registers.
type Features struct {
	// ADX is MULX, ADCX and ADOX (BMI1, BMI2 and ADX).
	ADX bool
	// AVX2 is AVX2 with its 256-bit registers.
	AVX2 bool
	// GFNI is GFNI in the forms of the vector registers that are there.
	GFNI bool
	// VBMI is AVX-512 F, BW, DQ, VL and VBMI, with AVX2 and BMI2.
	VBMI bool
	// IFMA is AVX-512 F, BW, DQ, VL and IFMA, with AVX2 and BMI2.
	IFMA bool
	// CLMUL is VPCLMULQDQ in registers of 512 bits, and AVX-512 as in VBMI.
	CLMUL bool
}

// X86 holds the features of this processor; all are false on others and where
// the build tag purego is set.
var X86 = detect()
