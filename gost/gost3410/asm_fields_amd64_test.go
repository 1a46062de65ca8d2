//go:build amd64 && !purego

package gost3410

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/internal/cpu"
)

// asmField is one field in assembler.
type asmField struct {
	name    string
	bits    uint
	prime   *big.Int
	factor  *big.Int // what a product has been multiplied by: not 1 in Montgomery's form
	reduced bool     // operands and results are below the prime
	ops     map[string]func(z, x, y *[8]uint64)
}

// of256 gives an operation on four words eight.
func of256(f func(z, x, y *[4]uint64)) func(z, x, y *[8]uint64) {
	return func(z, x, y *[8]uint64) { f((*[4]uint64)(z[:4]), (*[4]uint64)(x[:4]), (*[4]uint64)(y[:4])) }
}

func asmFields() []asmField {
	one := big.NewInt(1)
	near := func(bits uint, d int64) *big.Int {
		p := new(big.Int).Lsh(one, bits)
		return p.Add(p, big.NewInt(d))
	}
	mont := cpCPrime
	var wide [8]uint64
	copy(wide[:], mont[:])
	primeC := bigLimbs(&wide)
	return []asmField{
		{"2^256-617", 256, near(256, -617), one, false, map[string]func(z, x, y *[8]uint64){
			"mul": of256(mul617ADX), "square": of256(square617ADX), "add": of256(add617ADX), "sub": of256(sub617ADX),
			"double": of256(double617ADX), "triple": of256(triple617ADX), "half": of256(half617ADX), "condNeg": of256(condNeg617ADX),
		}},
		{"2^255+3225", 256, near(255, 3225), one, false, map[string]func(z, x, y *[8]uint64){
			"mul": of256(mul3225ADX), "square": of256(square3225ADX), "add": of256(add3225ADX), "sub": of256(sub3225ADX),
			"double": of256(double3225ADX), "triple": of256(triple3225ADX), "half": of256(half3225ADX), "condNeg": of256(condNeg3225ADX),
		}},
		{"CryptoPro-C", 256, primeC, new(big.Int).ModInverse(near(256, 0), primeC), true, map[string]func(z, x, y *[8]uint64){
			"mul": of256(mulCADX), "square": of256(squareCADX), "add": of256(addCADX), "sub": of256(subCADX),
			"double": of256(doubleCADX), "triple": of256(tripleCADX), "half": of256(halfCADX), "condNeg": of256(condNegCADX),
		}},
		{"2^512-569", 512, near(512, -569), one, false, map[string]func(z, x, y *[8]uint64){
			"mul": mul569ADX, "square": square569ADX, "add": add569ADX, "sub": sub569ADX,
			"double": double569ADX, "triple": triple569ADX, "half": half569ADX, "condNeg": condNeg569ADX,
		}},
		{"2^511+111", 512, near(511, 111), one, false, map[string]func(z, x, y *[8]uint64){
			"mul": mul111ADX, "square": square111ADX, "add": add111ADX, "sub": sub111ADX,
			"double": double111ADX, "triple": triple111ADX, "half": half111ADX, "condNeg": condNeg111ADX,
		}},
	}
}

// expected is what math/big says.
func (f *asmField) expected(op string, x, y *big.Int) *big.Int {
	z := new(big.Int)
	switch op {
	case "mul":
		z.Mul(x, y).Mul(z, f.factor)
	case "square":
		z.Mul(x, x).Mul(z, f.factor)
	case "add":
		z.Add(x, y)
	case "sub":
		z.Sub(x, y)
	case "double":
		z.Add(x, x)
	case "triple":
		z.Mul(x, big.NewInt(3))
	case "half":
		if z.Set(x); z.Bit(0) == 1 {
			z.Add(z, f.prime)
		}
		z.Rsh(z, 1)
	case "condNeg":
		if z.Set(x); y.Bit(0) == 1 {
			z.Neg(x)
		}
	}
	return z.Mod(z, f.prime)
}

func bigLimbs(x *[8]uint64) *big.Int {
	var b [64]byte
	for i, w := range x {
		binary.BigEndian.PutUint64(b[56-8*i:], w)
	}
	return new(big.Int).SetBytes(b[:])
}

func limbsBig(x *big.Int) (z [8]uint64) {
	var b [64]byte
	x.FillBytes(b[:])
	for i := range z {
		z[i] = binary.BigEndian.Uint64(b[56-8*i:])
	}
	return z
}

