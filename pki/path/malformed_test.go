package path_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// malformation is one certificate of our own for each malformation that
// google/x509test catalogues, under its name: "ok" must be accepted and "xf"
// refused. check says what refuses: "parse", the code of the parser's finding
// or the reason of path validation; "" means accepted. For an xf that is
// accepted why is the clause that argues for it.
type malformation struct {
	name   string
	change func(*shape)
	check  string
	why    string
}

// refusal runs the certificate through the parser and path validation.
func refusal(t *testing.T, raw []byte, o path.Options) []string {
	t.Helper()
	c, err := pki.ParseCertificate(raw)
	if err != nil {
		return []string{"parse"}
	}
	res, err := path.Validate(t.Context(), c, o)
	if res == nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range res.Failures {
		out = append(out, string(f.Reason))
		if f.Reason != path.ReasonMalformed {
			continue
		}
		for _, x := range f.Certificate.Findings {
			if x.Severity == pki.Error {
				out = append(out, x.Code)
			}
		}
	}
	return out
}

// judge compares what happened with the row.
func (m malformation) judge(t *testing.T, got []string) {
	t.Helper()
	forbidden := m.name[:3] == "xf-"
	switch {
	case forbidden && m.check == "" && m.why == "", !forbidden && m.check != "":
		t.Error("the row contradicts its name")
	case m.check == "" && len(got) > 0:
		t.Errorf("refused by %v", got)
	case m.check != "" && !slices.Contains(got, m.check):
		t.Errorf("refused by %v, not by %s", got, m.check)
	}
}

// TestMalformations makes and signs a certificate for every row, below a root.
func TestMalformations(t *testing.T) {
	key := testpki.Key(t, "gost2012-256", "cryptopro-a")
	rt := newShape(t, "CN=Fake Authority,L=Leipzig,C=DE", "CN=Fake Authority,L=Leipzig,C=DE", key.Public())
	with(isCA, signs, hexExt(oid.SubjectKeyIdentifier, false, "0404 01020304"))(rt)
	root := parse(t, rt.raw(t, key))
	leafKey := testpki.Key(t, "gost2012-256", "tc26-256-a").Public()
	o := path.Options{Roots: pki.NewPool(root), At: testpki.Now}
	seen := map[string]bool{}
	for _, m := range slices.Concat(goodForms(t), badFields(t), badKeys(t), badNames(), badExtensions(), badPolicies(), badAuthorities()) {
		if seen[m.name] {
			t.Errorf("%s: twice", m.name)
		}
		seen[m.name] = true
		t.Run(m.name, func(t *testing.T) {
			s := newShape(t, "CN=Fake Authority,L=Leipzig,C=DE", "CN=Лист,C=RU", leafKey)
			m.change(s)
			m.judge(t, refusal(t, s.raw(t, key), o))
		})
	}
	if len(seen) < 125 {
		t.Errorf("only %d rows", len(seen))
	}
}

// set makes a change of one piece.
func set(piece func(*shape) *[]byte, to []byte) func(*shape) {
	return func(s *shape) { *piece(s) = to }
}

func validity(s *shape) *[]byte { return &s.validity }
func serial(s *shape) *[]byte   { return &s.serial }
func subject(s *shape) *[]byte  { return &s.subject }
func issuer(s *shape) *[]byte   { return &s.issuer }
func spki(s *shape) *[]byte     { return &s.spki }

// version changes version and extensions.
func version(v string, exts ...[]byte) func(*shape) {
	return func(s *shape) { s.version, s.exts = unhex(v), exts }
}

// until is a validity that ends so.
func until(end []byte) []byte { return der.Wrap(0x30, utc("200101000000Z"), end) }

// cn is a subject of one common name with the given string type.
func cn(tag byte, text string) []byte {
	return der.Wrap(0x30, der.Wrap(0x31, der.Wrap(0x30, oid.CommonName.DER(), der.Wrap(tag, []byte(text)))))
}

const (
	v1 = ""
	v2 = "a003020101"
)

