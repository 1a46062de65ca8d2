package path_test

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// badNames are alternative names.
func badNames() []malformation {
	san := func(parts ...[]byte) func(*shape) { return with(ext(oid.SubjectAltName, false, names(parts...))) }
	const form = "alt-name-form"
	return []malformation{
		{name: "xf-ext-altname-blank-domain", change: san(dns(" ")), check: form},
		{name: "xf-ext-altname-critical-subject", change: with(ext(oid.SubjectAltName, true, names(dns("example.com")))), why: "RFC 5280, 4.2.1.6: SHOULD be non-critical"},
		{name: "xf-ext-altname-email-only", change: san(mail("a@example.com")), why: "RFC 5280, 4.2.1.6: the subject is not empty"},
		{name: "xf-ext-altname-empty", change: san(), check: "alt-names-empty"},
		{name: "xf-ext-altname-empty2", change: san(mail(""), dns("example.com")), check: form},
		{name: "xf-ext-altname-invalid-domain", change: san(dns("@.123example.com")), check: form},
		{name: "xf-ext-altname-invalid-email", change: san(mail("Name <a@example.com>")), why: "RFC 5280, 4.2.1.6: accredited authorities of Russia write two addresses into one name"},
		{name: "xf-ext-altname-invalid-encoding", change: san(dns("g\xd5\xd5gle.com")), check: form},
		{name: "xf-ext-altname-ip-wrong", change: san(ip("7f00000102")), check: form},
		{name: "xf-ext-altname-noncrit-nosubj", change: func(s *shape) { s.subject = unhex("3000"); san(dns("example.com"))(s) }, check: "alt-name-not-critical"},
		{name: "xf-ext-altname-relative-uri", change: san(uri("http:../example.com")), check: form},
		{name: "xf-ext-altname-schemeless-uri", change: san(uri("example.com")), check: form},
		{name: "xf-ext-issuer-altname-critical", change: with(ext(oid.IssuerAltName, true, names(dns("example.com")))), why: "RFC 5280, 4.2.1.7: SHOULD be non-critical"},
	}
}

