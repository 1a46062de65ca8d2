package gost3410

import (
	"crypto/rand"
	"testing"
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
