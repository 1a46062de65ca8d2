package verify_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// answer is one OCSP response about the leaf.
type answer struct {
	by       func(t *testing.T, w *world) *testpki.Entity // nil: sub itself
	about    func(w *world) (cert, issuer *pki.Certificate)
	single   ocsp.Single // good unless it has a revocation date
	unknown  bool
	more     func(t *testing.T, w *world) []ocsp.Single
	hash     alg.Identifier
	byName   bool
	produced time.Time
	bare     bool // without the responder's certificate
	change   func([]byte) []byte
}

// delegate is a responder that sub authorized.
func delegate(change tmplFunc) func(*testing.T, *world) *testpki.Entity {
	return func(t *testing.T, w *world) *testpki.Entity {
		tmpl := testpki.Leaf(t, "CN=Responder")
		tmpl.ExtKeyUsage, tmpl.OCSPNoCheck = []oid.OID{oid.EKUOCSPSigning}, true
		if change != nil {
			change(tmpl)
		}
		return testpki.Issue(t, tmpl, w.sub)
	}
}

// world has the response as the only evidence about the leaf.
func (a answer) world(now time.Time) func(*testing.T) *world {
	hour := time.Hour
	return func(t *testing.T) *world {
		w := newWorld(t, nil, nil, nil)
		w.crl(t, w.root, &pki.CRLTemplate{})
		responder := w.sub
		if a.by != nil {
			responder = a.by(t, w)
		}
		cert, issuer := w.leaf.Cert, w.sub.Cert
		if a.about != nil {
			cert, issuer = a.about(w)
		}
		h := a.hash
		if h.IsZero() {
			h = ocsp.SHA1()
		}
		id, err := ocsp.NewCertID(cert, issuer, h)
		if err != nil {
			t.Fatal(err)
		}
		s := a.single
		s.ID = id
		if s.RevokedAt.IsZero() && !a.unknown {
			s.Status = ocsp.Good
		}
		if s.ThisUpdate.IsZero() {
			s.ThisUpdate, s.NextUpdate = now.Add(-hour), now.Add(hour)
		}
		tmpl := &ocsp.ResponseTemplate{Singles: []ocsp.Single{s}, ProducedAt: s.ThisUpdate, ByName: a.byName}
		if !a.produced.IsZero() {
			tmpl.ProducedAt = a.produced
		}
		if a.more != nil {
			tmpl.Singles = append(tmpl.Singles, a.more(t, w)...)
		}
		if !a.bare {
			tmpl.Certificates = []*pki.Certificate{responder.Cert}
		}
		der, err := ocsp.CreateResponse(rand.Reader, tmpl, responder.Cert, responder.Key)
		if err != nil {
			t.Fatal(err)
		}
		if a.change != nil {
			der = a.change(der)
		}
		r, err := ocsp.ParseResponse(der)
		if err != nil {
			t.Fatal(err)
		}
		w.given.Responses = append(w.given.Responses, r)
		return w
	}
}

func respond(a answer) func(*testing.T) *world { return a.world(testpki.Now) }

// aboutLeaf is one more answer about the leaf, by another digest.
func aboutLeaf(t *testing.T, w *world, s ocsp.Single) []ocsp.Single {
	now, hour := testpki.Now, time.Hour
	var err error
	if s.ID, err = ocsp.NewCertID(w.leaf.Cert, w.sub.Cert, ocsp.Streebog256()); err != nil {
		t.Fatal(err)
	}
	s.ThisUpdate, s.NextUpdate = now.Add(-hour), now.Add(hour)
	return []ocsp.Single{s}
}

