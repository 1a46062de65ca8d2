//go:build amd64 && !purego

package gost3410

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/internal/cpu"
)

// operands supplies a comparison with numbers. The words come from source; some
// of them choose a value at which carries happen.
type operands struct {
	source  func() uint64
	prime   []uint64
	reduced bool
	n       int
	neg     uint64
	withT   bool
}

// element returns an operand of n limbs in the first of the eight. Where the
// field's elements are not always reduced, neither is it.
func (o *operands) element(n int) (z [8]uint64) {
	choice := o.source()
	for i := range n {
		switch choice % 8 {
		case 0: // small
		case 1: // 2^(64n) - 1
			z[i] = ^uint64(0)
		case 2, 3: // p
			z[i] = o.prime[i]
		case 4: // some limbs full, some empty
			z[i] = -(choice >> (8 + i) & 1)
		case 5: // one bit
			if int(choice>>8%uint64(n)) == i {
				z[i] = 1 << (choice >> 16 % 64)
			}
		default:
			z[i] = o.source()
		}
	}
	var c uint64
	if d := choice >> 32 % 2048; choice%8 < 6 { // and some steps beside it
		z[0], c = bits.Add64(z[0], d>>1, 0)
		if d&1 == 1 {
			z[0], c = bits.Sub64(z[0], d, 0)
			for i := 1; i < n; i++ {
				z[i], c = bits.Sub64(z[i], 0, c)
			}
		} else {
			for i := 1; i < n; i++ {
				z[i], c = bits.Add64(z[i], 0, c)
			}
		}
	}
	if o.reduced {
		o.reduce(z[:n])
	}
	return z
}

func (o *operands) reduce(z []uint64) {
	for {
		var d [8]uint64
		var c uint64
		for i := range z {
			d[i], c = bits.Sub64(z[i], o.prime[i], c)
		}
		if c == 1 {
			return
		}
		copy(z, d[:])
	}
}

func comparePoints(t *testing.T, source func() uint64, times int) {
	t.Helper()
	if !cpu.X86.ADX || !cpu.X86.AVX2 {
		return // the portable code is all there is: nothing to compare
	}
	if len(pointPrograms) == 0 {
		t.Fatal("no curve has assembly")
	}
	for name, program := range pointPrograms {
		o := &operands{source: source, prime: program.bound, reduced: program.reduced}
		for range times {
			choice := source()
			o.n, o.neg, o.withT = 1+int(choice%6), choice>>8&1, choice>>9&1 == 1
			if err := program.compare(o); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// TestPointsDifferential compares the operations of points with operands at
// the edges; they need not lie on the curve, for the formulas are the same.
func TestPointsDifferential(t *testing.T) {
	comparePoints(t, rand.New(rand.NewPCG(3, 4)).Uint64, 3000)
}

func FuzzPoints(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		source := rand.New(rand.NewPCG(uint64(len(data)), 1)).Uint64 // when data has ended
		comparePoints(t, func() uint64 {
			if len(data) < 8 {
				return source()
			}
			v := binary.LittleEndian.Uint64(data)
			data = data[8:]
			return v
		}, 1)
	})
}
