package gost3410

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// TestParameters checks every set against its standard and against the
// conditions of RFC 7091, Section 5.2.
func TestParameters(t *testing.T) {
	refs := readReferences(t)
	if len(refs) != len(Curves()) {
		t.Fatalf("%d sets in testdata, %d curves", len(refs), len(Curves()))
	}
	for _, c := range Curves() {
		t.Run(c.Name(), func(t *testing.T) {
			r := refs[c.Name()]
			if !r.p.ProbablyPrime(20) || !r.q.ProbablyPrime(20) {
				t.Error("p and q must be prime")
			}
			// 4a^3 + 27b^2 is not 0, and neither is the invariant J, nor is it 1728.
			disc := new(big.Int).Exp(r.a, big.NewInt(3), nil)
			disc.Mul(disc, big.NewInt(4)).Add(disc, new(big.Int).Mul(big.NewInt(27), new(big.Int).Mul(r.b, r.b)))
			if disc.Mod(disc, r.p).Sign() == 0 || r.a.Sign() == 0 || r.b.Sign() == 0 {
				t.Error("singular curve or a forbidden invariant")
			}
			if !r.onCurve(r.x, r.y) || r.mult(r.q, r.base()) != nil {
				t.Error("the base point does not have order q")
			}
			if h := new(big.Int).Mul(r.q, big.NewInt(int64(c.Cofactor()))); h.Cmp(r.m) != 0 {
				t.Error("m is not the cofactor times q")
			}
			// Hasse: |m - p - 1| <= 2 sqrt(p). With a point of prime order q this
			// settles m.
			gap := new(big.Int).Sub(r.m, r.p)
			gap.Sub(gap, big.NewInt(1))
			if gap.Mul(gap, gap).Cmp(new(big.Int).Lsh(r.p, 2)) > 0 {
				t.Error("m is outside Hasse's bound")
			}
			// "p^t is not 1 modulo q" for t to 31 or 131, and m is not p.
			pt := big.NewInt(1)
			for i := range 131 {
				if pt.Mul(pt, r.p).Mod(pt, r.q).Cmp(big.NewInt(1)) == 0 {
					t.Errorf("p^%d = 1 modulo q", i+1)
				}
			}
			if r.m.Cmp(r.p) == 0 {
				t.Error("anomalous curve")
			}
			checkEdwards(t, r)
			q := c.group().order().Value()
			if bigOf(&q).Cmp(r.q) != 0 {
				t.Errorf("order = %x, want %x", bigOf(&q), r.q)
			}
			var x, y field.Scalar
			c.group().baseMult(&x, &y, &field.Scalar{1})
			if bigOf(&x).Cmp(r.x) != 0 || bigOf(&y).Cmp(r.y) != 0 {
				t.Errorf("base point = (%x, %x)", bigOf(&x), bigOf(&y))
			}
		})
	}
}

// checkEdwards checks the equations of RFC 7836, Section 5.2.
func checkEdwards(t *testing.T, r *reference) {
	t.Helper()
	if r.d == nil {
		return
	}
	mod := func(x *big.Int) *big.Int { return x.Mod(x, r.p) }
	mul := func(xs ...*big.Int) *big.Int {
		z := big.NewInt(1)
		for _, x := range xs {
			mod(z.Mul(z, x))
		}
		return z
	}
	inv := func(x *big.Int) *big.Int { return new(big.Int).ModInverse(mod(x), r.p) }
	s := mul(new(big.Int).Sub(r.e, r.d), inv(big.NewInt(4)))
	u := mul(new(big.Int).Add(r.e, r.d), inv(big.NewInt(6)))
	if a := mod(new(big.Int).Sub(mul(s, s), mul(big.NewInt(3), u, u))); a.Cmp(r.a) != 0 {
		t.Error("a is not s^2 - 3t^2")
	}
	if b := mod(new(big.Int).Sub(mul(big.NewInt(2), u, u, u), mul(u, s, s))); b.Cmp(r.b) != 0 {
		t.Error("b is not 2t^3 - ts^2")
	}
	// e is a square and d is not: the addition law is complete.
	if big.Jacobi(r.e, r.p) != 1 || big.Jacobi(r.d, r.p) != -1 || r.e.Cmp(big.NewInt(1)) != 0 {
		t.Error("the addition law is not complete")
	}
	left := mod(new(big.Int).Add(mul(r.u, r.u), mul(r.v, r.v)))
	right := mod(new(big.Int).Add(big.NewInt(1), mul(r.d, r.u, r.u, r.v, r.v)))
	if left.Cmp(right) != 0 {
		t.Error("(u, v) is not on the Edwards curve")
	}
	xt := new(big.Int).Sub(r.x, u)
	if mul(xt, inv(new(big.Int).Set(r.y))).Cmp(r.u) != 0 {
		t.Error("u is not (x - t)/y")
	}
	if mul(new(big.Int).Sub(xt, s), inv(new(big.Int).Add(xt, s))).Cmp(r.v) != 0 {
		t.Error("v is not (x - t - s)/(x - t + s)")
	}
}

