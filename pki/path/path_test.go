package path_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

func options(c *testpki.Chain) path.Options {
	return path.Options{Roots: pki.NewPool(c.Root.Cert), Intermediates: pki.NewPool(c.Sub.Cert), At: testpki.Now}
}

// reasons validates and returns the set of reasons, empty for a good path.
func reasons(t *testing.T, leaf *pki.Certificate, o path.Options) map[path.Reason]bool {
	t.Helper()
	res, err := path.Validate(t.Context(), leaf, o)
	if res == nil {
		t.Fatal(err)
	}
	if (err == nil) != (len(res.Failures) == 0) {
		t.Fatalf("error %v with %d failures", err, len(res.Failures))
	}
	var pe *path.Error
	if err != nil && !errors.As(err, &pe) {
		t.Fatalf("the error is %T", err)
	}
	out := map[path.Reason]bool{}
	for _, f := range res.Failures {
		out[f.Reason] = true
		if f.Cite == "" || f.Detail == "" || f.Certificate == nil {
			t.Errorf("failure without clause, detail or certificate: %+v", f)
		}
	}
	return out
}

func expect(t *testing.T, leaf *pki.Certificate, o path.Options, want path.Reason) {
	t.Helper()
	got := reasons(t, leaf, o)
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("refused: %v", got)
	case want != "" && !got[want]:
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestGoodChain(t *testing.T) {
	c := testpki.NewChain(t)
	res, err := path.Validate(t.Context(), c.Leaf.Cert, options(c))
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Chain) != 3 || !res.Anchored || res.Checked != 2 || !res.Chain[2].Equal(c.Root.Cert) {
		t.Errorf("chain of %d, anchored %v, %d checks", len(res.Chain), res.Anchored, res.Checked)
	}
}

