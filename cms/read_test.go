package cms_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func indef(tag byte, parts ...[]byte) []byte {
	return slices.Concat([]byte{tag, 0x80}, slices.Concat(parts...), []byte{0, 0})
}

// encodeBER returns the message with indefinite lengths and the content in
// pieces; certificates stay DER.
func (m message) encodeBER(t testing.TB, signer []byte) []byte {
	t.Helper()
	m = m.defaults(t)
	var pieces []byte
	for rest := m.content; len(rest) > 0; {
		n := min(7, len(rest))
		pieces = append(pieces, der.Wrap(0x04, rest[:n])...)
		rest = rest[n:]
	}
	encap := indef(0x30, oidDER(m.contentType), indef(0xa0, indef(0x24, pieces)))
	body := indef(0x30, []byte{2, 1, 1}, indef(0x31, indefinite(t, m.digestAlg.DER(), false)), encap, indef(0xa0, m.certs...), indef(0x31, signer))
	return indef(0x30, oidDER(oid.SignedData), indef(0xa0, body))
}

// TestReaderAccepts holds what real producers write and a reader has to take.
func TestReaderAccepts(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "cryptopro-xcha", "CN=Signer")
	big := newIdentity(t, "gost2012-512", "tc26-512-a", "CN=Signer 512")
	null := []byte{5, 0}
	base := message{id: id, content: []byte("The content of the message, long enough to be cut in pieces.")}
	sorted := base.encode(t)
	unsorted := [][]byte{base.digestAttr(t), base.contentTypeAttr()}
	derSet := der.Wrap(0x31, unsorted[1], unsorted[0])
	with := func(f func(*message)) []byte { m := base; f(&m); return m.encode(t) }
	signer := base.signerInfo(t)
	v1 := der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0x04, digest(t, alg.Identifier{OID: oid.SHA1}, id.cert.Raw)))))
	tests := []struct {
		name string
		data []byte
		warn []string // checks that pass with a warning
	}{
		{"DER", sorted, nil},
		{"512 bits", message{id: big, content: []byte("x")}.encode(t), nil},
		{"signature algorithm with digest", with(func(m *message) { m.sigAlg.OID = oid.GOST2012_256WithStreebog256 }), nil},
		{"signature algorithm with digest and NULL", with(func(m *message) {
			m.sigAlg = alg.Identifier{OID: oid.GOST2012_256WithStreebog256, Params: null}
		}), nil},
		{"key algorithm with NULL", with(func(m *message) { m.sigAlg = alg.Identifier{OID: oid.GOST2012_256, Params: null} }), nil},
		{"digest algorithm with NULL", with(func(m *message) { m.digestAlg = alg.Identifier{OID: oid.Streebog256, Params: null} }), nil},
		{"digest algorithm is a signature", with(func(m *message) { m.digestAlg.OID = oid.GOST2012_256WithStreebog256 }), []string{cms.CheckDigestAlgorithm}},
		{"no digest announced", with(func(m *message) { m.digests = []byte{} }), []string{cms.CheckDigestAlgorithm}},
		{"attributes unsorted", with(func(m *message) { m.attrs = unsorted }), []string{cms.CheckAttributesOrder}},
		{"attributes unsorted, signature over the sorted", with(func(m *message) { m.attrs, m.signOver = unsorted, derSet }), []string{cms.CheckAttributesOrder}},
		{"no attributes", with(func(m *message) { m.noAttrs = true }), nil},
		{"version 3 with issuer and serial", with(func(m *message) { m.version = 3 }), []string{cms.CheckVersion}},
		{"key identifier", with(func(m *message) { m.version, m.sid = 3, der.Wrap(0x80, id.cert.SubjectKeyID) }), nil},
		{"other content type", with(func(m *message) { m.contentType = oid.TSTInfo }), nil},
		{"signing-certificate v1", with(func(m *message) {
			m.attrs = [][]byte{m.contentTypeAttr(), attr(oid.AttrSigningCertificate, v1), m.digestAttr(t)}
		}), nil},
		{"BER", base.encodeBER(t, signer), nil},
		{"BER with a signer in BER", base.encodeBER(t, indefinite(t, signer, true)), []string{cms.CheckAttributesOrder}},
	}
	for _, tt := range tests {
		sd, checks, err := check(t, tt.data)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := warnings(checks[0]); !slices.Equal(got, tt.warn) {
			t.Errorf("%s: warnings %v, want %v", tt.name, got, tt.warn)
		}
		if len(sd.Signers) != 1 || sd.BER != strings.HasPrefix(tt.name, "BER") {
			t.Errorf("%s: %d signers, BER %v", tt.name, len(sd.Signers), sd.BER)
		}
		for _, c := range checks[0] {
			if c.Cite == "" || c.Err != nil {
				t.Errorf("%s: %+v", tt.name, c)
			}
		}
	}
}