// goodForms are the rows that must be accepted.
func goodForms(t *testing.T) []malformation {
	keyID := hexExt(oid.AuthorityKeyIdentifier, false, "3006 8004 01020304")
	notice := func(tag byte) []byte {
		return qualified("1.2.3", oid.PolicyUserNotice, der.Wrap(0x30, der.Wrap(tag, []byte("Notice"))))
	}
	san := names(dns("*.example.com"), dns("example.com"), mail("a@example.com"), uri("https://example.com/x"), ip("7f000001"))
	return []malformation{
		{name: "ok-v3", change: with(hexExt(oid.ExtKeyUsage, false, "300a 0608 2b06010505070302"))},
		{name: "ok-v2", change: version(v2)},
		{name: "ok-v1", change: version(v1)},
		{name: "ok-ca", change: with(isCA, signs, hexExt(oid.SubjectKeyIdentifier, false, "0402 0102"))},
		{name: "ok-ext-auth-info-access", change: with(ext(oid.AuthorityInfoAccess, false, der.Wrap(0x30, der.Wrap(0x30, oid.AccessOCSP.DER(), uri("http://ocsp.example.com")))))},
		{name: "ok-ext-auth-keyid", change: with(keyID)},
		{name: "ok-ext-auth-keyid2", change: with(ext(oid.AuthorityKeyIdentifier, false, der.Wrap(0x30, unhex("8004 01020304"), der.Wrap(0xa1, uri("http://example.com")), unhex("8204 01020304"))))},
		{name: "ok-ext-basic-constraints", change: with(hexExt(oid.BasicConstraints, true, "3006 0101ff 020100"))},
		{name: "ok-ext-cert-policies", change: with(policyExt("1.2.3", "1.2.4"))},
		{name: "ok-ext-cert-policies-any", change: with(policyExt(oid.AnyPolicy))},
		{name: "ok-ext-cert-policies-any-qual", change: with(qualified(oid.AnyPolicy, oid.PolicyCPS, der.Wrap(0x16, []byte("http://example.com/cps"))))},
		{name: "ok-ext-cert-policies-ia5-unotice", change: with(notice(0x16))},
		{name: "ok-ext-cert-policies-unotice", change: with(notice(0x0c))},
		{name: "ok-ext-crl-point", change: with(ext(oid.CRLDistributionPoints, false, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa0, der.Wrap(0xa0, uri("http://example.com/crl")))))))},
		{name: "ok-ext-freshest-crl", change: with(ext(oid.FreshestCRL, false, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa0, der.Wrap(0xa0, uri("http://example.com/crl")))))))},
		{name: "ok-ext-ct-sct", change: with(ext("1.3.6.1.4.1.11129.2.4.2", false, unhex("0404 0002 0000")))},
		{name: "ok-ext-extended-key-usage", change: with(hexExt(oid.ExtKeyUsage, true, "300a 0608 2b06010505070302"))},
		{name: "ok-ext-extended-key-usage2", change: with(digital, hexExt(oid.ExtKeyUsage, false, "300a 0608 2b06010505070302"))},
		{name: "ok-ext-inhibit-anypolicy", change: with(isCA, signs, hexExt(oid.InhibitAnyPolicy, true, "020100"))},
		{name: "ok-ext-issuer-altname", change: with(ext(oid.IssuerAltName, false, san))},
		{name: "ok-ext-key-usage", change: with(digital)},
		{name: "ok-ext-name-constraints", change: with(isCA, signs, subtrees([][]byte{dns("example.com")}, [][]byte{ip("01020300 ffffff00")}))},
		{name: "ok-ext-policy-constraints", change: with(isCA, signs, hexExt(oid.PolicyConstraints, true, "3006 800101 810101"))},
		{name: "ok-ext-policy-map", change: with(isCA, signs, policyExt("1.2.3"), mapExt("1.2.3", "1.2.4"))},
		{name: "ok-ext-subject-altname", change: with(ext(oid.SubjectAltName, false, san))},
		{name: "ok-ext-subject-altname2", change: func(s *shape) { s.subject = unhex("3000"); with(ext(oid.SubjectAltName, true, san))(s) }},
		{name: "ok-ext-subject-dirattr", change: with(ext(oid.SubjectDirectoryAttributes, false, der.Wrap(0x30, der.Wrap(0x30, oid.CommonName.DER(), der.Wrap(0x31, der.Wrap(0x0c, []byte("x")))))))},
		{name: "ok-ext-subject-info-access", change: with(ext(oid.SubjectInfoAccess, false, der.Wrap(0x30, der.Wrap(0x30, oid.AccessCAIssuers.DER(), uri("http://example.com")))))},
		{name: "ok-ext-subject-keyid", change: with(hexExt(oid.SubjectKeyIdentifier, false, "0402 0102"))},
		{name: "ok-indefinite-expiry", change: set(validity, until(generalized("99991231235959Z")))},
		{name: "ok-long-expiry", change: set(validity, until(generalized("20520101000000Z")))},
		{name: "ok-utc-time-wrap", change: set(validity, der.Wrap(0x30, utc("500101000000Z"), utc("491231235959Z")))},
		{name: "ok-long-serial", change: set(serial, unhex("0214 7f02030405060708090a0b0c0d0e0f1011121314"))},
		{name: "ok-issuer-asn1-differ", change: set(issuer, otherTypes(t))},
		{name: "ok-v2-issuer-asn1-differ", change: func(s *shape) { version(v2)(s); s.issuer = otherTypes(t) }},
		{name: "ok-uniqueid-incomplete-byte", change: func(s *shape) { s.unique = [][]byte{unhex("8203 01 0304")} }},
	}
}