// check compares all operations with math/big.
func (f *asmField) check(x, y [8]uint64) error {
	for name, op := range f.ops {
		b := y
		if name == "condNeg" {
			b[0] &= 1
		}
		want := f.expected(name, bigLimbs(&x), bigLimbs(&b))
		var z [8]uint64
		op(&z, &x, &b)
		first, second := x, b
		op(&first, &first, &b)
		op(&second, &x, &second)
		for i, got := range []*[8]uint64{&z, &first, &second} {
			v := bigLimbs(got)
			if f.reduced && v.Cmp(f.prime) >= 0 {
				return fmt.Errorf("%s: %s(%x, %x), place %d of the result: %x is not reduced", f.name, name, x, b, i, v)
			}
			if v.Mod(v, f.prime).Cmp(want) != 0 {
				return fmt.Errorf("%s: %s(%x, %x), place %d of the result: %x, want %x", f.name, name, x, b, i, v, want)
			}
		}
	}
	return nil
}

// operand returns a number as the field's operands are, and 0 for one that is
// negative or too large.
func (f *asmField) operand(v *big.Int) [8]uint64 {
	if v = new(big.Int).Set(v); v.Sign() < 0 || v.BitLen() > int(f.bits) {
		v.SetInt64(0)
	}
	if f.reduced {
		v.Mod(v, f.prime)
	}
	return limbsBig(v)
}

// edges are operands beside the numbers at which something carries.
func (f *asmField) edges() (out [][8]uint64) {
	limit := new(big.Int).Lsh(big.NewInt(1), f.bits)
	third := new(big.Int).Div(limit, big.NewInt(3))
	bases := []*big.Int{
		new(big.Int), f.prime, limit, new(big.Int).Rsh(limit, 1), new(big.Int).Sub(limit, f.prime),
		new(big.Int).Rsh(f.prime, 1), new(big.Int).Sub(limit, new(big.Int).Lsh(big.NewInt(1), f.bits-63)), new(big.Int).Rsh(limit, f.bits/2),
		third, new(big.Int).Lsh(third, 1),
	}
	for _, base := range bases {
		for _, d := range []int64{-6450, -3225, -569 * 569, -617, -570, -569, -568, -223, -222, -112, -111, -1, 0, 1, 2, 110, 111, 112, 222, 223, 568, 569, 570, 617, 1000, 3225, 6450} {
			out = append(out, f.operand(new(big.Int).Add(base, big.NewInt(d))))
		}
	}
	// Multiplied by half the limit, these have a highest word whose product
	// with what is folded has a lower half near 2^64.
	word := new(big.Int).Lsh(big.NewInt(1), 64)
	for _, fold := range []int64{222, 569, 617, 6450} {
		for _, k := range []int64{fold / 2, fold/2 + 1, fold - 1} {
			v := new(big.Int).Mul(word, big.NewInt(k))
			v.Div(v, big.NewInt(fold)).Lsh(v, f.bits-63) // the word, doubled, at the top
			v.Add(v, new(big.Int).Lsh(big.NewInt(1), f.bits-63)).Sub(v, big.NewInt(1))
			out = append(out, f.operand(v))
		}
	}
	return out
}

// TestAssemblerFields compares each operation on pairs of edges, of random
// words and of words that are empty or full.
func TestAssemblerFields(t *testing.T) {
	if !cpu.X86.ADX {
		return // there is nothing to compare
	}
	source := rand.New(rand.NewPCG(5, 12))
	for _, f := range asmFields() {
		values := f.edges()
		if len(values) < 100 {
			t.Fatalf("%s: only %d edges", f.name, len(values))
		}
		for range 60 {
			v := new(big.Int)
			for range f.bits / 64 {
				w := [...]uint64{0, ^uint64(0), source.Uint64(), source.Uint64()}[source.IntN(4)]
				v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(w))
			}
			values = append(values, f.operand(v))
		}
		half := f.operand(new(big.Int).Lsh(big.NewInt(1), f.bits-1))
		for i, x := range values {
			if err := f.check(x, half); err != nil {
				t.Fatal(err)
			}
			for j := range values {
				if (i+j)%8 > 0 && i != j {
					continue
				}
				if err := f.check(x, values[j]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func FuzzAssemblerFields(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), []byte{1})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if !cpu.X86.ADX {
			return
		}
		for _, field := range asmFields() {
			most := int(field.bits / 8)
			x := new(big.Int).SetBytes(a[:min(len(a), most)])
			y := new(big.Int).SetBytes(b[:min(len(b), most)])
			if err := field.check(field.operand(x), field.operand(y)); err != nil {
				t.Error(err)
			}
		}
	})
}
