package revocation_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// row is one case: what evidence says about the leaf of a fresh chain.
type row struct {
	name   string
	crl    func(*testpki.Chain) []*pki.RevocationList
	ocsp   func(*testpki.Chain) []*ocsp.Response
	opts   revocation.Options
	want   revocation.Status
	why    string // part of Answer.Why
	check  func(*testing.T, revocation.Answer)
	forged bool
}

func lists(l ...*pki.RevocationList) []*pki.RevocationList { return l }

func run(t *testing.T, rows []row) {
	t.Helper()
	c := testpki.NewChain(t)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			src := &revocation.Static{}
			if r.crl != nil {
				src.Lists = r.crl(c)
			}
			if r.ocsp != nil {
				src.Responses = r.ocsp(c)
			}
			o := r.opts
			if o.At.IsZero() {
				o.At = testpki.Now
			}
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, o)
			if a.Status != r.want || a.Invalid != r.forged {
				t.Fatalf("got %v (forged %v, %q), want %v", a.Status, a.Invalid, a.Why, r.want)
			}
			if !strings.Contains(a.Why, r.why) {
				t.Errorf("why %q, want %q", a.Why, r.why)
			}
			if (a.Status == revocation.Unknown) != (a.Why != "") || (a.Status == revocation.Unknown) != (a.Evidence == nil) {
				t.Errorf("status %v with why %q and %d octets of evidence", a.Status, a.Why, len(a.Evidence))
			}
			if r.check != nil {
				r.check(t, a)
			}
		})
	}
}

func entry(c *testpki.Chain, at time.Time, reason int) []pki.RevokedEntry {
	return []pki.RevokedEntry{testpki.Revoked(c.Leaf.Cert, at, reason)}
}

