package verify_test

import (
	"crypto/rand"
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// world is a PKI and the evidence about it that one case changes before its
// leaf's certificate is verified.
type world struct {
	root, sub, leaf *testpki.Entity
	anchors, bag    []*pki.Certificate
	given           *revocation.Static
	at              time.Time
	policy          *verify.Policy
}

// newWorld makes the chain root, sub, leaf without evidence. The functions, if
// not nil, change the templates.
func newWorld(t *testing.T, root, sub, leaf func(*pki.CertificateTemplate)) *world {
	t.Helper()
	rt, st, lt := testpki.CA(t, "CN=Root"), testpki.CA(t, "CN=Sub"), testpki.Leaf(t, "CN=Leaf")
	for tmpl, f := range map[*pki.CertificateTemplate]func(*pki.CertificateTemplate){rt: root, st: sub, lt: leaf} {
		if f != nil {
			f(tmpl)
		}
	}
	w := &world{root: testpki.Issue(t, rt, nil), given: &revocation.Static{}, at: testpki.Now}
	w.sub = testpki.Issue(t, st, w.root)
	w.leaf = testpki.Issue(t, lt, w.sub)
	w.anchors, w.bag = []*pki.Certificate{w.root.Cert}, []*pki.Certificate{w.sub.Cert}
	return w
}

func (w *world) crl(t *testing.T, ca *testpki.Entity, tmpl *pki.CRLTemplate) {
	t.Helper()
	w.given.Lists = append(w.given.Lists, testpki.CRL(t, ca, tmpl))
}

// fresh adds lists of root and sub without entries.
func (w *world) fresh(t *testing.T) *world {
	t.Helper()
	w.crl(t, w.root, &pki.CRLTemplate{})
	w.crl(t, w.sub, &pki.CRLTemplate{})
	return w
}

// judge verifies the leaf's certificate.
func (w *world) judge(t *testing.T) *verify.Report {
	t.Helper()
	v := &verify.Verifier{Roots: pki.NewPool(w.anchors...), Intermediates: pki.NewPool(w.bag...), Revocation: w.given, Policy: w.policy,
		Now: func() time.Time { return w.at }}
	report, err := v.VerifyCertificate(t.Context(), w.leaf.Cert)
	consistent(t, report, err)
	return report
}

// adversaryCase is one world and its only right answer.
type adversaryCase struct {
	make    func(t *testing.T) *world
	verdict verify.Verdict
	reason  verify.Reason
}

func runCases(t *testing.T, cases map[string]adversaryCase) {
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) { want(t, tc.make(t).judge(t), tc.verdict, tc.reason) })
	}
}

type tmplFunc = func(*pki.CertificateTemplate)