// TestReaderRefuses holds what must not be accepted, and the check that says so.
func TestReaderRefuses(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "cryptopro-xcha", "CN=Signer")
	other := newIdentity(t, "gost2012-256", "cryptopro-xcha", "CN=Signer")
	base := message{id: id, content: []byte("content")}
	ct, md := base.contentTypeAttr(), base.digestAttr(t)
	value := der.Wrap(0x04, digest(t, alg.Identifier{OID: oid.Streebog256}, base.content))
	zero := der.Wrap(0x04, make([]byte, 32))
	ess := func(parts ...[]byte) []byte {
		return attr(oid.AttrSigningCertificateV2, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0x30, parts...))))
	}
	hash := der.Wrap(0x04, digest(t, alg.Identifier{OID: oid.SHA256}, id.cert.Raw))
	issuerSerial := func(issuer, serial []byte) []byte {
		return der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa4, issuer)), der.Wrap(0x02, serial))
	}
	attrs := func(list ...[]byte) func(*message) { return func(m *message) { m.attrs = list } }
	tests := []struct {
		name   string
		change func(*message)
		want   string
	}{
		{"message-digest differs", attrs(ct, attr(oid.AttrMessageDigest, zero)), cms.CheckMessageDigest},
		{"message-digest missing", attrs(ct), cms.CheckMessageDigest},
		{"message-digest is no OCTET STRING", attrs(ct, attr(oid.AttrMessageDigest, []byte{2, 1, 1})), cms.CheckMessageDigest},
		{"message-digest twice", attrs(ct, md, md), cms.CheckDuplicateAttribute},
		{"message-digest with two values", attrs(ct, attr(oid.AttrMessageDigest, zero, value)), cms.CheckDuplicateAttribute},
		{"message-digest without a value", attrs(ct, attr(oid.AttrMessageDigest)), cms.CheckDuplicateAttribute},
		{"content-type missing", attrs(md), cms.CheckContentType},
		{"content-type twice", attrs(ct, ct, md), cms.CheckDuplicateAttribute},
		{"content-type differs", attrs(attr(oid.AttrContentType, oidDER(oid.TSTInfo)), md), cms.CheckContentType},
		{"attributes empty", func(m *message) { m.attrs = [][]byte{} }, cms.CheckContentType},
		{"no attributes, content is not data", func(m *message) { m.noAttrs, m.contentType = true, oid.TSTInfo }, cms.CheckContentType},
		{"signing-time twice", attrs(ct, md, attr(oid.AttrSigningTime, utc), attr(oid.AttrSigningTime, utc)), cms.CheckDuplicateAttribute},
		{"other key", func(m *message) { m.id.key = other.key }, cms.CheckSignatureValue},
		{"signature over the content", func(m *message) { m.signOver = m.content }, cms.CheckSignatureValue},
		{"signature over the attributes as tagged", func(m *message) { m.signOver = append([]byte{0xa0}, der.Wrap(0x31, ct, md)[1:]...) }, cms.CheckSignatureValue},
		{"attributes moved into the content", func(m *message) { m.content, m.noAttrs = der.Wrap(0x31, ct, md), true }, cms.CheckSignatureValue},
		{"digest of the other size", func(m *message) { m.digestAlg.OID = oid.Streebog512; m.attrs = [][]byte{ct, md} }, cms.CheckMessageDigest},
		{"digest not announced", func(m *message) { m.digests = alg.Identifier{OID: oid.Streebog512}.DER() }, cms.CheckDigestAlgorithm},
		{"digest unknown", func(m *message) { m.digestAlg.OID = "1.2.3.4" }, cms.CheckDigestAlgorithm},
		{"signature algorithm of another kind", func(m *message) { m.sigAlg.OID = oid.RSA }, cms.CheckSignatureValue},
		{"signing-certificate: other hash", attrs(ct, md, ess(der.Wrap(0x04, make([]byte, 32)))), cms.CheckSigningCertificate},
		{"signing-certificate: other serial", attrs(ct, md, ess(hash, issuerSerial(id.cert.RawIssuer, []byte{9}))), cms.CheckSigningCertificate},
		{"signing-certificate: other issuer", attrs(ct, md, ess(hash, issuerSerial([]byte{0x30, 0}, id.cert.RawSerial))), cms.CheckSigningCertificate},
		{"signing-certificate: no certificate", attrs(ct, md, attr(oid.AttrSigningCertificateV2, der.Wrap(0x30, der.Wrap(0x30)))), cms.CheckSigningCertificate},
		{"signing-certificate: broken", attrs(ct, md, attr(oid.AttrSigningCertificateV2, []byte{5, 0})), cms.CheckSigningCertificate},
	}
	for _, tt := range tests {
		m := base
		tt.change(&m)
		_, checks, err := check(t, m.encode(t))
		if err == nil || len(checks) == 0 || !slices.Contains(failures(checks[0]), tt.want) {
			t.Errorf("%s: %v, failures %v", tt.name, err, checks)
		}
	}
}

