package point

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Edwards emits the operations of a curve u^2 + v^2 = 1 + d u^2 v^2 whose Go
// names begin with prefix.
func Edwards(prefix string, f Field) {
	edwardsDouble(prefix, f)
	edwardsAdd(prefix, f)
	Lookup(prefix, 24*f.Limbs())
}

// edwardsDouble is 4 multiplications, one more with T, and 3 squarings.
func edwardsDouble(prefix string, f Field) {
	TEXT(prefix+"DoubleADX", NOSPLIT, fmt.Sprintf("func(p, q *[%d]uint64, n, withT uint64)", 4*f.Limbs()))
	Doc(fmt.Sprintf("%sDoubleADX sets p = 2^n q, n > 0, and its T if withT is not 0.", prefix))
	m := newFrame(f, 7)
	a, b, c, e, g, ff, h := m.slot(), m.slot(), m.slot(), m.slot(), m.slot(), m.slot(), m.slot()
	p, q, _ := f.Pointers()
	at := func(r reg.Register, i int) Slot { return coordinate(f, r, i) }
	loop(f, "n", func() {
		f.Square(at(q, 0))
		f.Store(a)
		f.Square(at(q, 1))
		f.Store(b)
		f.Square(at(q, 2))
		f.Store(c)
		f.Mul(at(q, 0), at(q, 1))
		f.Double()
		f.Store(e)
		f.Load(a)
		f.Sub(b)
		f.Store(h)
		f.Load(a)
		f.Add(b)
		f.Store(g)
		f.Sub(c, c)
		f.Store(ff)
		f.Mul(g, h)
		f.Store(at(p, 1))
		f.Mul(e, ff)
		f.Store(at(p, 0))
		f.Mul(ff, g)
		f.Store(at(p, 2))
	})
	CMPQ(argument("withT"), U8(0))
	JEQ(LabelRef("done"))
	f.Mul(e, h)
	f.Store(at(p, 3))
	Label("done")
	RET()
}

func edwardsAdd(prefix string, f Field) {
	TEXT(prefix+"AddAffineADX", NOSPLIT,
		fmt.Sprintf("func(p, q *[%d]uint64, t *[%d]uint64, neg, withT uint64)", 4*f.Limbs(), 3*f.Limbs()))
	Doc(fmt.Sprintf("%sAddAffineADX sets p = q + t, or q - t if neg is 1, and its T if withT is not 0.", prefix))
	p, q, t := f.Pointers()
	load("p", p)
	load("q", q)
	load("t", t)
	product := edwardsSum(f, p, q, t, func() {})
	CMPQ(argument("withT"), U8(0))
	JEQ(LabelRef("done"))
	product()
	Label("done")
	RET()
}

// EdwardsLoop emits an addition in place, with T, that looks up the next
// operand meanwhile, as WeierstrassLoop does.
func EdwardsLoop(prefix string, f Field) {
	words := 3 * f.Limbs()
	TEXT(prefix+"AddLookupADX", NOSPLIT,
		fmt.Sprintf("func(p *[%d]uint64, t *[%d]uint64, neg uint64, row *[%d]uint64, idx uint64)", 4*f.Limbs(), words, entries*words))
	Doc(fmt.Sprintf("%sAddLookupADX sets p = p + t, or p - t if neg is 1, and then t to entry idx of the row.", prefix))
	p, row, t := f.Pointers()
	load("p", p)
	load("row", row)
	load("t", t)
	s := newScan(row, 8*words, 7)
	edwardsSum(f, p, p, t, s.some)()
	s.store(t)
	RET()
}

// edwardsSum is 7 multiplications; what it returns emits one more, for T.
// between is called after each of the seven.
func edwardsSum(f Field, p, q, t reg.Register, between func()) (product func()) {
	m := newFrame(f, 8)
	neg := argument("neg")
	at := func(r reg.Register, i int) Slot { return coordinate(f, r, i) }
	mul := func(a, b Slot) {
		f.Mul(a, b)
		between()
	}
	// -t is (-u, v, -dt).
	f.Load(at(t, 0))
	f.CondNeg(neg)
	tu := m.keep()
	f.Add(at(t, 1))
	sum := m.keep()
	mul(at(q, 3), at(t, 2))
	f.CondNeg(neg)
	c := m.keep()
	mul(at(q, 0), tu)
	a := m.keep()
	mul(at(q, 1), at(t, 1))
	b := m.keep()
	f.Sub(a)
	h := m.keep()
	f.Load(at(q, 0))
	f.Add(at(q, 1))
	f.Store(tu)
	mul(tu, sum)
	f.Sub(a, b)
	e := m.keep()
	f.Load(at(q, 2))
	f.Sub(c)
	ff := m.keep()
	f.Load(at(q, 2))
	f.Add(c)
	f.Store(c)
	g := c
	mul(g, h)
	f.Store(at(p, 1))
	mul(ff, g)
	f.Store(at(p, 2))
	mul(e, ff)
	f.Store(at(p, 0))
	return func() {
		f.Mul(e, h)
		f.Store(at(p, 3))
	}
}
