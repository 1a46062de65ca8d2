package suites

import (
	"crypto"
	//lint:ignore SA1019 what is tested
	"crypto/dsa" //nolint:staticcheck // a suite for reading old certificates
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// assembler turns the text form of the suite x509test (der-ascii) into octets.
type assembler struct {
	tokens []string
	err    error
}

var (
	asciiToken   = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|\\[[^\\]]*\\]|[{}]|#[^\n]*|[^\\s{}\\[\\]\"`#]+")
	asciiInclude = regexp.MustCompile(`(?m)^\s*#include <([^>]*)>.*$`)
	asciiTags    = map[string]byte{
		"SEQUENCE": 0x30, "SET": 0x31, "BOOLEAN": 1, "INTEGER": 2, "BIT_STRING": 3, "OCTET_STRING": 4, "NULL": 5,
		"OBJECT_IDENTIFIER": 6, "ENUMERATED": 10, "UTF8String": 12, "NumericString": 18, "PrintableString": 19, "T61String": 20, "IA5String": 22,
		"UTCTime": 23, "GeneralizedTime": 24, "BMPString": 30,
	}
)

// assemble reads a template with what it includes.
func assemble(t *testing.T, dir, name string) []byte {
	t.Helper()
	a := &assembler{}
	for _, tok := range asciiToken.FindAllString(asciiText(t, dir, name), -1) {
		if tok[0] != '#' {
			a.tokens = append(a.tokens, tok)
		}
	}
	out := a.elements()
	if a.err != nil || len(a.tokens) > 0 {
		t.Fatalf("%s: %v, %d tokens are left", name, a.err, len(a.tokens))
	}
	return out
}

func asciiText(t *testing.T, dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	text := asciiInclude.ReplaceAllStringFunc(string(b), func(line string) string {
		return asciiText(t, dir, filepath.Join("..", "tbs", "fragment", asciiInclude.FindStringSubmatch(line)[1]))
	})
	return strings.NewReplacer("@GENSTART@", "260101000000Z", "@GENEND@", "270101000000Z", "@GENSERIAL@", "01020304").Replace(text)
}

// elements assembles up to the closing brace or the end.
func (a *assembler) elements() []byte {
	var out []byte
	for len(a.tokens) > 0 && a.err == nil {
		tok := a.tokens[0]
		if tok == "}" {
			return out
		}
		a.tokens = a.tokens[1:]
		if len(a.tokens) > 0 && a.tokens[0] == "{" {
			a.tokens = a.tokens[1:]
			content := a.elements()
			if len(a.tokens) == 0 {
				a.err = fmt.Errorf("%s is not closed", tok)
				return nil
			}
			a.tokens = a.tokens[1:]
			out = append(out, der.Wrap(a.tag(tok), content)...)
			continue
		}
		out = append(out, a.atom(tok)...)
	}
	return out
}

func (a *assembler) tag(tok string) byte {
	if tag, ok := asciiTags[tok]; ok {
		return tag
	}
	number, primitive := strings.CutSuffix(strings.Trim(tok, "[]"), " PRIMITIVE")
	n, err := strconv.ParseUint(number, 10, 4)
	if err != nil {
		a.err = fmt.Errorf("unknown tag %s", tok)
	}
	if primitive {
		return 0x80 | byte(n)
	}
	return 0xa0 | byte(n)
}

// atom is a string, octets in hex, an object identifier or a number.
func (a *assembler) atom(tok string) (out []byte) {
	var b cryptobyte.Builder
	switch tok[0] {
	case '"':
		return []byte(strings.ReplaceAll(strings.Trim(tok, `"`), `\n`, "\n"))
	case '`':
		out, a.err = hex.DecodeString(strings.Trim(tok, "`"))
		return out
	}
	if n, ok := new(big.Int).SetString(tok, 10); ok {
		b.AddASN1BigInt(n)
	} else if o, err := oid.Parse(tok); err == nil {
		o.Add(&b)
	} else {
		a.err = fmt.Errorf("cannot read %s", tok)
		return nil
	}
	return b.BytesOrPanic()[2:] // the contents octets of a short element
}

