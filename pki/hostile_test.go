package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// parts are the fields of a certificate as DER elements, to be changed and
// signed again: hostile input arrives as octets, not as structs.
type parts struct {
	version, serial, sigAlg, issuer, validity, subject, spki []byte
	extensions                                               [][]byte
	tail                                                     []byte // after the extensions
	outerAlg                                                 []byte
	unused                                                   byte
}

func split(t testing.TB, c *pki.Certificate) *parts {
	t.Helper()
	s := cryptobyte.String(c.RawTBSCertificate)
	var tbs cryptobyte.String
	if !s.ReadASN1(&tbs, asn1.SEQUENCE) {
		t.Fatal("tbs")
	}
	p := new(parts)
	for _, out := range []*[]byte{&p.version, &p.serial, &p.sigAlg, &p.issuer, &p.validity, &p.subject, &p.spki} {
		var e cryptobyte.String
		var tag asn1.Tag
		if !tbs.ReadAnyASN1Element(&e, &tag) {
			t.Fatal("field")
		}
		*out = e
	}
	for _, e := range c.Extensions {
		p.extensions = append(p.extensions, e.Raw)
	}
	p.outerAlg = p.sigAlg
	return p
}

// sign builds the certificate again.
func (p *parts) sign(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, f := range [][]byte{p.version, p.serial, p.sigAlg, p.issuer, p.validity, p.subject, p.spki} {
			b.AddBytes(f)
		}
		if p.extensions != nil {
			b.AddASN1(0xa3, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(p.extensions, nil)) })
			})
		}
		b.AddBytes(p.tail)
	})
	tbs := b.BytesOrPanic()
	sig, err := alg.SignMessage(rand.Reader, key, alg.SignatureForKey(key.Public()), tbs)
	if err != nil {
		t.Fatal(err)
	}
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(p.outerAlg)
		b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) {
			b.AddUint8(p.unused)
			b.AddBytes(sig)
		})
	})
	return out.BytesOrPanic()
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// extension builds an Extension; critical is the whole BOOLEAN or "".
func extension(t testing.TB, id, critical, value string) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(unhex(t, id))
		b.AddBytes(unhex(t, critical))
		b.AddASN1OctetString(unhex(t, value))
	})
	return b.BytesOrPanic()
}

const (
	idKeyUsage = "0603551d0f"
	idBasic    = "0603551d13"
	idEKU      = "0603551d25"
	idSKI      = "0603551d0e"
	idAKI      = "0603551d23"
	idSAN      = "0603551d11"
	idCDP      = "0603551d1f"
	idPKUP     = "0603551d10"
	idNC       = "0603551d1e"
	idPolicies = "0603551d20"
	idUnknown  = "06032a0304"
	critical   = "0101ff"
)

