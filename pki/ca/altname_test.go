package ca_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// server is a profile for hosts, which takes every kind of name.
func serverProfile() ca.Profile {
	return ca.Profile{
		Name: "server", KeyUsage: pki.KeyUsageDigitalSignature, ExtKeyUsage: []oid.OID{oid.EKUClientAuth},
		AltNames: []pki.GeneralNameKind{pki.RFC822Name, pki.DNSName, pki.URIName, pki.IPAddress},
	}
}

func TestAltNames(t *testing.T) {
	d := newDesk(t, serverProfile())
	key := generate(t, "gost2012-256", "")
	ask := func(names ...pki.GeneralName) error {
		_, err := d.IssueRequest(t.Context(), "server", ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, "CN=x"), SubjectAltNames: names})})
		return err
	}
	one := func(kind pki.GeneralNameKind, text string) pki.GeneralName {
		raw := append([]byte{0x80 | byte(kind), byte(len(text))}, text...)
		if len(text) > 127 {
			raw = append([]byte{0x80 | byte(kind), 0x82, byte(len(text) >> 8), byte(len(text))}, text...)
		}
		return pki.GeneralName{Kind: kind, Text: text, Raw: raw}
	}
	for _, tt := range []struct {
		kind pki.GeneralNameKind
		good []string
		bad  []string
	}{
		{pki.RFC822Name, []string{"ivanov@example.ru", "i.v+tag@sub.example.ru", "a@xn--e1afmkfd.xn--p1ai"}, []string{
			"", "ivanov", "@example.ru", "ivanov@", "a b@example.ru", "Иван <a@example.ru>", "<a@example.ru>", "a@b@example.ru",
			".a@example.ru", "a.@example.ru", "a..b@example.ru", `"a b"@example.ru`, "a@*.ru", "a@-b.ru", "a\x00@example.ru", "a\x7f@example.ru",
			"a@example.ru\n", strings.Repeat("a", 65) + "@example.ru", "a@ex ample.ru", "a@example.ru.", "a@exa_mple.ru",
		}},
		{pki.DNSName, []string{"example.ru", "a-b.example.ru", "xn--e1afmkfd.xn--p1ai", "localhost", "1.example"}, []string{
			"", " ", "*.example.ru", "a..b", ".example.ru", "example.ru.", "-a.ru", "a-.ru", "a_b.ru", "exa mple.ru", "пример.рф", "a\x00.ru",
			strings.Repeat("a", 64) + ".ru", strings.Repeat("a.", 127) + "aa",
		}},
		{pki.URIName, []string{"https://example.ru/x?y=1", "urn:uuid:1", "ldap://example.ru/CN=a", "http://[2001:db8::1]/", "http://10.0.0.1/"}, []string{
			"", "/relative", "example.ru", "https:///x", "http://a@example.ru/", "http://*.ru/", "http://exa mple.ru/", "http://пример.рф/", "http://a\x00/", "%zz://x", "https:",
		}},
		{pki.IPAddress, []string{"\x0a\x00\x00\x01", strings.Repeat("\x01", 16)}, []string{"", "\x0a\x00\x01", "\x0a\x00\x00\x01\xff\xff\xff\x00", strings.Repeat("\x01", 17), strings.Repeat("\x01", 32)}},
	} {
		for _, text := range tt.good {
			if err := ask(one(tt.kind, text)); err != nil {
				t.Errorf("kind %d, %q: %v", tt.kind, text, err)
			}
		}
		for _, text := range tt.bad {
			var refused *ca.RequestError
			if err := ask(one(tt.kind, text)); !errors.As(err, &refused) {
				t.Errorf("kind %d, %q: %v", tt.kind, text, err)
			}
		}
	}
	twice := []pki.GeneralName{one(pki.DNSName, "a.ru"), one(pki.DNSName, "A.ru")}
	many := make([]pki.GeneralName, 0, limits.RequestAltNames+1)
	for range limits.RequestAltNames + 1 {
		many = append(many, one(pki.DNSName, strings.Repeat("a", 1+len(many)%60)+".r"+strings.Repeat("u", 1+len(many)/60)))
	}
	other := pki.GeneralName{Kind: pki.OtherName, OID: oid.CommonName, Value: []byte{5, 0}}
	for name, list := range map[string][]pki.GeneralName{"twice": twice, "many": many, "otherName": {other}} {
		var refused *ca.RequestError
		if err := ask(list...); !errors.As(err, &refused) || refused.Field != "subjectAltName" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := ask(many[:limits.RequestAltNames]...); err != nil {
		t.Errorf("as many as are allowed: %v", err)
	}
	empty := csr(t, key, &pki.RequestTemplate{Subject: dn(t, "CN=x"), ExtraExtensions: []pki.Extension{{ID: oid.SubjectAltName, Value: []byte{0x30, 0}}}})
	var refused *ca.RequestError
	if _, err := d.IssueRequest(t.Context(), "server", ca.Request{CSR: empty}); !errors.As(err, &refused) || refused.Field != "subjectAltName" {
		t.Errorf("an empty sequence: %v", err)
	}
}

