package path_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// shape is a TBSCertificate in pieces, each of which a test may spoil before
// the certificate is signed.
type shape struct {
	version, serial, inner, outer, issuer, validity, subject, spki []byte
	unique                                                         [][]byte // issuerUniqueID, subjectUniqueID
	exts                                                           [][]byte
	bare                                                           bool // without the field extensions
}

// newShape is a good certificate of the issuer for a subject.
func newShape(t testing.TB, issuer, subject string, key crypto.PublicKey) *shape {
	t.Helper()
	spki, err := alg.MarshalPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	id := alg.Identifier{OID: oid.GOST2012_256WithStreebog256}.DER()
	return &shape{
		version: unhex("a003020102"), serial: unhex("0204 01020304"), inner: id, outer: id,
		issuer: rawName(t, issuer), subject: rawName(t, subject), spki: spki,
		validity: der.Wrap(0x30, utc("200101000000Z"), utc("400101000000Z")),
	}
}

func rawName(t testing.TB, dn string) []byte {
	t.Helper()
	raw, err := testpki.Name(t, dn).DER()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func utc(text string) []byte         { return der.Wrap(0x17, []byte(text)) }
func generalized(text string) []byte { return der.Wrap(0x18, []byte(text)) }

// unhex drops what is no digit.
func unhex(text string) []byte {
	out, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err)
	}
	return out
}

// raw signs the shape.
func (s *shape) raw(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	parts := append([][]byte{s.version, s.serial, s.inner, s.issuer, s.validity, s.subject, s.spki}, s.unique...)
	if len(s.exts) > 0 && !s.bare {
		parts = append(parts, der.Wrap(0xa3, der.Wrap(0x30, s.exts...)))
	}
	tbs := der.Wrap(0x30, parts...)
	sig, err := alg.SignMessage(rand.Reader, key, alg.SignatureForKey(key.Public()), tbs)
	if err != nil {
		t.Fatal(err)
	}
	return der.Wrap(0x30, tbs, s.outer, der.Wrap(3, []byte{0}, sig))
}

// ext is one extension; value is its DER.
func ext(id oid.OID, critical bool, value ...[]byte) []byte {
	flag := []byte{}
	if critical {
		flag = []byte{1, 1, 0xff}
	}
	return der.Wrap(0x30, id.DER(), flag, der.Wrap(4, value...))
}

// hexExt is ext with the value in hex.
func hexExt(id oid.OID, critical bool, value string) []byte { return ext(id, critical, unhex(value)) }

// with adds extensions; one of an identifier that is there already replaces it.
func with(exts ...[]byte) func(*shape) {
	return func(s *shape) {
		for _, e := range exts {
			s.exts = slices.DeleteFunc(s.exts, func(o []byte) bool { return bytes.Equal(idOf(o), idOf(e)) })
			s.exts = append(s.exts, e)
		}
	}
}

// idOf returns the encoding of an extension's identifier, the lengths of both
// being one octet or three.
func idOf(e []byte) []byte {
	at := 2
	if e[1] >= 0x80 {
		at += int(e[1] & 0x7f)
	}
	return e[at : at+2+int(e[at+1])]
}

// names is the SEQUENCE of general names, given as tag and content.
func names(parts ...[]byte) []byte { return der.Wrap(0x30, parts...) }

func dns(text string) []byte  { return der.Wrap(0x82, []byte(text)) }
func mail(text string) []byte { return der.Wrap(0x81, []byte(text)) }
func uri(text string) []byte  { return der.Wrap(0x86, []byte(text)) }
func ip(octets string) []byte { return der.Wrap(0x87, unhex(octets)) }

// subtrees is a nameConstraints extension of permitted and excluded bases.
func subtrees(permitted, excluded [][]byte) []byte {
	var parts [][]byte
	for i, list := range [][][]byte{permitted, excluded} {
		var trees [][]byte
		for _, base := range list {
			trees = append(trees, der.Wrap(0x30, base))
		}
		if trees != nil {
			parts = append(parts, der.Wrap(0xa0+byte(i), trees...)) // 0 or 1
		}
	}
	return ext(oid.NameConstraints, true, der.Wrap(0x30, parts...))
}

// Extensions of an authority.
var (
	isCA     = hexExt(oid.BasicConstraints, true, "30030101ff")
	signs    = hexExt(oid.KeyUsage, true, "03020106") // keyCertSign, cRLSign
	digital  = hexExt(oid.KeyUsage, true, "03020780") // digitalSignature
	policy13 = policyExt("1.2.3")
)

// policyExt is certificatePolicies without qualifiers.
func policyExt(ids ...oid.OID) []byte {
	var list [][]byte
	for _, id := range ids {
		list = append(list, der.Wrap(0x30, id.DER()))
	}
	return ext(oid.CertificatePolicies, false, der.Wrap(0x30, list...))
}

// qualified is certificatePolicies with one qualifier of one policy.
func qualified(policy, qualifier oid.OID, value []byte) []byte {
	info := der.Wrap(0x30, qualifier.DER(), value)
	return ext(oid.CertificatePolicies, false, der.Wrap(0x30, der.Wrap(0x30, policy.DER(), der.Wrap(0x30, info))))
}

// mapExt is policyMappings.
func mapExt(pairs ...oid.OID) []byte {
	var list [][]byte
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, der.Wrap(0x30, pairs[i].DER(), pairs[i+1].DER()))
	}
	return ext(oid.PolicyMappings, true, der.Wrap(0x30, list...))
}

// parse is for certificates that must be readable.
func parse(t testing.TB, raw []byte) *pki.Certificate {
	t.Helper()
	c, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
