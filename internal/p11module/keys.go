package p11module

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Sizes of coordinates in octets.
const (
	size256 = 32
	size512 = 64
)

// keyType returns the CKK number for a size. A key of 256 bits has the number
// of GOST R 34.10-2001; CKA_GOSTR3411_PARAMS tells the two apart.
func keyType(size int) uint64 {
	if size == size512 {
		return keyGOSTR3410x512
	}
	return keyGOSTR3410
}

// keySize is the reverse of keyType, 0 for other keys.
func keySize(keyType uint64) int {
	switch keyType {
	case keyGOSTR3410:
		return size256
	case keyGOSTR3410x512:
		return size512
	}
	return 0
}

// digestParams returns CKA_GOSTR3411_PARAMS of a GOST R 34.10-2012 key.
func digestParams(size int) []byte {
	if size == size512 {
		return oid.Streebog512.DER()
	}
	return oid.Streebog256.DER()
}

// isLegacy says whether a key was asked for as one of GOST R 34.10-2001: it
// names GOST R 34.11-94. It signs digests that the caller brings; this module
// computes no digest of that kind.
func isLegacy(a attrs) bool {
	return string(a[attrGOSTR3411Params]) == string(oid.GOST341194CryptoProParams.DER())
}

// parseOID reads one DER OBJECT IDENTIFIER.
func parseOID(der []byte) (oid.OID, bool) {
	s := cryptobyte.String(der)
	var o oid.OID
	ok := oid.Read(&s, &o) && s.Empty()
	return o, ok
}

// curveOf reads CKA_GOSTR3410_PARAMS for a key of a size. Test sets are refused:
// they "MUST NOT be used outside of testing scenarios" (RFC 9215, section 4.2).
func curveOf(der []byte, size int) (gost3410.Curve, RV) {
	o, ok := parseOID(der)
	if !ok {
		return gost3410.Curve{}, rvAttributeValueInvalid
	}
	c, err := alg.CurveByOID(o)
	switch {
	case err != nil || c.IsTest():
		return gost3410.Curve{}, rvDomainParamsInvalid
	case c.Size() != size:
		return gost3410.Curve{}, rvTemplateInconsistent
	}
	return c, RVOK
}

// checkDigestParams holds CKA_GOSTR3411_PARAMS against the size of the key.
func checkDigestParams(a attrs, size int) RV {
	v, ok := a[attrGOSTR3411Params]
	if !ok {
		a[attrGOSTR3411Params] = digestParams(size)
		return RVOK
	}
	switch {
	case string(v) == string(digestParams(size)):
		return RVOK
	case size == size256 && isLegacy(a):
		return RVOK
	}
	if _, ok := parseOID(v); !ok {
		return rvAttributeValueInvalid
	}
	return rvTemplateInconsistent
}

// publicAttrs returns the attributes that a public key has by itself.
func publicAttrs(pub *gost3410.PublicKey) (attrs, RV) {
	spki, err := alg.MarshalPublicKey(pub)
	if err != nil {
		return nil, rvDeviceError
	}
	size := pub.Curve().Size()
	return attrs{
		attrClass: number(classPublicKey), attrKeyType: number(keyType(size)), attrValue: pub.Bytes(),
		attrGOSTR3410Params: alg.CurveOID(pub.Curve()).DER(), attrGOSTR3411Params: digestParams(size),
		attrPublicKeyInfo: spki, attrVerify: boolean(true), attrEncrypt: boolean(false), attrWrap: boolean(false),
		attrVerifyRecover: boolean(false), attrDerive: boolean(false), attrLocal: boolean(false), attrTrusted: boolean(false),
		attrKeyGenMechanism: number(unavailable), attrSubject: {}, attrStartDate: {}, attrEndDate: {}, attrID: {}, attrLabel: {},
	}, RVOK
}

// fillPrivate sets what a private key's template left out (PKCS #11 v2.40,
// section 4.9). A private key is private and sensitive unless asked otherwise.
func fillPrivate(a attrs) {
	for attr, v := range map[uint64][]byte{
		attrPrivate: boolean(true), attrSensitive: boolean(true), attrExtractable: boolean(false), attrSign: boolean(true),
		attrDerive: boolean(true), attrDecrypt: boolean(false), attrUnwrap: boolean(false), attrSignRecover: boolean(false),
		attrAlwaysAuthenticate: boolean(false), attrWrapWithTrusted: boolean(false), attrLocal: boolean(false),
		attrAlwaysSensitive: boolean(false), attrNeverExtractable: boolean(false), attrKeyGenMechanism: number(unavailable),
		attrSubject: {}, attrStartDate: {}, attrEndDate: {}, attrID: {}, attrLabel: {},
	} {
		a.setDefault(attr, v)
	}
	for _, attr := range []uint64{attrEncrypt, attrWrap, attrVerifyRecover, attrTrusted} {
		delete(a, attr) // of the public half
	}
}

// fillStorage sets what every object has.
func fillStorage(a attrs) {
	for attr, v := range map[uint64][]byte{
		attrToken: boolean(false), attrPrivate: boolean(false), attrModifiable: boolean(true), attrCopyable: boolean(true),
		attrDestroyable: boolean(true), attrLabel: {},
	} {
		a.setDefault(attr, v)
	}
}

// certificateAttrs returns the attributes that a certificate has by itself.
func certificateAttrs(cert *pki.Certificate) attrs {
	var serial cryptobyte.Builder
	serial.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(cert.RawSerial) })
	serialDER, err := serial.Bytes()
	if err != nil {
		serialDER = nil // longer than a certificate can be
	}
	return attrs{
		attrClass: number(classCertificate), attrCertificateType: number(certificateX509), attrValue: cert.Raw,
		attrSubject: cert.RawSubject, attrIssuer: cert.RawIssuer, attrSerialNumber: serialDER,
		attrPublicKeyInfo: cert.RawSubjectPublicKeyInfo, attrTrusted: boolean(false), attrCertCategory: number(0),
		attrStartDate: date(cert.NotBefore), attrEndDate: date(cert.NotAfter), attrID: {}, attrLabel: {},
	}
}

// date returns a CK_DATE: year, month and day in digits, or nothing.
func date(t time.Time) []byte {
	if t.IsZero() || t.Year() > 9999 {
		return []byte{}
	}
	return []byte(t.UTC().Format("20060102"))
}
