package verify_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

func TestVerifyCertificate(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	check := func(verdict verify.Verdict, reason verify.Reason) {
		t.Helper()
		r, err := v.VerifyCertificate(t.Context(), c.Leaf.Cert)
		consistent(t, r, err)
		want(t, r, verdict, reason)
	}
	check(verify.VerdictValid, "")
	v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Start, 4))
	check(verify.VerdictRevoked, verify.RevokedReason)
	v.Revocation = nil
	check(verify.VerdictIndeterminate, verify.TryLater)
	v.Now = func() time.Time { return testpki.End.Add(time.Second) }
	check(verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
	v.Roots = nil
	check(verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
	v.Now = func() time.Time { return testpki.Now }
	check(verify.VerdictIndeterminate, verify.NoCertificateChain)
	if _, err := v.VerifyCertificate(t.Context(), nil); err == nil {
		t.Error("nil was verified")
	}
}

func TestVerifyCRL(t *testing.T) {
	c := testpki.NewChain(t)
	v := &verify.Verifier{Now: func() time.Time { return testpki.Now }}
	check := func(l *pki.RevocationList, issuer *pki.Certificate, verdict verify.Verdict, reason verify.Reason) {
		t.Helper()
		r, err := v.VerifyCRL(t.Context(), l, issuer)
		consistent(t, r, err)
		want(t, r, verdict, reason)
	}
	good := testpki.CRL(t, c.Sub, &pki.CRLTemplate{})
	check(good, c.Sub.Cert, verify.VerdictValid, "")
	check(good, c.Root.Cert, verify.VerdictInvalid, verify.SigCryptoFailure)
	check(testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: testpki.Now.AddDate(0, -1, 0)}), c.Sub.Cert, verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
	check(testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: testpki.Now.AddDate(0, 1, 0)}), c.Sub.Cert, verify.VerdictInvalid, verify.NotYetValid)
	check(testpki.CRL(t, c.Sub, &pki.CRLTemplate{ExtraExtensions: []pki.Extension{{ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}}}), c.Sub.Cert,
		verify.VerdictIndeterminate, verify.Generic)
	der := bytes.Clone(good.Raw)
	der[len(der)-1] ^= 1
	bad, err := pki.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	check(bad, c.Sub.Cert, verify.VerdictInvalid, verify.SigCryptoFailure)
}

func TestVerifyOCSP(t *testing.T) {
	c := testpki.NewChain(t)
	v := &verify.Verifier{Roots: pki.NewPool(c.Root.Cert), Now: func() time.Time { return testpki.Now }}
	q := verify.OCSPQuestion{Cert: c.Leaf.Cert, Issuer: c.Sub.Cert}
	check := func(responder *testpki.Entity, s ocsp.Single, verdict verify.Verdict, reason verify.Reason) {
		t.Helper()
		r, err := v.VerifyOCSP(t.Context(), testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, responder, s), q)
		consistent(t, r, err)
		want(t, r, verdict, reason)
	}
	old := ocsp.Single{Status: ocsp.Good, ThisUpdate: testpki.Now.AddDate(0, 0, -3), NextUpdate: testpki.Now.AddDate(0, 0, -2)}
	check(c.Sub, ocsp.Single{Status: ocsp.Good}, verify.VerdictValid, "")
	check(c.Sub, ocsp.Single{Status: ocsp.Revoked, RevokedAt: testpki.Start, Reason: 1}, verify.VerdictRevoked, verify.RevokedReason)
	check(c.Sub, ocsp.Single{Status: ocsp.Revoked, RevokedAt: testpki.Start, Reason: 6}, verify.VerdictRevoked, verify.RevokedReason)
	check(c.Sub, ocsp.Single{Status: ocsp.Unknown}, verify.VerdictIndeterminate, verify.TryLater)
	check(c.Sub, old, verify.VerdictIndeterminate, verify.TryLater)
	check(c.Leaf, ocsp.Single{Status: ocsp.Good}, verify.VerdictInvalid, verify.ChainConstraints)
	v.Roots = nil
	check(c.Sub, ocsp.Single{Status: ocsp.Good}, verify.VerdictIndeterminate, verify.NoCertificateChain)
	tryLater, err := ocsp.ParseResponse(ocsp.CreateErrorResponse(ocsp.TryLater))
	if err != nil {
		t.Fatal(err)
	}
	v.Roots = pki.NewPool(c.Root.Cert)
	r, err := v.VerifyOCSP(t.Context(), tryLater, q)
	consistent(t, r, err)
	want(t, r, verify.VerdictIndeterminate, verify.TryLater)
}

func TestVerifyRequest(t *testing.T) {
	key := testpki.Key(t, "gost2012-256", "cryptopro-xcha")
	der, err := pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: testpki.Name(t, "CN=Иванов")}, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		change  int
		verdict verify.Verdict
		reason  verify.Reason
	}{{0, verify.VerdictValid, ""}, {1, verify.VerdictInvalid, verify.SigCryptoFailure}} {
		d := bytes.Clone(der)
		d[len(d)-1] ^= byte(tc.change)
		req, err := pki.ParseRequest(d)
		if err != nil {
			t.Fatal(err)
		}
		r, err := new(verify.Verifier).VerifyRequest(t.Context(), req)
		consistent(t, r, err)
		want(t, r, tc.verdict, tc.reason)
	}
}