// TestAdversaryChains: chains that are wrong in one place each, with fresh lists.
func TestAdversaryChains(t *testing.T) {
	change := func(root, sub, leaf tmplFunc) func(*testing.T) *world {
		return func(t *testing.T) *world { return newWorld(t, root, sub, leaf).fresh(t) }
	}
	past, future := testpki.Now.Add(-time.Hour), testpki.Now.Add(time.Hour)
	unknown := pki.Extension{ID: "1.2.3.4.5", Critical: true, Value: []byte{5, 0}}
	runCases(t, map[string]adversaryCase{
		"good":                               {change(nil, nil, nil), verify.VerdictValid, ""},
		"root expired":                       {change(func(c *pki.CertificateTemplate) { c.NotAfter = past }, nil, nil), verify.VerdictInvalid, verify.OutOfBoundsNoPOE},
		"intermediate expired":               {change(nil, func(c *pki.CertificateTemplate) { c.NotAfter = past }, nil), verify.VerdictInvalid, verify.OutOfBoundsNoPOE},
		"intermediate not yet valid":         {change(nil, func(c *pki.CertificateTemplate) { c.NotBefore = future }, nil), verify.VerdictInvalid, verify.NotYetValid},
		"leaf not yet valid":                 {change(nil, nil, func(c *pki.CertificateTemplate) { c.NotBefore = future }), verify.VerdictInvalid, verify.NotYetValid},
		"root is no CA":                      {change(func(c *pki.CertificateTemplate) { c.IsCA = false }, nil, nil), verify.VerdictInvalid, verify.ChainConstraints},
		"intermediate lacks certSign":        {change(nil, func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageCRLSign }, nil), verify.VerdictInvalid, verify.ChainConstraints},
		"root has pathLen 0":                 {change(func(c *pki.CertificateTemplate) { c.MaxPathLen = 0 }, nil, nil), verify.VerdictInvalid, verify.ChainConstraints},
		"critical in the root":               {change(func(c *pki.CertificateTemplate) { c.ExtraExtensions = []pki.Extension{unknown} }, nil, nil), verify.VerdictInvalid, verify.ChainConstraints},
		"wrong AKI in the leaf":              {change(nil, nil, func(c *pki.CertificateTemplate) { c.AuthorityKeyID = []byte("nobody") }), verify.VerdictValid, ""},
		"no AKI in the leaf":                 {change(nil, nil, func(c *pki.CertificateTemplate) { c.OmitAuthorityKeyID = true }), verify.VerdictValid, ""},
		"no SKI in the intermediate":         {change(nil, func(c *pki.CertificateTemplate) { c.OmitSubjectKeyID = true }, nil), verify.VerdictValid, ""},
		"intermediate lacks crlSign":         {change(nil, func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageCertSign }, nil), verify.VerdictIndeterminate, verify.TryLater},
		"intermediate without usage":         {change(nil, func(c *pki.CertificateTemplate) { c.KeyUsage = 0 }, nil), verify.VerdictValid, ""},
		"intermediate not in the bag":        {func(t *testing.T) *world { w := newWorld(t, nil, nil, nil).fresh(t); w.bag = nil; return w }, verify.VerdictIndeterminate, verify.NoCertificateChain},
		"no anchors":                         {func(t *testing.T) *world { w := newWorld(t, nil, nil, nil).fresh(t); w.anchors = nil; return w }, verify.VerdictIndeterminate, verify.NoCertificateChain},
		"anchor below the root":              {func(t *testing.T) *world { w := newWorld(t, nil, nil, nil).fresh(t); w.anchors = w.bag; return w }, verify.VerdictValid, ""},
		"leaf issues a leaf":                 {leafAsIssuer, verify.VerdictInvalid, verify.ChainConstraints},
		"two CA certificates one name":       {rolledOver, verify.VerdictValid, ""},
		"cross-signed in a loop":             {crossLoop, verify.VerdictValid, ""},
		"cross certificate superseded":       {crossRevoked(pki.ReasonSuperseded), verify.VerdictValid, ""},
		"cross certificate compromised":      {crossRevoked(pki.ReasonKeyCompromise), verify.VerdictRevoked, verify.RevokedCANoPOE},
		"cross certificate without evidence": {crossUnknown, verify.VerdictValid, ""},
		"both cross certificates superseded": {func(t *testing.T) *world {
			w := crossRevoked(pki.ReasonSuperseded)(t)
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(w.bag[1], testpki.Now.Add(-time.Hour), pki.ReasonSuperseded)}})
			return w
		}, verify.VerdictRevoked, verify.RevokedCANoPOE},
	})
}

func revokedEntry(c *pki.Certificate) pki.RevokedEntry {
	return testpki.Revoked(c, testpki.Now.Add(-time.Hour), pki.ReasonKeyCompromise)
}

// leafAsIssuer: a signer's certificate poses as an authority.
func leafAsIssuer(t *testing.T) *world {
	w := newWorld(t, nil, nil, nil)
	w.bag = append(w.bag, w.leaf.Cert)
	forged := testpki.Issue(t, testpki.Leaf(t, "CN=Forged"), w.leaf)
	w.fresh(t).crl(t, w.leaf, &pki.CRLTemplate{})
	w.leaf = forged
	return w
}

