//go:build bench

package bench_test

import (
	"crypto/rand"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
)

// signatureTargets are the least ratios of the portable code and of the
// assembler's.
var signatureTargets = []struct {
	curve              gost3410.Curve
	alg, set           string
	sign, verify       float64
	signAsm, verifyAsm float64
}{
	{gost3410.CryptoProA(), "gost2012_256", "A", 1.8, 2.4, 3.2, 3.3},
	{gost3410.TC26A256(), "gost2012_256", "TCA", 1.4, 1.6, 2.4, 2.2},
	{gost3410.CryptoProB(), "gost2012_256", "B", 2.0, 2.6, 3.4, 3.5},
	{gost3410.CryptoProC(), "gost2012_256", "C", 2.0, 2.6, 3.4, 3.5},
	{gost3410.TC26A512(), "gost2012_512", "A", 1.6, 1.3, 2.7, 2.3},
	{gost3410.TC26B512(), "gost2012_512", "B", 3.0, 0, 5.0, 0},
	{gost3410.TC26C512(), "gost2012_512", "C", 1.3, 0, 2.3, 0},
}

func signatureRows() (rows []row) {
	for _, s := range signatureTargets {
		arg := s.alg + ":" + s.set
		rows = append(rows, row{
			name: s.curve.Name() + " sign", peerOp: "sign", peerArg: arg, portable: s.sign, asm: s.signAsm, needs: adx,
			ours: func(t *testing.T) func() { return signing(t, s.curve) },
		}, row{
			name: s.curve.Name() + " verify", peerOp: "verify", peerArg: arg, portable: s.verify, asm: s.verifyAsm, needs: adx,
			ours: func(t *testing.T) func() { return verifying(t, manySigners(t, s.curve)) },
		}, row{
			name: s.curve.Name() + " verify, one key", peerOp: "verify", peerArg: arg, needs: adx,
			ours: func(t *testing.T) func() { return verifying(t, checks(t, s.curve, 1)) },
		})
	}
	return rows
}

// batchRows are the rows of VerifyBatch: 64 checks by 64 signers in one call.
func batchRows() (rows []row) {
	const n = 64
	for _, s := range signatureTargets {
		rows = append(rows, row{
			name: s.curve.Name() + " verify, batch of 64", peerOp: "verify", peerArg: s.alg + ":" + s.set, needs: ifma, count: n,
			ours: func(t *testing.T) func() {
				all, valid, next := manySigners(t, s.curve), make([]bool, n), 0
				return func() {
					gost3410.VerifyBatch(all[next:next+n], valid)
					for _, ok := range valid {
						if !ok {
							t.Fatal("own signature refused")
						}
					}
					next = (next + n) % len(all)
				}
			},
		})
	}
	return rows
}

func signing(t *testing.T, c gost3410.Curve) func() {
	t.Helper()
	key, err := gost3410.GenerateKey(c)
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, c.Size())
	return func() {
		if _, err := key.Sign(rand.Reader, digest, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func verifying(t *testing.T, all []gost3410.Check) func() {
	t.Helper()
	next := 0
	return func() {
		c := &all[next]
		next = (next + 1) % len(all)
		if !gost3410.Verify(c.Key, c.Digest, c.Signature) {
			t.Fatal("own signature refused")
		}
	}
}

// manySigners returns so many checks by different keys that no cache of hot keys
// holds them, a multiple of 64.
func manySigners(t *testing.T, c gost3410.Curve) []gost3410.Check {
	t.Helper()
	if c.Size() == 64 {
		return checks(t, c, 2048)
	}
	return checks(t, c, 8192)
}

func checks(t *testing.T, c gost3410.Curve, n int) []gost3410.Check {
	t.Helper()
	all := make([]gost3410.Check, n)
	for i := range all {
		key, err := gost3410.GenerateKey(c)
		if err != nil {
			t.Fatal(err)
		}
		digest := make([]byte, c.Size())
		digest[0] = byte(i)
		sig, err := key.Sign(rand.Reader, digest, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = gost3410.Check{Key: key.PublicKey(), Digest: digest, Signature: sig}
	}
	return all
}
