package alg

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// RFC 9215, section 3.2: key and digest of one size. The mismatch has its own
// error, so that it can be told from a wrong signature.
func TestMismatch(t *testing.T) {
	k256, k512 := newGOST(t, "cryptopro-a"), newGOST(t, "tc26-512-a")
	ec, err := GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	for _, c := range []struct {
		name        string
		pub         crypto.PublicKey
		sig, digest Identifier
	}{
		{"256-bit key, 512-bit digest", k256.Public(), KeyAlgorithm(k256.Public()), Identifier{OID: oid.Streebog512}},
		{"512-bit key, 256-bit digest", k512.Public(), KeyAlgorithm(k512.Public()), Identifier{OID: oid.Streebog256}},
		{"256-bit key, 512-bit signature", k256.Public(), SignatureForKey(k512.Public()), Identifier{}},
		{"256-bit key, digest of 2001", k256.Public(), KeyAlgorithm(k256.Public()), Identifier{OID: oid.GOST341194}},
		{"256-bit key, SHA-256", k256.Public(), KeyAlgorithm(k256.Public()), Identifier{OID: oid.SHA256}},
		{"ECDSA key, GOST signature", ec.Public(), SignatureForKey(k256.Public()), Identifier{}},
		{"ECDSA key, Streebog", ec.Public(), Identifier{OID: oid.ECPublicKey}, Identifier{OID: oid.Streebog256}},
		{"ecdsa-with-SHA256, SHA-384", ec.Public(), SignatureForKey(ec.Public()), Identifier{OID: oid.SHA384}},
	} {
		var mismatch *MismatchError
		if err := VerifyMessage(c.pub, c.sig, c.digest, nil, sig); !errors.As(err, &mismatch) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := SignMessage(nil, k256, Identifier{OID: oid.Streebog512}, nil); err == nil {
		t.Error("a 256-bit key signs a 512-bit digest")
	}
	var unknown *UnknownError
	if err := VerifyMessage(k256.Public(), Identifier{OID: "1.2.3"}, Identifier{}, nil, sig); !errors.As(err, &unknown) {
		t.Errorf("an unknown signature algorithm: %v", err)
	}
}

// A signature that this package cannot check over a digest is not one that fails.
func TestEd25519Digest(t *testing.T) {
	key, err := GenerateKey("ed25519", "")
	if err != nil {
		t.Fatal(err)
	}
	var unknown *UnknownError
	err = VerifyDigest(key.Public(), SignatureForKey(key.Public()), HashForKey(key.Public()), make([]byte, 64), make([]byte, 64))
	if errors.Is(err, ErrSignature) || !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

func TestDigests(t *testing.T) {
	key := newGOST(t, "tc26-256-a")
	message := []byte("streamed content")
	sum := streebog.Sum256(message)
	sig, err := SignDigest(rand.Reader, key, Identifier{OID: oid.Streebog256}, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyMessage(key.Public(), SignatureForKey(key.Public()), NULL(oid.Streebog256), message, sig); err != nil {
		t.Error(err)
	}
	if err := VerifyDigest(key.Public(), KeyAlgorithm(key.Public()), Identifier{}, sum[:], sig); err != nil {
		t.Error(err)
	}
	if err := VerifyDigest(key.Public(), KeyAlgorithm(key.Public()), Identifier{}, sum[:31], sig); err == nil || errors.Is(err, ErrSignature) {
		t.Errorf("a digest of 31 octets: %v", err)
	}
	if _, err := SignDigest(rand.Reader, key, Identifier{}, sum[:31]); err == nil {
		t.Error("a digest of 31 octets is signed")
	}
}

// ECDSA and RSA keys sign other digests than their default where the identifier
// says so.
func TestOtherDigests(t *testing.T) {
	for _, name := range []string{"ecdsa-p256", "rsa-2048"} {
		key, err := GenerateKey(name, "")
		if err != nil {
			t.Fatal(err)
		}
		d := Identifier{OID: oid.SHA512}
		sig, err := SignMessage(nil, key, d, []byte("m"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		id, ok := SignatureWithDigest(key.Public(), d)
		if !ok {
			t.Fatalf("%s: no identifier", name)
		}
		if err := VerifyMessage(key.Public(), id, Identifier{}, []byte("m"), sig); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, ok := SignatureDigest(id); !ok || got.OID != oid.SHA512 {
			t.Errorf("%s: %s implies %s", name, id.OID.Name(), got.OID)
		}
	}
	if _, ok := SignatureWithDigest(newGOST(t, "cryptopro-a").Public(), Identifier{OID: oid.Streebog512}); ok {
		t.Error("a 256-bit key has a signature with a 512-bit digest")
	}
}

// hasher stands for a token that hashes inside.
type hasher struct {
	crypto.Signer
	got []byte
}

func (h *hasher) SignMessage(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	h.got = message
	return []byte("signature"), nil
}

func TestMessageSigner(t *testing.T) {
	h := &hasher{Signer: newGOST(t, "cryptopro-a")}
	sig, err := SignMessage(nil, h, Identifier{}, []byte("whole message"))
	if err != nil || string(h.got) != "whole message" || string(sig) != "signature" {
		t.Errorf("the key got %q, %v", h.got, err)
	}
}

// pssIdentifier writes RSASSA-PSS-params (RFC 4055, section 3.1).
func pssIdentifier(digest, mgf oid.OID, salt int64) Identifier {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { NULL(digest).Add(b) })
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			Identifier{OID: oid.MGF1, Params: NULL(mgf).DER()}.Add(b)
		})
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(salt) })
	})
	return Identifier{OID: oid.RSAPSS, Params: b.BytesOrPanic()}
}

func TestPSS(t *testing.T) {
	signer, err := GenerateKey("rsa-2048", "")
	if err != nil {
		t.Fatal(err)
	}
	key := signer.(*rsa.PrivateKey)
	message := []byte("message")
	sum := sha256.Sum256(message)
	sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	id := pssIdentifier(oid.SHA256, oid.SHA256, 32)
	if err := VerifyMessage(key.Public(), id, Identifier{}, message, sig); err != nil {
		t.Error(err)
	}
	if err := VerifyMessage(key.Public(), id, Identifier{}, []byte("other"), sig); !errors.Is(err, ErrSignature) {
		t.Errorf("another message: %v", err)
	}
	if err := VerifyMessage(key.Public(), pssIdentifier(oid.SHA256, oid.SHA256, 20), Identifier{}, message, sig); !errors.Is(err, ErrSignature) {
		t.Errorf("another salt length: %v", err)
	}
	if err := VerifyMessage(key.Public(), pssIdentifier(oid.SHA256, oid.SHA1, 32), Identifier{}, message, sig); err == nil {
		t.Error("a mask over another hash verifies")
	}
	if err := VerifyMessage(key.Public(), SignatureForKey(key.Public()), Identifier{}, message, sig); !errors.Is(err, ErrSignature) {
		t.Errorf("PSS verifies as PKCS #1 v1.5: %v", err)
	}
	if _, err := SignMessage(nil, key, id, message); err == nil {
		t.Error("a PSS signature is made")
	}
}