// rolledOver: an authority with two keys under one name, each with its own list.
func rolledOver(t *testing.T) *world {
	w := newWorld(t, nil, nil, nil)
	other := testpki.Issue(t, testpki.CA(t, "CN=Sub"), w.root)
	w.bag = []*pki.Certificate{other.Cert, w.sub.Cert}
	w.fresh(t).crl(t, other, &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.leaf.Cert)}}) // the same serial number, another key
	return w
}

// crossLoop: two authorities that certified each other.
func crossLoop(t *testing.T) *world {
	w := newWorld(t, nil, nil, nil)
	back := testpki.IssueKey(t, testpki.CA(t, "CN=Root"), w.sub, w.root.Key)
	again := testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), back, w.sub.Key)
	w.bag = []*pki.Certificate{again.Cert, back.Cert, w.sub.Cert}
	return w.fresh(t)
}

// crossRevoked: of two certificates of the issuing key one is revoked; a path
// through the other remains (EN 319 102-1, 5.2.6.4) unless the key is suspect.
func crossRevoked(reason int) func(t *testing.T) *world {
	return func(t *testing.T) *world {
		w := newWorld(t, nil, nil, nil)
		twin := testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), w.root, w.sub.Key)
		w.bag = []*pki.Certificate{w.sub.Cert, twin.Cert}
		w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(w.sub.Cert, testpki.Now.Add(-time.Hour), reason)}})
		w.crl(t, w.sub, &pki.CRLTemplate{})
		return w
	}
}

// crossUnknown: nothing is known of one of two certificates of the issuing
// key, which another anchor issued.
func crossUnknown(t *testing.T) *world {
	w := newWorld(t, nil, nil, nil)
	other := testpki.Issue(t, testpki.CA(t, "CN=Other root"), nil)
	twin := testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), other, w.sub.Key)
	w.bag = []*pki.Certificate{twin.Cert, w.sub.Cert}
	w.anchors = append(w.anchors, other.Cert)
	return w.fresh(t)
}