// TestAdversaryResponses: what OCSP responses may and may not prove. The list of
// sub is absent: the response about the leaf is the only evidence.
func TestAdversaryResponses(t *testing.T) {
	now, hour := testpki.Now, time.Hour
	revoked := ocsp.Single{Status: ocsp.Revoked, RevokedAt: now.Add(-2 * hour), Reason: pki.ReasonKeyCompromise}
	valid, open, gone := verify.VerdictValid, verify.VerdictIndeterminate, verify.VerdictRevoked
	runCases(t, map[string]adversaryCase{
		"good by the issuer":     {respond(answer{}), valid, ""},
		"good by name":           {respond(answer{byName: true}), valid, ""},
		"good by a delegate":     {respond(answer{by: delegate(nil)}), valid, ""},
		"delegate by name":       {respond(answer{by: delegate(nil), byName: true}), valid, ""},
		"Streebog-256 CertID":    {respond(answer{hash: ocsp.Streebog256()}), valid, ""},
		"Streebog-512 CertID":    {respond(answer{hash: alg.Identifier{OID: oid.Streebog512}}), valid, ""},
		"SHA-256 CertID":         {respond(answer{hash: alg.NULL(oid.SHA256)}), valid, ""},
		"revoked":                {respond(answer{single: revoked}), gone, verify.RevokedReason},
		"hold":                   {respond(answer{single: ocsp.Single{Status: ocsp.Revoked, RevokedAt: now.Add(-2 * hour), Reason: pki.ReasonCertificateHold}}), gone, verify.RevokedReason},
		"unknown":                {respond(answer{unknown: true}), open, verify.TryLater},
		"stale":                  {respond(answer{single: ocsp.Single{ThisUpdate: now.Add(-3 * hour), NextUpdate: now.Add(-hour)}}), open, verify.TryLater},
		"future":                 {respond(answer{single: ocsp.Single{ThisUpdate: now.Add(hour), NextUpdate: now.Add(2 * hour)}}), open, verify.TryLater},
		"produced in the future": {respond(answer{produced: now.Add(hour)}), open, verify.TryLater},
		"no nextUpdate, fresh":   {respond(answer{single: ocsp.Single{ThisUpdate: now.Add(-hour)}}), valid, ""},
		"no nextUpdate, old":     {respond(answer{single: ocsp.Single{ThisUpdate: now.Add(-30 * 24 * hour)}}), open, verify.TryLater},
		"stale but revoked":      {respond(answer{single: ocsp.Single{Status: ocsp.Revoked, RevokedAt: now.Add(-9 * hour), Reason: 1, ThisUpdate: now.Add(-3 * hour), NextUpdate: now.Add(-hour)}}), gone, verify.RevokedReason},
		"about another serial":   {respond(answer{about: func(w *world) (*pki.Certificate, *pki.Certificate) { return w.sub.Cert, w.sub.Cert }}), open, verify.TryLater},
		"about another issuer":   {respond(answer{about: func(w *world) (*pki.Certificate, *pki.Certificate) { return w.leaf.Cert, w.root.Cert }}), open, verify.TryLater},
		"good and revoked":       {respond(answer{more: func(t *testing.T, w *world) []ocsp.Single { return aboutLeaf(t, w, revoked) }}), gone, verify.RevokedReason},
		"good and unknown":       {respond(answer{more: func(t *testing.T, w *world) []ocsp.Single { return aboutLeaf(t, w, ocsp.Single{Status: ocsp.Unknown}) }}), open, verify.TryLater},
		"without certificates":   {respond(answer{bare: true}), valid, ""},
		"delegate not at hand":   {respond(answer{by: delegate(nil), bare: true}), open, verify.TryLater},
	})
}

// TestAdversaryResponders: who may answer.
func TestAdversaryResponders(t *testing.T) {
	now, hour, open := testpki.Now, time.Hour, verify.VerdictIndeterminate
	runCases(t, map[string]adversaryCase{
		"delegate expired":         {respond(answer{by: delegate(func(c *pki.CertificateTemplate) { c.NotAfter = now.Add(-hour / 2) })}), open, verify.TryLater},
		"delegate not yet valid":   {respond(answer{by: delegate(func(c *pki.CertificateTemplate) { c.NotBefore = now.Add(hour / 2) })}), open, verify.TryLater},
		"delegate without purpose": {respond(answer{by: delegate(func(c *pki.CertificateTemplate) { c.ExtKeyUsage = nil })}), open, verify.TryLater},
		"delegate for any purpose": {respond(answer{by: delegate(func(c *pki.CertificateTemplate) { c.ExtKeyUsage = []oid.OID{oid.EKUAny} })}), open, verify.TryLater},
		"delegate with a critical extension": {respond(answer{by: delegate(func(c *pki.CertificateTemplate) {
			c.ExtraExtensions = []pki.Extension{{ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}}
		})}), open, verify.TryLater},
		"the leaf answers for itself": {respond(answer{by: func(_ *testing.T, w *world) *testpki.Entity { return w.leaf }}), open, verify.TryLater},
		"delegate of the root": {respond(answer{by: func(t *testing.T, w *world) *testpki.Entity {
			tmpl := testpki.Leaf(t, "CN=Responder")
			tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
			return testpki.Issue(t, tmpl, w.root)
		}}), open, verify.TryLater},
		"delegate of a stranger with the name": {respond(answer{by: func(t *testing.T, w *world) *testpki.Entity {
			tmpl := testpki.Leaf(t, "CN=Responder")
			tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
			return testpki.Issue(t, tmpl, testpki.Issue(t, testpki.CA(t, "CN=Sub"), nil))
		}}), open, verify.TryLater},
		"a stranger with the issuer's name": {respond(answer{byName: true, by: func(t *testing.T, w *world) *testpki.Entity {
			return testpki.Issue(t, testpki.CA(t, "CN=Sub"), nil)
		}}), open, verify.TryLater},
		"a delegate's delegate": {respond(answer{by: func(t *testing.T, w *world) *testpki.Entity {
			tmpl := testpki.Leaf(t, "CN=Responder 2")
			tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
			return testpki.Issue(t, tmpl, delegate(nil)(t, w))
		}}), open, verify.TryLater},
		"signature changed": {respond(answer{change: func(b []byte) []byte {
			r, _ := ocsp.ParseResponse(b)
			b[indexOf(b, r.Signature)+5] ^= 1
			return b
		}}), open, verify.TryLater},
		"delegate revoked by a list": {func(t *testing.T) *world {
			w := respond(answer{by: delegate(func(c *pki.CertificateTemplate) { c.OCSPNoCheck = false })})(t)
			w.crl(t, w.sub, &pki.CRLTemplate{
				IDP:     &pki.IssuingDistributionPoint{OnlySomeReasons: 1 << 1},
				Entries: []pki.RevokedEntry{revokedEntry(w.given.Responses[0].Certificates[0])},
			})
			return w
		}, open, verify.TryLater},
	})
}

// indexOf is bytes.Index that must find.
func indexOf(b, part []byte) int {
	for i := range b {
		if i+len(part) <= len(b) && string(b[i:i+len(part)]) == string(part) {
			return i
		}
	}
	panic("not there")
}
