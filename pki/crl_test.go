package pki_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math/big"
	"runtime"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func crlTemplate(testing.TB) *pki.CRLTemplate {
	return &pki.CRLTemplate{
		Number: big.NewInt(300), ThisUpdate: notBefore, NextUpdate: notBefore.AddDate(0, 0, 7),
		Entries: []pki.RevokedEntry{
			{Serial: big.NewInt(5), At: notBefore, Reason: pki.ReasonAbsent},
			{Serial: big.NewInt(0x80), At: notBefore, Reason: pki.ReasonKeyCompromise, InvalidityDate: notBefore.AddDate(0, -1, 0)},
			{Serial: new(big.Int).SetBytes(bytes.Repeat([]byte{0x7f}, 20)), At: notBefore, Reason: pki.ReasonCertificateHold},
		},
	}
}

func mustCRL(t testing.TB, der []byte) *pki.RevocationList {
	t.Helper()
	l, err := pki.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCRL(t *testing.T) {
	for _, k := range keyKinds {
		t.Run(k.name, func(t *testing.T) {
			key := newKey(t, k.algorithm, k.set)
			root, _, _ := issue(t, key)
			tmpl := crlTemplate(t)
			der, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
			if err != nil {
				t.Fatal(err)
			}
			l := mustCRL(t, der)
			if err := l.CheckSignatureFrom(root); err != nil {
				t.Fatal(err)
			}
			if len(l.Findings) != 0 || l.Number.Cmp(tmpl.Number) != 0 || !bytes.Equal(l.AuthorityKeyID, root.SubjectKeyID) ||
				!l.NextUpdate.Equal(tmpl.NextUpdate) || l.Len() != 3 || l.IsDelta() {
				t.Errorf("%+v", l)
			}
			i := 0
			for e, err := range l.Entries() {
				want := tmpl.Entries[i]
				if err != nil || e.Serial.Cmp(want.Serial) != 0 || !e.At.Equal(want.At) || e.Reason != want.Reason || !e.InvalidityDate.Equal(want.InvalidityDate) {
					t.Errorf("entry %d: %+v %v", i, e, err)
				}
				got, found, err := l.Find(want.Serial)
				if err != nil || !found || got.Reason != want.Reason {
					t.Errorf("find %d: %+v %v %v", i, got, found, err)
				}
				i++
			}
			if _, found, err := l.Find(big.NewInt(6)); found || err != nil {
				t.Errorf("a serial that is not there: %v %v", found, err)
			}
			der[len(der)-1] ^= 1
			if err := mustCRL(t, der).CheckSignatureFrom(root); !errors.Is(err, alg.ErrSignature) {
				t.Errorf("a changed signature: %v", err)
			}
		})
	}
}

func TestEmptyAndDeltaCRL(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	root, _, _ := issue(t, key)
	tmpl := crlTemplate(t)
	tmpl.Entries = nil
	der, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
	if err != nil {
		t.Fatal(err)
	}
	if l := mustCRL(t, der); l.Len() != 0 || len(l.Findings) != 0 {
		t.Errorf("empty list: %v", l.Findings)
	}
	tmpl = crlTemplate(t)
	tmpl.BaseNumber = big.NewInt(299)
	tmpl.Entries = []pki.RevokedEntry{
		{Serial: big.NewInt(5), At: notBefore, Reason: pki.ReasonRemoveFromCRL},
		{Serial: big.NewInt(7), At: notBefore, Reason: pki.ReasonRemoveFromCRL},
		{Serial: big.NewInt(5), At: notBefore, Reason: pki.ReasonSuperseded},
	}
	tmpl.IDP = &pki.IssuingDistributionPoint{
		FullName: []pki.GeneralName{{Kind: pki.URIName, Text: "http://example.ru/d.crl"}}, OnlyUserCerts: true, OnlySomeReasons: 1<<1 | 1<<4,
	}
	if der, err = pki.CreateCRL(rand.Reader, tmpl, root, key); err != nil {
		t.Fatal(err)
	}
	l := mustCRL(t, der)
	if !l.IsDelta() || l.BaseNumber.Int64() != 299 || len(l.UnhandledCritical) != 0 || len(l.Findings) != 0 {
		t.Errorf("delta: %+v", l)
	}
	p := l.IDP
	if p == nil || !p.OnlyUserCerts || p.OnlyCACerts || p.IndirectCRL || p.FullName[0].Text != "http://example.ru/d.crl" ||
		!p.OnlySomeReasons.Has(pki.ReasonKeyCompromise) || p.OnlySomeReasons.Has(pki.ReasonCACompromise) || !p.OnlySomeReasons.Has(pki.ReasonSuperseded) {
		t.Errorf("IDP: %+v", p)
	}
	if e, found, _ := l.Find(big.NewInt(5)); !found || e.Reason != pki.ReasonSuperseded {
		t.Errorf("an entry that revokes must win: %+v", e)
	}
	if e, found, _ := l.Find(big.NewInt(7)); !found || e.Reason != pki.ReasonRemoveFromCRL {
		t.Errorf("removeFromCRL: %+v", e)
	}
}

// RFC 5280, 5.3.3: the certificate issuer stays in force for later entries.
func TestIndirectCRL(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	root, _, _ := issue(t, key)
	other := mustDN(t, "CN=другой УЦ,C=RU")
	tmpl := crlTemplate(t)
	tmpl.IDP = &pki.IssuingDistributionPoint{IndirectCRL: true}
	tmpl.Entries = []pki.RevokedEntry{
		{Serial: big.NewInt(1), At: notBefore, Reason: pki.ReasonAbsent},
		{Serial: big.NewInt(2), At: notBefore, Reason: pki.ReasonAbsent, Issuer: &other},
		{Serial: big.NewInt(3), At: notBefore, Reason: pki.ReasonSuperseded, Issuer: &other},
		{Serial: big.NewInt(4), At: notBefore, Reason: pki.ReasonAbsent},
	}
	der, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
	if err != nil {
		t.Fatal(err)
	}
	l := mustCRL(t, der)
	if !l.IDP.IndirectCRL || len(l.UnhandledCritical) != 0 {
		t.Fatalf("%+v", l)
	}
	for serial, own := range map[int64]bool{1: true, 2: false, 3: false, 4: true} {
		_, found, err := l.Find(big.NewInt(serial))
		_, foundOther, err2 := l.FindFor(other, big.NewInt(serial))
		if err != nil || err2 != nil || found != own || foundOther == own {
			t.Errorf("serial %d: own %v, other %v, %v %v", serial, found, foundOther, err, err2)
		}
	}
	if n := bytes.Count(der, []byte{0x06, 0x03, 0x55, 0x1d, 0x1d}); n != 2 {
		t.Errorf("certificateIssuer is written %d times, needed 2 times", n)
	}
}

func TestCreateCRLRefuses(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	root, _, _ := issue(t, key)
	name := mustDN(t, "CN=x")
	for what, change := range map[string]func(*pki.CRLTemplate){
		"no number":       func(c *pki.CRLTemplate) { c.Number = nil },
		"negative number": func(c *pki.CRLTemplate) { c.Number = big.NewInt(-1) },
		"no nextUpdate":   func(c *pki.CRLTemplate) { c.NextUpdate = time.Time{} },
		"inverted":        func(c *pki.CRLTemplate) { c.NextUpdate = c.ThisUpdate.Add(-time.Hour) },
		"reason 7":        func(c *pki.CRLTemplate) { c.Entries[0].Reason = 7 },
		"reason 11":       func(c *pki.CRLTemplate) { c.Entries[0].Reason = 11 },
		"remove in full":  func(c *pki.CRLTemplate) { c.Entries[0].Reason = pki.ReasonRemoveFromCRL },
		"no serial":       func(c *pki.CRLTemplate) { c.Entries[0].Serial = nil },
		"issuer":          func(c *pki.CRLTemplate) { c.Entries[0].Issuer = &name },
		"base too high":   func(c *pki.CRLTemplate) { c.BaseNumber = c.Number },
		"two scopes": func(c *pki.CRLTemplate) {
			c.IDP = &pki.IssuingDistributionPoint{OnlyCACerts: true, OnlyUserCerts: true}
		},
		"AKI twice": func(c *pki.CRLTemplate) {
			c.ExtraExtensions = []pki.Extension{{ID: oid.AuthorityKeyIdentifier, Value: []byte{0x30, 0}}}
		},
	} {
		tmpl := crlTemplate(t)
		change(tmpl)
		if _, err := pki.CreateCRL(rand.Reader, tmpl, root, key); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := pki.CreateCRL(rand.Reader, crlTemplate(t), root, newKey(t, "gost2012-256", "")); err == nil {
		t.Error("a key that is not the issuer's signs")
	}
}

// A list of 200,000 entries is parsed and searched without memory that grows
// with it.
func TestLargeCRL(t *testing.T) {
	const n = 200_000
	key := newKey(t, "ecdsa-p256", "")
	root, _, _ := issue(t, key)
	tmpl := crlTemplate(t)
	tmpl.Entries = make([]pki.RevokedEntry, n)
	base := new(big.Int).Lsh(big.NewInt(1), 120)
	for i := range tmpl.Entries {
		tmpl.Entries[i] = pki.RevokedEntry{Serial: new(big.Int).Add(base, big.NewInt(int64(i))), At: notBefore, Reason: pki.ReasonSuperseded}
	}
	der, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
	if err != nil {
		t.Fatal(err)
	}
	tmpl.Entries = nil
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := mustCRL(t, der)
	last, found, err := l.Find(new(big.Int).Add(base, big.NewInt(n-1)))
	_, absent, err2 := l.Find(big.NewInt(1))
	runtime.ReadMemStats(&after)
	if err != nil || err2 != nil || !found || absent || last.Reason != pki.ReasonSuperseded || l.Len() != n {
		t.Fatalf("%+v %v %v %v %v", last, found, absent, err, err2)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("parsing and searching %d octets allocated %d", len(der), used)
	}
}

func BenchmarkCRLFind(b *testing.B) {
	key := newKey(b, "ecdsa-p256", "")
	root, _, _ := issue(b, key)
	tmpl := crlTemplate(b)
	tmpl.Entries = make([]pki.RevokedEntry, 1_000_000)
	base := new(big.Int).Lsh(big.NewInt(1), 150)
	for i := range tmpl.Entries {
		tmpl.Entries[i] = pki.RevokedEntry{Serial: new(big.Int).Add(base, big.NewInt(int64(i))), At: notBefore, Reason: pki.ReasonAbsent}
	}
	der, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
	if err != nil {
		b.Fatal(err)
	}
	l := mustCRL(b, der)
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		if _, found, err := l.Find(big.NewInt(1)); found || err != nil {
			b.Fatal(found, err)
		}
	}
}
