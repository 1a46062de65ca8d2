package second_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// TestStreebogFirstPath: both paths agree on messages of every length around
// the block's, and on longer ones with many carries.
func TestStreebogFirstPath(t *testing.T) {
	message := make([]byte, 1000)
	if _, err := rand.Read(message); err != nil {
		t.Fatal(err)
	}
	check := func(m []byte) {
		t.Helper()
		s256, s512 := streebog.Sum256(m), streebog.Sum512(m)
		if !bytes.Equal(second.Streebog256(m), s256[:]) || !bytes.Equal(second.Streebog512(m), s512[:]) {
			t.Errorf("the paths disagree on %d octets", len(m))
		}
	}
	for n := range 200 {
		check(message[:n])
	}
	check(message)
	check(bytes.Repeat([]byte{0xff}, 640))
}

// TestVerifyFirstPath: signatures of the first path verify on every parameter
// set, and not over another digest.
func TestVerifyFirstPath(t *testing.T) {
	for _, name := range [][2]string{
		{"gost2012-256", "cryptopro-a"},
		{"gost2012-256", "cryptopro-b"},
		{"gost2012-256", "cryptopro-c"},
		{"gost2012-256", "cryptopro-xcha"},
		{"gost2012-256", "cryptopro-xchb"},
		{"gost2012-256", "tc26-256-a"},
		{"gost2012-256", "tc26-256-b"},
		{"gost2012-256", "tc26-256-c"},
		{"gost2012-256", "tc26-256-d"},
		{"gost2012-512", "tc26-512-a"},
		{"gost2012-512", "tc26-512-b"},
		{"gost2012-512", "tc26-512-c"},
	} {
		key, err := alg.GenerateKey(name[0], name[1])
		if err != nil {
			t.Fatal(err)
		}
		pub := key.Public().(*gost3410.PublicKey)
		size := pub.Curve().Size()
		digest := make([]byte, size)
		if _, err := rand.Read(digest); err != nil {
			t.Fatal(err)
		}
		sig, err := key.Sign(rand.Reader, digest, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !second.VerifyKey(spki(t, key), digest, sig) {
			t.Errorf("%s: it does not verify", name)
		}
		digest[0] ^= 1
		if second.VerifyKey(spki(t, key), digest, sig) {
			t.Errorf("%s: it verifies over another digest", name)
		}
		// e = 0 counts as 1.
		sig, err = key.Sign(nil, make([]byte, size), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !second.VerifyKey(spki(t, key), make([]byte, size), sig) {
			t.Errorf("%s: the digest zero does not verify", name)
		}
	}
}
