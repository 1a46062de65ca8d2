package tsp

import (
	"bytes"
	"crypto"
	"errors"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

var (
	stampTime = time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	stamped   = []byte("the value of a signature")
)

// recipe says what a test token is made of; the zero value is a good one.
type recipe struct {
	kind, set   string
	certificate func(*pki.CertificateTemplate)
	genTime     string
	extra       func(*cryptobyte.Builder) // after genTime in TSTInfo
	contentType oid.OID
	noESS       bool
	noCert      bool
	otherKey    bool // sign with a key that is not that of the certificate
	imprintOf   []byte
}

// make builds the token with its authority's certificate. The TSTInfo is
// written here, by hand, because the package writes none.
func (r recipe) make(t testing.TB) ([]byte, *pki.Certificate) {
	t.Helper()
	if r.kind == "" {
		r.kind = "ecdsa-p256"
	}
	key, cert := r.authority(t)
	info := r.info(t)
	if r.otherKey {
		var err error
		if key, err = alg.GenerateKey(r.kind, r.set); err != nil {
			t.Fatal(err)
		}
	}
	contentType := oid.TSTInfo
	if r.contentType != "" {
		contentType = r.contentType
	}
	digest := hash(t, alg.HashForKey(cert.PublicKey), info)
	si, err := cms.BuildSigner(nil, cms.SignerRequest{
		Key: key, Certificate: cert, ContentType: contentType, Digest: digest,
		NoSignedAttributes: r.noESS,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := cms.Message{ContentType: contentType}
	if !r.noCert {
		m.AddCertificates(cert)
	}
	var out bytes.Buffer
	if err := cms.WriteAttached(&out, m, bytes.NewReader(info), int64(len(info)), []*cms.SignerInfo{si}, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), cert
}

func (r recipe) authority(t testing.TB) (crypto.Signer, *pki.Certificate) {
	t.Helper()
	key, err := alg.GenerateKey(r.kind, r.set)
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=Test TSA")
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &pki.CertificateTemplate{
		SerialNumber: big.NewInt(7), Subject: dn, MaxPathLen: -1,
		NotBefore: stampTime.AddDate(-1, 0, 0), NotAfter: stampTime.AddDate(1, 0, 0), KeyUsage: pki.KeyUsageDigitalSignature,
		ExtKeyUsage: []oid.OID{oid.EKUTimeStamping}, ExtKeyUsageCritical: true,
	}
	if r.certificate != nil {
		r.certificate(tmpl)
	}
	der, err := pki.CreateCertificate(nil, tmpl, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func (r recipe) info(t testing.TB) []byte {
	t.Helper()
	of, at := stamped, "20260602120000.25Z"
	if r.imprintOf != nil {
		of = r.imprintOf
	}
	if r.genTime != "" {
		at = r.genTime
	}
	h := alg.Identifier{OID: oid.Streebog256}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		oid.OID("1.2.643.100.1.2.3").Add(b)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			h.Add(b)
			b.AddASN1OctetString(hash(t, h, of))
		})
		b.AddASN1Int64(42)
		b.AddASN1(asn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(at)) })
		if r.extra != nil {
			r.extra(b)
		}
	})
	out, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hash(t testing.TB, id alg.Identifier, data []byte) []byte {
	t.Helper()
	h, err := alg.NewHash(id)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(data)
	return h.Sum(nil)
}

func wantKind(t *testing.T, err error, want ErrorKind) {
	t.Helper()
	var e *Error
	switch {
	case want == 0:
		if err != nil {
			t.Errorf("refused: %v", err)
		}
	case !errors.As(err, &e):
		t.Errorf("accepted or untyped (%v), want kind %d", err, want)
	case e.Kind != want:
		t.Errorf("kind %d (%v), want %d", e.Kind, err, want)
	}
}

