package pki_test

import (
	"crypto"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// listParts are the fields of a CRL as hex of DER elements, to be put together
// and signed; "" leaves a field out.
type listParts struct {
	version, issuer, this, next, entries, extensions string
}

const (
	utc26 = "170d3236303130323033303430355a" // 260102030405Z
	utc27 = "170d3237303130323033303430355a" // 270102030405Z
	entry = "3012 020105" + utc26            // serial number 5, no extensions
)

func (p listParts) sign(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	id := alg.SignatureForKey(key.Public())
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(unhex(t, p.version))
		id.Add(b)
		for _, f := range []string{p.issuer, p.this, p.next, p.entries} {
			b.AddBytes(unhex(t, f))
		}
		if p.extensions != "" {
			b.AddASN1(0xa0, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(unhex(t, p.extensions)) })
			})
		}
	})
	tbs := b.BytesOrPanic()
	sig, err := alg.SignMessage(rand.Reader, key, id, tbs)
	if err != nil {
		t.Fatal(err)
	}
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		id.Add(b)
		b.AddASN1BitString(sig)
	})
	return out.BytesOrPanic()
}

func goodList() listParts {
	return listParts{
		version: "020101", issuer: "300c310a3008060355040313 0141", this: utc26, next: utc27,
		entries: "3014" + entry, extensions: "300a 0603551d14 0403 020105",
	}
}

func TestCRLDeviations(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	if l := mustCRL(t, goodList().sign(t, key)); len(l.Findings) != 0 || l.Number.Int64() != 5 || l.Len() != 1 {
		t.Fatalf("the starting point has findings: %v", l.Findings)
	}
	for _, c := range []struct {
		name     string
		change   func(*listParts)
		code     string
		severity pki.Severity
	}{
		{"no nextUpdate", func(p *listParts) { p.next = "" }, "next-update-missing", pki.Warn},
		{"inverted", func(p *listParts) { p.this, p.next = utc27, utc26 }, "update-inverted", pki.Warn},
		{"GeneralizedTime", func(p *listParts) { p.this = "180f32303236303130323033303430355a" }, "time-generalized", pki.Warn},
		{"no issuer", func(p *listParts) { p.issuer = "3000" }, "issuer-empty", pki.Error},
		{"empty entries", func(p *listParts) { p.entries = "3000" }, "entries-empty", pki.Warn},
		{"version 1 with extensions", func(p *listParts) { p.version = "" }, "extensions-in-old-version", pki.Error},
		{"version 3", func(p *listParts) { p.version = "020102" }, "version-unknown", pki.Error},
		{"negative number", func(p *listParts) { p.extensions = "300a 0603551d14 0403 0201ff" }, "crl-number", pki.Warn},
		{"number twice", func(p *listParts) { p.extensions += p.extensions }, "extension-duplicate", pki.Error},
		{"delta not critical", func(p *listParts) { p.extensions += "300a 0603551d1b 0403 020104" }, "delta-not-critical", pki.Warn},
		{"delta unreadable", func(p *listParts) { p.extensions += "3009 0603551d1b 0402 0500" }, "extension-malformed", pki.Error},
		{"IDP not critical", func(p *listParts) { p.extensions += "3009 0603551d1c 0402 3000" }, "idp-not-critical", pki.Warn},
		{"IDP unreadable", func(p *listParts) { p.extensions += "3009 0603551d1c 0402 0500" }, "extension-malformed", pki.Error},
		{"IDP with no reason", func(p *listParts) { p.extensions += "300f 0603551d1c 0101ff 0405 3003830100" }, "extension-malformed", pki.Error},
		{"IDP flag 01", func(p *listParts) { p.extensions += "300f 0603551d1c 0101ff 0405 3003810101" }, "boolean-not-der", pki.Warn},
		{"AKI unreadable", func(p *listParts) { p.extensions += "3009 0603551d23 0402 0500" }, "extension-malformed", pki.Warn},
	} {
		p := goodList()
		c.change(&p)
		l, err := pki.ParseCRL(p.sign(t, key))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.ContainsFunc(l.Findings, func(f pki.Finding) bool { return f.Code == c.code && f.Severity == c.severity }) ||
			pki.HasErrors(l.Findings) != (c.severity == pki.Error) {
			t.Errorf("%s: findings %v", c.name, l.Findings)
		}
	}
}

func TestCRLRefused(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	for name, change := range map[string]func(*listParts){
		"issuer":              func(p *listParts) { p.issuer = "0500" },
		"thisUpdate":          func(p *listParts) { p.this = "170d3236313330323033303430355a" },
		"entry without time":  func(p *listParts) { p.entries = "30053003020105" },
		"entry with more":     func(p *listParts) { p.entries = "3016 3014 020105" + utc26 + "0500" },
		"serial of 0 octets":  func(p *listParts) { p.entries = "3013 3011 0200" + utc26 },
		"entry extensions":    func(p *listParts) { p.entries = "3018 3016 020105" + utc26 + "30020500" },
		"element at the end":  func(p *listParts) { p.extensions, p.entries = "", p.entries+"0500" },
		"entries not entries": func(p *listParts) { p.entries = "30020500" },
	} {
		p := goodList()
		change(&p)
		if l, err := pki.ParseCRL(p.sign(t, key)); err == nil {
			t.Errorf("%s: accepted, %v", name, l.Findings)
		}
	}
}

// An entry that cannot be read is an error of the lookup, never "not revoked";
// and a serial number that is not minimal is found all the same.
func TestFindNeverMisses(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	p := goodList()
	p.entries = "3015 3013 02020005" + utc26
	if e, found, err := mustCRL(t, p.sign(t, key)).Find(big.NewInt(5)); err != nil || !found || e.Serial.Int64() != 5 {
		t.Errorf("padded serial number: %v %v", found, err)
	}
	p.entries = "3014 3012 0201fb" + utc26
	if _, found, err := mustCRL(t, p.sign(t, key)).Find(big.NewInt(-5)); err != nil || !found {
		t.Errorf("negative serial number: %v %v", found, err)
	}
	if _, found, _ := mustCRL(t, p.sign(t, key)).Find(big.NewInt(0xfb)); found {
		t.Error("a negative serial number is taken for a positive one")
	}
	for name, entries := range map[string]string{
		"date":      "3014 3012 020105 170d3236313330323033303430355a",
		"reason":    "3021 301f 020105" + utc26 + "300b 3009 0603551d15 0402 0500",
		"twice":     "3030 302e 020105" + utc26 + "301a 300b 0603551d15 0404 0a020001 300b 0603551d15 0404 0a020001",
		"certIssue": "3024 3022 020105" + utc26 + "300e 300c 0603551d1d 0101ff 0402 0500",
	} {
		p.entries = entries
		data := p.sign(t, key)
		l, err := pki.ParseCRL(data)
		if err != nil {
			t.Errorf("%s: %v (the test needs a list that parses)", name, err)
			continue
		}
		if _, found, err := l.Find(big.NewInt(5)); err == nil {
			t.Errorf("%s: no error, found %v", name, found)
		}
		for _, err := range l.Entries() {
			if err == nil {
				t.Errorf("%s: the iteration hides the error", name)
			}
		}
	}
	if _, _, err := mustCRL(t, goodList().sign(t, key)).Find(nil); err == nil {
		t.Error("no serial number: no error")
	}
}
