package pki_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// identifiers: valid numbers (published ones of well-known organisations and
// made-up ones) and, for each check digit, the number with that digit changed.
var identifiers = []struct {
	kind   string
	check  func(string) error
	value  string
	reason pki.IdentifierReason // "" : valid
}{
	{"SNILS", pki.CheckSNILS, "11223344595", ""},
	{"SNILS", pki.CheckSNILS, "11223344596", pki.IdentifierCheckDigit},
	{"SNILS", pki.CheckSNILS, "11223344585", pki.IdentifierCheckDigit},
	{"SNILS", pki.CheckSNILS, "00100199800", ""}, // numbers up to 001-001-998 have no check
	{"SNILS", pki.CheckSNILS, "00000000000", pki.IdentifierZero},
	{"SNILS", pki.CheckSNILS, "112-233-445", pki.IdentifierNotDigits},
	{"SNILS", pki.CheckSNILS, "1122334459", pki.IdentifierLength},
	{"INN", pki.CheckINN, "500100732259", ""},
	{"INN", pki.CheckINN, "500100732258", pki.IdentifierCheckDigit},
	{"INN", pki.CheckINN, "500100732249", pki.IdentifierCheckDigit},
	{"INN", pki.CheckINN, "7707083893", pki.IdentifierOrganization},
	{"INN", pki.CheckINN, "000000000000", pki.IdentifierZero},
	{"INNLE", pki.CheckINNLE, "7707083893", ""},
	{"INNLE", pki.CheckINNLE, "7707083894", pki.IdentifierCheckDigit},
	{"INNLE", pki.CheckINNLE, "500100732259", pki.IdentifierLength},
	{"INNLE", pki.CheckINNLE, "0000000000", pki.IdentifierZero},
	{"OGRN", pki.CheckOGRN, "1027700132195", ""},
	{"OGRN", pki.CheckOGRN, "1027700132194", pki.IdentifierCheckDigit},
	{"OGRN", pki.CheckOGRN, "102770013219", pki.IdentifierLength},
	{"OGRNIP", pki.CheckOGRNIP, "304500116000157", ""},
	{"OGRNIP", pki.CheckOGRNIP, "304500116000158", pki.IdentifierCheckDigit},
	{"OGRNIP", pki.CheckOGRNIP, "３04500116000157", pki.IdentifierNotDigits},
}

func TestIdentifiers(t *testing.T) {
	for _, c := range identifiers {
		err := c.check(c.value)
		var e *pki.IdentifierError
		switch {
		case c.reason == "" && err != nil:
			t.Errorf("%s %s: %v", c.kind, c.value, err)
		case c.reason != "" && (!errors.As(err, &e) || e.Reason != c.reason || e.Kind != c.kind):
			t.Errorf("%s %s: got %v, want %s", c.kind, c.value, err, c.reason)
		}
	}
}

// A remainder of 100 or 101 gives the check number 00.
func TestSNILSRemainder100(t *testing.T) {
	found := false
	for n := 900000000; n < 900002000 && !found; n++ {
		digits := []byte{}
		sum := 0
		for i, d := range []byte(strings.TrimSpace(itoa(n))) {
			digits = append(digits, d)
			sum += int(d-'0') * (9 - i)
		}
		if sum%101 == 100 {
			found = true
			if err := pki.CheckSNILS(string(digits) + "00"); err != nil {
				t.Errorf("%s00: %v", digits, err)
			}
		}
	}
	if !found {
		t.Fatal("no number with the remainder 100 was tried")
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append(b, byte('0'+n%10))
	}
	slices.Reverse(b)
	return string(b)
}