// TestCheck has one failure a row.
func TestCheck(t *testing.T) {
	usage := func(critical bool, list ...oid.OID) func(*pki.CertificateTemplate) {
		return func(c *pki.CertificateTemplate) { c.ExtKeyUsage, c.ExtKeyUsageCritical = list, critical }
	}
	criticalExtension := func(b *cryptobyte.Builder) {
		b.AddASN1(explicitTag(1), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				oid.OID("1.2.643.100.999").Add(b)
				b.AddASN1Boolean(true)
				b.AddASN1OctetString([]byte{5, 0})
			})
		})
	}
	nonce := func(b *cryptobyte.Builder) { b.AddASN1Int64(77) }
	cases := []struct {
		name string
		r    recipe
		o    CheckOptions
		want ErrorKind
	}{
		{"good", recipe{}, CheckOptions{}, 0},
		{"gost 256", recipe{kind: "gost2012-256", set: "cryptopro-xcha"}, CheckOptions{}, 0},
		{"gost 512", recipe{kind: "gost2012-512", set: "tc26-512-a"}, CheckOptions{}, 0},
		{"other data", recipe{imprintOf: []byte("else")}, CheckOptions{}, KindImprint},
		{"signed with another key", recipe{otherKey: true}, CheckOptions{}, KindSignature},
		{"without signingCertificateV2", recipe{noESS: true}, CheckOptions{}, KindSignature},
		{"without certificate", recipe{noCert: true}, CheckOptions{}, KindNoCertificate},
		{"usage not critical", recipe{certificate: usage(false, oid.EKUTimeStamping)}, CheckOptions{}, KindUsage},
		{"usage not alone", recipe{certificate: usage(true, oid.EKUTimeStamping, oid.EKUEmailProtection)}, CheckOptions{}, KindUsage},
		{"other usage", recipe{certificate: usage(true, oid.EKUEmailProtection)}, CheckOptions{}, KindUsage},
		{"no usage", recipe{certificate: usage(false)}, CheckOptions{}, KindUsage},
		{"key usage", recipe{certificate: func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageKeyAgreement }}, CheckOptions{}, KindUsage},
		{"before the certificate", recipe{genTime: "20200101000000Z"}, CheckOptions{}, KindTime},
		{"after the certificate", recipe{genTime: "20300101000000Z"}, CheckOptions{}, KindTime},
		{"critical extension", recipe{extra: criticalExtension}, CheckOptions{}, KindUnhandledCritical},
		{"nonce", recipe{extra: nonce}, CheckOptions{Nonce: big.NewInt(77)}, 0},
		{"nonce not asked", recipe{extra: nonce}, CheckOptions{}, 0},
		{"other nonce", recipe{extra: nonce}, CheckOptions{Nonce: big.NewInt(78)}, KindNonce},
		{"nonce missing", recipe{}, CheckOptions{Nonce: big.NewInt(77)}, KindNonce},
		{"policy", recipe{}, CheckOptions{Policy: "1.2.643.100.1.2.3"}, 0},
		{"other policy", recipe{}, CheckOptions{Policy: "1.2.643.100.1.2.4"}, KindPolicy},
		{"given digest", recipe{}, CheckOptions{Digest: func(alg.Identifier) ([]byte, error) { return nil, nil }}, KindImprint},
		{"digest not known", recipe{}, CheckOptions{Digest: func(id alg.Identifier) ([]byte, error) {
			return nil, &alg.UnknownError{Kind: "digest", OID: id.OID}
		}}, KindUnknownAlgorithm},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			der, cert := c.r.make(t)
			token, err := ParseToken(der)
			if err != nil {
				t.Fatal(err)
			}
			c.o.Content = stamped
			out, err := token.Check(c.o)
			wantKind(t, err, c.want)
			if c.want == 0 && (!out.TSA.Equal(cert) || !out.GenTime.Equal(stampTime.Add(250*time.Millisecond))) {
				t.Errorf("%v at %v", out.TSA.Subject, out.GenTime)
			}
			if c.want == KindNoCertificate {
				c.o.Extra = []*pki.Certificate{cert}
				_, err := token.Check(c.o)
				wantKind(t, err, 0)
			}
		})
	}
}

// TestOptionalFields: every optional field of TSTInfo is read.
func TestOptionalFields(t *testing.T) {
	der, cert := recipe{extra: func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(2)
			b.AddASN1Int64WithTag(300, asn1.Tag(0).ContextSpecific())
			b.AddASN1Int64WithTag(5, asn1.Tag(1).ContextSpecific())
		})
		b.AddASN1Boolean(true)
		b.AddASN1Int64(9)
		b.AddASN1(explicitTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(explicitTag(4), func(b *cryptobyte.Builder) {
				dn, _ := pki.ParseDN("CN=Somebody else")
				raw, _ := dn.DER()
				b.AddBytes(raw)
			})
		})
	}}.make(t)
	token, err := ParseToken(der)
	if err != nil {
		t.Fatal(err)
	}
	i := token.Info
	if i.Accuracy.Value != 2300005*time.Microsecond || !i.Ordering || i.Nonce.Int64() != 9 || i.Serial.Int64() != 42 {
		t.Errorf("%+v", i)
	}
	out, err := token.Check(CheckOptions{Content: stamped})
	if err != nil || !out.TSA.Equal(cert) {
		t.Fatal(err)
	}
	if last := out.Checks[len(out.Checks)-1]; last.ID != CheckName || !last.Warning {
		t.Errorf("a tsa field with another name gave no warning: %+v", last)
	}
}

