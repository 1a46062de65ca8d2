package ca_test

import (
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
