package verify_test

import (
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
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
	v := &verify.Verifier{
		Roots: pki.NewPool(w.anchors...), Intermediates: pki.NewPool(w.bag...), Revocation: w.given, Policy: w.policy,
		Now: func() time.Time { return w.at }, Cache: shared,
	}
	report, err := v.VerifyCertificate(t.Context(), w.leaf.Cert)
	consistent(t, report, err)
	sameWithout(t, v, report, func(v *verify.Verifier) (*verify.Report, error) { return v.VerifyCertificate(t.Context(), w.leaf.Cert) })
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
		"root is no CA":                      {change(func(c *pki.CertificateTemplate) { c.IsCA = false }, nil, nil), verify.VerdictInvalid, verify.ChainGeneral},
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