// deviations: what the parser must accept with a finding. severity is that of
// the finding with the code.
var deviations = []struct {
	name     string
	change   func(t testing.TB, p *parts)
	code     string
	severity pki.Severity
}{
	{"serial negative", func(t testing.TB, p *parts) { p.serial = unhex(t, "0201ff") }, "serial-negative", pki.Warn},
	{"serial zero", func(t testing.TB, p *parts) { p.serial = unhex(t, "020100") }, "serial-zero", pki.Warn},
	{"serial not minimal", func(t testing.TB, p *parts) { p.serial = unhex(t, "02020001") }, "integer-not-minimal", pki.Error},
	{"serial of 21 octets", func(t testing.TB, p *parts) { p.serial = append([]byte{2, 21}, bytes.Repeat([]byte{1}, 21)...) }, "serial-long", pki.Warn},
	{"v1 with extensions", func(_ testing.TB, p *parts) { p.version = nil }, "extensions-in-old-version", pki.Error},
	{"v1 written", func(t testing.TB, p *parts) { p.version = unhex(t, "a003020100") }, "default-encoded", pki.Warn},
	{"version 4", func(t testing.TB, p *parts) { p.version = unhex(t, "a003020103") }, "version-unknown", pki.Error},
	{"outer algorithm", func(t testing.TB, p *parts) { p.outerAlg = unhex(t, "300a06082a85030701010303") }, "algorithm-mismatch", pki.Error},
	{"unused bits", func(_ testing.TB, p *parts) { p.unused = 1 }, "signature-unused-bits", pki.Error},
	{"no issuer", func(t testing.TB, p *parts) { p.issuer = unhex(t, "3000") }, "issuer-empty", pki.Error},
	{"empty RDN", func(t testing.TB, p *parts) { p.subject = unhex(t, "30023100") }, "alt-name-not-critical", pki.Error},
	{"PrintableString with @", func(t testing.TB, p *parts) { p.subject = unhex(t, "300c310a3008060355040313 0140") }, "string-alphabet", pki.Error},
	{"TeletexString", func(t testing.TB, p *parts) { p.subject = unhex(t, "300c310a3008060355040314 01e9") }, "name-old-string-type", pki.Info},
	{"name is a SEQUENCE", func(t testing.TB, p *parts) { p.subject = unhex(t, "300d310b3009060355041030 020500") }, "name-value-type", pki.Warn},
	{"GeneralizedTime before 2050", func(t testing.TB, p *parts) {
		p.validity = times("180f", "20260102030405Z", "170d", "490102030405Z")
	}, "time-generalized", pki.Warn},
	{"no seconds", func(_ testing.TB, p *parts) { p.validity = times("170b", "2601020304Z", "170d", "490102030405Z") }, "time-form", pki.Error},
	{"offset", func(_ testing.TB, p *parts) { p.validity = times("1711", "260102030405+0300", "170d", "490102030405Z") }, "time-form", pki.Error},
	{"validity inverted", func(_ testing.TB, p *parts) { p.validity = times("170d", "490102030405Z", "170d", "260102030405Z") }, "validity-inverted", pki.Warn},
	{"duplicate extension", func(_ testing.TB, p *parts) { p.extensions = append(p.extensions, p.extensions[0]) }, "extension-duplicate", pki.Error},
	{"no extensions inside", func(_ testing.TB, p *parts) { p.extensions = [][]byte{} }, "extensions-empty", pki.Warn},
	{"critical 01", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idKeyUsage, "010101", "03020780")}
	}, "boolean-not-der", pki.Warn},
	{"critical FALSE", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idKeyUsage, "010100", "03020780")}
	}, "default-encoded", pki.Info},
	{"cA 01", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idBasic, critical, "3003010101")}
	}, "boolean-not-der", pki.Warn},
	{"pathLen without cA", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idBasic, critical, "3003020100")}
	}, "pathlen-without-ca", pki.Error},
	{"pathLen negative", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idBasic, critical, "30060101ff0201ff")}
	}, "extension-malformed", pki.Error},
	{"basicConstraints broken", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idBasic, "", "0500")}
	}, "extension-malformed", pki.Error},
	{"keyUsage broken", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idKeyUsage, "", "0300")}
	}, "extension-malformed", pki.Error},
	{"keyUsage empty", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idKeyUsage, critical, "030100")}
	}, "key-usage-empty", pki.Error},
	{"extKeyUsage empty", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idEKU, "", "3000")}
	}, "extension-malformed", pki.Error},
	{"SKI broken", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idSKI, "", "0500")}
	}, "extension-malformed", pki.Warn},
	{"SKI broken and critical", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idSKI, critical, "0500")}
	}, "extension-malformed", pki.Error},
	{"AKI empty", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idAKI, "", "3000")}
	}, "authority-key-identifier-empty", pki.Info},
	{"SAN not IA5", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idSAN, "", "30048202d098")}
	}, "alt-name-form", pki.Error},
	{"SAN empty", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idSAN, "", "3000")}
	}, "alt-names-empty", pki.Error},
	{"CRL points empty", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idCDP, "", "3000")}
	}, "distribution-points-empty", pki.Warn},
	{"policy twice", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idPolicies, "", "300e 3005 06032a0304 3005 06032a0304")}
	}, "policy-duplicate", pki.Error},
	{"period broken", func(t testing.TB, p *parts) {
		p.extensions = [][]byte{extension(t, idPKUP, "", "3003800131")}
	}, "extension-malformed", pki.Error},
}

func times(tag1, t1, tag2, t2 string) []byte {
	out := fmt.Sprintf("30%02x%s%x%s%x", 4+len(t1)+len(t2), tag1, t1, tag2, t2)
	b, _ := hex.DecodeString(out) // tests fail below if the text is wrong
	return b
}

func TestDeviations(t *testing.T) {
	key := newKey(t, "gost2012-256", "tc26-256-a")
	root, leaf, _ := issue(t, key)
	for _, d := range deviations {
		p := split(t, leaf)
		d.change(t, p)
		c, err := pki.ParseCertificate(p.sign(t, key))
		if err != nil {
			t.Errorf("%s: %v", d.name, err)
			continue
		}
		i := slices.IndexFunc(c.Findings, func(f pki.Finding) bool { return f.Code == d.code && f.Severity == d.severity })
		if i < 0 {
			t.Errorf("%s: findings %v", d.name, c.Findings)
			continue
		}
		if f := c.Findings[i]; f.Field == "" || f.Detail == "" || f.Cite == "" {
			t.Errorf("%s: incomplete finding %+v", d.name, f)
		}
		if pki.HasErrors(c.Findings) != (d.severity == pki.Error) && d.code != "default-encoded" {
			t.Errorf("%s: other findings %v", d.name, c.Findings)
		}
		// A finding does not hide the signature's own verdict.
		switch err := c.CheckSignatureFrom(root); d.code {
		case "algorithm-mismatch":
			if !errors.Is(err, pki.ErrAlgorithmMismatch) {
				t.Errorf("%s: %v", d.name, err)
			}
		case "signature-unused-bits":
			if !errors.Is(err, pki.ErrSignatureForm) {
				t.Errorf("%s: %v", d.name, err)
			}
		default:
			if err != nil {
				t.Errorf("%s: %v", d.name, err)
			}
		}
	}
}

