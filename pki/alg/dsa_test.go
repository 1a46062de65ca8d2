package alg

import (
	//lint:ignore SA1019 what is tested
	"crypto/dsa" //nolint:staticcheck // what is tested
	"crypto/rand"
	"crypto/sha1"
	"errors"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// newDSA makes a key of 1024 bits.
func newDSA(t *testing.T) *dsa.PrivateKey {
	t.Helper()
	key := new(dsa.PrivateKey)
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(key, rand.Reader); err != nil {
		t.Fatal(err)
	}
	return key
}

// integers is a SEQUENCE of INTEGERs.
func integers(list ...*big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, n := range list {
			b.AddASN1BigInt(n)
		}
	})
	return b.BytesOrPanic()
}

// dsaInfo is a SubjectPublicKeyInfo; params nil leaves the parameters out.
func dsaInfo(y *big.Int, params []byte) []byte {
	var inner, b cryptobyte.Builder
	inner.AddASN1BigInt(y)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		Identifier{OID: oid.DSA, Params: params}.Add(b)
		b.AddASN1BitString(inner.BytesOrPanic())
	})
	return b.BytesOrPanic()
}

func TestDSA(t *testing.T) {
	key := newDSA(t)
	params := integers(key.P, key.Q, key.G)
	own, err := ParseDSA(dsaInfo(key.Y, params), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"absent": nil, "NULL": {5, 0}} {
		inherited, err := ParseDSA(dsaInfo(key.Y, in), &key.Parameters)
		if err != nil || !EqualKeys(own, inherited) {
			t.Errorf("%s parameters: %v", name, err)
		}
		if _, err := ParseDSA(dsaInfo(key.Y, in), nil); !errors.Is(err, ErrDSAParameters) {
			t.Errorf("%s parameters, none inherited: %v", name, err)
		}
	}
	// Nobody gets a DSA key without asking for one.
	var unknown *UnknownError
	if _, err := ParsePublicKey(dsaInfo(key.Y, params)); !errors.As(err, &unknown) || unknown.OID != oid.DSA {
		t.Errorf("ParsePublicKey: %v", err)
	}
	message := []byte("message")
	sum := sha1.Sum(message)
	r, s, err := dsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := integers(r, s)
	withSHA1 := Identifier{OID: oid.DSAWithSHA1}
	if err := VerifyMessage(own, withSHA1, Identifier{}, message, sig); err != nil {
		t.Error(err)
	}
	// The digest is longer than q: its leftmost bits count.
	if err := VerifyMessage(own, Identifier{OID: oid.DSAWithSHA256}, Identifier{}, message, sig); !errors.Is(err, ErrSignature) {
		t.Errorf("another digest: %v", err)
	}
	for name, bad := range map[string][]byte{
		"r and s exchanged": integers(s, r), "r is zero": integers(new(big.Int), s), "s is q": integers(r, key.Q),
		"negative": integers(new(big.Int).Neg(r), s), "a third number": integers(r, s, s), "data after it": append(slices.Clone(sig), 0), "empty": nil,
	} {
		if err := VerifyMessage(own, withSHA1, Identifier{}, message, bad); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := VerifyMessage(own, withSHA1, Identifier{}, []byte("other"), sig); !errors.Is(err, ErrSignature) {
		t.Errorf("another message: %v", err)
	}
	var mismatch *MismatchError
	if err := VerifyMessage(own, Identifier{OID: oid.SHA256WithRSA}, Identifier{}, message, sig); !errors.As(err, &mismatch) {
		t.Errorf("RSA's identifier: %v", err)
	}
	if KeyName(own) != "dsa-1024" || KeyAlgorithmName(own) != NameDSA {
		t.Errorf("names %s, %s", KeyName(own), KeyAlgorithmName(own))
	}
}

func TestDSARefused(t *testing.T) {
	key := newDSA(t)
	one, huge := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 4096)
	huge.Add(huge, one)
	for name, spki := range map[string][]byte{
		"another algorithm": Identifier{OID: oid.DSA}.DER(),
		"p even":            dsaInfo(key.Y, integers(new(big.Int).Lsh(key.P, 1), key.Q, key.G)),
		"p too long":        dsaInfo(key.Y, integers(huge, key.Q, key.G)),
		"p negative":        dsaInfo(key.Y, integers(new(big.Int).Neg(key.P), key.Q, key.G)),
		"q is 1":            dsaInfo(key.Y, integers(key.P, one, key.G)),
		"q of odd length":   dsaInfo(key.Y, integers(key.P, new(big.Int).Lsh(key.Q, 1), key.G)),
		"q above p":         dsaInfo(key.Y, integers(key.Q, key.P, key.G)),
		"g is 1":            dsaInfo(key.Y, integers(key.P, key.Q, one)),
		"g is p":            dsaInfo(key.Y, integers(key.P, key.Q, key.P)),
		"y is 1":            dsaInfo(one, integers(key.P, key.Q, key.G)),
		"y is p":            dsaInfo(key.P, integers(key.P, key.Q, key.G)),
		"two parameters":    dsaInfo(key.Y, integers(key.P, key.Q)),
		"not DER":           {0x30},
	} {
		if k, err := ParseDSA(spki, nil); err == nil {
			t.Errorf("%s: accepted %v", name, k)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tc := range []struct{ alg, name, digest string }{
		{"gost2012-256", NameGOST2012_256, NameStreebog256},
		{"gost2012-512", NameGOST2012_512, NameStreebog512},
		{"rsa-2048", NameRSA, NameSHA256},
		{"ecdsa-p384", NameECDSA, NameSHA384},
		{"ed25519", NameEd25519, ""},
	} {
		key, err := GenerateKey(tc.alg, "")
		if err != nil {
			t.Fatal(err)
		}
		pub := key.Public()
		id := SignatureForKey(pub)
		for _, key := range []any{pub, nil} {
			if digest, name := SignatureNames(id, key); digest != tc.digest || name != tc.name {
				t.Errorf("%s: %s with %s", tc.alg, name, digest)
			}
		}
	}
	for id, want := range map[oid.OID]string{
		oid.GOST341194CryptoProParams: NameGOST341194, oid.GOST2001WithGOST341194: NameGOST341194, oid.MD5WithRSA: NameMD5, oid.MD5: NameMD5,
		oid.SHA1WithRSA: NameSHA1, oid.DSAWithSHA224: NameSHA224, oid.SHA384: NameSHA384, oid.SHA512WithRSA: NameSHA512, oid.SHA3_512: NameSHA3_512, oid.RSA: "", "1.2.3": "",
	} {
		if got := DigestName(Identifier{OID: id}); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if d, k := SignatureNames(Identifier{OID: "1.2.3"}, nil); d != "" || k != "" {
		t.Errorf("unknown: %q %q", d, k)
	}
	for name, want := range map[string]bool{NameGOST2001: true, NameGOST341194: true, NameMD5: true, NameSHA1: true, NameSHA224: false, NameRSA: false, NameDSA: false, "": false} {
		if Withdrawn(name) != want {
			t.Errorf("%q: withdrawn %v", name, !want)
		}
	}
}
