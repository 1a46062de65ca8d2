package field

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
)

// element is what every field type offers to its user.
type element[E any, L any] interface {
	*E
	Mul(x, y *E)
	Square(x *E)
	Add(x, y *E)
	Sub(x, y *E)
	Neg(x *E)
	Half(x *E)
	Invert(x *E)
	Select(x, y *E, cond uint64)
	CondNeg(cond uint64)
	SetLimbs(x *L)
	SetOne()
	Limbs() L
	IsZero() uint64
	Equal(x *E) uint64
	InRange(x *L) uint64
}

// eachImplementation runs f once for each way to compute.
func eachImplementation(t *testing.T, f func(t *testing.T)) {
	for _, name := range implementations() {
		t.Run(name, func(t *testing.T) {
			defer force(force(name))
			f(t)
		})
	}
}

func bigOf(l []uint64) *big.Int {
	x := new(big.Int)
	for i := len(l) - 1; i >= 0; i-- {
		x.Lsh(x, 64).Or(x, new(big.Int).SetUint64(l[i]))
	}
	return x
}

func limbsOf(x *big.Int, out []uint64) {
	mask := new(big.Int).SetUint64(^uint64(0))
	for i := range out {
		out[i] = new(big.Int).And(new(big.Int).Rsh(x, uint(64*i)), mask).Uint64()
	}
}

// edges returns integers below 2^bits near the places where carries happen,
// and random ones.
func edges(p *big.Int, bits uint, n int) []*big.Int {
	r := rand.New(rand.NewPCG(1, uint64(bits)))
	one := big.NewInt(1)
	top := new(big.Int).Lsh(one, bits)
	var out []*big.Int
	for _, base := range []*big.Int{new(big.Int), p, new(big.Int).Rsh(p, 1), new(big.Int).Lsh(p, 1), top, new(big.Int).Rsh(top, 1)} {
		for _, d := range []int64{-6451, -6450, -3225, -618, -617, -569, -222, -111, -2, -1, 0, 1, 2, 616, 617, 1234, 3224, 6449, 6450} {
			x := new(big.Int).Add(base, big.NewInt(d))
			if x.Sign() >= 0 && x.Cmp(top) < 0 {
				out = append(out, x)
			}
		}
	}
	for i := range n {
		x := new(big.Int)
		for range bits / 64 {
			w := r.Uint64()
			switch (i + r.IntN(4)) % 5 { // runs of ones and zeros
			case 0:
				w = 0
			case 1:
				w = ^uint64(0)
			}
			x.Lsh(x, 64).Or(x, new(big.Int).SetUint64(w))
		}
		out = append(out, x)
	}
	return out
}

func testField[E any, L any, PE element[E, L]](t *testing.T, p *big.Int, loose bool, view func(*L) []uint64) {
	bits := uint(256)
	if p.BitLen() > 256 {
		bits = 512
	}
	set := func(x *big.Int) *E {
		var l L
		limbsOf(x, view(&l))
		e := new(E)
		PE(e).SetLimbs(&l)
		return e
	}
	get := func(e *E) *big.Int {
		l := PE(e).Limbs()
		return bigOf(view(&l))
	}
	check := func(what string, e *E, want *big.Int) {
		t.Helper()
		want.Mod(want, p)
		if got := get(e); got.Cmp(want) != 0 {
			t.Fatalf("%s = %x, want %x", what, got, want)
		}
	}
	var vals []*big.Int
	for _, v := range edges(p, bits, 60) {
		if !loose {
			v.Mod(v, p)
		}
		vals = append(vals, v)
	}
	half := new(big.Int).ModInverse(big.NewInt(2), p)
	for i, a := range vals {
		x, z := set(a), new(E)
		check("set", x, new(big.Int).Set(a))
		PE(z).Square(x)
		check("square", z, new(big.Int).Mul(a, a))
		PE(z).Neg(x)
		check("neg", z, new(big.Int).Neg(a))
		PE(z).Half(x)
		check("half", z, new(big.Int).Mul(a, half))
		*z = *x
		PE(z).CondNeg(1)
		PE(z).CondNeg(0)
		check("condneg", z, new(big.Int).Neg(a))
		if i%7 == 0 {
			inv := new(big.Int)
			if m := new(big.Int).Mod(a, p); m.Sign() != 0 {
				inv.ModInverse(m, p)
			}
			PE(z).Invert(x)
			check("invert", z, inv)
		}
		if got, want := PE(x).IsZero() == 1, new(big.Int).Mod(a, p).Sign() == 0; got != want {
			t.Fatalf("IsZero(%x) = %v", a, got)
		}
		var l L
		limbsOf(a, view(&l))
		if got, want := PE(x).InRange(&l) == 1, a.Cmp(p) < 0; got != want {
			t.Fatalf("InRange(%x) = %v", a, got)
		}
		for _, b := range vals {
			y := set(b)
			PE(z).Mul(x, y)
			check(fmt.Sprintf("%x * %x", a, b), z, new(big.Int).Mul(a, b))
			PE(z).Add(x, y)
			check(fmt.Sprintf("%x + %x", a, b), z, new(big.Int).Add(a, b))
			PE(z).Sub(x, y)
			check(fmt.Sprintf("%x - %x", a, b), z, new(big.Int).Sub(a, b))
			if got, want := PE(x).Equal(y) == 1, new(big.Int).Mod(new(big.Int).Sub(a, b), p).Sign() == 0; got != want {
				t.Fatalf("Equal(%x, %x) = %v", a, b, got)
			}
			PE(z).Select(x, y, 1)
			check("select", z, new(big.Int).Set(a))
			PE(z).Select(x, y, 0)
			check("select", z, new(big.Int).Set(b))
			*z = *x // aliasing
			PE(z).Mul(z, z)
			check("aliased square", z, new(big.Int).Mul(a, a))
		}
	}
	z := new(E)
	PE(z).SetOne()
	check("one", z, big.NewInt(1))
	for _, v := range edges(p, bits, 1500) {
		if v.Mod(v, p).Sign() != 0 {
			x := set(v)
			PE(z).Invert(x)
			PE(z).Mul(z, x)
			check("x / x", z, big.NewInt(1))
		}
	}
}

