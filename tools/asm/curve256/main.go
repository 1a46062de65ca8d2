// Program curve256 writes gost/gost3410/asm256_amd64.s: the point operations of
// the curves over fields of 256 bits, with MULX, ADCX and ADOX. go generate
// runs it.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/gosklyuch/gosklyuch/tools/asm/point"
)

// The primes, as gost/internal/field has them.
const (
	minus617   = 617  // 2^256 - 617
	plus3225   = 3225 // 2^255 + 3225
	cryptoProC = "9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D759B"
)

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	constants()
	a := minus{c: minus617}
	point.Weierstrass("cpA", a)
	point.WeierstrassLoop("cpA", a)
	b := plus{c: plus3225}
	point.Weierstrass("cpB", b)
	point.WeierstrassLoop("cpB", b)
	c := newMontgomery("cpC", cryptoProC)
	point.Weierstrass("cpC", c)
	point.WeierstrassLoop("cpC", c)
	point.Edwards("tcA", a)
	point.EdwardsLoop("tcA", a)
	single("617", a)
	single("3225", b)
	single("C", c)
	Generate()
}

// single writes each operation of a field as a function, for the tests: the
// formulas hardly ever bring an operation the operands at which it carries.
// Nothing else refers to these functions, and the linker leaves them out.
func single(name string, f point.Field) {
	emit := func(operation string, op func(x, y point.Slot)) {
		TEXT(operation+name+"ADX", NOSPLIT, "func(z, x, y *[4]uint64)")
		Doc(operation + name + "ADX is one operation of the field.")
		AllocLocal(8) // a frame: BP is saved
		rz, rx, ry := f.Pointers()
		Load(Param("z"), rz)
		Load(Param("x"), rx)
		Load(Param("y"), ry)
		op(Mem{Base: rx}, Mem{Base: ry})
		f.Store(Mem{Base: rz})
		RET()
	}
	emit("mul", func(x, y point.Slot) { f.Mul(x, y) })
	emit("square", func(x, _ point.Slot) { f.Square(x) })
	emit("add", func(x, y point.Slot) { f.Load(x); f.Add(y) })
	emit("sub", func(x, y point.Slot) { f.Load(x); f.Sub(y) })
	emit("double", func(x, _ point.Slot) { f.Load(x); f.Double() })
	emit("triple", func(x, _ point.Slot) { f.Load(x); f.Triple() })
	emit("half", func(x, _ point.Slot) { f.Load(x); f.Half() })
	emit("condNeg", func(x, y point.Slot) { f.Load(x); f.CondNeg(y) })
}
