package verify_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// twins are n copies of a certificate with other serial numbers: its key, and
// signatures that do not verify.
func twins(t testing.TB, c *pki.Certificate, n int) [][]byte {
	t.Helper()
	at := bytes.Index(c.Raw, c.RawSerial)
	var out [][]byte
	for i := range n {
		der := bytes.Clone(c.Raw)
		binary.BigEndian.PutUint32(der[at+1:], uint32(i))
		out = append(out, der)
	}
	return out
}

// within fails the test if f takes much longer than it should. The bound is
// generous: it tells seconds from minutes.
func within(t *testing.T, most time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	took := time.Since(start)
	t.Logf("%v", took.Round(time.Millisecond))
	if took > most {
		t.Errorf("took %v, may take %v", took, most)
	}
}

// TestHostileBounds: messages over the limits are refused at once.
func TestHostileBounds(t *testing.T) {
	pk := testpki.NewChain(t)
	for name, change := range map[string]func(f *forged){
		"certificates": func(f *forged) { f.certificates = twins(t, pk.Sub.Cert, 10000) },
		"attributes": func(f *forged) {
			for range 10000 {
				f.unsigned = append(f.unsigned, attribute("1.2.3.4", []byte{5, 0}))
			}
		},
		"digests": func(f *forged) {
			for range 10000 {
				f.listed = append(f.listed, f.digest)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForged(t, pk.Leaf, true)
			change(f)
			data := f.encode(t)
			var limit *cms.LimitError
			within(t, 5*time.Second, func() {
				if _, err := verifier(t, pk).Verify(t.Context(), bytes.NewReader(data), nil); !errors.As(err, &limit) {
					t.Errorf("%v", err)
				}
			})
		})
	}
	t.Run("nesting", func(t *testing.T) {
		deep := []byte{5, 0}
		for range 1000 {
			deep = der.Wrap(0x30, deep)
		}
		f := newForged(t, pk.Leaf, true)
		f.certificates = [][]byte{deep}
		f.unsigned = [][]byte{attribute("1.2.3.4", deep)}
		for _, ber := range []bool{false, true} {
			f.ber = ber
			within(t, 5*time.Second, func() { _, _ = verifier(t, pk).Verify(t.Context(), bytes.NewReader(f.encode(t)), nil) })
		}
		within(t, 5*time.Second, func() {
			if _, err := verifier(t, pk).Verify(t.Context(), bytes.NewReader(deep), nil); err == nil {
				t.Error("accepted")
			}
		})
	})
}

// manySigners is a message with a signature for each of the leaves.
func manySigners(t *testing.T, leaves []*testpki.Entity, bag [][]byte, revocations [][]byte) []byte {
	t.Helper()
	msg := cms.Message{Certificates: bag, Revocations: revocations}
	var signers []*cms.SignerInfo
	for _, e := range leaves {
		si, err := cms.BuildSigner(rand.Reader, cms.SignerRequest{Key: e.Key, Certificate: e.Cert, Digest: digest(t, e.Cert.PublicKey, []byte(document)), SigningTime: testpki.Now})
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, si)
		msg.AddCertificates(e.Cert)
	}
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, msg, signers); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestHostileBag: signers whose issuer has hundreds of certificates, none of
// which leads anywhere.
func TestHostileBag(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	rogue := testpki.IssueKey(t, testpki.CA(t, "CN=Rogue"), root, testpki.Key(t, "gost2012-512", "tc26-512-b"))
	var leaves []*testpki.Entity
	key := testpki.Key(t, "gost2012-512", "tc26-512-b")
	for range 300 {
		leaves = append(leaves, testpki.IssueKey(t, testpki.Leaf(t, "CN=Leaf"), rogue, key))
	}
	data := manySigners(t, leaves, twins(t, rogue.Cert, 600), nil)
	v := &verify.Verifier{Roots: pki.NewPool(root.Cert), Now: func() time.Time { return testpki.Now }}
	within(t, 20*time.Second, func() {
		report := judge(t, v, data, document)
		if report.Status == verify.Passed || report.Verdict() == verify.VerdictRevoked {
			t.Errorf("%v %s", report.Verdict(), report.Reason)
		}
	})
}

// TestHostileResponses: a message full of answers about the signer from
// nobody.
func TestHostileResponses(t *testing.T) {
	pk := testpki.NewChain(t)
	var leaves []*testpki.Entity
	for range 50 {
		leaves = append(leaves, pk.Leaf)
	}
	id, err := ocsp.NewCertID(pk.Leaf.Cert, pk.Sub.Cert, alg.Identifier{OID: oid.Streebog512})
	if err != nil {
		t.Fatal(err)
	}
	id.IssuerKeyHash[0] ^= 1
	tmpl := &ocsp.ResponseTemplate{ProducedAt: testpki.Now}
	for range 4000 {
		tmpl.Singles = append(tmpl.Singles, ocsp.Single{ID: id, Status: ocsp.Good, ThisUpdate: testpki.Now})
	}
	raw, err := ocsp.CreateResponse(rand.Reader, tmpl, pk.Leaf.Cert, pk.Leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := ocsp.ParseResponse(raw)
	if err != nil {
		t.Fatal(err)
	}
	choice := der.Wrap(0xa1, oidDER(oid.RevocationInfoOCSP), resp.BasicRaw)
	var carried [][]byte
	for i := range 20 { // differing, so that each is written
		carried = append(carried, append(bytes.Clone(choice[:len(choice)-1]), byte(i)))
	}
	data := manySigners(t, leaves, [][]byte{pk.Sub.Cert.Raw}, carried)
	v := verifier(t, pk)
	within(t, 30*time.Second, func() { _ = judge(t, v, data, document) })
}

// TestHostileKeys: keys that make a verification expensive are refused.
func TestHostileKeys(t *testing.T) {
	pk := testpki.NewChain(t)
	big1 := new(big.Int).Lsh(big.NewInt(1), 65535)
	big1.SetBit(big1, 0, 1)
	spki := func(n, e *big.Int) []byte {
		return der.Wrap(0x30, alg.NULL(oid.RSA).DER(), der.Wrap(3, []byte{0}, der.Wrap(0x30, integerDER(n), integerDER(e))))
	}
	for name, key := range map[string][]byte{
		"RSA of 64 Kbit":         spki(big1, big.NewInt(65537)),
		"RSA with exponent 2^32": spki(new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 2047), 0, 1), big.NewInt(1<<32+1)),
		"RSA with exponent 1":    spki(new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 2047), 0, 1), big.NewInt(1)),
		"ECDSA on an odd curve":  der.Wrap(0x30, der.Wrap(0x30, oidDER("1.2.840.10045.2.1"), oidDER("1.3.36.3.3.2.8.1.1.7")), der.Wrap(3, []byte{0, 4}, make([]byte, 64))),
	} {
		t.Run(name, func(t *testing.T) {
			raw := bytes.Replace(pk.Leaf.Cert.RawTBSCertificate[4:], pk.Leaf.Cert.RawSubjectPublicKeyInfo, key, 1)
			tbs := der.Wrap(0x30, raw)
			cert, err := pki.ParseCertificate(der.Wrap(0x30, tbs, pk.Leaf.Cert.SignatureAlgorithm.DER(), der.Wrap(3, []byte{0}, mustSign(t, pk.Sub, tbs))))
			if err != nil {
				t.Fatal(err)
			}
			within(t, 2*time.Second, func() {
				report, err := verifier(t, pk).VerifyCertificate(t.Context(), cert)
				consistent(t, report, err)
				if report.Status == verify.Passed {
					t.Error("accepted")
				}
			})
		})
	}
}