// otherTypes is the issuer's name in other string types, case and spacing.
func otherTypes(t *testing.T) []byte {
	t.Helper()
	pair := func(id oid.OID, tag byte, text string) []byte {
		return der.Wrap(0x31, der.Wrap(0x30, id.DER(), der.Wrap(tag, []byte(text))))
	}
	return der.Wrap(0x30, pair(oid.Country, 0x13, "DE"), pair(oid.Locality, 0x13, " LEIPZIG "), pair(oid.CommonName, 0x1e, "\x00F\x00a\x00k\x00e\x00 \x00 \x00a\x00u\x00t\x00h\x00o\x00r\x00i\x00t\x00y"))
}

func badFields(t *testing.T) []malformation {
	t.Helper()
	uniqueID := unhex("8207 00 010203040506")
	return []malformation{
		{name: "xf-algo-mismatch1", change: func(s *shape) { s.outer = alg.Identifier{OID: oid.GOST2012_512WithStreebog512}.DER() }, check: "algorithm-mismatch"},
		{name: "xf-der-invalid-bitstring", change: func(s *shape) { s.unique = [][]byte{unhex("8203 01 0305")} }, check: "bits-not-der"},
		{name: "xf-der-invalid-nonminimal-int", change: set(serial, unhex("0204 00001234")), check: "integer-not-minimal"},
		{name: "xf-der-invalid-uniqueid", change: func(s *shape) { s.unique = [][]byte{unhex("a203 300103")} }, check: "parse"},
		{name: "xf-duplicate-extension", change: func(s *shape) { s.exts = [][]byte{digital, digital} }, check: "extension-duplicate"},
		{name: "xf-duplicate-extension2", change: func(s *shape) { s.exts = [][]byte{digital, signs} }, check: "extension-duplicate"},
		{name: "xf-gentime-fraction-secs", change: set(validity, until(generalized("20520517130102.123Z"))), check: "time-form"},
		{name: "xf-gentime-no-secs", change: set(validity, until(generalized("205105171301Z"))), check: "time-form"},
		{name: "xf-gentime-nonzulu", change: set(validity, until(generalized("20510517000000-0100"))), check: "time-form"},
		{name: "xf-utctime-no-secs", change: set(validity, until(utc("4001010000Z"))), check: "time-form"},
		{name: "xf-utctime-nonzulu", change: set(validity, until(utc("400101000000+0300"))), check: "time-form"},
		{name: "xf-soon-generalized-time", change: set(validity, until(generalized("20400101000000Z"))), why: "RFC 5280, 4.1.2.5 binds issuers, and an accredited authority of Russia writes so"},
		{name: "xf-serial-negative", change: set(serial, unhex("0201ff")), why: "RFC 5280, 4.1.2.2: SHOULD be prepared to gracefully handle"},
		{name: "xf-serial-zero", change: set(serial, unhex("020100")), why: "RFC 5280, 4.1.2.2: SHOULD be prepared to gracefully handle"},
		{name: "xf-issuer-mismatch1", change: set(issuer, rawName(t, "CN=Fake Authority,L=Halle,C=DE")), check: "no-chain"},
		{name: "xf-issuer-mismatch-v2", change: func(s *shape) { version(v2)(s); s.issuer = rawName(t, "CN=Fake Authority,L=Halle,C=DE") }, check: "no-chain"},
		{name: "xf-subject-nonprintable", change: set(subject, cn(0x13, "a@b")), check: "string-alphabet"},
		{name: "xf-subject-t61", change: set(subject, cn(0x14, "T61")), why: "RFC 5280, 4.1.2.4: SHOULD be prepared to receive these types"},
		{name: "xf-v1-extensions", change: version(v1, digital), check: "extensions-in-old-version"},
		{name: "xf-v2-extensions", change: version(v2, digital), check: "extensions-in-old-version"},
		{name: "xf-v1-uniqueid", change: func(s *shape) { version(v1)(s); s.unique = [][]byte{uniqueID} }, check: "unique-id-in-v1"},
		{name: "xf-v3-uniqueid-noexts1", change: func(s *shape) { s.unique = [][]byte{uniqueID} }, why: "RFC 5280, 4.1.2.1: the version MAY be 3"},
		{name: "xf-v3-uniqueid-noexts2", change: func(s *shape) { s.unique = [][]byte{unhex("8104 00 010203")} }, why: "RFC 5280, 4.1.2.1: the version MAY be 3"},
		{name: "xf-unknown-critical-ext", change: with(hexExt("1.2.3.4.5", true, "0500")), check: "critical-extension"},
		{name: "xf-ext-ct-poison", change: with(hexExt("1.3.6.1.4.1.11129.2.4.3", true, "0500")), check: "critical-extension"},
	}
}

