package revocation_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// responderOf makes a delegated responder of ca.
func responderOf(t *testing.T, ca *testpki.Entity, change func(*pki.CertificateTemplate)) *testpki.Entity {
	t.Helper()
	tmpl := testpki.Leaf(t, "CN=Responder")
	tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
	if change != nil {
		change(tmpl)
	}
	return testpki.Issue(t, tmpl, ca)
}

// TestUnfitResponder: the algorithms of an answer and of the delegate's
// certificate count as those of a path do, and nobody answers for himself.
func TestUnfitResponder(t *testing.T) {
	c := testpki.NewChain(t)
	strong := testpki.IssueKey(t, testpki.CA(t, "CN=Strong"), nil, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	of := func(set func(*pki.CertificateTemplate)) *testpki.Entity {
		tmpl := testpki.Leaf(t, "CN=Responder")
		tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
		set(tmpl)
		return testpki.Issue(t, tmpl, strong)
	}
	weak := of(func(*pki.CertificateTemplate) {})
	nocheck := of(func(tmpl *pki.CertificateTemplate) {
		tmpl.ExtraExtensions = []pki.Extension{{ID: oid.OCSPNoCheck, Value: []byte{5, 0}}}
	})
	tmpl := testpki.Leaf(t, "CN=Test set")
	tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
	onTestSet := testpki.IssueKey(t, tmpl, strong, testpki.TestKey(t))
	leaf := testpki.IssueKey(t, testpki.Leaf(t, "CN=Leaf"), strong, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	self := responderOf(t, c.Sub, nil)
	withdraw := func(names ...string) func(*revocation.Options) {
		return func(o *revocation.Options) {
			o.Withdrawn = func(name string) bool { return strings.Contains(strings.Join(names, " "), name) }
		}
	}
	for name, tc := range map[string]struct {
		cert   *pki.Certificate
		issuer *testpki.Entity
		by     *testpki.Entity
		change func(*revocation.Options)
		why    string // "" means good
	}{
		"in force":                        {leaf.Cert, strong, weak, nil, ""},
		"the digest is withdrawn":         {leaf.Cert, strong, weak, withdraw(alg.NameStreebog256), "withdrawn algorithm"},
		"the key is withdrawn":            {leaf.Cert, strong, weak, withdraw(alg.NameGOST2012_256), "withdrawn algorithm"},
		"without a check, withdrawn":      {leaf.Cert, strong, nocheck, withdraw(alg.NameGOST2012_256), "withdrawn algorithm"},
		"the certificate's digest is":     {leaf.Cert, strong, weak, withdraw(alg.NameStreebog512), "withdrawn algorithm"},
		"withdrawn and allowed":           {leaf.Cert, strong, weak, func(o *revocation.Options) { withdraw(alg.NameStreebog256)(o); o.AllowLegacy = true }, ""},
		"the authority itself, withdrawn": {leaf.Cert, strong, strong, withdraw(alg.NameStreebog512), "withdrawn algorithm"},
		"a set for tests":                 {leaf.Cert, strong, onTestSet, nil, "for tests"},
		"a set for tests, allowed":        {leaf.Cert, strong, onTestSet, func(o *revocation.Options) { o.AllowTest = true }, ""},
		"of itself":                       {self.Cert, c.Sub, self, nil, "about itself"},
	} {
		t.Run(name, func(t *testing.T) {
			o := revocation.Options{At: testpki.Now, Withdrawn: func(string) bool { return false }}
			if tc.change != nil {
				tc.change(&o)
			}
			r := testpki.OCSP(t, tc.cert, tc.issuer.Cert, tc.by, ocsp.Single{Status: ocsp.Good})
			a := revocation.Check(t.Context(), tc.cert, tc.issuer.Cert, &revocation.Static{Responses: []*ocsp.Response{r}}, o)
			if (a.Status == revocation.Good) != (tc.why == "") || !strings.Contains(a.Why, tc.why) {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

// TestAnswerBeforeTheMoment: an answer that ran out and is older than the proven
// moment says nothing about it; one from after the moment does.
func TestAnswerBeforeTheMoment(t *testing.T) {
	c := testpki.NewChain(t)
	moment := testpki.Now.AddDate(0, 0, -3)
	for name, tc := range map[string]struct {
		at   time.Time
		s    ocsp.Single
		want revocation.Status
	}{
		"good, from before": {moment.Add(-2 * time.Hour), ocsp.Single{Status: ocsp.Good}, revocation.Unknown},
		"good, from after":  {moment.Add(2 * time.Hour), ocsp.Single{Status: ocsp.Good}, revocation.Good},
		"hold, from before": {moment.Add(-2 * time.Hour), ocsp.Single{Status: ocsp.Revoked, Reason: pki.ReasonCertificateHold, RevokedAt: moment.AddDate(0, 0, -1)}, revocation.Unknown},
		"gone, from before": {moment.Add(-2 * time.Hour), ocsp.Single{Status: ocsp.Revoked, Reason: pki.ReasonKeyCompromise, RevokedAt: moment.AddDate(0, 0, -1)}, revocation.Revoked},
	} {
		t.Run(name, func(t *testing.T) {
			tc.s.ThisUpdate, tc.s.NextUpdate = tc.at, tc.at.Add(time.Hour)
			r := testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, tc.s)
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Responses: []*ocsp.Response{r}},
				revocation.Options{At: testpki.Now, Moment: moment})
			if a.Status != tc.want {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

// breakable is a file that cannot be read any more.
type breakable struct {
	*bytes.Reader
	broken bool
}

func (b *breakable) ReadAt(p []byte, off int64) (int, error) {
	if b.broken {
		return 0, errors.New("the disk is gone")
	}
	return b.Reader.ReadAt(p, off)
}

// TestListCannotBeRead: a list in a file whose signature was checked, and whose
// entries cannot be read afterwards, says nothing.
func TestListCannotBeRead(t *testing.T) {
	c := testpki.NewChain(t)
	other := testpki.Issue(t, testpki.Leaf(t, "CN=Other"), c.Sub)
	raw := testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -2), 1)}}).Raw
	file := &breakable{Reader: bytes.NewReader(raw)}
	l, err := pki.OpenRevocationList(file, int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	o := revocation.Options{At: testpki.Now, Memo: &revocation.Memo{}}
	src := &revocation.Static{Lists: []*pki.RevocationList{l}}
	for _, step := range []struct {
		cert   *pki.Certificate
		broken bool
		want   revocation.Status
	}{{other.Cert, false, revocation.Good}, {c.Leaf.Cert, false, revocation.Revoked}, {c.Leaf.Cert, true, revocation.Unknown}} {
		file.broken = step.broken
		if a := revocation.Check(t.Context(), step.cert, c.Sub.Cert, src, o); a.Status != step.want {
			t.Errorf("%s: %v %q", step.cert.Subject, a.Status, a.Why)
		}
	}
}

// TestHoldInTheFuture: a hold that begins after the moment of the check, which
// somebody dated forward, is one already.
func TestHoldInTheFuture(t *testing.T) {
	c := testpki.NewChain(t)
	e := testpki.Revoked(c.Leaf.Cert, testpki.Now.Add(time.Hour), pki.ReasonCertificateHold)
	a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: lists(testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: []pki.RevokedEntry{e}}))},
		revocation.Options{At: testpki.Now})
	if a.Status != revocation.Hold {
		t.Errorf("%v %q", a.Status, a.Why)
	}
}
