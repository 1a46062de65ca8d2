package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

func TestIssueCitizen(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	sub := newSub(t, root, generate(t, "gost2012-256", "cryptopro-a"))
	c := sub.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", ""))
	if err := c.CheckSignatureFrom(sub.cert); err != nil {
		t.Fatal(err)
	}
	if len(c.Findings) > 0 {
		t.Errorf("findings: %v", c.Findings)
	}
	want := root.clock.t.AddDate(0, 15, 0)
	if !c.NotBefore.Equal(root.clock.t) || !c.NotAfter.Equal(want) {
		t.Errorf("validity %v to %v", c.NotBefore, c.NotAfter)
	}
	if !c.PrivateKeyNotBefore.Equal(c.NotBefore) || !c.PrivateKeyNotAfter.Equal(want) {
		t.Errorf("privateKeyUsagePeriod %v to %v", c.PrivateKeyNotBefore, c.PrivateKeyNotAfter)
	}
	if c.KeyUsage != 0x1f || c.IsCA || !slices.Equal(c.Policies, []oid.OID{oid.PolicyKC1}) {
		t.Errorf("usage %x, CA %v, policies %v", c.KeyUsage, c.IsCA, c.Policies)
	}
	if c.SubjectSignTool == "" || c.IssuerSignTool == nil || c.IdentificationKind == nil || *c.IdentificationKind != 0 {
		t.Errorf("tools: %q %v %v", c.SubjectSignTool, c.IssuerSignTool, c.IdentificationKind)
	}
	if !bytes.Equal(c.AuthorityKeyID, sub.cert.SubjectKeyID) || len(c.SubjectKeyID) == 0 {
		t.Errorf("key identifiers: %x %x", c.AuthorityKeyID, c.SubjectKeyID)
	}
	if !slices.Equal(c.CRLDistributionPoints, settings().CRLURLs) || !slices.Equal(c.OCSPServers, settings().OCSPURLs) ||
		!slices.Equal(c.IssuingCertificateURLs, settings().IssuerURLs) {
		t.Errorf("addresses: %v %v %v", c.CRLDistributionPoints, c.OCSPServers, c.IssuingCertificateURLs)
	}
	if got := c.Subject.Get(oid.SNILS); got != "11223344595" {
		t.Errorf("SNILS %q", got)
	}
	if n := len(c.RawSerial); n > 20 || c.SerialNumber.Sign() <= 0 {
		t.Errorf("serial number of %d octets: %v", n, c.SerialNumber)
	}
}

func TestProfiles(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	tests := []struct {
		profile, subject string
		check            func(c *pki.Certificate) bool
	}{
		{"", citizenDN, func(c *pki.Certificate) bool { return c.IdentificationKind != nil }},
		{"organization", orgDN, func(c *pki.Certificate) bool { return c.Subject.Get(oid.INNLE) == "7707083893" }},
		{"", orgDN, func(c *pki.Certificate) bool { return c.IssuerSignTool != nil }},
		{"entrepreneur", ipDN, func(c *pki.Certificate) bool { return c.Subject.Get(oid.OGRNIP) != "" }},
		{"subca", "CN=УЦ", func(c *pki.Certificate) bool {
			return c.IsCA && c.MaxPathLen == 0 && c.KeyUsage&pki.KeyUsageCertSign != 0 && c.KeyUsage&pki.KeyUsageCRLSign != 0
		}},
		{"ocsp", "CN=OCSP", func(c *pki.Certificate) bool {
			return c.OCSPNoCheck && slices.Equal(c.ExtKeyUsage, []oid.OID{oid.EKUOCSPSigning}) && len(c.OCSPServers) == 0
		}},
		{"tsa", "CN=TSA", func(c *pki.Certificate) bool {
			return c.ExtKeyUsageCritical && slices.Equal(c.ExtKeyUsage, []oid.OID{oid.EKUTimeStamping})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.profile+tt.subject[:6], func(t *testing.T) {
			c := root.issue(t, tt.profile, tt.subject, generate(t, "gost2012-256", ""))
			if !tt.check(c) {
				t.Errorf("%+v", c)
			}
			if c.NotAfter.After(root.cert.NotAfter) {
				t.Errorf("valid until %v, the issuer until %v", c.NotAfter, root.cert.NotAfter)
			}
		})
	}
}

func TestKeyKinds(t *testing.T) {
	forbidden := map[string]pki.KeyUsage{
		"ecdsa-p256": pki.KeyUsageKeyEncipherment | pki.KeyUsageDataEncipherment,
		"rsa-2048":   pki.KeyUsageKeyAgreement, "gost2012-512": 0,
		"ed25519": pki.KeyUsageKeyEncipherment | pki.KeyUsageDataEncipherment | pki.KeyUsageKeyAgreement,
	}
	for name, bits := range forbidden {
		t.Run(name, func(t *testing.T) {
			root := newRoot(t, generate(t, name, ""), 0)
			c := root.issue(t, "citizen", citizenDN, generate(t, name, ""))
			if c.KeyUsage&bits != 0 || c.KeyUsage&pki.KeyUsageDigitalSignature == 0 {
				t.Errorf("usage %x", c.KeyUsage)
			}
		})
	}
}

func TestNeverBeyondTheIssuer(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 100)
	for _, days := range []int{0, 100, 101, 1000} {
		c, err := root.IssueRequest(t.Context(), "citizen", ca.Request{
			Days: days,
			CSR:  csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if !c.NotAfter.Equal(root.cert.NotAfter) || !c.PrivateKeyNotAfter.Equal(root.cert.NotAfter) {
			t.Errorf("%d days: until %v and %v, the issuer until %v", days, c.NotAfter, c.PrivateKeyNotAfter, root.cert.NotAfter)
		}
	}
	root.clock.t = root.clock.t.AddDate(0, 0, 101)
	_, err := root.IssueRequest(t.Context(), "citizen", ca.Request{CSR: csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})})
	wantErr(t, "expired issuer", err, ca.ErrOutsideValidity)
	_, err = root.CRL(t.Context(), "test")
	wantErr(t, "CRL of an expired issuer", err, ca.ErrOutsideValidity)
}

