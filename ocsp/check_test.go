package ocsp

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func TestRoundTrip(t *testing.T) {
	revoked := testTime.Add(-time.Hour)
	cases := []struct {
		name      string
		kind, set string
		source    ledger
		nonce     bool
		byName    bool
		want      Single
	}{
		{"gost 256 good", "gost2012-256", "cryptopro-a", good(), true, false, Single{Status: Good, Reason: NoReason}},
		{"gost 512 by name", "gost2012-512", "tc26-512-a", good(), false, true, Single{Status: Good, Reason: NoReason}},
		{
			"ecdsa revoked", "ecdsa-p256", "",
			ledger{3: {Status: Revoked, RevokedAt: revoked, Reason: 1}},
			true, false,
			Single{Status: Revoked, RevokedAt: revoked, Reason: 1},
		},
		{
			"revoked without reason", "gost2012-256", "tc26-256-a",
			ledger{3: {Status: Revoked, RevokedAt: revoked, Reason: NoReason}},
			true, false,
			Single{Status: Revoked, RevokedAt: revoked, Reason: NoReason},
		},
		{"never issued", "gost2012-256", "cryptopro-xcha", ledger{}, false, false, Single{Status: Unknown, Reason: NoReason}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newTestPKI(t, c.kind, c.set)
			r := p.responder(c.source)
			r.ByName = c.byName
			req := p.request(t, c.nonce)
			resp := respond(t, r, req)
			o := p.options()
			o.Request = req
			out, err := resp.Check(o)
			if err != nil {
				t.Fatal(err)
			}
			s := out.Single
			if s.Status != c.want.Status || s.Reason != c.want.Reason || !s.RevokedAt.Equal(c.want.RevokedAt) {
				t.Errorf("answer %v reason %d at %v, want %+v", s.Status, s.Reason, s.RevokedAt, c.want)
			}
			if (out.Nonce == "match") != c.nonce {
				t.Errorf("nonce %q", out.Nonce)
			}
			if !out.Delegated || !out.NoCheck || !out.Responder.Equal(p.delegate.cert) {
				t.Errorf("responder %v delegated %v nocheck %v", out.Responder.Subject, out.Delegated, out.NoCheck)
			}
			if (resp.ResponderName != nil) != c.byName {
				t.Error("responderID has the wrong form")
			}
			bare, err := ParseResponse(resp.BasicRaw)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bare.Check(o); err != nil {
				t.Errorf("bare BasicOCSPResponse: %v", err)
			}
		})
	}
}

// TestCorrupted flips every octet of the signed part and of the signature:
// none of the results may say good.
func TestCorrupted(t *testing.T) {
	p := newTestPKI(t, "gost2012-256", "cryptopro-a")
	der := p.responder(good()).Respond(t.Context(), p.request(t, false).Raw)
	whole, err := ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(der, whole.RawTBS)
	sig := bytes.Index(der, whole.Signature)
	for i := range der {
		if (i < from || i >= from+len(whole.RawTBS)) && (i < sig || i >= sig+len(whole.Signature)) {
			continue
		}
		bad := bytes.Clone(der)
		bad[i] ^= 1
		r, err := ParseResponse(bad)
		if err != nil {
			continue
		}
		if out, err := r.Check(p.options()); err == nil {
			t.Fatalf("octet %d flipped: accepted as %v", i, out.Single.Status)
		}
	}
}

