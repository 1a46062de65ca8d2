package sets_test

import (
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

type maker func(t testing.TB) *sample

// bad is one way to break a rule.
type bad struct {
	name string
	from maker
	edit func(t testing.TB, s *sample)
}

// samples gives for each rule a good certificate and at least one bad one.
func samples() map[string]struct {
	good maker
	bad  []bad
} {
	type row = struct {
		good maker
		bad  []bad
	}
	return map[string]row{
		"rfc5280-version": {leaf, []bad{
			{"version 1", leaf, func(_ testing.TB, s *sample) { s.version = 0 }},
			{"version 2", leaf, func(_ testing.TB, s *sample) { s.version = 1 }},
		}},
		"rfc5280-serial-number": {leaf, []bad{
			{"zero", leaf, func(_ testing.TB, s *sample) { s.serial = big.NewInt(0) }},
			{"negative", leaf, func(_ testing.TB, s *sample) { s.serial = big.NewInt(-5) }},
			{"21 octets", leaf, func(_ testing.TB, s *sample) { s.serial = new(big.Int).Lsh(big.NewInt(1), 160) }},
		}},
		"rfc5280-signature-algorithm": {leaf, []bad{
			{"512 outside", leaf, func(_ testing.TB, s *sample) { s.outer.OID = oid.GOST2012_512WithStreebog512 }},
		}},
		"rfc5280-names": {leaf, []bad{
			{"no issuer", leaf, func(_ testing.TB, s *sample) { s.issuer = nil }},
			{"CA without a name", authority, func(_ testing.TB, s *sample) { s.subject = nil }},
		}},
		"rfc5280-validity": {leaf, []bad{
			{"inverted", leaf, func(_ testing.TB, s *sample) { s.to = s.from.Add(-time.Second) }},
		}},
		"rfc5280-key-identifiers": {leaf, []bad{
			{"no AKI", leaf, func(_ testing.TB, s *sample) { s.drop(oid.AuthorityKeyIdentifier) }},
			{"CA without SKI", authority, func(_ testing.TB, s *sample) { s.drop(oid.SubjectKeyIdentifier) }},
		}},
		"rfc5280-key-usage": {authority, []bad{
			{"CA without", authority, func(_ testing.TB, s *sample) { s.drop(oid.KeyUsage) }},
			{"CA without keyCertSign", authority, func(_ testing.TB, s *sample) { s.set(oid.KeyUsage, true, []byte{3, 2, 1, 2}) }},
			{"keyCertSign without CA", leaf, func(_ testing.TB, s *sample) { s.set(oid.KeyUsage, true, []byte{3, 2, 2, 4}) }},
			{"no bit", leaf, func(_ testing.TB, s *sample) { s.set(oid.KeyUsage, true, []byte{3, 1, 0}) }},
		}},
		"rfc5280-basic-constraints": {authority, []bad{
			{"not critical", authority, func(_ testing.TB, s *sample) { s.set(oid.BasicConstraints, false, []byte{0x30, 3, 1, 1, 0xff}) }},
			{"path length without cA", leaf, func(_ testing.TB, s *sample) { s.set(oid.BasicConstraints, true, []byte{0x30, 3, 2, 1, 0}) }},
		}},
		"rfc3161-key-purpose": {tsa, []bad{
			{"not critical", tsa, func(t testing.TB, s *sample) { s.set(oid.ExtKeyUsage, false, sequence(t, oid.EKUTimeStamping)) }},
			{"two purposes", tsa, func(t testing.TB, s *sample) {
				s.set(oid.ExtKeyUsage, true, sequence(t, oid.EKUTimeStamping, oid.EKUClientAuth))
			}},
		}},
		"rfc6960-responder-revocation": {responder, []bad{
			{"nothing", responder, func(_ testing.TB, s *sample) { s.drop(oid.OCSPNoCheck); s.drop(oid.CRLDistributionPoints) }},
		}},
		"rfc9215-signature-parameters": {leaf, []bad{
			{"NULL", leaf, func(_ testing.TB, s *sample) {
				s.outer, s.inner = alg.NULL(s.outer.OID), alg.NULL(s.inner.OID)
			}},
		}},
		"rfc9215-test-parameters": {leaf, []bad{
			{"256", leaf, func(t testing.TB, s *sample) { s.spki = key(t, oid.GOST2012_256, oid.CryptoProTest) }},
			{"512", leaf, func(t testing.TB, s *sample) { s.spki = key(t, oid.GOST2012_512, oid.TC26_512Test) }},
		}},
		"rfc9215-key-length": {leaf, []bad{
			{"512 on a 256-bit set", leaf, func(t testing.TB, s *sample) { s.spki = key(t, oid.GOST2012_512, oid.CryptoProA) }},
			{"point not on the curve", leaf, func(t testing.TB, s *sample) { s.spki = key(t, oid.GOST2012_256, oid.TC26_256C) }},
		}},
		"fsb795-subject": {leaf, []bad{
			{"no SNILS", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.SNILS, "")) }},
			{"no surname", leaf, func(_ testing.TB, s *sample) { s.put(text(oid.Surname, "")) }},
			{"organization without INNLE", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.OGRN, "1027700132195")) }},
		}},
		"fsb795-identifiers": {leaf, []bad{
			{"SNILS", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.SNILS, "11223344596")) }},
			{"INN", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.INN, "500100732258")) }},
			{"INNLE", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.INNLE, "7707083894")) }},
			{"OGRN", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.OGRN, "1027700132196")) }},
			{"OGRNIP", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.OGRNIP, "304500116000158")) }},
			{"OGRNIP of zeros", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.OGRNIP, "000000000000000")) }},
			{"SNILS with hyphens", leaf, func(_ testing.TB, s *sample) { s.put(text(oid.SNILS, "112-233-445 95")) }},
			{"SNILS that is too long", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.SNILS, "112233445950")) }},
			{"ten digits in INN", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.INN, "7707083893")) }},
			{"an authority's", authority, func(_ testing.TB, s *sample) { s.put(digits(oid.OGRN, "1027700132196")) }},
			{"string type", leaf, func(_ testing.TB, s *sample) { s.put(text(oid.SNILS, "11223344595")) }},
		}},
		"fsb795-form": {leaf, []bad{
			{"no class", leaf, func(t testing.TB, s *sample) { s.drop(oid.CertificatePolicies) }},
			{"no tool", leaf, func(_ testing.TB, s *sample) { s.drop(oid.SubjectSignTool) }},
			{"no tools of the issuer", leaf, func(_ testing.TB, s *sample) { s.drop(oid.IssuerSignTool) }},
			{"nobody's", leaf, func(_ testing.TB, s *sample) { s.put(digits(oid.SNILS, "")); s.put(digits(oid.INN, "")) }},
		}},
		"fsb795-organization-inn": {oldOrganization, []bad{
			{"none", oldOrganization, func(_ testing.TB, s *sample) { s.put(digits(oid.INN, "")) }},
			{"a person's", oldOrganization, func(_ testing.TB, s *sample) { s.put(digits(oid.INN, "500100732259")) }},
			{"a wrong digit", oldOrganization, func(_ testing.TB, s *sample) { s.put(digits(oid.INN, "007707083894")) }},
		}},
		"fsb795-person-of-organization": {organization, []bad{
			{"no SNILS", organization, func(_ testing.TB, s *sample) { s.put(digits(oid.SNILS, "")) }},
			{"no given name", organization, func(_ testing.TB, s *sample) { s.put(text(oid.GivenName, "")) }},
		}},
		"fsb795-organization-address": {organization, []bad{
			{"no region", organization, func(_ testing.TB, s *sample) { s.put(text(oid.StateOrProvince, "")) }},
			{"no street", organization, func(_ testing.TB, s *sample) { s.put(text(oid.StreetAddress, "")) }},
		}},
		"fsb795-country": {leaf, []bad{
			{"none", leaf, func(_ testing.TB, s *sample) { s.put(text(oid.Country, "")) }},
			{"another", leaf, func(_ testing.TB, s *sample) { s.put(printable(oid.Country, "BY")) }},
			{"of the issuer", leaf, func(_ testing.TB, s *sample) { s.issuer = []pki.Attribute{text(oid.CommonName, "УЦ")} }},
		}},
		"fsb795-issuer": {leaf, []bad{
			{"a name alone", leaf, func(_ testing.TB, s *sample) { s.issuer = []pki.Attribute{text(oid.CommonName, "УЦ")} }},
		}},
		"fsb795-string-types": {leaf, []bad{
			{"country", leaf, func(_ testing.TB, s *sample) { s.put(text(oid.Country, "RU")) }},
			{"name", leaf, func(_ testing.TB, s *sample) { s.put(printable(oid.CommonName, "Ivanov")) }},
			{"e-mail", leaf, func(_ testing.TB, s *sample) { s.put(text(oid.EmailAddress, "a@example.ru")) }},
			{"issuer", leaf, func(_ testing.TB, s *sample) { s.issuer = []pki.Attribute{printable(oid.CommonName, "CA")} }},
		}},
		"fsb795-name-length": {leaf, []bad{
			{"65", leaf, func(_ testing.TB, s *sample) { s.put(text(oid.Organization, strings.Repeat("ж", 65))) }},
		}},
		"fsb795-algorithm": {leaf, []bad{
			{"key", leaf, func(t testing.TB, s *sample) { s.spki = key(t, oid.GOST2001, oid.CryptoProA) }},
			{"signature", leaf, func(_ testing.TB, s *sample) { s.outer.OID, s.inner.OID = oid.SHA256WithRSA, oid.SHA256WithRSA }},
		}},
		"fsb795-authority-key-identifier": {leaf, []bad{
			{"absent", leaf, func(_ testing.TB, s *sample) { s.drop(oid.AuthorityKeyIdentifier) }},
			{"critical", leaf, func(_ testing.TB, s *sample) { s.set(oid.AuthorityKeyIdentifier, true, []byte{0x30, 4, 0x80, 2, 2, 2}) }},
		}},
		"fsb795-subject-key-identifier": {leaf, []bad{
			{"absent", leaf, func(_ testing.TB, s *sample) { s.drop(oid.SubjectKeyIdentifier) }},
			{"another", leaf, func(_ testing.TB, s *sample) { s.set(oid.SubjectKeyIdentifier, false, []byte{4, 2, 1, 1}) }},
		}},
		"fsb795-status-addresses": {leaf, []bad{
			{"no list", leaf, func(_ testing.TB, s *sample) { s.drop(oid.CRLDistributionPoints) }},
			{"no issuer", leaf, func(_ testing.TB, s *sample) { s.drop(oid.AuthorityInfoAccess) }},
		}},
		"fsb795-policies": {leaf, []bad{
			{"KC2 without KC1", leaf, func(t testing.TB, s *sample) { s.set(oid.CertificatePolicies, false, policies(t, oid.PolicyKC2)) }},
			{"a gap", leaf, func(t testing.TB, s *sample) {
				s.set(oid.CertificatePolicies, false, policies(t, oid.PolicyKC1, oid.PolicyKC3))
			}},
		}},
		"fsb795-subject-sign-tool": {leaf, []bad{
			{"absent", leaf, func(_ testing.TB, s *sample) { s.drop(oid.SubjectSignTool) }},
			{"critical", leaf, func(t testing.TB, s *sample) { s.set(oid.SubjectSignTool, true, utf8(t, "x")) }},
			{"long", leaf, func(t testing.TB, s *sample) { s.set(oid.SubjectSignTool, false, utf8(t, strings.Repeat("ж", 201))) }},
		}},
		"fsb795-issuer-sign-tool": {leaf, []bad{
			{"absent", leaf, func(_ testing.TB, s *sample) { s.drop(oid.IssuerSignTool) }},
			{"critical", leaf, func(t testing.TB, s *sample) { s.set(oid.IssuerSignTool, true, tools(t, "a", "b", "c", "d")) }},
			{"long", leaf, func(t testing.TB, s *sample) {
				s.set(oid.IssuerSignTool, false, tools(t, "a", "b", "c", strings.Repeat("d", 101)))
			}},
		}},
		"fsb795-identification-kind": {leaf, []bad{
			{"absent", leaf, func(_ testing.TB, s *sample) { s.drop(oid.IdentificationKind) }},
			{"4", leaf, func(_ testing.TB, s *sample) { s.set(oid.IdentificationKind, false, []byte{2, 1, 4}) }},
		}},
		"fsb795-key-usage": {leaf, []bad{
			{"absent", leaf, func(_ testing.TB, s *sample) { s.drop(oid.KeyUsage) }},
			{"not critical", leaf, func(_ testing.TB, s *sample) { s.set(oid.KeyUsage, false, []byte{3, 2, 3, 0xf8}) }},
			{"encryption only", leaf, func(_ testing.TB, s *sample) { s.set(oid.KeyUsage, true, []byte{3, 2, 3, 0x38}) }},
		}},
		"fsb795-private-key-usage-period": {leaf, []bad{
			{"longer than the certificate", leaf, func(t testing.TB, s *sample) {
				s.set(oid.PrivateKeyUsagePeriod, false, period(t, s.from, s.to.Add(time.Second)))
			}},
			{"inverted", leaf, func(t testing.TB, s *sample) { s.set(oid.PrivateKeyUsagePeriod, false, period(t, s.to, s.from)) }},
		}},
	}
}

