//go:build amd64 && !purego

package gost3410

//go:generate go run -C ../../tools/asm ./ifma -out ../../gost/gost3410/ifma_amd64.s -stubs ../../gost/gost3410/ifma_asm_amd64.go -pkg gost3410

import (
	"math/bits"
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
// limb i of lane k is word 8i+k. Points are rows of elements. Entries of tables
// are numbers limb by limb, since each lane reads another one.
type laneGroup struct {
	limbs  int // of 52 bits
	n      int // limbs of 64 bits
	p      func() *field.Modulus
	gx, gy field.Scalar // the base point
	mul    func(z, x, y *uint64)
	// square is 2^(104 limbs) where numbers are held times 2^(52 limbs), by
	// which mul divides (Montgomery); nil for the other fields.
	square func() []uint64
	form   laneForm
	points sync.Pool       // of *lanePoints: memory only
	base   func() []uint64 // G, 3G, ...
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
	// makeBase computes the odd multiples of the base point: point 8b+k is lane
	// k of operand b.
	makeBase() []uint64
	// spreadKey writes an operand of addKey as entries for the lanes, so many
	// octets from each other, with up to seven words of zeros behind them.
	spreadKey(z, x *uint64, distance uint64)
	// chooseKey and chooseBase take an entry for each lane: it is at the table
	// plus the offset, in octets, and negated where the lane's bit is set. Up
	// to seven words behind it are read.
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
	// It is below 3p.
	var out field.Scalar
	copy(out[:], w[:g.n])
	p, high := g.p().Value(), w[g.n]
	for high > 0 || g.p().InRange(&out) == 0 {
		var borrow uint64
		for i := range g.n {
			out[i], borrow = bits.Sub64(out[i], p[i], borrow)
		}
		high -= borrow
	}
	return out
}

// lanePoints is memory for eight multiplications.
type lanePoints struct {
	g       *laneGroup
	table   []uint64 // operands Q, 3Q, 5Q, ...
	entries []uint64 // the same as entries: those of lane k from k times keyTable() on
	steps   []uint64 // for oddMultiples: an element for each entry
	acc     []uint64 // the sum so far
	operand []uint64
	z       []uint64

	baseScalar, keyScalar laneScalar
}

// laneMargin is how many words behind an entry are read and written.
const laneMargin = 7

// keyEntry returns the words of an entry of a lane's table, keyTable those of
// the table.
func (g *laneGroup) keyEntry() int { return g.form.keyParts() * g.limbs }
func (g *laneGroup) keyTable() int { return laneKeyEntries*g.keyEntry() + laneMargin }

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
		entries: make([]uint64, lanes*g.keyTable()),
	}
}

// montgomery says that mul divides.
func (g *laneGroup) montgomery() *laneGroup {
	g.square = sync.OnceValue(func() []uint64 {
		x, out := laneOne, g.alloc(1)
		for range 104 * g.limbs {
			g.p().Add(&x, &x, &x)
		}
		g.setAll(out, &x)
		return out
	})
	return g
}

// enter takes an element that was set to the form in which numbers are held.
func (g *laneGroup) enter(z []uint64) {
	if g.square != nil {
		g.mul(&z[0], &z[0], &g.square()[0])
	}
}

// inverse sets l.z to the inverses of the lanes of x. It reports false if one
// of them is 0. It needs l.operand.
func (l *lanePoints) inverse(x []uint64) bool {
	// Products of two lanes, of four and of all; and of all but the lane's own.
	g, z, all, other := l.g, l.z, l.operand[:l.g.words()], l.operand[l.g.words():2*l.g.words()]
	copy(all, x)
	for distance := 1; distance < lanes; distance *= 2 {
		for i := range other {
			other[i] = all[i^distance]
		}
		if distance == 1 {
			copy(z, other)
		} else {
			g.mul(&z[0], &z[0], &other[0])
		}
		g.mul(&all[0], &all[0], &other[0])
	}
	v := g.get(all, 0)
	if v.IsZero() == 1 {
		return false
	}
	g.p().InvertVartime(&v, &v)
	g.setAll(all, &v)
	// It was a product times a factor, so this is its inverse over that factor.
	g.enter(all)
	g.enter(all)
	g.mul(&z[0], &z[0], &all[0])
	return true
}

