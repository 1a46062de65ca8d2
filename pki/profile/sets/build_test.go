package sets_test

import (
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// sample describes a certificate of any quality. It is written here by hand
// and not by pki.CreateCertificate, which refuses to write most of the bad
// ones. The signature is filler: rules speak about the form.
type sample struct {
	version   int64 // as encoded: 2 is version 3
	serial    *big.Int
	outer     alg.Identifier // signatureAlgorithm outside
	inner     alg.Identifier
	issuer    []pki.Attribute
	subject   []pki.Attribute
	from, to  time.Time
	spki      []byte
	extension map[oid.OID]ext
	order     []oid.OID
}

// ext is an extension: its DER and whether it is critical.
type ext struct {
	critical bool
	der      []byte
}

func (s *sample) set(id oid.OID, critical bool, der []byte) {
	if _, there := s.extension[id]; !there {
		s.order = append(s.order, id)
	}
	s.extension[id] = ext{critical, der}
}

func (s *sample) drop(id oid.OID) { delete(s.extension, id) }

const (
	utf8Tag    = 12
	numericTag = 18
)

func text(t oid.OID, v string) pki.Attribute { return pki.Attribute{Type: t, Value: v, Tag: utf8Tag} }

func digits(t oid.OID, v string) pki.Attribute {
	return pki.Attribute{Type: t, Value: v, Tag: numericTag}
}

// put replaces or adds a subject attribute; an empty value removes it.
func (s *sample) put(a pki.Attribute) {
	var out []pki.Attribute
	for _, o := range s.subject {
		if o.Type != a.Type {
			out = append(out, o)
		}
	}
	if a.Value != "" {
		out = append(out, a)
	}
	s.subject = out
}

func bytesOf(t testing.TB, f func(b *cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	f(&b)
	out, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func addName(b *cryptobyte.Builder, attrs []pki.Attribute) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, a := range attrs {
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					a.Type.Add(b)
					b.AddASN1(asn1.Tag(a.Tag), func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.Value)) })
				})
			})
		}
	})
}

// certificate encodes and parses the sample.
func (s *sample) certificate(t testing.TB) *pki.Certificate {
	t.Helper()
	der := bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, s.addTBS)
			s.outer.Add(b)
			b.AddASN1BitString(make([]byte, 64))
		})
	})
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *sample) addTBS(b *cryptobyte.Builder) {
	if s.version > 0 {
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Int64(s.version) })
	}
	b.AddASN1BigInt(s.serial)
	s.inner.Add(b)
	addName(b, s.issuer)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1UTCTime(s.from)
		b.AddASN1UTCTime(s.to)
	})
	addName(b, s.subject)
	b.AddBytes(s.spki)
	b.AddASN1(asn1.Tag(3).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, id := range s.order {
				e, there := s.extension[id]
				if !there {
					continue
				}
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					id.Add(b)
					if e.critical {
						b.AddASN1Boolean(true)
					}
					b.AddASN1OctetString(e.der)
				})
			}
		})
	})
}

func sequence(t testing.TB, ids ...oid.OID) []byte {
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, id := range ids {
				id.Add(b)
			}
		})
	})
}

func policies(t testing.TB, ids ...oid.OID) []byte {
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, id := range ids {
				b.AddASN1(asn1.SEQUENCE, id.Add)
			}
		})
	})
}

func utf8(t testing.TB, v string) []byte {
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(v)) })
	})
}

// tools encodes issuerSignTool with four texts.
func tools(t testing.TB, texts ...string) []byte {
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, v := range texts {
				b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(v)) })
			}
		})
	})
}

// period encodes privateKeyUsagePeriod.
func period(t testing.TB, from, to time.Time) []byte {
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for i, at := range []time.Time{from, to} {
				b.AddASN1(asn1.Tag(uint8(i)).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(at.Format("20060102150405Z"))) })
			}
		})
	})
}

// key returns the SubjectPublicKeyInfo of a new GOST key, with other
// parameters if set is not empty.
func key(t testing.TB, algorithm, set oid.OID) []byte {
	t.Helper()
	name := "gost2012-256"
	k, err := alg.GenerateKey(name, "")
	if err != nil {
		t.Fatal(err)
	}
	spki, err := alg.MarshalPublicKey(k.Public())
	if err != nil || set == "" {
		return spki
	}
	bits, err := alg.PublicKeyBits(spki)
	if err != nil {
		t.Fatal(err)
	}
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			alg.Identifier{OID: algorithm, Params: sequence(t, set)}.Add(b)
			b.AddASN1BitString(bits)
		})
	})
}

// leaf is a good qualified certificate of a citizen.
func leaf(t testing.TB) *sample {
	day := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	id := alg.Identifier{OID: oid.GOST2012_256WithStreebog256}
	s := &sample{
		version: 2, serial: big.NewInt(4711), outer: id, inner: id, issuer: []pki.Attribute{text(oid.CommonName, "УЦ")},
		subject: []pki.Attribute{
			text(oid.CommonName, "Иванов Иван"), text(oid.Surname, "Иванов"), text(oid.GivenName, "Иван"),
			digits(oid.SNILS, "11223344595"), digits(oid.INN, "500100732259"),
		},
		from: day, to: day.AddDate(1, 3, 0), spki: key(t, "", ""), extension: make(map[oid.OID]ext),
	}
	s.set(oid.KeyUsage, true, []byte{3, 2, 3, 0xf8})
	s.set(oid.SubjectKeyIdentifier, false, []byte{4, 2, 1, 1})
	s.set(oid.AuthorityKeyIdentifier, false, []byte{0x30, 4, 0x80, 2, 2, 2})
	s.set(oid.CertificatePolicies, false, policies(t, oid.PolicyKC1, oid.PolicyKC2))
	s.set(oid.SubjectSignTool, false, utf8(t, "Средство"))
	s.set(oid.IssuerSignTool, false, tools(t, "a", "b", "c", "d"))
	s.set(oid.IdentificationKind, false, []byte{2, 1, 0})
	s.set(oid.PrivateKeyUsagePeriod, false, period(t, day, s.to))
	return s
}

// authority is a good certificate of a subordinate authority.
func authority(t testing.TB) *sample {
	s := leaf(t)
	s.subject = []pki.Attribute{text(oid.CommonName, "Издающий УЦ")}
	s.set(oid.BasicConstraints, true, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0})
	s.set(oid.KeyUsage, true, []byte{3, 2, 1, 0x06})
	return s
}

// responder is a good certificate of an OCSP responder.
func responder(t testing.TB) *sample {
	s := leaf(t)
	s.set(oid.ExtKeyUsage, false, sequence(t, oid.EKUOCSPSigning))
	s.set(oid.OCSPNoCheck, false, []byte{5, 0})
	return s
}

// tsa is a good certificate of a time-stamping authority.
func tsa(t testing.TB) *sample {
	s := leaf(t)
	s.set(oid.ExtKeyUsage, true, sequence(t, oid.EKUTimeStamping))
	return s
}
