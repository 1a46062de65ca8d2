// Package point holds the formulas of points as programs over a Field: the
// generators of each width of field write them out with their own arithmetic.
//
// An element lies in memory, in a Slot. Beside these there is one accumulator,
// an element in registers: the operations read slots and leave their result in
// it. No function branches on the value of an element, and none of the emitted
// code does. Coordinates are those of the Go types: x, y, z of Jacobian points
// (x = X/Z^2, y = Y/Z^3), x, y of affine ones; u, v, z, t of extended Edwards
// points (u = U/Z, v = V/Z, T = UV/Z), u, v, dt of affine ones.
package point

import (
	"fmt"
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Slot is the place of an element in memory: limb i at Offset(8*i).
type Slot = Mem

// A Field emits arithmetic of one field. An operation may read a slot that was
// stored from the accumulator just before it. The registers P, Q and T are not
// used otherwise; flags and all other registers are lost.
type Field interface {
	Limbs() int
	// Pointers returns the registers for the arguments p, q and t.
	Pointers() (p, q, t reg.Register)

	Load(a Slot)  // acc = a
	Store(a Slot) // a = acc

	Mul(a, b Slot) // acc = a * b
	Square(a Slot) // acc = a * a

	Add(a ...Slot) // acc = acc + each
	Sub(a ...Slot) // acc = acc - each
	Double()       // acc = 2 acc
	Triple()       // acc = 3 acc
	Half()         // acc = acc / 2
	// CondNeg sets acc = -acc if flag, a word in memory, is 1 and leaves it if
	// it is 0.
	CondNeg(flag Mem)
}

// frame hands out slots.
type frame struct {
	f     Field
	local Mem
	next  int
}

func newFrame(f Field, slots int) *frame {
	return &frame{f: f, local: AllocLocal(slots * 8 * f.Limbs())}
}

func (m *frame) slot() Slot {
	s := m.local.Offset(m.next)
	m.next += 8 * m.f.Limbs()
	return s
}

// keep stores the accumulator in a new slot.
func (m *frame) keep() Slot {
	s := m.slot()
	m.f.Store(s)
	return s
}

// coordinate returns number i of the point or affine point at base.
func coordinate(f Field, base reg.Register, i int) Slot {
	return Mem{Base: base, Disp: 8 * f.Limbs() * i}
}

// load puts an argument that is a pointer into its register.
func load(name string, r reg.Register) { Load(Param(name), r) }

// argument returns the memory of an argument that is a word.
func argument(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		log.Fatal(err)
	}
	return b.Addr
}

// loop emits body, 2^n times the point Q into P, n times: from the second time
// on Q is P.
func loop(f Field, name string, body func()) {
	p, q, _ := f.Pointers()
	load("p", p)
	load("q", q)
	Label("next")
	body()
	MOVQ(p, q)
	DECQ(argument(name))
	JNZ(LabelRef("next"))
}

// Weierstrass emits the operations of a curve y^2 = x^3 - 3x + b whose Go names
// begin with prefix.
func Weierstrass(prefix string, f Field) {
	double(prefix, f)
	addDistinct(prefix, f)
	Lookup(prefix, 16*f.Limbs())
}