// setAll sets every lane of an element to x.
func (g *laneGroup) setAll(z []uint64, x *field.Scalar) {
	for k := range lanes {
		g.set(z, k, x)
	}
}

var laneOne = field.Scalar{1}

// laneDigits is how many digits a number may have.
const laneDigits = 512/laneKeyWindow + 1

// A laneScalar is a number for each lane in digits as oddDigit has them: where
// the odd multiple is in a table, in octets, and a mask of the lanes in which
// the digit is negative.
type laneScalar struct {
	offset   [laneDigits][lanes]uint64
	negative [laneDigits]uint64
	window   int
	top      int
}

// set takes the numbers k of n limbs, of which the last one goes into the lanes
// that are left. The table of lane i starts at i * table words and has entries
// of so many words.
func (s *laneScalar) set(q *field.Modulus, k []field.Scalar, n, w, table, entry int) {
	s.window, s.top = w, (64*n-1)/w
	var words [9 * lanes]uint64 // word j of lane i is 8j+i; the last are 0
	var start [lanes]uint64
	var signs uint64
	for i := range lanes {
		var odd field.Scalar
		neg := makeOdd(&odd, q, &k[min(i, len(k)-1)])
		for j, word := range odd {
			words[lanes*j+i] = word
		}
		start[i], signs = uint64(8*i*table), signs|neg<<i
		s.offset[s.top][i] = start[i] + topDigit(&odd, s.top, w)*uint64(8*entry)
	}
	s.negative[s.top] = signs // the highest digit is positive
	ifmaDigits(&s.offset[0][0], &s.negative[0], &words[0], &start[0], uint64(s.top), uint64(w), uint64(8*entry), signs)
}

// chooseKey puts digit i of each lane's number times the lane's own point into
// l.operand.
func (l *lanePoints) chooseKey(i int) {
	s := &l.keyScalar
	l.g.form.chooseKey(&l.operand[0], &l.entries[0], &s.offset[i], s.negative[i])
}

// chooseBase is the same for the base point.
func (l *lanePoints) chooseBase(i int) {
	s := &l.baseScalar
	l.g.form.chooseBase(&l.operand[0], &l.g.base()[0], &s.offset[i], s.negative[i])
}

// spread writes the operands of l.table as entries. What is behind one is
// written before the next.
func (l *lanePoints) spread() {
	size, entry := l.g.form.keyParts()*l.g.words(), l.g.keyEntry()
	for i := range laneKeyEntries {
		l.g.form.spreadKey(&l.entries[i*entry], &l.table[i*size], uint64(8*l.g.keyTable()))
	}
}

// baseEntries writes what makeBase computes as entries.
func (g *laneGroup) baseEntries() []uint64 {
	operands, entry := g.form.makeBase(), g.form.baseParts()*g.limbs
	out := make([]uint64, len(operands)+laneMargin)
	for i := range len(operands) / entry {
		for j := range entry {
			out[i*entry+j] = operands[(i/lanes*entry+j)*lanes+i%lanes]
		}
	}
	return out
}

// sum sets acc to z1 G + z2 Q. If on the way a sum was one that the formulas do
// not cover, Z is 0.
func (l *lanePoints) sum() {
	f, z1, z2 := l.g.form, &l.baseScalar, &l.keyScalar
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
	l.spread()
	l.baseScalar.set(q, z1[:b.n], g.n, laneBaseWindow, 0, g.form.baseParts()*g.limbs)
	l.keyScalar.set(q, z2[:b.n], g.n, laneKeyWindow, g.keyTable(), g.keyEntry())
	l.sum()
	return g.form.compare(l, b.r[:b.n], q)
}
