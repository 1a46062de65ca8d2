// Program curve512 writes gost/gost3410/asm512_amd64.s: the point operations of
// the curves over fields of 512 bits, with MULX, ADCX and ADOX. go generate
// runs it.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"

	"github.com/gosklyuch/gosklyuch/tools/asm/point"
)

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	p569.routines()
	p111.routines()
	point.Weierstrass("tcA512", field{p569})
	point.Weierstrass("tcB512", field{p111})
	point.Edwards("tcC512", field{p569})
	single(p569)
	single(p111)
	Generate()
}

// single writes each operation of a field as a function, for the tests: the
// formulas hardly ever bring an operation the operands at which it carries.
// Nothing else refers to these functions, and the linker leaves them out.
func single(p prime) {
	f := field{p}
	emit := func(name string, op func(x, y point.Slot)) {
		TEXT(name+p.name+"ADX", NOSPLIT, "func(z, x, y *[8]uint64)")
		Doc(name + p.name + "ADX is one operation of the field.")
		AllocLocal(8) // a frame: BP is saved
		rz, rx, ry := f.Pointers()
		Load(Param("z"), rz)
		Load(Param("x"), rx)
		Load(Param("y"), ry)
		op(word(rx, 0), word(ry, 0))
		f.Store(word(rz, 0))
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