// rsaSigned makes a certificate of a TBSCertificate.
func rsaSigned(t *testing.T, tbs []byte, key *rsa.PrivateKey) []byte {
	t.Helper()
	sum := sha256.Sum256(tbs)
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return der.Wrap(0x30, tbs, alg.NULL(oid.SHA256WithRSA).DER(), der.Wrap(3, []byte{0}, sig))
}

// dsaSigned makes a certificate of a TBSCertificate that a DSA authority signs
// with SHA-1. file is the authority's key, DSAPrivateKey ::= SEQUENCE { version,
// p, q, g, y, x } as PEM.
func dsaSigned(t *testing.T, tbs []byte, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	var body cryptobyte.String
	s := cryptobyte.String(block.Bytes)
	var n [6]big.Int
	if !s.ReadASN1(&body, asn1.SEQUENCE) {
		t.Fatal("not a DSA key")
	}
	for i := range n {
		if !body.ReadASN1Integer(&n[i]) {
			t.Fatal("not a DSA key")
		}
	}
	key := &dsa.PrivateKey{PublicKey: dsa.PublicKey{Parameters: dsa.Parameters{P: &n[1], Q: &n[2], G: &n[3]}, Y: &n[4]}, X: &n[5]}
	sum := sha1.Sum(tbs)
	r, v, err := dsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1BigInt(r); b.AddASN1BigInt(v) })
	return der.Wrap(0x30, tbs, alg.NULL(oid.DSAWithSHA1).DER(), der.Wrap(3, []byte{0}, b.BytesOrPanic()))
}

// x509testAccepted are the certificates called forbidden that are accepted,
// each with the reason: RFC 5280 does not forbid them, or it does and real
// authorities, whose certificates must verify, do so.
var x509testAccepted = map[string]string{
	"xf-serial-negative":                "4.1.2.2: users SHOULD be prepared to gracefully handle such certificates",
	"xf-serial-zero":                    "4.1.2.2: users SHOULD be prepared to gracefully handle such certificates",
	"xf-v3-uniqueid-noexts1":            "4.1.2.1: without extensions \"the version MAY be 3\"",
	"xf-v3-uniqueid-noexts2":            "4.1.2.1: without extensions \"the version MAY be 3\"",
	"xf-soon-generalized-time":          "4.1.2.5, a rule for issuers that an accredited authority of Russia breaks",
	"xf-subject-t61":                    "4.1.2.4: users SHOULD be prepared to receive certificates with these types",
	"xf-ext-key-usage-wrong-der":        "X.690, 11.2.2: certificates that GnuTLS makes have trailing zero bits",
	"xf-ext-altname-critical-subject":   "4.2.1.6: SHOULD be non-critical",
	"xf-ext-altname-email-only":         "4.2.1.6: the subject is not empty, so that the address is not the only identity",
	"xf-ext-altname-invalid-email":      "4.2.1.6, a rule that accredited authorities of Russia break; refused where constraints apply to the name",
	"xf-ext-crl-point-critical":         "4.2.1.13: SHOULD be non-critical",
	"xf-ext-issuer-altname-critical":    "4.2.1.7: SHOULD be non-critical",
	"xf-ext-auth-keyid-mismatch":        "4.2.1.1: an identifier helps to find the issuer, whose key is then tried",
	"xf-ext-auth-keyid-serial-mismatch": "4.2.1.1: names and numbers help to find the issuer, whose key is then tried",
	"xf-ext-auth-keyid-noid":            "4.2.1.1: the rule facilitates building paths",
	"xf-ext-auth-keyid-invalid-issuer":  "4.2.1.1: names help to find the issuer and are not used otherwise",
	"xf-ext-subject-keyid-ca-absent":    "4.2.1.2: the certificates of RFC 9215, appendix D have none",
	"xf-ext-ct-sct-trailing-data":       "4.2: a non-critical extension that is not recognized may be ignored",
	"xf-ext-ct-sct-wrong-type":          "4.2: a non-critical extension that is not recognized may be ignored",
	"xf-ext-cert-policies-bmp-unotice":  "4.2.1.4, a rule that accredited authorities of Russia break",
	"xf-ext-cert-policies-unotice-ch":   "4.2.1.4: SHOULD NOT include control characters",
	"xf-ext-extended-any-key-usage":     "4.2.1.12: SHOULD NOT be critical beside anyExtendedKeyUsage",
	"xf-ext-name-constraints-regid":     "4.2.1.10: SHOULD NOT; a certificate below with such a name is refused",
	"xf-ext-policy-map-noncritical":     "4.2.1.5: SHOULD be critical",
	"xf-ext-policy-map-unref":           "4.2.1.5: SHOULD also be asserted",
	"xf-ext-constraints-noncritical":    "4.2.1.9, a rule that an authority of PKITS (4.6.4) breaks on a path that it calls valid",
	"xf-ext-policy-constraint-noncrit":  "4.2.1.11, a rule that authorities of PKITS break on paths that it calls valid",
}

