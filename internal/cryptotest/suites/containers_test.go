package suites

import (
	"bufio"
	"bytes"
	"crypto"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/token/cryptopro"
)

// passwords reads the passwords of the files below the folders from
// INDEX.jsonl, by path. A note in parentheses after the password is dropped.
func passwords(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(root(t), "corpus", "INDEX.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	found := map[string]string{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var e struct{ Local, Pw string }
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			if strings.HasPrefix(e.Local, folder) {
				pw, _, _ := strings.Cut(e.Pw, " (")
				found[e.Local] = strings.Trim(pw, `"'`)
			}
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// expectedKey reads the key that a container is known to hold.
func expectedKey(t *testing.T, path string) crypto.Signer {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatalf("%s: no PEM", path)
	}
	key, err := alg.ParsePKCS8(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return key
}

// TestContainers opens every CryptoPro container of the corpus from each of its
// two copies, compares the key with the expected one and its certificate, and
// sees wrong passwords, damage and foreign headers told apart.
func TestContainers(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(root(t), "corpus", "08-containers", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	pws := passwords(t, "08-containers/")
	seen := 0
	for _, dir := range dirs {
		if !cryptopro.IsContainer(dir) {
			continue
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			rel, err := filepath.Rel(filepath.Join(root(t), "corpus"), filepath.Join(dir, "header.key"))
			if err != nil {
				t.Fatal(err)
			}
			pw, ok := pws[filepath.ToSlash(rel)]
			if !ok {
				t.Fatal("no password in INDEX.jsonl")
			}
			checkContainer(t, dir, []byte(pw))
		})
		seen++
	}
	if seen < 3 {
		t.Errorf("only %d containers were looked at", seen)
	}
}

func checkContainer(t *testing.T, dir string, pw []byte) {
	c, err := cryptopro.Open(dir, pw)
	if unsupported := (*cryptopro.UnsupportedError)(nil); errors.As(err, &unsupported) {
		if _, err := os.Stat(filepath.Join(dir, "KEY.expected.pem")); err == nil {
			t.Errorf("%v, though the key is known", unsupported)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 || c.Copy != 1 || c.Name == "" {
		t.Errorf("copy %d, name %q, warnings %v", c.Copy, c.Name, c.Warnings)
	}
	t.Logf("%q, %s, exportable %v, exchange %v, until %v", c.Name, alg.KeyName(c.Key.Public()), c.Exportable, c.Exchange, c.NotAfter)
	if c.Certificate == nil || c.NotAfter.IsZero() {
		t.Errorf("certificate: %v, period until %v", c.CertificateErr, c.NotAfter)
	}
	want := expectedKey(t, filepath.Join(dir, "KEY.expected.pem")).Public()
	ok := alg.EqualKeys(c.Key.Public(), want)
	if c.Second != nil {
		ok = ok || alg.EqualKeys(c.Second.Key.Public(), want)
		if c.Second.Certificate == nil {
			t.Errorf("the second certificate: %v", c.Second.CertificateErr)
		}
	}
	if !ok {
		t.Error("not the expected key")
	}
	if _, err := alg.MarshalPKCS8(c.Key); (err == nil) != c.Exportable {
		t.Errorf("exportable %v, export: %v", c.Exportable, err)
	}
	if _, err := cryptopro.Open(dir, append([]byte("x"), pw...)); !errors.Is(err, cryptopro.ErrPassword) {
		t.Errorf("wrong password: %v", err)
	}
	checkSecondCopy(t, dir, pw, c)
}

// checkSecondCopy leaves out the first copy, breaks it, and puts another
// container's header in.
func checkSecondCopy(t *testing.T, dir string, pw []byte, want *cryptopro.Container) {
	files := readContainer(t, dir)
	files["primary.key"][5] ^= 1
	c, err := cryptopro.Parse(files)
	if err == nil {
		err = c.Unlock(pw)
	}
	if err != nil || c.Copy != 2 || len(c.Warnings) != 1 || !alg.EqualKeys(c.Key.Public(), want.Key.Public()) {
		t.Errorf("the first copy broken: %v, %+v", err, c)
	}
	delete(files, "primary.key")
	if c, err = cryptopro.Parse(files); err != nil || c.Unlock(pw) != nil {
		t.Errorf("the first copy missing: %v", err)
	}
	others, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range others {
		files = readContainer(t, dir)
		header := readContainer(t, other)["header.key"]
		if bytes.Equal(header, files["header.key"]) {
			continue
		}
		files["header.key"] = header
		c, err := cryptopro.Parse(files)
		if err == nil {
			err = c.Unlock(pw)
		}
		if !errors.Is(err, cryptopro.ErrForeignHeader) {
			t.Errorf("the header of %s: %v", filepath.Base(other), err)
		}
	}
}

func readContainer(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(p)] = b
	}
	return files
}

// TestCryptoProPFX opens every PFX of CryptoPro CSP in the corpus.
func TestCryptoProPFX(t *testing.T) {
	seen := 0
	for name, pw := range passwords(t, "07-pkcs12/cryptopro") {
		if filepath.Ext(name) != ".pfx" {
			continue
		}
		path := filepath.Join(root(t), "corpus", filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := pfx.Decode(data, []byte(pw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen++
		t.Logf("%s: %s, %s", name, alg.KeyName(c.Key.Public()), c.MAC)
		if c.Certificate == nil {
			t.Errorf("%s: no certificate", name)
		}
		if _, err := os.Stat(path + ".expected.pem"); err == nil && !alg.EqualKeys(c.Key.Public(), expectedKey(t, path+".expected.pem").Public()) {
			t.Errorf("%s: not the expected key", name)
		}
		if _, err := pfx.Decode(data, append([]byte("x"), pw...)); !errors.Is(err, pfx.ErrPassword) {
			t.Errorf("%s: wrong password: %v", name, err)
		}
	}
	if seen < 2 {
		t.Errorf("only %d files were looked at", seen)
	}
}
