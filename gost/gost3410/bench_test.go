package gost3410

import (
	"crypto/rand"
	"crypto/sha512"
	"testing"
	"time"
)

func BenchmarkSign(b *testing.B) {
	for _, c := range Curves() {
		b.Run(c.Name(), func(b *testing.B) {
			key, err := GenerateKey(c)
			if err != nil {
				b.Fatal(err)
			}
			digest := make([]byte, c.Size())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Sign(rand.Reader, digest, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, c := range Curves() {
		b.Run(c.Name(), func(b *testing.B) {
			key, err := GenerateKey(c)
			if err != nil {
				b.Fatal(err)
			}
			digest := make([]byte, c.Size())
			sig, err := key.Sign(rand.Reader, digest, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !Verify(key.PublicKey(), digest, sig) {
					b.Fatal("own signature refused")
				}
			}
		})
	}
}

// BenchmarkNewPublicKey measures the checks of a public key, and the first
// verification under it, which computes its table.
func BenchmarkNewPublicKey(b *testing.B) {
	for _, c := range Curves() {
		b.Run(c.Name(), func(b *testing.B) {
			key, err := GenerateKey(c)
			if err != nil {
				b.Fatal(err)
			}
			raw := key.PublicKey().Bytes()
			for b.Loop() {
				if _, err := NewPublicKey(c, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkImplementations measures the operations in each implementation side
// by side: the shortest time of a slice counts, so that other work on the
// machine does not. x-portable is the ratio to the portable code.
func BenchmarkImplementations(b *testing.B) {
	for _, c := range distinctCurves() {
		for name, op := range benchmarkedOperations(b, c) {
			b.Run(c.Name()+"/"+name, func(b *testing.B) {
				best := map[string]time.Duration{}
				for b.Loop() {
					for _, implementation := range implementations() {
						before := force(implementation)
						start := time.Now()
						for range 8 {
							op()
						}
						took := time.Since(start) / 8
						force(before)
						if least, ok := best[implementation]; !ok || took < least {
							best[implementation] = took
						}
					}
				}
				for implementation, took := range best {
					b.ReportMetric(float64(took)/1e3, implementation+"-µs")
					if implementation != "portable" {
						b.ReportMetric(float64(best["portable"])/float64(took), "x-portable")
					}
				}
			})
		}
	}
}

func benchmarkedOperations(b *testing.B, c Curve) map[string]func() {
	b.Helper()
	key, peer := mustGenerate(b, c), mustGenerate(b, c)
	digest := make([]byte, c.Size())
	sig, err := key.Sign(nil, digest, nil)
	if err != nil {
		b.Fatal(err)
	}
	check := func(ok bool) {
		if !ok {
			b.Fatal("a result is wrong")
		}
	}
	verify := func(v verifier) func() {
		z1, z2, r, ok := multipliers(key.PublicKey(), digest, sig)
		check(ok)
		return func() { check(v.verify(&z1, &z2, &r)) }
	}
	g, pub := c.group(), key.PublicKey()
	return map[string]func(){
		"sign": func() {
			_, err := key.Sign(rand.Reader, digest, nil)
			check(err == nil)
		},
		"verify":      verify(g.prepare(&pub.x, &pub.y)),
		"verify-wide": verify(g.prepareWide(&pub.x, &pub.y)),
		"table":       func() { g.prepare(&pub.x, &pub.y) },
		"table-wide":  func() { g.prepareWide(&pub.x, &pub.y) },
		"agree": func() {
			_, err := key.VKO(peer.PublicKey(), []byte{1}, sha512.New)
			check(err == nil)
		},
	}
}
