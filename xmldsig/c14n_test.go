package xmldsig

import (
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// find returns the first element with a local name.
func find(t testing.TB, d *Document, local string) *Element {
	t.Helper()
	var out *Element
	d.root.walk(func(e *Element) bool {
		if e.local == local {
			out = e
		}
		return out == nil
	})
	if out == nil {
		t.Fatalf("no element %s", local)
	}
	return out
}

func parse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	exclusive = methodExclusive
	inclusive = methodInclusive
	version11 = methodVersion11
)

// TestCanonical: the examples follow Canonical XML 1.0, sections 3.1 to 3.4, and
// Exclusive XML Canonicalization 1.0, section 2.2, in small.
func TestCanonical(t *testing.T) {
	for _, c := range []struct{ name, method, prefixes, apex, in, want string }{
		{"outside the root", inclusive, "", "", "<?a b?>\n<!--x--><r/>\n<?c?>\n<!--y-->", "<?a b?>\n<r></r>\n<?c?>"},
		{"with comments", inclusive + "#WithComments", "", "", "<!--x--><r><!--y--></r><!--z-->", "<!--x-->\n<r><!--y--></r>\n<!--z-->"},
		{"tags", inclusive, "", "", `<r><e   b = "1" a='2'  /></r >`, `<r><e a="2" b="1"></e></r>`},
		{"order by namespace", inclusive, "", "", `<r xmlns:a="urn:z" xmlns:b="urn:y"><e a:k="1" b:k="2" k="3"/></r>`, `<r xmlns:a="urn:z" xmlns:b="urn:y"><e k="3" b:k="2" a:k="1"></e></r>`},
		{"superfluous declarations", inclusive, "", "", `<r xmlns="u" xmlns:a="v"><e xmlns="u" xmlns:a="v"><f xmlns=""/></e></r>`, `<r xmlns="u" xmlns:a="v"><e><f xmlns=""></f></e></r>`},
		{"empty default namespace", inclusive, "", "", `<r xmlns=""><e xmlns=""/></r>`, `<r><e></e></r>`},
		{"characters", inclusive, "", "", "<r a='&quot;&lt;&gt;&amp;&#9;&#10;&#13;'>&quot;&lt;&gt;&amp;&#13;\r\n</r>", "<r a=\"&quot;&lt;>&amp;&#x9;&#xA;&#xD;\">\"&lt;&gt;&amp;&#xD;\n</r>"},
		{"CDATA", inclusive, "", "", "<r><![CDATA[<&]]></r>", "<r>&lt;&amp;</r>"},
		{"inherited", inclusive, "", "e", `<r xmlns="u" xmlns:a="v" xml:lang="ru" xml:id="i"><e a:b="1"/></r>`, `<e xmlns="u" xmlns:a="v" xml:id="i" xml:lang="ru" a:b="1"></e>`},
		{"inherited, 1.1", version11, "", "e", `<r xmlns:a="v" xml:lang="ru" xml:id="i"><e/></r>`, `<e xmlns:a="v" xml:lang="ru"></e>`},
		{"overridden", inclusive, "", "e", `<r xmlns:a="v" xml:lang="ru"><e xmlns:a="w" xml:lang="en"/></r>`, `<e xmlns:a="w" xml:lang="en"></e>`},
		{"exclusive", exclusive, "", "e", `<r xmlns="u" xmlns:a="v" xml:lang="ru"><e a:b="1"><a:f/><g/></e></r>`, `<e xmlns="u" xmlns:a="v" a:b="1"><a:f></a:f><g></g></e>`},
		{"exclusive, needed below", exclusive, "", "", `<r xmlns:a="v"><a:e/><a:e/></r>`, `<r><a:e xmlns:a="v"></a:e><a:e xmlns:a="v"></a:e></r>`},
		{"exclusive, none again", exclusive, "", "", `<a:r xmlns:a="v" xmlns="u"><e><f xmlns=""/></e></a:r>`, `<a:r xmlns:a="v"><e xmlns="u"><f xmlns=""></f></e></a:r>`},
		{"PrefixList", exclusive, "a #default", "e", `<r xmlns="u" xmlns:a="v" xmlns:b="w"><b:e/></r>`, `<b:e xmlns="u" xmlns:a="v" xmlns:b="w"></b:e>`},
		// XML 1.0, 3.3.3: literal white space in a value is a space, a reference is not.
		{"white space in values", inclusive, "", "", "<r a='1\r\n2\t3\r4\n5&#10;6\"7'\n\tb=\"&#x9;'\n'\"\n xmlns:c='u\nv'/>", `<r xmlns:c="u v" a="1 2 3 4 5&#xA;6&quot;7" b="&#x9;' '"></r>`},
		{"xml attributes", exclusive, "", "", `<r xml:space="preserve"> </r>`, `<r xml:space="preserve"> </r>`},
	} {
		d := parse(t, c.in)
		m, ok := methodByURI(c.method)
		if !ok {
			t.Fatal(c.method)
		}
		for _, p := range strings.Fields(c.prefixes) {
			m.prefixes = append(m.prefixes, strings.TrimPrefix(p, "#default"))
		}
		work := limits.XMLWork
		got, err := m.canonicalDocument(d, nil, &work)
		if c.apex != "" {
			got, err = m.canonicalElement(find(t, d, c.apex), nil, &work)
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s (%v)\nnot %s", c.name, got, err, c.want)
		}
	}
}

