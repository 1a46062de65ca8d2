//go:build amd64 && !purego

package field

//go:generate go run -C ../../../tools/asm ./safegcd -out ../../gost/internal/field/safegcd_amd64.s

// assembly says that the assembler's code is used: it needs nothing that an
// amd64 processor may lack. Tests force it.
var assembly = true

// gcdAMD64 is runGeneric with packed steps.
//
//go:noescape
func gcdAMD64(s *gcdState, p *gcdModulus)

// run does all batches of steps.
func (s *gcdState) run(p *gcdModulus) {
	if assembly {
		gcdAMD64(s, p)
		return
	}
	s.runGeneric(p)
}
