package revocation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// point is a DistributionPoint that names the issuer of the list, and perhaps
// the place relative to it.
func point(crlIssuer pki.Name, relative []byte) pki.Extension {
	var dp []byte
	if relative != nil {
		dp = der.Wrap(0xa0, der.Wrap(0xa1, relative))
	}
	dp = append(dp, der.Wrap(0xa2, der.Wrap(0xa4, crlIssuer.Raw))...)
	return pki.Extension{ID: oid.CRLDistributionPoints, Value: der.Wrap(0x30, der.Wrap(0x30, dp))}
}

// cn is one attribute CN=text as in a relative name.
func cn(text string) []byte {
	return der.Wrap(0x30, []byte{0x06, 0x03, 0x55, 0x04, 0x03}, der.Wrap(0x0c, []byte(text)))
}

// scene is a certificate whose issuer leaves its lists to another authority.
type scene struct {
	*testpki.Chain
	lister *testpki.Entity // signs the indirect list
	leaf   *testpki.Entity
}

func newScene(t *testing.T, relative []byte, change func(*pki.CertificateTemplate)) *scene {
	t.Helper()
	s := &scene{Chain: testpki.NewChain(t)}
	tmpl := testpki.CA(t, "CN=Lists,O=Test,C=RU")
	if change != nil {
		change(tmpl)
	}
	s.lister = testpki.Issue(t, tmpl, s.Root)
	lt := testpki.Leaf(t, "CN=Leaf")
	lt.ExtraExtensions = []pki.Extension{point(s.lister.Cert.Subject, relative)}
	s.leaf = testpki.Issue(t, lt, s.Sub)
	return s
}

func (s *scene) options() revocation.Options {
	return revocation.Options{
		At: testpki.Now, Chain: []*pki.Certificate{s.Sub.Cert, s.Root.Cert}, Responders: []*pki.Certificate{s.lister.Cert},
	}
}

// indirect makes the list; the reason is that of the entry of the leaf.
func (s *scene) indirect(t *testing.T, reason int, idp pki.IssuingDistributionPoint) *pki.RevocationList {
	tmpl := &pki.CRLTemplate{IDP: &idp}
	if reason != noEntry {
		e := testpki.Revoked(s.leaf.Cert, testpki.Now.AddDate(0, 0, -1), reason)
		e.Issuer = &s.leaf.Cert.Issuer
		tmpl.Entries = []pki.RevokedEntry{e}
	}
	return testpki.CRL(t, s.lister, tmpl)
}

func (s *scene) check(t *testing.T, o revocation.Options, l ...*pki.RevocationList) revocation.Answer {
	return revocation.Check(t.Context(), s.leaf.Cert, s.Sub.Cert, &revocation.Static{Lists: l}, o)
}

