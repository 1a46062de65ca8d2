package path_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// TestWithdrawnKey uses the certificate of RFC 4491, section 4.2.
func TestWithdrawnKey(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc4491-gost2001.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	c, err := pki.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckSignatureFrom(c); err != nil {
		t.Fatal(err)
	}
	o := path.Options{Roots: pki.NewPool(c), At: time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC)}
	expect(t, c, o, path.ReasonLegacyAlgorithm)
	o.AllowLegacy = true
	expect(t, c, o, "")
}

// TestWithdrawnDigest: a certificate that an RSA authority signed with SHA-1.
func TestWithdrawnDigest(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	make509 := func(cn string, ca bool, parent *x509.Certificate) (*x509.Certificate, *pki.Certificate) {
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: cn}, NotBefore: testpki.Start, NotAfter: testpki.End,
			BasicConstraintsValid: true, IsCA: ca, SignatureAlgorithm: x509.SHA1WithRSA,
		}
		if parent == nil {
			parent = tmpl
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := pki.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		x, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return x, c
	}
	x, root := make509("Root", true, nil)
	_, leaf := make509("Leaf", false, x)
	o := path.Options{Roots: pki.NewPool(root), At: testpki.Now}
	expect(t, root, o, "") // an anchor's own signature proves nothing
	expect(t, leaf, o, path.ReasonLegacyAlgorithm)
	o.AllowLegacy = true
	expect(t, leaf, o, "")
}

func TestLegacySignature(t *testing.T) {
	for id, want := range map[oid.OID]bool{
		oid.SHA1: true, oid.SHA1WithRSA: true, oid.ECDSAWithSHA1: true, oid.GOST341194: true, oid.GOST2001WithGOST341194: true, oid.MD5: true,
		oid.Streebog256: false, oid.GOST2012_256WithStreebog256: false, oid.SHA256WithRSA: false, oid.GOST2012_256: false,
	} {
		if path.LegacySignature(alg.Identifier{OID: id}) != want {
			t.Errorf("%s: %v", id.Name(), !want)
		}
	}
}

// TestMalformed: what the parser marks as an error is refused, even as an anchor.
func TestMalformed(t *testing.T) {
	c := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil).Cert
	version := bytes.Clone(c.Raw)
	at := bytes.Index(version, []byte{0xa0, 3, 2, 1, 2})
	version[at+4] = 0 // version 1 with extensions: RFC 5280, section 4.1.2.1
	off := bytes.Clone(c.Raw)
	off[bytes.Index(off, c.RawSubjectPublicKeyInfo)+len(c.RawSubjectPublicKeyInfo)-1] ^= 1 // the point leaves the curve
	for name, der := range map[string][]byte{"v1 with extensions": version, "point off the curve": off} {
		bad, err := pki.ParseCertificate(der)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Run(name, func(t *testing.T) {
			expect(t, bad, path.Options{Roots: pki.NewPool(bad), At: testpki.Now}, path.ReasonMalformed)
		})
	}
}

func TestIndeterminate(t *testing.T) {
	for r, want := range map[path.Reason]bool{
		path.ReasonNoChain: true, path.ReasonAlgorithm: true, path.ReasonUnsupported: true, path.ReasonLimit: true,
		path.ReasonSignature: false, path.ReasonExpired: false, path.ReasonMalformed: false, path.ReasonNotCA: false,
	} {
		if r.Indeterminate() != want {
			t.Errorf("%s: %v", r, !want)
		}
	}
}