func TestLists(t *testing.T) {
	day := 24 * time.Hour
	yesterday, now := testpki.Now.Add(-day), testpki.Now
	crl := func(tmpl pki.CRLTemplate, e func(*testpki.Chain) []pki.RevokedEntry) func(*testpki.Chain) []*pki.RevocationList {
		return func(c *testpki.Chain) []*pki.RevocationList {
			x := tmpl
			if e != nil {
				x.Entries = e(c)
			}
			return lists(testpki.CRL(t, c.Sub, &x))
		}
	}
	revoked := func(at time.Time, reason int) func(*testpki.Chain) []pki.RevokedEntry {
		return func(c *testpki.Chain) []pki.RevokedEntry { return entry(c, at, reason) }
	}
	stale := pki.CRLTemplate{ThisUpdate: now.Add(-10 * day), NextUpdate: now.Add(-9 * day)}
	run(t, []row{
		{name: "nothing", want: revocation.Unknown, why: "no CRL"},
		{name: "not listed", crl: crl(pki.CRLTemplate{}, nil), want: revocation.Good},
		{
			name: "listed", crl: crl(pki.CRLTemplate{}, revoked(yesterday, 1)), want: revocation.Revoked,
			check: func(t *testing.T, a revocation.Answer) {
				if !a.At.Equal(yesterday) || a.Reason != 1 || a.Source != "crl" {
					t.Errorf("%+v", a)
				}
			},
		},
		{name: "stale", crl: crl(stale, nil), want: revocation.Unknown, why: "out of date"},
		{name: "stale but listed", crl: crl(stale, revoked(now.Add(-11*day), 0)), want: revocation.Revoked},
		{name: "on hold", crl: crl(pki.CRLTemplate{}, revoked(yesterday, 6)), want: revocation.Hold},
		{name: "stale hold", crl: crl(stale, revoked(now.Add(-11*day), 6)), want: revocation.Unknown, why: "on hold"},
		{name: "future", crl: crl(pki.CRLTemplate{ThisUpdate: now.Add(time.Hour)}, nil), want: revocation.Unknown, why: "future"},
		{name: "within the skew", crl: crl(pki.CRLTemplate{ThisUpdate: now.Add(time.Minute)}, nil), want: revocation.Good},
		{
			name: "without skew", crl: crl(pki.CRLTemplate{ThisUpdate: now.Add(time.Minute)}, nil),
			opts: revocation.Options{Skew: -1}, want: revocation.Unknown, why: "future",
		},
		{
			name: "too old for the policy", crl: crl(pki.CRLTemplate{ThisUpdate: now.Add(-20 * day), NextUpdate: now.Add(day)}, nil),
			opts: revocation.Options{MaxAge: day}, want: revocation.Unknown, why: "too old",
		},
		{
			name: "revoked after the proven moment", crl: crl(pki.CRLTemplate{}, revoked(now.Add(-2*day), 4)),
			opts: revocation.Options{Moment: now.Add(-5 * day)}, want: revocation.Good,
			check: func(t *testing.T, a revocation.Answer) {
				if !a.RevokedLater {
					t.Error("RevokedLater is not set")
				}
			},
		},
		{
			name: "revoked at the proven moment", crl: crl(pki.CRLTemplate{}, revoked(now.Add(-5*day), 4)),
			opts: revocation.Options{Moment: now.Add(-5 * day)}, want: revocation.Revoked,
		},
		{name: "compromised before the proven moment", crl: crl(pki.CRLTemplate{}, func(c *testpki.Chain) []pki.RevokedEntry {
			e := entry(c, now.Add(-2*day), pki.ReasonKeyCompromise)
			e[0].InvalidityDate = now.Add(-30 * day)
			return e
		}), opts: revocation.Options{Moment: now.Add(-5 * day)}, want: revocation.Revoked},
		{
			name: "stale now, issued after the proven moment", crl: crl(stale, nil),
			opts: revocation.Options{Moment: now.Add(-12 * day)}, want: revocation.Good,
		},
		{name: "delta", crl: crl(pki.CRLTemplate{Number: big.NewInt(5), BaseNumber: big.NewInt(4)}, nil), want: revocation.Unknown, why: "delta"},
		{name: "unknown critical", crl: crl(pki.CRLTemplate{ExtraExtensions: []pki.Extension{{ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}}},
			revoked(yesterday, 1)), want: revocation.Unknown, why: "critical"},
		{name: "CA certificates only", crl: crl(pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyCACerts: true}}, nil), want: revocation.Unknown, why: "CA certificates only"},
		{name: "user certificates only", crl: crl(pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyUserCerts: true}}, nil), want: revocation.Good},
		{name: "attribute certificates only", crl: crl(pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyAttributeCerts: true}}, nil), want: revocation.Unknown, why: "attribute"},
		{name: "out of scope but listed", crl: crl(pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyCACerts: true}}, revoked(yesterday, 1)), want: revocation.Revoked},
		{name: "indirect", crl: crl(pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{IndirectCRL: true}}, nil), want: revocation.Good},
		{name: "some reasons", crl: crl(pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlySomeReasons: 2}}, nil), want: revocation.Unknown, why: "some reasons"},
		{name: "another distribution point", crl: crl(pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{
			FullName: []pki.GeneralName{{Kind: pki.URIName, Text: "http://ca.test/other.crl", Value: []byte("http://ca.test/other.crl")}},
		}}, nil), want: revocation.Unknown, why: "distribution point"},
		{name: "of another authority", crl: func(c *testpki.Chain) []*pki.RevocationList {
			return lists(testpki.CRL(t, c.Root, &pki.CRLTemplate{Entries: entry(c, yesterday, 1)}))
		}, want: revocation.Unknown, why: "no CRL"},
		{name: "two lists, one has it", crl: func(c *testpki.Chain) []*pki.RevocationList {
			return lists(testpki.CRL(t, c.Sub, &pki.CRLTemplate{}), testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: entry(c, yesterday, 1), ThisUpdate: now.Add(-2 * day), NextUpdate: now}))
		}, want: revocation.Revoked},
		{name: "released from hold", crl: func(c *testpki.Chain) []*pki.RevocationList {
			return lists(testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: entry(c, yesterday, 6), ThisUpdate: now.Add(-20 * time.Hour)}),
				testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: now.Add(-time.Hour)}))
		}, want: revocation.Good},
	})
}

