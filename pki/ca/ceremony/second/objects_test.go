package second_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func spki(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	b, err := alg.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var day = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// world is a root with what it signed, made by the first path.
type world struct {
	key        crypto.Signer
	root       *pki.Certificate
	want       second.Want
	cert, list []byte
	wantCert   second.Want
	wantList   second.WantList
}

func name(t testing.TB, text string) pki.Name {
	t.Helper()
	n, err := pki.ParseDN(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func attributes(t testing.TB, text string) []second.Attribute {
	t.Helper()
	a, err := second.Attributes(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newWorld(t testing.TB) *world {
	t.Helper()
	var err error
	w := new(world)
	if w.key, err = alg.GenerateKey("gost2012-256", "cryptopro-a"); err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(7), Subject: name(t, "CN=Root,C=RU"), NotBefore: day, NotAfter: day.AddDate(10, 0, 0),
		BasicConstraints: true, IsCA: true, MaxPathLen: 1, KeyUsage: pki.KeyUsageCertSign | pki.KeyUsageCRLSign,
		PrivateKeyNotBefore: day, PrivateKeyNotAfter: day.AddDate(5, 0, 0), Policies: []oid.OID{oid.AnyPolicy},
	}, nil, w.key.Public(), w.key)
	if err != nil {
		t.Fatal(err)
	}
	if w.root, err = pki.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	w.want = second.Want{
		Serial: big.NewInt(7), Subject: attributes(t, "CN=Root,C=RU"), NotBefore: day, NotAfter: day.AddDate(10, 0, 0),
		KeyNotBefore: day, KeyNotAfter: day.AddDate(5, 0, 0), CA: true, PathLen: 1, KeyUsage: []int{5, 6}, PublicKey: w.root.RawSubjectPublicKeyInfo,
	}
	w.issue(t, nil)
	w.wantList = second.WantList{Number: big.NewInt(3), ThisUpdate: day, NextUpdate: day.AddDate(0, 1, 0), Revoked: []*big.Int{big.NewInt(9)}}
	w.list, err = pki.CreateCRL(rand.Reader, &pki.CRLTemplate{
		Number: big.NewInt(3), ThisUpdate: day, NextUpdate: day.AddDate(0, 1, 0),
		Entries: []pki.RevokedEntry{{Serial: big.NewInt(9), At: day, Reason: 1}},
	}, w.root, w.key)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// issue makes the certificate of a time-stamping authority; change, if not nil,
// changes what is asked for.
func (w *world) issue(t testing.TB, change func(*pki.CertificateTemplate)) []byte {
	t.Helper()
	key, err := alg.GenerateKey("gost2012-256", "tc26-256-a")
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &pki.CertificateTemplate{
		SerialNumber: big.NewInt(9), Subject: name(t, "CN=TSA"), NotBefore: day, NotAfter: day.AddDate(1, 0, 0),
		KeyUsage: pki.KeyUsageDigitalSignature, ExtKeyUsage: []oid.OID{oid.EKUTimeStamping}, ExtKeyUsageCritical: true,
		PrivateKeyNotBefore: day, PrivateKeyNotAfter: day.AddDate(1, 0, 0),
		CRLDistributionPoints: []string{"http://ca.test/1.crl", "http://ca.test/2.crl"}, OCSPServers: []string{"http://ca.test/ocsp"}, IssuingCertificateURLs: []string{"http://ca.test/ca.cer"},
	}
	if change != nil {
		change(tmpl)
	}
	der, err := pki.CreateCertificate(rand.Reader, tmpl, w.root, key.Public(), w.key)
	if err != nil {
		t.Fatal(err)
	}
	w.cert = der
	w.wantCert = second.Want{
		Serial: big.NewInt(9), Subject: attributes(t, "CN=TSA"), NotBefore: day, NotAfter: day.AddDate(1, 0, 0),
		KeyNotBefore: day, KeyNotAfter: day.AddDate(1, 0, 0), KeyUsage: []int{0}, ExtKeyUsage: []string{"1.3.6.1.5.5.7.3.8"}, PublicKey: spki(t, key),
		CRLURLs: []string{"http://ca.test/1.crl", "http://ca.test/2.crl"}, OCSPURLs: []string{"http://ca.test/ocsp"}, IssuerURLs: []string{"http://ca.test/ca.cer"},
	}
	return der
}

// TestCertificate: what the first path makes is accepted as it was wanted, and
// in no other way.
func TestCertificate(t *testing.T) {
	w := newWorld(t)
	if err := second.CheckCertificate(w.root.Raw, nil, w.want); err != nil {
		t.Fatal(err)
	}
	if err := second.CheckCertificate(w.cert, w.root.Raw, w.wantCert); err != nil {
		t.Fatal(err)
	}
	refused := func(field string, err error) {
		t.Helper()
		var e *second.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, change := range map[string]func(*second.Want){
		"serialNumber":                  func(x *second.Want) { x.Serial = big.NewInt(8) },
		"subject":                       func(x *second.Want) { x.Subject = attributes(t, "CN=TSB") },
		"validity":                      func(x *second.Want) { x.NotAfter = day },
		"privateKeyUsagePeriod":         func(x *second.Want) { x.KeyNotAfter = day },
		"basicConstraints":              func(x *second.Want) { x.CA = true },
		"keyUsage":                      func(x *second.Want) { x.KeyUsage = []int{0, 1} },
		"extKeyUsage":                   func(x *second.Want) { x.ExtKeyUsage = nil },
		"subjectPublicKeyInfo":          func(x *second.Want) { x.PublicKey = w.want.PublicKey },
		"cRLDistributionPoints":         func(x *second.Want) { x.CRLURLs = x.CRLURLs[:1] },
		"authorityInfoAccess.ocsp":      func(x *second.Want) { x.OCSPURLs = nil },
		"authorityInfoAccess.caIssuers": func(x *second.Want) { x.IssuerURLs = []string{"http://other.test"} },
		"ocsp-nocheck":                  func(x *second.Want) { x.OCSPNoCheck = true },
	} {
		x := w.wantCert
		change(&x)
		err := second.CheckCertificate(w.cert, w.root.Raw, x)
		if field == "extKeyUsage" { // nothing wanted: criticality is looked at first
			refused(field, err)
			continue
		}
		refused(field, err)
	}
	x := w.want
	x.PathLen = 0
	refused("basicConstraints", second.CheckCertificate(w.root.Raw, nil, x))
	for field, change := range map[string]func(*pki.CertificateTemplate){
		"extensions": func(c *pki.CertificateTemplate) {
			c.SubjectAltNames = []pki.GeneralName{{Kind: pki.DNSName, Text: "a.test"}}
		},
		"subjectKeyIdentifier":   func(c *pki.CertificateTemplate) { c.SubjectKeyID = []byte{1} },
		"authorityKeyIdentifier": func(c *pki.CertificateTemplate) { c.AuthorityKeyID = []byte{1} },
		"keyUsage":               func(c *pki.CertificateTemplate) { c.KeyUsage |= pki.KeyUsageCertSign },
		"validity":               func(c *pki.CertificateTemplate) { c.NotAfter = day.AddDate(11, 0, 0) },
		"extKeyUsage":            func(c *pki.CertificateTemplate) { c.ExtKeyUsageCritical = false },
	} {
		der := w.issue(t, change)
		x := w.wantCert
		if field == "validity" {
			x.NotAfter = day.AddDate(11, 0, 0) // as wanted, and longer than the issuer's
		}
		refused(field, second.CheckCertificate(der, w.root.Raw, x))
	}
	other := newWorld(t)
	refused("signatureValue", second.CheckCertificate(w.issue(t, nil), other.root.Raw, w.wantCert))
	leaf := w.cert
	refused("signatureValue", second.CheckCertificate(w.root.Raw, leaf, w.want)) // a leaf issues nothing
}

// TestTampered: no octet of a certificate, a list or a signature can be changed.
func TestTampered(t *testing.T) {
	w := newWorld(t)
	text := []byte("what was done")
	sig := detached(t, w, text)
	for what, o := range map[string]struct {
		der   []byte
		check func([]byte) error
	}{
		"certificate": {w.cert, func(b []byte) error { return second.CheckCertificate(b, w.root.Raw, w.wantCert) }},
		"list":        {w.list, func(b []byte) error { return second.CheckList(b, w.root.Raw, w.wantList) }},
		"signature":   {sig, func(b []byte) error { return second.CheckDetached(b, text, w.root.Raw) }},
	} {
		if err := o.check(o.der); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		changed := 0
		for i := 0; i < len(o.der); i += 9 {
			bad := bytes.Clone(o.der)
			bad[i] ^= 0x10
			if what == "signature" && bytes.Contains(bad, w.root.RawTBSCertificate) != bytes.Contains(sig, w.root.RawTBSCertificate) {
				continue // the certificates in a message decide nothing
			}
			if o.check(bad) == nil && !harmless(what, sig, w.root.Raw, i) {
				t.Errorf("%s: octet %d may be changed", what, i)
			}
			changed++
		}
		if changed < 15 {
			t.Errorf("%s: only %d changes were tried", what, changed)
		}
		for _, n := range []int{0, 1, len(o.der) / 2, len(o.der) - 1} {
			if o.check(o.der[:n]) == nil {
				t.Errorf("%s: %d octets are accepted", what, n)
			}
		}
		if o.check(append(bytes.Clone(o.der), 0)) == nil {
			t.Errorf("%s: an octet behind it is accepted", what)
		}
	}
	if second.CheckDetached(sig, []byte("something else"), w.root.Raw) == nil || second.CheckDetached(sig, text, w.cert) == nil {
		t.Error("the signature is one over everything, or everybody's")
	}
}

// harmless reports whether an octet of a message is outside what a signature
// covers: in its list of digests, or in its certificates.
func harmless(what string, sig, cert []byte, i int) bool {
	if what != "signature" {
		return false
	}
	at := bytes.Index(sig, cert)
	return at >= 0 && i < at+len(cert)
}

func detached(t testing.TB, w *world, text []byte) []byte {
	t.Helper()
	d, _, err := cms.Digest(bytes.NewReader(text), alg.HashForKey(w.root.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := d.Sum(alg.HashForKey(w.root.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	si, err := cms.BuildSigner(rand.Reader, cms.SignerRequest{Key: w.key, Certificate: w.root, Digest: digest, SigningTime: day})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var m cms.Message
	m.AddCertificates(w.root)
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{si}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestList: a list is the one that was wanted.
func TestList(t *testing.T) {
	w := newWorld(t)
	for field, change := range map[string]func(*second.WantList){
		"cRLNumber":              func(x *second.WantList) { x.Number = big.NewInt(4) },
		"thisUpdate, nextUpdate": func(x *second.WantList) { x.NextUpdate = day },
		"revokedCertificates":    func(x *second.WantList) { x.Revoked = []*big.Int{big.NewInt(10)} },
	} {
		x := w.wantList
		change(&x)
		var e *second.Error
		if err := second.CheckList(w.list, w.root.Raw, x); !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	x := w.wantList
	x.Revoked = nil
	if second.CheckList(w.list, w.root.Raw, x) == nil {
		t.Error("an entry that was not wanted is accepted")
	}
	delta, err := pki.CreateCRL(rand.Reader, &pki.CRLTemplate{
		Number: big.NewInt(3), BaseNumber: big.NewInt(2), ThisUpdate: day, NextUpdate: day.AddDate(0, 1, 0),
		Entries: []pki.RevokedEntry{{Serial: big.NewInt(9), At: day, Reason: 1}},
	}, w.root, w.key)
	if err != nil {
		t.Fatal(err)
	}
	if second.CheckList(delta, w.root.Raw, w.wantList) == nil {
		t.Error("a delta list is accepted")
	}
	if second.CheckList(w.list, w.cert, w.wantList) == nil {
		t.Error("a list is anybody's")
	}
}

// TestRequest: proof of possession and what is read of a request.
func TestRequest(t *testing.T) {
	key, err := alg.GenerateKey("gost2012-256", "cryptopro-b")
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: name(t, "CN=Иван,C=RU"), KeyUsage: pki.KeyUsageDigitalSignature}, key)
	if err != nil {
		t.Fatal(err)
	}
	info, subject, err := second.CheckRequest(der)
	if err != nil || fmt.Sprint(subject) != "[{2.5.4.3 Иван} {2.5.4.6 RU}]" || !bytes.Equal(info, spki(t, key)) {
		t.Fatalf("%x, %v, %v", info, subject, err)
	}
	for i := 0; i < len(der); i += 7 {
		bad := bytes.Clone(der)
		bad[i] ^= 1
		if _, _, err := second.CheckRequest(bad); err == nil {
			t.Errorf("octet %d may be changed", i)
		}
	}
	rsa, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	if der, err = pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: name(t, "CN=X")}, rsa); err != nil {
		t.Fatal(err)
	}
	if _, _, err := second.CheckRequest(der); err == nil {
		t.Error("a key of another family is accepted")
	}
}
