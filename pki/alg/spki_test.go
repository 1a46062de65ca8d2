package alg

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha1"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func newGOST(t testing.TB, set string) *gost3410.PrivateKey {
	t.Helper()
	c, ok := gost3410.CurveByName(set)
	if !ok {
		t.Fatalf("no curve %q", set)
	}
	key, err := gost3410.GenerateKey(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// spkiOf encodes a GOST key with the parameters that a test wants.
func spkiOf(algorithm oid.OID, point []byte, params ...oid.OID) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			algorithm.Add(b)
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, p := range params {
					p.Add(b)
				}
			})
		})
		var inner cryptobyte.Builder
		inner.AddASN1OctetString(point)
		b.AddASN1BitString(inner.BytesOrPanic())
	})
	return b.BytesOrPanic()
}

// RFC 9215, section 4.2: when digestParamSet is present and when it is absent.
func TestGOSTPublicKeyParameters(t *testing.T) {
	for _, r := range curveRows() {
		key := newGOST(t, r.name)
		spki, err := MarshalPublicKey(key.Public())
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		id, bits, err := splitSPKI(spki)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parseGOSTParams(id)
		if err != nil {
			t.Fatal(err)
		}
		wantDigest := oid.OID("")
		if r.digest == digestPresent {
			wantDigest = oid.Streebog256
		}
		if p.curve != r.oid || p.digest != wantDigest {
			t.Errorf("%s: parameters %s %q", r.name, p.curve, p.digest)
		}
		// RFC 9215, section 4.3: OCTET STRING inside the BIT STRING.
		if want := 2 * key.Curve().Size(); len(bits) != want+2+(want>>7) || bits[0] != 4 {
			t.Errorf("%s: subjectPublicKey starts with %x", r.name, bits[:3])
		}
		pub, err := ParsePublicKey(spki)
		if err != nil || !EqualKeys(pub, key.Public()) {
			t.Errorf("%s: read back: %v", r.name, err)
		}
		if again, err := MarshalPublicKey(pub); err != nil || !bytes.Equal(again, spki) {
			t.Errorf("%s: encoded again as %x, %v", r.name, again, err)
		}
		if IsTestKey(pub) != r.test || IsLegacy(pub) {
			t.Errorf("%s: test %v", r.name, IsTestKey(pub))
		}
		sum := sha1.Sum(bits)
		if ski, err := KeyIdentifier(spki); err != nil || !bytes.Equal(ski, sum[:]) {
			t.Errorf("%s: key identifier %x, %v", r.name, ski, err)
		}
	}
}

