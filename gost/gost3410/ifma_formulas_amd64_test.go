//go:build amd64 && !purego

package gost3410

import (
	"math/big"
	mathrand "math/rand/v2"
	"testing"
)

// laneNumbers are numbers of a group that are not reduced: the operations must
// do with anything below limit.
type laneNumbers struct {
	*laneGroup
	p, limit *big.Int
}

func (g *laneGroup) numbers(p *big.Int) laneNumbers {
	limit := new(big.Int).Lsh(big.NewInt(1), uint(p.BitLen()))
	if g.square != nil { // 2.6 p, more than 256 bits
		limit.Mul(p, big.NewInt(26)).Div(limit, big.NewInt(10))
	}
	return laneNumbers{g, p, limit}
}

// fill sets an element to numbers from the ends of what is allowed.
func (n laneNumbers) fill(z []uint64) {
	for k := range lanes {
		v := new(big.Int)
		switch mathrand.IntN(6) {
		case 0:
			v.SetUint64(mathrand.Uint64N(3))
		case 1:
			v.Sub(n.limit, big.NewInt(1+mathrand.Int64N(3)))
		case 2:
			v.Add(n.p, big.NewInt(mathrand.Int64N(3)-1))
		default: // limbs of all zeros and all ones among them
			for range n.limbs {
				limb := []uint64{0, 1<<52 - 1, mathrand.Uint64() >> 12}[mathrand.IntN(3)]
				v.Lsh(v, 52).Add(v, new(big.Int).SetUint64(limb))
			}
			v.Mod(v, n.limit)
		}
		for i := range n.limbs {
			z[8*i+k] = new(big.Int).And(v, big.NewInt(1<<52-1)).Uint64()
			v.Rsh(v, 52)
		}
	}
}

// read returns lane k of an element without its factor.
func (n laneNumbers) read(z []uint64, k int) *big.Int {
	v := n.looseValue(z, k)
	return v.Mul(v, new(big.Int).ModInverse(n.held(), n.p)).Mod(v, n.p)
}

// check compares lane k of an element with a number.
func (n laneNumbers) check(t *testing.T, what string, z []uint64, k int, want *big.Int) {
	t.Helper()
	if n.read(z, k).Cmp(want.Mod(want, n.p)) != 0 {
		t.Fatalf("lane %d: another %s", k, what)
	}
	for i := range n.limbs {
		if z[8*i+k]>>52 != 0 {
			t.Fatalf("lane %d: limb %d of %s is %x", k, i, what, z[8*i+k])
		}
	}
	limit := new(big.Int).Rsh(n.limit, 5)
	if limit.Add(limit, n.limit).Cmp(n.looseValue(z, k)) < 0 {
		t.Fatalf("lane %d: %s is too large", k, what)
	}
}

func product(x ...*big.Int) *big.Int {
	v := big.NewInt(1)
	for _, y := range x {
		v.Mul(v, y)
	}
	return v
}

// less returns x - times * y.
func less(x *big.Int, times int64, y *big.Int) *big.Int {
	v := new(big.Int).Mul(big.NewInt(times), y)
	return v.Sub(x, v)
}

// TestLaneFormulas compares the operations on points, which hold for numbers
// that belong to no point, with the formulas: sums are as large as they get.
func TestLaneFormulas(t *testing.T) {
	eachLaneGroup(t, func(t *testing.T, _ Curve, g *laneGroup, r *reference) {
		f, ok := g.form.(*laneWeierstrass)
		if !ok {
			return
		}
		n, w := g.numbers(r.p), g.words()
		q, a := g.alloc(3), g.alloc(3)
		for range 300 {
			for i := range 3 {
				n.fill(q[i*w : (i+1)*w])
				n.fill(a[i*w : (i+1)*w])
			}
			var x, y, z, ax, ay [lanes]*big.Int
			for k := range lanes {
				x[k], y[k], z[k] = n.read(q, k), n.read(q[w:], k), n.read(q[2*w:], k)
				ax[k], ay[k] = n.read(a, k), n.read(a[w:], k)
			}
			if mathrand.IntN(2) == 0 {
				f.doubleN(&q[0], 1)
				for k := range lanes {
					m := less(product(x[k], x[k]), 1, product(z[k], z[k], z[k], z[k]))
					m.Mul(m, big.NewInt(3))
					d := product(x[k], y[k], y[k])
					x3 := less(product(m, m), 2, d)
					n.check(t, "abscissa", q, k, x3)
					t2 := less(d, 1, x3)
					n.check(t, "ordinate", q[w:], k, less(product(big.NewInt(2), t2, m), 1, product(y[k], y[k], y[k], y[k])))
					n.check(t, "Z", q[2*w:], k, product(z[k], y[k]))
				}
				continue
			}
			f.add(&q[0], &a[0])
			for k := range lanes {
				h := less(product(ax[k], z[k], z[k]), 1, x[k])
				d := less(product(ay[k], z[k], z[k], z[k]), 1, y[k])
				four := big.NewInt(4)
				j, v := product(four, h, h, h), product(four, x[k], h, h)
				x3 := less(less(product(d, d), 1, j), 2, v)
				n.check(t, "abscissa", q, k, x3)
				n.check(t, "ordinate", q[w:], k, less(product(big.NewInt(2), less(v, 1, x3), d), 2, product(y[k], j)))
				n.check(t, "Z", q[2*w:], k, product(big.NewInt(2), z[k], h))
			}
		}
	})
}
