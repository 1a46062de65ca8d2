package alg_test

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// TestVerifyMessages: many checks at once give what each gives alone, whatever
// stands beside it.
func TestVerifyMessages(t *testing.T) {
	var checks []alg.MessageCheck
	kinds := [][2]string{{"gost2012-256", "cryptopro-a"}, {"gost2012-256", "tc26-256-a"}, {"gost2012-512", "tc26-512-a"}, {"ecdsa-p256", ""}, {"ed25519", ""}}
	for n := range 40 {
		kind := kinds[n%len(kinds)]
		key, err := alg.GenerateKey(kind[0], kind[1])
		if err != nil {
			t.Fatal(err)
		}
		id := alg.SignatureForKey(key.Public())
		message := fmt.Append(nil, "message", n)
		sig, err := alg.SignMessage(nil, key, id, message)
		if err != nil {
			t.Fatal(err)
		}
		good := alg.MessageCheck{Key: key.Public(), Algorithm: id, Message: message, Signature: sig}
		bad := func(change func(c *alg.MessageCheck)) {
			c := good
			c.Signature = slices.Clone(c.Signature)
			change(&c)
			checks = append(checks, c)
		}
		checks = append(checks, good)
		switch n % 8 {
		case 0:
			bad(func(c *alg.MessageCheck) { c.Signature[0] ^= 1 })
		case 1:
			bad(func(c *alg.MessageCheck) { c.Signature = nil })
		case 2:
			bad(func(c *alg.MessageCheck) { c.Message = nil })
		case 3:
			bad(func(c *alg.MessageCheck) { c.Key = crypto.PublicKey(nil) })
		case 4:
			bad(func(c *alg.MessageCheck) { c.Algorithm = alg.Identifier{OID: oid.GOST2012_512WithStreebog512} })
		case 5:
			bad(func(c *alg.MessageCheck) { c.Algorithm = alg.Identifier{OID: "1.2.3"} })
		case 6:
			bad(func(c *alg.MessageCheck) { c.Digest = alg.Identifier{OID: oid.SHA256} })
		case 7:
			bad(func(c *alg.MessageCheck) { c.Digest = alg.HashForKey(c.Key) })
		}
	}
	valid := 0
	for i, got := range alg.VerifyMessages(checks) {
		c := checks[i]
		want := alg.VerifyMessage(c.Key, c.Algorithm, c.Digest, c.Message, c.Signature)
		if fmt.Sprint(got) != fmt.Sprint(want) || errors.Is(got, alg.ErrSignature) != errors.Is(want, alg.ErrSignature) {
			t.Errorf("check %d: %v, alone %v", i, got, want)
		}
		if got == nil {
			valid++
		}
	}
	if valid < 40 || valid == len(checks) {
		t.Errorf("%d valid of %d", valid, len(checks))
	}
	if got := alg.VerifyMessages(nil); len(got) != 0 {
		t.Errorf("%v for no check", got)
	}
}