func TestParseDN(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"CN=Иванов Иван", "CN=Иванов Иван"},
		{"cn=a,C=ru", "CN=a,C=RU"},
		{" CN = a b , C = RU ", "CN=a b,C=RU"},
		{`CN=a\, b\+c`, `CN=a\, b\+c`},
		{`CN=\D0\98`, "CN=И"},
		{`O="ООО ""Ромашка"", филиал"`, `O=ООО \"Ромашка\"\, филиал`},
		{`CN=\ a\ `, `CN=\ a\ `},
		{`CN=\#5`, `CN=\#5`},
		{"CN=a+SN=b,C=RU", "CN=a+SN=b,C=RU"},
		{"SNILS=112-233-445 95", "SNILS=11223344595"},
		{"СНИЛС=112-233-445 95,ИНН=500100732259", "SNILS=11223344595,INN=500100732259"},
		{"ИННЮЛ=7707083893,ОГРН=1027700132195,ОГРНИП=304500116000157", "INNLE=7707083893,OGRN=1027700132195,OGRNIP=304500116000157"},
		{"1.2.643.100.3=11223344595", "SNILS=11223344595"},
		{"OID.2.5.4.3=x", "CN=x"},
		{"1.2.3.4=x", "1.2.3.4=#0c0178"},
		{"1.2.3.4=#0c0178", "1.2.3.4=#0c0178"},
		{"CN=#0c0178", "CN=x"},
		{"S=77 г. Москва,STREET=ул. Мира\\, 1,E=a@b.ru,T=Директор,G=Иван", "ST=77 г. Москва,STREET=ул. Мира\\, 1,E=a@b.ru,T=Директор,G=Иван"},
		{"CN=a\x07b", `CN=a\07b`},
	} {
		n, err := pki.ParseDN(c.in)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if n.String() != c.out {
			t.Errorf("%q: %q, want %q", c.in, n, c.out)
		}
		again, err := pki.ParseDN(n.String())
		if err != nil || !again.Equal(n) || again.String() != c.out {
			t.Errorf("%q does not read back: %q, %v", n, again, err)
		}
	}
}

