package xmldsig

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// signAt puts a signature with one reference in place of SIGNATURE in the text.
func signAt(t testing.TB, text, uri, methodName string, by *testpki.Entity, transforms ...string) string {
	t.Helper()
	var list strings.Builder
	for _, x := range transforms {
		list.WriteString(`<Transform Algorithm="` + x + `"></Transform>`)
	}
	info := func(digest string) string {
		return `<Signature xmlns="` + Namespace + `"><SignedInfo><CanonicalizationMethod Algorithm="` + exclusive + `"/><SignatureMethod Algorithm="` + methodName +
			`"/><Reference URI="` + uri + `"><Transforms>` + list.String() + `</Transforms><DigestMethod Algorithm="` + cpxmlsec + `gostr34112012-256"/><DigestValue>` +
			digest + `</DigestValue></Reference></SignedInfo><SignatureValue>`
	}
	const filler = "AAAA"
	read := func(digest, value string) (*Document, *Signature, string) {
		whole := strings.Replace(text, "SIGNATURE", info(digest)+value+"</SignatureValue></Signature>", 1)
		d := parse(t, whole)
		s, err := d.Signatures()
		if err != nil {
			t.Fatal(err)
		}
		return d, s[0], whole
	}
	d, s, _ := read(filler, filler)
	var target *Element
	if uri != "" {
		d.root.walk(func(e *Element) bool {
			for _, id := range e.identifiers() {
				if "#"+id == uri && target == nil {
					target = e
				}
			}
			return true
		})
	}
	octets, err := s.transform(target, s.refs[0].transforms)
	if err != nil {
		t.Fatal(err)
	}
	h, err := alg.NewHash(alg.HashForKey(by.Key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	h.Write(octets)
	digest := base64.StdEncoding.EncodeToString(h.Sum(nil))
	_, s, _ = read(digest, filler)
	value, err := alg.SignMessage(rand.Reader, by.Key, alg.Identifier{}, s.canonical)
	if err != nil {
		t.Fatal(err)
	}
	_, _, whole := read(digest, base64.StdEncoding.EncodeToString(value))
	return whole
}

func verifyText(t testing.TB, text string, by *testpki.Entity) (*Verified, error) {
	t.Helper()
	list, err := parse(t, text).Signatures()
	if err != nil {
		t.Fatal(err)
	}
	return list[0].Verify(by.Cert)
}

const sign256 = cpxmlsec + "gostr34102012-gostr34112012-256"

func TestReferences(t *testing.T) {
	by := testpki.Issue(t, testpki.Leaf(t, "CN=Подписант,C=RU"), nil)
	wsu := ` xmlns:wsu="` + spaceWSU + `" wsu:Id="x"`
	for _, c := range []struct {
		name, text, uri string
		place           Place
		path            string
		transforms      []string
	}{
		{"whole", `<a><b>t</b>SIGNATURE</a>`, "", Whole, "/a", []string{transformEnveloped, inclusive}},
		{"whole without canonicalization", `<a><b>t</b>SIGNATURE</a>`, "", Whole, "/a", []string{transformEnveloped}},
		{"root by its Id", `<a Id="x"><b>t</b>SIGNATURE</a>`, "#x", Whole, "/a", []string{transformEnveloped, exclusive}},
		{"around", `<r><a ID="x"><b>t</b>SIGNATURE</a></r>`, "#x", Around, "/r/a", []string{transformEnveloped, exclusive}},
		{"beside", `<r><a id="x"><b>t</b></a>SIGNATURE</r>`, "#x", Beside, "/r/a", []string{exclusive}},
		{"WS-Security", `<r><a` + wsu + `><b>t</b></a>SIGNATURE</r>`, "#x", Beside, "/r/a", []string{exclusive}},
		{"xml:id", `<r><h><a xml:id="x"><b>t</b></a></h>SIGNATURE</r>`, "#x", Elsewhere, "/r/h/a", []string{exclusive}},
		{"SMEV", `<r xmlns="urn:r"><h><a Id="x"> <b>t</b> </a></h>SIGNATURE</r>`, "#x", Elsewhere, "/r/h/a", []string{exclusive, transformSMEV}},
		{"SMEV alone", `<r><h><a Id="x"> <b>t</b> </a></h>SIGNATURE</r>`, "#x", Elsewhere, "/r/h/a", []string{transformSMEV}},
		{"enveloped after a canonicalization, elsewhere", `<r><h><a Id="x"><b>t</b></a></h>SIGNATURE</r>`, "#x", Elsewhere, "/r/h/a", []string{exclusive, transformEnveloped}},
		{"canonicalized twice", `<r><h><a Id="x"><b>t</b></a></h>SIGNATURE</r>`, "#x", Elsewhere, "/r/h/a", []string{exclusive, inclusive}},
	} {
		text := signAt(t, c.text, c.uri, sign256, by, c.transforms...)
		v, err := verifyText(t, text, by)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		s := v.Signed[0]
		if s.Place != c.place || s.Path != c.path || s.Element.Local() != "a" || s.Element.Elements()[0].Text() != "t" {
			t.Errorf("%s: %s %s", c.name, s.Place, s.Path)
		}
		if _, err := verifyText(t, strings.Replace(text, "<b>t", "<b>u", 1), by); !errors.Is(err, ErrDigest) {
			t.Errorf("%s: changed: %v", c.name, err)
		}
	}
}

// TestCommentsAreNotReferenced: what URI="" and a bare name mean has no comments,
// whatever the canonicalization would keep (4.4.3.3).
func TestCommentsAreNotReferenced(t *testing.T) {
	by := testpki.Issue(t, testpki.Leaf(t, "CN=Подписант,C=RU"), nil)
	for _, uri := range []string{"", "#x"} {
		for _, m := range []string{exclusive + "WithComments", inclusive + "#WithComments"} {
			text := signAt(t, `<a Id="x"><b>t</b>SIGNATURE</a>`, uri, sign256, by, transformEnveloped, m)
			if _, err := verifyText(t, strings.Replace(text, "<b>", "<!-- c --><b>", 1), by); err != nil {
				t.Errorf("%q %s: %v", uri, m, err)
			}
		}
	}
}

// TestMoved: the element that was signed is returned wherever it was moved, and
// two elements with its identifier are refused.
func TestMoved(t *testing.T) {
	by := testpki.Issue(t, testpki.Leaf(t, "CN=Подписант,C=RU"), nil)
	text := signAt(t, `<r><a Id="x"><b>good</b></a>SIGNATURE</r>`, "#x", sign256, by, exclusive)
	good := `<a Id="x"><b>good</b></a>`
	moved := strings.Replace(text, good, `<a><b>evil</b></a><hidden>`+good+`</hidden>`, 1)
	v, err := verifyText(t, moved, by)
	if err != nil || v.Signed[0].Place != Elsewhere || v.Signed[0].Path != "/r/hidden/a" || v.Signed[0].Element.Elements()[0].Text() != "good" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, name := range []string{"Id", "ID", "id", "xml:id"} {
		twice := strings.Replace(text, good, good+`<a `+name+`="x"><b>evil</b></a>`, 1)
		if _, err := verifyText(t, twice, by); !errors.Is(err, ErrDuplicateID) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := verifyText(t, strings.Replace(text, `<a Id="x">`, `<a>`, 1), by); err == nil {
		t.Error("an identifier that is not there")
	}
}

func TestSpelling(t *testing.T) {
	by := testpki.Issue(t, testpki.Leaf(t, "CN=Подписант,C=RU"), nil)
	text := signAt(t, `<a><b/>SIGNATURE</a>`, "", cpxmlsec+"gostr34102012-gostr34112012256", by, transformEnveloped)
	v, err := verifyText(t, text, by)
	if err != nil || len(v.Findings) != 1 || v.Findings[0].Code != "xml-algorithm-spelling" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestEnvelopedAfterCanonicalization(t *testing.T) {
	by := testpki.Issue(t, testpki.Leaf(t, "CN=Подписант,C=RU"), nil)
	one := `<Transform Algorithm="` + transformEnveloped + `"></Transform>`
	two := `<Transform Algorithm="` + exclusive + `"></Transform>`
	for uri, form := range map[string]string{"": `<a><b/>SIGNATURE</a>`, "#x": `<r><a Id="x"><b/>SIGNATURE</a></r>`} {
		text := signAt(t, form, uri, sign256, by, transformEnveloped, exclusive)
		list, err := parse(t, strings.Replace(text, one+two, two+one, 1)).Signatures()
		if err != nil {
			t.Fatal(err)
		}
		var unsupported *UnsupportedError
		if _, err := list[0].checkReference(list[0].refs[0]); !errors.As(err, &unsupported) {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

// TestSMEV follows the description of the transform in the guidelines of SMEV 3:
// prefixes, declarations, order of attributes, white space.
func TestSMEV(t *testing.T) {
	work := limits.XMLWork
	got, err := smev([]byte(`<?xml version="1.0"?><?x y?><!--c-->
<q:r xmlns:q="urn:q" xmlns:z="urn:z" xmlns:unused="urn:n" b="2" a="1" z:d="4" z:c="3">
  <e xmlns="urn:e">text &gt; </e> <z:f/><g/><q:h xmlns:q="urn:e"/></q:r>`), &work)
	want := `<ns1:r xmlns:ns1="urn:q" xmlns:ns2="urn:z" ns2:c="3" ns2:d="4" a="1" b="2">` +
		`<ns3:e xmlns:ns3="urn:e">text &gt; </ns3:e><ns2:f></ns2:f><g></g><ns4:h xmlns:ns4="urn:e"></ns4:h></ns1:r>`
	if err != nil || string(got) != want {
		t.Errorf("%s (%v)\nnot %s", got, err, want)
	}
}