// badExtensions are the extensions that say where to find something and what
// the key is for.
func badExtensions() []malformation {
	access := der.Wrap(0x30, der.Wrap(0x30, oid.AccessCAIssuers.DER(), uri("http://example.com")))
	point := der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa0, der.Wrap(0xa0, uri("http://example.com/crl")))))
	attributes := der.Wrap(0x30, der.Wrap(0x30, oid.CommonName.DER(), der.Wrap(0x31, der.Wrap(0x0c, []byte("x")))))
	aki := func(parts ...[]byte) func(*shape) {
		return with(ext(oid.AuthorityKeyIdentifier, false, der.Wrap(0x30, parts...)))
	}
	id, number := unhex("8004 01020304"), unhex("8204 01020304")
	const critical, hint = "extension-critical", "RFC 5280, 4.2.1.1: a help for finding the issuer, whose key is then tried"
	return []malformation{
		{name: "xf-ext-auth-info-critical", change: with(ext(oid.AuthorityInfoAccess, true, access)), check: critical},
		{name: "xf-ext-auth-info-empty", change: with(hexExt(oid.AuthorityInfoAccess, false, "3000")), check: "info-access-empty"},
		{name: "xf-ext-auth-keyid-critical", change: with(ext(oid.AuthorityKeyIdentifier, true, der.Wrap(0x30, id))), check: critical},
		{name: "xf-ext-auth-keyid-invalid-issuer", change: aki(id, der.Wrap(0xa1, uri("http://example.com"), ip("7f00000102")), number), why: hint},
		{name: "xf-ext-auth-keyid-mismatch", change: aki(unhex("8003 010203")), why: hint},
		{name: "xf-ext-auth-keyid-noid", change: aki(), why: hint},
		{name: "xf-ext-auth-keyid-onlyserial", change: aki(id, number), check: "authority-half-named"},
		{name: "xf-ext-auth-keyid-serial-mismatch", change: aki(id, der.Wrap(0xa1, uri("http://example.com")), unhex("8204 09090909")), why: hint},
		{name: "xf-ext-subject-keyid-critical", change: with(hexExt(oid.SubjectKeyIdentifier, true, "0402 0102")), check: critical},
		{name: "xf-ext-subject-keyid-ca-absent", change: with(isCA, signs), why: "RFC 5280, 4.2.1.2: the certificates of RFC 9215, appendix D have none"},
		{name: "xf-ext-crl-point-critical", change: with(ext(oid.CRLDistributionPoints, true, point)), why: "RFC 5280, 4.2.1.13: SHOULD be non-critical"},
		{name: "xf-ext-crl-point-reasons-only", change: with(hexExt(oid.CRLDistributionPoints, false, "3007 3005 8103 07 ff80")), check: "distribution-point-nameless"},
		{name: "xf-ext-freshest-crl-critical", change: with(ext(oid.FreshestCRL, true, point)), check: critical},
		{name: "xf-ext-subject-info-critical", change: with(ext(oid.SubjectInfoAccess, true, access)), check: critical},
		{name: "xf-ext-subject-info-empty", change: with(hexExt(oid.SubjectInfoAccess, false, "3000")), check: "extension-empty"},
		{name: "xf-ext-subject-dirattr-critical", change: with(ext(oid.SubjectDirectoryAttributes, true, attributes)), check: "critical-extension"},
		{name: "xf-ext-subject-dirattr-empty", change: with(hexExt(oid.SubjectDirectoryAttributes, false, "3000")), check: "extension-empty"},
		{name: "xf-ext-ct-sct-trailing-data", change: with(hexExt("1.3.6.1.4.1.11129.2.4.2", false, "0405 0002 0000 ff")), why: "RFC 5280, 4.2: not recognized and not critical"},
		{name: "xf-ext-ct-sct-wrong-type", change: with(hexExt("1.3.6.1.4.1.11129.2.4.2", false, "0c04 0002 0000")), why: "RFC 5280, 4.2: not recognized and not critical"},
		{name: "xf-ext-extended-any-key-usage", change: with(hexExt(oid.ExtKeyUsage, true, "3006 0604 551d2500")), why: "RFC 5280, 4.2.1.12: SHOULD NOT be critical"},
		{name: "xf-ext-extended-key-usage-empty", change: with(hexExt(oid.ExtKeyUsage, false, "3000")), check: "extension-malformed"},
		{name: "xf-ext-extended-key-usage-empty-oid", change: with(hexExt(oid.ExtKeyUsage, false, "3002 0600")), check: "extension-malformed"},
		{name: "xf-ext-key-usage-empty", change: with(hexExt(oid.KeyUsage, true, "030100")), check: "key-usage-empty"},
		{name: "xf-ext-key-usage-noncritical", change: with(hexExt(oid.KeyUsage, false, "03020780")), why: "RFC 5280, 4.2.1.3: SHOULD be critical"},
		{name: "xf-ext-key-usage-too-long", change: with(isCA, hexExt(oid.KeyUsage, true, "0303 05 ffe0")), check: "bits-unknown"},
		{name: "xf-ext-key-usage-wrong-der", change: with(isCA, hexExt(oid.KeyUsage, true, "0303 07 8400")), why: "X.690, 11.2.2: GnuTLS writes so"},
		{name: "xf-ext-key-usage-sign-nonca", change: with(signs), check: "cert-sign-without-ca"},
		{name: "xf-ext-keysign-nonca", change: with(signs, hexExt(oid.BasicConstraints, true, "3000")), check: "cert-sign-without-ca"},
	}
}

