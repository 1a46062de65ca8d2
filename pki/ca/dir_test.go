package ca_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func TestDir(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	sub := newSub(t, root, generate(t, "gost2012-256", "cryptopro-a"))
	path := filepath.Join(t.TempDir(), "a", "b")
	in := &ca.Dir{Certificate: sub.cert, Chain: []*pki.Certificate{root.cert}, Settings: settings()}
	if err := ca.WriteDir(path, in); err != nil {
		t.Fatal(err)
	}
	out, err := ca.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if !out.Certificate.Equal(sub.cert) || len(out.Chain) != 1 || !out.Chain[0].Equal(root.cert) || out.Settings.OCSPURLs[0] != settings().OCSPURLs[0] {
		t.Errorf("%+v", out)
	}
	if err := ca.WriteDir(path, in); err == nil {
		t.Error("a second authority in one directory")
	}
	info, err := os.Stat(path)
	if err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for name, text := range map[string]string{ca.SettingsFile: "{", ca.ChainFile: "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", ca.CertificateFile: "x"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ca.ReadDir(path); err == nil {
			t.Errorf("%s: %q is read", name, text)
		}
	}
	if _, err := ca.ReadDir(t.TempDir()); err == nil {
		t.Error("an empty directory is read")
	}
}

func TestSettings(t *testing.T) {
	if _, err := ca.ParseSettings([]byte(`{"crlUrls":["http://ca.example/a.crl"],"crlHours":24}`)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		``, `[]`, `{"crlUrl":["http://ca.example/a.crl"]}`, `{"crlUrls":["file:///etc/passwd"]}`,
		`{"ocspUrls":["ca.example"]}`, `{"userMonths":-1}`, `{"crlHours":9000}`, `{} {}`,
	} {
		if s, err := ca.ParseSettings([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

func writeFiles(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
