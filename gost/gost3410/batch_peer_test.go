package gost3410_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// TestOpenSSLBatch verifies signatures of gost-engine side by side.
func TestOpenSSLBatch(t *testing.T) {
	peer.NeedOpenSSL(t)
	var checks []gost3410.Check
	for _, s := range opensslSets {
		n, dir := s.curve.Size(), t.TempDir()
		key, digest := filepath.Join(dir, "k.pem"), filepath.Join(dir, "digest")
		peer.MustOpenSSL(t, "genpkey", "-algorithm", s.alg, "-pkeyopt", "paramset:"+s.set, "-out", key)
		spki := peer.MustOpenSSL(t, "pkey", "-in", key, "-pubout", "-outform", "DER")
		pub, err := gost3410.NewPublicKey(s.curve, spki[len(spki)-2*n:])
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			d := make([]byte, n)
			rand.Read(d)
			if err := os.WriteFile(digest, d, 0o600); err != nil {
				t.Fatal(err)
			}
			sig := peer.MustOpenSSL(t, "pkeyutl", "-sign", "-inkey", key, "-in", digest)
			checks = append(checks, gost3410.Check{Key: pub, Digest: d, Signature: sig})
		}
	}
	valid := make([]bool, len(checks))
	gost3410.VerifyBatch(checks, valid)
	for i, v := range valid {
		if !v {
			t.Errorf("%s: their signature refused", opensslSets[i/4].curve)
		}
		checks[i].Signature[i%32] ^= 1
	}
	gost3410.VerifyBatch(checks, valid)
	for i, v := range valid {
		if v {
			t.Errorf("%s: their signature accepted with a bit changed", opensslSets[i/4].curve)
		}
	}
}
