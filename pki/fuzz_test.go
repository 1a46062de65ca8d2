package pki_test

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
)

// seedCertificates: one of every kind of deviation and two good ones.
func seedCertificates(f *testing.F) {
	key := newKey(f, "gost2012-256", "tc26-256-a")
	root, leaf, _ := issue(f, key)
	f.Add(root.Raw)
	f.Add(leaf.Raw)
	for _, d := range deviations {
		p := split(f, leaf)
		d.change(f, p)
		f.Add(p.sign(f, key))
	}
}

func FuzzParseCertificate(f *testing.F) {
	seedCertificates(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := pki.ParseCertificate(data)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Raw, data) || c.SerialNumber == nil || c.SerialHex() == "" || c.IsSelfIssued() != c.Issuer.Equal(c.Subject) {
			t.Fatal("inconsistent")
		}
		// Reading is stable, and everything derived from it works.
		p := pki.NewPool(c, c)
		if p.Len() != 1 || !p.Contains(c) {
			t.Fatal("pool")
		}
		p.FindIssuers(c)
		_ = c.CheckSignatureFrom(c)
		_ = c.Subject.String() + c.Issuer.String()
		c.Subject.Holder()
		c.Thumbprints()
		for _, finding := range c.Findings {
			if finding.Code == "" || finding.Cite == "" || finding.String() == "" {
				t.Fatalf("incomplete finding %+v", finding)
			}
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	key := newKey(f, "gost2012-256", "")
	f.Add(requestOf(f, key))
	tmpl := leafTemplate(f)
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: tmpl.Subject, KeyUsage: tmpl.KeyUsage, SubjectAltNames: tmpl.SubjectAltNames}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := pki.ParseRequest(data)
		if err != nil {
			return
		}
		if !bytes.Equal(q.Raw, data) {
			t.Fatal("inconsistent")
		}
		_ = q.CheckSignature()
		q.Requested()
		_ = q.Subject.String()
	})
}

func FuzzParseCRL(f *testing.F) {
	key := newKey(f, "gost2012-256", "")
	root, _, _ := issue(f, key)
	for _, tmpl := range []*pki.CRLTemplate{crlTemplate(f), indirectTemplate(f)} {
		der, err := pki.CreateCRL(nil, tmpl, root, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
		f.Add(append(der, 0))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := pki.ParseCRL(data)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(data, l.Raw) {
			t.Fatal("inconsistent")
		}
		_ = l.CheckSignatureFrom(root)
		n := 0
		var issuers []*pki.Name
		var serials []*big.Int
		for e, err := range l.Entries() {
			if err != nil {
				return
			}
			n++
			issuers, serials = append(issuers, e.Issuer), append(serials, e.Serial)
		}
		if n != l.Len() {
			t.Fatalf("%d entries, counted %d", n, l.Len())
		}
		// Whatever is listed is found; a lookup must never miss a revocation.
		for i := range min(n, 20) {
			issuer := l.Issuer
			if issuers[i] != nil {
				issuer = *issuers[i]
			}
			if _, found, err := l.FindFor(issuer, serials[i]); err != nil || !found {
				t.Fatalf("entry %d is not found: %v", i, err)
			}
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add(mustDN(f, "CN=Иванов+SN=x,SNILS=11223344595,1.2.3=#0500,C=RU").Raw)
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := pki.ParseName(data)
		if err != nil {
			return
		}
		if !n.Equal(n) || !bytes.Equal(n.Raw, data) {
			t.Fatal("a name is not equal to itself")
		}
		_ = n.String()
		again := pki.Name{RDNs: n.RDNs}
		der, err := again.DER()
		if err != nil {
			t.Fatal(err)
		}
		m, err := pki.ParseName(der)
		if err != nil || !m.Equal(n) {
			t.Fatalf("encoded again: %v", err)
		}
	})
}

func FuzzParseDN(f *testing.F) {
	for _, s := range []string{"CN=Иванов Иван,C=RU", `O="ООО ""Ромашка""",CN=a\, b`, "СНИЛС=112-233-445 95", "1.2.3=#0c0178", "CN=a+SN=b", `CN=\D0\98`, "s=#0000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := pki.ParseDN(text)
		if err != nil {
			return
		}
		m, err := pki.ParseDN(n.String())
		if err != nil || !bytes.Equal(m.Raw, n.Raw) {
			t.Fatalf("%q is printed as %q, which reads as %v, %v", text, n, m, err)
		}
	})
}