// TestAdversaryLists: what lists of revoked certificates may and may not prove.
func TestAdversaryLists(t *testing.T) {
	// lists gives the root's list without entries and one of sub.
	lists := func(tmpl func(w *world) *pki.CRLTemplate) func(*testing.T) *world {
		return func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, tmpl(w))
			return w
		}
	}
	entry := func(at time.Time, reason int, more ...func(*pki.RevokedEntry)) func(*testing.T) *world {
		return lists(func(w *world) *pki.CRLTemplate {
			e := testpki.Revoked(w.leaf.Cert, at, reason)
			for _, f := range more {
				f(&e)
			}
			return &pki.CRLTemplate{Entries: []pki.RevokedEntry{e}}
		})
	}
	idp := func(p pki.IssuingDistributionPoint) func(*testing.T) *world {
		return lists(func(*world) *pki.CRLTemplate { return &pki.CRLTemplate{IDP: &p} })
	}
	url := func(s string) []pki.GeneralName {
		return []pki.GeneralName{{Kind: pki.URIName, Text: s, Value: []byte(s)}}
	}
	dirName := func(t *testing.T, dn string) []pki.GeneralName {
		n := testpki.Name(t, dn)
		return []pki.GeneralName{{Kind: pki.DirectoryName, Name: &n}}
	}
	hour, day := time.Hour, 24*time.Hour
	now := testpki.Now
	runCases(t, map[string]adversaryCase{
		"revoked":                    {entry(now.Add(-hour), pki.ReasonKeyCompromise), verify.VerdictRevoked, verify.RevokedReason},
		"revoked without reason":     {entry(now.Add(-hour), pki.ReasonAbsent), verify.VerdictRevoked, verify.RevokedReason},
		"hold":                       {entry(now.Add(-hour), pki.ReasonCertificateHold), verify.VerdictRevoked, verify.RevokedReason},
		"superseded":                 {entry(now.Add(-hour), pki.ReasonSuperseded), verify.VerdictRevoked, verify.RevokedReason},
		"revoked at the very moment": {entry(now, pki.ReasonKeyCompromise), verify.VerdictRevoked, verify.RevokedReason},
		"intermediate revoked": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.sub.Cert)}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictRevoked, verify.RevokedCANoPOE},
		"intermediate on hold": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(w.sub.Cert, now.Add(-hour), pki.ReasonCertificateHold)}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictRevoked, verify.RevokedCANoPOE},
		"root's own list has the root": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.root.Cert)}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictValid, ""}, // an anchor is trusted because somebody said so
		"other serial": {lists(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.sub.Cert)}}
		}), verify.VerdictValid, ""},
		"no list of the root": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"no list of the sub": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"stale": {lists(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(-3 * day), NextUpdate: now.Add(-day)}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"stale and revoked": {lists(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(-3 * day), NextUpdate: now.Add(-day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-4*day), 1)}}
		}), verify.VerdictRevoked, verify.RevokedReason},
		"stale hold": {lists(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(-3 * day), NextUpdate: now.Add(-day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-4*day), 6)}}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"from the future": {lists(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(hour), NextUpdate: now.Add(day)}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"later list says revoked later": {lists(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(2 * day), NextUpdate: now.Add(3 * day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(day), 1)}}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"later list says revoked before": {lists(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(2 * day), NextUpdate: now.Add(3 * day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-day), 1)}}
		}), verify.VerdictRevoked, verify.RevokedReason},
		"user certificates only":      {idp(pki.IssuingDistributionPoint{OnlyUserCerts: true}), verify.VerdictValid, ""},
		"CA certificates only":        {idp(pki.IssuingDistributionPoint{OnlyCACerts: true}), verify.VerdictIndeterminate, verify.TryLater},
		"attribute certificates only": {idp(pki.IssuingDistributionPoint{OnlyAttributeCerts: true}), verify.VerdictIndeterminate, verify.TryLater},
		"some reasons only":           {idp(pki.IssuingDistributionPoint{OnlySomeReasons: 1 << 1}), verify.VerdictIndeterminate, verify.TryLater},
		"indirect":                    {idp(pki.IssuingDistributionPoint{IndirectCRL: true}), verify.VerdictIndeterminate, verify.TryLater},
		"another distribution point":  {idp(pki.IssuingDistributionPoint{FullName: url("http://a.example/1.crl")}), verify.VerdictIndeterminate, verify.TryLater},
		"delta alone": {lists(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{Number: big.NewInt(2), BaseNumber: big.NewInt(1)}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"delta alone says revoked": {lists(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{Number: big.NewInt(2), BaseNumber: big.NewInt(1), Entries: []pki.RevokedEntry{revokedEntry(w.leaf.Cert)}}
		}), verify.VerdictRevoked, verify.RevokedReason},
		"unknown critical extension": {lists(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ExtraExtensions: []pki.Extension{{ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}}}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"unknown extension": {lists(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ExtraExtensions: []pki.Extension{{ID: "1.2.3.4", Value: []byte{5, 0}}}}
		}), verify.VerdictValid, ""},
		"list for the authority's certificate names users only": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyUserCerts: true}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"distribution point by the issuer's name": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{FullName: dirName(t, "CN=Sub")}})
			return w
		}, verify.VerdictValid, ""},
		"the right distribution point": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, func(c *pki.CertificateTemplate) {
				c.CRLDistributionPoints = []string{"http://a.example/1.crl", "http://a.example/2.crl"}
			})
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{FullName: url("http://a.example/2.crl")}})
			return w
		}, verify.VerdictValid, ""},
		"a sibling distribution point": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, func(c *pki.CertificateTemplate) { c.CRLDistributionPoints = []string{"http://a.example/1.crl"} })
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{FullName: url("http://a.example/2.crl")}})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"another key under the name": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, testpki.Issue(t, testpki.CA(t, "CN=Sub"), nil), &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"another key with the right key identifier": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			tmpl := testpki.CA(t, "CN=Sub")
			tmpl.SubjectKeyID = w.sub.Cert.SubjectKeyID
			w.crl(t, testpki.Issue(t, tmpl, nil), &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.leaf.Cert)}})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater}, // a forged list neither clears nor condemns
		"the leaf signs its own list": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			tmpl := testpki.CA(t, "CN=Sub")
			w.crl(t, testpki.IssueKey(t, tmpl, nil, w.leaf.Key), &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"held, then released": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{ThisUpdate: now.Add(-20 * hour), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-30*hour), 6)}})
			w.crl(t, w.sub, &pki.CRLTemplate{Number: big.NewInt(2), ThisUpdate: now.Add(-hour)})
			return w
		}, verify.VerdictValid, ""},
		"good, then held": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{ThisUpdate: now.Add(-20 * hour)})
			w.crl(t, w.sub, &pki.CRLTemplate{Number: big.NewInt(2), ThisUpdate: now.Add(-hour), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-2*hour), 6)}})
			return w
		}, verify.VerdictRevoked, verify.RevokedReason},
		"revoked, then not listed": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{ThisUpdate: now.Add(-20 * hour), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-30*hour), 1)}})
			w.crl(t, w.sub, &pki.CRLTemplate{Number: big.NewInt(2), ThisUpdate: now.Add(-hour)})
			return w
		}, verify.VerdictRevoked, verify.RevokedReason}, // a revocation cannot be taken back
	})
}