// A usage that cannot be read must not be taken for no restriction.
func TestUnreadableUsageGrantsNothing(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	_, leaf, _ := issue(t, key)
	p := split(t, leaf)
	p.extensions = [][]byte{extension(t, idKeyUsage, "", "0500"), extension(t, idEKU, "", "0500"), extension(t, idBasic, "", "30030101")}
	c := mustCert(t, p.sign(t, key))
	if !c.HasKeyUsage || c.KeyUsage != 0 || c.ExtKeyUsage == nil || len(c.ExtKeyUsage) != 0 || c.BasicConstraintsValid || c.IsCA {
		t.Errorf("usage %v %v, purposes %v, CA %v", c.HasKeyUsage, c.KeyUsage, c.ExtKeyUsage, c.IsCA)
	}
}

func TestUnhandledCritical(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	_, leaf, _ := issue(t, key)
	p := split(t, leaf)
	p.extensions = [][]byte{
		extension(t, idUnknown, critical, "0500"), extension(t, idNC, critical, "3000"),
		extension(t, "06032a0305", "", "0500"), extension(t, idKeyUsage, critical, "03020780"),
	}
	c := mustCert(t, p.sign(t, key))
	if got := fmt.Sprint(c.UnhandledCritical); got != "[1.2.3.4]" {
		t.Errorf("got %s", got)
	}
}

// OpenSSL writes NULL parameters, RFC 9215 wants none: both verify, also when
// the two places differ in that alone.
func TestNullParameters(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	root, leaf, _ := issue(t, key)
	null := unhex(t, "300c06082a850307010103020500")
	for _, both := range []bool{true, false} {
		p := split(t, leaf)
		p.outerAlg = null
		if both {
			p.sigAlg = null
		}
		c := mustCert(t, p.sign(t, key))
		if err := c.CheckSignatureFrom(root); err != nil || len(c.Findings) != 0 {
			t.Errorf("%v %v", err, c.Findings)
		}
	}
}

func TestBrokenKey(t *testing.T) {
	key := newKey(t, "gost2012-256", "tc26-256-a")
	root, leaf, _ := issue(t, key)
	p := split(t, leaf)
	p.spki = bytes.Clone(p.spki)
	p.spki[len(p.spki)-1] ^= 1
	c := mustCert(t, p.sign(t, key))
	if c.PublicKey != nil || c.PublicKeyError == nil {
		t.Error("a point that is not on the curve is accepted")
	}
	if err := root.CheckSignatureFrom(c); !errors.Is(err, pki.ErrNoKey) {
		t.Errorf("verifying with a broken key: %v", err)
	}
	p = split(t, leaf)
	p.spki = unhex(t, "300b 3005 06032a0304 0302 0000")
	c = mustCert(t, p.sign(t, key))
	var unknown *alg.UnknownError
	if !errors.As(c.PublicKeyError, &unknown) {
		t.Errorf("unknown algorithm: %v", c.PublicKeyError)
	}
}

