//go:build amd64 && !purego

package gost3410

//go:generate go run -C ../../tools/asm ./ifma -out ../../gost/gost3410/ifma_amd64.s -stubs ../../gost/gost3410/ifma_asm_amd64.go -pkg gost3410

import (
	"sync"
	"unsafe"

	"github.com/gosklyuch/gosklyuch/gost/internal/cpu"
	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// Windows of the two multiples: digits are odd, so nothing is ever 0 and all
// lanes do the same.
const (
	laneKeyWindow  = 5
	laneKeyEntries = 1 << (laneKeyWindow - 1)
	laneBaseWindow = 8
)

// A laneGroup is the arithmetic of one curve on eight points at once. The
// numbers of the eight lie side by side: an element is limbs times eight words,
// limb i of lane k is word 8i+k. Points are rows of elements.
type laneGroup struct {
	limbs  int // of 52 bits
	n      int // limbs of 64 bits
	p      func() *field.Modulus
	gx, gy field.Scalar // the base point
	mul    func(z, x, y *uint64)
	form   laneForm
	points sync.Pool       // of *lanePoints: memory only
	base   func() []uint64 // G, 3G, ... : entry 8b+k is lane k of block b
}

// A laneForm is the form of a curve's equation.
type laneForm interface {
	// keyParts and baseParts are how many elements an entry of the tables has.
	keyParts() int
	baseParts() int
	// setKey puts a point into lane k of an operand of oddMultiples.
	setKey(z []uint64, k int, x, y *field.Scalar)
	// oddMultiples fills l.table from its first entry, which setKey has set in
	// every lane. It reports false if it cannot.
	oddMultiples(l *lanePoints) bool
	// makeBase computes the odd multiples of the base point.
	makeBase() []uint64
	// chooseKey and chooseBase take an entry for each lane: it is at the table
	// plus the offset, in octets, and negated where the lane's bit is set.
	chooseKey(z, table *uint64, offset *[lanes]uint64, negative uint64)
	chooseBase(z, table *uint64, offset *[lanes]uint64, negative uint64)
	// start sets q to an entry of the key's table.
	start(q, t []uint64)
	double(q *uint64, n int)
	addKey(q, t *uint64)
	addBase(q, t *uint64)
	// compare reports in which lanes the abscissa of l.acc is r modulo q, and
	// which lanes hold the sum for sure.
	compare(l *lanePoints, r []field.Scalar, q *field.Modulus) (valid, sure uint64)
}

func lanePrime(p field.Scalar, n int) func() *field.Modulus {
	return sync.OnceValue(func() *field.Modulus { return field.NewModulus(p, n) })
}

// useIFMA chooses; tests change it.
var useIFMA = cpu.X86.IFMA

// hasLanes reports whether several checks of the curve can be computed side by
// side.
func hasLanes(c Curve) bool { return useIFMA && laneGroups[c.set().domain] != nil }

// words returns the length of an element.
func (g *laneGroup) words() int { return 8 * g.limbs }

// alloc returns n elements at a multiple of 64 octets, where the processor
// reads and writes them fastest.
func (g *laneGroup) alloc(n int) []uint64 {
	b := make([]uint64, n*g.words()+7)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))/8) & 7 //nolint:gosec // only the address is looked at
	return b[skip:][:n*g.words()]
}

// set puts x, which is below p, into lane k of an element.
func (g *laneGroup) set(z []uint64, k int, x *field.Scalar) {
	for i := range g.limbs {
		z[8*i+k] = window(x, 52*i, 52)
	}
}

// get returns lane k of an element, below p.
func (g *laneGroup) get(z []uint64, k int) field.Scalar {
	var w [9]uint64
	for i := range g.limbs {
		v, at := z[8*i+k], 52*i
		w[at/64] |= v << (at % 64)
		if at%64 > 12 {
			w[at/64+1] |= v >> (64 - at%64)
		}
	}
	var lo, hi, out field.Scalar
	copy(lo[:], w[:g.n])
	hi[0] = w[g.n]
	g.p().ReduceWide(&out, &lo, &hi)
	return out
}

// lanePoints is memory for eight multiplications.
type lanePoints struct {
	g       *laneGroup
	table   []uint64 // Q, 3Q, 5Q, ... of each lane
	steps   []uint64 // for oddMultiples: an element for each entry
	acc     []uint64 // the sum so far
	operand []uint64
	z       []uint64

	baseScalar, keyScalar *laneScalar
}

// lanePointParts bounds the elements of a point in any form.
const lanePointParts = 4