// TestAdversarySeparateListKey: lists of a key that only signs lists.
func TestAdversarySeparateListKey(t *testing.T) {
	// separate makes sub sign certificates only; issuer certifies the other key.
	separate := func(t *testing.T, by func(w *world) *testpki.Entity, change tmplFunc, entries ...func(w *world) pki.RevokedEntry) *world {
		w := newWorld(t, nil, func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageCertSign }, nil)
		tmpl := testpki.Leaf(t, "CN=Sub")
		tmpl.KeyUsage = pki.KeyUsageCRLSign
		if change != nil {
			change(tmpl)
		}
		lister := testpki.Issue(t, tmpl, by(w))
		w.bag = append(w.bag, lister.Cert)
		list := &pki.CRLTemplate{}
		for _, e := range entries {
			list.Entries = append(list.Entries, e(w))
		}
		w.crl(t, w.root, &pki.CRLTemplate{})
		w.crl(t, lister, list)
		return w
	}
	root := func(w *world) *testpki.Entity { return w.root }
	leaf := func(w *world) pki.RevokedEntry { return revokedEntry(w.leaf.Cert) }
	runCases(t, map[string]adversaryCase{
		"certified by the root": {func(t *testing.T) *world { return separate(t, root, nil) }, verify.VerdictValid, ""},
		"says revoked":          {func(t *testing.T) *world { return separate(t, root, nil, leaf) }, verify.VerdictRevoked, verify.RevokedReason},
		"without cRLSign": {func(t *testing.T) *world {
			return separate(t, root, func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageDigitalSignature })
		}, verify.VerdictIndeterminate, verify.TryLater},
		"expired": {func(t *testing.T) *world {
			return separate(t, root, func(c *pki.CertificateTemplate) { c.NotAfter = testpki.Now.Add(-time.Hour) })
		}, verify.VerdictIndeterminate, verify.TryLater},
		"certified by a stranger": {func(t *testing.T) *world {
			other := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
			return separate(t, func(*world) *testpki.Entity { return other }, nil)
		}, verify.VerdictIndeterminate, verify.TryLater},
		"certified by a neighbour": {func(t *testing.T) *world {
			var neighbour *testpki.Entity
			w := separate(t, func(w *world) *testpki.Entity {
				neighbour = testpki.Issue(t, testpki.CA(t, "CN=Neighbour"), w.root)
				return neighbour
			}, nil)
			w.bag = append(w.bag, neighbour.Cert)
			w.crl(t, neighbour, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"revoked itself": {func(t *testing.T) *world {
			w := separate(t, root, nil)
			w.given.Lists = w.given.Lists[1:]
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.bag[1])}})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"vouches for itself": {func(t *testing.T) *world {
			// Issued by sub, whose key signs no lists: its own list is the only one.
			return separate(t, func(w *world) *testpki.Entity { return w.sub }, nil)
		}, verify.VerdictIndeterminate, verify.TryLater},
	})
}

