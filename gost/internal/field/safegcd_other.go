//go:build !amd64 || purego

package field

// assembly says that the inversion is the assembler's.
const assembly = false

// run does all batches of steps.
func (s *gcdState) run(p *gcdModulus) { s.runGeneric(p) }