func v4(l *[4]uint64) []uint64 { return l[:] }
func v8(l *[8]uint64) []uint64 { return l[:] }

func offset(bits uint, d int64) *big.Int {
	return new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(d))
}

func fromHex(s string) *big.Int {
	x, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("bad constant")
	}
	return x
}

func TestFields(t *testing.T) { eachImplementation(t, testFields) }

func testFields(t *testing.T) {
	t.Run("2^256-617", func(t *testing.T) { testField[F256m617, [4]uint64](t, offset(256, -617), true, v4) })
	t.Run("2^255+3225", func(t *testing.T) { testField[F255p3225, [4]uint64](t, offset(255, 3225), true, v4) })
	t.Run("2^255+1073", func(t *testing.T) { testField[F255p1073, [4]uint64](t, offset(255, 1073), true, v4) })
	t.Run("CryptoPro-C", func(t *testing.T) {
		testField[F256C, [4]uint64](t, fromHex("9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D759B"), false, v4)
	})
	t.Run("2^512-569", func(t *testing.T) { testField[F512m569, [8]uint64](t, offset(512, -569), true, v8) })
	t.Run("2^511+111", func(t *testing.T) { testField[F511p111, [8]uint64](t, offset(511, 111), true, v8) })
	t.Run("test 512", func(t *testing.T) {
		testField[F512T, [8]uint64](t, fromHex("4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D"+
			"F1D852741AF4704A0458047E80E4546D35B8336FAC224DD81664BBF528BE6373"), false, v8)
	})
}

