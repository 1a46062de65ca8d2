// Package testpki makes certification authorities, certificates, lists and
// responses for tests. Everything is made with this module's own writers, read
// back by its parsers, and lives in memory.
package testpki

import (
	"crypto"
	"crypto/rand"
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Moments that the objects are made for: the certificates are valid from Start
// to End, and Now lies between.
var (
	Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	Now   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	End   = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Entity is a certificate with its key.
type Entity struct {
	Cert *pki.Certificate
	Key  crypto.Signer
}

// Key makes a key; alg and set are names of the command line.
func Key(t testing.TB, algorithm, set string) crypto.Signer {
	t.Helper()
	k, err := alg.GenerateKey(algorithm, set)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKey makes a key on a parameter set that is for tests only (RFC 9215,
// section 4.2); no writer of the product offers them.
func TestKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := gost3410.GenerateKey(gost3410.CryptoProTest())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Name parses a distinguished name.
func Name(t testing.TB, dn string) pki.Name {
	t.Helper()
	n, err := pki.ParseDN(dn)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// serial returns a random serial number.
func serial(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	return n.Add(n, big.NewInt(1))
}

// CA is the template of a certification authority.
func CA(t testing.TB, dn string) *pki.CertificateTemplate {
	return &pki.CertificateTemplate{
		SerialNumber: serial(t), Subject: Name(t, dn), NotBefore: Start, NotAfter: End,
		BasicConstraints: true, IsCA: true, MaxPathLen: -1, KeyUsage: pki.KeyUsageCertSign | pki.KeyUsageCRLSign,
	}
}

// Leaf is the template of a signer's certificate.
func Leaf(t testing.TB, dn string) *pki.CertificateTemplate {
	return &pki.CertificateTemplate{
		SerialNumber: serial(t), Subject: Name(t, dn), NotBefore: Start, NotAfter: End,
		MaxPathLen: -1, KeyUsage: pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment,
	}
}

// Issue makes a certificate for a fresh GOST R 34.10-2012 key; a nil parent
// means self-signed.
func Issue(t testing.TB, tmpl *pki.CertificateTemplate, parent *Entity) *Entity {
	t.Helper()
	return IssueKey(t, tmpl, parent, Key(t, "gost2012-256", "cryptopro-a"))
}

// IssueKey is Issue for a key that exists.
func IssueKey(t testing.TB, tmpl *pki.CertificateTemplate, parent *Entity, key crypto.Signer) *Entity {
	t.Helper()
	signer, issuer := key, (*pki.Certificate)(nil)
	if parent != nil {
		signer, issuer = parent.Key, parent.Cert
	}
	der, err := pki.CreateCertificate(rand.Reader, tmpl, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Entity{Cert: c, Key: key}
}

// Chain is a root, an issuing CA and a signer.
type Chain struct{ Root, Sub, Leaf *Entity }

// NewChain makes one.
func NewChain(t testing.TB) *Chain {
	t.Helper()
	root := Issue(t, CA(t, "CN=Test root,O=Test,C=RU"), nil)
	sub := Issue(t, CA(t, "CN=Test CA,O=Test,C=RU"), root)
	return &Chain{Root: root, Sub: sub, Leaf: Issue(t, Leaf(t, "CN=Иванов Иван,C=RU"), sub)}
}

// CRL makes a list of ca, in force from a day before Now to a day after, unless
// tmpl says otherwise.
func CRL(t testing.TB, ca *Entity, tmpl *pki.CRLTemplate) *pki.RevocationList {
	t.Helper()
	if tmpl.Number == nil {
		tmpl.Number = big.NewInt(1)
	}
	if tmpl.ThisUpdate.IsZero() {
		tmpl.ThisUpdate = Now.AddDate(0, 0, -1)
	}
	if tmpl.NextUpdate.IsZero() {
		tmpl.NextUpdate = tmpl.ThisUpdate.AddDate(0, 0, 2)
	}
	der, err := pki.CreateCRL(rand.Reader, tmpl, ca.Cert, ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := pki.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Revoked is an entry of a list.
func Revoked(c *pki.Certificate, at time.Time, reason int) pki.RevokedEntry {
	return pki.RevokedEntry{Serial: c.SerialNumber, At: at, Reason: reason}
}

// OCSP makes a response of responder about cert of issuer. Zero dates of s mean
// an hour before Now and an hour after.
func OCSP(t testing.TB, cert, issuer *pki.Certificate, responder *Entity, s ocsp.Single) *ocsp.Response {
	t.Helper()
	id, err := ocsp.NewCertID(cert, issuer, alg.Identifier{OID: oid.SHA1})
	if err != nil {
		t.Fatal(err)
	}
	s.ID = id
	if s.ThisUpdate.IsZero() {
		s.ThisUpdate, s.NextUpdate = Now.Add(-time.Hour), Now.Add(time.Hour)
	}
	tmpl := &ocsp.ResponseTemplate{Singles: []ocsp.Single{s}, ProducedAt: s.ThisUpdate, Certificates: []*pki.Certificate{responder.Cert}}
	der, err := ocsp.CreateResponse(rand.Reader, tmpl, responder.Cert, responder.Key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ocsp.ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
