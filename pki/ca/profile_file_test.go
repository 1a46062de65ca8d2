package ca_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// TestShippedProfiles: what ships survives its own text, and its text is short
// enough to be read by a person.
func TestShippedProfiles(t *testing.T) {
	for _, p := range ca.Profiles() {
		text, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ca.ParseProfile(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", p.Name, err, text)
		}
		if !reflect.DeepEqual(back, p) || back.Digest() != p.Digest() || len(p.Digest()) != 64 {
			t.Errorf("%s: got %+v, want %+v", p.Name, back, p)
		}
		if lines := strings.Count(string(text), "\n"); lines > 30 {
			t.Errorf("%s: %d lines", p.Name, lines)
		}
	}
}

const goodProfile = `name: test
version: 3
keyUsage: [digitalSignature]
`

func TestParseProfileRefuses(t *testing.T) {
	if _, err := ca.ParseProfile([]byte(goodProfile)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown member":        goodProfile + "aprovals: {count: 2, roles: [approver]}\n",
		"unknown inner member":  goodProfile + "validity: {month: 3}\n",
		"member twice":          goodProfile + "version: 4\n",
		"no version":            "name: test\nkeyUsage: [digitalSignature]\n",
		"version 0":             "name: test\nversion: 0\nkeyUsage: [digitalSignature]\n",
		"no name":               "version: 1\nkeyUsage: [digitalSignature]\n",
		"a path as name":        strings.Replace(goodProfile, "test", "../../etc/x", 1),
		"upper case":            strings.Replace(goodProfile, "test", "Test", 1),
		"no usage":              "name: test\nversion: 1\n",
		"unknown usage":         strings.Replace(goodProfile, "digitalSignature", "signing", 1),
		"usage twice":           strings.Replace(goodProfile, "digitalSignature", "digitalSignature, digitalSignature", 1),
		"keyCertSign, no CA":    strings.Replace(goodProfile, "digitalSignature", "keyCertSign", 1),
		"CA without cRLSign":    strings.Replace(goodProfile, "digitalSignature", "keyCertSign", 1) + "ca: {pathLength: 0}\n",
		"CA and subscriber":     strings.Replace(goodProfile, "digitalSignature", "keyCertSign, cRLSign", 1) + "ca: {pathLength: 0}\nsubscriber: true\n",
		"a second document":     goodProfile + "---\nname: other\n",
		"an alias":              "name: &a test\nversion: 1\nkeyUsage: [digitalSignature]\npolicies: [*a]\n",
		"an anchor":             "name: &a test\nversion: 1\nkeyUsage: [digitalSignature]\n",
		"a tag":                 "name: !!str test\nversion: 1\nkeyUsage: [digitalSignature]\n",
		"a merge key":           "<<: {name: test}\nversion: 1\nkeyUsage: [digitalSignature]\n",
		"null":                  goodProfile + "approvals:\n",
		"an empty list":         goodProfile + "keys: []\n",
		"no YAML":               "\x00",
		"not UTF-8":             goodProfile + "# \xff\n",
		"a list":                "- a\n",
		"nothing":               "",
		"text for a number":     strings.Replace(goodProfile, "3", `"three"`, 1),
		"unknown attribute":     goodProfile + "subject: {required: [NOSUCH]}\n",
		"attribute twice":       goodProfile + "subject: {required: [CN, 2.5.4.3]}\n",
		"broken identifier":     goodProfile + "policies: [1.2.999999999999.]\n",
		"unknown name":          goodProfile + "altNames: [x400]\n",
		"unknown key":           goodProfile + "keys: [gost94]\n",
		"subscriber, no class":  goodProfile + "subscriber: true\ntools: true\n",
		"subscriber, no KC1":    goodProfile + "subscriber: true\ntools: true\npolicies: [KC2]\n",
		"subscriber, no tools":  goodProfile + "subscriber: true\npolicies: [KC1]\n",
		"four years":            goodProfile + "subscriber: true\ntools: true\npolicies: [KC1]\nvalidity: {years: 4}\n",
		"maxMonths of 40":       goodProfile + "subscriber: true\ntools: true\npolicies: [KC1]\nvalidity: {maxMonths: 40}\n",
		"longer than maxMonths": goodProfile + "validity: {months: 13, maxMonths: 12}\n",
		"negative":              goodProfile + "validity: {months: -1}\n",
		"two thousand years":    goodProfile + "validity: {years: 2000}\n",
		"no approvals":          goodProfile + "approvals: {count: 0, roles: [approver]}\n",
		"many approvals":        goodProfile + "approvals: {count: 99, roles: [approver]}\n",
		"approvals of nobody":   goodProfile + "approvals: {count: 1}\n",
		"an auditor approves":   goodProfile + "approvals: {count: 1, roles: [auditor]}\n",
		"a role twice":          goodProfile + "approvals: {count: 1, roles: [approver, approver]}\n",
		"critical nothing":      goodProfile + "extKeyUsageCritical: true\n",
		"large":                 goodProfile + "#" + strings.Repeat("x", limits.ProfileFile),
		"deep":                  goodProfile + "policies: " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "\n",
		"many items":            goodProfile + "policies: [" + manyPolicies() + "]\n",
	} {
		_, err := ca.ParseProfile([]byte(text))
		var bad *ca.ProfileError
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), "ca: profile ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func manyPolicies() string {
	var list []string
	for i := range limits.ProfileItems + 1 {
		list = append(list, "1.2.3."+strings.Repeat("1", i+1))
	}
	return strings.Join(list, ", ")
}