// scalars returns multipliers between 1 and q-1: small and large ones, powers
// of two, random ones, and those for which an addition of the last window
// meets equal points.
func scalars(q *big.Int, random int) []*big.Int {
	var out []*big.Int
	one := big.NewInt(1)
	put := func(x *big.Int) {
		if x.Sign() > 0 && x.Cmp(q) < 0 {
			out = append(out, x)
		}
	}
	for i := int64(1); i < 5; i++ {
		put(big.NewInt(i))
		put(new(big.Int).Sub(q, big.NewInt(i)))
		half := new(big.Int).Rsh(q, 1)
		put(half.Add(half, big.NewInt(i-2)))
	}
	for _, i := range []uint{6, 63, 64, 127, 192, 250, 251, 252, 253, 254, 255, 503, 504, 509, 510, 511} {
		b := new(big.Int).Lsh(one, i)
		put(b)
		put(new(big.Int).Sub(b, one))
		// k = q - 2 (q mod 2^i): if the sum of the lower windows is
		// -(q mod 2^i), it equals the highest window's point.
		low := new(big.Int).Mod(q, b)
		put(new(big.Int).Sub(q, low.Lsh(low, 1)))
	}
	for _, i := range []int64{17, 31, 32, 33, 34, 62} { // and the same at the bottom
		put(new(big.Int).Sub(q, big.NewInt(2*i)))
		put(new(big.Int).Sub(q, big.NewInt(2*i+1)))
	}
	r := rand.New(rand.NewPCG(7, 7))
	for range random {
		x := new(big.Int)
		for range (q.BitLen() + 63) / 64 {
			x.Lsh(x, 64).Or(x, new(big.Int).SetUint64(r.Uint64()))
		}
		put(x.Mod(x, q))
	}
	return out
}

func TestMultDifferential(t *testing.T) { EachImplementation(t, testMultDifferential) }

func testMultDifferential(t *testing.T) {
	refs := readReferences(t)
	for _, c := range distinctCurves() {
		t.Run(c.Name(), func(t *testing.T) {
			r, g := refs[c.Name()], c.group()
			other := r.mult(big.NewInt(123456789), r.base())
			ox, oy := scalarOf(other.x), scalarOf(other.y)
			if !g.valid(ox, oy) {
				t.Fatal("valid refuses a multiple of the base point")
			}
			baseDoubles, otherDoubles := r.doubles(r.base(), 8*c.Size()), r.doubles(other, 8*c.Size())
			for i, k := range scalars(r.q, 4) {
				var x, y, x2 field.Scalar
				check := func(what string, want *refPoint) {
					t.Helper()
					if bigOf(&x).Cmp(want.x) != 0 || bigOf(&y).Cmp(want.y) != 0 {
						t.Fatalf("%s for k = %x: (%x, %x), want (%x, %x)", what, k, bigOf(&x), bigOf(&y), want.x, want.y)
					}
				}
				want := r.multDoubles(k, baseDoubles)
				g.baseMult(&x, &y, scalarOf(k))
				check("kG", want)
				g.baseMult(&x2, nil, scalarOf(k))
				if x2 != x {
					t.Fatalf("kG for k = %x without y has another x", k)
				}
				g.mult(&x, &y, scalarOf(r.x), scalarOf(r.y), scalarOf(k))
				check("k(G)", want)
				if i%3 == 0 {
					g.mult(&x, &y, ox, oy, scalarOf(k))
					check("kQ", r.multDoubles(k, otherDoubles))
				}
			}
		})
	}
}

// TestAddCompleteInfinity adds infinity from both sides: verification never
// does, but the function promises it. All curves have it from one template.
func TestAddCompleteInfinity(t *testing.T) {
	g := *cpAGenerator()
	var double, twice cpAPoint
	double.double(&g, 1)
	twice.addComplete(&g, &g)
	opposite := g
	opposite.y.Neg(&g.y)
	infinity := cpAPoint{}
	for name, tc := range map[string]struct{ a, b, want *cpAPoint }{
		"0 + P":  {&infinity, &g, &g},
		"P + 0":  {&g, &infinity, &g},
		"0 + 0":  {&infinity, &infinity, &infinity},
		"P - P":  {&g, &opposite, &infinity},
		"P + P":  {&g, &g, &double},
		"2P - P": {&twice, &opposite, &g},
	} {
		var got cpAPoint
		got.addComplete(tc.a, tc.b)
		if got.z.IsZero() != tc.want.z.IsZero() {
			t.Errorf("%s: infinity or not", name)
			continue
		}
		if got.z.IsZero() == 1 {
			continue
		}
		var gx, gy, wx, wy field.Scalar
		got.affine(&gx, &gy)
		tc.want.affine(&wx, &wy)
		if gx != wx || gy != wy {
			t.Errorf("%s = (%x, %x), want (%x, %x)", name, gx, gy, wx, wy)
		}
	}
}

