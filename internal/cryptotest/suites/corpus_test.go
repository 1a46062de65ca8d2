package suites

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/verify"
)

// textSuffixes are files of the corpus that describe others.
var textSuffixes = []string{".txt", ".json", ".md", ".jsonl", ".csv", ".html", ".cnf", ".sh"}

// walk calls f for every file below the folders of the corpus.
func walk(t *testing.T, f func(path string, data []byte), folders ...string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root(t), "corpus", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			for _, s := range textSuffixes {
				if strings.HasSuffix(path, s) {
					return nil
				}
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f(path, data)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A corpus is all certificates and lists that were parsed.
type corpus struct {
	certs     []*pki.Certificate
	crls      []*pki.RevocationList
	bySubject map[string][]*pki.Certificate

	named map[der.Kind]int // files that are something else, by what they are
}

// readCorpus parses every file; one that neither parses nor is named as
// something else fails the test.
func readCorpus(t *testing.T) *corpus {
	c := &corpus{named: map[der.Kind]int{}}
	walk(t, func(path string, data []byte) {
		blocks, err := der.Decode(data)
		if err != nil {
			c.name(t, path, err)
			return
		}
		for _, b := range blocks {
			c.add(t, path, b.Bytes)
		}
	}, "03-certs", "04-crl", "05-ocsp-tsp/certs", "05-ocsp-tsp/ca-certs-from-certvals", "05-ocsp-tsp/crl-in-revvals")
	return c
}

// name records what a file is that holds no DER.
func (c *corpus) name(t *testing.T, path string, err error) {
	var other *der.NotDERError
	if !errors.As(err, &other) || other.Kind == der.KindUnknown {
		t.Errorf("%s: %v", path, err)
		return
	}
	c.named[other.Kind]++
}

func (c *corpus) add(t *testing.T, path string, raw []byte) {
	switch k := der.Sniff(raw); k {
	case der.KindCertificate:
		cert, err := pki.ParseCertificate(raw)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		c.certs = append(c.certs, cert)
	case der.KindCRL:
		list, err := pki.ParseCRL(raw)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		c.crls = append(c.crls, list)
	case der.KindUnknown:
		t.Errorf("%s: not recognised", path)
	default:
		c.named[k]++
	}
}

// TestCorpusParses parses all real certificates and lists, and verifies every
// signature whose issuer's key is in the set.
func TestCorpusParses(t *testing.T) {
	c := readCorpus(t)
	t.Logf("certificates %d, lists %d, something else %v", len(c.certs), len(c.crls), c.named)
	if len(c.certs) < 1200 || len(c.crls) < 770 {
		t.Errorf("only %d certificates and %d lists were looked at", len(c.certs), len(c.crls))
	}
	var tally tally
	for _, cert := range c.certs {
		tally.count(t, "certificate "+cert.Subject.String(), cert.AuthorityKeyID, c.issuers(cert.Issuer), cert.CheckSignatureFrom)
	}
	for _, l := range c.crls {
		tally.count(t, "list of "+l.Issuer.String(), l.AuthorityKeyID, c.issuers(l.Issuer), l.CheckSignatureFrom)
	}
	t.Logf("signatures: %d verified, %d without their issuer in the set, %d of an unknown algorithm", tally.good, tally.none, tally.unknown)
	if tally.good < 500 {
		t.Errorf("only %d signatures were verified", tally.good)
	}
}

func (c *corpus) issuers(name pki.Name) (out []*pki.Certificate) {
	if c.bySubject == nil {
		c.bySubject = map[string][]*pki.Certificate{}
		for _, x := range c.certs {
			key := strings.ToLower(x.Subject.String())
			c.bySubject[key] = append(c.bySubject[key], x)
		}
	}
	for _, x := range c.bySubject[strings.ToLower(name.String())] {
		if x.Subject.Equal(name) {
			out = append(out, x)
		}
	}
	return out
}

type tally struct{ good, none, unknown int }

// count verifies one signature with the issuer whose key the object names.
// Where the key identifier names an issuer of the set, it must verify.
func (n *tally) count(t *testing.T, what string, keyID []byte, issuers []*pki.Certificate, check func(*pki.Certificate) error) {
	t.Helper()
	var last error
	named := false
	for _, issuer := range issuers {
		err := check(issuer)
		if err == nil {
			n.good++
			return
		}
		var unknown *alg.UnknownError
		if errors.As(err, &unknown) {
			n.unknown++
			return
		}
		if len(keyID) > 0 && bytes.Equal(keyID, issuer.SubjectKeyID) {
			named, last = true, err
		}
	}
	if named {
		t.Errorf("%s: the issuer is in the set and the signature does not verify: %v", what, last)
		return
	}
	n.none++
}

// TestTC26 reads the examples of R 1323565.1.025-2019: signed and digested.
func TestTC26(t *testing.T) {
	dir := filepath.Join(root(t), "corpus/06-cms/tc26-1323565.1.025")
	for _, name := range []string{"signed_a111.pem", "signed_a121.pem"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		policy, err := verify.PolicyByName("signature-only")
		if err != nil {
			t.Fatal(err)
		}
		policy.UnsafeNoRevocation = true
		v := &verify.Verifier{Policy: policy}
		if rep, err := v.Verify(t.Context(), f, nil); err != nil || rep.Status != verify.Passed {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"hashed_a311.pem", "hashed_a321.pem"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := cms.ReadDigested(f, nil, cms.Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGnuTLSContainers opens the PFX and PKCS #8 files of GnuTLS.
func TestGnuTLSContainers(t *testing.T) {
	const password = "Пароль для PFX"
	n := 0
	walk(t, func(path string, data []byte) {
		n++
		c, err := pfx.ReadKeyFile(data, func() ([]byte, error) { return []byte(password), nil })
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		if c.Certificate != nil && !alg.EqualKeys(c.Certificate.PublicKey, c.Key.Public()) {
			t.Errorf("%s: key and certificate do not match", path)
		}
		if strings.HasSuffix(path, ".p12") {
			if _, err := pfx.Decode(data, []byte("wrong")); !errors.Is(err, pfx.ErrPassword) {
				t.Errorf("%s: a wrong password gives %v", path, err)
			}
		}
	}, "07-pkcs12/gnutls")
	if n < 8 {
		t.Errorf("only %d files were looked at", n)
	}
}
