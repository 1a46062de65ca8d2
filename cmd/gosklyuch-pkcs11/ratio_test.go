//go:build bench && cgo && unix

package main_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// maxRatio is what a signature through the module may cost, in signatures made
// without PKCS #11.
const maxRatio = 1.5

// TestRatioModule takes both ways in turns, so that a busy machine slows them
// alike, and compares the fastest rounds.
func TestRatioModule(t *testing.T) {
	ctx := start(t, "")
	s := ready(t, ctx)
	for _, tt := range []struct {
		gen, sign uint
		id        oid.OID
		curve     gost3410.Curve
	}{
		{pkcs11.CKM_GOSTR3410_KEY_PAIR_GEN, pkcs11.CKM_GOSTR3410, oid.CryptoProA, gost3410.CryptoProA()},
		{pkcs11.CKM_GOSTR3410_KEY_PAIR_GEN, pkcs11.CKM_GOSTR3410, oid.TC26_256A, gost3410.TC26A256()},
		{keyPairGen512, sign512, oid.TC26_512A, gost3410.TC26A512()},
	} {
		_, priv := generate(t, ctx, s, tt.gen, tt.id, tt.curve.Name())
		key, err := gost3410.GenerateKey(tt.curve)
		check(t, err)
		digest := make([]byte, tt.curve.Size())
		mech := []*pkcs11.Mechanism{pkcs11.NewMechanism(tt.sign, nil)}
		const rounds, each = 20, 100
		direct, through := time.Hour, time.Hour
		for range rounds {
			began := time.Now()
			for range each {
				_, err := key.Sign(rand.Reader, digest, nil)
				check(t, err)
			}
			half := time.Now()
			for range each {
				check(t, ctx.SignInit(s, mech, priv))
				_, err := ctx.Sign(s, digest)
				check(t, err)
			}
			direct, through = min(direct, half.Sub(began)), min(through, time.Since(half))
		}
		ratio := float64(through) / float64(direct)
		t.Logf("%s: direct %v, through the module %v, ratio %.2f", tt.curve.Name(), direct/each, through/each, ratio)
		if ratio > maxRatio {
			t.Errorf("%s: ratio %.2f, more than %.1f", tt.curve.Name(), ratio, maxRatio)
		}
	}
}
