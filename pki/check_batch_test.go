package pki

import (
	"crypto"
	"fmt"
	"io"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// TestCheckTogether: requests and certificates that are checked together get what
// each gets alone.
func TestCheckTogether(t *testing.T) {
	var requests []*CertificateRequest
	var certs []*Certificate
	ca, err := alg.GenerateKey("gost2012-256", "cryptopro-a")
	if err != nil {
		t.Fatal(err)
	}
	subject, err := ParseDN("CN=x")
	if err != nil {
		t.Fatal(err)
	}
	parent := &Certificate{RawSubject: subject.Raw, PublicKey: ca.Public(), SubjectKeyID: []byte{1}}
	if parent.RawSubject, err = subject.DER(); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		key, err := alg.GenerateKey("gost2012-256", "")
		if err != nil {
			t.Fatal(err)
		}
		der, err := CreateRequest(nil, &RequestTemplate{Subject: subject}, key)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
		draft, err := NewCertificateDraft(&CertificateTemplate{
			SerialNumber: big.NewInt(int64(n + 1)), Subject: subject, NotBefore: at, NotAfter: at.AddDate(1, 0, 0),
		}, parent, key.Public(), ca.Public())
		if err != nil {
			t.Fatal(err)
		}
		cert, err := draft.Sign(nil, ca)
		if err != nil {
			t.Fatal(err)
		}
		raw := slices.Clone(cert.Raw)
		if n%3 == 0 {
			der[len(der)-1] ^= 1
			raw[len(raw)-1] ^= 1
		}
		q, err := ParseRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		if cert, err = ParseCertificate(raw); err != nil {
			t.Fatal(err)
		}
		switch n {
		case 4:
			q.PublicKey, cert.SignatureAlgorithm = nil, alg.Identifier{OID: "1.2.3"}
		case 5:
			q.signatureUnused, cert.signatureUnused = 1, 1
		}
		requests, certs = append(requests, q), append(certs, cert)
	}
	good := 0
	for n, err := range CheckRequestSignatures(requests) {
		if alone := requests[n].CheckSignature(); fmt.Sprint(err) != fmt.Sprint(alone) {
			t.Errorf("request %d: %v, alone %v", n, err, alone)
		}
	}
	for n, err := range CheckSignaturesFrom(certs, parent) {
		if alone := certs[n].CheckSignatureFrom(parent); fmt.Sprint(err) != fmt.Sprint(alone) {
			t.Errorf("certificate %d: %v, alone %v", n, err, alone)
		}
		if err == nil {
			good++
		}
	}
	if good != 11 {
		t.Errorf("%d good certificates", good)
	}
}

// TestDraft: the preview becomes the certificate, whose octets are those that
// CreateCertificate makes, with signatures of one length and of several.
func TestDraft(t *testing.T) {
	at := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	subject, err := ParseDN("CN=x,C=RU")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"gost2012-256", "gost2012-512", "ecdsa-p256"} {
		key, err := alg.GenerateKey(kind, "")
		if err != nil {
			t.Fatal(err)
		}
		other, err := alg.GenerateKey(kind, "")
		if err != nil {
			t.Fatal(err)
		}
		tmpl := &CertificateTemplate{SerialNumber: big.NewInt(7), Subject: subject, NotBefore: at, NotAfter: at.AddDate(1, 0, 0), KeyUsage: KeyUsageCRLSign}
		d, err := NewCertificateDraft(tmpl, nil, key.Public(), key.Public())
		if err != nil {
			t.Fatal(err)
		}
		standIn := make([]byte, len(mustSign(t, d, key, tmpl)))
		preview, err := d.Preview(standIn)
		if err != nil {
			t.Fatal(err)
		}
		if preview.CheckSignatureFrom(preview) == nil {
			t.Errorf("%s: the preview verifies", kind)
		}
		tbs := slices.Clone(preview.RawTBSCertificate)
		if _, err := d.Sign(nil, other); err == nil {
			t.Errorf("%s: another key signs", kind)
		}
		c, err := d.Sign(nil, key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseCertificate(c.Raw)
		if err != nil || !slices.Equal(again.Signature, c.Signature) || !slices.Equal(c.RawTBSCertificate, tbs) {
			t.Errorf("%s: %v, the certificate is not what it is read as", kind, err)
		}
		if err := c.CheckSignatureFrom(c); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := d.Sign(nil, key); err == nil {
			t.Errorf("%s: signed twice", kind)
		}
		if _, err := d.Preview(standIn); err == nil {
			t.Errorf("%s: a preview of what was signed", kind)
		}
	}
}

// mustSign returns the signature that CreateCertificate makes, and wants its
// octets to be the draft's.
func mustSign(t *testing.T, d *CertificateDraft, key crypto.Signer, tmpl *CertificateTemplate) []byte {
	t.Helper()
	der, err := CreateCertificate(nil, tmpl, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.RawTBSCertificate, d.tbs) {
		t.Error("the draft is another certificate")
	}
	return c.Signature
}

// TestDraftLengths: a stand-in of another length than the signature's, as with
// ECDSA, a preview that was never made and one that was made twice change nothing
// about what is signed; a fault in signing uses nothing up.
func TestDraftLengths(t *testing.T) {
	at := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	subject, err := ParseDN("CN=x,C=RU")
	if err != nil {
		t.Fatal(err)
	}
	key, err := alg.GenerateKey("gost2012-256", "")
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &CertificateTemplate{SerialNumber: big.NewInt(7), Subject: subject, NotBefore: at, NotAfter: at.AddDate(1, 0, 0), KeyUsage: KeyUsageCRLSign}
	for _, standIns := range [][]int{nil, {0}, {1}, {63}, {64}, {65}, {200}, {64, 65}, {65, 64}} {
		d, err := NewCertificateDraft(tmpl, nil, key.Public(), key.Public())
		if err != nil {
			t.Fatal(err)
		}
		var tbs []byte
		for _, n := range standIns {
			preview, err := d.Preview(make([]byte, n))
			if err != nil {
				t.Fatal(err)
			}
			tbs = slices.Clone(preview.RawTBSCertificate)
		}
		if _, err := d.Sign(nil, faulty{key}); err == nil {
			t.Errorf("%v: a signature of a faulty key", standIns)
		}
		c, err := d.Sign(nil, key)
		if err != nil {
			t.Fatalf("%v: %v", standIns, err)
		}
		again, err := ParseCertificate(c.Raw)
		if err != nil || !slices.Equal(again.Signature, c.Signature) || !slices.Equal(again.RawTBSCertificate, c.RawTBSCertificate) {
			t.Errorf("%v: %v, the certificate is not what it is read as", standIns, err)
		}
		if tbs != nil && !slices.Equal(c.RawTBSCertificate, tbs) {
			t.Errorf("%v: what was signed is not what was looked at", standIns)
		}
		if err := again.CheckSignatureFrom(again); err != nil {
			t.Errorf("%v: %v", standIns, err)
		}
	}
}

// faulty is a key whose token fails.
type faulty struct{ crypto.Signer }

func (faulty) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, io.ErrUnexpectedEOF
}
