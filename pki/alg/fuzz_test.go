package alg

import (
	"bytes"
	"crypto/rand"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

func FuzzParseIdentifier(f *testing.F) {
	f.Add([]byte{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x03, 0x02})
	f.Add([]byte{0x30, 0x0c, 0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x03, 0x02, 0x05, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := ParseIdentifier(b)
		if err == nil && !bytes.Equal(id.DER(), b) {
			t.Errorf("%x is encoded as %x", b, id.DER())
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	for _, name := range []string{"gost2012-256", "gost2012-512", "ecdsa-p256", "ed25519", "rsa-2048"} {
		key, err := GenerateKey(name, "")
		if err != nil {
			f.Fatal(err)
		}
		spki, err := MarshalPublicKey(key.Public())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(spki)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		pub, err := ParsePublicKey(b)
		if err != nil {
			return
		}
		again, err := MarshalPublicKey(pub)
		if err != nil {
			t.Fatalf("%s cannot be written: %v", KeyName(pub), err)
		}
		if back, err := ParsePublicKey(again); err != nil || !EqualKeys(pub, back) {
			t.Errorf("%s is not the same key after writing: %v", KeyName(pub), err)
		}
	})
}

func FuzzParsePKCS8(f *testing.F) {
	for _, name := range []string{"gost2012-256", "gost2012-512", "ecdsa-p256", "ed25519"} {
		key, err := GenerateKey(name, "")
		if err != nil {
			f.Fatal(err)
		}
		p8, err := MarshalPKCS8(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p8)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := ParsePKCS8(b)
		if err != nil {
			return
		}
		if _, err := ParsePKCS8For(b, key.Public()); err != nil {
			t.Errorf("a key does not fit itself: %v", err)
		}
	})
}

func FuzzDecryptPKCS8(f *testing.F) {
	p8, err := MarshalPKCS8(newGOST(f, "cryptopro-a"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range allCiphers {
		der, err := EncryptPKCS8(rand.Reader, p8, []byte("p"), PBES2{Cipher: name, Iterations: 1000})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		id, _, err := ParseEncryptedPKCS8(b)
		if err != nil {
			return
		}
		if n, err := PBES2Iterations(id); err == nil && n > 5000 {
			return // bounded, but too slow for a fuzzer
		}
		if got, err := DecryptPKCS8(b, []byte("p")); err == nil && !bytes.Equal(got, p8) {
			if _, err := parsePrivateKeyInfo(got); err != nil {
				t.Errorf("%x is returned: %v", got, err)
			}
		}
	})
}

// FuzzReadIdentifier consumes identifiers one after the other.
func FuzzReadIdentifier(f *testing.F) {
	f.Add([]byte{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x03, 0x02, 0x05, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := cryptobyte.String(b)
		id, err := ReadIdentifier(&s, "algorithm")
		if err == nil && !bytes.HasPrefix(b, id.DER()) {
			t.Errorf("%x is encoded as %x", b, id.DER())
		}
	})
}