func TestOptions(t *testing.T) {
	c := testpki.NewChain(t)
	if _, err := path.Validate(t.Context(), c.Leaf.Cert, path.Options{Roots: pki.NewPool(c.Root.Cert)}); !errors.Is(err, path.ErrNoTime) {
		t.Errorf("without a time: %v", err)
	}
	if _, err := path.Validate(t.Context(), nil, options(c)); err == nil {
		t.Error("no certificate was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := path.Validate(ctx, c.Leaf.Cert, options(c)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	expect(t, c.Leaf.Cert, path.Options{At: testpki.Now}, path.ReasonNoChain)
}

func TestValidity(t *testing.T) {
	c := testpki.NewChain(t)
	for _, tc := range []struct {
		at   time.Time
		want path.Reason
	}{
		{testpki.Start, ""},
		{testpki.Start.Add(-time.Second), path.ReasonNotYetValid},
		{testpki.End, ""}, // RFC 5280, 4.1.2.5: through notAfter, inclusive
		{testpki.End.Add(999 * time.Millisecond), ""},
		{testpki.End.Add(time.Second), path.ReasonExpired},
	} {
		o := options(c)
		o.At = tc.at
		t.Run(tc.at.Format(time.RFC3339Nano), func(t *testing.T) { expect(t, c.Leaf.Cert, o, tc.want) })
	}
}

// chainWith makes a chain whose templates are changed first.
func chainWith(t *testing.T, sub, leaf func(*pki.CertificateTemplate)) *testpki.Chain {
	t.Helper()
	c := &testpki.Chain{Root: testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)}
	st, lt := testpki.CA(t, "CN=Sub"), testpki.Leaf(t, "CN=Leaf")
	if sub != nil {
		sub(st)
	}
	if leaf != nil {
		leaf(lt)
	}
	c.Sub = testpki.Issue(t, st, c.Root)
	c.Leaf = testpki.Issue(t, lt, c.Sub)
	return c
}

func TestConstraints(t *testing.T) {
	unknown := pki.Extension{ID: "1.2.3.4.5", Critical: true, Value: []byte{5, 0}}
	nc := pki.Extension{ID: oid.NameConstraints, Critical: true, Value: []byte{0x30, 0}}
	for name, tc := range map[string]struct {
		sub, leaf func(*pki.CertificateTemplate)
		opts      func(*path.Options)
		want      path.Reason
	}{
		"issuer without basicConstraints": {sub: func(s *pki.CertificateTemplate) { s.BasicConstraints, s.IsCA = false, false }, want: path.ReasonNotCA},
		"issuer CA false":                 {sub: func(s *pki.CertificateTemplate) { s.IsCA = false }, want: path.ReasonNotCA},
		"issuer without keyCertSign":      {sub: func(s *pki.CertificateTemplate) { s.KeyUsage = pki.KeyUsageCRLSign }, want: path.ReasonKeyUsage},
		"issuer without keyUsage":         {sub: func(s *pki.CertificateTemplate) { s.KeyUsage = 0 }},
		"pathLen 0 over a leaf":           {sub: func(s *pki.CertificateTemplate) { s.MaxPathLen = 0 }},
		"unknown critical in the leaf":    {leaf: func(s *pki.CertificateTemplate) { s.ExtraExtensions = []pki.Extension{unknown} }, want: path.ReasonCriticalExtension},
		"unknown critical in the CA":      {sub: func(s *pki.CertificateTemplate) { s.ExtraExtensions = []pki.Extension{unknown} }, want: path.ReasonCriticalExtension},
		"unknown, not critical": {leaf: func(s *pki.CertificateTemplate) {
			e := unknown
			e.Critical = false
			s.ExtraExtensions = []pki.Extension{e}
		}},
		"name constraints": {sub: func(s *pki.CertificateTemplate) { s.ExtraExtensions = []pki.Extension{nc} }, want: path.ReasonMalformed},
		"key usage of the leaf": {
			leaf: func(s *pki.CertificateTemplate) { s.KeyUsage = pki.KeyUsageKeyAgreement },
			opts: func(o *path.Options) { o.LeafKeyUsage = pki.KeyUsageDigitalSignature }, want: path.ReasonKeyUsage,
		},
		"one key usage of two": {
			leaf: func(s *pki.CertificateTemplate) { s.KeyUsage = pki.KeyUsageContentCommitment },
			opts: func(o *path.Options) { o.LeafKeyUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment },
		},
		"purpose missing": {
			leaf: func(s *pki.CertificateTemplate) { s.ExtKeyUsage = []oid.OID{oid.EKUEmailProtection} },
			opts: func(o *path.Options) { o.ExtKeyUsage = []oid.OID{oid.EKUTimeStamping} }, want: path.ReasonExtKeyUsage,
		},
		"purpose present": {
			leaf: func(s *pki.CertificateTemplate) { s.ExtKeyUsage = []oid.OID{oid.EKUTimeStamping} },
			opts: func(o *path.Options) { o.ExtKeyUsage = []oid.OID{oid.EKUTimeStamping} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := chainWith(t, tc.sub, tc.leaf)
			o := options(c)
			if tc.opts != nil {
				tc.opts(&o)
			}
			expect(t, c.Leaf.Cert, o, tc.want)
		})
	}
}

func TestPathLength(t *testing.T) {
	rt := testpki.CA(t, "CN=Root")
	root := testpki.Issue(t, rt, nil)
	mt := testpki.CA(t, "CN=Middle")
	mt.MaxPathLen = 0
	middle := testpki.Issue(t, mt, root)
	low := testpki.Issue(t, testpki.CA(t, "CN=Low"), middle)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), low)
	o := path.Options{Roots: pki.NewPool(root.Cert), Intermediates: pki.NewPool(middle.Cert, low.Cert), At: testpki.Now}
	expect(t, leaf.Cert, o, path.ReasonPathLength)

	// A self-issued certificate (a key roll-over) does not count.
	same := testpki.CA(t, "CN=Middle")
	self := testpki.Issue(t, same, middle)
	leaf2 := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf 2"), self)
	o.Intermediates = pki.NewPool(middle.Cert, self.Cert)
	expect(t, leaf2.Cert, o, "")
}

func TestSignatures(t *testing.T) {
	c := testpki.NewChain(t)
	// The right name with another key, below the right root's name.
	fakeRoot := testpki.Issue(t, testpki.CA(t, "CN=Test root,O=Test,C=RU"), nil)
	fakeSub := testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), fakeRoot)
	fake := testpki.Issue(t, testpki.Leaf(t, "CN=Fake"), fakeSub)
	o := options(c)
	o.Intermediates.Add(fakeSub.Cert)
	expect(t, fake.Cert, o, path.ReasonSignature)
	// A root that renewed its key under its name, known only in its old form:
	// the certificate names the other one by serial number.
	tmpl := testpki.CA(t, "CN=Below the new key")
	tmpl.AuthorityIssuerSerial = true
	below := testpki.Issue(t, tmpl, fakeRoot)
	expect(t, below.Cert, options(c), path.ReasonNoChain)
	if got := reasons(t, below.Cert, options(c)); got[path.ReasonSignature] {
		t.Error("an unknown root is called a forgery")
	}
	// A stranger's PKI is unknown, not invalid.
	other := testpki.Issue(t, testpki.CA(t, "CN=Other root"), nil)
	expect(t, c.Leaf.Cert, path.Options{Roots: pki.NewPool(other.Cert), Intermediates: pki.NewPool(c.Sub.Cert), At: testpki.Now}, path.ReasonNoChain)
	// A changed certificate.
	der := append([]byte(nil), c.Leaf.Cert.Raw...)
	der[len(der)-1] ^= 1
	bad, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, bad, options(c), path.ReasonSignature)
}