// utc is a Time.
var utc = append([]byte{0x17, 13}, "260101000000Z"...)

// TestSignatureValueForms: each wrong form of the value is refused.
func TestSignatureValueForms(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "tc26-256-a", "CN=Signer")
	base := message{id: id, content: []byte("content")}
	sd, _, err := check(t, base.encode(t))
	if err != nil {
		t.Fatal(err)
	}
	good := sd.Signers[0].Signature
	swapped := slices.Concat(good[32:], good[:32])
	flipped := bytes.Clone(good)
	flipped[63] ^= 1
	for name, sig := range map[string][]byte{
		"empty": {}, "zero": make([]byte, 64), "ones": bytes.Repeat([]byte{0xff}, 64), "short": good[:63],
		"long": append(bytes.Clone(good), 0), "r before s": swapped, "one bit": flipped,
		"DER": der.Wrap(0x30, der.Wrap(2, good[32:]), der.Wrap(2, good[:32])),
	} {
		m := base
		m.attrs, m.signature = sdAttrs(sd), sig
		if _, checks, err := check(t, m.encode(t)); err == nil || !slices.Contains(failures(checks[0]), cms.CheckSignatureValue) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func sdAttrs(sd *cms.SignedData) [][]byte {
	var out [][]byte
	for _, a := range sd.Signers[0].SignedAttrs {
		out = append(out, a.Raw)
	}
	return out
}

func TestReaderArmor(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=Signer")
	data := message{id: id, content: []byte("content")}.encode(t)
	once := base64.StdEncoding.EncodeToString(data)
	for armor, text := range map[der.Armor]string{
		der.ArmorNone: string(data), der.ArmorBase64: "\xef\xbb\xbf" + once + "\r\n", der.ArmorBase64Twice: base64.StdEncoding.EncodeToString([]byte(once)),
		der.ArmorPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: data})),
	} {
		if sd, _, err := check(t, []byte(text)); err != nil || sd.Armor != armor || len(sd.Findings) != 0 {
			t.Errorf("%v: %v", armor, err)
		}
	}
}

