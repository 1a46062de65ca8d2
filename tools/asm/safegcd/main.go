// Program safegcd writes gost/internal/field/safegcd_amd64.s: the division
// steps of an inversion. go generate runs it.
//
// Twenty steps at a time work on two words. Each holds a number's low 20 bits
// and, from bit 21 and from bit 42 on, its row of the matrix: a step that adds
// the words and halves one does so to all three parts (D. Bernstein, B.-Y.
// Yang, Fast constant-time gcd computation and modular inversion, 2019, Section
// 10). A step chooses by conditional moves; nothing branches on a number.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in gcdState and gcdModulus of the package.
const (
	fAt      = 0
	gAt      = fAt + 72
	dAt      = gAt + 72
	eAt      = dAt + 72
	matrixAt = eAt + 72
	zetaAt   = matrixAt + 32

	mAt       = 0
	nAt       = 72
	inverseAt = 80
	batchesAt = 88
)

// limbBits is how many bits a limb has and how many steps a batch; packed is
// how many steps are done on packed words.
const (
	limbBits = 60
	packed   = 20
)

var (
	state   = reg.RDI
	modulus = reg.RSI
)

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// indexed is limb i, or the one before with offset -8.
func indexed(base reg.Register, offset int, i reg.Register) Mem {
	return Mem{Base: base, Disp: offset, Index: i, Scale: 8}
}

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	TEXT("gcdAMD64", NOSPLIT, "func(s, p *uint64)")
	Doc("gcdAMD64 does all batches of division steps.")
	local := AllocLocal(32)
	left, md, me := local, local.Offset(8), local.Offset(16)
	Load(Param("s"), state)
	Load(Param("p"), modulus)
	MOVQ(at(modulus, batchesAt), reg.RAX)
	MOVQ(reg.RAX, left)
	Label("batch")
	steps()
	updateFG()
	updateDE(md, me)
	DECQ(left)
	JNZ(LabelRef("batch"))
	RET()
	Generate()
}