// TestMalformed: neither a token nor a response.
func TestMalformed(t *testing.T) {
	good, _ := recipe{}.make(t)
	for name, r := range map[string]recipe{
		"content is not TSTInfo": {contentType: oid.Data},
		"time without seconds":   {genTime: "202606021200Z"},
		"time with comma":        {genTime: "20260602120000,5Z"},
		"time with offset":       {genTime: "20260602120000+0300"},
		"time with empty point":  {genTime: "20260602120000.Z"},
		"thirteenth month":       {genTime: "20261302120000Z"},
		"unknown field":          {extra: func(b *cryptobyte.Builder) { b.AddASN1OctetString(nil) }},
		"millis of 1000":         {extra: accuracy(1000)},
		"negative millis":        {extra: accuracy(-1)},
		"extension that is none": {extra: func(b *cryptobyte.Builder) {
			b.AddASN1(explicitTag(1), func(b *cryptobyte.Builder) { b.AddASN1Int64(1) })
		}},
		"nonce of 65 octets":      {extra: func(b *cryptobyte.Builder) { b.AddASN1BigInt(new(big.Int).Lsh(big.NewInt(1), 8*64)) }},
		"FALSE as 01 in ordering": {extra: func(b *cryptobyte.Builder) { b.AddBytes([]byte{1, 1, 1}) }},
	} {
		der, _ := r.make(t)
		_, err := ParseToken(der)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantKind(t, err, KindMalformed)
	}
	for name, der := range map[string][]byte{
		"empty": nil, "truncated": good[:len(good)-1], "trailing": append(good[:len(good):len(good)], 1),
		"text": []byte("MIIB"), "sequence": {0x30, 0},
	} {
		if _, err := ParseToken(der); err == nil {
			t.Errorf("token, %s: accepted", name)
		}
		if _, err := ParseResponse(der); err == nil {
			t.Errorf("response, %s: accepted", name)
		}
	}
}

func accuracy(millis int64) func(*cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64WithTag(millis, asn1.Tag(0).ContextSpecific()) })
	}
}

// response wraps a token, nil for none, in a TimeStampResp.
func response(status int64, info, token []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(status)
			b.AddBytes(info)
		})
		b.AddBytes(token)
	})
	return b.BytesOrPanic()
}

func TestResponse(t *testing.T) {
	token, _ := recipe{}.make(t)
	// PKIFreeText "no", PKIFailureInfo badAlg and timeNotAvailable (bits 0 and 14)
	why := []byte{0x30, 4, 12, 2, 'n', 'o', 3, 3, 1, 0x80, 2}
	for name, c := range map[string]struct {
		der    []byte
		ok     bool
		status Status
	}{
		"granted":                 {response(0, nil, token), true, Granted},
		"with modifications":      {response(1, nil, token), true, GrantedWithMods},
		"rejected":                {response(2, why, nil), true, Rejection},
		"granted without a token": {response(0, nil, nil), false, 0},
		"rejected with a token":   {response(2, nil, token), false, 0},
		"status 6":                {response(6, nil, nil), false, 0},
		"two tokens":              {response(0, nil, append(token[:len(token):len(token)], token...)), false, 0},
		"zeros after the token":   {response(0, nil, append(token[:len(token):len(token)], 0, 0)), false, 0},
		"free text of numbers":    {response(2, []byte{0x30, 3, 2, 1, 1}, nil), false, 0},
	} {
		r, err := ParseResponse(c.der)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !c.ok {
			wantKind(t, err, KindMalformed)
			continue
		}
		if r.Status != c.status || (r.Token != nil) != (c.status <= GrantedWithMods) {
			t.Errorf("%s: %+v", name, r)
		}
		if c.status == Rejection && (len(r.Text) != 1 || r.Text[0] != "no" || len(r.Failure) != 2 || r.Failure[1] != "timeNotAvailable") {
			t.Errorf("%s: %q, %q", name, r.Text, r.Failure)
		}
	}
}