// TestVerifyEquation checks z1 G + z2 Q for pairs that make the additions meet
// equal, opposite and infinite points, and the comparison with r + q.
func TestVerifyEquation(t *testing.T) { EachImplementation(t, testVerifyEquation) }

func testVerifyEquation(t *testing.T) {
	refs := readReferences(t)
	for _, c := range distinctCurves() {
		t.Run(c.Name(), func(t *testing.T) {
			r, g := refs[c.Name()], c.group()
			minus := func(k int64) *big.Int { return new(big.Int).Sub(r.q, big.NewInt(k)) }
			z1s := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2), big.NewInt(6), big.NewInt(64), minus(1), minus(77)}
			z2s := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2), big.NewInt(3), minus(1), minus(2)}
			first := make([]*refPoint, len(z1s))
			for i, z1 := range z1s {
				first[i] = r.mult(z1, r.base())
			}
			for _, d := range []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3), minus(1), minus(2), big.NewInt(987654321)} {
				pub := r.mult(d, r.base())
				px, py := scalarOf(pub.x), scalarOf(pub.y)
				v := bothVerifiers{t, g.prepare(px, py), g.prepareWide(px, py)}
				for _, z2 := range z2s {
					second := r.mult(z2, pub)
					for i, z1 := range z1s {
						p := r.add(first[i], second)
						what := fmt.Sprintf("d = %x, z1 = %x, z2 = %x", d, z1, z2)
						if p == nil {
							if v.verify(scalarOf(z1), scalarOf(z2), &field.Scalar{1}) {
								t.Fatalf("%s: infinity accepted", what)
							}
							continue
						}
						rr := new(big.Int).Mod(p.x, r.q)
						if got, want := v.verify(scalarOf(z1), scalarOf(z2), scalarOf(rr)), rr.Cmp(r.p) < 0; got != want {
							t.Fatalf("%s: verify = %v", what, got)
						}
						wrong := rr.Add(rr, big.NewInt(1))
						if v.verify(scalarOf(z1), scalarOf(z2), scalarOf(wrong.Mod(wrong, r.q))) {
							t.Fatalf("%s: another r accepted", what)
						}
					}
				}
			}
		})
	}
}

// bothVerifiers demands that a table and a wide table say the same.
type bothVerifiers struct {
	t            *testing.T
	narrow, wide verifier
}

func (b bothVerifiers) verify(z1, z2, r *field.Scalar) bool {
	b.t.Helper()
	valid := b.narrow.verify(z1, z2, r)
	if b.wide.verify(z1, z2, r) != valid {
		b.t.Fatalf("a wide table contradicts for z1 = %x, z2 = %x, r = %x", *z1, *z2, *r)
	}
	return valid
}

// distinctCurves returns one curve of each domain.
func distinctCurves() (out []Curve) {
next:
	for _, c := range Curves() {
		for _, d := range out {
			if c.SameDomain(d) {
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}

func TestCurves(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Curves() {
		if !c.IsValid() || seen[c.Name()] || c.Size() != 32 && c.Size() != 64 {
			t.Errorf("%q: invalid or twice", c.Name())
		}
		seen[c.Name()] = true
		if d, ok := CurveByName(c.Name()); !ok || d != c {
			t.Errorf("CurveByName(%q) = %v, %v", c.Name(), d, ok)
		}
	}
	same := [][]Curve{
		{CryptoProA(), CryptoProXchA(), TC26B256()},
		{CryptoProC(), CryptoProXchB(), TC26D256()},
		{CryptoProB(), TC26C256()},
		{TC26A256()},
		{CryptoProTest()},
		{TC26Test512()},
		{TC26A512()},
		{TC26B512()},
		{TC26C512()},
	}
	n := 0
	for i, a := range same {
		n += len(a)
		for j, b := range same {
			if got := a[0].SameDomain(b[len(b)-1]); got != (i == j) {
				t.Errorf("SameDomain(%s, %s) = %v", a[0].Name(), b[len(b)-1].Name(), got)
			}
		}
	}
	if n != len(seen) || n != 14 {
		t.Errorf("%d curves, %d in groups", len(seen), n)
	}
	var zero Curve
	if zero.IsValid() || zero.Name() != "" || zero.Size() != 0 || zero.Cofactor() != 0 || zero.IsTest() || zero.SameDomain(zero) {
		t.Error("the zero Curve is not invalid")
	}
	if _, ok := CurveByName(""); ok {
		t.Error("a curve without a name")
	}
	if !CryptoProTest().IsTest() || !TC26Test512().IsTest() || CryptoProA().IsTest() {
		t.Error("IsTest")
	}
}
