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

func printable(t oid.OID, v string) pki.Attribute {
	return pki.Attribute{Type: t, Value: v, Tag: byte(asn1.PrintableString)}
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

// address encodes a uniformResourceIdentifier.
func address(b *cryptobyte.Builder, url string) {
	b.AddASN1(asn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(url)) })
}

// crlAddress encodes cRLDistributionPoints with one address.
func crlAddress(t testing.TB, url string) []byte {
	nested := asn1.Tag(0).ContextSpecific().Constructed()
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(nested, func(b *cryptobyte.Builder) {
					b.AddASN1(nested, func(b *cryptobyte.Builder) { address(b, url) })
				})
			})
		})
	})
}

// issuerAddress encodes authorityInfoAccess with the issuer's address.
func issuerAddress(t testing.TB, url string) []byte {
	return bytesOf(t, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				oid.AccessCAIssuers.Add(b)
				address(b, url)
			})
		})
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
		version: 2, serial: big.NewInt(4711), outer: id, inner: id,
		issuer: []pki.Attribute{
			printable(oid.Country, "RU"), text(oid.Organization, "УЦ"), text(oid.CommonName, "УЦ"),
			digits(oid.OGRN, "1027700132195"), digits(oid.INNLE, "7707083893"),
		},
		subject: []pki.Attribute{
			printable(oid.Country, "RU"), text(oid.CommonName, "Иванов Иван"), text(oid.Surname, "Иванов"), text(oid.GivenName, "Иван"),
			digits(oid.SNILS, "11223344595"), digits(oid.INN, "500100732259"),
		},
		from: day, to: day.AddDate(1, 3, 0), spki: key(t, "", ""), extension: make(map[oid.OID]ext),
	}
	s.set(oid.KeyUsage, true, []byte{3, 2, 3, 0xf8})
	keyID, err := alg.KeyIdentifier(s.spki)
	if err != nil {
		t.Fatal(err)
	}
	s.set(oid.SubjectKeyIdentifier, false, append([]byte{4, byte(len(keyID))}, keyID...))
	s.set(oid.CRLDistributionPoints, false, crlAddress(t, "http://uc.example.ru/a.crl"))
	s.set(oid.AuthorityInfoAccess, false, issuerAddress(t, "http://uc.example.ru/a.cer"))
	s.set(oid.AuthorityKeyIdentifier, false, []byte{0x30, 4, 0x80, 2, 2, 2})
	s.set(oid.CertificatePolicies, false, policies(t, oid.PolicyKC1, oid.PolicyKC2))
	s.set(oid.SubjectSignTool, false, utf8(t, "Средство"))
	s.set(oid.IssuerSignTool, false, tools(t, "a", "b", "c", "d"))
	s.set(oid.IdentificationKind, false, []byte{2, 1, 0})
	s.set(oid.PrivateKeyUsagePeriod, false, period(t, day, s.to))
	return s
}

// organization is a good qualified certificate of an organization, for which a
// person acts.
func organization(t testing.TB) *sample {
	s := leaf(t)
	for _, a := range []pki.Attribute{
		text(oid.CommonName, "ООО"), text(oid.Organization, "ООО"), digits(oid.OGRN, "1027700132195"), digits(oid.INNLE, "7707083893"),
		text(oid.StateOrProvince, "77 г. Москва"), text(oid.Locality, "Москва"), text(oid.StreetAddress, "ул. Тверская, д. 7"),
	} {
		s.put(a)
	}
	return s
}

// oldOrganization is one from before the edition of 2021.
func oldOrganization(t testing.TB) *sample {
	s := organization(t)
	s.put(digits(oid.INNLE, ""))
	s.put(digits(oid.INN, "007707083893"))
	s.drop(oid.IdentificationKind)
	s.from = time.Date(2020, 6, 2, 12, 0, 0, 0, time.UTC)
	s.to = s.from.AddDate(1, 3, 0)
	s.set(oid.PrivateKeyUsagePeriod, false, period(t, s.from, s.to))
	return s
}

// authority is a good certificate of a subordinate authority.
func authority(t testing.TB) *sample {
	s := leaf(t)
	s.subject = []pki.Attribute{printable(oid.Country, "RU"), text(oid.CommonName, "Издающий УЦ")}
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
