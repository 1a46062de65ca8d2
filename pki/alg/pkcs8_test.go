package alg

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// The orders of two curves (RFC 7836, appendix A.1; RFC 4357, section 11.4),
// big-endian, to build masked keys and scalars at the edge independently of
// the code under test.
var testOrders = map[string]string{
	"cryptopro-a": "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893",
	"tc26-512-a": "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" +
		"27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275",
}

func littleEndian(x *big.Int, n int) []byte { return reversed(x.FillBytes(make([]byte, n))) }

// p8Of wraps the content of privateKey.
func p8Of(t *testing.T, c gost3410.Curve, content []byte, extra ...byte) []byte {
	t.Helper()
	id, err := gostIdentifier(c)
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		id.Add(b)
		b.AddASN1OctetString(content)
		b.AddBytes(extra)
	})
	return b.BytesOrPanic()
}

func tlv(tag asn1.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, p := range parts {
			b.AddBytes(p)
		}
	})
	return b.BytesOrPanic()
}

// Every encoding of a private key that exists gives the same key.
func TestPKCS8Encodings(t *testing.T) {
	for set, order := range testOrders {
		key := newGOST(t, set)
		c, n := key.Curve(), key.Curve().Size()
		q, _ := new(big.Int).SetString(order, 16)
		le := key.Bytes()
		k := new(big.Int).SetBytes(reversed(le))
		m1, m2 := big.NewInt(0x1234567), new(big.Int).Sub(q, big.NewInt(5))
		inverse := func(x *big.Int) *big.Int { return new(big.Int).ModInverse(x, q) }
		once := new(big.Int).Mod(new(big.Int).Mul(k, inverse(m1)), q)
		twice := new(big.Int).Mod(new(big.Int).Mul(once, inverse(m2)), q)
		masked := append(littleEndian(once, n), littleEndian(m1, n)...)
		masked2 := append(append(littleEndian(twice, n), littleEndian(m1, n)...), littleEndian(m2, n)...)
		var integer cryptobyte.Builder
		integer.AddASN1BigInt(k)
		for name, content := range map[string][]byte{
			"raw little-endian":         le,
			"OCTET STRING":              tlv(asn1.OCTET_STRING, le),
			"INTEGER":                   integer.BytesOrPanic(),
			"one mask":                  masked,
			"two masks":                 masked2,
			"one mask in OCTET STRING":  tlv(asn1.OCTET_STRING, masked),
			"MASKED_GOST_KEY":           tlv(asn1.SEQUENCE, tlv(asn1.OCTET_STRING, masked), tlv(asn1.OCTET_STRING, key.PublicKey().Bytes())),
			"MASKED_GOST_KEY, no masks": tlv(asn1.SEQUENCE, tlv(asn1.OCTET_STRING, le), tlv(asn1.OCTET_STRING, key.PublicKey().Bytes())),
		} {
			got, err := ParsePKCS8(p8Of(t, c, content))
			if err != nil || !EqualKeys(got.Public(), key.Public()) {
				t.Errorf("%s, %s: %v", set, name, err)
			}
			if _, err := ParsePKCS8For(p8Of(t, c, content), key.Public()); err != nil {
				t.Errorf("%s, %s, public key known: %v", set, name, err)
			}
			if _, err := ParsePKCS8For(p8Of(t, c, content), newGOST(t, set).Public()); !errors.Is(err, ErrKeyMismatch) {
				t.Errorf("%s, %s, another public key: %v", set, name, err)
			}
		}
		// Big-endian octets are told only by the public key.
		if got, err := ParsePKCS8For(p8Of(t, c, reversed(le)), key.Public()); err != nil || !bytes.Equal(got.(*gost3410.PrivateKey).Bytes(), le) {
			t.Errorf("%s, big-endian: %v", set, err)
		}
		// RFC 5958: the public key inside the structure must fit.
		var inner cryptobyte.Builder
		inner.AddASN1OctetString(key.PublicKey().Bytes())
		fits := tlv(asn1.Tag(1).ContextSpecific(), []byte{0}, inner.BytesOrPanic())
		if _, err := ParsePKCS8(p8Of(t, c, le, fits...)); err != nil {
			t.Errorf("%s, publicKey inside: %v", set, err)
		}
		fits[len(fits)-1] ^= 1
		if _, err := ParsePKCS8(p8Of(t, c, le, fits...)); !errors.Is(err, ErrKeyMismatch) {
			t.Errorf("%s, another publicKey inside: %v", set, err)
		}
	}
}