func TestVerifyRaw(t *testing.T) {
	c := testpki.NewChain(t)
	sig, err := alg.SignDigest(rand.Reader, c.Leaf.Key, alg.HashForKey(c.Leaf.Cert.PublicKey), digest(t, c.Leaf.Cert.PublicKey, []byte(document)))
	if err != nil {
		t.Fatal(err)
	}
	var v verify.Verifier
	for content, verdict := range map[string]verify.Verdict{document: verify.VerdictValid, "x": verify.VerdictInvalid} {
		r, err := v.VerifyRaw(t.Context(), strings.NewReader(content), sig, c.Leaf.Cert)
		consistent(t, r, err)
		if r.Verdict() != verdict {
			t.Errorf("%q: %v", content, r.Verdict())
		}
		if len(r.Warnings()) == 0 {
			t.Error("nothing says that the certificate was not checked")
		}
	}
	fail := errors.New("disk")
	if r, err := v.VerifyRaw(t.Context(), iotest.ErrReader(fail), sig, c.Leaf.Cert); r != nil || !errors.Is(err, fail) {
		t.Errorf("unreadable document: %v, %v", r, err)
	}
}

func TestVerifyTimeStamp(t *testing.T) {
	c := testpki.NewChain(t)
	when := testpki.Now.AddDate(0, 0, -1)
	tok, err := tsp.ParseToken(makeToken(t, tsa(t, c.Sub), []byte(document), when))
	if err != nil {
		t.Fatal(err)
	}
	plain := testpki.Issue(t, testpki.Leaf(t, "CN=No TSA"), c.Sub)
	other, err := tsp.ParseToken(makeToken(t, plain, []byte(document), when))
	if err != nil {
		t.Fatal(err)
	}
	twice := testpki.Leaf(t, "CN=Two uses")
	twice.ExtKeyUsage, twice.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping, oid.EKUClientAuth}, true
	double, err := tsp.ParseToken(makeToken(t, testpki.Issue(t, twice, c.Sub), []byte(document), when))
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, c)
	for _, tc := range []struct {
		tok     *tsp.Token
		content string
		verdict verify.Verdict
		reason  verify.Reason
	}{
		{tok, document, verify.VerdictValid, ""},
		{tok, "x", verify.VerdictInvalid, verify.HashFailure},
		{tok, "", verify.VerdictIndeterminate, verify.SignedDataNotFound},
		{other, document, verify.VerdictInvalid, verify.ChainConstraints},
		{double, document, verify.VerdictInvalid, verify.ChainConstraints},
	} {
		var r *verify.Report
		var err error
		if tc.content == "" {
			r, err = v.VerifyTimeStamp(t.Context(), tc.tok, nil, tsp.CheckOptions{})
		} else {
			r, err = v.VerifyTimeStamp(t.Context(), tc.tok, strings.NewReader(tc.content), tsp.CheckOptions{})
		}
		consistent(t, r, err)
		want(t, r, tc.verdict, tc.reason)
		if !r.GenTime.Equal(when) {
			t.Errorf("genTime %v", r.GenTime)
		}
	}
	fail := errors.New("disk")
	if r, err := v.VerifyTimeStamp(t.Context(), tok, iotest.ErrReader(fail), tsp.CheckOptions{}); r != nil || !errors.Is(err, fail) {
		t.Errorf("unreadable document: %v, %v", r, err)
	}
}

func TestObjectAlgorithms(t *testing.T) {
	ca := testpki.IssueKey(t, testpki.CA(t, "CN=Root"), nil, testpki.TestKey(t))
	v := &verify.Verifier{Now: func() time.Time { return testpki.Now }}
	r, err := v.VerifyCRL(t.Context(), testpki.CRL(t, ca, &pki.CRLTemplate{}), ca.Cert)
	consistent(t, r, err)
	want(t, r, verify.VerdictInvalid, verify.CryptoConstraints)
}

// TestOCSPOfAnotherIssuer: the certificate must be from the issuer that is named.
func TestOCSPOfAnotherIssuer(t *testing.T) {
	c := testpki.NewChain(t)
	v := &verify.Verifier{Roots: pki.NewPool(c.Root.Cert), Now: func() time.Time { return testpki.Now }}
	resp := testpki.OCSP(t, c.Leaf.Cert, c.Root.Cert, c.Root, ocsp.Single{Status: ocsp.Good})
	r, err := v.VerifyOCSP(t.Context(), resp, verify.OCSPQuestion{Cert: c.Leaf.Cert, Issuer: c.Root.Cert})
	consistent(t, r, err)
	want(t, r, verify.VerdictInvalid, verify.ChainGeneral)
}

// TestWithdrawnDigest: a certificate signed with SHA-1 is not valid without a
// proof that it is old.
func TestWithdrawnDigest(t *testing.T) {
	key := testpki.Key(t, "rsa-3072", "")
	root := testpki.IssueKey(t, testpki.CA(t, "CN=Root"), nil, key)
	parent, err := x509.ParseCertificate(root.Cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Leaf"},
		NotBefore: testpki.Start.AddDate(-10, 0, 0), NotAfter: testpki.End, SignatureAlgorithm: x509.SHA1WithRSA,
	}, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	v := &verify.Verifier{
		Roots: pki.NewPool(root.Cert), Now: func() time.Time { return testpki.Now },
		Revocation: &revocation.Static{Lists: []*pki.RevocationList{testpki.CRL(t, root, &pki.CRLTemplate{})}},
	}
	r, err := v.VerifyCertificate(t.Context(), leaf)
	consistent(t, r, err)
	want(t, r, verify.VerdictInvalid, verify.CryptoConstraintsNoPOE)
	policy(t, "test")(v)
	r, err = v.VerifyCertificate(t.Context(), leaf)
	consistent(t, r, err)
	want(t, r, verify.VerdictValid, "")
	if !slices.ContainsFunc(r.Checks, func(c verify.Check) bool { return c.ID == "legacy-algorithm" && c.Result() == "warning" }) {
		t.Error("accepted in silence")
	}
}
