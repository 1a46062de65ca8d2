package verify_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

const document = "Договор № 1\n"

// message says what signature a test wants.
type message struct {
	signer   *testpki.Entity
	content  string // "" means document
	attached bool
	noCerts  bool
	plain    bool // no signed attributes
	keyID    bool
	noTime   bool
	more     []*pki.Certificate
	crls     [][]byte                              // RevocationInfoChoices
	change   func(*cms.SignerInfo) *cms.SignerInfo // adds unsigned attributes
}

func digest(t testing.TB, pub any, content []byte) []byte {
	t.Helper()
	h, err := alg.NewHash(alg.HashForKey(pub))
	if err != nil {
		t.Fatal(err)
	}
	h.Write(content)
	return h.Sum(nil)
}

// sign makes the message.
func (m message) sign(t testing.TB) []byte {
	t.Helper()
	content := []byte(m.content)
	if m.content == "" {
		content = []byte(document)
	}
	q := cms.SignerRequest{
		Key: m.signer.Key, Certificate: m.signer.Cert, Digest: digest(t, m.signer.Cert.PublicKey, content),
		UseKeyIdentifier: m.keyID, NoSignedAttributes: m.plain,
	}
	if !m.plain && !m.noTime {
		q.SigningTime = testpki.Now.Add(-time.Minute)
	}
	si, err := cms.BuildSigner(rand.Reader, q)
	if err != nil {
		t.Fatal(err)
	}
	if m.change != nil {
		si = m.change(si)
	}
	var msg cms.Message
	if !m.noCerts {
		msg.AddCertificates(m.signer.Cert)
	}
	msg.AddCertificates(m.more...)
	msg.Revocations = m.crls
	var out bytes.Buffer
	if m.attached {
		err = cms.WriteAttached(&out, msg, bytes.NewReader(content), int64(len(content)), []*cms.SignerInfo{si}, nil)
	} else {
		err = cms.WriteDetached(&out, msg, []*cms.SignerInfo{si})
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// makeToken makes a time-stamp token of tsa over the octets.
func makeToken(t testing.TB, tsa *testpki.Entity, stamped []byte, at time.Time, more ...*pki.Certificate) []byte {
	t.Helper()
	return stampSpec{tsa: tsa, digest: digest(t, tsa.Cert.PublicKey, stamped), at: at, more: more}.token(t)
}

// tsa makes a time-stamping authority below ca.
func tsa(t testing.TB, ca *testpki.Entity) *testpki.Entity {
	t.Helper()
	tmpl := testpki.Leaf(t, "CN=TSA")
	tmpl.ExtKeyUsage, tmpl.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	return testpki.Issue(t, tmpl, ca)
}

// lists are fresh lists of root and issuing CA with the entries in the latter.
func lists(t testing.TB, c *testpki.Chain, entries ...pki.RevokedEntry) *revocation.Static {
	t.Helper()
	return &revocation.Static{Lists: []*pki.RevocationList{
		testpki.CRL(t, c.Root, &pki.CRLTemplate{}), testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: entries}),
	}}
}

// verifier trusts the chain's root and has fresh lists.
func verifier(t testing.TB, c *testpki.Chain) *verify.Verifier {
	t.Helper()
	return &verify.Verifier{Roots: pki.NewPool(c.Root.Cert), Intermediates: pki.NewPool(c.Sub.Cert), Revocation: lists(t, c), Now: func() time.Time { return testpki.Now }}
}

// judge verifies and holds what is true of every report.
func judge(t testing.TB, v *verify.Verifier, sig []byte, content string) *verify.Report {
	t.Helper()
	var r io.Reader
	if content != "" {
		r = strings.NewReader(content)
	}
	if v.Cache == nil {
		v.Cache = shared
	}
	report, err := v.Verify(t.Context(), bytes.NewReader(sig), r)
	consistent(t, report, err)
	sameWithout(t, v, report, func(v *verify.Verifier) (*verify.Report, error) {
		if content != "" {
			r = strings.NewReader(content)
		}
		return v.Verify(t.Context(), bytes.NewReader(sig), r)
	})
	return report
}

func consistent(t testing.TB, report *verify.Report, err error) {
	t.Helper()
	if report == nil {
		t.Fatalf("no report: %v", err)
	}
	if (err == nil) != (report.Status == verify.Passed) {
		t.Fatalf("error %v with status %v", err, report.Status)
	}
	if (report.Reason == "") != (report.Status == verify.Passed) {
		t.Fatalf("reason %q with status %v", report.Reason, report.Status)
	}
	var e *verify.Error
	if err != nil && (!errors.As(err, &e) || e.Reason != report.Reason || e.Verdict != report.Verdict()) {
		t.Fatalf("error %#v, reason %s", err, report.Reason)
	}
	for _, s := range report.Signatures {
		if s.Status == verify.Passed && s.Reason != "" || s.Status != verify.Passed && s.Reason == "" {
			t.Fatalf("signature: reason %q with status %v", s.Reason, s.Status)
		}
	}
}

// want compares verdict and reason.
func want(t testing.TB, r *verify.Report, v verify.Verdict, reason verify.Reason) {
	t.Helper()
	if r.Verdict() != v || r.Reason != reason {
		detail, _ := r.Deciding()
		for _, s := range r.Signatures {
			detail, _ = s.Deciding()
		}
		t.Errorf("got %v %s (%s: %s), want %v %s", r.Verdict(), r.Reason, detail.ID, detail.Detail, v, reason)
	}
}

// result returns the result of the check with the id in the first signature.
func result(r *verify.Report, id string) string {
	for _, s := range r.Signatures {
		for _, c := range s.Checks {
			if c.ID == id {
				return c.Result()
			}
		}
	}
	return ""
}
