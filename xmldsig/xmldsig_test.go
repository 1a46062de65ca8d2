package xmldsig_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/xmldsig"
)

const document = "<?xml version=\"1.0\"?>\r\n<d:doc xmlns:d=\"urn:d\" xmlns=\"urn:x\" xml:lang=\"ru\">\r\n <a b='1' d:b=\"2\">Привет &amp; пока</a><!-- нет --><b/><?x y?></d:doc>\n"

func signer(t testing.TB, algorithm, set string) *testpki.Entity {
	t.Helper()
	return testpki.IssueKey(t, testpki.Leaf(t, "CN=Подписант,C=RU"), nil, testpki.Key(t, algorithm, set))
}

func signed(t testing.TB, doc string, by *testpki.Entity) string {
	t.Helper()
	out, err := xmldsig.SignEnveloped(rand.Reader, []byte(doc), by.Key, by.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// verify verifies the first signature of a document.
func verify(doc string, by *testpki.Entity) (*xmldsig.Verified, error) {
	d, err := xmldsig.Parse([]byte(doc))
	if err != nil {
		return nil, err
	}
	list, err := d.Signatures()
	if err != nil {
		return nil, err
	}
	return list[0].Verify(by.Cert)
}

func TestSignEnveloped(t *testing.T) {
	for _, c := range []struct{ algorithm, set string }{
		{"gost2012-256", "cryptopro-a"}, {"gost2012-256", "tc26-256-a"}, {"gost2012-512", "tc26-512-a"}, {"gost2012-512", "tc26-512-c"},
	} {
		by := signer(t, c.algorithm, c.set)
		doc := signed(t, document, by)
		v, err := verify(doc, by)
		if err != nil {
			t.Fatalf("%s: %v", c.set, err)
		}
		if v.Legacy || len(v.Findings) != 0 || len(v.Signed) != 1 || v.Signed[0].Place != xmldsig.Whole || v.Signed[0].Path != "/doc" {
			t.Errorf("%s: %+v", c.set, v)
		}
		e := v.Signed[0].Element
		if !e.Is("urn:d", "doc") || len(e.Elements()) != 2 || e.Elements()[0].Text() != "Привет & пока" {
			t.Errorf("%s: what was signed is not returned", c.set)
		}
		if b, _ := e.Elements()[0].Attr("urn:d", "b"); b != "2" {
			t.Errorf("%s: attribute %q", c.set, b)
		}
		if _, err := verify(doc, signer(t, c.algorithm, c.set)); !errors.Is(err, xmldsig.ErrSignature) {
			t.Errorf("%s: another key: %v", c.set, err)
		}
		if strings.Index(doc, document[:strings.Index(document, "</d:doc>")]) != 0 {
			t.Errorf("%s: the document was changed", c.set)
		}
	}
}

func TestSignRefused(t *testing.T) {
	by, other := signer(t, "gost2012-256", "cryptopro-a"), signer(t, "gost2012-256", "cryptopro-a")
	rsa := signer(t, "ecdsa-p256", "")
	for name, f := range map[string]func() error{
		"another certificate": func() error {
			_, err := xmldsig.SignEnveloped(rand.Reader, []byte(document), by.Key, other.Cert)
			return err
		},
		"another algorithm": func() error {
			_, err := xmldsig.SignEnveloped(rand.Reader, []byte(document), rsa.Key, rsa.Cert)
			return err
		},
		"no end tag": func() error {
			_, err := xmldsig.SignEnveloped(rand.Reader, []byte("<a/>"), by.Key, by.Cert)
			return err
		},
		"no XML": func() error { _, err := xmldsig.SignEnveloped(rand.Reader, []byte("a"), by.Key, by.Cert); return err },
	} {
		if f() == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// TestChanged: any change of what is signed is found, and what is not signed by
// the canonical form may change.
func TestChanged(t *testing.T) {
	by := signer(t, "gost2012-256", "cryptopro-a")
	doc := signed(t, document, by)
	value := regexp.MustCompile(`<ds:SignatureValue>([^<]*)<`).FindStringSubmatch(doc)[1]
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	reversed := slices.Clone(raw)
	slices.Reverse(reversed)
	for _, c := range []struct {
		name, old, new string
		want           error
	}{
		{"text", "Привет", "Прощай", xmldsig.ErrDigest},
		{"attribute", "b='1'", "b='3'", xmldsig.ErrDigest},
		{"namespace of an attribute", "d:b=", "c=", xmldsig.ErrDigest},
		{"an element", "<b/>", "<c/>", xmldsig.ErrDigest},
		{"an instruction", "<?x y?>", "<?x z?>", xmldsig.ErrDigest},
		{"white space", "</a><!--", "</a> <!--", xmldsig.ErrDigest},
		{"a second root text", "<b/>", "<b/>&#13;", xmldsig.ErrDigest},
		{"digest", "<ds:DigestValue>", "<ds:DigestValue>AAAA", xmldsig.ErrSignature},
		{"method", "exc-c14n#\"></ds:Transform>", "exc-c14n#WithComments\"></ds:Transform>", xmldsig.ErrSignature},
		{"value", value, base64.StdEncoding.EncodeToString(append(raw[1:], raw[0])), xmldsig.ErrSignature},
		{"a comment", "<!-- нет -->", "<!-- да -->", nil},
		{"quotes", "b='1'", `b="1"`, nil},
		{"an empty element", "<b/>", "<b></b>", nil},
		{"order of attributes", `b='1' d:b="2"`, `d:b="2" b='1'`, nil},
		{"a namespace that nobody uses", "<b/>", `<b xmlns:z="urn:z"/>`, nil},
		{"line ends", "\r\n", "\n", nil},
		{"CDATA", "Привет &amp; пока", "<![CDATA[Привет & пока]]>", nil},
		{"reversed value", value, base64.StdEncoding.EncodeToString(reversed), nil},
	} {
		changed := strings.ReplaceAll(doc, c.old, c.new)
		if changed == doc {
			t.Fatalf("%s: nothing changed", c.name)
		}
		v, err := verify(changed, by)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.name == "reversed value" && (err != nil || len(v.Findings) != 1 || v.Findings[0].Code != "xml-signature-reversed") {
			t.Errorf("%s: %+v %v", c.name, v, err)
		}
	}
}

// TestCommentsInValues: a comment inside a text does not cut it off.
func TestCommentsInValues(t *testing.T) {
	by := signer(t, "gost2012-256", "cryptopro-a")
	doc := signed(t, `<d><name>admin.example</name><b/></d>`, by)
	v, err := verify(strings.Replace(doc, "admin.example", "admin<!-- -->.example", 1), by)
	if err != nil || v.Signed[0].Element.Elements()[0].Text() != "admin.example" {
		t.Errorf("%v", err)
	}
}

// TestWrapping moves the signed document into another one; whatever verifies,
// the forged text is never among what is returned.
func TestWrapping(t *testing.T) {
	by := signer(t, "gost2012-256", "cryptopro-a")
	doc := signed(t, `<list Id="x"><item>good</item></list>`, by)
	signature := regexp.MustCompile(`(?s)<ds:Signature .*</ds:Signature>`).FindString(doc)
	for name, forged := range map[string]string{
		"around":        `<list Id="x"><item>forged</item>` + doc + `</list>`,
		"in an object":  `<list Id="x"><item>forged</item>` + strings.Replace(signature, "</ds:Signature>", "<ds:Object>"+`<list Id="x"><item>good</item></list>`+"</ds:Object></ds:Signature>", 1) + `</list>`,
		"two items":     strings.Replace(doc, "<item>", "<item>forged</item><item>", 1),
		"moved outside": `<r><list Id="x"><item>forged</item></list>` + signature + `</r>`,
	} {
		v, err := verify(forged, by)
		if err == nil {
			t.Errorf("%s: verified: %+v", name, v.Signed)
		}
	}
}

func TestRefused(t *testing.T) {
	by := signer(t, "gost2012-256", "cryptopro-a")
	doc := signed(t, document, by)
	sub := func(old, with string) string {
		out := strings.Replace(doc, old, with, 1)
		if out == doc {
			t.Fatalf("%q is not in the document", old)
		}
		return out
	}
	reference := regexp.MustCompile(`(?s)<ds:Reference .*</ds:Reference>`).FindString(doc)
	var syntax *xmldsig.SyntaxError
	var unsupported *xmldsig.UnsupportedError
	for _, c := range []struct {
		name, doc string
		want      func(error) bool
	}{
		{"DOCTYPE", `<!DOCTYPE d:doc [<!ENTITY a "b">]>` + document, func(err error) bool { return errors.Is(err, xmldsig.ErrDoctype) }},
		{"entity", sub("Привет", "&x;"), func(err error) bool { return errors.As(err, &syntax) }},
		{"no signature", document, func(err error) bool { return errors.Is(err, xmldsig.ErrNoSignature) }},
		{"no reference", sub(reference, ""), func(err error) bool { return errors.As(err, &syntax) }},
		{"many references", sub(reference, strings.Repeat(reference, limits.XMLReferences+1)), func(err error) bool { return errors.Is(err, xmldsig.ErrLimit) }},
		{"external reference", sub(`URI=""`, `URI="http://example.ru/a.xml"`), func(err error) bool { return errors.Is(err, xmldsig.ErrSignature) }},
		{"HMAC", sub("gostr34102012-gostr34112012-256", "hmac-gostr3411"), func(err error) bool { return errors.As(err, &unsupported) }},
		{"XSLT", sub("http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"), func(err error) bool { return errors.As(err, &unsupported) }},
		{"SHA-1", sub("algorithms:gostr34112012-256", "algorithms:sha1"), func(err error) bool { return errors.As(err, &unsupported) }},
		{"unknown canonicalization", sub("exc-c14n#", "exc-c15n#"), func(err error) bool { return errors.As(err, &unsupported) }},
		{"SignatureMethod with parameters", sub(`></ds:SignatureMethod>`, `><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>`), func(err error) bool { return errors.As(err, &syntax) }},
		{"two SignedInfo", sub("<ds:KeyInfo>", "<ds:SignedInfo></ds:SignedInfo><ds:KeyInfo>"), func(err error) bool { return errors.As(err, &syntax) }},
		{"two SignatureValue", sub("<ds:KeyInfo>", "<ds:SignatureValue>AA==</ds:SignatureValue><ds:KeyInfo>"), func(err error) bool { return errors.As(err, &syntax) }},
		{"not Base64", sub("<ds:SignatureValue>", "<ds:SignatureValue>!"), func(err error) bool { return errors.As(err, &syntax) }},
		{"attribute twice", `<a b="1" b="2"></a>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"attribute twice by namespace", `<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"></a>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"prefix not declared", `<p:a></p:a>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"xml rebound", `<a xmlns:xml="urn:x"></a>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"end tag", `<a></b>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"not closed", `<a><b></b>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"two roots", `<a></a><b></b>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"text outside", `<a></a>b`, func(err error) bool { return errors.As(err, &syntax) }},
		{"nothing", ``, func(err error) bool { return errors.As(err, &syntax) }},
		{"deep", strings.Repeat("<a>", limits.XMLDepth+1), func(err error) bool { return errors.Is(err, xmldsig.ErrLimit) }},
		{"encoding", `<?xml version="1.0" encoding="windows-1251"?><a></a>`, func(err error) bool { return errors.As(err, &syntax) }},
		{"invalid UTF-8", "<a>\xff</a>", func(err error) bool { return errors.As(err, &syntax) }},
	} {
		if _, err := verify(c.doc, by); err == nil || !c.want(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	if _, err := xmldsig.Parse(bytes.Repeat([]byte(" "), limits.XMLBytes+1)); !errors.Is(err, xmldsig.ErrLimit) {
		t.Errorf("octets: %v", err)
	}
	if _, err := xmldsig.Parse([]byte("<a>" + strings.Repeat("<b/>", limits.XMLNodes/2+1) + "</a>")); !errors.Is(err, xmldsig.ErrLimit) {
		t.Errorf("nodes: %v", err)
	}
}