// refusals: what is no certificate at all; the error names the field.
func TestRefused(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	_, leaf, _ := issue(t, key)
	raw := leaf.Raw
	long := append([]byte{0x30, 0x83, 0x00}, raw[2:]...)
	for name, c := range map[string]struct {
		data  []byte
		field string
	}{
		"empty":             {nil, "certificate"},
		"text":              {[]byte("<html>"), "certificate"},
		"truncated":         {raw[:len(raw)-5], "certificate"},
		"trailing":          {append(bytes.Clone(raw), 0), "certificate"},
		"length not DER":    {long, "certificate"},
		"indefinite":        {append(append([]byte{0x30, 0x80}, raw[4:]...), 0, 0), "certificate"},
		"serial missing":    {mutate(t, leaf, key, func(p *parts) { p.serial = nil }), "serialNumber"},
		"serial of 65":      {mutate(t, leaf, key, func(p *parts) { p.serial = append([]byte{2, 65}, make([]byte, 65)...) }), "serialNumber"},
		"validity":          {mutate(t, leaf, key, func(p *parts) { p.validity = times("170d", "269902030405Z", "170d", "490102030405Z") }), "notBefore"},
		"name":              {mutate(t, leaf, key, func(p *parts) { p.subject = []byte{0x30, 2, 0x30, 0} }), "subject"},
		"key":               {mutate(t, leaf, key, func(p *parts) { p.spki = []byte{0x30, 0} }), "subjectPublicKeyInfo"},
		"tail":              {mutate(t, leaf, key, func(p *parts) { p.tail = []byte{5, 0} }), "tbsCertificate"},
		"extension":         {mutate(t, leaf, key, func(p *parts) { p.extensions = [][]byte{{0x30, 0}} }), "extnID"},
		"critical of 2":     {mutate(t, leaf, key, func(p *parts) { p.extensions = [][]byte{extension(t, idKeyUsage, "0102ffff", "")} }), "critical"},
		"many extensions":   {mutate(t, leaf, key, func(p *parts) { p.extensions = slices.Repeat(p.extensions[:1], 200) }), "extensions"},
		"version of 2 MiB":  {make([]byte, 2<<20), "larger"},
		"request, not cert": {requestOf(t, key), "certificate"},
	} {
		_, err := pki.ParseCertificate(c.data)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if !strings.HasPrefix(err.Error(), "pki: ") || !strings.Contains(err.Error(), c.field) && name != "request, not cert" {
			t.Errorf("%s: the error does not name %q: %v", name, c.field, err)
		}
	}
}

func mutate(t testing.TB, c *pki.Certificate, key crypto.Signer, f func(*parts)) []byte {
	t.Helper()
	p := split(t, c)
	f(p)
	return p.sign(t, key)
}

func requestOf(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: mustDN(t, "CN=x")}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A flood of small findings must neither grow without bound nor hide an Error.
func TestFindingsAreBounded(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	_, leaf, _ := issue(t, key)
	p := split(t, leaf)
	rdn := unhex(t, "310a3008060355040314 01e9")
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Repeat(rdn, 250)) })
	p.subject, p.issuer = b.BytesOrPanic(), b.BytesOrPanic()
	p.unused = 0
	p.extensions = append(p.extensions, p.extensions[0])
	c := mustCert(t, p.sign(t, key))
	if len(c.Findings) > 256 || !pki.HasErrors(c.Findings) {
		t.Errorf("%d findings, an Error among them: %v", len(c.Findings), pki.HasErrors(c.Findings))
	}
}

func TestHostileCRL(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	root, _, _ := issue(t, key)
	der, err := pki.CreateCRL(nil, crlTemplate(t), root, key)
	if err != nil {
		t.Fatal(err)
	}
	l := mustCRL(t, append(bytes.Clone(der), "left over"...))
	if !bytes.Equal(l.Raw, der) || len(l.Findings) != 1 || l.Findings[0].Code != "trailing-octets" || l.CheckSignatureFrom(root) != nil {
		t.Errorf("octets after a list: %v", l.Findings)
	}
	if _, err := pki.ParseCRL(der[:len(der)-1]); err == nil {
		t.Error("a truncated list is accepted")
	}
	if _, err := pki.ParseCRL(root.Raw); err == nil {
		t.Error("a certificate is taken for a list")
	}
	tmpl := crlTemplate(t)
	tmpl.ExtraExtensions = []pki.Extension{{ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}}
	if der, err = pki.CreateCRL(nil, tmpl, root, key); err != nil {
		t.Fatal(err)
	}
	if l := mustCRL(t, der); fmt.Sprint(l.UnhandledCritical) != "[1.2.3.4]" {
		t.Errorf("unknown critical extension of the list: %v", l.UnhandledCritical)
	}
	// The reasonCode of the second entry becomes an unknown critical extension
	// of an entry: 55 1d 15 is one octet longer as non-critical, so change the
	// identifier and keep the lengths.
	der, _ = pki.CreateCRL(nil, indirectTemplate(t), root, key)
	der = bytes.Replace(der, unhex(t, "0603551d1d0101ff"), unhex(t, "0603551d630101ff"), 1)
	if l := mustCRL(t, der); fmt.Sprint(l.UnhandledCritical) != "[2.5.29.99]" {
		t.Errorf("unknown critical extension of an entry: %v", l.UnhandledCritical)
	}
}

func indirectTemplate(t testing.TB) *pki.CRLTemplate {
	other := mustDN(t, "CN=другой УЦ")
	tmpl := crlTemplate(t)
	tmpl.IDP = &pki.IssuingDistributionPoint{IndirectCRL: true}
	tmpl.Entries[0].Issuer = &other
	return tmpl
}
