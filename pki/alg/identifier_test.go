package alg

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseIdentifier(t *testing.T) {
	for _, c := range []struct {
		name, der, params string
		ok                bool
	}{
		{"parameters absent", "300a06082a85030701010302", "", true},
		{"parameters NULL", "300c06082a850307010103020500", "0500", true},
		{"trailing octets", "300a06082a8503070101030200", "", false},
		{"two parameters", "300e06082a8503070101030205000500", "", false},
		{"cut off", "300a06082a850307010103", "", false},
		{"no OID", "30020500", "", false},
		{"not a SEQUENCE", "06082a85030701010302", "", false},
		{"indefinite length", "308006082a850307010103020000", "", false},
		{"empty", "", "", false},
	} {
		der := unhex(t, c.der)
		id, err := ParseIdentifier(der)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", c.name, err)
		}
		if err != nil {
			continue
		}
		if got := hex.EncodeToString(id.Params); got != c.params || id.OID != oid.GOST2012_256WithStreebog256 {
			t.Errorf("%s: %s, parameters %q", c.name, id.OID, got)
		}
		if !bytes.Equal(id.DER(), der) {
			t.Errorf("%s: encoded as %x", c.name, id.DER())
		}
	}
}

func TestEquivalent(t *testing.T) {
	absent, null := Identifier{OID: oid.Streebog256}, NULL(oid.Streebog256)
	if !absent.Equivalent(null) || !null.Equivalent(absent) {
		t.Error("absent and NULL parameters are not equivalent")
	}
	if bytes.Equal(absent.DER(), null.DER()) {
		t.Error("absent and NULL parameters are encoded alike")
	}
	if absent.Equivalent(Identifier{OID: oid.Streebog512}) {
		t.Error("two algorithms are equivalent")
	}
	if absent.Equivalent(Identifier{OID: oid.Streebog256, Params: []byte{4, 0}}) {
		t.Error("other parameters are equivalent to none")
	}
}

func TestNewHash(t *testing.T) {
	for _, c := range []struct {
		id   Identifier
		size int
	}{
		{Identifier{OID: oid.Streebog256}, 32},
		{NULL(oid.Streebog512), 64},
		{Identifier{OID: oid.GOST341194}, 32},
		{NULL(oid.SHA1), 20},
		{Identifier{OID: oid.SHA256}, 32},
		{Identifier{OID: oid.SHA384}, 48},
		{Identifier{OID: oid.SHA512}, 64},
		{Identifier{OID: oid.SHA3_256}, 32},
		{Identifier{OID: oid.GOST2012_512WithStreebog512}, 64}, // a signature in a digest field
	} {
		h, err := NewHash(c.id)
		if err != nil || h.Size() != c.size {
			t.Errorf("%s: %v", c.id.OID.Name(), err)
		}
	}
	var unknown *UnknownError
	if _, err := NewHash(Identifier{OID: oid.MD5}); !errors.As(err, &unknown) || unknown.OID != oid.MD5 {
		t.Errorf("MD5: %v", err)
	}
}

// Each row states the identifiers of one kind of key; a reader of certificates
// and CMS depends on them.
func TestIdentifiersOfKeys(t *testing.T) {
	for _, c := range []struct {
		algorithm, set     string
		hash, sig, keyAlg  oid.OID
		sigNULL, keyIDNULL bool
	}{
		{"gost2012-256", "tc26-256-a", oid.Streebog256, oid.GOST2012_256WithStreebog256, oid.GOST2012_256, false, false},
		{"gost2012-512", "tc26-512-c", oid.Streebog512, oid.GOST2012_512WithStreebog512, oid.GOST2012_512, false, false},
		{"ecdsa-p256", "", oid.SHA256, oid.ECDSAWithSHA256, oid.ECDSAWithSHA256, false, false},
		{"ecdsa-p384", "", oid.SHA384, oid.ECDSAWithSHA384, oid.ECDSAWithSHA384, false, false},
		{"ecdsa-p521", "", oid.SHA512, oid.ECDSAWithSHA512, oid.ECDSAWithSHA512, false, false},
		{"rsa-2048", "", oid.SHA256, oid.SHA256WithRSA, oid.RSA, true, true},
		{"ed25519", "", oid.SHA512, oid.Ed25519, oid.Ed25519, false, false},
	} {
		key, err := GenerateKey(c.algorithm, c.set)
		if err != nil {
			t.Fatal(err)
		}
		pub := key.Public()
		check := func(what string, id Identifier, want oid.OID, null bool) {
			if id.OID != want || (id.Params != nil) != null {
				t.Errorf("%s: %s is %s with parameters %x", c.algorithm, what, id.OID.Name(), id.Params)
			}
		}
		check("digest", HashForKey(pub), c.hash, false)
		check("signature", SignatureForKey(pub), c.sig, c.sigNULL)
		check("key algorithm", KeyAlgorithm(pub), c.keyAlg, c.keyIDNULL)
		signAndVerify(t, key)
	}
}

// signAndVerify signs by every identifier that fits the key and checks that
// another message, and a changed signature, do not verify.
func signAndVerify(t *testing.T, key crypto.Signer) {
	t.Helper()
	message := []byte("message")
	pub := key.Public()
	name := KeyName(pub)
	for _, id := range []Identifier{{}, SignatureForKey(pub), KeyAlgorithm(pub)} {
		sig, err := SignMessage(nil, key, id, message)
		if err != nil {
			t.Errorf("%s with %s: %v", name, id.OID.Name(), err)
			continue
		}
		for _, sigAlg := range []Identifier{SignatureForKey(pub), KeyAlgorithm(pub)} {
			if err := VerifyMessage(pub, sigAlg, Identifier{}, message, sig); err != nil {
				t.Errorf("%s with %s: %v", name, sigAlg.OID.Name(), err)
			}
			if err := VerifyMessage(pub, sigAlg, Identifier{}, []byte("other"), sig); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: another message: %v", name, err)
			}
			bad := bytes.Clone(sig)
			bad[len(bad)-1] ^= 1
			if err := VerifyMessage(pub, sigAlg, Identifier{}, message, bad); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: a changed signature: %v", name, err)
			}
		}
	}
}