func TestProfileDirectory(t *testing.T) {
	dir := t.TempDir()
	set, err := ca.ReadProfiles(dir)
	if err != nil || len(set.All()) != len(ca.Profiles()) {
		t.Fatalf("without a folder: %v", err)
	}
	if err := ca.WriteProfiles(dir, ca.Profiles()); err != nil {
		t.Fatal(err)
	}
	if err := ca.WriteProfiles(dir, ca.Profiles()); err == nil {
		t.Error("profiles are replaced")
	}
	second := ca.Citizen()
	second.Version, second.Months = 2, 12
	if err := ca.WriteProfiles(dir, []ca.Profile{second}); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) func() {
		path := filepath.Join(dir, ca.ProfilesDir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	defer put(".citizen@3.yaml.swp", "editor")()
	if set, err = ca.ReadProfiles(dir); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{"citizen": "citizen@2", "citizen@1": "citizen@1", "citizen@2": "citizen@2", "tsa": "tsa@1"} {
		if p, err := set.Find(ref); err != nil || p.Ref() != want {
			t.Errorf("%s: %s, %v", ref, p.Ref(), err)
		}
	}
	for _, ref := range []string{"", "@", "citizen@", "citizen@0", "citizen@3", "citizen@02", "citizen@+1", "none", "../x"} {
		_, err := set.Find(ref)
		wantErr(t, ref, err, ca.ErrProfile)
	}
	if p, err := set.For(dn(t, citizenDN)); err != nil || p.Version != 2 {
		t.Errorf("by subject: %s, %v", p.Ref(), err)
	}
	for name, text := range map[string]string{"other@1.yaml": goodProfile, "test.yaml": goodProfile, "test@3.yaml": "name: test", "readme": "hello"} {
		undo := put(name, text)
		var bad *ca.ProfileError
		if _, err := ca.ReadProfiles(dir); !errors.As(err, &bad) || bad.Profile != name {
			t.Errorf("%s: %v", name, err)
		}
		undo()
	}
}

// TestKeyPeriods: the key's period is always written, never longer than the
// certificate's, and an authority's is shorter.
func TestKeyPeriods(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	sub := newSub(t, root, generate(t, "gost2012-256", "cryptopro-a"))
	leaf := sub.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", ""))
	tsa := sub.issue(t, "tsa", "CN=TSA", generate(t, "gost2012-256", ""))
	for name, c := range map[string]*pki.Certificate{"root": root.cert, "sub": sub.cert, "citizen": leaf, "tsa": tsa} {
		switch {
		case !c.PrivateKeyNotBefore.Equal(c.NotBefore) || c.PrivateKeyNotAfter.IsZero():
			t.Errorf("%s: the key's period is %v to %v", name, c.PrivateKeyNotBefore, c.PrivateKeyNotAfter)
		case c.PrivateKeyNotAfter.After(c.NotAfter), c.IsCA && !c.PrivateKeyNotAfter.Before(c.NotAfter):
			t.Errorf("%s: the key until %v, the certificate until %v", name, c.PrivateKeyNotAfter, c.NotAfter)
		}
	}
	// Beyond the key's period nothing is issued any more, but what was issued
	// can be revoked until the certificate ends.
	root.clock.t = root.cert.PrivateKeyNotAfter.AddDate(0, 0, 1)
	_, err := root.IssueRequest(t.Context(), "tsa", ca.Request{CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, "CN=x")})})
	wantErr(t, "after the key's period", err, ca.ErrOutsideValidity)
	if _, err := root.CRL(t.Context(), "test"); err != nil {
		t.Errorf("CRL after the key's period: %v", err)
	}
	p := ca.TSA()
	p.KeyMonths, p.Version = 12, 2
	d := newDesk(t, p)
	c := d.issue(t, "tsa", "CN=TSA", generate(t, "gost2012-256", ""))
	if want := c.NotBefore.AddDate(1, 0, 0); !c.PrivateKeyNotAfter.Equal(want) {
		t.Errorf("the key until %v, want %v", c.PrivateKeyNotAfter, want)
	}
}