// The orders of CryptoPro-A and tc26-512-A, and the two extremes: tc26-256-A
// (2^254 and more) and a modulus that ends in a limb of 1.
var moduli = []struct {
	n   int
	hex string
}{
	{4, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893"},
	{4, "400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67"},
	{4, "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"},
	{8, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275"},
	{8, "3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC98CDBA46506AB004C33A9FF5147502CC8EDA9E7A769A12694623CEF47F023ED"},
}

func TestModulus(t *testing.T) { eachImplementation(t, testModulus) }

func testModulus(t *testing.T) {
	for _, tc := range moduli {
		m := fromHex(tc.hex)
		var ms Scalar
		limbsOf(m, ms[:])
		q := NewModulus(ms, tc.n)
		scalar := func(x *big.Int) *Scalar {
			var s Scalar
			limbsOf(x, s[:])
			return &s
		}
		check := func(what string, z *Scalar, want *big.Int) {
			t.Helper()
			if got := bigOf(z[:]); got.Cmp(new(big.Int).Mod(want, m)) != 0 {
				t.Fatalf("%s mod %x = %x, want %x", what, m, got, want)
			}
		}
		vals := edges(m, uint(64*tc.n), 40)
		for i, a := range vals {
			var z Scalar
			q.Reduce(&z, scalar(a))
			check("reduce", &z, new(big.Int).Set(a))
			if got, want := q.InRange(scalar(a)) == 1, a.Cmp(m) < 0; got != want {
				t.Fatalf("InRange(%x) = %v", a, got)
			}
			am := new(big.Int).Mod(a, m)
			q.Neg(&z, scalar(am))
			check("neg", &z, new(big.Int).Neg(am))
			if i%2 == 0 {
				inv := new(big.Int)
				if am.Sign() != 0 {
					inv.ModInverse(am, m)
				}
				q.Invert(&z, scalar(am))
				check("invert", &z, inv)
				if am.Sign() != 0 {
					q.InvertVartime(&z, scalar(am))
					check("invert vartime", &z, inv)
				}
			}
			for _, b := range vals {
				bm := new(big.Int).Mod(b, m)
				q.Mul(&z, scalar(am), scalar(bm))
				check("mul", &z, new(big.Int).Mul(am, bm))
				q.Add(&z, scalar(am), scalar(bm))
				check("add", &z, new(big.Int).Add(am, bm))
				q.ReduceWide(&z, scalar(a), scalar(b))
				wide := new(big.Int).Lsh(b, uint(64*tc.n))
				check("wide", &z, wide.Add(wide, a))
			}
		}
	}
}

func BenchmarkField(b *testing.B) {
	b.Run("256m617/mul", func(b *testing.B) { benchMul[F256m617](b) })
	b.Run("256m617/square", func(b *testing.B) { benchSquare[F256m617](b) })
	b.Run("256m617/add", func(b *testing.B) { benchAdd[F256m617](b) })
	b.Run("256m617/sub", func(b *testing.B) { benchSub[F256m617](b) })
	b.Run("255p3225/mul", func(b *testing.B) { benchMul[F255p3225](b) })
	b.Run("255p3225/square", func(b *testing.B) { benchSquare[F255p3225](b) })
	b.Run("256C/mul", func(b *testing.B) { benchMul[F256C](b) })
	b.Run("256C/square", func(b *testing.B) { benchSquare[F256C](b) })
	b.Run("256m617/invert", func(b *testing.B) { benchInvert[F256m617](b) })
	b.Run("512m569/invert", func(b *testing.B) { benchInvert[F512m569](b) })
	b.Run("512m569/mul", func(b *testing.B) { benchMul[F512m569](b) })
	b.Run("512m569/square", func(b *testing.B) { benchSquare[F512m569](b) })
	b.Run("512m569/add", func(b *testing.B) { benchAdd[F512m569](b) })
	b.Run("511p111/mul", func(b *testing.B) { benchMul[F511p111](b) })
	b.Run("511p111/square", func(b *testing.B) { benchSquare[F511p111](b) })
}

func BenchmarkInvert(b *testing.B) {
	for _, tc := range moduli[2:4] {
		var m Scalar
		limbsOf(fromHex(tc.hex), m[:])
		q := NewModulus(m, tc.n)
		x := Scalar{0x123456789abcdef, 1, 2, 3}
		b.Run(fmt.Sprintf("%d/fixed", 64*tc.n), func(b *testing.B) {
			for b.Loop() {
				q.Invert(&x, &x)
			}
		})
		b.Run(fmt.Sprintf("%d/vartime", 64*tc.n), func(b *testing.B) {
			for b.Loop() {
				q.InvertVartime(&x, &x)
			}
		})
	}
}

func benchMul[E any, PE interface {
	*E
	Mul(x, y *E)
	SetOne()
}](b *testing.B) {
	x, y := new(E), new(E)
	PE(x).SetOne()
	PE(y).SetOne()
	for b.Loop() {
		for range 100 {
			PE(x).Mul(x, y)
		}
	}
}

func benchSquare[E any, PE interface {
	*E
	Square(x *E)
	SetOne()
}](b *testing.B) {
	x := new(E)
	PE(x).SetOne()
	for b.Loop() {
		for range 100 {
			PE(x).Square(x)
		}
	}
}

func benchInvert[E any, PE interface {
	*E
	Invert(x *E)
	Add(x, y *E)
	SetOne()
}](b *testing.B) {
	x, one := new(E), new(E)
	PE(one).SetOne()
	PE(x).Add(one, one)
	for b.Loop() {
		PE(x).Invert(x)
		PE(x).Add(x, one)
	}
}

func benchAdd[E any, PE interface {
	*E
	Add(x, y *E)
	SetOne()
}](b *testing.B) {
	x, y := new(E), new(E)
	PE(y).SetOne()
	for b.Loop() {
		for range 100 {
			PE(x).Add(x, y)
		}
	}
}

func benchSub[E any, PE interface {
	*E
	Sub(x, y *E)
	SetOne()
}](b *testing.B) {
	x, y := new(E), new(E)
	PE(y).SetOne()
	for b.Loop() {
		for range 100 {
			PE(x).Sub(x, y)
		}
	}
}