func TestListSigner(t *testing.T) {
	c := testpki.NewChain(t)
	check := func(l *pki.RevocationList) revocation.Answer {
		return revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: lists(l)}, revocation.Options{At: testpki.Now})
	}
	// The same name with another key: each key has its own list.
	renewed := testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), c.Root)
	l := testpki.CRL(t, renewed, &pki.CRLTemplate{})
	if a := check(l); a.Status != revocation.Unknown || a.Invalid || !strings.Contains(a.Why, "another key") {
		t.Errorf("list of a renewed key: %v %q", a.Status, a.Why)
	}
	if err := revocation.CheckList(l, c.Sub.Cert); !errors.Is(err, revocation.ErrListOtherKey) {
		t.Errorf("CheckList: %v", err)
	}
	// A changed list.
	der := append([]byte(nil), testpki.CRL(t, c.Sub, &pki.CRLTemplate{}).Raw...)
	der[len(der)-1] ^= 1
	bad, err := pki.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	if a := check(bad); a.Status != revocation.Unknown || !a.Invalid {
		t.Errorf("changed list: %v %q", a.Status, a.Why)
	}
	// An issuer that may not sign lists.
	tmpl := testpki.CA(t, "CN=No CRL")
	tmpl.KeyUsage = pki.KeyUsageCertSign
	ca := testpki.Issue(t, tmpl, c.Root)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), ca)
	signer := *ca // CreateCRL may refuse what this test needs, so the list comes from a twin with the right to sign
	tmpl.KeyUsage |= pki.KeyUsageCRLSign
	signer.Cert = testpki.IssueKey(t, tmpl, c.Root, ca.Key).Cert
	a := revocation.Check(t.Context(), leaf.Cert, ca.Cert, &revocation.Static{Lists: lists(testpki.CRL(t, &signer, &pki.CRLTemplate{}))}, revocation.Options{At: testpki.Now})
	if a.Status != revocation.Unknown || !strings.Contains(a.Why, "cRLSign") {
		t.Errorf("issuer without cRLSign: %v %q", a.Status, a.Why)
	}
}

func TestExpiredCertificate(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	tmpl := testpki.Leaf(t, "CN=Short")
	tmpl.NotAfter = testpki.Now.AddDate(0, 0, -10)
	leaf := testpki.Issue(t, tmpl, root)
	src := &revocation.Static{Lists: lists(testpki.CRL(t, root, &pki.CRLTemplate{}))}
	a := revocation.Check(t.Context(), leaf.Cert, root.Cert, src, revocation.Options{At: testpki.Now})
	if a.Status != revocation.Unknown || !strings.Contains(a.Why, "expired") {
		t.Errorf("a list from after the expiry: %v %q", a.Status, a.Why)
	}
}

func TestResponses(t *testing.T) {
	c := testpki.NewChain(t)
	dt := testpki.Leaf(t, "CN=OCSP")
	dt.ExtKeyUsage, dt.OCSPNoCheck = []oid.OID{oid.EKUOCSPSigning}, true
	delegate := testpki.Issue(t, dt, c.Sub)
	yesterday := testpki.Now.AddDate(0, 0, -1)
	old := func(s ocsp.Single) ocsp.Single {
		s.ThisUpdate, s.NextUpdate = testpki.Now.AddDate(0, 0, -10), testpki.Now.AddDate(0, 0, -9)
		return s
	}
	good := ocsp.Single{Status: ocsp.Good}
	revoked := ocsp.Single{Status: ocsp.Revoked, RevokedAt: testpki.Now.AddDate(0, 0, -11), Reason: 1}
	hold := ocsp.Single{Status: ocsp.Revoked, RevokedAt: yesterday, Reason: 6}
	for _, tc := range []struct {
		name      string
		responder *testpki.Entity
		single    ocsp.Single
		moment    time.Time
		list      *pki.RevocationList
		want      revocation.Status
	}{
		{name: "good by the CA", responder: c.Sub, single: good, want: revocation.Good},
		{name: "good by a delegate", responder: delegate, single: good, want: revocation.Good},
		{name: "revoked", responder: delegate, single: revoked, want: revocation.Revoked},
		{name: "hold", responder: delegate, single: hold, want: revocation.Hold},
		{name: "unknown is not good", responder: delegate, single: ocsp.Single{Status: ocsp.Unknown}, want: revocation.Unknown},
		{name: "stale", responder: delegate, single: old(good), want: revocation.Unknown},
		{name: "stale and revoked", responder: delegate, single: old(revoked), want: revocation.Revoked},
		{name: "stale hold", responder: delegate, single: old(hold), want: revocation.Unknown},
		{name: "stale, after the proven moment", responder: delegate, single: old(good), moment: testpki.Now.AddDate(0, 0, -12), want: revocation.Good},
		{name: "unauthorized", responder: c.Leaf, single: good, want: revocation.Unknown},
		{
			name: "good, but listed", responder: delegate, single: good, want: revocation.Revoked,
			list: testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: entry(c, yesterday, 1)}),
		},
		{
			name: "delegate revoked", responder: delegate, single: good, want: revocation.Good,
			list: testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(delegate.Cert, yesterday, 1)}}),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := &revocation.Static{Responses: []*ocsp.Response{testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, tc.responder, tc.single)}}
			if tc.list != nil {
				src.Lists = lists(tc.list)
			}
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, revocation.Options{At: testpki.Now, Moment: tc.moment})
			if a.Status != tc.want {
				t.Errorf("got %v %q, want %v", a.Status, a.Why, tc.want)
			}
		})
	}
}

