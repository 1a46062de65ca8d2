package suites

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/path"
	"github.com/gosklyuch/gosklyuch/xmldsig"
)

// pool reads certificates of the fixtures.
func pool(t *testing.T, dir string, names []string) *pki.Pool {
	t.Helper()
	p := pki.NewPool()
	for _, name := range names {
		for _, der := range decodeFile(t, filepath.Join(dir, "fixtures", name)) {
			c, err := pki.ParseCertificate(der)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			p.Add(c)
		}
	}
	return p
}

// judgeXML says of a document what its manifest says: the signature, the chain
// of its certificate, and where the signed element stands.
func judgeXML(t *testing.T, dir string, e entry, at time.Time) (string, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "fixtures", e.File))
	if err != nil {
		t.Fatal(err)
	}
	d, err := xmldsig.Parse(data)
	if err != nil {
		return "error", err
	}
	signatures, err := d.Signatures()
	if err != nil {
		return "invalid", err
	}
	s := signatures[0]
	v, err := s.Verify(s.Certificates[0])
	if err != nil {
		return "invalid", err
	}
	_, err = path.Validate(context.Background(), s.Certificates[0], path.Options{
		Roots: pool(t, dir, e.Args.Trust), Intermediates: pool(t, dir, e.Args.Int), At: at,
	})
	if err != nil {
		return "invalid", err
	}
	for _, x := range v.Signed {
		if x.Place == xmldsig.Elsewhere {
			return "indeterminate", nil
		}
		if !strings.Contains(allText(x.Element), "Привет") {
			t.Errorf("%s: what is signed is not returned: %q", e.ID, allText(x.Element))
		}
	}
	return "valid", nil
}

func allText(e *xmldsig.Element) string {
	out := e.Text()
	for _, c := range e.Elements() {
		out += allText(c)
	}
	return out
}

// TestXMLFixtures judges the signed documents of Bouncy Castle and xmlsec1, and
// the broken ones.
func TestXMLFixtures(t *testing.T) {
	dir := root(t)
	entries, now := readManifest(t, dir)
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.Op != "xmldsig-verify" {
			continue
		}
		n++
		if got, err := judgeXML(t, dir, e, at); got != e.Expected {
			t.Errorf("%s: %s, not %s: %v (%s)", e.ID, got, e.Expected, err, e.Reason)
		}
	}
	if n != 18 {
		t.Errorf("%d entries", n)
	}
}

// xmlCorpus says what each signed document of the corpus is: "ok", "indented"
// for one that was pretty-printed after it was signed, so that it verifies once
// the white space between its tags is taken out, or what is wrong with it.
var xmlCorpus = map[string]string{
	"corefx-gost/01-Verify2001.xml":                     "ok",
	"corefx-gost/02-Verify2012_256.xml":                 "ok",
	"corefx-gost/03-Verify2012_512.xml":                 "ok",
	"gosha-raw/01.xml":                                  "ok",
	"gosha-raw/02.xml":                                  "ok",
	"gosha-raw/03.xml":                                  "ok",
	"gosha-raw/04.xml":                                  "ok",
	"smev3sharp/SendRequestResponce.xml":                "indented",
	"smev3sharp/GetResponseResponce_InvalidContent.xml": "indented", // of a library that tells its cases by the content of the message
	"smev3sharp/GetResponseResponse_ValidResponse.xml":  "changed",
	"node-smev3-soap/01.xml":                            "changed",
	"gosha-connector/02.xml":                            "template",
	"gostcryptography/SmevExample.xml":                  "template",
}

var betweenTags = regexp.MustCompile(`>\s+<`)

func verifyAll(data []byte) error {
	d, err := xmldsig.Parse(data)
	if err != nil {
		return err
	}
	signatures, err := d.Signatures()
	for _, s := range signatures {
		if len(s.Certificates) == 0 {
			return errors.New("no certificate")
		}
		if _, one := s.Verify(s.Certificates[0]); one != nil {
			err = errors.Join(err, one)
		}
	}
	return err
}

// TestXMLCorpus verifies documents that other programs signed.
func TestXMLCorpus(t *testing.T) {
	base := filepath.Join(root(t), "corpus", "09-xml")
	seen := 0
	err := filepath.WalkDir(base, func(name string, f os.DirEntry, err error) error {
		if err != nil || f.IsDir() || filepath.Ext(name) != ".xml" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(base, name)
		if err != nil {
			return err
		}
		failed := verifyAll(data)
		unindented := verifyAll(betweenTags.ReplaceAll(data, []byte("><")))
		var syntax *xmldsig.SyntaxError
		got := "changed"
		switch {
		case failed == nil:
			got = "ok"
		case errors.Is(failed, xmldsig.ErrNoSignature):
			return nil
		case errors.As(failed, &syntax):
			got = "template"
		case unindented == nil:
			got = "indented"
		case !errors.Is(unindented, xmldsig.ErrDigest):
			t.Errorf("%s: %v", rel, unindented)
		}
		seen++
		if got != xmlCorpus[rel] {
			t.Errorf("%s: %s, not %q: %v", rel, got, xmlCorpus[rel], failed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(xmlCorpus) {
		t.Errorf("%d documents of %d", seen, len(xmlCorpus))
	}
}

// decodeFile returns the DER in a file.
func decodeFile(t *testing.T, name string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := der.Decode(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out [][]byte
	for _, b := range blocks {
		out = append(out, b.Bytes)
	}
	return out
}
