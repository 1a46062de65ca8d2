package verify_test

import (
	"bytes"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// TestAdversaryAttached: time stamps, countersignatures and second signers on
// every parameter set, each of them good, then with one bit of its signature
// value changed.
func TestAdversaryAttached(t *testing.T) {
	for _, curve := range gost3410.Curves() {
		if curve.IsTest() {
			continue
		}
		t.Run(curve.Name(), func(t *testing.T) {
			algorithm := "gost2012-256"
			if curve.Size() == 64 {
				algorithm = "gost2012-512"
			}
			key := testpki.Key(t, algorithm, curve.Name())
			c := &testpki.Chain{Root: testpki.IssueKey(t, testpki.CA(t, "CN=Root"), nil, testpki.Key(t, algorithm, curve.Name()))}
			c.Sub = testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), c.Root, testpki.Key(t, algorithm, curve.Name()))
			c.Leaf = testpki.IssueKey(t, testpki.Leaf(t, "CN=Leaf"), c.Sub, key)
			stamping := testpki.Leaf(t, "CN=TSA")
			stamping.ExtKeyUsage, stamping.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
			authority := testpki.IssueKey(t, stamping, c.Sub, testpki.Key(t, algorithm, curve.Name()))
			second := testpki.Issue(t, testpki.Leaf(t, "CN=Second"), c.Sub)
			v := verifier(t, c)

			plain := message{signer: c.Leaf}.sign(t)
			for name, m := range map[string]struct {
				sig  []byte
				part func(sd *cms.SignedData) []byte // whose signature value is changed
			}{
				"plain": {plain, func(sd *cms.SignedData) []byte { return sd.Signers[0].Signature }},
				"time stamp": {message{signer: c.Leaf, change: stamped(t, authority, testpki.Now.AddDate(0, 0, -1), same)}.sign(t), func(sd *cms.SignedData) []byte {
					token, err := cms.ReadSigned(bytes.NewReader(sd.Signers[0].TimeStamps()[0]), nil, cms.Limits{})
					if err != nil {
						t.Fatal(err)
					}
					return token.Signers[0].Signature
				}},
				"countersignature": {message{signer: c.Leaf, change: counter(t, second, nil), more: []*pki.Certificate{second.Cert}}.sign(t), func(sd *cms.SignedData) []byte {
					list, err := sd.Signers[0].CounterSignatures()
					if err != nil {
						t.Fatal(err)
					}
					return list[0].Signature
				}},
				"second signer": {manySigners(t, []*testpki.Entity{c.Leaf, second}, nil, nil), func(sd *cms.SignedData) []byte { return sd.Signers[1].Signature }},
			} {
				want(t, judge(t, v, m.sig, document), verify.VerdictValid, "")
				sd, err := cms.ReadSigned(bytes.NewReader(m.sig), nil, cms.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				bad := bytes.Clone(m.sig)
				bad[indexOf(bad, m.part(sd))+7] ^= 4
				t.Run(name, func(t *testing.T) {
					want(t, judge(t, v, bad, document), verify.VerdictInvalid, verify.SigCryptoFailure)
				})
			}
		})
	}
}