func badPolicies() []malformation {
	bmp := der.Wrap(0x30, der.Wrap(0x1e, []byte("\x00N")))
	control := der.Wrap(0x30, der.Wrap(0x0c, []byte("a\x10b")))
	notCritical := func(id oid.OID, value string) func(*shape) { return with(isCA, signs, hexExt(id, false, value)) }
	return []malformation{
		{name: "xf-ext-cert-policies-any-qual", change: with(qualified(oid.AnyPolicy, "1.3.6.1.5.5.7.2.5", unhex("0500"))), check: "any-policy-qualifier"},
		{name: "xf-ext-cert-policies-bmp-unotice", change: with(qualified("1.2.3", oid.PolicyUserNotice, bmp)), why: "RFC 5280, 4.2.1.4: accredited authorities of Russia write so"},
		{name: "xf-ext-cert-policies-dup", change: with(policyExt("1.2.3", "1.2.3")), check: "policy-duplicate"},
		{name: "xf-ext-cert-policies-unotice-ch", change: with(qualified("1.2.3", oid.PolicyUserNotice, control)), why: "RFC 5280, 4.2.1.4: SHOULD NOT include control characters"},
		{name: "xf-ext-inhibit-anypolicy-negative", change: with(isCA, signs, hexExt(oid.InhibitAnyPolicy, true, "0201ff")), check: "extension-malformed"},
		{name: "xf-ext-inhibit-anypolicy-noncritical", change: notCritical(oid.InhibitAnyPolicy, "020100"), check: "extension-not-critical"},
		{name: "xf-ext-policy-constraint-empty", change: with(isCA, signs, hexExt(oid.PolicyConstraints, true, "3000")), check: "extension-malformed"},
		{name: "xf-ext-policy-constraint-noncrit", change: notCritical(oid.PolicyConstraints, "3003 800101"), why: "RFC 5280, 4.2.1.11: PKITS calls paths with such authorities valid"},
		{name: "xf-ext-policy-map-empty", change: with(isCA, signs, mapExt()), check: "extension-malformed"},
		{name: "xf-ext-policy-map-from-any", change: with(isCA, signs, mapExt(oid.AnyPolicy, "1.2.3")), check: "policy-mapping-any"},
		{name: "xf-ext-policy-map-to-any", change: with(isCA, signs, mapExt("1.2.3", oid.AnyPolicy)), check: "policy-mapping-any"},
		{name: "xf-ext-policy-map-noncritical", change: notCritical(oid.PolicyMappings, "300a 3008 06022a03 06022a04"), why: "RFC 5280, 4.2.1.5: SHOULD be critical"},
		{name: "xf-ext-policy-map-unref", change: with(isCA, signs, policy13, mapExt("1.2.4", "1.2.5")), why: "RFC 5280, 4.2.1.5: SHOULD also be asserted"},
	}
}

// badAuthorities are certificates that claim rights of an authority.
func badAuthorities() []malformation {
	tree := func(value string) func(*shape) {
		return with(isCA, signs, hexExt(oid.NameConstraints, true, value))
	}
	return []malformation{
		{name: "xf-ext-constraints-neg-pathlen", change: with(signs, hexExt(oid.BasicConstraints, true, "3006 0101ff 0201ff")), check: "extension-malformed"},
		{name: "xf-ext-constraints-noncritical", change: with(signs, hexExt(oid.BasicConstraints, false, "3003 0101ff")), why: "RFC 5280, 4.2.1.9: PKITS calls a path with such an authority valid"},
		{name: "xf-ext-constraints-path-nonca", change: with(hexExt(oid.BasicConstraints, true, "3003 020101")), check: "pathlen-without-ca"},
		{name: "xf-ext-constraints-path-nosign", change: with(digital, hexExt(oid.BasicConstraints, true, "3006 0101ff 020101")), check: "pathlen-without-cert-sign"},
		{name: "xf-ext-name-constraints-badip", change: tree("300b a009 3007 8705 0102030405"), check: "extension-malformed"},
		{name: "xf-ext-name-constraints-empty", change: tree("3000"), check: "extension-malformed"},
		{name: "xf-ext-name-constraints-minmax", change: tree("300d a00b 3009 8201 61 800103 810107"), check: "name-constraints-distance"},
		{name: "xf-ext-name-constraints-nonca", change: with(subtrees([][]byte{dns("a")}, nil)), check: "name-constraints-without-ca"},
		{name: "xf-ext-name-constraints-noncrit", change: with(isCA, signs, hexExt(oid.NameConstraints, false, "3007 a005 3003 8201 61")), check: "extension-not-critical"},
		{name: "xf-ext-name-constraints-regid", change: tree("3008 a006 3004 8802 2a03"), why: "RFC 5280, 4.2.1.10: SHOULD NOT; a certificate below with such a name is refused"},
	}
}

