//go:build amd64 && !purego

package field

import (
	"math/rand/v2"
	"testing"
)

// gcdModuli are the primes of the fields.
var gcdModuli = map[string]*gcdModulus{
	"2^256-617": &f256m617GCD, "2^255+3225": &f255p3225GCD, "2^255+1073": &f255p1073GCD, "CryptoPro-C": &f256CGCD,
	"2^512-569": &f512m569GCD, "2^511+111": &f511p111GCD, "test 512": &f512TGCD,
}

// compareGCD runs the steps for g in both implementations: everything that
// they leave must be equal.
func compareGCD(t *testing.T, g *wide) {
	t.Helper()
	for name, p := range gcdModuli {
		start := gcdState{f: p.m, g: *g, zeta: -1}
		start.e[0] = 1
		for i := p.n - 1; i < len(start.g); i++ { // below 2^(60(n-1)+16), so below the modulus or not much above
			start.g[i] = 0
		}
		got, want := start, start
		got.run(p)
		want.runGeneric(p)
		if got != want {
			t.Fatalf("%s: g = %x: %+v, want %+v", name, start.g, got, want)
		}
	}
}

func TestInvertDifferential(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 2000 {
		var g wide
		for j := range g {
			g[j] = int64(r.Uint64() & limbMask)
			switch (i + r.IntN(4)) % 6 { // runs of ones and zeros
			case 0:
				g[j] = 0
			case 1:
				g[j] = limbMask
			case 2:
				g[j] = 1 << r.IntN(limbBits)
			}
		}
		compareGCD(t, &g)
	}
}

func FuzzInvert(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint64(3), uint64(4), uint64(5), uint64(6), uint64(7), uint64(8))
	f.Fuzz(func(t *testing.T, a, b, c, d, e, f, g, h uint64) {
		var w wide
		toWide(&w, []uint64{a, b, c, d, e, f, g, h})
		compareGCD(t, &w)
	})
}
