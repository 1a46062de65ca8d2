package gost3410

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// reference is a parameter set as its standard prints it, with schoolbook
// arithmetic over math/big to compare against.
type reference struct {
	name, source                    string
	p, a, b, m, q, x, y, e, d, u, v *big.Int
}

// readReferences reads testdata/curves.json, which was taken from the texts of
// RFC 4357, RFC 7836 and RFC 9215 by a program.
func readReferences(t testing.TB) map[string]*reference {
	t.Helper()
	raw, err := os.ReadFile("testdata/curves.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]string
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]*reference{}
	for _, f := range list {
		number := func(key string) *big.Int {
			if f[key] == "" {
				return nil
			}
			x, ok := new(big.Int).SetString(f[key], 16)
			if !ok {
				t.Fatalf("%s: %s is no number", f["name"], key)
			}
			return x
		}
		out[f["name"]] = &reference{
			name: f["name"], source: f["source"],
			p: number("p"), a: number("a"), b: number("b"), m: number("m"), q: number("q"),
			x: number("x"), y: number("y"), e: number("e"), d: number("d"), u: number("u"), v: number("v"),
		}
	}
	return out
}

// refPoint is an affine point; nil is infinity.
type refPoint struct{ x, y *big.Int }

func (r *reference) base() *refPoint { return &refPoint{r.x, r.y} }

func (r *reference) onCurve(x, y *big.Int) bool {
	t := new(big.Int).Mul(x, x)
	t.Add(t, r.a).Mul(t, x).Add(t, r.b).Sub(t, new(big.Int).Mul(y, y))
	return t.Mod(t, r.p).Sign() == 0
}

func (r *reference) add(s, t *refPoint) *refPoint {
	if s == nil {
		return t
	}
	if t == nil {
		return s
	}
	num, den := new(big.Int), new(big.Int)
	if s.x.Cmp(t.x) == 0 {
		if sum := new(big.Int).Add(s.y, t.y); sum.Mod(sum, r.p).Sign() == 0 {
			return nil
		}
		num.Mul(s.x, s.x).Mul(num, big.NewInt(3)).Add(num, r.a)
		den.Lsh(s.y, 1)
	} else {
		num.Sub(t.y, s.y)
		den.Sub(t.x, s.x)
	}
	den.ModInverse(den.Mod(den, r.p), r.p)
	l := num.Mul(num, den)
	l.Mod(l, r.p)
	x := new(big.Int).Mul(l, l)
	x.Sub(x, s.x).Sub(x, t.x).Mod(x, r.p)
	y := new(big.Int).Sub(s.x, x)
	y.Mul(y, l).Sub(y, s.y).Mod(y, r.p)
	return &refPoint{x, y}
}

func (r *reference) mult(k *big.Int, p *refPoint) *refPoint {
	return r.multDoubles(k, r.doubles(p, k.BitLen()))
}

// doubles returns p, 2p, 4p, ... (n points), for many multiples of one point.
func (r *reference) doubles(p *refPoint, n int) []*refPoint {
	out := make([]*refPoint, n)
	for i := range out {
		out[i] = p
		p = r.add(p, p)
	}
	return out
}

func (r *reference) multDoubles(k *big.Int, doubles []*refPoint) *refPoint {
	var acc *refPoint
	for i := range k.BitLen() {
		if k.Bit(i) == 1 {
			acc = r.add(acc, doubles[i])
		}
	}
	return acc
}

// verify is RFC 7091, Section 6.2, to the letter.
func (r *reference) verify(pub *refPoint, digest, sig []byte) bool {
	n := len(digest)
	s, rr := new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])
	if rr.Sign() == 0 || s.Sign() == 0 || rr.Cmp(r.q) >= 0 || s.Cmp(r.q) >= 0 {
		return false
	}
	be := slices.Clone(digest)
	slices.Reverse(be)
	e := new(big.Int).SetBytes(be)
	if e.Mod(e, r.q).Sign() == 0 {
		e.SetInt64(1)
	}
	v := e.ModInverse(e, r.q)
	z1 := new(big.Int).Mul(s, v)
	z1.Mod(z1, r.q)
	z2 := new(big.Int).Mul(rr, v)
	z2.Neg(z2).Mod(z2, r.q)
	c := r.add(r.mult(z1, r.base()), r.mult(z2, pub))
	return c != nil && new(big.Int).Mod(c.x, r.q).Cmp(rr) == 0
}

// scalarOf and bigOf convert between limbs and big integers.
func scalarOf(x *big.Int) *field.Scalar {
	var z field.Scalar
	b := x.FillBytes(make([]byte, 64))
	setBE(&z, b)
	return &z
}

func bigOf(z *field.Scalar) *big.Int {
	b := make([]byte, 64)
	putBE(b, z)
	return new(big.Int).SetBytes(b)
}

// leBytes returns x as n octets, little-endian.
func leBytes(x *big.Int, n int) []byte {
	b := x.FillBytes(make([]byte, n))
	slices.Reverse(b)
	return b
}

func fromHex(t testing.TB, s string) *big.Int {
	t.Helper()
	x, ok := new(big.Int).SetString(strings.Join(strings.Fields(s), ""), 16)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return x
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