// TestCheckKinds has one failure a row.
func TestCheckKinds(t *testing.T) {
	const kind, set = "ecdsa-p256", ""
	p := newTestPKI(t, kind, set)
	otherCA := issue(t, nil, newKey(t, kind, set), "Test CA", 9) // same name, other key: a roll-over
	foreign := issue(t, nil, newKey(t, kind, set), "Other CA", 9)
	by := func(e entity) *Responder {
		r := p.responder(good())
		r.Certificate, r.Signer = e.cert, e.key
		return r
	}
	noEKU := issue(t, &p.ca, newKey(t, kind, set), "No EKU", 4)
	anyEKU := issue(t, &p.ca, newKey(t, kind, set), "Any EKU", 4, func(c *pki.CertificateTemplate) {
		c.ExtKeyUsage = []oid.OID{oid.EKUAny}
	})
	certSign := issue(t, &p.ca, newKey(t, kind, set), "Usage", 4, ocspSigning, func(c *pki.CertificateTemplate) {
		c.KeyUsage = pki.KeyUsageKeyAgreement
	})
	expired := issue(t, &p.ca, newKey(t, kind, set), "Expired", 4, ocspSigning, func(c *pki.CertificateTemplate) {
		c.NotAfter = testTime.Add(30 * time.Minute)
	})
	critical := issue(t, &p.ca, newKey(t, kind, set), "Critical", 4, ocspSigning, func(c *pki.CertificateTemplate) {
		c.ExtraExtensions = []pki.Extension{{ID: "1.2.643.100.999", Critical: true, Value: []byte{5, 0}}}
	})
	rolled := issue(t, &otherCA, newKey(t, kind, set), "Rolled", 4, ocspSigning)
	other := issue(t, &foreign, newKey(t, kind, set), "Foreign", 4, ocspSigning)
	second := issue(t, &p.delegate, newKey(t, kind, set), "Second", 4, ocspSigning)

	shift := func(d time.Duration) func(*CheckOptions) { return func(o *CheckOptions) { o.At = o.At.Add(d) } }
	cases := []struct {
		name   string
		r      *Responder
		change func(*CheckOptions)
		want   ErrorKind // 0: passes
	}{
		{"delegate", p.responder(good()), nil, 0},
		{"the CA itself", by(p.ca), nil, 0},
		{"no OCSPSigning", by(noEKU), nil, KindUnauthorized},
		{"anyExtendedKeyUsage is not enough", by(anyEKU), nil, KindUnauthorized},
		{"key usage without signatures", by(certSign), nil, KindUnauthorized},
		{"delegate of another CA", by(other), nil, KindUnauthorized},
		{"delegate of the CA's other key", by(rolled), nil, KindUnauthorized},
		{"delegate of a delegate", by(second), nil, KindUnauthorized},
		{"another CA itself", by(foreign), nil, KindUnauthorized},
		{"delegate that expired since", by(expired), shift(31 * time.Minute), KindResponderExpired},
		{"delegate before its end", by(expired), shift(30 * time.Minute), 0},
		{"delegate with unknown critical extension", by(critical), nil, KindUnhandledCritical},
		{"locally trusted", by(other), func(o *CheckOptions) { o.Trust = pki.NewPool(other.cert) }, 0},
		{"locally trusted, expired", by(expired), func(o *CheckOptions) {
			o.Trust, o.At = pki.NewPool(expired.cert), testTime.Add(31*time.Minute)
		}, KindResponderExpired},
		{"other certificate", p.responder(good()), func(o *CheckOptions) { o.Cert = noEKU.cert }, KindOtherCertificate},
		{"other issuer", p.responder(good()), func(o *CheckOptions) {
			o.Issuer, o.Trust = otherCA.cert, pki.NewPool(p.delegate.cert)
		}, KindOtherCertificate},
		{"just stale", p.responder(good()), shift(DefaultValidity + DefaultSkew + time.Second), KindStale},
		{"within the skew", p.responder(good()), shift(DefaultValidity + DefaultSkew), 0},
		{"future", p.responder(good()), shift(-DefaultSkew - time.Second), KindFuture},
		{"a little in the future", p.responder(good()), shift(-DefaultSkew), 0},
		{"no skew", p.responder(good()), func(o *CheckOptions) { o.Skew, o.At = -1, testTime.Add(-time.Second) }, KindFuture},
		{"too old", p.responder(good()), func(o *CheckOptions) {
			o.MaxAge, o.At = time.Minute, testTime.Add(DefaultSkew+time.Minute+time.Second)
		}, KindStale},
		{"no time", p.responder(good()), func(o *CheckOptions) { o.At = time.Time{} }, KindIncomplete},
		{"no issuer", p.responder(good()), func(o *CheckOptions) { o.Issuer = nil }, KindIncomplete},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := p.options()
			if c.change != nil {
				c.change(&o)
			}
			out, err := respond(t, c.r, p.request(t, false)).Check(o)
			if out == nil {
				t.Fatal("no result")
			}
			wantKind(t, err, c.want)
			if err == nil {
				for _, k := range out.Checks {
					if !k.OK {
						t.Errorf("check %s failed without an error: %s", k.ID, k.Detail)
					}
				}
			}
		})
	}
}