// The reader takes what producers write; the rows name them.
func TestGOSTParametersThatExist(t *testing.T) {
	k256, k512 := newGOST(t, "cryptopro-a").PublicKey().Bytes(), newGOST(t, "tc26-512-a").PublicKey().Bytes()
	for _, c := range []struct {
		name string
		spki []byte
		ok   bool
	}{
		{"digestParamSet absent with a CryptoPro set", spkiOf(oid.GOST2012_256, k256, oid.CryptoProA), true},
		{"digestParamSet of 34.11-94 under a 2012 key: Bouncy Castle", spkiOf(oid.GOST2012_256, k256, oid.CryptoProA, oid.GOST341194CryptoProParams), true},
		{"encryptionParamSet: older tools", spkiOf(oid.GOST2012_256, k256, oid.CryptoProA, oid.Streebog256, oid.GOST28147ParamZ), true},
		{"digestParamSet with a 512-bit set: OpenSSL", spkiOf(oid.GOST2012_512, k512, oid.TC26_512A, oid.Streebog512), true},
		{"the digest of the other size", spkiOf(oid.GOST2012_256, k256, oid.CryptoProA, oid.Streebog512), false},
		{"a 512-bit set under the 256-bit algorithm", spkiOf(oid.GOST2012_256, k512, oid.TC26_512A), false},
		{"a 256-bit set under the 512-bit algorithm", spkiOf(oid.GOST2012_512, k256, oid.CryptoProA), false},
		{"a set nobody knows", spkiOf(oid.GOST2012_256, k256, "1.2.643.2.2.35.99"), false},
		{"no set", spkiOf(oid.GOST2012_256, k256), false},
		{"a point that is too short", spkiOf(oid.GOST2012_256, k256[:63], oid.CryptoProA), false},
		{"a point that is not on the curve", spkiOf(oid.GOST2012_256, make([]byte, 64), oid.CryptoProA), false},
		{"another curve's point", spkiOf(oid.GOST2012_256, k256, oid.CryptoProB), false},
	} {
		if _, err := ParsePublicKey(c.spki); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var unknown *UnknownError
	_, err := ParsePublicKey(spkiOf(oid.GOST2012_256, k256, "1.2.643.2.2.35.99"))
	if !errors.As(err, &unknown) {
		t.Errorf("an unknown set gives %v", err)
	}
	_, err = ParsePublicKey(spkiOf(oid.GOST94, k256, oid.CryptoProA))
	if !errors.As(err, &unknown) || unknown.OID != oid.GOST94 {
		t.Errorf("an unknown algorithm gives %v", err)
	}
}

// One curve has several identifiers: RFC 9215, appendix B, and RFC 7836 give
// CryptoPro-A the names XchA and TC26-256-B.
func TestEqualKeysAcrossAliases(t *testing.T) {
	for _, family := range [][]string{
		{"cryptopro-a", "cryptopro-xcha", "tc26-256-b"},
		{"cryptopro-c", "cryptopro-xchb", "tc26-256-d"},
		{"cryptopro-b", "tc26-256-c"},
	} {
		point := newGOST(t, family[0]).PublicKey().Bytes()
		for _, a := range family {
			for _, b := range family {
				x, y := publicOn(t, a, point), publicOn(t, b, point)
				if !EqualKeys(x, y) {
					t.Errorf("%s and %s differ", a, b)
				}
				if KeyName(x) != "gost2012-256 "+a {
					t.Errorf("%s is named %s", a, KeyName(x))
				}
			}
		}
	}
	one, other := newGOST(t, "cryptopro-a"), newGOST(t, "cryptopro-a")
	if EqualKeys(one.Public(), other.Public()) {
		t.Error("two keys are equal")
	}
	legacy, err := ParsePublicKey(spkiOf(oid.GOST2001, one.PublicKey().Bytes(), oid.CryptoProA, oid.GOST341194CryptoProParams))
	if err != nil {
		t.Fatal(err)
	}
	if EqualKeys(legacy, one.Public()) || EqualKeys(one.Public(), legacy) {
		t.Error("a key of GOST R 34.10-2001 equals one of 2012")
	}
	if !IsLegacy(legacy) || KeyName(legacy) != "gost2001 cryptopro-a" {
		t.Errorf("legacy key: %s", KeyName(legacy))
	}
}

func publicOn(t *testing.T, set string, point []byte) *gost3410.PublicKey {
	t.Helper()
	c, _ := gost3410.CurveByName(set)
	pub, err := gost3410.NewPublicKey(c, point)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func TestForeignPublicKeys(t *testing.T) {
	for _, name := range []string{"ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "ed25519"} {
		key, err := GenerateKey(name, "")
		if err != nil {
			t.Fatal(err)
		}
		spki, err := MarshalPublicKey(key.Public())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pub, err := ParsePublicKey(spki)
		if err != nil || !EqualKeys(pub, key.Public()) || KeyName(pub) != name {
			t.Errorf("%s: read back as %s, %v", name, KeyName(pub), err)
		}
		if _, err := ParsePublicKey(append(spki, 0)); err == nil {
			t.Errorf("%s: a trailing octet is accepted", name)
		}
	}
	key, err := GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	pub := key.Public().(*ecdsa.PublicKey)
	raw, err := pub.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	raw[10] ^= 1
	if _, err := parseECDSA(Identifier{OID: oid.ECPublicKey, Params: oid.P256.DER()}, raw); err == nil {
		t.Error("a point that is not on P-256 is accepted")
	}
}

func TestGenerateKeyRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"gost2012-256", "cryptopro-test"}, // RFC 9215, section 4.2
		{"gost2012-512", "tc26-512-test"},
		{"gost2012-256", "tc26-512-a"},
		{"gost2012-512", "cryptopro-a"},
		{"gost2012-256", "p256"},
		{"ecdsa-p256", "cryptopro-a"},
		{"gost2001", ""},
	} {
		if _, err := GenerateKey(c[0], c[1]); err == nil {
			t.Errorf("%s %s is made", c[0], c[1])
		}
	}
}
