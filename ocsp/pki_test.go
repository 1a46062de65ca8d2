package ocsp

import (
	"context"
	"crypto"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// testTime is the moment of the tests.
var testTime = time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)

// entity is a certificate with its key.
type entity struct {
	cert *pki.Certificate
	key  crypto.Signer
}

// testPKI is an authority with a delegate and a user.
type testPKI struct {
	ca, delegate, leaf entity
}

type option func(*pki.CertificateTemplate)

func newKey(t testing.TB, kind, set string) crypto.Signer {
	t.Helper()
	key, err := alg.GenerateKey(kind, set)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate; a nil parent makes a self-signed authority.
func issue(t testing.TB, parent *entity, key crypto.Signer, name string, serial int64, opts ...option) entity {
	t.Helper()
	dn, err := pki.ParseDN("CN=" + name)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &pki.CertificateTemplate{
		SerialNumber: big.NewInt(serial), Subject: dn, MaxPathLen: -1,
		NotBefore: testTime.AddDate(-1, 0, 0), NotAfter: testTime.AddDate(1, 0, 0), KeyUsage: pki.KeyUsageDigitalSignature,
	}
	if parent == nil {
		tmpl.BasicConstraints, tmpl.IsCA, tmpl.KeyUsage = true, true, pki.KeyUsageCertSign|pki.KeyUsageCRLSign
	}
	for _, o := range opts {
		o(tmpl)
	}
	signer, cert := key, (*pki.Certificate)(nil)
	if parent != nil {
		signer, cert = parent.key, parent.cert
	}
	der, err := pki.CreateCertificate(nil, tmpl, cert, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return entity{parsed, key}
}

func ocspSigning(c *pki.CertificateTemplate) {
	c.ExtKeyUsage, c.OCSPNoCheck = []oid.OID{oid.EKUOCSPSigning}, true
}

func newTestPKI(t testing.TB, kind, set string, opts ...option) testPKI {
	t.Helper()
	ca := issue(t, nil, newKey(t, kind, set), "Test CA", 1, opts...)
	return testPKI{
		ca:       ca,
		delegate: issue(t, &ca, newKey(t, kind, set), "Test OCSP", 2, append(opts, ocspSigning)...),
		leaf:     issue(t, &ca, newKey(t, kind, set), "Test User", 3, opts...),
	}
}

// validNow is for peers, which check against the real clock.
func validNow(c *pki.CertificateTemplate) {
	c.NotBefore, c.NotAfter = time.Now().AddDate(0, 0, -1), time.Now().AddDate(0, 0, 30)
}

// ledger is a StatusSource over a map.
type ledger map[int64]Answer

func (l ledger) Status(_ context.Context, serial *big.Int) (Answer, error) {
	if serial.IsInt64() {
		if a, ok := l[serial.Int64()]; ok {
			return a, nil
		}
	}
	return Answer{Reason: NoReason}, nil
}

// broken is a StatusSource that fails.
type broken struct{}

func (broken) Status(context.Context, *big.Int) (Answer, error) {
	return Answer{}, errors.New("the ledger is locked")
}

func (p testPKI) responder(source StatusSource) *Responder {
	return &Responder{
		Issuer: p.ca.cert, Certificate: p.delegate.cert, Signer: p.delegate.key, Source: source,
		Now: func() time.Time { return testTime },
	}
}

func good() ledger { return ledger{3: {Status: Good, Reason: NoReason}} }

// respond runs a request through a responder and parses the answer.
func respond(t testing.TB, r *Responder, req *Request) *Response {
	t.Helper()
	out, err := ParseResponse(r.Respond(t.Context(), req.Raw))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p testPKI) request(t testing.TB, nonce bool) *Request {
	t.Helper()
	req, err := NewRequest(nil, p.leaf.cert, p.ca.cert, SHA1(), nonce)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func (p testPKI) options() CheckOptions {
	return CheckOptions{Cert: p.leaf.cert, Issuer: p.ca.cert, At: testTime}
}
