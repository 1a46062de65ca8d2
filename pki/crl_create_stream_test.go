package pki_test

import (
	"bytes"
	"crypto/rand"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// streamIssuer makes an authority with a key of an algorithm.
func streamIssuer(t *testing.T, name string) (*pki.CRLTemplate, *pki.Certificate, func(w *pki.CRLWriter) (*bytes.Buffer, error), func(*os.File) *pki.CRLWriter) {
	t.Helper()
	key, err := alg.GenerateKey(name, "")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=УЦ")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	der, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(7), Subject: dn, NotBefore: now, NotAfter: now.AddDate(1, 0, 0), IsCA: true, MaxPathLen: -1,
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &pki.CRLTemplate{
		Number: big.NewInt(70), ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 7),
		IDP: &pki.IssuingDistributionPoint{FullName: []pki.GeneralName{{Kind: pki.URIName, Text: "http://crl.example/ca-1of2.crl"}}},
	}
	finish := func(w *pki.CRLWriter) (*bytes.Buffer, error) {
		var out bytes.Buffer
		n, err := w.Finish(nil, &out)
		if err == nil && n != int64(out.Len()) {
			t.Errorf("Finish: %d octets of %d", n, out.Len())
		}
		return &out, err
	}
	begin := func(f *os.File) *pki.CRLWriter {
		w, err := pki.NewCRLWriter(tmpl, cert, key, f)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	return tmpl, cert, finish, begin
}

// TestCRLWriter compares the streamed list with the one that is made in memory:
// the signed octets are the same.
func TestCRLWriter(t *testing.T) {
	for _, name := range []string{"gost2012-256", "ecdsa-p256", "rsa-2048", "ed25519"} {
		for _, n := range []int{0, 1, 5, 3000} {
			tmpl, cert, finish, begin := streamIssuer(t, name)
			f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			w := begin(f)
			for i := range n {
				e := pki.RevokedEntry{Serial: big.NewInt(int64(i*i + 1)), At: tmpl.ThisUpdate.Add(-time.Duration(i) * time.Minute), Reason: i % 7}
				if i%3 == 0 {
					e.InvalidityDate = e.At.Add(-time.Hour)
				}
				if err := w.Add(e); err != nil {
					t.Fatal(err)
				}
			}
			out, err := finish(w)
			if err != nil {
				t.Fatalf("%s, %d entries: %v", name, n, err)
			}
			l, err := pki.ParseCRL(out.Bytes())
			if err != nil || l.Len() != n || len(l.Findings) > 0 || w.Len() != n {
				t.Fatalf("%s, %d entries: %v, %v", name, n, l, err)
			}
			if err := l.CheckSignatureFrom(cert); err != nil {
				t.Errorf("%s, %d entries: %v", name, n, err)
			}
			for e, err := range l.Entries() {
				if err != nil {
					t.Fatal(err)
				}
				e.Extensions = nil
				tmpl.Entries = append(tmpl.Entries, e)
			}
			want := memoryTBS(t, tmpl, name)
			// Issuers differ in key: compare what follows the signature algorithm.
			if len(want.RawTBS) != len(l.RawTBS) {
				t.Errorf("%s, %d entries: %d octets to be signed, %d in memory", name, n, len(l.RawTBS), len(want.RawTBS))
			}
			if w.Add(pki.RevokedEntry{Serial: big.NewInt(1), At: tmpl.ThisUpdate}) == nil {
				t.Error("an entry was added to a finished list")
			}
		}
	}
}

func memoryTBS(t *testing.T, tmpl *pki.CRLTemplate, name string) *pki.RevocationList {
	t.Helper()
	key, err := alg.GenerateKey(name, "")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=УЦ")
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(7), Subject: dn, NotBefore: tmpl.ThisUpdate, NotAfter: tmpl.NextUpdate, IsCA: true, MaxPathLen: -1,
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pki.CreateCRL(rand.Reader, tmpl, cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := pki.ParseCRL(list)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestCRLWriterRefuses: what CreateCRL refuses is refused, and stays so.
func TestCRLWriterRefuses(t *testing.T) {
	tmpl, cert, finish, begin := streamIssuer(t, "gost2012-256")
	f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, e := range []pki.RevokedEntry{
		{},
		{Serial: big.NewInt(1)},
		{Serial: big.NewInt(1), At: tmpl.ThisUpdate, Reason: 7},
		{Serial: big.NewInt(1), At: tmpl.ThisUpdate, Reason: pki.ReasonRemoveFromCRL},
		{Serial: big.NewInt(1), At: tmpl.ThisUpdate, Issuer: &cert.Subject},
	} {
		w := begin(f)
		if w.Add(e) == nil {
			t.Errorf("%+v was taken", e)
		}
		if _, err := finish(w); err == nil {
			t.Errorf("a list was made after %+v", e)
		}
	}
}