func TestRequestRefused(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	key := generate(t, "ecdsa-p256", "")
	ext := func(id oid.OID, hex ...byte) []pki.Extension { return []pki.Extension{{ID: id, Value: hex}} }
	request := func(subject string, e []pki.Extension) *pki.CertificateRequest {
		return csr(t, key, &pki.RequestTemplate{Subject: dn(t, subject), ExtraExtensions: e})
	}
	without := func(attr string) *pki.CertificateRequest {
		var keep []string
		for _, p := range strings.Split(citizenDN, ",") {
			if !strings.HasPrefix(p, attr+"=") {
				keep = append(keep, p)
			}
		}
		return request(strings.Join(keep, ","), nil)
	}
	forged := request(citizenDN, nil)
	forged.Signature = bytes.Clone(forged.Signature)
	forged.Signature[len(forged.Signature)-1] ^= 1
	wrongNumber := dn(t, citizenDN)
	wrongNumber.Raw = nil
	for i, rdn := range wrongNumber.RDNs {
		if rdn[0].Type == oid.SNILS {
			wrongNumber.RDNs[i] = []pki.Attribute{{Type: oid.SNILS, Value: "11223344596", Tag: 18}}
		}
	}
	caTrue := ext(oid.BasicConstraints, 0x30, 3, 1, 1, 0xff)
	tests := []struct {
		name, profile string
		csr           *pki.CertificateRequest
		field         string
	}{
		{"proof of possession", "citizen", forged, "signature"},
		{"no CN", "citizen", without("CN"), "subject.CN"},
		{"no SN", "citizen", without("SN"), "subject.SN"},
		{"no G", "citizen", without("G"), "subject.G"},
		{"no SNILS", "citizen", without("SNILS"), "subject.SNILS"},
		{"no INN", "citizen", without("INN"), "subject.INN"},
		{"citizen as organization", "organization", request(citizenDN, nil), "subject.O"},
		{"citizen as entrepreneur", "entrepreneur", request(citizenDN, nil), "subject.OGRNIP"},
		{"check digits", "citizen", csr(t, key, &pki.RequestTemplate{Subject: wrongNumber}), "subject.SNILS"},
		{"CA:TRUE", "citizen", request(citizenDN, caTrue), "basicConstraints"},
		{"CA:TRUE without a path length", "subca", request("CN=УЦ", caTrue), "basicConstraints"},
		{"keyCertSign", "citizen", csr(t, key, &pki.RequestTemplate{Subject: dn(t, citizenDN), KeyUsage: pki.KeyUsageCertSign}), "keyUsage"},
		{"OCSPSigning", "citizen", csr(t, key, &pki.RequestTemplate{Subject: dn(t, citizenDN), ExtKeyUsage: []oid.OID{oid.EKUOCSPSigning}}), "extKeyUsage"},
		{"class KA1", "citizen", csr(t, key, &pki.RequestTemplate{Subject: dn(t, citizenDN), Policies: []oid.OID{oid.PolicyKA1}}), "certificatePolicies"},
		{"name constraints", "subca", request("CN=УЦ", ext(oid.NameConstraints, 0x30, 0)), "nameConstraints"},
		{"nocheck", "citizen", request(citizenDN, ext(oid.OCSPNoCheck, 5, 0)), "id-pkix-ocsp-nocheck"},
		{"wrong key identifier", "citizen", request(citizenDN, ext(oid.SubjectKeyIdentifier, 4, 2, 1, 2)), "subjectKeyIdentifier"},
		{"DNS name", "citizen", csr(t, key, &pki.RequestTemplate{
			Subject:         dn(t, citizenDN),
			SubjectAltNames: []pki.GeneralName{{Kind: pki.DNSName, Text: "bank.example"}},
		}), "subjectAltName"},
		{"kind 2", "citizen", csr(t, key, &pki.RequestTemplate{Subject: dn(t, citizenDN), IdentificationKind: new(2)}), "identificationKind"},
		{"authority's key", "citizen", csr(t, root.key, &pki.RequestTemplate{Subject: dn(t, citizenDN)}), "publicKey"},
		{"withdrawn exponent", "citizen", csr(t, smallExponent(t), &pki.RequestTemplate{Subject: dn(t, citizenDN)}), "publicKey"},
		{"test parameters", "citizen", csr(t, testKey(t), &pki.RequestTemplate{Subject: dn(t, citizenDN)}), "publicKey"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := root.IssueRequest(t.Context(), tt.profile, ca.Request{CSR: tt.csr})
			var e *ca.RequestError
			if !errors.As(err, &e) || e.Field != tt.field {
				t.Fatalf("got %v, want a refusal of %s", err, tt.field)
			}
		})
	}
	for _, r := range []ca.Request{{}, {CSR: request(citizenDN, nil), Days: -1}, {CSR: request(citizenDN, nil), IdentificationKind: 4}} {
		if _, err := root.IssueRequest(t.Context(), "citizen", r); err == nil {
			t.Errorf("accepted: %+v", r)
		}
	}
	_, err := root.IssueRequest(t.Context(), "none", ca.Request{CSR: request(citizenDN, nil)})
	wantErr(t, "unknown profile", err, ca.ErrProfile)
	if n := count(t, root); n != 0 {
		t.Errorf("%d certificates stand on the ledger", n)
	}
}

