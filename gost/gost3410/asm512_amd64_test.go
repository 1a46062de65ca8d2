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

// field512 is one field of 512 bits in assembler.
type field512 struct {
	name  string
	prime *big.Int
	half  *big.Int // 1/2
	ops   map[string]func(z, x, y *[8]uint64)
}

func fields512() []field512 {
	one := big.NewInt(1)
	minus := new(big.Int).Sub(new(big.Int).Lsh(one, 512), big.NewInt(569))
	plus := new(big.Int).Add(new(big.Int).Lsh(one, 511), big.NewInt(111))
	return []field512{
		{"2^512-569", minus, new(big.Int).ModInverse(big.NewInt(2), minus), map[string]func(z, x, y *[8]uint64){
			"mul": mul569ADX, "square": square569ADX, "add": add569ADX, "sub": sub569ADX,
			"double": double569ADX, "triple": triple569ADX, "half": half569ADX, "condNeg": condNeg569ADX,
		}},
		{"2^511+111", plus, new(big.Int).ModInverse(big.NewInt(2), plus), map[string]func(z, x, y *[8]uint64){
			"mul": mul111ADX, "square": square111ADX, "add": add111ADX, "sub": sub111ADX,
			"double": double111ADX, "triple": triple111ADX, "half": half111ADX, "condNeg": condNeg111ADX,
		}},
	}
}

// expected is what math/big says.
func (f *field512) expected(op string, x, y *big.Int) *big.Int {
	z := new(big.Int)
	switch op {
	case "mul":
		z.Mul(x, y)
	case "square":
		z.Mul(x, x)
	case "add":
		z.Add(x, y)
	case "sub":
		z.Sub(x, y)
	case "double":
		z.Add(x, x)
	case "triple":
		z.Mul(x, big.NewInt(3))
	case "half":
		z.Mul(x, f.half)
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
func (f *field512) check(x, y [8]uint64) error {
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
			if v.Mod(v, f.prime).Cmp(want) != 0 {
				return fmt.Errorf("%s: %s(%x, %x), place %d of the result: %x, want %x", f.name, name, x, b, i, v, want)
			}
		}
	}
	return nil
}

// edges512 are operands beside the numbers at which something carries.
func (f *field512) edges512() (out [][8]uint64) {
	limit := new(big.Int).Lsh(big.NewInt(1), 512)
	bases := []*big.Int{
		new(big.Int), f.prime, limit, new(big.Int).Rsh(limit, 1), new(big.Int).Sub(limit, f.prime),
		new(big.Int).Rsh(f.prime, 1), new(big.Int).Sub(limit, new(big.Int).Lsh(big.NewInt(1), 449)), new(big.Int).Rsh(limit, 256),
	}
	for _, base := range bases {
		for _, d := range []int64{-569 * 569, -570, -569, -568, -223, -222, -112, -111, -1, 0, 1, 2, 110, 111, 112, 222, 223, 568, 569, 570, 1000} {
			v := new(big.Int).Add(base, big.NewInt(d))
			if v.Sign() >= 0 && v.Cmp(limit) < 0 {
				out = append(out, limbsBig(v))
			}
		}
	}
	return out
}

// TestFields512 compares each operation on pairs of edges, of random words and
// of words that are empty or full.
func TestFields512(t *testing.T) {
	if !cpu.X86.ADX {
		return // there is nothing to compare
	}
	source := rand.New(rand.NewPCG(5, 12))
	for _, f := range fields512() {
		values := f.edges512()
		if len(values) < 100 {
			t.Fatalf("%s: only %d edges", f.name, len(values))
		}
		for range 60 {
			var v [8]uint64
			for i := range v {
				v[i] = [...]uint64{0, ^uint64(0), source.Uint64(), source.Uint64()}[source.IntN(4)]
			}
			values = append(values, v)
		}
		for i, x := range values {
			for j := range values {
				if (i+j)%4 > 0 && i != j {
					continue
				}
				if err := f.check(x, values[j]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func FuzzFields512(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), []byte{1})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if !cpu.X86.ADX {
			return
		}
		x := limbsBig(new(big.Int).SetBytes(a[:min(len(a), 64)]))
		y := limbsBig(new(big.Int).SetBytes(b[:min(len(b), 64)]))
		for _, field := range fields512() {
			if err := field.check(x, y); err != nil {
				t.Error(err)
			}
		}
	})
}
