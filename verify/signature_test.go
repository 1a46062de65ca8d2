package verify_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

func TestValid(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	for name, m := range map[string]message{
		"detached": {signer: c.Leaf}, "attached": {signer: c.Leaf, attached: true},
		"without attributes": {signer: c.Leaf, plain: true}, "by key identifier": {signer: c.Leaf, keyID: true},
		"chain in the message": {signer: c.Leaf, more: []*pki.Certificate{c.Sub.Cert}},
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(t, v, m.sign(t), document)
			want(t, r, verify.VerdictValid, "")
			s := r.Signatures[0]
			if !s.Signer.Equal(c.Leaf.Cert) || len(s.Chain) != 3 || len(s.Evidence.CRLs) != 2 || !s.BestTime.IsZero() {
				t.Errorf("signer %v, chain of %d, %d lists, best time %v", s.Signer.Subject, len(s.Chain), len(s.Evidence.CRLs), s.BestTime)
			}
			if level := map[bool]string{true: "cms", false: "bes"}[m.plain]; s.Level != level {
				t.Errorf("level %s, want %s", s.Level, level)
			}
		})
	}
	if r := judge(t, v, message{signer: c.Leaf, attached: true}.sign(t), ""); r.Verdict() != verify.VerdictValid {
		t.Error("attached without the document")
	}
}

func TestAlgorithms(t *testing.T) {
	for _, key := range [][2]string{{"gost2012-512", "tc26-512-a"}, {"gost2012-256", "tc26-256-a"}, {"ecdsa-p256", ""}, {"rsa-3072", ""}} {
		t.Run(key[0], func(t *testing.T) {
			root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
			leaf := testpki.IssueKey(t, testpki.Leaf(t, "CN=Leaf"), root, testpki.Key(t, key[0], key[1]))
			c := &testpki.Chain{Root: root, Sub: root, Leaf: leaf}
			sig := message{signer: leaf}.sign(t)
			want(t, judge(t, verifier(t, c), sig, document), verify.VerdictValid, "")
			want(t, judge(t, verifier(t, c), sig, document+"x"), verify.VerdictInvalid, verify.HashFailure)
		})
	}
}

