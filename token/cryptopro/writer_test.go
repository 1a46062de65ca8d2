package cryptopro

import (
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// A spec says what container the writer makes: the tests' own, for the product
// writes none.
type spec struct {
	curve    string // cryptopro-a if empty
	legacy   bool   // GOST R 34.10-2001
	password []byte // four octets a character
	held     bool   // not exportable
	second   string // the curve of a second key
	cert     []byte
	notAfter time.Time
	key      *gost3410.PrivateKey // made if nil
}

func (s *spec) params(t testing.TB, curve string) keyParams {
	c, ok := gost3410.CurveByName(curve)
	if !ok {
		t.Fatal(curve)
	}
	p := keyParams{curve: c, legacy: s.legacy, sbox: gost28147.SBoxTC26Z()}
	if s.legacy {
		p.sbox = gost28147.SBoxCryptoProA()
	}
	return p
}

func random(t testing.TB, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func sequence(f cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, f)
	return b.BytesOrPanic()
}

func implicit(b *cryptobyte.Builder, n uint8, content []byte) {
	b.AddASN1(asn1.Tag(n).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(content) })
}

// write makes the six files.
func write(t testing.TB, s *spec) map[string][]byte {
	t.Helper()
	if s.curve == "" {
		s.curve = "cryptopro-a"
	}
	p := s.params(t, s.curve)
	keys := []*gost3410.PrivateKey{s.key}
	if s.key == nil {
		keys[0] = newKey(t, p.curve)
		s.key = keys[0]
	}
	curves := []string{s.curve}
	if s.second != "" {
		keys = append(keys, newKey(t, s.params(t, s.second).curve))
		curves = append(curves, s.second)
	}
	files := map[string][]byte{"name.key": sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(der.TagIA5String), func(b *cryptobyte.Builder) { b.AddBytes([]byte("ключ-1")) })
	})}
	for _, n := range []string{"", "2"} {
		mask, salt := random(t, p.curve.Size()), random(t, saltSize)
		files["masks"+n+".key"] = sequence(func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(mask)
			b.AddASN1OctetString(salt)
			b.AddASN1OctetString(checksum(mask[len(mask)-32:], p.sbox, salt))
		})
		kek := p.deriveKey(s.password, salt)
		files["primary"+n+".key"] = sequence(func(b *cryptobyte.Builder) {
			for i, k := range keys {
				if i == 0 {
					b.AddASN1OctetString(wrap(t, k, mask, kek, p.sbox))
				} else {
					implicit(b, 0, wrap(t, k, mask, kek, p.sbox))
				}
			}
		})
	}
	files["header.key"] = s.header(t, p, curves, keys)
	return files
}

func newKey(t testing.TB, c gost3410.Curve) *gost3410.PrivateKey {
	k, err := gost3410.GenerateKey(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// wrap returns encrypt(kek, d · mask mod q).
func wrap(t testing.TB, k *gost3410.PrivateKey, mask, kek []byte, sbox gost28147.SBox) []byte {
	// A masked key is read as a product, which is what is wanted here.
	product, err := gost3410.NewMaskedPrivateKey(k.Curve(), append(k.Bytes(), reduced(t, k.Curve(), mask)...))
	if err != nil {
		t.Fatal(err)
	}
	block, err := gost28147.NewCipher(kek, sbox)
	if err != nil {
		t.Fatal(err)
	}
	out := product.Bytes()
	for i := 0; i < len(out); i += gost28147.BlockSize {
		block.Encrypt(out[i:], out[i:])
	}
	return out
}

// reduced returns mask mod q.
func reduced(t testing.TB, c gost3410.Curve, mask []byte) []byte {
	one := make([]byte, c.Size())
	one[0] = 1
	k, err := gost3410.NewPrivateKeyQuotient(c, mask, one)
	if err != nil {
		t.Fatal(err)
	}
	return k.Bytes()
}

func (s *spec) header(t testing.TB, p keyParams, curves []string, keys []*gost3410.PrivateKey) []byte {
	fp := keys[0].PublicKey().Bytes()[:fingerprintSize]
	content := sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), containerV2.Add)
		attributes := uint32(2) // kccaReservePrimary
		if len(s.password) > 0 {
			attributes |= attrSoftPassword
		}
		der.AddBitString(b, attributes)
		b.AddASN1(asn1.SEQUENCE, s.keyParameters(t, curves[0]))
		mac := make([]byte, macSize)
		if len(s.password) > 0 {
			mac = checksum(p.deriveKey(s.password, fp), p.sbox, make([]byte, 16))
		}
		implicit(b, 2, mac)
		if len(keys) > 1 {
			b.AddASN1(asn1.Tag(4).ContextSpecific().Constructed(), s.keyParameters(t, curves[1]))
		}
		if s.cert != nil {
			implicit(b, 5, s.cert)
		}
		implicit(b, 10, fp)
		if len(keys) > 1 {
			implicit(b, 11, keys[1].PublicKey().Bytes()[:fingerprintSize])
		}
		if !s.notAfter.IsZero() {
			b.AddASN1(asn1.Tag(12).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				addPeriod(b, oid.CryptoProKeyValidity, s.notAfter)
			})
		}
	})
	return sequence(func(b *cryptobyte.Builder) {
		b.AddBytes(content)
		b.AddASN1OctetString(checksum(make([]byte, 32), p.sbox, content))
	})
}

func addPeriod(b *cryptobyte.Builder, id oid.OID, notAfter time.Time) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.Add(b)
		b.AddASN1OctetString(sequence(func(b *cryptobyte.Builder) {
			implicit(b, 1, []byte(notAfter.UTC().Format("20060102150405Z")))
		}))
	})
}

func (s *spec) keyParameters(t testing.TB, curve string) cryptobyte.BuilderContinuation {
	id, ok := oid.ByName(curve)
	if !ok {
		t.Fatal(curve)
	}
	c, _ := gost3410.CurveByName(curve)
	algorithm, digest := oid.AgreementGOST2012_256, oid.Streebog256
	switch {
	case s.legacy:
		algorithm, digest = oid.GOST2001DH, oid.GOST341194CryptoProParams
	case c.Size() == 64:
		algorithm, digest = oid.AgreementGOST2012_512, oid.Streebog512
	}
	return func(b *cryptobyte.Builder) {
		attributes := uint32(keyExportable | keyExchange)
		if s.held {
			attributes = keyExchange
		}
		der.AddBitString(b, attributes)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			algorithm.Add(b)
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				id.Add(b)
				digest.Add(b)
			})
		})
	}
}

func fromHex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