// TestKeyRollover: two CA certificates of one name; the key identifier decides.
func TestKeyRollover(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	old := testpki.Issue(t, testpki.CA(t, "CN=Sub"), root)
	renewed := testpki.Issue(t, testpki.CA(t, "CN=Sub"), root)
	for _, ca := range []*testpki.Entity{old, renewed} {
		leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), ca)
		res, err := path.Validate(t.Context(), leaf.Cert, path.Options{
			Roots:         pki.NewPool(root.Cert),
			Intermediates: pki.NewPool(old.Cert, renewed.Cert), At: testpki.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if !res.Chain[1].Equal(ca.Cert) || res.Checked != 2 {
			t.Errorf("wrong issuer, or %d signature checks for two", res.Checked)
		}
	}
}

// TestBetterPath: an expired cross certificate must not hide a good one.
func TestBetterPath(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	key := testpki.Key(t, "gost2012-256", "cryptopro-a")
	gone := testpki.CA(t, "CN=Sub")
	gone.NotAfter = testpki.Now.Add(-time.Hour)
	expired := testpki.IssueKey(t, gone, root, key)
	good := testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), root, key)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), good)
	o := path.Options{Roots: pki.NewPool(root.Cert), Intermediates: pki.NewPool(expired.Cert, good.Cert), At: testpki.Now}
	expect(t, leaf.Cert, o, "")
	o.Intermediates = pki.NewPool(expired.Cert)
	expect(t, leaf.Cert, o, path.ReasonExpired)
}

func TestLoop(t *testing.T) {
	a := testpki.Issue(t, testpki.CA(t, "CN=A"), nil)
	bKey := testpki.Key(t, "gost2012-256", "cryptopro-a")
	b := testpki.IssueKey(t, testpki.CA(t, "CN=B"), a, bKey)
	aFromB := testpki.IssueKey(t, testpki.CA(t, "CN=A"), b, a.Key)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), b)
	o := path.Options{Roots: pki.NewPool(), Intermediates: pki.NewPool(b.Cert, aFromB.Cert), At: testpki.Now}
	expect(t, leaf.Cert, o, path.ReasonNoChain)
}

func TestAnchorAsLeaf(t *testing.T) {
	c := testpki.NewChain(t)
	expect(t, c.Root.Cert, options(c), "")
	expect(t, c.Leaf.Cert, path.Options{Roots: pki.NewPool(c.Leaf.Cert), At: testpki.Now}, "")
	// A trusted end-entity certificate is not thereby a CA.
	forged := testpki.Issue(t, testpki.Leaf(t, "CN=Forged"), c.Leaf)
	expect(t, forged.Cert, path.Options{Roots: pki.NewPool(c.Leaf.Cert), At: testpki.Now}, path.ReasonNotCA)
}

func TestTestParameters(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	leaf := testpki.IssueKey(t, testpki.Leaf(t, "CN=Leaf"), root, testpki.TestKey(t))
	o := path.Options{Roots: pki.NewPool(root.Cert), At: testpki.Now}
	expect(t, leaf.Cert, o, path.ReasonTestParameters)
	o.AllowTest = true
	expect(t, leaf.Cert, o, "")
}

// TestHostileBag: ten thousand certificates with the issuer's name and key
// identifier cost a bounded number of signature checks.
func TestHostileBag(t *testing.T) {
	c := testpki.NewChain(t)
	pool := pki.NewPool()
	at := bytes.Index(c.Sub.Cert.Raw, c.Sub.Cert.RawSerial)
	for i := range 10000 {
		// The issuer's own certificate with another serial number: its key did
		// sign the leaf, and nobody signed it.
		der := bytes.Clone(c.Sub.Cert.Raw)
		binary.BigEndian.PutUint32(der[at+1:], uint32(i))
		x, err := pki.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		pool.Add(x)
	}
	start := time.Now()
	res, err := path.Validate(t.Context(), c.Leaf.Cert, path.Options{Roots: pki.NewPool(c.Root.Cert), Intermediates: pool, At: testpki.Now})
	if err == nil || res.Failures[0].Reason != path.ReasonLimit {
		t.Fatalf("%v", err)
	}
	if res.Checked > limits.PathSignatureChecks {
		t.Errorf("%d signature checks", res.Checked)
	}
	t.Logf("%d checks in %v", res.Checked, time.Since(start))
	o := path.Options{Roots: pki.NewPool(c.Root.Cert), Intermediates: pool, At: testpki.Now, MaxChecks: 3}
	if res, _ := path.Validate(t.Context(), c.Leaf.Cert, o); res.Checked != 3 {
		t.Errorf("MaxChecks 3: %d", res.Checked)
	}
}