func (g *laneGroup) newPoints() *lanePoints {
	w := g.words()
	b := g.alloc(laneKeyEntries*(g.form.keyParts()+1) + 2*lanePointParts + 1)
	cut := func(n int) []uint64 {
		out := b[: n*w : n*w]
		b = b[n*w:]
		return out
	}
	return &lanePoints{
		g: g, table: cut(laneKeyEntries * g.form.keyParts()), steps: cut(laneKeyEntries),
		acc: cut(lanePointParts), operand: cut(lanePointParts), z: cut(1),
	}
}

// inverse sets z to the inverses of the lanes of x. It reports false if one of
// them is 0.
func (g *laneGroup) inverse(z, x []uint64) bool {
	var v [lanes]field.Scalar
	for k := range v {
		v[k] = g.get(x, k)
		if v[k].IsZero() == 1 {
			return false
		}
	}
	invertAll(g.p(), v[:])
	for k := range v {
		g.set(z, k, &v[k])
	}
	return true
}

// setAll sets every lane of an element to x.
func (g *laneGroup) setAll(z []uint64, x *field.Scalar) {
	for k := range lanes {
		g.set(z, k, x)
	}
}

var laneOne = field.Scalar{1}

// A laneScalar is a number for each lane in digits as oddDigit has them.
type laneScalar struct {
	odd      [lanes]field.Scalar
	negative uint64
	window   int
	top      int
}

func newLaneScalar(q *field.Modulus, k []field.Scalar, n, w int) *laneScalar {
	s := &laneScalar{window: w, top: (64*n - 1) / w}
	for i := range s.odd {
		odd, neg := makeOdd(q, &k[min(i, len(k)-1)])
		s.odd[i] = odd
		s.negative |= neg << i
	}
	return s
}

// digit returns the digit i: for each lane the number of the odd multiple, and
// the mask of those that are negative.
func (s *laneScalar) digit(i int) (index [lanes]uint64, negative uint64) {
	for k := range index {
		if i == s.top {
			index[k] = topDigit(&s.odd[k], i, s.window)
			continue
		}
		var neg uint64
		index[k], neg = oddDigit(&s.odd[k], i, s.window)
		negative |= neg << k
	}
	return index, negative ^ s.negative
}

// chooseKey puts digit i of each lane's number times the lane's own point into
// l.operand.
func (l *lanePoints) chooseKey(i int) {
	index, negative := l.keyScalar.digit(i)
	size := uint64(l.g.form.keyParts() * l.g.words())
	for k := range index {
		index[k] = 8 * (index[k]*size + uint64(k))
	}
	l.g.form.chooseKey(&l.operand[0], &l.table[0], &index, negative)
}

// chooseBase is the same for the base point.
func (l *lanePoints) chooseBase(i int) {
	index, negative := l.baseScalar.digit(i)
	size := uint64(l.g.form.baseParts() * l.g.words())
	for k, x := range index {
		index[k] = 8 * (x/8*size + x%8)
	}
	l.g.form.chooseBase(&l.operand[0], &l.g.base()[0], &index, negative)
}

// sum sets acc to z1 G + z2 Q. If on the way a sum was one that the formulas do
// not cover, Z is 0.
func (l *lanePoints) sum() {
	f, z1, z2 := l.g.form, l.baseScalar, l.keyScalar
	l.chooseKey(z2.top)
	f.start(l.acc, l.operand)
	doublings := 0
	for at := z2.top*z2.window - 1; at >= 0; at-- {
		doublings++
		key, base := at%z2.window == 0, at%z1.window == 0 && at/z1.window <= z1.top
		if !key && !base {
			continue
		}
		f.double(&l.acc[0], doublings)
		doublings = 0
		if key {
			l.chooseKey(at / z2.window)
			f.addKey(&l.acc[0], &l.operand[0])
		}
		if base {
			l.chooseBase(at / z1.window)
			f.addBase(&l.acc[0], &l.operand[0])
		}
	}
}

// lanesVerify reports as masks of checks which signatures are valid, and for
// which it is sure. z1 and z2 are those of Verify; all keys are of one curve.
func lanesVerify(b *laneBatch, z1, z2 *[lanes]field.Scalar) (valid, sure uint64) {
	g, q := laneGroups[b.key[0].curve.set().domain], b.key[0].curve.group().order()
	l, again := g.points.Get().(*lanePoints)
	if !again {
		l = g.newPoints()
	}
	defer g.points.Put(l)
	for k := range lanes { // the last check goes into the lanes that are left
		key := b.key[min(k, b.n-1)]
		g.form.setKey(l.table, k, &key.x, &key.y)
	}
	if !g.form.oddMultiples(l) {
		return 0, 0
	}
	l.baseScalar = newLaneScalar(q, z1[:b.n], g.n, laneBaseWindow)
	l.keyScalar = newLaneScalar(q, z2[:b.n], g.n, laneKeyWindow)
	l.sum()
	return g.form.compare(l, b.r[:b.n], q)
}