func TestRefused(t *testing.T) {
	c := testpki.NewChain(t)
	sig := message{signer: c.Leaf}.sign(t)
	attached := message{signer: c.Leaf, attached: true}.sign(t)
	broken := bytes.Clone(sig)
	broken[len(broken)-1] ^= 1
	stranger := testpki.Issue(t, testpki.CA(t, "CN=Other root"), nil)
	agree := testpki.Leaf(t, "CN=Agreement")
	agree.KeyUsage = pki.KeyUsageKeyAgreement
	for name, tc := range map[string]struct {
		sig     []byte
		content string
		change  func(*verify.Verifier)
		verdict verify.Verdict
		reason  verify.Reason
	}{
		"another document":               {sig: sig, content: "x", verdict: verify.VerdictInvalid, reason: verify.HashFailure},
		"another document, attached":     {sig: attached, content: "x", verdict: verify.VerdictInvalid, reason: verify.HashFailure},
		"no document":                    {sig: sig, verdict: verify.VerdictIndeterminate, reason: verify.SignedDataNotFound},
		"no document, plain":             {sig: message{signer: c.Leaf, plain: true}.sign(t), verdict: verify.VerdictIndeterminate, reason: verify.SignedDataNotFound},
		"another document, plain":        {sig: message{signer: c.Leaf, plain: true}.sign(t), content: "x", verdict: verify.VerdictInvalid, reason: verify.SigCryptoFailure},
		"signature value":                {sig: broken, content: document, verdict: verify.VerdictInvalid, reason: verify.SigCryptoFailure},
		"unknown anchor":                 {sig: sig, content: document, change: func(v *verify.Verifier) { v.Roots = pki.NewPool(stranger.Cert) }, verdict: verify.VerdictIndeterminate, reason: verify.NoCertificateChain},
		"zero verifier's roots":          {sig: sig, content: document, change: func(v *verify.Verifier) { v.Roots = nil }, verdict: verify.VerdictIndeterminate, reason: verify.NoCertificateChain},
		"unknown anchor, other document": {sig: sig, content: "x", change: func(v *verify.Verifier) { v.Roots = nil }, verdict: verify.VerdictInvalid, reason: verify.HashFailure},
		"expired": {
			sig: sig, content: document, change: func(v *verify.Verifier) { v.Now = func() time.Time { return testpki.End.Add(time.Hour) } },
			verdict: verify.VerdictInvalid, reason: verify.OutOfBoundsNoPOE,
		},
		"not yet valid": {
			sig: sig, content: document, change: func(v *verify.Verifier) { v.Now = func() time.Time { return testpki.Start.Add(-time.Hour) } },
			verdict: verify.VerdictInvalid, reason: verify.NotYetValid,
		},
		"no evidence": {sig: sig, content: document, change: func(v *verify.Verifier) { v.Revocation = nil }, verdict: verify.VerdictIndeterminate, reason: verify.TryLater},
		"evidence for one of two": {
			sig: sig, content: document, change: func(v *verify.Verifier) {
				v.Revocation.(*revocation.Static).Lists = v.Revocation.(*revocation.Static).Lists[1:]
			},
			verdict: verify.VerdictIndeterminate, reason: verify.TryLater,
		},
		"revoked": {
			sig: sig, content: document, change: func(v *verify.Verifier) { v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Start, 1)) },
			verdict: verify.VerdictRevoked, reason: verify.RevokedNoPOE,
		},
		"on hold": {
			sig: sig, content: document, change: func(v *verify.Verifier) { v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Start, 6)) },
			verdict: verify.VerdictRevoked, reason: verify.RevokedNoPOE,
		},
		"authority revoked": {sig: sig, content: document, change: func(v *verify.Verifier) {
			v.Revocation.(*revocation.Static).Lists[0] = testpki.CRL(t, c.Root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(c.Sub.Cert, testpki.Start, 2)}})
		}, verdict: verify.VerdictRevoked, reason: verify.RevokedCANoPOE},
		"revoked and changed": {
			sig: sig, content: "x", change: func(v *verify.Verifier) { v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Start, 1)) },
			verdict: verify.VerdictInvalid, reason: verify.HashFailure,
		},
		"certificate missing":       {sig: message{signer: c.Leaf, noCerts: true}.sign(t), content: document, verdict: verify.VerdictIndeterminate, reason: verify.NoSigningCertificate},
		"key not for signing":       {sig: message{signer: testpki.Issue(t, agree, c.Sub)}.sign(t), content: document, verdict: verify.VerdictInvalid, reason: verify.ChainConstraints},
		"order 472, key identifier": {sig: message{signer: c.Leaf, keyID: true}.sign(t), content: document, change: policy(t, "order-472"), verdict: verify.VerdictInvalid, reason: verify.SigConstraints},
		"order 472, no time":        {sig: message{signer: c.Leaf, noTime: true}.sign(t), content: document, change: policy(t, "order-472"), verdict: verify.VerdictInvalid, reason: verify.SigConstraints},
		"order 472":                 {sig: sig, content: document, change: policy(t, "order-472"), verdict: verify.VerdictValid},
		"zero policy wants a time stamp": {
			sig: sig, content: document, change: func(v *verify.Verifier) {
				v.Policy = &verify.Policy{CertificatesIncluded: verify.Skip, QualifiedForm: verify.Skip, Accreditation: verify.Skip}
			},
			verdict: verify.VerdictIndeterminate, reason: verify.NoPOE,
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, c)
			if tc.change != nil {
				tc.change(v)
			}
			want(t, judge(t, v, tc.sig, tc.content), tc.verdict, tc.reason)
		})
	}
}

func policy(t *testing.T, name string) func(*verify.Verifier) {
	return func(v *verify.Verifier) {
		p, err := verify.PolicyByName(name)
		if err != nil {
			t.Fatal(err)
		}
		v.Policy = p
	}
}