// everyRule returns the rules of all sets.
func everyRule() []profile.Rule { return profile.Join("", sets.All(), sets.FSB795()).Rules }

// TestBothLanguages: every rule and everything it finds has a Russian text.
func TestBothLanguages(t *testing.T) {
	cyrillic := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
	}
	all := samples()
	for _, r := range everyRule() {
		if !cyrillic(r.TitleRU) || cyrillic(r.Title) {
			t.Errorf("%s: %q, %q", r.ID, r.Title, r.TitleRU)
		}
		for _, b := range all[r.ID].bad {
			s := b.from(t)
			b.edit(t, s)
			for _, p := range r.Run(s.certificate(t)).Problems {
				if !cyrillic(p.Text(true)) || p.Text(false) != p.Detail {
					t.Errorf("%s: %s: %+v", r.ID, b.name, p)
				}
			}
		}
	}
}

// TestEveryRuleHasSamples runs every rule over its good and bad samples, and
// fails for a rule without samples and for samples without a rule.
func TestEveryRuleHasSamples(t *testing.T) {
	all := samples()
	for _, r := range everyRule() {
		row, ok := all[r.ID]
		delete(all, r.ID)
		if !ok || row.good == nil || len(row.bad) == 0 {
			t.Errorf("%s: no good or no bad sample", r.ID)
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			if got := r.Run(row.good(t).certificate(t)); got.Outcome != profile.Passed {
				t.Errorf("good: %+v", got)
			}
			for _, b := range row.bad {
				s := b.from(t)
				b.edit(t, s)
				got := r.Run(s.certificate(t))
				if got.Outcome != profile.Broken || len(got.Problems) == 0 || got.Problems[0].Field == "" || got.Problems[0].Detail == "" {
					t.Errorf("%s: %+v", b.name, got)
				}
				if s.from = s.from.AddDate(-30, 0, 0); !r.Effective.IsZero() { // before the source existed
					s.to = s.from.AddDate(1, 0, 0)
					if got := r.Run(s.certificate(t)); got.Outcome != profile.NotApplicable {
						t.Errorf("%s, 30 years before: %+v", b.name, got)
					}
				}
			}
		})
	}
	for id := range all {
		t.Errorf("%s: samples without a rule", id)
	}
}

