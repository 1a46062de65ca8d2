package gost3410_test

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// opensslSets are the names of gost-engine for the parameter sets that it has.
var opensslSets = []struct {
	curve    gost3410.Curve
	alg, set string
}{
	{gost3410.CryptoProA(), "gost2012_256", "A"},
	{gost3410.CryptoProB(), "gost2012_256", "B"},
	{gost3410.CryptoProC(), "gost2012_256", "C"},
	{gost3410.CryptoProXchA(), "gost2012_256", "XA"},
	{gost3410.CryptoProXchB(), "gost2012_256", "XB"},
	{gost3410.TC26A256(), "gost2012_256", "TCA"},
	{gost3410.TC26B256(), "gost2012_256", "TCB"},
	{gost3410.TC26C256(), "gost2012_256", "TCC"},
	{gost3410.TC26D256(), "gost2012_256", "TCD"},
	{gost3410.CryptoProTest(), "gost2012_256", "0"},
	{gost3410.TC26A512(), "gost2012_512", "A"},
	{gost3410.TC26B512(), "gost2012_512", "B"},
	{gost3410.TC26C512(), "gost2012_512", "C"},
}

// TestOpenSSL signs and verifies with gost-engine in both directions.
func TestOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	gost3410.EachImplementation(t, testOpenSSL)
}

func testOpenSSL(t *testing.T) {
	for _, s := range opensslSets {
		t.Run(s.curve.Name(), func(t *testing.T) {
			n, dir := s.curve.Size(), t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			write := func(name string, b []byte) string {
				t.Helper()
				if err := os.WriteFile(path(name), b, 0o600); err != nil {
					t.Fatal(err)
				}
				return path(name)
			}
			peer.MustOpenSSL(t, "genpkey", "-algorithm", s.alg, "-pkeyopt", "paramset:"+s.set, "-out", path("k.pem"))
			// PKCS #8 ends with the key, SubjectPublicKeyInfo with the point.
			p8 := peer.MustOpenSSL(t, "pkey", "-in", path("k.pem"), "-outform", "DER")
			spki := peer.MustOpenSSL(t, "pkey", "-in", path("k.pem"), "-pubout", "-outform", "DER")
			key, err := gost3410.NewPrivateKey(s.curve, p8[len(p8)-n:])
			if err != nil {
				t.Fatal(err)
			}
			pub, err := gost3410.NewPublicKey(s.curve, spki[len(spki)-2*n:])
			if err != nil {
				t.Fatal(err)
			}
			if !pub.Equal(key.Public()) {
				t.Fatal("the public keys differ")
			}
			digest := make([]byte, n)
			rand.Read(digest)
			in := write("digest", digest)

			theirs := peer.MustOpenSSL(t, "pkeyutl", "-sign", "-inkey", path("k.pem"), "-in", in)
			if !gost3410.Verify(pub, digest, theirs) {
				t.Error("their signature refused")
			}
			theirs[n/2] ^= 1
			if gost3410.Verify(pub, digest, theirs) {
				t.Error("their signature accepted with a bit changed")
			}

			// A key of ours in their envelope.
			mine, err := gost3410.GenerateKey(s.curve)
			if err != nil {
				t.Fatal(err)
			}
			der := append(bytes.Clone(spki[:len(spki)-2*n]), mine.PublicKey().Bytes()...)
			pubPEM := write("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			ours, err := mine.Sign(rand.Reader, digest, nil)
			if err != nil {
				t.Fatal(err)
			}
			verify := func(sig []byte) bool {
				return peer.OpenSSL(t, peer.Run{Args: []string{
					"pkeyutl", "-verify", "-pubin", "-inkey", pubPEM,
					"-in", in, "-sigfile", write("sig", sig),
				}}).Err == nil
			}
			if !verify(ours) {
				t.Error("they refuse our signature")
			}
			ours[n] ^= 1
			if verify(ours) {
				t.Error("they accept our signature with a bit changed")
			}
		})
	}
}