func TestWithoutRevocation(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	v.Policy = verify.DefaultPolicy()
	v.Policy.UnsafeNoRevocation = true
	v.Revocation = nil
	sig := message{signer: c.Leaf}.sign(t)
	r := judge(t, v, sig, document)
	want(t, r, verify.VerdictValid, "")
	if result(r, "revocation") != "skipped" || result(r, "revocation-policy") != "warning" {
		t.Errorf("revocation is %s, the warning %q", result(r, "revocation"), result(r, "revocation-policy"))
	}
	// Evidence that is given is used all the same.
	v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Start, 1))
	want(t, judge(t, v, sig, document), verify.VerdictRevoked, verify.RevokedNoPOE)
	v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: testpki.Now.AddDate(0, -1, 0)})}}
	want(t, judge(t, v, sig, document), verify.VerdictIndeterminate, verify.TryLater)
	// A source that fails, and an old list that the message carries, are not
	// evidence that was given.
	v.Revocation = failing{}
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
	old := testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: testpki.Now.AddDate(0, -1, 0)})
	sig = message{signer: c.Leaf, crls: [][]byte{old.Raw}}.sign(t)
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
	revoked := testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: testpki.Now.AddDate(0, -1, 0), Entries: []pki.RevokedEntry{testpki.Revoked(c.Leaf.Cert, testpki.Start, 1)}})
	sig = message{signer: c.Leaf, crls: [][]byte{revoked.Raw}}.sign(t)
	want(t, judge(t, v, sig, document), verify.VerdictRevoked, verify.RevokedNoPOE)
}

// failing is a network that is down.
type failing struct{}

func (failing) CRLs(context.Context, *pki.Certificate, *pki.Certificate) ([]*pki.RevocationList, error) {
	return nil, errors.New("no route to host")
}

func (failing) OCSP(context.Context, *pki.Certificate, *pki.Certificate) ([]*ocsp.Response, error) {
	return nil, errors.New("no route to host")
}

// TestCarriedEvidence: what the signature carries counts like what is given,
// and a revocation in either wins.
func TestCarriedEvidence(t *testing.T) {
	c := testpki.NewChain(t)
	ev := lists(t, c)
	resp := testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, ocsp.Single{Status: ocsp.Good})
	var other []byte
	{
		var b cryptobyte.Builder // OtherRevocationInfoFormat (RFC 5652, section 10.2.1)
		b.AddASN1(asn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			oid.RevocationInfoOCSP.Add(b)
			b.AddBytes(resp.Raw)
		})
		other = b.BytesOrPanic()
	}
	sig := message{signer: c.Leaf, crls: [][]byte{ev.Lists[0].Raw, other}}.sign(t)
	v := verifier(t, c)
	v.Revocation = nil
	r := judge(t, v, sig, document)
	want(t, r, verify.VerdictValid, "")
	if e := r.Signatures[0].Evidence; len(e.CRLs) != 1 || len(e.OCSP) != 1 {
		t.Errorf("%d lists and %d responses decided", len(e.CRLs), len(e.OCSP))
	}
	v.Revocation = revocation.Sources{lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Start, 1)), failing{}}
	want(t, judge(t, v, sig, document), verify.VerdictRevoked, verify.RevokedNoPOE)
}

func TestDetails(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	at := testpki.Now.AddDate(0, 0, -2)
	detail := func(reason int) string {
		v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, at, reason))
		d, _ := judge(t, v, message{signer: c.Leaf}.sign(t), document).Signatures[0].Deciding()
		return d.Detail
	}
	if d := detail(1); d != "сертификат подписанта отозван 2026-05-30T12:00:00Z, причина: ключ скомпрометирован" {
		t.Error(d)
	}
	if d := detail(6); !strings.HasPrefix(d, "действие сертификата приостановлено") {
		t.Error(d)
	}
	v.Lang = verify.English
	if d := detail(1); d != "the signer's certificate was revoked on 2026-05-30T12:00:00Z, reason: key compromise" {
		t.Error(d)
	}
	// Both digests are in the detail of a document that is not the one inside.
	r := judge(t, verifier(t, c), message{signer: c.Leaf, attached: true}.sign(t), "x")
	d, _ := r.Signatures[0].Deciding()
	for _, s := range []string{"x", document} {
		if h := digest(t, c.Leaf.Cert.PublicKey, []byte(s)); !strings.Contains(d.Detail, hexOf(h)) {
			t.Errorf("%x is not in %q", h, d.Detail)
		}
	}
}