func count(t *testing.T, a *authority) int {
	t.Helper()
	n := 0
	for _, err := range a.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// testKey is a key on the curve that RFC 9215 reserves for tests.
func testKey(t *testing.T) *gost3410.PrivateKey {
	t.Helper()
	c, ok := gost3410.CurveByName("cryptopro-test")
	if !ok {
		t.Fatal("no test curve")
	}
	k, err := gost3410.GenerateKey(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// smallExponent is an RSA key with the public exponent 3.
func smallExponent(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	for range 100 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		p1 := new(big.Int).Sub(k.Primes[0], big.NewInt(1))
		q1 := new(big.Int).Sub(k.Primes[1], big.NewInt(1))
		d := new(big.Int).ModInverse(big.NewInt(3), new(big.Int).Mul(p1, q1))
		if d == nil {
			continue
		}
		out := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: k.N, E: 3}, D: d, Primes: k.Primes}
		out.Precompute()
		return out
	}
	t.Fatal("no key with exponent 3")
	return nil
}

// TestRequestAllowed: what a profile gives anyway may be asked for.
func TestRequestAllowed(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	r := csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{
		Subject: dn(t, citizenDN), KeyUsage: pki.KeyUsageDigitalSignature, ExtKeyUsage: []oid.OID{oid.EKUEmailProtection},
		Policies: []oid.OID{oid.PolicyKC1}, SubjectSignTool: "Средство абонента", IdentificationKind: new(1),
		SubjectAltNames: []pki.GeneralName{{Kind: pki.RFC822Name, Text: "ivanov@example.com"}},
		ExtraExtensions: []pki.Extension{{ID: oid.BasicConstraints, Value: []byte{0x30, 0}}},
	})
	c, err := root.IssueRequest(t.Context(), "citizen", ca.Request{CSR: r, IdentificationKind: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c.SubjectSignTool != "Средство абонента" || *c.IdentificationKind != 1 || len(c.SubjectAltNames) != 1 {
		t.Errorf("%q %d %v", c.SubjectSignTool, *c.IdentificationKind, c.SubjectAltNames)
	}
}

func TestPathLength(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	sub := newSub(t, root, generate(t, "ecdsa-p256", ""))
	_, err := sub.NewSubordinate(t.Context(), generate(t, "ecdsa-p256", ""), dn(t, "CN=Третий УЦ"), 0, "test")
	wantErr(t, "third level", err, ca.ErrNotIssuer)
}

// TestLint: a certificate that breaks a rule is not signed, a warning is
// reported and does not prevent it.
func TestLint(t *testing.T) {
	key := generate(t, "ecdsa-p256", "")
	root := newRoot(t, key, 0)
	rule := profile.Rule{ID: "test-refuse", Title: "no Ivanov", Cite: "none", Severity: pki.Error, Check: func(c *pki.Certificate) []profile.Problem {
		if !c.IsCA && strings.Contains(c.Subject.Get(oid.CommonName), "Иванов") {
			return []profile.Problem{{Field: "subject", Detail: "Ivanov"}}
		}
		return nil
	}}
	request := ca.Request{CSR: csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})}
	strict, err := ca.New(t.Context(), ca.Config{
		Certificate: root.cert, Key: key, Ledger: root.ledger,
		Rules: profile.Join("strict", sets.All(), profile.Set{Rules: []profile.Rule{rule}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = strict.Prepare(t.Context(), ca.Citizen(), request)
	var lint *ca.LintError
	if !errors.As(err, &lint) || !strings.Contains(err.Error(), "test-refuse") {
		t.Fatalf("got %v", err)
	}
	rule.Severity = pki.Warn
	mild, err := ca.New(t.Context(), ca.Config{Certificate: root.cert, Key: key, Ledger: root.ledger, Rules: profile.Set{Rules: []profile.Rule{rule}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := mild.Prepare(t.Context(), ca.Citizen(), request)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Report().Broken(pki.Warn)) != 1 {
		t.Errorf("report: %+v", p.Report())
	}
}

// TestOnce: a Prepared is good for one certificate, also where many ask.
func TestOnce(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	other := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	p, err := root.Prepare(t.Context(), ca.Citizen(), ca.Request{CSR: csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Issue(t.Context(), p); err == nil {
		t.Error("another issuer takes it")
	}
	for _, bad := range []*ca.Prepared{nil, {}} {
		if _, err := root.Issue(t.Context(), bad); err == nil {
			t.Error("an empty preparation is taken")
		}
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			switch _, err := root.Issue(t.Context(), p); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ca.ErrUsed):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || count(t, root) != 1 {
		t.Errorf("issued %d times, %d on the ledger", won.Load(), count(t, root))
	}
}

// TestSerialCollision forces the same random octets twice.
func TestSerialCollision(t *testing.T) {
	key := generate(t, "gost2012-256", "")
	root := newRoot(t, key, 0)
	i, err := ca.New(t.Context(), ca.Config{Certificate: root.cert, Key: key, Ledger: root.ledger, Rules: sets.All(), Rand: constant(0xff), Now: root.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		c, err := i.IssueRequest(t.Context(), "citizen", ca.Request{CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})})
		if n == 0 {
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasSuffix(c.RawSerial, bytes.Repeat([]byte{0xff}, 14)) || len(c.RawSerial) > 20 || c.SerialNumber.Sign() <= 0 {
				t.Errorf("serial number %x", c.RawSerial)
			}
			continue
		}
		wantErr(t, "second", err, ca.ErrSerialUsed)
	}
}

// constant is a source of one octet.
type constant byte

func (c constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

func TestNewRefuses(t *testing.T) {
	key := generate(t, "ecdsa-p256", "")
	root := newRoot(t, key, 0)
	leafKey := generate(t, "ecdsa-p256", "")
	leaf := root.issue(t, "citizen", citizenDN, leafKey)
	other := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	good := ca.Config{Certificate: root.cert, Key: key, Ledger: root.ledger, Rules: sets.All()}
	for name, tt := range map[string]struct {
		change func(c *ca.Config)
		want   error
	}{
		"other key": {func(c *ca.Config) { c.Key = leafKey }, ca.ErrKeyMismatch},
		"no CA":     {func(c *ca.Config) { c.Certificate, c.Key = leaf, leafKey }, ca.ErrNotIssuer},
		"no rules":  {func(c *ca.Config) { c.Rules = profile.Set{} }, nil},
		"no ledger": {func(c *ca.Config) { c.Ledger = nil }, nil},
		"foreign":   {func(c *ca.Config) { c.Ledger = other.ledger }, nil},
	} {
		c := good
		tt.change(&c)
		_, err := ca.New(t.Context(), c)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := ca.Found(t.Context(), root.ledger, root.cert, "test", time.Now()); err != nil {
		t.Errorf("founded twice: %v", err)
	}
	if err := ca.Found(t.Context(), root.ledger, other.cert, "test", time.Now()); err == nil {
		t.Error("a ledger changes hands")
	}
	if err := ca.Found(t.Context(), root.ledger, leaf, "test", time.Now()); !errors.Is(err, ca.ErrNotIssuer) {
		t.Errorf("founded by a citizen: %v", err)
	}
	for name, o := range map[string]ca.RootOptions{"no rules": {Subject: root.cert.Subject}, "no subject": {Rules: sets.All()}, "days": {Subject: root.cert.Subject, Rules: sets.All(), Days: -1}} {
		if _, err := ca.NewRoot(key, o); err == nil {
			t.Errorf("root with %s", name)
		}
	}
	if _, err := ca.NewRoot(testKey(t), ca.RootOptions{Subject: root.cert.Subject, Rules: sets.All()}); err == nil {
		t.Error("a root on a test curve")
	}
}