// TestSubjectStructure: names that DER or X.501 do not have.
func TestSubjectStructure(t *testing.T) {
	d := newDesk(t, serverProfile())
	key := generate(t, "gost2012-256", "")
	attribute := func(last byte, value string) []byte { // of the type 2.5.4.last
		inner := append([]byte{6, 3, 0x55, 4, last, 12, byte(len(value))}, value...)
		return append([]byte{0x30, byte(len(inner))}, inner...)
	}
	wrap := func(tag byte, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append([]byte{tag, byte(len(body))}, body...)
	}
	cn, ou := attribute(3, "a"), attribute(11, "b")
	for name, tt := range map[string]struct {
		raw  []byte
		good bool
	}{
		"one attribute each": {wrap(0x30, wrap(0x31, cn), wrap(0x31, ou)), true},
		"two in order":       {wrap(0x30, wrap(0x31, cn, ou)), true},
		"two out of order":   {wrap(0x30, wrap(0x31, ou, cn)), false},
		"one twice":          {wrap(0x30, wrap(0x31, cn, cn)), false},
		"an empty set":       {wrap(0x30, wrap(0x31), wrap(0x31, cn)), false},
	} {
		der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: pki.Name{Raw: tt.raw}}, key)
		if err != nil {
			t.Fatal(err)
		}
		r, err := pki.ParseRequest(der)
		if err != nil {
			if tt.good {
				t.Errorf("%s: %v", name, err)
			}
			continue // refused before
		}
		_, err = d.IssueRequest(t.Context(), "server", ca.Request{CSR: r})
		var refused *ca.RequestError
		if tt.good && err != nil || !tt.good && (!errors.As(err, &refused) || refused.Field != "subject") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFindingsRefuse: what the parser found wrong with a request and let through,
// as it must with certificates of others, is not certified.
func TestFindingsRefuse(t *testing.T) {
	d := newDesk(t, serverProfile())
	cn := []byte{0x30, 8, 6, 3, 0x55, 4, 3, 19, 1, '@'} // no character of a PrintableString
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: pki.Name{Raw: append([]byte{0x30, 12, 0x31, 10}, cn...)}}, generate(t, "gost2012-256", ""))
	if err != nil {
		t.Fatal(err)
	}
	r, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.IssueRequest(t.Context(), "server", ca.Request{CSR: r})
	var refused *ca.RequestError
	var lint *ca.LintError // the certificate-to-be has the same finding
	if !errors.As(err, &refused) && !errors.As(err, &lint) {
		t.Errorf("got %v", err)
	}
}

// TestToolOfTheSubject: a text that goes into the certificate is checked as the
// subject is.
func TestToolOfTheSubject(t *testing.T) {
	d := newDesk(t)
	r := csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN), SubjectSignTool: "Средство\u202e"})
	_, err := d.IssueRequest(t.Context(), "citizen", ca.Request{CSR: r})
	var refused *ca.RequestError
	if !errors.As(err, &refused) || refused.Field != "subjectSignTool" {
		t.Errorf("got %v", err)
	}
}

// TestAllowedAttributes: where a profile lists what a subject may have, nothing
// else passes.
func TestAllowedAttributes(t *testing.T) {
	p := serverProfile()
	p.Required, p.Allowed = []oid.OID{oid.CommonName}, []oid.OID{oid.Country}
	d := newDesk(t, p)
	key := generate(t, "gost2012-256", "")
	for subject, field := range map[string]string{"CN=a": "", "CN=a,C=RU": "", "CN=a,O=b": "subject.O", "C=RU": "subject.CN", "CN=a,2.5.4.65=x": "subject.2.5.4.65"} {
		_, err := d.IssueRequest(t.Context(), "server", ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, subject)})})
		var refused *ca.RequestError
		if field == "" && err != nil || field != "" && (!errors.As(err, &refused) || !strings.HasPrefix(refused.Field, "subject.")) {
			t.Errorf("%s: %v", subject, err)
		}
	}
}