func TestUnreadable(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	for name, in := range map[string][]byte{"empty": nil, "text": []byte("hello"), "certificate": c.Leaf.Cert.Raw, "truncated": message{signer: c.Leaf}.sign(t)[:100]} {
		if r, err := v.Verify(t.Context(), bytes.NewReader(in), strings.NewReader(document)); r != nil || err == nil {
			t.Errorf("%s: report %v, error %v", name, r, err)
		}
	}
	if _, err := v.Verify(t.Context(), nil, nil); err == nil {
		t.Error("nil was verified")
	}
	fail := errors.New("disk")
	if r, err := v.Verify(t.Context(), bytes.NewReader(message{signer: c.Leaf}.sign(t)), iotest.ErrReader(fail)); r != nil || !errors.Is(err, fail) {
		t.Errorf("unreadable document: %v, %v", r, err)
	}
}

func TestNoSigners(t *testing.T) {
	c := testpki.NewChain(t)
	var out bytes.Buffer
	var m cms.Message
	m.AddCertificates(c.Leaf.Cert)
	if err := cms.WriteDetached(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	want(t, judge(t, verifier(t, c), out.Bytes(), document), verify.VerdictInvalid, verify.FormatFailure)
}

// counter adds a countersignature of signer.
func counter(t *testing.T, signer *testpki.Entity, over func(*cms.SignerInfo) *cms.SignerInfo) func(*cms.SignerInfo) *cms.SignerInfo {
	return func(si *cms.SignerInfo) *cms.SignerInfo {
		parent := si
		if over != nil {
			parent = over(si)
		}
		cs, err := cms.BuildCounterSigner(rand.Reader, parent, cms.SignerRequest{Key: signer.Key, Certificate: signer.Cert, SigningTime: testpki.Now})
		if err != nil {
			t.Fatal(err)
		}
		out, err := si.AddCounterSignature(cs)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func TestCounterSignatures(t *testing.T) {
	c := testpki.NewChain(t)
	second := testpki.Issue(t, testpki.Leaf(t, "CN=Second"), c.Sub)
	more := []*pki.Certificate{second.Cert}
	v := verifier(t, c)
	r := judge(t, v, message{signer: c.Leaf, more: more, change: counter(t, second, nil)}.sign(t), document)
	want(t, r, verify.VerdictValid, "")
	if s := r.Signatures[0]; len(s.Counter) != 1 || s.Counter[0].Status != verify.Passed || !s.Counter[0].Signer.Equal(second.Cert) {
		t.Errorf("countersignature: %+v", s.Counter)
	}
	other := func(*cms.SignerInfo) *cms.SignerInfo {
		si, err := cms.BuildSigner(rand.Reader, cms.SignerRequest{Key: c.Leaf.Key, Certificate: c.Leaf.Cert, Digest: digest(t, c.Leaf.Cert.PublicKey, nil)})
		if err != nil {
			t.Fatal(err)
		}
		return si
	}
	want(t, judge(t, v, message{signer: c.Leaf, more: more, change: counter(t, second, other)}.sign(t), document), verify.VerdictInvalid, verify.SigCryptoFailure)
	// A countersigner nobody knows is a warning: the signature itself stands.
	stranger := testpki.Issue(t, testpki.CA(t, "CN=Stranger"), nil)
	r = judge(t, v, message{signer: c.Leaf, more: []*pki.Certificate{stranger.Cert}, change: counter(t, stranger, nil)}.sign(t), document)
	want(t, r, verify.VerdictValid, "")
	if result(r, "countersignature") != "warning" {
		t.Errorf("countersignature is %q", result(r, "countersignature"))
	}
}

// stamped adds a signature time stamp; over says what is stamped.
func stamped(t *testing.T, tsa *testpki.Entity, at time.Time, over func(sig []byte) []byte, more ...*pki.Certificate) func(*cms.SignerInfo) *cms.SignerInfo {
	return func(si *cms.SignerInfo) *cms.SignerInfo {
		out, err := si.AddUnsigned(oid.AttrSignatureTimeStamp, makeToken(t, tsa, over(si.Signature), at, more...))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func same(b []byte) []byte { return b }

func TestTimeStamps(t *testing.T) {
	c := testpki.NewChain(t)
	authority := tsa(t, c.Sub)
	when := testpki.Now.AddDate(0, 0, -7)
	v := verifier(t, c)
	sig := message{signer: c.Leaf, change: stamped(t, authority, when, same)}.sign(t)
	r := judge(t, v, sig, document)
	want(t, r, verify.VerdictValid, "")
	if s := r.Signatures[0]; !s.BestTime.Equal(when) || s.Level != "t" || len(s.TimeStamps) != 1 || s.TimeStamps[0].Status != verify.Passed {
		t.Errorf("best time %v, level %s, %d time stamps", s.BestTime, s.Level, len(s.TimeStamps))
	}
	// Revoked after the proven time: the signature stands. Before: it does not.
	v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, when.Add(time.Hour), 4))
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
	v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, when.Add(-time.Hour), 4))
	want(t, judge(t, v, sig, document), verify.VerdictRevoked, verify.RevokedNoPOE)
	// A token over something else, and one whose signature is broken.
	v.Revocation = lists(t, c)
	wrong := message{signer: c.Leaf, change: stamped(t, authority, when, func([]byte) []byte { return []byte("x") })}.sign(t)
	want(t, judge(t, v, wrong, document), verify.VerdictInvalid, verify.HashFailure)
	want(t, judge(t, v, message{signer: c.Leaf, change: func(si *cms.SignerInfo) *cms.SignerInfo {
		tok := makeToken(t, authority, si.Signature, when)
		tok[len(tok)-1] ^= 1
		out, err := si.AddUnsigned(oid.AttrSignatureTimeStamp, tok)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}}.sign(t), document), verify.VerdictInvalid, verify.SigCryptoFailure)
	// An authority nobody knows proves nothing.
	stranger := tsa(t, testpki.Issue(t, testpki.CA(t, "CN=Stranger"), nil))
	r = judge(t, v, message{signer: c.Leaf, change: stamped(t, stranger, when, same)}.sign(t), document)
	want(t, r, verify.VerdictValid, "")
	if s := r.Signatures[0]; !s.BestTime.IsZero() || s.Level != "bes" || result(r, "signature-time-stamp") != "warning" {
		t.Errorf("best time %v, level %s, %s", s.BestTime, s.Level, result(r, "signature-time-stamp"))
	}
}

// TestTimeStampOutlives: with a proven time an expired certificate still counts.
func TestTimeStampOutlives(t *testing.T) {
	c := testpki.NewChain(t)
	short := testpki.Leaf(t, "CN=Short")
	short.NotAfter = testpki.Now.AddDate(0, 0, -3)
	leaf := testpki.Issue(t, short, c.Sub)
	authority := tsa(t, c.Sub)
	when := testpki.Now.AddDate(0, 0, -7)
	sig := message{signer: leaf, change: stamped(t, authority, when, same)}.sign(t)
	v := verifier(t, c)
	// A list from after the expiry no longer says anything about it …
	want(t, judge(t, v, sig, document), verify.VerdictIndeterminate, verify.TryLater)
	// … one from between the time stamp and the expiry does.
	src := lists(t, c)
	src.Lists = append(src.Lists, testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: when.AddDate(0, 0, 1)}))
	v.Revocation = src
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
	want(t, judge(t, v, message{signer: leaf}.sign(t), document), verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
}

