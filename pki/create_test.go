package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha1" // the key identifier of RFC 5280
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// keyKinds: every kind of key that certificates are made with.
var keyKinds = []struct{ name, algorithm, set string }{
	{"cryptopro-a", "gost2012-256", "cryptopro-a"},
	{"cryptopro-b", "gost2012-256", "cryptopro-b"},
	{"cryptopro-c", "gost2012-256", "cryptopro-c"},
	{"cryptopro-xcha", "gost2012-256", "cryptopro-xcha"},
	{"cryptopro-xchb", "gost2012-256", "cryptopro-xchb"},
	{"tc26-256-a", "gost2012-256", "tc26-256-a"},
	{"tc26-256-b", "gost2012-256", "tc26-256-b"},
	{"tc26-256-c", "gost2012-256", "tc26-256-c"},
	{"tc26-256-d", "gost2012-256", "tc26-256-d"},
	{"tc26-512-a", "gost2012-512", "tc26-512-a"},
	{"tc26-512-b", "gost2012-512", "tc26-512-b"},
	{"tc26-512-c", "gost2012-512", "tc26-512-c"},
	{"ecdsa-p256", "ecdsa-p256", ""},
	{"rsa-2048", "rsa-2048", ""},
}

func newKey(t testing.TB, algorithm, set string) crypto.Signer {
	t.Helper()
	key, err := alg.GenerateKey(algorithm, set)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustDN(t testing.TB, text string) pki.Name {
	t.Helper()
	n, err := pki.ParseDN(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustCert(t testing.TB, der []byte) *pki.Certificate {
	t.Helper()
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	notBefore = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	notAfter  = time.Date(2051, 1, 2, 3, 4, 5, 0, time.UTC)
)

// caTemplate is a root's.
func caTemplate(t testing.TB) *pki.CertificateTemplate {
	return &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: mustDN(t, "CN=Корень,O=ООО Ромашка,C=RU"),
		NotBefore: notBefore, NotAfter: notAfter, IsCA: true, MaxPathLen: 1,
		KeyUsage: pki.KeyUsageCertSign | pki.KeyUsageCRLSign,
	}
}

// leafTemplate is a qualified certificate with every extension.
func leafTemplate(t testing.TB) *pki.CertificateTemplate {
	kind := 1
	name := mustDN(t, "CN=другое имя")
	return &pki.CertificateTemplate{
		SerialNumber: new(big.Int).SetBytes(bytes.Repeat([]byte{0x7f}, 20)),
		Subject:      mustDN(t, "CN=Иванов Иван,SN=Иванов,G=Иван Иванович,SNILS=112-233-445 95,INN=500100732259,E=ivanov@example.ru,C=RU"),
		NotBefore:    notBefore, NotAfter: notAfter, BasicConstraints: true, MaxPathLen: -1,
		KeyUsage:               pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment,
		ExtKeyUsage:            []oid.OID{oid.EKUClientAuth, oid.EKUEmailProtection},
		AuthorityIssuerSerial:  true,
		CRLDistributionPoints:  []string{"http://example.ru/a.crl", "http://example.ru/b.crl"},
		FreshestCRL:            []string{"http://example.ru/delta.crl"},
		OCSPServers:            []string{"http://example.ru/ocsp"},
		IssuingCertificateURLs: []string{"http://example.ru/ca.cer"},
		Policies:               pki.KCPolicies("KC2"),
		PrivateKeyNotBefore:    notBefore, PrivateKeyNotAfter: notBefore.AddDate(1, 3, 0),
		SubjectSignTool:    "ГосКлюч",
		IssuerSignTool:     &pki.IssuerSignTool{SignTool: "ГосКлюч", CATool: "УЦ ГосКлюч", SignToolCert: "нет", CAToolCert: "нет"},
		IdentificationKind: &kind,
		SubjectAltNames: []pki.GeneralName{
			{Kind: pki.RFC822Name, Text: "ivanov@example.ru"},
			{Kind: pki.DNSName, Text: "example.ru"},
			{Kind: pki.IPAddress, Text: "192.0.2.1"},
			{Kind: pki.DirectoryName, Name: &name},
			{Kind: pki.URIName, Text: "https://example.ru"},
			{Kind: pki.RegisteredID, OID: "1.2.3.4"},
			{Kind: pki.OtherName, OID: oid.MSUPN, Value: []byte{0x0c, 0x01, 'a'}},
		},
		OCSPNoCheck:     true,
		ExtraExtensions: []pki.Extension{{ID: "1.2.643.999.1", Value: []byte{5, 0}}},
	}
}

// issue makes a root with the key and a leaf below it.
func issue(t testing.TB, key crypto.Signer) (root, leaf *pki.Certificate, leafKey crypto.Signer) {
	t.Helper()
	der, err := pki.CreateCertificate(rand.Reader, caTemplate(t), nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root = mustCert(t, der)
	leafKey = key
	if der, err = pki.CreateCertificate(rand.Reader, leafTemplate(t), root, leafKey.Public(), key); err != nil {
		t.Fatal(err)
	}
	return root, mustCert(t, der), leafKey
}

func TestCreateCertificate(t *testing.T) {
	for _, k := range keyKinds {
		t.Run(k.name, func(t *testing.T) {
			key := newKey(t, k.algorithm, k.set)
			root, leaf, _ := issue(t, key)
			for _, c := range []*pki.Certificate{root, leaf} {
				if err := c.CheckSignatureFrom(root); err != nil {
					t.Error(err)
				}
				if len(c.Findings) != 0 {
					t.Errorf("findings: %v", c.Findings)
				}
			}
			if !root.IsSelfIssued() || leaf.IsSelfIssued() || !leaf.Issuer.Equal(root.Subject) {
				t.Error("names")
			}
			if !alg.EqualKeys(root.PublicKey, key.Public()) {
				t.Error("the public key does not read back")
			}
			bad := bytes.Clone(leaf.Raw)
			bad[len(bad)-1] ^= 1
			if err := mustCert(t, bad).CheckSignatureFrom(root); !errors.Is(err, alg.ErrSignature) {
				t.Errorf("a changed signature: %v", err)
			}
		})
	}
}

func TestCertificateFields(t *testing.T) {
	root, c, _ := issue(t, newKey(t, "gost2012-256", "cryptopro-xcha"))
	tmpl := leafTemplate(t)
	bits, err := alg.PublicKeyBits(c.RawSubjectPublicKeyInfo)
	if err != nil {
		t.Fatal(err)
	}
	ski := sha1.Sum(bits) // the key identifier of RFC 5280
	checks := map[string]bool{
		"version":              c.Version == 3,
		"serial":               c.SerialNumber.Cmp(tmpl.SerialNumber) == 0 && len(c.RawSerial) == 20,
		"serial hex":           c.SerialHex() == "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f" && root.SerialHex() == "01",
		"validity":             c.NotBefore.Equal(notBefore) && c.NotAfter.Equal(notAfter),
		"basicConstraints":     c.BasicConstraintsValid && !c.IsCA && c.MaxPathLen == -1,
		"root constraints":     root.BasicConstraintsValid && root.IsCA && root.MaxPathLen == 1,
		"key usage":            c.HasKeyUsage && c.KeyUsage == tmpl.KeyUsage,
		"ext key usage":        slices.Equal(c.ExtKeyUsage, tmpl.ExtKeyUsage),
		"ski":                  bytes.Equal(c.SubjectKeyID, ski[:]),
		"ski with 04 40":       bits[0] == 0x04 && bits[1] == 0x40,
		"aki":                  bytes.Equal(c.AuthorityKeyID, root.SubjectKeyID) && bytes.Equal(root.AuthorityKeyID, root.SubjectKeyID),
		"aki serial":           c.AuthorityCertSerial.Cmp(root.SerialNumber) == 0 && c.AuthorityCertIssuer[0].Name.Equal(root.Issuer),
		"crl urls":             slices.Equal(c.CRLDistributionPoints, tmpl.CRLDistributionPoints),
		"freshest":             slices.Equal(c.FreshestCRL, tmpl.FreshestCRL),
		"ocsp":                 slices.Equal(c.OCSPServers, tmpl.OCSPServers),
		"aia":                  slices.Equal(c.IssuingCertificateURLs, tmpl.IssuingCertificateURLs),
		"policies":             slices.Equal(c.Policies, []oid.OID{oid.PolicyKC1, oid.PolicyKC2}),
		"private key period":   c.PrivateKeyNotBefore.Equal(notBefore) && c.PrivateKeyNotAfter.Equal(tmpl.PrivateKeyNotAfter),
		"subjectSignTool":      c.SubjectSignTool == tmpl.SubjectSignTool,
		"issuerSignTool":       *c.IssuerSignTool == *tmpl.IssuerSignTool,
		"identificationKind":   *c.IdentificationKind == 1,
		"nocheck":              c.OCSPNoCheck,
		"no unhandled":         len(c.UnhandledCritical) == 0,
		"signature algorithm":  c.SignatureAlgorithm.OID == oid.GOST2012_256WithStreebog256 && c.SignatureAlgorithm.Params == nil,
		"key algorithm":        c.PublicKeyAlgorithm.OID == oid.GOST2012_256,
		"alternative names":    len(c.SubjectAltNames) == 7 && c.SubjectAltNames[2].Text == "192.0.2.1" && c.SubjectAltNames[6].OID == oid.MSUPN,
		"alternative dir name": c.SubjectAltNames[3].Name.Get(oid.CommonName) == "другое имя",
	}
	for name, ok := range checks {
		if !ok {
			t.Error(name)
		}
	}
	if e, ok := c.Extension("1.2.643.999.1"); !ok || e.Critical {
		t.Error("extra extension")
	}
	for _, a := range c.Subject.RDNs {
		if a[0].Type == oid.SNILS && a[0].Tag != 0x12 {
			t.Error("SNILS is not a NumericString")
		}
	}
	s1, s2, s3 := c.Thumbprints()
	if len(s1) != 20 || len(s2) != 32 || len(s3) != 32 || !c.Equal(mustCert(t, c.Raw)) || c.Equal(root) {
		t.Error("thumbprints or equality")
	}
}

func TestCreateRefuses(t *testing.T) {
	key, other := newKey(t, "gost2012-256", ""), newKey(t, "gost2012-256", "")
	root, _, _ := issue(t, key)
	for name, change := range map[string]func(*pki.CertificateTemplate){
		"no serial":         func(c *pki.CertificateTemplate) { c.SerialNumber = nil },
		"zero serial":       func(c *pki.CertificateTemplate) { c.SerialNumber = new(big.Int) },
		"negative serial":   func(c *pki.CertificateTemplate) { c.SerialNumber = big.NewInt(-1) },
		"21 octets":         func(c *pki.CertificateTemplate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 159) },
		"no validity":       func(c *pki.CertificateTemplate) { c.NotAfter = time.Time{} },
		"inverted validity": func(c *pki.CertificateTemplate) { c.NotAfter = c.NotBefore.Add(-time.Second) },
		"year 10000":        func(c *pki.CertificateTemplate) { c.NotAfter = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"duplicate": func(c *pki.CertificateTemplate) {
			c.ExtraExtensions = []pki.Extension{{ID: oid.KeyUsage, Value: []byte{3, 2, 7, 0x80}}}
		},
		"long tool":     func(c *pki.CertificateTemplate) { c.SubjectSignTool = string(bytes.Repeat([]byte("a"), 201)) },
		"kind 4":        func(c *pki.CertificateTemplate) { k := 4; c.IdentificationKind = &k },
		"URL not ASCII": func(c *pki.CertificateTemplate) { c.OCSPServers = []string{"http://почта.рф"} },
		"policy no OID": func(c *pki.CertificateTemplate) { c.Policies = []oid.OID{"x"} },
		"address": func(c *pki.CertificateTemplate) {
			c.SubjectAltNames = []pki.GeneralName{{Kind: pki.IPAddress, Text: "x"}}
		},
		"empty directory": func(c *pki.CertificateTemplate) { c.SubjectAltNames = []pki.GeneralName{{Kind: pki.DirectoryName}} },
	} {
		tmpl := leafTemplate(t)
		change(tmpl)
		if _, err := pki.CreateCertificate(rand.Reader, tmpl, root, key.Public(), key); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := pki.CreateCertificate(rand.Reader, leafTemplate(t), root, key.Public(), other); err == nil {
		t.Error("a key that is not the issuer's signs")
	}
	if _, err := pki.CreateCertificate(rand.Reader, caTemplate(t), nil, key.Public(), other); err == nil {
		t.Error("a self-signed certificate with another key")
	}
}

func TestRequest(t *testing.T) {
	for _, k := range keyKinds {
		t.Run(k.name, func(t *testing.T) {
			key := newKey(t, k.algorithm, k.set)
			tmpl := leafTemplate(t)
			der, err := pki.CreateRequest(rand.Reader, &pki.RequestTemplate{
				Subject: tmpl.Subject, KeyUsage: tmpl.KeyUsage, ExtKeyUsage: tmpl.ExtKeyUsage,
				SubjectSignTool: tmpl.SubjectSignTool, IdentificationKind: tmpl.IdentificationKind, Policies: tmpl.Policies,
				SubjectAltNames: tmpl.SubjectAltNames,
			}, key)
			if err != nil {
				t.Fatal(err)
			}
			q, err := pki.ParseRequest(der)
			if err != nil {
				t.Fatal(err)
			}
			if err := q.CheckSignature(); err != nil || len(q.Findings) != 0 {
				t.Errorf("%v, %v", err, q.Findings)
			}
			r := q.Requested()
			if !q.Subject.Equal(tmpl.Subject) || r.KeyUsage != tmpl.KeyUsage || r.SubjectSignTool != tmpl.SubjectSignTool ||
				*r.IdentificationKind != 1 || len(r.SubjectAltNames) != 7 || len(r.Policies) != 2 || len(r.Findings) != 0 {
				t.Errorf("requested: %+v", r)
			}
			der[len(der)-1] ^= 1
			if q, err = pki.ParseRequest(der); err != nil || !errors.Is(q.CheckSignature(), alg.ErrSignature) {
				t.Error("a changed signature is accepted")
			}
			if _, err := pki.ParseRequest(append(der, 0)); err == nil {
				t.Error("octets after the request are accepted")
			}
		})
	}
}

// What we make with RSA and ECDSA keys, crypto/x509 reads and verifies; what it
// makes, we do.
func TestAgainstStandardLibrary(t *testing.T) {
	for _, k := range keyKinds[12:] {
		key := newKey(t, k.algorithm, k.set)
		root, leaf, _ := issue(t, key)
		xroot, err := root.X509()
		if err != nil {
			t.Fatal(err)
		}
		xleaf, err := leaf.X509()
		if err != nil {
			t.Fatal(err)
		}
		if err := xleaf.CheckSignatureFrom(xroot); err != nil {
			t.Error(err)
		}
		if xleaf.KeyUsage != x509.KeyUsage(leaf.KeyUsage) || !bytes.Equal(xleaf.SubjectKeyId, leaf.SubjectKeyID) || !slices.Equal(xleaf.OCSPServer, leaf.OCSPServers) {
			t.Error("crypto/x509 reads other fields")
		}
		list, err := pki.CreateCRL(rand.Reader, crlTemplate(t), root, key)
		if err != nil {
			t.Fatal(err)
		}
		xlist, err := x509.ParseRevocationList(list)
		if err != nil {
			t.Fatal(err)
		}
		if err := xlist.CheckSignatureFrom(xroot); err != nil || len(xlist.RevokedCertificateEntries) != 3 {
			t.Errorf("crl: %v, %d entries", err, len(xlist.RevokedCertificateEntries))
		}
		theirs(t, key, xroot)
	}
}

func theirs(t *testing.T, key crypto.Signer, xroot *x509.Certificate) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "leaf"}, NotBefore: notBefore, NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"example.ru"},
	}, xroot, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c := mustCert(t, der)
	if err := c.CheckSignatureFrom(mustCert(t, xroot.Raw)); err != nil || c.Subject.Get(oid.CommonName) != "leaf" || c.SubjectAltNames[0].Text != "example.ru" {
		t.Errorf("theirs: %v %+v", err, c)
	}
	if der, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "q"}, DNSNames: []string{"a"}}, key); err != nil {
		t.Fatal(err)
	}
	q, err := pki.ParseRequest(der)
	if err != nil || q.CheckSignature() != nil || len(q.Extensions) != 1 {
		t.Errorf("request: %v", err)
	}
	if der, err = x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(5), ThisUpdate: notBefore, NextUpdate: notAfter,
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(9), RevocationTime: notBefore, ReasonCode: 1}},
	}, xroot, key); err != nil {
		t.Fatal(err)
	}
	l, err := pki.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	e, found, err := l.Find(big.NewInt(9))
	if err != nil || !found || e.Reason != pki.ReasonKeyCompromise || l.CheckSignatureFrom(mustCert(t, xroot.Raw)) != nil {
		t.Errorf("crl: %+v %v %v", e, found, err)
	}
}
