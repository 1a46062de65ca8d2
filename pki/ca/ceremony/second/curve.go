package second

import (
	"math/big"
	"slices"
	"strings"
)

// curve is y^2 = x^3 + ax + b modulo p with the point g of order q.
type curve struct {
	p, a, b, q *big.Int
	g          point
}

// point is a point in affine coordinates; x is nil at infinity.
type point struct{ x, y *big.Int }

// curveNames are the parameter sets by their identifiers (RFC 4357, section
// 11.4; RFC 7836, appendix A; RFC 9215, section 4).
var curveNames = map[string]string{
	"1.2.643.2.2.35.1":    cpA,
	"1.2.643.2.2.35.2":    cpB,
	"1.2.643.2.2.35.3":    cpC,
	"1.2.643.2.2.36.0":    cpA,
	"1.2.643.2.2.36.1":    cpC,
	"1.2.643.7.1.2.1.1.1": tcA256,
	"1.2.643.7.1.2.1.1.2": cpA,
	"1.2.643.7.1.2.1.1.3": cpB,
	"1.2.643.7.1.2.1.1.4": cpC,
	"1.2.643.7.1.2.1.2.1": tcA512,
	"1.2.643.7.1.2.1.2.2": tcB512,
	"1.2.643.7.1.2.1.2.3": tcC512,
}

// readCurve reads six numbers: p, a, b, q, x, y.
func readCurve(text string) (curve, bool) {
	var n []*big.Int
	for _, word := range strings.Fields(text) {
		v, ok := new(big.Int).SetString(word, 16)
		if !ok {
			return curve{}, false
		}
		n = append(n, v)
	}
	if len(n) != 6 {
		return curve{}, false
	}
	return curve{n[0], n[1], n[2], n[3], point{n[4], n[5]}}, true
}

// size is the length of a coordinate, of a scalar and of a digest in octets.
func (c curve) size() int { return (c.p.BitLen() + 7) / 8 }

func (c curve) mod(v *big.Int) *big.Int { return v.Mod(v, c.p) }

// add adds two points (RFC 7091, section 5.1, formulas 3 to 5).
func (c curve) add(s, t point) point {
	switch {
	case s.x == nil:
		return t
	case t.x == nil:
		return s
	}
	num, den := new(big.Int), new(big.Int)
	if s.x.Cmp(t.x) == 0 {
		if s.y.Cmp(t.y) != 0 || s.y.Sign() == 0 {
			return point{}
		}
		num.Mul(s.x, s.x)
		num.Mul(num, big.NewInt(3)).Add(num, c.a)
		den.Lsh(s.y, 1)
	} else {
		num.Sub(t.y, s.y)
		den.Sub(t.x, s.x)
	}
	slope := num.Mul(num, new(big.Int).ModInverse(c.mod(den), c.p))
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, s.x)
	c.mod(x.Sub(x, t.x))
	y := new(big.Int).Sub(s.x, x)
	y.Mul(y, slope)
	return point{x, c.mod(y.Sub(y, s.y))}
}

// times is k times a point, bit by bit.
func (c curve) times(k *big.Int, s point) (r point) {
	for i := k.BitLen() - 1; i >= 0; i-- {
		r = c.add(r, r)
		if k.Bit(i) == 1 {
			r = c.add(r, s)
		}
	}
	return r
}

// contains reports whether s lies on the curve and has order q.
func (c curve) contains(s point) bool {
	if s.x == nil || s.x.Cmp(c.p) >= 0 || s.y.Cmp(c.p) >= 0 {
		return false
	}
	left := c.mod(new(big.Int).Mul(s.y, s.y))
	right := new(big.Int).Mul(s.x, s.x)
	right.Add(right, c.a)
	right.Mul(right, s.x)
	if c.mod(right.Add(right, c.b)).Cmp(left) != 0 {
		return false
	}
	return c.times(c.q, s).x == nil
}

// verify checks a signature s || r, both big-endian, of a digest that is a
// little-endian integer (RFC 7091, section 6.2; RFC 9215, section 2).
func (c curve) verify(pub point, digest, sig []byte) bool {
	n := c.size()
	if len(digest) != n || len(sig) != 2*n || !c.contains(pub) {
		return false
	}
	s, r := new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])
	// "If the inequalities 0 < r < q, 0 < s < q hold, go to the next step."
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(c.q) >= 0 || s.Cmp(c.q) >= 0 {
		return false
	}
	e := little(digest)
	if e.Mod(e, c.q).Sign() == 0 {
		e.SetInt64(1) // "if e = 0, then assign e = 1"
	}
	v := new(big.Int).ModInverse(e, c.q)
	z1 := new(big.Int).Mul(s, v)
	z2 := new(big.Int).Mul(r, v)
	z1.Mod(z1, c.q)
	z2.Mod(z2.Neg(z2), c.q)
	found := c.add(c.times(z1, c.g), c.times(z2, pub))
	return found.x != nil && new(big.Int).Mod(found.x, c.q).Cmp(r) == 0
}

// little reads a little-endian integer.
func little(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}