func TestPKCS8Refuses(t *testing.T) {
	set := "cryptopro-a"
	key := newGOST(t, set)
	c, le := key.Curve(), key.Bytes()
	q, _ := new(big.Int).SetString(testOrders[set], 16)
	var negative, long cryptobyte.Builder
	negative.AddASN1BigInt(big.NewInt(-5))
	long.AddASN1BigInt(new(big.Int).Lsh(big.NewInt(1), 256))
	other := newGOST(t, set)
	for name, content := range map[string][]byte{
		"zero":                      make([]byte, 32),
		"the order":                 littleEndian(q, 32),
		"above the order":           bytes.Repeat([]byte{0xff}, 32),
		"31 octets":                 le[:31],
		"33 octets":                 append(bytes.Clone(le), 1),
		"no octets":                 {},
		"OCTET STRING of 31 octets": tlv(asn1.OCTET_STRING, le[:31]),
		"OCTET STRING and more":     append(tlv(asn1.OCTET_STRING, le), 0),
		"INTEGER of 257 bits":       long.BytesOrPanic(),
		"negative INTEGER":          negative.BytesOrPanic(),
		"a mask of zero":            append(bytes.Clone(le), make([]byte, 32)...),
		"nine masks":                bytes.Repeat(le, 10),
		"MASKED_GOST_KEY of another key": tlv(asn1.SEQUENCE,
			tlv(asn1.OCTET_STRING, le), tlv(asn1.OCTET_STRING, other.PublicKey().Bytes())),
		"MASKED_GOST_KEY without public key": tlv(asn1.SEQUENCE, tlv(asn1.OCTET_STRING, le)),
	} {
		if _, err := ParsePKCS8(p8Of(t, c, content)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	p8, err := MarshalPKCS8(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePKCS8(append(p8, 0)); err == nil {
		t.Error("a trailing octet is accepted")
	}
	for n := range p8 {
		if _, err := ParsePKCS8(p8[:n]); err == nil {
			t.Errorf("%d of %d octets are accepted", n, len(p8))
		}
	}
}

func TestPKCS8RoundTrip(t *testing.T) {
	keys := make(map[string]crypto.Signer)
	for _, r := range curveRows() {
		keys[r.name] = newGOST(t, r.name)
	}
	for _, name := range []string{"ecdsa-p256", "ecdsa-p521", "rsa-2048", "ed25519"} {
		key, err := GenerateKey(name, "")
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
	}
	for name, key := range keys {
		p8, err := MarshalPKCS8(key)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := ParsePKCS8For(p8, key.Public())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if KeyName(got.Public()) != KeyName(key.Public()) {
			t.Errorf("%s came back as %s", name, KeyName(got.Public()))
		}
		signAndVerify(t, got)
		other, err := GenerateKey("ecdsa-p256", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePKCS8For(p8, other.Public()); !errors.Is(err, ErrKeyMismatch) {
			t.Errorf("%s with another public key: %v", name, err)
		}
	}
}

// A key of GOST R 34.10-2001 is read and kept, but does not sign.
func TestLegacyPrivateKey(t *testing.T) {
	key := newGOST(t, "cryptopro-xcha")
	var params cryptobyte.Builder
	params.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.CryptoProXchA.Add(b)
		oid.GOST341194CryptoProParams.Add(b)
	})
	p8, err := marshalGOSTPrivate(Identifier{OID: oid.GOST2001, Params: params.BytesOrPanic()}, key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParsePKCS8(p8)
	if err != nil {
		t.Fatal(err)
	}
	if !IsLegacy(got.Public()) || KeyName(got.Public()) != "gost2001 cryptopro-xcha" {
		t.Errorf("read as %s", KeyName(got.Public()))
	}
	if _, err := SignMessage(rand.Reader, got, Identifier{}, []byte("m")); err == nil {
		t.Error("it signs")
	}
	if again, err := MarshalPKCS8(got); err != nil || !bytes.Equal(again, p8) {
		t.Errorf("written again as %x, %v", again, err)
	}
	if _, err := ParsePKCS8For(p8, key.Public()); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("with a public key of 2012: %v", err)
	}
}

func TestDestroy(t *testing.T) {
	for _, name := range []string{"gost2012-256", "ecdsa-p256", "rsa-2048", "ed25519"} {
		key, err := GenerateKey(name, "")
		if err != nil {
			t.Fatal(err)
		}
		before, err := MarshalPKCS8(key)
		if err != nil {
			t.Fatal(err)
		}
		Destroy(key)
		if after, err := MarshalPKCS8(key); err == nil && bytes.Equal(after, before) {
			t.Errorf("%s: the key is still there", name)
		}
	}
}
