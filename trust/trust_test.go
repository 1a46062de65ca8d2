package trust_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/trust"
)

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trust")
	s := trust.Open(dir)
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Fatalf("an absent directory: %v, %v", list, err)
	}
	a := testpki.Issue(t, testpki.CA(t, "CN=A"), nil).Cert
	b := testpki.Issue(t, testpki.CA(t, "CN=B"), nil).Cert
	for _, c := range []*pki.Certificate{a, b, a} {
		if _, _, err := s.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if _, added, err := s.Add(a); added || err != nil {
		t.Errorf("added twice: %v, %v", added, err)
	}
	list, err := s.List()
	if err != nil || len(list) != 2 || list[0].ID > list[1].ID {
		t.Fatalf("%d anchors, %v", len(list), err)
	}
	pool, err := s.Pool()
	if err != nil || !pool.Contains(a) || !pool.Contains(b) || pool.Len() != 2 {
		t.Errorf("pool of %d, %v", pool.Len(), err)
	}
	for _, id := range []string{list[0].ID, strings.ToUpper(list[0].SHA256), list[0].SHA1, list[0].ID[:12], list[0].ID[:2] + ":" + list[0].ID[2:8]} {
		if got, err := s.Find(id); err != nil || got.ID != list[0].ID {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, id := range []string{"", "ab", "zzzz"} {
		if _, err := s.Find(id); !errors.Is(err, trust.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := s.Remove(list[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remove(list[0].ID); !errors.Is(err, trust.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	// Only the anchor is left: no temporary file stays behind.
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files", len(files))
	}
}

func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	s := trust.Open(dir)
	a, _, err := s.Add(testpki.Issue(t, testpki.CA(t, "CN=A"), nil).Cert)
	if err != nil {
		t.Fatal(err)
	}
	other := testpki.Issue(t, testpki.CA(t, "CN=B"), nil).Cert
	name := filepath.Join(dir, a.ID+".cer")
	for what, data := range map[string][]byte{"exchanged": other.Raw, "cut": other.Raw[:20], "empty": nil, "huge": make([]byte, 2<<20)} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if list, err := s.List(); !errors.Is(err, trust.ErrDamaged) || len(list) != 0 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %d anchors, %v", what, len(list), err)
		}
		if p, err := s.Pool(); p != nil || err == nil {
			t.Errorf("%s: a pool in spite of damage", what)
		}
	}
	// Adding the anchor again repairs the file.
	if _, added, err := s.Add(a.Certificate); !added || err != nil {
		t.Errorf("%v, %v", added, err)
	}
	if _, err := s.Pool(); err != nil {
		t.Error(err)
	}
}

func TestUnusable(t *testing.T) {
	s := trust.Open(t.TempDir())
	if _, _, err := s.Add(nil); !errors.Is(err, trust.ErrUnusable) {
		t.Errorf("nil: %v", err)
	}
	broken := offCurve(t, testpki.Issue(t, testpki.CA(t, "CN=Off the curve"), nil).Cert)
	if _, _, err := s.Add(broken); !errors.Is(err, trust.ErrUnusable) {
		t.Errorf("a key off the curve: %v", err)
	}
}

// offCurve returns a certificate like c whose key is no point of its curve.
func offCurve(t testing.TB, c *pki.Certificate) *pki.Certificate {
	t.Helper()
	at := strings.Index(string(c.Raw), string(c.RawSubjectPublicKeyInfo))
	der := []byte(string(c.Raw))
	der[at+len(c.RawSubjectPublicKeyInfo)-1] ^= 1 // the point leaves the curve
	broken, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return broken
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := trust.Open(file) // a file where the directory should be
	if _, _, err := s.Add(testpki.Issue(t, testpki.CA(t, "CN=A"), nil).Cert); err == nil {
		t.Error("added into a file")
	}
	if _, err := s.List(); err == nil {
		t.Error("listed a file")
	}
}