// TestIndirect: the list of the authority that the distribution point names.
func TestIndirect(t *testing.T) {
	s := newScene(t, nil, nil)
	root := testpki.CRL(t, s.Root, &pki.CRLTemplate{})
	indirect := pki.IssuingDistributionPoint{IndirectCRL: true}
	good := s.indirect(t, noEntry, indirect)
	if a := s.check(t, s.options(), good, root); a.Status != revocation.Good || len(a.Chain) != 2 || a.Chain[0] != s.lister.Cert {
		t.Errorf("not listed: %v %q, chain of %d", a.Status, a.Why, len(a.Chain))
	}
	if a := s.check(t, s.options(), s.indirect(t, 1, indirect), root); a.Status != revocation.Revoked {
		t.Errorf("listed: %v %q", a.Status, a.Why)
	}
	for name, tc := range map[string]struct {
		list   *pki.RevocationList
		change func(*revocation.Options)
		others []*pki.RevocationList
		why    string
	}{
		"status of the lister unknown": {list: good, why: "status is not known"},
		"lister revoked": {list: good, why: "status is not known", others: lists(testpki.CRL(t, s.Root, &pki.CRLTemplate{
			Entries: []pki.RevokedEntry{testpki.Revoked(s.lister.Cert, testpki.Now.AddDate(0, 0, -1), 1)},
		}))},
		"not marked as indirect":    {list: s.indirect(t, noEntry, pki.IssuingDistributionPoint{OnlyUserCerts: true}), others: lists(root), why: "no CRL"},
		"no path above":             {list: good, others: lists(root), change: func(o *revocation.Options) { o.Chain = nil }, why: "trust anchor"},
		"no certificate of it":      {list: good, others: lists(root), change: func(o *revocation.Options) { o.Responders = nil }, why: "trust anchor"},
		"revoked by one not at all": {list: s.indirect(t, 1, indirect), change: func(o *revocation.Options) { o.Responders = nil }, why: "trust anchor"},
	} {
		t.Run(name, func(t *testing.T) {
			o := s.options()
			if tc.change != nil {
				tc.change(&o)
			}
			if a := s.check(t, o, append(tc.others, tc.list)...); a.Status != revocation.Unknown || !strings.Contains(a.Why, tc.why) {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

// TestIndirectForeign: an authority that no distribution point names, or of
// another trust anchor, says nothing, not even "revoked".
func TestIndirectForeign(t *testing.T) {
	s := newScene(t, nil, nil)
	indirect := pki.IssuingDistributionPoint{IndirectCRL: true}
	o := s.options()
	revoked := testpki.Revoked(s.Leaf.Cert, testpki.Now.AddDate(0, 0, -1), 1)
	revoked.Issuer = &s.Leaf.Cert.Issuer
	src := &revocation.Static{Lists: lists(testpki.CRL(t, s.lister, &pki.CRLTemplate{IDP: &indirect, Entries: []pki.RevokedEntry{revoked}}))}
	if a := revocation.Check(t.Context(), s.Leaf.Cert, s.Sub.Cert, src, o); a.Status != revocation.Unknown || !a.Absent {
		t.Errorf("not named: %v %q", a.Status, a.Why)
	}
	root := testpki.Issue(t, testpki.CA(t, "CN=Other root"), nil)
	twin := testpki.Issue(t, testpki.CA(t, "CN=Lists,O=Test,C=RU"), root)
	o.Responders = []*pki.Certificate{twin.Cert, root.Cert, s.lister.Cert}
	foreign := *s
	foreign.lister = twin
	a := s.check(t, o, foreign.indirect(t, 1, indirect), testpki.CRL(t, root, &pki.CRLTemplate{}), testpki.CRL(t, s.Root, &pki.CRLTemplate{}))
	if a.Status != revocation.Unknown {
		t.Errorf("of another anchor: %v %q", a.Status, a.Why)
	}
}

// TestIndirectUsage: the lister's keyUsage has no cRLSign.
func TestIndirectUsage(t *testing.T) {
	s := newScene(t, nil, func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageCertSign })
	twin := testpki.IssueKey(t, testpki.CA(t, "CN=Lists,O=Test,C=RU"), s.Root, s.lister.Key)
	signer := *s
	signer.lister = twin
	l := signer.indirect(t, noEntry, pki.IssuingDistributionPoint{IndirectCRL: true})
	if a := s.check(t, s.options(), l, testpki.CRL(t, s.Root, &pki.CRLTemplate{})); a.Status != revocation.Unknown || !strings.Contains(a.Why, "cRLSign") {
		t.Errorf("%v %q", a.Status, a.Why)
	}
}

// TestRelativeName: names relative to the issuer of the list (RFC 5280, section
// 4.2.1.13).
func TestRelativeName(t *testing.T) {
	s := newScene(t, cn("Point 1"), nil)
	root := testpki.CRL(t, s.Root, &pki.CRLTemplate{})
	for name, tc := range map[string]struct {
		idp  pki.IssuingDistributionPoint
		want revocation.Status
	}{
		"the same":         {pki.IssuingDistributionPoint{IndirectCRL: true, RelativeName: cn("Point 1")}, revocation.Good},
		"another":          {pki.IssuingDistributionPoint{IndirectCRL: true, RelativeName: cn("Point 2")}, revocation.Unknown},
		"written out":      {pki.IssuingDistributionPoint{IndirectCRL: true, FullName: directory(t, "CN=Point 1,CN=Lists,O=Test,C=RU")}, revocation.Good},
		"of the authority": {pki.IssuingDistributionPoint{IndirectCRL: true, FullName: directory(t, "CN=Point 1,CN=Test CA,O=Test,C=RU")}, revocation.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if a := s.check(t, s.options(), s.indirect(t, noEntry, tc.idp), root); a.Status != tc.want {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

func directory(t *testing.T, dn string) []pki.GeneralName {
	n := testpki.Name(t, dn)
	return []pki.GeneralName{{Kind: pki.DirectoryName, Name: &n}}
}

// TestListAboutItsSigner: a certificate whose own distribution point names the
// list that its key signs; revoked there, it signs nothing that counts.
func TestListAboutItsSigner(t *testing.T) {
	c := testpki.NewChain(t)
	name := testpki.Name(t, "CN=Lists,O=Test,C=RU")
	lt := testpki.CA(t, "CN=Lists,O=Test,C=RU")
	lt.ExtraExtensions = []pki.Extension{point(name, nil)}
	s := &scene{Chain: c, lister: testpki.Issue(t, lt, c.Sub)}
	tmpl := testpki.Leaf(t, "CN=Leaf")
	tmpl.ExtraExtensions = lt.ExtraExtensions
	s.leaf = testpki.Issue(t, tmpl, c.Sub)
	indirect := pki.IssuingDistributionPoint{IndirectCRL: true}
	if a := s.check(t, s.options(), s.indirect(t, noEntry, indirect)); a.Status != revocation.Good {
		t.Errorf("not listed: %v %q", a.Status, a.Why)
	}
	e := testpki.Revoked(s.lister.Cert, testpki.Now.AddDate(0, 0, -1), 1)
	e.Issuer = &s.lister.Cert.Issuer
	l := testpki.CRL(t, s.lister, &pki.CRLTemplate{IDP: &indirect, Entries: []pki.RevokedEntry{e}})
	if a := s.check(t, s.options(), l); a.Status != revocation.Unknown {
		t.Errorf("the signer is on its own list: %v %q", a.Status, a.Why)
	}
}

// TestRollOver: lists of another key of the authority (old and new).
func TestRollOver(t *testing.T) {
	const dn = "CN=Test CA,O=Test,C=RU"
	c := testpki.NewChain(t)
	renewed := testpki.Issue(t, testpki.CA(t, dn), c.Root)                                    // the new key, from the root
	newByOld := testpki.IssueKey(t, testpki.CA(t, dn), c.Sub, renewed.Key)                    // linked
	oldByNew := testpki.IssueKey(t, testpki.CA(t, dn), renewed, c.Sub.Key)                    // linked
	stranger := testpki.Issue(t, testpki.CA(t, dn), testpki.Issue(t, testpki.CA(t, dn), nil)) // the name alone
	// What a cousin with the same name and a path of its own can make without the old key.
	newByItself := testpki.IssueKey(t, testpki.CA(t, dn), nil, renewed.Key)
	oldByItself := testpki.IssueKey(t, testpki.CA(t, dn), nil, c.Sub.Key)
	thirdByNew := testpki.Issue(t, testpki.CA(t, dn), renewed)
	of := func(ca *testpki.Entity, e ...pki.RevokedEntry) *pki.RevocationList {
		return testpki.CRL(t, ca, &pki.CRLTemplate{Entries: e})
	}
	revoked := testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -1), 1)
	// The old key's list for authorities, which has nothing of the leaf.
	authorities := testpki.CRL(t, c.Sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyCACerts: true}})
	chain := []*pki.Certificate{c.Sub.Cert, c.Root.Cert}
	for name, tc := range map[string]struct {
		lists []*pki.RevocationList
		known []*pki.Certificate
		chain []*pki.Certificate
		want  revocation.Status
	}{
		"the name alone":               {lists(of(renewed), of(c.Root)), []*pki.Certificate{renewed.Cert}, chain, revocation.Unknown},
		"the name alone, revoked":      {lists(of(renewed, revoked), of(c.Root)), []*pki.Certificate{renewed.Cert}, chain, revocation.Unknown},
		"new certified by old":         {lists(of(newByOld), authorities), []*pki.Certificate{newByOld.Cert}, chain, revocation.Good},
		"new certified by old, listed": {lists(of(newByOld, revoked), authorities), []*pki.Certificate{newByOld.Cert}, chain, revocation.Revoked},
		"old certified by new":         {lists(of(renewed), of(c.Root)), []*pki.Certificate{renewed.Cert, oldByNew.Cert}, chain, revocation.Good},
		"the new key links itself":     {lists(of(newByItself), of(renewed), of(c.Root)), []*pki.Certificate{newByItself.Cert, renewed.Cert}, chain, revocation.Unknown},
		"the old key links itself":     {lists(of(renewed), of(c.Root)), []*pki.Certificate{renewed.Cert, oldByItself.Cert}, chain, revocation.Unknown},
		"the new key links a third":    {lists(of(renewed), of(c.Root)), []*pki.Certificate{renewed.Cert, thirdByNew.Cert}, chain, revocation.Unknown},
		"no status of the new key":     {lists(of(renewed)), []*pki.Certificate{renewed.Cert, oldByNew.Cert}, chain, revocation.Unknown},
		"in the path":                  {lists(of(renewed)), nil, []*pki.Certificate{oldByNew.Cert, renewed.Cert, c.Root.Cert}, revocation.Good},
		"no path":                      {lists(of(renewed), of(c.Root)), []*pki.Certificate{renewed.Cert, oldByNew.Cert}, nil, revocation.Unknown},
		"a stranger":                   {lists(of(stranger), of(c.Root)), []*pki.Certificate{stranger.Cert}, chain, revocation.Unknown},
		"a stranger says revoked":      {lists(of(stranger, revoked), of(c.Root)), []*pki.Certificate{stranger.Cert}, chain, revocation.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := c.Sub.Cert
			if tc.chain != nil {
				issuer = tc.chain[0]
			}
			o := revocation.Options{At: testpki.Now, Chain: tc.chain, Responders: tc.known}
			a := revocation.Check(t.Context(), c.Leaf.Cert, issuer, &revocation.Static{Lists: tc.lists}, o)
			if a.Status != tc.want {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

// TestSeparateKey: who may sign lists as the separate key of an authority. The
// list in question has the certificate, the authority's own has not.
func TestSeparateKey(t *testing.T) {
	const dn = "CN=Test CA,O=Test,C=RU"
	c := testpki.NewChain(t)
	key := func(by *testpki.Entity, change func(*pki.CertificateTemplate)) *testpki.Entity {
		tmpl := testpki.Leaf(t, dn)
		tmpl.KeyUsage = pki.KeyUsageCRLSign
		if change != nil {
			change(tmpl)
		}
		return testpki.Issue(t, tmpl, by)
	}
	ended := func(c *pki.CertificateTemplate) { c.NotAfter = testpki.Now.Add(-time.Hour) }
	good, expired := key(c.Sub, nil), key(c.Sub, ended)
	byRoot, stranger := key(c.Root, nil), key(testpki.Issue(t, testpki.CA(t, dn), nil), nil)
	gone := testpki.Revoked(good.Cert, testpki.Now.AddDate(0, 0, -2), pki.ReasonSuperseded)
	for name, tc := range map[string]struct {
		by   *testpki.Entity
		own  []pki.RevokedEntry
		want revocation.Status
	}{
		"of the authority":               {good, nil, revocation.Revoked},
		"revoked":                        {good, []pki.RevokedEntry{gone}, revocation.Good},
		"expired":                        {expired, nil, revocation.Good},
		"of the one above":               {byRoot, nil, revocation.Good},
		"of a stranger of the same name": {stranger, nil, revocation.Good},
	} {
		t.Run(name, func(t *testing.T) {
			listed := testpki.CRL(t, tc.by, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -2), 1)}})
			o := revocation.Options{At: testpki.Now, Chain: []*pki.Certificate{c.Sub.Cert, c.Root.Cert}, Responders: []*pki.Certificate{tc.by.Cert}}
			src := &revocation.Static{Lists: lists(listed, testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: tc.own}))}
			if a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, o); a.Status != tc.want {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

// TestStolenListKey: the key of an authority that lists for others expired after
// it was stolen. What it signed counts no more, whatever thisUpdate says.
func TestStolenListKey(t *testing.T) {
	s := newScene(t, nil, func(c *pki.CertificateTemplate) { c.NotAfter = testpki.Now.AddDate(0, 0, -1) })
	l := s.indirect(t, noEntry, pki.IssuingDistributionPoint{IndirectCRL: true}) // of a day ago
	for reason, want := range map[int]revocation.Status{pki.ReasonKeyCompromise: revocation.Unknown, pki.ReasonSuperseded: revocation.Good} {
		o := s.options()
		o.Moment = l.ThisUpdate.Add(-time.Hour)
		gone := testpki.CRL(t, s.Root, &pki.CRLTemplate{
			ThisUpdate: l.ThisUpdate.Add(time.Minute), Entries: []pki.RevokedEntry{testpki.Revoked(s.lister.Cert, l.ThisUpdate.Add(time.Second), reason)},
		})
		if a := s.check(t, o, l, gone); a.Status != want {
			t.Errorf("reason %d: %v %q", reason, a.Status, a.Why)
		}
	}
}

// TestHostileLists: a heap of lists that say they are of this issuer, or of the
// one that the distribution point names, costs a bounded number of checks and
// never ends in "good".
func TestHostileLists(t *testing.T) {
	s := newScene(t, nil, nil)
	stranger := testpki.Issue(t, testpki.CA(t, "CN=Lists,O=Test,C=RU"), nil)
	own := testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), nil)
	var all []*pki.RevocationList
	for range 40 {
		all = append(all, testpki.CRL(t, stranger, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{IndirectCRL: true}}), testpki.CRL(t, own, &pki.CRLTemplate{}))
	}
	o := s.options()
	for range 200 {
		o.Responders = append(o.Responders, stranger.Cert, own.Cert)
	}
	o.Memo = &revocation.Memo{}
	began := time.Now()
	for range 50 {
		if a := s.check(t, o, all...); a.Status != revocation.Unknown {
			t.Fatalf("%v %q", a.Status, a.Why)
		}
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("50 questions took %v", d)
	}
}

// TestSameKeyOtherRights: another certificate of the authority's key has rights
// of its own, and needs a path of its own for them.
func TestSameKeyOtherRights(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	tmpl := testpki.CA(t, "CN=Sub")
	tmpl.KeyUsage = pki.KeyUsageCertSign
	sub := testpki.Issue(t, tmpl, root)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), sub)
	mayList := testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), root, sub.Key)
	forger := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	forged := testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), forger, sub.Key)
	list := testpki.CRL(t, mayList, &pki.CRLTemplate{})
	ofRoot := testpki.CRL(t, root, &pki.CRLTemplate{})
	for name, tc := range map[string]struct {
		known []*pki.Certificate
		want  revocation.Status
	}{
		"alone":      {nil, revocation.Unknown},
		"legitimate": {[]*pki.Certificate{mayList.Cert}, revocation.Good},
		"forged":     {[]*pki.Certificate{forged.Cert, forger.Cert}, revocation.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			o := revocation.Options{At: testpki.Now, Chain: []*pki.Certificate{sub.Cert, root.Cert}, Responders: tc.known}
			a := revocation.Check(t.Context(), leaf.Cert, sub.Cert, &revocation.Static{Lists: lists(list, ofRoot)}, o)
			if a.Status != tc.want {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

// TestIndirectOther: of two authorities below one anchor only the one that the
// distribution point names keeps the list, and not the issuer itself.
func TestIndirectOther(t *testing.T) {
	s := newScene(t, nil, nil)
	root := testpki.CRL(t, s.Root, &pki.CRLTemplate{})
	indirect := pki.IssuingDistributionPoint{IndirectCRL: true}
	other := *s
	other.lister = testpki.Issue(t, testpki.CA(t, "CN=Other lists,O=Test,C=RU"), s.Root)
	o := s.options()
	o.Responders = append(o.Responders, other.lister.Cert)
	if a := s.check(t, o, other.indirect(t, noEntry, indirect), root); a.Status != revocation.Unknown {
		t.Errorf("the list of another authority: %v", a.Status)
	}
	elsewhere := pki.IssuingDistributionPoint{IndirectCRL: true, FullName: directory(t, "CN=Lists,O=Test,C=RU")}
	own := *s
	own.lister = s.Sub
	for _, marked := range []bool{true, false} {
		elsewhere.IndirectCRL = marked
		if a := s.check(t, o, own.indirect(t, noEntry, elsewhere), root); a.Status != revocation.Unknown {
			t.Errorf("the issuer's list of another point, indirect %v: %v", marked, a.Status)
		}
	}
}