// double is 4 multiplications and 4 squarings.
func double(prefix string, f Field) {
	words := 3 * f.Limbs()
	TEXT(prefix+"DoubleADX", NOSPLIT, fmt.Sprintf("func(p, q *[%d]uint64, n uint64)", words))
	Doc(fmt.Sprintf("%sDoubleADX sets p = 2^n q, n > 0.", prefix))
	m := newFrame(f, 8)
	zz, a, b, y2, three, c, d, e := m.slot(), m.slot(), m.slot(), m.slot(), m.slot(), m.slot(), m.slot(), m.slot()
	p, q, _ := f.Pointers()
	at := func(r reg.Register, i int) Slot { return coordinate(f, r, i) }
	loop(f, "n", func() {
		f.Square(at(q, 2))
		f.Store(zz)
		f.Load(at(q, 1))
		f.Double()
		f.Store(y2)
		f.Square(y2)
		f.Store(c) // 4Y^2
		f.Load(at(q, 0))
		f.Sub(zz)
		f.Store(a)
		f.Load(at(q, 0))
		f.Add(zz)
		f.Store(b)
		f.Mul(at(q, 2), y2)
		f.Store(at(p, 2)) // 2YZ
		f.Mul(a, b)
		f.Triple()
		f.Store(three) // 3(X - Z^2)(X + Z^2) = 3X^2 - 3Z^4
		f.Mul(at(q, 0), c)
		f.Store(d) // 4XY^2
		f.Square(c)
		f.Half()
		f.Store(e) // 8Y^4
		f.Square(three)
		f.Sub(d, d)
		f.Store(at(p, 0))
		f.Load(d)
		f.Sub(at(p, 0))
		f.Store(d)
		f.Mul(d, three)
		f.Sub(e)
		f.Store(at(p, 1))
	})
	RET()
}

func addDistinct(prefix string, f Field) {
	TEXT(prefix+"AddDistinctADX", NOSPLIT,
		fmt.Sprintf("func(p, q *[%d]uint64, t *[%d]uint64, neg uint64)", 3*f.Limbs(), 2*f.Limbs()))
	Doc(fmt.Sprintf("%sAddDistinctADX sets p = q + t, or q - t if neg is 1.", prefix))
	p, q, t := f.Pointers()
	load("p", p)
	load("q", q)
	load("t", t)
	sumDistinct(f, p, q, t, func() {})
	RET()
}

// WeierstrassLoop emits an addition in place that looks up the next operand
// meanwhile: the vector units have nothing else to do. f must leave the vector
// registers alone.
func WeierstrassLoop(prefix string, f Field) {
	words := 2 * f.Limbs()
	TEXT(prefix+"AddLookupADX", NOSPLIT,
		fmt.Sprintf("func(p *[%d]uint64, t *[%d]uint64, neg uint64, row *[%d]uint64, idx uint64)", 3*f.Limbs(), words, entries*words))
	Doc(fmt.Sprintf("%sAddLookupADX sets p = p + t, or p - t if neg is 1, and then t to entry idx of the row.", prefix))
	p, row, t := f.Pointers()
	load("p", p)
	load("row", row)
	load("t", t)
	s := newScan(row, 8*words, 11)
	sumDistinct(f, p, p, t, s.some)
	s.store(t)
	RET()
}

// sumDistinct is 8 multiplications and 3 squarings. between is called after
// each.
func sumDistinct(f Field, p, q, t reg.Register, between func()) {
	m := newFrame(f, 6)
	at := func(r reg.Register, i int) Slot { return coordinate(f, r, i) }
	mul := func(a, b Slot) {
		f.Mul(a, b)
		between()
	}
	square := func(a Slot) {
		f.Square(a)
		between()
	}
	square(at(q, 2))
	zz := m.keep()
	mul(at(t, 1), at(q, 2))
	r := m.keep()
	mul(at(t, 0), zz)
	f.Sub(at(q, 0))
	h := m.keep()
	mul(r, zz)
	f.CondNeg(argument("neg"))
	f.Sub(at(q, 1))
	f.Store(r)
	square(h)
	hh := m.keep()
	mul(at(q, 2), h)
	f.Store(at(p, 2))
	mul(hh, h)
	w := m.keep()
	mul(at(q, 0), hh)
	v := m.keep()
	square(r)
	f.Sub(w, v, v)
	f.Store(at(p, 0))
	f.Load(v)
	f.Sub(at(p, 0))
	f.Store(v)
	mul(w, at(q, 1))
	f.Store(w)
	mul(v, r)
	f.Sub(w)
	f.Store(at(p, 1))
}
