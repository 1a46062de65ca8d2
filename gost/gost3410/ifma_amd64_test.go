//go:build amd64 && !purego

package gost3410

import (
	"math/big"
	mathrand "math/rand/v2"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/internal/cpu"
	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// eachLaneGroup runs f for the curves that have lanes, if this processor can.
func eachLaneGroup(t *testing.T, f func(t *testing.T, c Curve, g *laneGroup, r *reference)) {
	refs := readReferences(t)
	seen := map[*laneGroup]bool{}
	for _, c := range Curves() {
		g := laneGroups[c.set().domain]
		if g == nil || seen[g] || !cpu.X86.IFMA {
			continue
		}
		seen[g] = true
		t.Run(c.Name(), func(t *testing.T) { f(t, c, g, refs[c.Name()]) })
	}
	if len(seen) == 0 && cpu.X86.IFMA {
		t.Fatal("no curve has lanes")
	}
}

// TestLaneConstants compares the numbers in laneGroups with the standards'.
func TestLaneConstants(t *testing.T) {
	eachLaneGroup(t, func(t *testing.T, _ Curve, g *laneGroup, r *reference) {
		p := g.p().Value()
		if bigOf(&p).Cmp(r.p) != 0 {
			t.Error("another p")
		}
		if bigOf(&g.gx).Cmp(r.x) != 0 || bigOf(&g.gy).Cmp(r.y) != 0 {
			t.Error("another base point")
		}
		if f, ok := g.form.(*laneEdwards); ok {
			one := big.NewInt(1)
			s := new(big.Int).Lsh(bigOf(&f.s), 2) // 4s = 1 - d
			tt := new(big.Int).Mul(bigOf(&f.t), big.NewInt(6))
			if bigOf(&f.d).Cmp(r.d) != 0 ||
				new(big.Int).Mod(s.Sub(s, one).Add(s, r.d), r.p).Sign() != 0 ||
				new(big.Int).Mod(tt.Sub(tt, one).Sub(tt, r.d), r.p).Sign() != 0 {
				t.Error("another d, s or t")
			}
		}
	})
}

// looseValue returns the number in lane k as it is, not reduced.
func (g *laneGroup) looseValue(z []uint64, k int) *big.Int {
	v := new(big.Int)
	for i := g.limbs - 1; i >= 0; i-- {
		v.Lsh(v, 52).Add(v, new(big.Int).SetUint64(z[8*i+k]))
	}
	return v
}

// held is by what the numbers of a group are multiplied.
func (g *laneGroup) held() *big.Int {
	if g.square == nil {
		return big.NewInt(1)
	}
	return new(big.Int).Lsh(big.NewInt(1), uint(52*g.limbs))
}

// TestLaneMul multiplies numbers as large as a multiplication leaves them, with
// limbs of all zeros and all ones among them.
func TestLaneMul(t *testing.T) {
	eachLaneGroup(t, func(t *testing.T, _ Curve, g *laneGroup, r *reference) {
		x, y, z := g.alloc(1), g.alloc(1), g.alloc(1)
		top := uint(r.p.BitLen() - 52*(g.limbs-1))
		fill := func(e []uint64) {
			for i := range e {
				e[i] = []uint64{0, 1<<52 - 1, mathrand.Uint64() >> 12}[mathrand.IntN(3)]
			}
			for k := range lanes {
				e[8*(g.limbs-1)+k] >>= 52 - top
			}
			k := mathrand.IntN(lanes)
			for d := range 3 { // p - 1, p, p + 1
				v := new(big.Int).Add(r.p, big.NewInt(int64(d-1)))
				for i := range g.limbs {
					e[8*i+(k+d)%lanes] = new(big.Int).And(v, big.NewInt(1<<52-1)).Uint64()
					v.Rsh(v, 52)
				}
			}
		}
		limit := new(big.Int).Lsh(big.NewInt(1), uint(r.p.BitLen()))
		limit.Add(limit, new(big.Int).Rsh(limit, 30))
		for range 2000 {
			fill(x)
			fill(y)
			if mathrand.IntN(4) == 0 {
				copy(y, x)
			}
			g.mul(&z[0], &x[0], &y[0])
			for k := range lanes {
				want := new(big.Int).Mul(g.looseValue(x, k), g.looseValue(y, k))
				got := g.looseValue(z, k)
				if got.Cmp(limit) >= 0 {
					t.Fatalf("%x is too large", got)
				}
				for i := range g.limbs {
					if z[8*i+k] >= 1<<52 {
						t.Fatalf("limb %d is %x", i, z[8*i+k])
					}
				}
				if want.Sub(want, new(big.Int).Mul(got, g.held())).Mod(want, r.p).Sign() != 0 {
					t.Fatalf("lane %d: %x times %x gives %x", k, g.looseValue(x, k), g.looseValue(y, k), got)
				}
				canonical := g.get(z, k)
				if bigOf(&canonical).Cmp(got.Mod(got, r.p)) != 0 {
					t.Fatalf("%x is read as %x", got, bigOf(&canonical))
				}
			}
		}
	})
}

// TestLaneBase checks the table of the base point: each entry is the x that is
// expected.
func TestLaneBase(t *testing.T) {
	eachLaneGroup(t, func(t *testing.T, c Curve, g *laneGroup, r *reference) {
		size := g.form.baseParts() * g.limbs
		operand := g.alloc(g.form.baseParts())
		for i := range 1 << (laneBaseWindow - 1) {
			k := field.Scalar{uint64(2*i + 1)}
			var x, y field.Scalar
			c.group().baseMult(&x, &y, &k)
			for j, v := range g.base()[i*size:][:size] {
				operand[8*j] = v
			}
			a, b := g.get(operand, 0), g.get(operand[g.words():], 0)
			got := &refPoint{bigOf(&a), bigOf(&b)}
			for _, v := range []*big.Int{got.x, got.y} {
				v.Mul(v, new(big.Int).ModInverse(g.held(), r.p)).Mod(v, r.p)
			}
			if f, ok := g.form.(*laneEdwards); ok {
				got = edwardsToWeierstrass(r, f, got)
			} else { // W = 2Y
				got.y.Mul(got.y, new(big.Int).ModInverse(big.NewInt(2), r.p)).Mod(got.y, r.p)
			}
			if got.x.Cmp(bigOf(&x)) != 0 || got.y.Cmp(bigOf(&y)) != 0 {
				t.Fatalf("another multiple by %d", 2*i+1)
			}
		}
	})
}

// edwardsToWeierstrass is x = s(1 + v)/(1 - v) + t, y = (x - t)/u.
func edwardsToWeierstrass(r *reference, f *laneEdwards, a *refPoint) *refPoint {
	one := big.NewInt(1)
	num := new(big.Int).Add(one, a.y)
	num.Mul(num, bigOf(&f.s))
	den := new(big.Int).Sub(one, a.y)
	num.Mul(num, den.ModInverse(den.Mod(den, r.p), r.p)).Mod(num, r.p)
	y := new(big.Int).Mul(num, new(big.Int).ModInverse(a.x, r.p))
	x := num.Add(num, bigOf(&f.t))
	return &refPoint{x.Mod(x, r.p), y.Mod(y, r.p)}
}

// sureOf runs one batch through the lanes and returns which are sure.
func sureOf(t *testing.T, checks []Check) (valid, sure uint64) {
	t.Helper()
	var b laneBatch
	for i := range checks {
		b.add(&checks[i], i)
	}
	if b.n != len(checks) {
		t.Fatalf("%d of %d checks are in range", b.n, len(checks))
	}
	var z1, z2 [lanes]field.Scalar
	b.multipliers(&z1, &z2)
	return lanesVerify(&b, &z1, &z2)
}

// The lanes decide about signatures that nobody constructed: nothing would fail
// but the speed if they did not.
func TestLanesAreSure(t *testing.T) {
	eachLaneGroup(t, func(t *testing.T, c Curve, _ *laneGroup, _ *reference) {
		for n := 1; n <= lanes; n++ {
			all := uint64(1)<<n - 1
			if valid, sure := sureOf(t, batchOf(t, c, n)); valid != all || sure != all {
				t.Errorf("%d signatures: valid %b, sure %b", n, valid, sure)
			}
		}
	})
}

// partial returns the integer that the digits of the odd k from digit i on
// represent, and digit i itself.
func partial(k *field.Scalar, i, w, top int) (sum, digit *big.Int) {
	at := func(j int) *big.Int {
		if j == top {
			return new(big.Int).SetUint64(2*topDigit(k, j, w) + 1)
		}
		index, neg := oddDigit(k, j, w)
		d := new(big.Int).SetUint64(2*index + 1)
		if neg == 1 {
			d.Neg(d)
		}
		return d
	}
	sum = new(big.Int)
	for j := top; j >= i; j-- {
		sum.Lsh(sum, uint(w)).Add(sum, at(j))
	}
	return sum, at(i)
}

// TestLanesExceptional verifies signatures whose keys were chosen so that on
// the way to the sum a point meets itself or its opposite, which the formulas
// for y^2 = x^3 - 3x + b do not cover: the lane must know, and the others must
// not notice.
func TestLanesExceptional(t *testing.T) {
	eachLaneGroup(t, func(t *testing.T, c Curve, g *laneGroup, r *reference) {
		_, covered := g.form.(*laneEdwards)
		keyTop, baseTop := (64*g.n-1)/laneKeyWindow, (64*g.n-1)/laneBaseWindow
		for _, at := range []int{0, laneKeyWindow * laneBaseWindow, 4 * laneKeyWindow * laneBaseWindow} {
			for _, twice := range []int64{0, 2} { // the sum will be 0 or twice the operand
				for _, withKey := range []bool{true, false} {
					z1, z2 := oddBelow(r.q), oddBelow(r.q)
					p1, d1 := partial(scalarOf(z1), at/laneBaseWindow, laneBaseWindow, baseTop)
					p2, d2 := partial(scalarOf(z2), at/laneKeyWindow, laneKeyWindow, keyTop)
					if withKey { // comes first: the other's digit is not in yet
						p1.Sub(p1, d1)
						p2.Sub(p2, d2.Mul(d2, big.NewInt(twice)))
					} else {
						p1.Sub(p1, d1.Mul(d1, big.NewInt(twice)))
					}
					// p1 + d p2 = 0 modulo q.
					d := new(big.Int).ModInverse(new(big.Int).Mod(p2, r.q), r.q)
					d.Mul(d, p1.Neg(p1))
					check, ok := signatureFor(t, c, r, d, z1, z2)
					if !ok {
						t.Fatal("no such signature")
					}
					checks := batchOf(t, c, lanes)
					checks[3] = check
					valid, sure := sureOf(t, checks)
					if !covered && sure != 0xff&^(1<<3) || covered && sure != 0xff {
						t.Errorf("position %d, %d times, key %v: sure %08b", at, twice, withKey, sure)
					}
					if valid|1<<3 != 0xff {
						t.Errorf("another lane noticed: %08b", valid)
					}
					if n := compareBatch(t, checks); n < lanes-1 || n < lanes && (at > 0 || withKey || twice > 0) {
						t.Errorf("position %d, %d times, key %v: %d valid", at, twice, withKey, n)
					}
				}
			}
		}
	})
}

func oddBelow(q *big.Int) *big.Int {
	b := make([]byte, len(q.Bytes()))
	for i := range b {
		b[i] = byte(mathrand.Uint32())
	}
	x := new(big.Int).SetBytes(b)
	return x.SetBit(x.Mod(x, new(big.Int).Rsh(q, 1)), 0, 1)
}