func wantKind(t *testing.T, err error, want ErrorKind) {
	t.Helper()
	var e *Error
	switch {
	case want == 0:
		if err != nil {
			t.Errorf("refused: %v", err)
		}
	case !errors.As(err, &e):
		t.Errorf("accepted or untyped (%v), want %v", err, want)
	case e.Kind != want:
		t.Errorf("%v (%v), want %v", e.Kind, err, want)
	}
}

func TestNonce(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	asked, without, another := p.request(t, true), p.request(t, false), p.request(t, true)
	cases := []struct {
		name          string
		sent, checked *Request
		want          ErrorKind
		nonce         string
	}{
		{"match", asked, asked, 0, "match"},
		{"not asked", asked, without, 0, "not-asked"},
		{"absent in the answer", without, asked, 0, "absent"},
		{"of another request", another, asked, KindNonceMismatch, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := p.options()
			o.Request = c.checked
			out, err := respond(t, p.responder(good()), c.sent).Check(o)
			wantKind(t, err, c.want)
			if out.Nonce != c.nonce {
				t.Errorf("nonce %q, want %q", out.Nonce, c.nonce)
			}
		})
	}
}

// TestCriticalExtension: a response with a critical extension that nobody
// knows is no evidence, however well it is signed.
func TestCriticalExtension(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	id, err := NewCertID(p.leaf.cert, p.ca.cert, SHA1())
	if err != nil {
		t.Fatal(err)
	}
	one := Single{
		ID: id, Status: Good, Reason: NoReason, ThisUpdate: testTime,
		Extensions: []pki.Extension{{ID: "1.2.643.100.999", Critical: true, Value: []byte{5, 0}}},
	}
	der, err := CreateResponse(nil, &ResponseTemplate{Singles: []Single{one}, ProducedAt: testTime}, p.ca.cert, p.ca.key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Check(p.options())
	wantKind(t, err, KindUnhandledCritical)
}

// TestWorstAnswerCounts: of two answers about one certificate revoked wins.
func TestWorstAnswerCounts(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	id, err := NewCertID(p.leaf.cert, p.ca.cert, Streebog256())
	if err != nil {
		t.Fatal(err)
	}
	state := func(s CertStatus) Single {
		return Single{ID: id, Status: s, Reason: NoReason, ThisUpdate: testTime, RevokedAt: testTime}
	}
	der, err := CreateResponse(nil, &ResponseTemplate{
		ProducedAt: testTime,
		Singles:    []Single{state(Good), state(Revoked), state(Unknown), state(Good)},
	}, p.ca.cert, p.ca.key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Check(p.options())
	if err != nil || out.Single.Status != Revoked {
		t.Errorf("%v, %v", out.Single.Status, err)
	}
}

func TestNoResponder(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	id, err := NewCertID(p.leaf.cert, p.ca.cert, SHA1())
	if err != nil {
		t.Fatal(err)
	}
	der, err := CreateResponse(nil, &ResponseTemplate{
		ProducedAt: testTime,
		Singles:    []Single{{ID: id, Status: Good, Reason: NoReason, ThisUpdate: testTime}},
	}, p.delegate.cert, p.delegate.key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Check(p.options())
	wantKind(t, err, KindNoResponder)
	o := p.options()
	o.Extra = []*pki.Certificate{p.delegate.cert}
	_, err = r.Check(o)
	wantKind(t, err, 0)
}