// TestRevokedDelegate: without nocheck the responder's own revocation counts.
func TestRevokedDelegate(t *testing.T) {
	c := testpki.NewChain(t)
	dt := testpki.Leaf(t, "CN=OCSP")
	dt.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
	delegate := testpki.Issue(t, dt, c.Sub)
	r := testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, delegate, ocsp.Single{Status: ocsp.Good})
	src := &revocation.Static{Responses: []*ocsp.Response{r}}
	a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, revocation.Options{At: testpki.Now})
	if a.Status != revocation.Good || len(a.Notes) != 1 {
		t.Errorf("without evidence about the responder: %v, notes %v", a.Status, a.Notes)
	}
	src.Lists = lists(testpki.CRL(t, c.Sub, &pki.CRLTemplate{
		ThisUpdate: testpki.Now.AddDate(0, 0, -9), NextUpdate: testpki.Now.AddDate(0, 0, -8),
		Entries: []pki.RevokedEntry{testpki.Revoked(delegate.Cert, testpki.Start, 1)},
	}))
	a = revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, revocation.Options{At: testpki.Now})
	if a.Status != revocation.Unknown || !strings.Contains(a.Why, "responder is revoked") {
		t.Errorf("revoked responder: %v %q", a.Status, a.Why)
	}
}

// fetched is a source that must fetch; it counts how often it is asked.
type fetched struct {
	revocation.Static
	err         error
	crls, ocsps int
}

func (f *fetched) CRLs(context.Context, *pki.Certificate, *pki.Certificate) ([]*pki.RevocationList, error) {
	f.crls++
	return f.Lists, f.err
}

func (f *fetched) OCSP(context.Context, *pki.Certificate, *pki.Certificate) ([]*ocsp.Response, error) {
	f.ocsps++
	return f.Responses, f.err
}

func TestSources(t *testing.T) {
	c := testpki.NewChain(t)
	o := revocation.Options{At: testpki.Now}
	good := &revocation.Static{Lists: lists(testpki.CRL(t, c.Sub, &pki.CRLTemplate{}))}
	net := &fetched{err: errors.New("no route")}
	a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, revocation.Sources{good, net}, o)
	if a.Status != revocation.Good || net.crls+net.ocsps != 0 {
		t.Errorf("%v after %d questions to the network", a.Status, net.crls+net.ocsps)
	}
	a = revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, net, o)
	if a.Status != revocation.Unknown || !a.Absent || !strings.Contains(a.Why, "no route") {
		t.Errorf("failed fetch: %+v", a)
	}
	net = &fetched{Static: *good}
	net.Responses = []*ocsp.Response{testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, ocsp.Single{Status: ocsp.Good})}
	if a = revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, net, o); a.Source != "ocsp" || net.crls != 0 {
		t.Errorf("a response that decides, then %d questions for lists", net.crls)
	}
	if a = revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, nil, o); a.Status != revocation.Unknown || !a.Absent {
		t.Errorf("no source: %+v", a)
	}
	if a = revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, good, revocation.Options{}); a.Status != revocation.Unknown {
		t.Errorf("no time: %v", a.Status)
	}
}