// badKeys are public keys, of the foreign kinds of the catalogue and of ours.
func badKeys(t *testing.T) []malformation {
	t.Helper()
	rk, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n := append([]byte{0}, rk.N.Bytes()...)
	rsaKey := func(params, n, e []byte) []byte {
		return info(der.Wrap(0x30, oid.RSA.DER(), params), der.Wrap(0x30, der.Wrap(2, n), der.Wrap(2, e)))
	}
	null, three := []byte{5, 0}, []byte{1, 0, 1}
	ek, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ek.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	ecKey := func(curve oid.OID, point []byte) []byte {
		return info(der.Wrap(0x30, oid.ECPublicKey.DER(), curve.DER()), point)
	}
	off := slices.Clone(point)
	off[len(off)-1] ^= 1
	gost := marshal(t, testpki.Key(t, "gost2012-256", "tc26-256-a").Public())
	gostOff := slices.Clone(gost)
	gostOff[len(gostOff)-1] ^= 1
	return []malformation{
		{name: "ok-pubkey-rsa", change: set(spki, rsaKey(null, n, three))},
		{name: "ok-pubkey-ecdsa-p256v1", change: set(spki, ecKey(oid.P256, point))},
		{name: "xf-der-pubkey-rsa-nonminimal-int", change: set(spki, rsaKey(null, append([]byte{0}, n...), three)), check: "malformed"},
		{name: "xf-pubkey-rsa-exponent-negative", change: set(spki, rsaKey(null, n, []byte{0xff})), check: "malformed"},
		{name: "xf-pubkey-rsa-modulus-negative", change: set(spki, rsaKey(null, append([]byte{0x80}, n[2:]...), three)), check: "malformed"},
		{name: "xf-pubkey-rsa-param-nonnull", change: set(spki, rsaKey(oid.RSA.DER(), n, three)), check: "malformed"},
		{name: "xf-pubkey-ecdsa-not-on-curve", change: set(spki, ecKey(oid.P256, off)), check: "malformed"},
		{name: "xf-pubkey-ecdsa-secp192r1", change: set(spki, ecKey("1.2.840.10045.3.1.1", point[:49])), check: "algorithm"},
		{name: "xf-pubkey-ecdsa-unknown-curve", change: set(spki, ecKey("1.2.3.4.5", point)), check: "algorithm"},
		{name: "xf-pubkey-gost-not-on-curve", change: set(spki, gostOff), check: "malformed"},
		{name: "xf-pubkey-gost-unknown-set", change: set(spki, unknownSet(t, gost)), check: "algorithm"},
	}
}

// info is a SubjectPublicKeyInfo.
func info(algorithm, key []byte) []byte {
	return der.Wrap(0x30, algorithm, der.Wrap(3, []byte{0}, key))
}

func marshal(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	out, err := alg.MarshalPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// unknownSet puts a parameter set into a key that nobody assigned.
func unknownSet(t *testing.T, gost []byte) []byte {
	t.Helper()
	bits, err := alg.PublicKeyBits(gost)
	if err != nil {
		t.Fatal(err)
	}
	return info(der.Wrap(0x30, oid.GOST2012_256.DER(), der.Wrap(0x30, oid.OID("1.2.643.7.1.2.1.1.99").DER())), bits)
}