func TestKeyUsagePeriod(t *testing.T) {
	c := testpki.NewChain(t)
	tmpl := testpki.Leaf(t, "CN=Period")
	tmpl.PrivateKeyNotBefore, tmpl.PrivateKeyNotAfter = testpki.Start, testpki.Now.AddDate(0, 0, -1)
	leaf := testpki.Issue(t, tmpl, c.Sub)
	v := verifier(t, c)
	sig := message{signer: leaf}.sign(t)
	r := judge(t, v, sig, document)
	want(t, r, verify.VerdictInvalid, verify.SigConstraints)
	lenient := verify.DefaultPolicy()
	lenient.KeyUsagePeriod = verify.Warn
	v.Policy = lenient
	r = judge(t, v, sig, document)
	want(t, r, verify.VerdictValid, "")
	if result(r, "private-key-usage-period") != "warning" {
		t.Error("no warning about the period of the key")
	}
}

// TestServiceCertificate: a time-stamping authority signs no documents.
func TestServiceCertificate(t *testing.T) {
	c := testpki.NewChain(t)
	for _, use := range []oid.OID{oid.EKUTimeStamping, oid.EKUOCSPSigning} {
		tmpl := testpki.Leaf(t, "CN=Service")
		tmpl.ExtKeyUsage = []oid.OID{use}
		sig := message{signer: testpki.Issue(t, tmpl, c.Sub)}.sign(t)
		want(t, judge(t, verifier(t, c), sig, document), verify.VerdictInvalid, verify.ChainConstraints)
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, oid.EKUEmailProtection)
		sig = message{signer: testpki.Issue(t, tmpl, c.Sub)}.sign(t)
		want(t, judge(t, verifier(t, c), sig, document), verify.VerdictValid, "")
	}
}