// peerSamples are documents on which goxmldsig, which verifies SAML messages,
// must agree: whole documents without what it does not do (see the decision on
// the trust list).
var peerSamples = []string{
	`<a/>`,
	`<p:a xmlns:p="u" xmlns="v" z="1" p:b="2"><c d="&quot;&#9;">x &gt; y &amp; z</c><p:e xmlns:p="w"/><f xmlns="x"/></p:a>`,
	`<a xmlns:x="u"><b><x:c/><x:c xmlns:x="v"><x:d/></x:c></b></a>`,
	"<a>\r\n<b>&#13;</b><!-- c --></a>",
	`<Перечень xmlns="urn:ru"><УЦ Номер="1">Название</УЦ></Перечень>`,
}

func TestCanonicalPeer(t *testing.T) {
	for _, text := range peerSamples {
		d := parse(t, text)
		for uri, peer := range map[string]dsig.Canonicalizer{
			exclusive: dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""),
			inclusive: dsig.MakeC14N10RecCanonicalizer(),
			version11: dsig.MakeC14N11Canonicalizer(),
		} {
			tree := etree.NewDocument()
			if err := tree.ReadFromString(text); err != nil {
				t.Fatal(err)
			}
			want, err := peer.Canonicalize(tree.Root())
			if err != nil {
				t.Fatal(err)
			}
			m, _ := methodByURI(uri)
			work := limits.XMLWork
			got, err := m.canonicalDocument(d, nil, &work)
			if err != nil || string(got) != string(want) {
				t.Errorf("%s: %s:\n%s (%v)\n%s", text, uri, got, err, want)
			}
		}
	}
}

// TestPeerDeviates shows why the peer is a peer and not the canonicalizer: the
// day it answers as the standard has it, the decision can be taken again.
func TestPeerDeviates(t *testing.T) {
	// Canonical XML 1.0, 4.8: "an attribute's namespace URI is the primary key".
	tree := etree.NewDocument()
	if err := tree.ReadFromString(`<r xmlns:p="urn:z" xmlns:q="urn:y"><e p:a="1" q:b="2"/></r>`); err != nil {
		t.Fatal(err)
	}
	got, err := dsig.MakeC14N10RecCanonicalizer().Canonicalize(tree.Root())
	if err != nil || !strings.Contains(string(got), `<e p:a="1" q:b="2">`) {
		t.Errorf("attributes are in order: %s (%v)", got, err)
	}
	// Exclusive XML Canonicalization 1.0, 3: xmlns="" only where another default
	// namespace is in force in the output.
	tree = etree.NewDocument()
	if err := tree.ReadFromString(`<p:a xmlns:p="u" xmlns="v"><f xmlns=""/></p:a>`); err != nil {
		t.Fatal(err)
	}
	got, err = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(tree.Root())
	if err != nil || !strings.Contains(string(got), `<f xmlns="">`) {
		t.Errorf("the empty default namespace: %s (%v)", got, err)
	}
	// A declaration of the element itself counts, not that of its ancestor.
	tree = etree.NewDocument()
	if err := tree.ReadFromString(`<r xmlns:p="urn:old"><p:e xmlns:p="urn:new"/></r>`); err != nil {
		t.Fatal(err)
	}
	got, err = dsig.MakeC14N10RecCanonicalizer().Canonicalize(tree.Root().ChildElements()[0])
	if err != nil || !strings.Contains(string(got), "urn:old") {
		t.Errorf("the declaration is the element's own: %s (%v)", got, err)
	}
}

// TestWork: the work on one signature is bounded.
func TestWork(t *testing.T) {
	d := parse(t, "<a>"+strings.Repeat("<b></b>", 100)+"</a>")
	work := 50
	if _, err := (method{}).canonicalDocument(d, nil, &work); err == nil {
		t.Error("the bound does not count")
	}
}

// TestOctets: elements that all write a long declaration of their ancestor do
// not make a canonical form without bound, before anything was verified.
func TestOctets(t *testing.T) {
	const children = 2000
	long := strings.Repeat("u", limits.XMLBytes/children+1)
	d := parse(t, `<r xmlns:a="`+long+`">`+strings.Repeat("<a:e/>", children)+`</r>`)
	work := limits.XMLWork
	if _, err := (method{exclusive: true}).canonicalDocument(d, nil, &work); !errors.Is(err, ErrLimit) {
		t.Errorf("octets do not count: %v", err)
	}
	d = parse(t, `<r>`+strings.Repeat("<e>"+strings.Repeat("t", 640)+"</e>", 10)+`</r>`)
	work = 100
	if _, err := (method{}).canonicalDocument(d, nil, &work); !errors.Is(err, ErrLimit) {
		t.Errorf("octets are no work: %v", err)
	}
}

// FuzzCanonical: the canonical form is a fixed point, and reading it gives what
// reading the document gave.
func FuzzCanonical(f *testing.F) {
	for _, s := range peerSamples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		for _, m := range []method{{}, {exclusive: true}, {comments: true}} {
			work := limits.XMLWork
			once, err := m.canonicalDocument(d, nil, &work)
			if err != nil || len(once) > limits.XMLBytes {
				return
			}
			again, err := Parse(once)
			if err != nil {
				t.Fatalf("%q: %v", once, err)
			}
			work = limits.XMLWork
			twice, err := m.canonicalDocument(again, nil, &work)
			if err != nil || string(once) != string(twice) {
				t.Fatalf("%q\n%q\n%v", once, twice, err)
			}
			if again.root.Text() != d.root.Text() {
				t.Fatalf("%q: another text", data)
			}
		}
	})
}