func TestStatusString(t *testing.T) {
	for s, want := range map[revocation.Status]string{0: "unknown", 1: "good", 2: "revoked", 3: "hold", 9: "Status(9)"} {
		if s.String() != want {
			t.Errorf("%d: %s", s, s)
		}
	}
}

// TestScopeOfAuthority: a list of end-entity certificates says nothing of a CA.
func TestScopeOfAuthority(t *testing.T) {
	c := testpki.NewChain(t)
	check := func(l *pki.RevocationList) revocation.Answer {
		return revocation.Check(t.Context(), c.Sub.Cert, c.Root.Cert, &revocation.Static{Lists: lists(l)}, revocation.Options{At: testpki.Now})
	}
	if a := check(testpki.CRL(t, c.Root, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyUserCerts: true}})); a.Status != revocation.Unknown {
		t.Errorf("end-entity list: %v", a.Status)
	}
	if a := check(testpki.CRL(t, c.Root, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyCACerts: true}})); a.Status != revocation.Good {
		t.Errorf("CA list: %v %q", a.Status, a.Why)
	}
}

// TestBoundOnEvidence: a heap of responses costs a bounded number of checks and
// does not end in "good".
func TestBoundOnEvidence(t *testing.T) {
	c := testpki.NewChain(t)
	src := &revocation.Static{}
	bad := testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Leaf, ocsp.Single{Status: ocsp.Good}) // by one who may not answer
	for range limits.RevocationEvidence {
		src.Responses = append(src.Responses, bad)
	}
	src.Responses = append(src.Responses, testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, ocsp.Single{Status: ocsp.Good}))
	a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, revocation.Options{At: testpki.Now})
	if a.Status != revocation.Unknown || !a.Invalid {
		t.Errorf("%v %q", a.Status, a.Why)
	}
}

// TestExpiredAnswer: a response from after the expiry says nothing.
func TestExpiredAnswer(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	tmpl := testpki.Leaf(t, "CN=Short")
	tmpl.NotAfter = testpki.Now.AddDate(0, 0, -10)
	leaf := testpki.Issue(t, tmpl, root)
	src := &revocation.Static{Responses: []*ocsp.Response{testpki.OCSP(t, leaf.Cert, root.Cert, root, ocsp.Single{Status: ocsp.Good})}}
	if a := revocation.Check(t.Context(), leaf.Cert, root.Cert, src, revocation.Options{At: testpki.Now}); a.Status != revocation.Unknown {
		t.Errorf("%v", a.Status)
	}
}

// TestWithdrawnDigest: a list that is signed with SHA-1 is no evidence.
func TestWithdrawnDigest(t *testing.T) {
	key := testpki.Key(t, "rsa-3072", "")
	root := testpki.IssueKey(t, testpki.CA(t, "CN=Root"), nil, key)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), root)
	x, err := x509.ParseCertificate(root.Cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: testpki.Now.Add(-time.Hour),
		NextUpdate: testpki.Now.Add(time.Hour), SignatureAlgorithm: x509.SHA1WithRSA,
	}, x, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := pki.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	o := revocation.Options{At: testpki.Now}
	if a := revocation.Check(t.Context(), leaf.Cert, root.Cert, &revocation.Static{Lists: lists(l)}, o); a.Status != revocation.Unknown || !strings.Contains(a.Why, "withdrawn") {
		t.Errorf("%v %q", a.Status, a.Why)
	}
	o.AllowLegacy = true
	if a := revocation.Check(t.Context(), leaf.Cert, root.Cert, &revocation.Static{Lists: lists(l)}, o); a.Status != revocation.Good {
		t.Errorf("allowed: %v %q", a.Status, a.Why)
	}
}