// The first RDN of the text is the last of the encoding (RFC 4514, 2.1), and
// the Russian attributes are NumericString.
func TestParseDNEncoding(t *testing.T) {
	n, err := pki.ParseDN("CN=И,SNILS=11223344595,E=a@b.ru,C=RU")
	if err != nil {
		t.Fatal(err)
	}
	want := "3049" +
		"310b3009" + "0603550406" + "13025255" +
		"3115301306092a864886f70d010901" + "1606" + "6140622e7275" +
		"3116301406052a85036403" + "120b3131323233333434353935" +
		"310b3009" + "0603550403" + "0c02d098"
	if got := hex.EncodeToString(n.Raw); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseDNErrors(t *testing.T) {
	for _, c := range []struct {
		in        string
		reason    pki.DNReason
		attribute string
	}{
		{"", pki.DNEmpty, ""},
		{"CN", pki.DNSyntax, ""},
		{"CN=", pki.DNEmpty, "CN"},
		{"CN=a,", pki.DNEmpty, ""},
		{"CN=a,,C=RU", pki.DNSyntax, ""},
		{"XY=a", pki.DNUnknown, "XY"},
		{"CN=a;b", pki.DNSyntax, "CN"},
		{`CN=a\zz`, pki.DNSyntax, "CN"},
		{`CN="a`, pki.DNSyntax, "CN"},
		{`CN="a"b`, pki.DNSyntax, "CN"},
		{"CN=#zz", pki.DNSyntax, "CN"},
		{"CN=#0c0278", pki.DNSyntax, "CN"},
		{"C=RUS", pki.DNCountry, "C"},
		{"C=Р1", pki.DNCountry, "C"},
		{"E=иван@почта.рф", pki.DNCharset, "E"},
		{"serialNumber=№1", pki.DNCharset, "serialNumber"},
		{"SNILS=112-233-445 96", pki.DNIdentifier, "SNILS"},
		{"ИНН=7707083893", pki.DNIdentifier, "ИНН"},
		{"SNILS=#0c0d3131322d3233332d343435203936", pki.DNSyntax, "SNILS"},
		{"SNILS=#120b3131323233333434353936", pki.DNIdentifier, "SNILS"},
		{"CN=\xff", pki.DNSyntax, ""},
		{"CN=" + strings.Repeat("a", 20000), pki.DNTooLong, ""},
	} {
		_, err := pki.ParseDN(c.in)
		var e *pki.DNError
		if !errors.As(err, &e) || e.Reason != c.reason || e.Attribute != c.attribute || e.Error() == "" {
			t.Errorf("%.40q: got %v, want %s at %q", c.in, err, c.reason, c.attribute)
		}
	}
	_, err := pki.ParseDN("INN=7707083893")
	var id *pki.IdentifierError
	if !errors.As(err, &id) || id.Reason != pki.IdentifierOrganization || !strings.Contains(err.Error(), "INNLE") {
		t.Errorf("a 10-digit INN does not point to INNLE: %v", err)
	}
}

// RFC 5280, 7.1.
func TestNameEqual(t *testing.T) {
	mk := func(rdns ...[]pki.Attribute) pki.Name {
		raw, err := pki.Name{RDNs: rdns}.DER()
		if err != nil {
			t.Fatal(err)
		}
		n, err := pki.ParseName(raw)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	cn := func(tag byte, v string) pki.Attribute {
		return pki.Attribute{Type: oid.CommonName, Tag: tag, Value: v}
	}
	o := pki.Attribute{Type: oid.Organization, Value: "x"}
	base := mk([]pki.Attribute{cn(0x0c, "Root CA")}, []pki.Attribute{o})
	for name, c := range map[string]struct {
		n    pki.Name
		want bool
	}{
		"same":              {mk([]pki.Attribute{cn(0x0c, "Root CA")}, []pki.Attribute{o}), true},
		"printable":         {mk([]pki.Attribute{cn(0x13, "Root CA")}, []pki.Attribute{o}), true},
		"case":              {mk([]pki.Attribute{cn(0x0c, "rOOT ca")}, []pki.Attribute{o}), true},
		"white space":       {mk([]pki.Attribute{cn(0x0c, " Root   CA ")}, []pki.Attribute{o}), true},
		"no space":          {mk([]pki.Attribute{cn(0x0c, "RootCA")}, []pki.Attribute{o}), false},
		"order":             {mk([]pki.Attribute{o}, []pki.Attribute{cn(0x0c, "Root CA")}), false},
		"one RDN":           {mk([]pki.Attribute{cn(0x0c, "Root CA"), o}), false},
		"fewer":             {mk([]pki.Attribute{cn(0x0c, "Root CA")}), false},
		"octet string":      {mk([]pki.Attribute{cn(0x04, "Root CA")}, []pki.Attribute{o}), false},
		"another attribute": {mk([]pki.Attribute{cn(0x0c, "Root CA")}, []pki.Attribute{{Type: oid.Locality, Value: "x"}}), false},
	} {
		if got := base.Equal(c.n); got != c.want || c.n.Equal(base) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	a := mk([]pki.Attribute{cn(0x0c, "А"), o})
	b := mk([]pki.Attribute{o, cn(0x0c, "а")})
	if !a.Equal(b) {
		t.Error("the order inside a multi-valued RDN or Cyrillic case matters")
	}
}

func TestHolder(t *testing.T) {
	for _, c := range []struct {
		dn   string
		want pki.Holder
	}{
		{
			"CN=Иванов И. И.,SN=Иванов,G=Иван Иванович,SNILS=11223344595,INN=500100732259",
			pki.Holder{Person: "Иванов Иван Иванович", SNILS: "11223344595", INN: "500100732259"},
		},
		{"CN=Иванов И. И.", pki.Holder{Person: "Иванов И. И."}},
		{"CN=ООО Ромашка,OGRN=1027700132195,INNLE=7707083893", pki.Holder{Organization: "ООО Ромашка", OGRN: "1027700132195", INNLE: "7707083893"}},
		{"O=Банк,1.2.643.3.131.1.1=#120c303037373037303833383933", pki.Holder{}},
	} {
		n, err := pki.ParseDN(c.dn)
		if strings.Contains(c.dn, "#") {
			// An INN of the form 00 + 10 digits can be read, not written.
			if err == nil {
				t.Error("an organisation's number was accepted as a person's INN")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Holder(); got != c.want {
			t.Errorf("%s: %+v", c.dn, got)
		}
	}
	old := pki.Name{RDNs: [][]pki.Attribute{
		{{Type: oid.Organization, Value: "Банк"}},
		{{Type: oid.INN, Tag: 0x12, Value: "007707083893"}},
	}}
	raw, err := old.DER()
	if err != nil {
		t.Fatal(err)
	}
	n, err := pki.ParseName(raw)
	if err != nil {
		t.Fatal(err)
	}
	if h := n.Holder(); h.INNLE != "7707083893" || h.INN != "" || h.Organization != "Банк" {
		t.Errorf("the old form of an organisation's INN: %+v", h)
	}
}