// TestReaderKeepsGoing: what is wrong beside the signature is a finding.
func TestReaderKeepsGoing(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=Signer")
	base := message{id: id, content: []byte("content")}
	ocsp := der.Wrap(0x30, []byte{0x0a, 1, 0})
	other := func(o oid.OID, value []byte) []byte { return der.Wrap(0xa1, oidDER(o), value) }
	tests := []struct {
		name   string
		change func(*message)
		after  []byte
		want   []string
	}{
		{"nothing", func(*message) {}, nil, nil},
		{"zeros after the message", func(*message) {}, make([]byte, 5000), nil},
		{"a certificate that is none", func(m *message) { m.certs = [][]byte{{0x30, 3, 2, 1, 1}, id.cert.Raw} }, nil, []string{"certificate-unreadable"}},
		{"attribute certificate", func(m *message) { m.certs = [][]byte{{0xa2, 0}, id.cert.Raw} }, nil, []string{"certificate-kind"}},
		{"a CRL that is none", func(m *message) { m.crls = [][]byte{{0x30, 0}} }, nil, []string{"crl-unreadable"}},
		{"OCSP response", func(m *message) { m.crls = [][]byte{other(oid.RevocationInfoOCSP, ocsp)} }, nil, nil},
		{"unknown revocation data", func(m *message) { m.crls = [][]byte{other("1.2.3", ocsp)} }, nil, []string{"revocation-kind"}},
		{"broken revocation data", func(m *message) { m.crls = [][]byte{{0xa1, 0}} }, nil, []string{"revocation-unreadable"}},
	}
	for _, tt := range tests {
		m := base
		tt.change(&m)
		sd, _, err := check(t, append(m.encode(t), tt.after...))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var codes []string
		for _, f := range sd.Findings {
			codes = append(codes, f.Code)
		}
		if !slices.Equal(codes, tt.want) || len(sd.Certificates) != 1 {
			t.Errorf("%s: findings %v, want %v", tt.name, codes, tt.want)
		}
		if tt.name == "OCSP response" && (len(sd.OCSP) != 1 || !bytes.Equal(sd.OCSP[0], ocsp)) {
			t.Errorf("OCSP: %X", sd.OCSP)
		}
		// Whatever was there survives being written again.
		var again bytes.Buffer
		if err := cms.WriteDetached(&again, sd.Message(), sd.Signers); err != nil {
			t.Fatal(err)
		}
		for _, raw := range append(m.crls, m.certs...) {
			if !bytes.Contains(again.Bytes(), raw) {
				t.Errorf("%s: %X is lost", tt.name, raw)
			}
		}
	}
}

// TestTrailing refuses octets after the message that are no padding.
func TestTrailing(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=Signer")
	raw := append(message{id: id, content: []byte("content")}.encode(t), "\x00more"...)
	var format *cms.FormatError
	if _, err := cms.ReadSigned(bytes.NewReader(raw), nil, cms.Limits{}); !errors.As(err, &format) || format.Field != "ContentInfo" {
		t.Errorf("got %v", err)
	}
}