// TestAdversaryResponses: what OCSP responses may and may not prove. sub's list
// is absent: the response about the leaf is the only evidence.
func TestAdversaryResponses(t *testing.T) {
	now, hour := testpki.Now, time.Hour
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
	delegate := func(change tmplFunc) func(*testing.T, *world) *testpki.Entity {
		return func(t *testing.T, w *world) *testpki.Entity {
			tmpl := testpki.Leaf(t, "CN=Responder")
			tmpl.ExtKeyUsage, tmpl.OCSPNoCheck = []oid.OID{oid.EKUOCSPSigning}, true
			if change != nil {
				change(tmpl)
			}
			return testpki.Issue(t, tmpl, w.sub)
		}
	}
	build := func(a answer) func(*testing.T) *world {
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
	revoked := ocsp.Single{Status: ocsp.Revoked, RevokedAt: now.Add(-2 * hour), Reason: pki.ReasonKeyCompromise}
	about := func(t *testing.T, w *world, s ocsp.Single) []ocsp.Single {
		var err error
		if s.ID, err = ocsp.NewCertID(w.leaf.Cert, w.sub.Cert, ocsp.Streebog256()); err != nil {
			t.Fatal(err)
		}
		s.ThisUpdate, s.NextUpdate = now.Add(-hour), now.Add(hour)
		return []ocsp.Single{s}
	}
	valid, open, gone := verify.VerdictValid, verify.VerdictIndeterminate, verify.VerdictRevoked
	runCases(t, map[string]adversaryCase{
		"good by the issuer":       {build(answer{}), valid, ""},
		"good by name":             {build(answer{byName: true}), valid, ""},
		"good by a delegate":       {build(answer{by: delegate(nil)}), valid, ""},
		"delegate by name":         {build(answer{by: delegate(nil), byName: true}), valid, ""},
		"Streebog-256 CertID":      {build(answer{hash: ocsp.Streebog256()}), valid, ""},
		"Streebog-512 CertID":      {build(answer{hash: alg.Identifier{OID: oid.Streebog512}}), valid, ""},
		"SHA-256 CertID":           {build(answer{hash: alg.NULL(oid.SHA256)}), valid, ""},
		"revoked":                  {build(answer{single: revoked}), gone, verify.RevokedReason},
		"hold":                     {build(answer{single: ocsp.Single{Status: ocsp.Revoked, RevokedAt: now.Add(-2 * hour), Reason: pki.ReasonCertificateHold}}), gone, verify.RevokedReason},
		"unknown":                  {build(answer{unknown: true}), open, verify.TryLater},
		"stale":                    {build(answer{single: ocsp.Single{ThisUpdate: now.Add(-3 * hour), NextUpdate: now.Add(-hour)}}), open, verify.TryLater},
		"future":                   {build(answer{single: ocsp.Single{ThisUpdate: now.Add(hour), NextUpdate: now.Add(2 * hour)}}), open, verify.TryLater},
		"produced in the future":   {build(answer{produced: now.Add(hour)}), open, verify.TryLater},
		"no nextUpdate, fresh":     {build(answer{single: ocsp.Single{ThisUpdate: now.Add(-hour)}}), valid, ""},
		"no nextUpdate, old":       {build(answer{single: ocsp.Single{ThisUpdate: now.Add(-30 * 24 * hour)}}), open, verify.TryLater},
		"stale but revoked":        {build(answer{single: ocsp.Single{Status: ocsp.Revoked, RevokedAt: now.Add(-9 * hour), Reason: 1, ThisUpdate: now.Add(-3 * hour), NextUpdate: now.Add(-hour)}}), gone, verify.RevokedReason},
		"about another serial":     {build(answer{about: func(w *world) (*pki.Certificate, *pki.Certificate) { return w.sub.Cert, w.sub.Cert }}), open, verify.TryLater},
		"about another issuer":     {build(answer{about: func(w *world) (*pki.Certificate, *pki.Certificate) { return w.leaf.Cert, w.root.Cert }}), open, verify.TryLater},
		"good and revoked":         {build(answer{more: func(t *testing.T, w *world) []ocsp.Single { return about(t, w, revoked) }}), gone, verify.RevokedReason},
		"good and unknown":         {build(answer{more: func(t *testing.T, w *world) []ocsp.Single { return about(t, w, ocsp.Single{Status: ocsp.Unknown}) }}), open, verify.TryLater},
		"without certificates":     {build(answer{bare: true}), valid, ""},
		"delegate not at hand":     {build(answer{by: delegate(nil), bare: true}), open, verify.TryLater},
		"delegate expired":         {build(answer{by: delegate(func(c *pki.CertificateTemplate) { c.NotAfter = now.Add(-hour / 2) })}), open, verify.TryLater},
		"delegate not yet valid":   {build(answer{by: delegate(func(c *pki.CertificateTemplate) { c.NotBefore = now.Add(hour / 2) })}), open, verify.TryLater},
		"delegate without purpose": {build(answer{by: delegate(func(c *pki.CertificateTemplate) { c.ExtKeyUsage = nil })}), open, verify.TryLater},
		"delegate for any purpose": {build(answer{by: delegate(func(c *pki.CertificateTemplate) { c.ExtKeyUsage = []oid.OID{oid.EKUAny} })}), open, verify.TryLater},
		"delegate with a critical extension": {build(answer{by: delegate(func(c *pki.CertificateTemplate) {
			c.ExtraExtensions = []pki.Extension{{ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}}
		})}), open, verify.TryLater},
		"the leaf answers for itself": {build(answer{by: func(_ *testing.T, w *world) *testpki.Entity { return w.leaf }}), open, verify.TryLater},
		"delegate of the root": {build(answer{by: func(t *testing.T, w *world) *testpki.Entity {
			tmpl := testpki.Leaf(t, "CN=Responder")
			tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
			return testpki.Issue(t, tmpl, w.root)
		}}), open, verify.TryLater},
		"delegate of a stranger with the name": {build(answer{by: func(t *testing.T, w *world) *testpki.Entity {
			tmpl := testpki.Leaf(t, "CN=Responder")
			tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
			return testpki.Issue(t, tmpl, testpki.Issue(t, testpki.CA(t, "CN=Sub"), nil))
		}}), open, verify.TryLater},
		"a stranger with the issuer's name": {build(answer{byName: true, by: func(t *testing.T, w *world) *testpki.Entity {
			return testpki.Issue(t, testpki.CA(t, "CN=Sub"), nil)
		}}), open, verify.TryLater},
		"a delegate's delegate": {build(answer{by: func(t *testing.T, w *world) *testpki.Entity {
			tmpl := testpki.Leaf(t, "CN=Responder 2")
			tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
			return testpki.Issue(t, tmpl, delegate(nil)(t, w))
		}}), open, verify.TryLater},
		"signature changed": {build(answer{change: func(b []byte) []byte {
			r, _ := ocsp.ParseResponse(b)
			b[indexOf(b, r.Signature)+5] ^= 1
			return b
		}}), open, verify.TryLater},
		"delegate revoked by a list": {func(t *testing.T) *world {
			w := build(answer{by: delegate(func(c *pki.CertificateTemplate) { c.OCSPNoCheck = false })})(t)
			w.crl(t, w.sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlySomeReasons: 1 << 1},
				Entries: []pki.RevokedEntry{revokedEntry(w.given.Responses[0].Certificates[0])}})
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