// TestSubjectData: one subject for each thing that is refused in it.
func TestSubjectData(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	key := generate(t, "ecdsa-p256", "")
	with := func(o oid.OID, value string, tag byte) pki.Name {
		n := dn(t, citizenDN)
		n.Raw = nil
		for i, rdn := range n.RDNs {
			if rdn[0].Type == o {
				n.RDNs[i] = []pki.Attribute{{Type: o, Value: value, Tag: tag}}
				return n
			}
		}
		n.RDNs = append(n.RDNs, []pki.Attribute{{Type: o, Value: value, Tag: tag}})
		return n
	}
	twice := dn(t, citizenDN)
	twice.Raw = nil
	twice.RDNs = append(twice.RDNs, []pki.Attribute{{Type: oid.SNILS, Value: "11223344595", Tag: 18}})
	const utf8, numeric, printable, ia5, bmp = 12, 18, 19, 22, 30
	for _, tt := range []struct {
		name, field string
		subject     pki.Name
	}{
		{"SNILS as UTF8String", "subject.SNILS", with(oid.SNILS, "11223344595", utf8)},
		{"SNILS twice", "subject.SNILS", twice},
		{"country as UTF8String", "subject.C", with(oid.Country, "RU", utf8)},
		{"e-mail as UTF8String", "subject.E", with(oid.EmailAddress, "a@example.ru", utf8)},
		{"name as BMPString", "subject.SN", with(oid.Surname, "Иванов", bmp)},
		{"65 characters", "subject.CN", with(oid.CommonName, strings.Repeat("Я", 65), utf8)},
		{"a long locality", "subject.L", with(oid.Locality, strings.Repeat("Я", 129), utf8)},
		{"a line feed", "subject.CN", with(oid.CommonName, "Иванов\nИван", utf8)},
		{"right to left", "subject.CN", with(oid.CommonName, "Иванов \u202enavi", utf8)},
		{"zero width", "subject.CN", with(oid.CommonName, "Ива\u200bнов", utf8)},
		{"no-break space", "subject.CN", with(oid.CommonName, "Иванов\u00a0Иван", utf8)},
		{"a space before", "subject.CN", with(oid.CommonName, " Иванов", utf8)},
		{"two spaces", "subject.CN", with(oid.CommonName, "Иванов  Иван", utf8)},
		{"a surname with a digit", "subject.SN", with(oid.Surname, "Иванов2", utf8)},
		{"a surname in two alphabets", "subject.SN", with(oid.Surname, "Ивaнов", utf8)},
		{"a Greek letter among others", "subject.G", with(oid.GivenName, "Иванοвич", utf8)},
		{"a name in two alphabets", "subject.CN", with(oid.CommonName, "Ивaнов Иван", utf8)},
		{"left to right", "subject.CN", with(oid.CommonName, "Иванов\u2066", utf8)},
		{"a private character", "subject.CN", with(oid.CommonName, "Иванов\ue000", utf8)},
		{"NUL", "subject.CN", with(oid.CommonName, "Иванов\x00", utf8)},
		{"a line separator", "subject.CN", with(oid.CommonName, "Иванов\u2028Иван", utf8)},
		{"nothing", "subject.L", with(oid.Locality, "", utf8)},
		{"country in lower case", "subject.C", with(oid.Country, "ru", printable)},
		{"country of one letter", "subject.C", with(oid.Country, "R", printable)},
		{"country of digits", "subject.C", with(oid.Country, "77", printable)},
		{"no e-mail", "subject.E", with(oid.EmailAddress, "ivanov", ia5)},
		{"e-mail with a name", "subject.E", with(oid.EmailAddress, "I <a@example.ru>", ia5)},
		{"a domain component of two labels", "subject.DC", with(oid.DomainComponent, "example.ru", ia5)},
		{"serial number as UTF8String", "subject.serialNumber", with(oid.SerialNumberAttr, "1", utf8)},
		{"INN of an organization", "subject.INN", with(oid.INN, "7707083893", numeric)},
		{"12th digit of the INN", "subject.INN", with(oid.INN, "500100732258", numeric)},
		{"11th digit of the INN", "subject.INN", with(oid.INN, "500100732249", numeric)},
		{"INN of zeros", "subject.INN", with(oid.INN, "000000000000", numeric)},
		{"INNLE", "subject.INNLE", with(oid.INNLE, "7707083894", numeric)},
		{"OGRN", "subject.OGRN", with(oid.OGRN, "1027700132196", numeric)},
		{"OGRN of 12 digits", "subject.OGRN", with(oid.OGRN, "102770013219", numeric)},
		{"OGRNIP", "subject.OGRNIP", with(oid.OGRNIP, "304500116000158", numeric)},
		{"SNILS with hyphens", "subject.SNILS", with(oid.SNILS, "112-233-445 95", numeric)},
		{"SNILS in other digits", "subject.SNILS", with(oid.SNILS, "١١٢٢٣٣٤٤٥٩٥", utf8)},
		{"OGRN as PrintableString", "subject.OGRN", with(oid.OGRN, "1027700132195", printable)},
		{"a title of 65", "subject.T", with(oid.Title, strings.Repeat("Я", 65), utf8)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := csr(t, key, &pki.RequestTemplate{Subject: tt.subject})
			_, err := root.IssueRequest(t.Context(), "citizen", ca.Request{CSR: r})
			var e *ca.RequestError
			if !errors.As(err, &e) || e.Field != tt.field {
				t.Fatalf("got %v, want a refusal of %s", err, tt.field)
			}
		})
	}
	for name, n := range map[string]pki.Name{
		"e-mail":                          with(oid.EmailAddress, "a@example.ru", ia5),
		"a double surname":                with(oid.Surname, "Римский-Корсаков", utf8),
		"an apostrophe":                   with(oid.Surname, "О'Генри", utf8),
		"a Latin surname":                 with(oid.Surname, "Müller", utf8),
		"64 characters":                   with(oid.CommonName, strings.Repeat("Я", 64), utf8),
		"two alphabets, each word in one": with(oid.CommonName, "Smith Иван", utf8),
		"a domain component":              with(oid.DomainComponent, "example", ia5),
		"printable surname":               with(oid.Surname, "Smith", printable),
	} {
		if _, err := root.IssueRequest(t.Context(), "citizen", ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: n})}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := dn(t, strings.ReplaceAll(orgDN, "ООО Ромашка", strings.Repeat("Очень длинное название ", 5)+"ООО"))
	if _, err := root.IssueRequest(t.Context(), "organization", ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: long})}); err != nil {
		t.Errorf("a long name of an organization: %v", err)
	}
}
