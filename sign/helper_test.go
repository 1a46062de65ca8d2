package sign_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/sign"
)

// identity is a key with its certificate and the issuers above it.
type identity struct {
	key             crypto.Signer
	leaf, sub, root *pki.Certificate
}

// signer returns a Signer for the identity.
func (id identity) signer() *sign.Signer {
	return &sign.Signer{Key: id.key, Cert: id.leaf, Chain: []*pki.Certificate{id.sub, id.root}}
}

func mustKey(t testing.TB, algName, paramset string) crypto.Signer {
	t.Helper()
	key, err := alg.GenerateKey(algName, paramset)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustCertificate(t testing.TB, tmpl *pki.CertificateTemplate, parent *pki.Certificate, pub crypto.PublicKey, signer crypto.Signer) *pki.Certificate {
	t.Helper()
	raw, err := pki.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func template(t testing.TB, subject string, serial int64) *pki.CertificateTemplate {
	t.Helper()
	name, err := pki.ParseDN(subject)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	return &pki.CertificateTemplate{
		SerialNumber: big.NewInt(serial), Subject: name,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
}

// newIdentity makes a key with a chain of three. change may alter the leaf.
func newIdentity(t testing.TB, algName, paramset string, change ...func(*pki.CertificateTemplate)) identity {
	t.Helper()
	ca := func(tmpl *pki.CertificateTemplate) *pki.CertificateTemplate {
		tmpl.BasicConstraints, tmpl.IsCA, tmpl.MaxPathLen = true, true, -1
		tmpl.KeyUsage = pki.KeyUsageCertSign | pki.KeyUsageCRLSign
		return tmpl
	}
	suffix := algName + " " + paramset
	rootKey, subKey, key := mustKey(t, algName, paramset), mustKey(t, algName, paramset), mustKey(t, algName, paramset)
	root := mustCertificate(t, ca(template(t, "CN=Root "+suffix+",C=RU", 1)), nil, rootKey.Public(), rootKey)
	sub := mustCertificate(t, ca(template(t, "CN=Issuer "+suffix+",C=RU", 2)), root, subKey.Public(), rootKey)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := template(t, "CN=Иванов Иван "+suffix+",C=RU", serial.Int64())
	tmpl.KeyUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
	tmpl.ExtKeyUsage = []oid.OID{oid.EKUEmailProtection}
	for _, f := range change {
		f(tmpl)
	}
	leaf := mustCertificate(t, tmpl, sub, key.Public(), subKey)
	return identity{key: key, leaf: leaf, sub: sub, root: root}
}

// content returns n octets that do not repeat early.
func content(n int) []byte {
	out := make([]byte, n)
	x := uint32(1)
	for i := range out {
		x = x*1664525 + 1013904223
		out[i] = byte(x >> 24)
	}
	return out
}

// mustRead reads a signature. document is nil for an attached one, whose
// content is returned.
func mustRead(t testing.TB, signature, document []byte) (*cms.SignedData, []byte) {
	t.Helper()
	var buf bytes.Buffer
	sd, err := cms.ReadSigned(bytes.NewReader(signature), &buf, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if document != nil {
		if err := sd.DigestContent(bytes.NewReader(document)); err != nil {
			t.Fatal(err)
		}
	}
	return sd, buf.Bytes()
}

// checkAll checks every signature with the certificates in the message and
// returns the first error.
func checkAll(sd *cms.SignedData) error {
	for i, si := range sd.Signers {
		var cert *pki.Certificate
		if list := sd.Candidates(si); len(list) > 0 {
			cert = list[0]
		}
		if _, err := sd.CheckSigner(i, cert); err != nil {
			return err
		}
	}
	return nil
}

// digest returns the digest algorithm of the identity's key.
func (id identity) digest() alg.Identifier { return alg.HashForKey(id.leaf.PublicKey) }