// TestWorstDecides: one good and one bad signature make a bad document.
func TestWorstDecides(t *testing.T) {
	c := testpki.NewChain(t)
	build := func(content string) *cms.SignerInfo {
		si, err := cms.BuildSigner(rand.Reader, cms.SignerRequest{
			Key: c.Leaf.Key, Certificate: c.Leaf.Cert,
			Digest: digest(t, c.Leaf.Cert.PublicKey, []byte(content)), SigningTime: testpki.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		return si
	}
	var m cms.Message
	m.AddCertificates(c.Leaf.Cert)
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{build(document), build("x")}); err != nil {
		t.Fatal(err)
	}
	r := judge(t, verifier(t, c), out.Bytes(), document)
	want(t, r, verify.VerdictInvalid, verify.HashFailure)
	if len(r.Signatures) != 2 || r.Signatures[0].Status == r.Signatures[1].Status {
		t.Errorf("%d signatures", len(r.Signatures))
	}
}

// TestDecoys: certificates with the signer's issuer and serial number and
// another key do not hide the signer's.
func TestDecoys(t *testing.T) {
	c := testpki.NewChain(t)
	fakeCA := testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), nil)
	tmpl := testpki.Leaf(t, "CN=Decoy")
	tmpl.SerialNumber = c.Leaf.Cert.SerialNumber
	decoy := testpki.Issue(t, tmpl, fakeCA)
	sig := message{signer: c.Leaf, noCerts: true, more: []*pki.Certificate{decoy.Cert, c.Leaf.Cert}}.sign(t)
	r := judge(t, verifier(t, c), sig, document)
	want(t, r, verify.VerdictValid, "")
	if !r.Signatures[0].Signer.Equal(c.Leaf.Cert) {
		t.Error("the decoy was taken")
	}
}

func TestTestParameters(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	leaf := testpki.IssueKey(t, testpki.Leaf(t, "CN=Leaf"), root, testpki.TestKey(t))
	c := &testpki.Chain{Root: root, Sub: root, Leaf: leaf}
	sig := message{signer: leaf}.sign(t)
	v := verifier(t, c)
	want(t, judge(t, v, sig, document), verify.VerdictInvalid, verify.CryptoConstraints)
	policy(t, "test")(v)
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, x := range b {
		s.WriteByte(digits[x>>4])
		s.WriteByte(digits[x&15])
	}
	return s.String()
}

// TestTimeStampTrust: what an authority must be for its time to be proven.
func TestTimeStampTrust(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	when := testpki.Now.AddDate(0, 0, -7)
	best := func(change func(*cms.SignerInfo) *cms.SignerInfo) time.Time {
		t.Helper()
		r := judge(t, v, message{signer: c.Leaf, change: change}.sign(t), document)
		want(t, r, verify.VerdictValid, "")
		return r.Signatures[0].BestTime
	}
	// The issuer of the authority is known from the token alone.
	other := testpki.Issue(t, testpki.CA(t, "CN=TSA CA"), c.Root)
	src := lists(t, c)
	src.Lists = append(src.Lists, testpki.CRL(t, other, &pki.CRLTemplate{}))
	v.Revocation = src
	authority := tsa(t, other)
	if got := best(stamped(t, authority, when, same, other.Cert)); !got.Equal(when) {
		t.Errorf("issuer in the token: %v", got)
	}
	// Of two time stamps the earlier one counts, wherever it stands: attributes
	// are sorted, and a longer token goes after a shorter one.
	for _, days := range [][2]int{{-7, -8}, {-8, -7}} {
		short := stamped(t, authority, testpki.Now.AddDate(0, 0, days[0]), same, other.Cert)
		long := stamped(t, authority, testpki.Now.AddDate(0, 0, days[1]), same, other.Cert, c.Root.Cert)
		if got := best(func(si *cms.SignerInfo) *cms.SignerInfo { return long(short(si)) }); !got.Equal(testpki.Now.AddDate(0, 0, -8)) {
			t.Errorf("two time stamps: %v", got)
		}
	}
	// An authority that expired since proves nothing any more.
	tmpl := testpki.Leaf(t, "CN=Old TSA")
	tmpl.ExtKeyUsage, tmpl.ExtKeyUsageCritical, tmpl.NotAfter = []oid.OID{oid.EKUTimeStamping}, true, testpki.Now.AddDate(0, 0, -1)
	if got := best(stamped(t, testpki.Issue(t, tmpl, other), when, same, other.Cert)); !got.IsZero() {
		t.Errorf("expired authority: %v", got)
	}
	// A time in the future is nobody's proof.
	if got := best(stamped(t, authority, testpki.Now.Add(time.Hour), same, other.Cert)); !got.IsZero() {
		t.Errorf("future: %v", got)
	}
}