func TestOtherKinds(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=Signer")
	good := message{id: id, content: []byte("content")}.encode(t)
	enveloped := bytes.Replace(bytes.Clone(good), oidDER(oid.SignedData), oidDER(oid.EnvelopedData), 1)
	for want, data := range map[der.Kind][]byte{
		der.KindCertificate: id.cert.Raw, der.KindEnvelopedData: enveloped, der.KindPublicKey: id.cert.RawSubjectPublicKeyInfo,
	} {
		_, err := cms.ReadSigned(bytes.NewReader(data), nil, cms.Limits{})
		var kind *cms.KindError
		if !errors.As(err, &kind) || kind.Kind != want {
			t.Errorf("%v: %v", want, err)
		}
	}
	for _, text := range []string{"", "<html></html>", "no signature"} {
		if _, err := cms.ReadSigned(strings.NewReader(text), nil, cms.Limits{}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if _, err := cms.ReadDigested(bytes.NewReader(good), nil, cms.Limits{}); err == nil {
		t.Error("SignedData is accepted as DigestedData")
	}
}

// TestCutOff cuts a message at every octet, and changes every octet outside
// the certificate: it is never accepted as it was, and nothing panics.
func TestCutOff(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	base := message{id: id, content: []byte("content")}
	for _, data := range [][]byte{base.encode(t), base.encodeBER(t, base.signerInfo(t))} {
		for n := range data {
			if sd, err := cms.ReadSigned(bytes.NewReader(data[:n]), nil, cms.Limits{}); err == nil {
				t.Errorf("%d of %d octets are accepted: %d signers", n, len(data), len(sd.Signers))
			}
		}
	}
}

func TestLimits(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	base := message{id: id, content: []byte("content"), crls: [][]byte{{0x30, 0}, {0x30, 0}}}
	base.certs = [][]byte{id.cert.Raw, id.cert.Raw}
	signer := base.signerInfo(t)
	data := base.encode(t, signer, signer)
	for name, l := range map[string]cms.Limits{
		"certificates": {Certificates: 1}, "revocations": {Revocations: 1}, "signers": {Signers: 1}, "attributes": {Attributes: 1},
		"element": {Element: 50}, "total": {Total: 500},
	} {
		if _, err := cms.ReadSigned(bytes.NewReader(data), nil, l); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var limit *cms.LimitError
	if _, err := cms.ReadSigned(bytes.NewReader(data), nil, cms.Limits{Signers: 1}); !errors.As(err, &limit) || limit.Max != 1 {
		t.Errorf("not a LimitError: %v", err)
	}
	if _, err := cms.ReadSigned(bytes.NewReader(data), nil, cms.Limits{Certificates: 2, Revocations: 2, Signers: 2, Attributes: 2}); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}

func TestCounterSignatureDepth(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	m := message{id: id, content: []byte("content")}
	inner := m.signerInfo(t)
	for range 9 {
		c := m
		c.unsigned = [][]byte{attr(oid.AttrCounterSignature, inner)}
		inner = c.signerInfo(t)
	}
	sd, _, err := check(t, m.encode(t, inner))
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for si := sd.Signers[0]; ; depth++ {
		list, err := si.CounterSignatures()
		var limit *cms.LimitError
		if errors.As(err, &limit) {
			break
		}
		if err != nil || len(list) != 1 {
			t.Fatalf("at depth %d: %d, %v", depth, len(list), err)
		}
		si = list[0]
	}
	if depth != 8 {
		t.Errorf("countersignatures are followed %d levels", depth)
	}
	c := m
	c.unsigned = [][]byte{attr(oid.AttrCounterSignature, []byte{0x30, 0})}
	if sd, _, err = check(t, c.encode(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := sd.Signers[0].CounterSignatures(); err == nil {
		t.Error("a broken countersignature is passed over")
	}
}

func TestDetachedNeedsDocument(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	m := message{id: id, content: []byte("content"), detached: true}
	sd, checks, err := check(t, m.encode(t))
	if !errors.Is(err, cms.ErrNoContent) || !slices.Equal(failures(checks[0]), []string{cms.CheckMessageDigest}) {
		t.Fatalf("%v", err)
	}
	if err := sd.DigestContent(bytes.NewReader(m.content)); err != nil {
		t.Fatal(err)
	}
	if _, err := sd.CheckSigner(0, nil); !errors.Is(err, cms.ErrNoCertificate) {
		t.Errorf("without a certificate: %v", err)
	}
	if _, err := sd.CheckSigner(0, id.cert); err != nil {
		t.Error(err)
	}
	for _, i := range []int{-1, 1} {
		if _, err := sd.CheckSigner(i, id.cert); err == nil {
			t.Errorf("signer %d", i)
		}
	}
}

func TestSigningTime(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	base := message{id: id, content: []byte("content")}
	for in, want := range map[string]string{
		"\x17\x0d491231235959Z": "2049-12-31T23:59:59Z", "\x17\x0d500101000000Z": "1950-01-01T00:00:00Z",
		"\x18\x0f20500101000000Z": "2050-01-01T00:00:00Z", "\x17\x03abc": "", "\x04\x00": "", "\x17\x0d991332000000Z": "",
	} {
		m := base
		m.attrs = [][]byte{m.contentTypeAttr(), attr(oid.AttrSigningTime, []byte(in)), m.digestAttr(t)}
		sd, _, err := check(t, m.encode(t))
		if err != nil {
			t.Fatal(err)
		}
		got, present, err := sd.Signers[0].SigningTime()
		if !present || (want == "") != (err != nil) || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
}

// TestCandidates: whoever adds a certificate with the same name and number
// gets it listed, and nothing else.
func TestCandidates(t *testing.T) {
	a, b := newIdentity(t, "gost2012-256", "", "CN=Same"), newIdentity(t, "gost2012-256", "", "CN=Same")
	c := newIdentity(t, "gost2012-256", "", "CN=Other")
	m := message{id: a, content: []byte("content"), certs: [][]byte{b.cert.Raw, c.cert.Raw, a.cert.Raw}}
	sd, _, err := check(t, m.encode(t))
	if err == nil {
		t.Error("the signature verifies with the wrong certificate")
	}
	list := sd.Candidates(sd.Signers[0])
	if len(list) != 2 || !list[1].Equal(a.cert) {
		t.Fatalf("%d candidates", len(list))
	}
	if _, err := sd.CheckSigner(0, list[1]); err != nil {
		t.Error(err)
	}
	if a.cert.SerialNumber.Cmp(big.NewInt(77)) != 0 || sd.Signers[0].Matches(&pki.Certificate{}) {
		t.Error("an empty certificate matches")
	}
}

// rfc4490 is the signed message of RFC 4490, section 9.1, and the certificate
// of RFC 4491, section 4.2, that it names: GOST R 34.10-2001 without attributes.
const (
	rfc4490 = `MIIBKAYJKoZIhvcNAQcCoIIBGTCCARUCAQExDDAKBgYqhQMCAgkFADAbBgkqhkiG
9w0BBwGgDgQMc2FtcGxlIHRleHQKMYHkMIHhAgEBMIGBMG0xHzAdBgNVBAMMFkdv
c3RSMzQxMC0yMDAxIGV4YW1wbGUxEjAQBgNVBAoMCUNyeXB0b1BybzELMAkGA1UE
BhMCUlUxKTAnBgkqhkiG9w0BCQEWGkdvc3RSMzQxMC0yMDAxQGV4YW1wbGUuY29t
AhAr9cYewhG9F8fc1GJmtC4hMAoGBiqFAwICCQUAMAoGBiqFAwICEwUABEDAw0LZ
P4/+JRERiHe/icPbg0IE1iD5aCqZ9v4wO+T0yPjVtNr74caRZzQfvKZ6DRJ7/RAl
xlHbjbL0jHF+7XKp`
	rfc4491 = `-----BEGIN CERTIFICATE-----
MIIB0DCCAX8CECv1xh7CEb0Xx9zUYma0LiEwCAYGKoUDAgIDMG0xHzAdBgNVBAMM
Fkdvc3RSMzQxMC0yMDAxIGV4YW1wbGUxEjAQBgNVBAoMCUNyeXB0b1BybzELMAkG
A1UEBhMCUlUxKTAnBgkqhkiG9w0BCQEWGkdvc3RSMzQxMC0yMDAxQGV4YW1wbGUu
Y29tMB4XDTA1MDgxNjE0MTgyMFoXDTE1MDgxNjE0MTgyMFowbTEfMB0GA1UEAwwW
R29zdFIzNDEwLTIwMDEgZXhhbXBsZTESMBAGA1UECgwJQ3J5cHRvUHJvMQswCQYD
VQQGEwJSVTEpMCcGCSqGSIb3DQEJARYaR29zdFIzNDEwLTIwMDFAZXhhbXBsZS5j
b20wYzAcBgYqhQMCAhMwEgYHKoUDAgIkAAYHKoUDAgIeAQNDAARAhJVodWACGkB1
CM0TjDGJLP3lBQN6Q1z0bSsP508yfleP68wWuZWIA9CafIWuD+SN6qa7flbHy7Df
D2a8yuoaYDAIBgYqhQMCAgMDQQA8L8kJRLcnqeyn1en7U23Sw6pkfEQu3u0xFkVP
vFQ/3cHeF26NG+xxtZPz3TaTVXdoiYkXYiD02rEx1bUcM97i
-----END CERTIFICATE-----
`
)

func TestRFC4490(t *testing.T) {
	blocks, err := der.Decode([]byte(rfc4491))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(blocks[0].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	sd, err := cms.ReadSigned(strings.NewReader(rfc4490), &content, cms.Limits{})
	if err != nil || content.String() != "sample text\n" {
		t.Fatalf("%q, %v", content.String(), err)
	}
	if !sd.Signers[0].Matches(cert) {
		t.Error("the certificate is not the signer's")
	}
	if _, err := sd.CheckSigner(0, cert); err != nil {
		t.Error(err)
	}
	sd.Signers[0].Signature[0] ^= 1
	if _, err := sd.CheckSigner(0, cert); !errors.Is(err, alg.ErrSignature) {
		t.Errorf("corrupted: %v", err)
	}
}

// TestDigestedData checks the examples A.3.1 and A.3.2 of R 1323565.1.025-2019:
// the text «Контрольный пример для структуры DigestedData.» in Windows-1251 with its
// Streebog-256 and Streebog-512 digests.
func TestDigestedData(t *testing.T) {
	text := unhex(t, "caeeedf2f0eeebfcedfbe920eff0e8ece5f020e4ebff20f1f2f0f3eaf2f3f0fb20446967657374446174612e")
	for _, tt := range []struct {
		id     oid.OID
		digest string
	}{
		{oid.Streebog256, "ff7ac3d062c1a4cf1655f2e50c2005ade9223c2adc413fc3721bc0066c9f22fd"},
		{oid.Streebog512, "dee1552f70a491bd4ed11558458da8d763e9c9494914b288b7a0e789067aeee0" +
			"f12bb7c46eb0fac226ceb5e1c88708cf9e86b0b86be33535babbec5fd6b1afef"},
	} {
		build := func(digest []byte, content ...[]byte) []byte {
			encap := der.Wrap(0x30, append([][]byte{oidDER(oid.Data)}, content...)...)
			return der.Wrap(0x30, oidDER(oid.DigestedData), der.Wrap(0xa0,
				der.Wrap(0x30, []byte{2, 1, 0}, alg.Identifier{OID: tt.id}.DER(), encap, der.Wrap(0x04, digest))))
		}
		sum := unhex(t, tt.digest)
		var out bytes.Buffer
		inside := der.Wrap(0xa0, der.Wrap(0x04, text))
		dd, err := cms.ReadDigested(bytes.NewReader(build(sum, inside)), &out, cms.Limits{})
		if err != nil || !bytes.Equal(out.Bytes(), text) || !bytes.Equal(dd.Computed, sum) || dd.ContentLength != int64(len(text)) {
			t.Errorf("%s: %v", tt.id, err)
		}
		sum[0] ^= 1
		var mismatch *cms.DigestMismatchError
		if dd, err := cms.ReadDigested(bytes.NewReader(build(sum, inside)), nil, cms.Limits{}); !errors.As(err, &mismatch) || dd == nil {
			t.Errorf("%s, corrupted: %v", tt.id, err)
		}
		if _, err := cms.ReadDigested(bytes.NewReader(build(sum)), nil, cms.Limits{}); !errors.Is(err, cms.ErrNoContent) {
			t.Errorf("%s, without content: %v", tt.id, err)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