// TestX509Test runs google/x509test: certificates that break RFC 5280 in one
// place. The names say what is expected: "ok-" and "xf-" (forbidden).
func TestX509Test(t *testing.T) {
	dir := filepath.Join(root(t), "corpus/14-malformed/x509test")
	block, _ := pem.Decode([]byte(asciiText(t, dir, "cfg/fake-intermediate-ca.private.pem")))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	key := parsed.(*rsa.PrivateKey)
	anchor := x509testRoot(t, filepath.Join(dir, "tbs"), key)
	ran := 0
	for _, folder := range []string{"tbs", "tbs2"} {
		files, err := filepath.Glob(filepath.Join(dir, folder, "*.tbs"))
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, file := range files {
			name, ca := strings.CutSuffix(strings.TrimSuffix(filepath.Base(file), ".tbs"), ".ca")
			if ca {
				continue
			}
			name, leaf := strings.CutSuffix(name, ".leaf")
			ran++
			t.Run(name, func(t *testing.T) {
				v := &verify.Verifier{
					Roots: pki.NewPool(anchor), Intermediates: pki.NewPool(), Policy: pkitsPolicy(t), Lang: verify.English, // DSA is among them
					Now: func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) },
				}
				v.Policy.UnsafeNoRevocation = true
				if leaf {
					c, err := pki.ParseCertificate(rsaSigned(t, assemble(t, filepath.Join(dir, folder), name+".ca.tbs"), key))
					if err != nil {
						t.Fatal(err)
					}
					v.Intermediates.Add(c)
				}
				tbs := assemble(t, filepath.Dir(file), filepath.Base(file))
				raw := rsaSigned(t, tbs, key)
				if name == "ok-inherited-keyparams" {
					raw = dsaSigned(t, tbs, filepath.Join(dir, "cfg/fake-intermediate-ca-dsa.private.pem"))
				}
				x509testJudge(t, v, name, raw)
			})
		}
	}
	if ran < 140 {
		t.Errorf("only %d certificates were looked at", ran)
	}
}

func x509testRoot(t *testing.T, dir string, key *rsa.PrivateKey) *pki.Certificate {
	t.Helper()
	name, err := pki.ParseName(assemble(t, dir, "fragment/issuer.ascii"))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), BasicConstraints: true, IsCA: true, MaxPathLen: -1,
		KeyUsage: pki.KeyUsageCertSign | pki.KeyUsageCRLSign, SubjectKeyID: []byte{1, 2, 3, 4},
	}
	raw, err := pki.CreateCertificate(rand.Reader, tmpl, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// x509testJudge verifies one certificate and compares with its name.
func x509testJudge(t *testing.T, v *verify.Verifier, name string, raw []byte) {
	said, passed := "not a certificate", false
	if cert, err := pki.ParseCertificate(raw); err == nil {
		report, _ := v.VerifyCertificate(t.Context(), cert)
		detail, _ := report.Deciding()
		said, passed = fmt.Sprint(report.Verdict(), " ", report.Reason, ": ", detail.Detail), report.Status == verify.Passed
	}
	why := x509testAccepted[name]
	switch forbidden := strings.HasPrefix(name, "xf-"); {
	case forbidden && passed && why == "":
		t.Errorf("accepted: %s", said)
	case forbidden && !passed && why != "":
		t.Errorf("refused, but is listed as accepted (%s): %s", why, said)
	case !forbidden && !passed:
		t.Errorf("refused: %s", said)
	}
}