// TestGoodSamples: what is good for one rule breaks no other.
func TestGoodSamples(t *testing.T) {
	for name, f := range map[string]maker{"leaf": leaf, "organization": organization, "old": oldOrganization, "authority": authority, "responder": responder, "tsa": tsa} {
		rep := sets.All().Lint(f(t).certificate(t))
		if broken := rep.Broken(pki.Info); len(broken) > 0 || rep.HasErrors() || rep.Checked() == 0 {
			t.Errorf("%s: %+v %v", name, broken, rep.Findings)
		}
	}
}

// TestOldOrganization: ten digits as 00 and ten digits are in order.
func TestOldOrganization(t *testing.T) {
	s := leaf(t)
	for _, a := range []pki.Attribute{
		digits(oid.INN, "007707083893"), digits(oid.OGRN, "1027700132195"),
		digits(oid.INNLE, "7707083893"), text(oid.Organization, "ООО"), digits(oid.SNILS, ""),
		text(oid.Surname, ""), text(oid.StateOrProvince, "77 г. Москва"), text(oid.Locality, "Москва"), text(oid.StreetAddress, "ул. Тверская, д. 7"),
	} {
		s.put(a)
	}
	if broken := sets.Qualified().Lint(s.certificate(t)).Broken(pki.Info); len(broken) > 0 {
		t.Errorf("%+v", broken)
	}
}

// TestEveryFileIsInASet: a rule that no set names is never run. Each file of a
// source but its package comment holds one rule.
func TestEveryFileIsInASet(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../rules", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := strings.Count(string(text), "() profile.Rule {")
		if n > 1 {
			t.Errorf("%s: %d rules in one file", path, n)
		}
		files += n
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rules := len(everyRule()); files != rules || files < 15 {
		t.Errorf("%d files with a rule, %d rules in the sets", files, rules)
	}
}

func TestSets(t *testing.T) {
	for _, name := range []string{"pkix", "qualified", "fsb795", "all"} {
		s, ok := sets.ByName(name)
		if !ok || s.Name != name {
			t.Errorf("%s: %v", name, ok)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, ok := sets.ByName("none"); ok {
		t.Error("a set called none")
	}
}

func TestSetCheck(t *testing.T) {
	good := sets.PKIX().Rules[0]
	noCite := good
	noCite.Cite = ""
	for name, rules := range map[string][]profile.Rule{"empty": nil, "twice": {good, good}, "no citation": {noCite}, "zero": {{}}} {
		if (profile.Set{Rules: rules}).Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