// TestTrailingOctets: padding after a message is passed over, anything else is
// refused.
func TestTrailingOctets(t *testing.T) {
	c := testpki.NewChain(t)
	sig := message{signer: c.Leaf}.sign(t)
	want(t, judge(t, verifier(t, c), append(bytes.Clone(sig), 0, 0, '\n'), document), verify.VerdictValid, "")
	report, err := verifier(t, c).Verify(t.Context(), bytes.NewReader(append(sig, "junk"...)), strings.NewReader(document))
	if report != nil || err == nil {
		t.Errorf("octets after the message: %v", err)
	}
}

func TestSigningTimeForm(t *testing.T) {
	c := testpki.NewChain(t)
	si, err := cms.BuildSigner(rand.Reader, cms.SignerRequest{
		Key: c.Leaf.Key, Certificate: c.Leaf.Cert,
		Digest: digest(t, c.Leaf.Cert.PublicKey, []byte(document)), Attributes: []cms.Attribute{{Type: oid.AttrSigningTime, Values: [][]byte{{5, 0}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var m cms.Message
	m.AddCertificates(c.Leaf.Cert)
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{si}); err != nil {
		t.Fatal(err)
	}
	want(t, judge(t, verifier(t, c), out.Bytes(), document), verify.VerdictInvalid, verify.FormatFailure)
}

// TestManyCounterSignatures: the work for one signature is bounded, and what
// was not verified is not passed over.
func TestManyCounterSignatures(t *testing.T) {
	c := testpki.NewChain(t)
	add := counter(t, c.Leaf, nil)
	sig := message{signer: c.Leaf, change: func(si *cms.SignerInfo) *cms.SignerInfo {
		for range limits.AttachedVerified + 1 {
			si = add(si)
		}
		return si
	}}.sign(t)
	r := judge(t, verifier(t, c), sig, document)
	want(t, r, verify.VerdictIndeterminate, verify.Generic)
	if n := len(r.Signatures[0].Counter); n != limits.AttachedVerified {
		t.Errorf("%d were verified", n)
	}
}

// TestSignatureOnly: without a chain nothing else is claimed either.
func TestSignatureOnly(t *testing.T) {
	c := testpki.NewChain(t)
	v := &verify.Verifier{Now: func() time.Time { return testpki.Now }}
	policy(t, "signature-only")(v)
	want(t, judge(t, v, message{signer: c.Leaf}.sign(t), document), verify.VerdictIndeterminate, verify.TryLater)
	v.Policy.UnsafeNoRevocation = true
	sig := message{signer: c.Leaf, change: stamped(t, tsa(t, c.Sub), testpki.Now.AddDate(0, 0, -1), same)}.sign(t)
	r := judge(t, v, sig, document)
	want(t, r, verify.VerdictValid, "")
	if s := r.Signatures[0]; !s.BestTime.IsZero() || s.Kind != "unknown" || s.Level != "bes" || result(r, "certificate-chain") != "warning" {
		t.Errorf("best time %v, kind %s, level %s, chain %s", s.BestTime, s.Kind, s.Level, result(r, "certificate-chain"))
	}
	want(t, judge(t, v, sig, "x"), verify.VerdictInvalid, verify.HashFailure)
}
