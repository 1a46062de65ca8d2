package pki_test

import (
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// nameOf is a name of one attribute.
func nameOf(values ...string) pki.Name {
	var n pki.Name
	for _, v := range values {
		n.RDNs = append(n.RDNs, []pki.Attribute{{Type: oid.CommonName, Value: v}})
	}
	return n
}

// TestNamePreparation: RFC 5280, section 7.1, with RFC 4518.
func TestNamePreparation(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"ООО «Ромашка»", "ооо «РОМАШКА»", true},
		{"  two   words ", "Two Words", true},
		{"two\u00a0words", "two words", true}, // a space that does not break
		{"soft\u00adhyphen", "softhyphen", true},
		{"zero\u200bwidth", "zerowidth", true},
		{"line\nbreak", "line break", true},
		{"control\x01", "control", true},
		{"Й", "и\u0306", true}, // composed and decomposed
		{"Straße", "STRASSE", true},
		{"ﬁrm", "firm", true}, // a ligature: compatibility form
		{"Ｗｉｄｅ", "wide", true},
		{"Ω", "ω", true},
		{"ς", "σ", true},
		{"ООО", "OOO", false}, // Cyrillic and Latin letters that look the same
		{"е", "ё", false},
		{"two words", "twowords", false},
		{"", " ", true},
	} {
		if nameOf(tc.a).Equal(nameOf(tc.b)) != tc.same || nameOf(tc.b).Equal(nameOf(tc.a)) != tc.same {
			t.Errorf("%q and %q: %v", tc.a, tc.b, !tc.same)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tc := range []struct {
		name, base pki.Name
		in         bool
	}{
		{nameOf("RU", "Завод", "Иван"), nameOf("ru", "ЗАВОД"), true},
		{nameOf("RU"), nameOf("RU"), true},
		{nameOf("RU"), nameOf(), true},
		{nameOf("RU"), nameOf("RU", "Завод"), false},
		{nameOf("RU", "Завод"), nameOf("Завод"), false},
	} {
		if tc.name.Within(tc.base) != tc.in {
			t.Errorf("%v within %v: %v", tc.name, tc.base, !tc.in)
		}
	}
}

func TestCanonicalHost(t *testing.T) {
	for in, want := range map[string]string{
		"Example.COM": "example.com", "example.com.": "example.com", "почта.РФ": "xn--80a1acny.xn--p1ai", "*.a_b.c": "*.a_b.c", "a": "a",
		"": "", ".": "", "a..b": "", ".a": "", " ": "", "a b": "", "a/b": "", strings.Repeat("a", 64): "", strings.Repeat("a.", 200): "", "\xff": "",
		strings.Repeat("ж", 2000): "",
	} {
		got, ok := pki.CanonicalHost(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
}

func TestCutMailbox(t *testing.T) {
	for in, want := range map[string]string{
		"a@Example.com": "a|example.com", "A.b+c@почта.рф": "A.b+c|xn--80a1acny.xn--p1ai", `"a b@c"@d.e`: `"a b@c"|d.e`, "иван@d.e": "иван|d.e",
		"": "", "a": "", "@b": "", "a@": "", "a b@c.d": "", "a@b@c": "", "Name <a@b.c>": "", "a@b.c; d@e.f": "", "a@b c": "",
	} {
		local, host, ok := pki.CutMailbox(in)
		if got := local + "|" + host; ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
}

// TestCanonicalURI: RFC 5280, section 7.4.
func TestCanonicalURI(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"HTTP://Example.COM:80/a", "http://example.com/a", true},
		{"http://example.com", "http://example.com/", true},
		{"http://example.com/%7euser/%d0%b0", "http://example.com/~user/%D0%B0", true},
		{"http://example.com/a/./b/../c", "http://example.com/a/c", true},
		{"http://example.com/a/", "http://example.com/a", false},
		{"https://example.com:443", "https://example.com/", true},
		{"https://example.com:80", "https://example.com/", false},
		{"ldap://h:389/cn=a?b", "ldap://H/cn=a?b", true},
		{"http://почта.рф/", "http://xn--80a1acny.xn--p1ai/", true},
		{"http://[::1]:80/", "http://[::1]/", true},
		{"http://example.com/A", "http://example.com/a", false},
		{"http://example.com/?a", "http://example.com/", false},
		{"urn:a%7e", "urn:a~", true},
		{"%", "%", true},
		{"http://user@h/", "http://h/", false},
	} {
		a, b := pki.GeneralName{Kind: pki.URIName, Text: tc.a}, pki.GeneralName{Kind: pki.URIName, Text: tc.b}
		if a.Equal(b) != tc.same || b.Equal(a) != tc.same {
			t.Errorf("%q and %q: %v (%q, %q)", tc.a, tc.b, !tc.same, pki.CanonicalURI(tc.a), pki.CanonicalURI(tc.b))
		}
	}
}

func TestGeneralNameEqual(t *testing.T) {
	a, b := nameOf("А"), nameOf("а")
	for name, tc := range map[string]struct {
		x, y pki.GeneralName
		same bool
	}{
		"directory":       {pki.GeneralName{Kind: pki.DirectoryName, Name: &a}, pki.GeneralName{Kind: pki.DirectoryName, Name: &b}, true},
		"directory empty": {pki.GeneralName{Kind: pki.DirectoryName}, pki.GeneralName{Kind: pki.DirectoryName}, false},
		"DNS":             {pki.GeneralName{Kind: pki.DNSName, Text: "A.b"}, pki.GeneralName{Kind: pki.DNSName, Text: "a.B."}, true},
		"mail":            {pki.GeneralName{Kind: pki.RFC822Name, Text: "a@B.c"}, pki.GeneralName{Kind: pki.RFC822Name, Text: "a@b.c"}, true},
		"mail, local":     {pki.GeneralName{Kind: pki.RFC822Name, Text: "A@b.c"}, pki.GeneralName{Kind: pki.RFC822Name, Text: "a@b.c"}, false},
		"address":         {pki.GeneralName{Kind: pki.IPAddress, Value: []byte{1}}, pki.GeneralName{Kind: pki.IPAddress, Value: []byte{2}}, false},
		"registered":      {pki.GeneralName{Kind: pki.RegisteredID, OID: "1.2"}, pki.GeneralName{Kind: pki.RegisteredID, OID: "1.2"}, true},
		"other":           {pki.GeneralName{Kind: pki.OtherName, OID: "1.2", Value: []byte{1}}, pki.GeneralName{Kind: pki.OtherName, OID: "1.2"}, false},
		"kinds":           {pki.GeneralName{Kind: pki.DNSName, Text: "a"}, pki.GeneralName{Kind: pki.URIName, Text: "a"}, false},
	} {
		if tc.x.Equal(tc.y) != tc.same {
			t.Errorf("%s: %v", name, !tc.same)
		}
	}
}

// FuzzCanonical: what was canonical stays so.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"http://EXAMPLE.com:80/a/../b%7e", "почта.рф", "a@b.c", "urn:x", "//h", "http:..", "http://[::1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if h, ok := pki.CanonicalHost(s); ok {
			if again, ok := pki.CanonicalHost(h); !ok || again != h {
				t.Errorf("%q became %q, then %q", s, h, again)
			}
		}
		local, host, ok := pki.CutMailbox(s)
		if l, h, again := pki.CutMailbox(local + "@" + host); ok && (!again || l != local || h != host) {
			t.Errorf("%q: %q %q", s, l, h)
		}
		if n := nameOf(s); !n.Equal(n) || !n.Within(n) {
			t.Errorf("%q is not itself", s)
		}
		g := pki.GeneralName{Kind: pki.URIName, Text: s}
		if !g.Equal(g) {
			t.Errorf("%q is not itself", s)
		}
		pki.CanonicalURI(s)
	})
}
