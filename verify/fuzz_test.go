package verify_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// FuzzVerify: no input makes the verifier panic, contradict itself, accept a
// signature without an anchor, or accept one of a certificate it was not given.
func FuzzVerify(f *testing.F) {
	c := testpki.NewChain(f)
	good := verifier(f, c)
	nobody := &verify.Verifier{Now: good.Now}
	for _, m := range []message{
		{signer: c.Leaf},
		{signer: c.Leaf, attached: true},
		{signer: c.Leaf, plain: true},
		{signer: c.Leaf, keyID: true, more: []*pki.Certificate{c.Sub.Cert}},
	} {
		f.Add(m.sign(f))
	}
	stamped := addStamp(f, message{signer: c.Leaf}.sign(f), cms.StampSignature, stampSpec{tsa: tsa(f, c.Sub), at: testpki.Now.AddDate(0, 0, -2)})
	valued := addEvidence(f, stamped, alg.Identifier{OID: oid.Streebog256}, cms.Evidence{Certificates: []*pki.Certificate{c.Sub.Cert}, CRLs: lists(f, c).Lists})
	f.Add(addArchive(f, valued, stampSpec{tsa: tsa(f, c.Sub), at: testpki.Now.AddDate(0, 0, -1)}, nil))
	f.Add(signWith(f, c.Leaf, sigPolicy([]byte("rules"), f), contentStamp(f, tsa(f, c.Sub), testpki.Now.AddDate(0, 0, -2))))
	f.Fuzz(func(t *testing.T, sig []byte) {
		for _, v := range []*verify.Verifier{good, nobody} {
			report, err := v.Verify(t.Context(), bytes.NewReader(sig), strings.NewReader(document))
			if report == nil {
				if err == nil {
					t.Fatal("neither report nor error")
				}
				continue
			}
			consistent(t, report, err)
			if _, err := json.Marshal(report); err != nil {
				t.Fatal(err)
			}
			if report.Status != verify.Passed {
				continue
			}
			if v == nobody || !report.Signatures[0].Signer.Equal(c.Leaf.Cert) {
				t.Fatal("accepted")
			}
		}
	})
}
