//go:build linux

package load

import (
	"bytes"
	"encoding/pem"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// A testPKI is made for the present moment, because the service has a clock.
type testPKI struct {
	now          time.Time
	root, sub    *testpki.Entity
	leaf, bad    *testpki.Entity // bad is revoked
	stranger     *testpki.Entity // of another root
	strangerRoot *testpki.Entity
	lists        []*pki.RevocationList
}

func newPKI(t testing.TB) *testPKI {
	t.Helper()
	p := &testPKI{now: time.Now().Truncate(time.Second)}
	issue := func(tmpl *pki.CertificateTemplate, parent *testpki.Entity) *testpki.Entity {
		tmpl.NotBefore, tmpl.NotAfter = p.now.AddDate(0, 0, -10), p.now.AddDate(1, 0, 0)
		return testpki.Issue(t, tmpl, parent)
	}
	p.root = issue(testpki.CA(t, "CN=Load root,C=RU"), nil)
	p.sub = issue(testpki.CA(t, "CN=Load CA,C=RU"), p.root)
	p.leaf = issue(testpki.Leaf(t, "CN=Иванов Иван,C=RU"), p.sub)
	p.bad = issue(testpki.Leaf(t, "CN=Отозванный Пётр,C=RU"), p.sub)
	p.strangerRoot = issue(testpki.CA(t, "CN=Another root,C=RU"), nil)
	p.stranger = issue(testpki.Leaf(t, "CN=Чужой,C=RU"), p.strangerRoot)
	for _, ca := range []*testpki.Entity{p.root, p.sub} {
		tmpl := &pki.CRLTemplate{ThisUpdate: p.now.Add(-time.Hour), NextUpdate: p.now.AddDate(0, 0, 2)}
		if ca == p.sub {
			tmpl.Entries = []pki.RevokedEntry{testpki.Revoked(p.bad.Cert, p.now.Add(-2*time.Hour), 1)}
		}
		p.lists = append(p.lists, testpki.CRL(t, ca, tmpl))
	}
	return p
}

// flags writes what the service trusts into files.
func (p *testPKI) flags(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, label string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return []string{
		"--trust", write("root.pem", "CERTIFICATE", p.root.Cert.Raw),
		"--crl", write("root.crl", "X509 CRL", p.lists[0].Raw), "--crl", write("sub.crl", "X509 CRL", p.lists[1].Raw),
	}
}

// verifier decides as the service must.
func (p *testPKI) verifier() *verify.Verifier {
	roots := pki.NewPool()
	roots.Add(p.root.Cert)
	return &verify.Verifier{Roots: roots, Revocation: &revocation.Static{Lists: p.lists}, Policy: verify.DefaultPolicy()}
}

func (p *testPKI) sign(t testing.TB, by *testpki.Entity, document io.Reader, attached bool, w io.Writer) {
	t.Helper()
	s := &sign.Signer{
		Key: by.Key, Cert: by.Cert, Chain: []*pki.Certificate{p.sub.Cert}, Detached: !attached, Stream: attached,
		Now: func() time.Time { return p.now.Add(-time.Minute) },
	}
	if err := s.Sign(t.Context(), w, document); err != nil {
		t.Fatal(err)
	}
}

func (p *testPKI) signed(t testing.TB, by *testpki.Entity, document []byte, attached bool) []byte {
	t.Helper()
	var out bytes.Buffer
	p.sign(t, by, bytes.NewReader(document), attached, &out)
	return out.Bytes()
}

// A part is one file of a form.
type part struct {
	name  string
	value []byte
}

func form(t testing.TB, parts ...part) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		f, err := w.CreateFormFile(p.name, p.name+".bin")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(p.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}