// TestMalformedIssuers: what an authority between the root and the certificate
// must not be, and the names that it may not certify.
func TestMalformedIssuers(t *testing.T) {
	key, subKey := testpki.Key(t, "gost2012-256", "cryptopro-a"), testpki.Key(t, "gost2012-256", "cryptopro-a")
	const rootName, subName = "CN=Root,C=RU", "CN=Sub,C=RU"
	rt := newShape(t, rootName, rootName, key.Public())
	with(isCA, signs)(rt)
	o := path.Options{Roots: pki.NewPool(parse(t, rt.raw(t, key))), At: testpki.Now}
	zero := hexExt(oid.BasicConstraints, true, "3006 0101ff 020100")
	stamping := hexExt(oid.ExtKeyUsage, true, "300a 0608 2b06010505070308")
	client := hexExt(oid.ExtKeyUsage, true, "300a 0608 2b06010505070302")
	usage := func(bits string) []byte { return hexExt(oid.KeyUsage, true, "0303 07 "+bits) }
	san := func(part []byte) func(*shape) { return with(ext(oid.SubjectAltName, false, names(part))) }
	excluded := func(base []byte) func(*shape) { return with(subtrees(nil, [][]byte{base})) }
	sector := der.Wrap(0xa4, rawName(t, "C=RU"))
	for _, tc := range []struct {
		malformation
		leaf func(*shape)
	}{
		{malformation{name: "ok-intermediate-ca-sign"}, nil},
		{malformation{name: "xf-ext-altname-excluded", change: excluded(dns("*.example.com")), check: "name-constraints"}, san(dns("excluded.example.com"))},
		{malformation{name: "xf-ext-name-excluded", change: excluded(sector), check: "name-constraints"}, san(dns("sub.example.com"))},
		{malformation{name: "xf-ext-name-excluded-dn", change: excluded(sector), check: "name-constraints"}, nil},
		{malformation{name: "xf-ext-name-excluded-dns", change: excluded(dns("example.com")), check: "name-constraints"}, san(dns("sub.example.com"))},
		{malformation{name: "xf-ext-name-excluded-email", change: excluded(mail("example.com")), check: "name-constraints"}, san(mail("a@example.com"))},
		{malformation{name: "xf-ext-name-excluded-email2", change: excluded(mail("example.com")), check: "name-constraints"}, set(subject, rawName(t, "E=a@example.com"))},
		{malformation{name: "xf-ext-name-excluded-ip", change: excluded(ip("01020300 ffffff00")), check: "name-constraints"}, san(ip("01020304"))},
		{malformation{name: "xf-ext-name-excluded-uri", change: excluded(uri("example.com")), check: "name-constraints"}, san(uri("http://example.com"))},
		{malformation{name: "xf-ext-name-excluded-uri2", change: excluded(uri("example.com")), check: "name-constraints"}, san(uri("http://1.2.3.4/bypass"))},
		{malformation{name: "xf-ext-key-usage-wrong", change: with(zero, stamping), check: "ext-key-usage"}, nil},
		{malformation{name: "ok-ext-key-usage-shared", change: with(zero, client)}, with(client)},
		{malformation{name: "xf-key-usages-empty", change: with(usage("ff80"), stamping), check: "ext-key-usage"}, nil},
		{malformation{name: "xf-key-usages-empty2", change: with(usage("0080"), client), check: "key-usage"}, nil},
		{malformation{name: "xf-key-usage-nonsign", change: with(usage("fb80")), check: "key-usage"}, nil},
		{malformation{name: "xf-key-usage-nonsign-maybe1", change: func(s *shape) { s.exts = append(s.exts, usage("fb80")) }, check: "extension-duplicate"}, nil},
		{malformation{name: "xf-key-usage-nonsign-maybe2", change: func(s *shape) { s.exts = append([][]byte{usage("fb80")}, s.exts...) }, check: "extension-duplicate"}, nil},
		{malformation{name: "xf-nonca-sign", change: with(hexExt(oid.BasicConstraints, true, "3000")), check: "not-a-ca"}, nil},
		{malformation{name: "xf-nonca-sign-maybe1", change: func(s *shape) { s.exts = append(s.exts, hexExt(oid.BasicConstraints, true, "3000")) }, check: "extension-duplicate"}, nil},
		{malformation{name: "xf-nonca-sign-maybe2", change: func(s *shape) { s.exts = append([][]byte{hexExt(oid.BasicConstraints, true, "3000")}, s.exts...) }, check: "extension-duplicate"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sub := newShape(t, rootName, subName, subKey.Public())
			with(isCA, signs)(sub)
			if tc.change != nil {
				tc.change(sub)
			}
			leaf := newShape(t, subName, "CN=Лист,C=RU", key.Public())
			if tc.leaf != nil {
				tc.leaf(leaf)
			}
			o := o
			o.Intermediates = pki.NewPool(parse(t, sub.raw(t, key)))
			tc.judge(t, refusal(t, leaf.raw(t, subKey), o))
		})
	}
}
