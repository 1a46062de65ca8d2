package alg_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// derived returns the key of id.
func derived(t *testing.T, id alg.Identifier, password []byte) []byte {
	t.Helper()
	d, ok := alg.PBES2Derivation(id, password)
	if !ok {
		t.Fatal("no derivation")
	}
	keys, err := kdf.PBKDF2Many([]kdf.Derivation{d})
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

func anything([]byte) bool { return true }

// What is encrypted with a key that was derived before opens with the password,
// and the other way round.
func TestPBES2Key(t *testing.T) {
	password, plain := []byte("пароль"), bytes.Repeat([]byte("text"), 100)
	for _, cipher := range []string{"", "kuznyechik", "magma", "kuznyechik-omac", "magma-omac", "aes256"} {
		id, err := alg.NewPBES2(rand.Reader, alg.PBES2{Cipher: cipher, Iterations: 1000})
		if err != nil {
			t.Fatal(err)
		}
		key := derived(t, id, password)
		ciphertext, err := alg.EncryptPBES2Key(id, plain, key)
		if err != nil {
			t.Fatalf("%q: %v", cipher, err)
		}
		if got, err := alg.DecryptPBES2(id, ciphertext, password); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q: with the password: %v", cipher, err)
		}
		id, ciphertext, err = alg.EncryptPBES2(rand.Reader, plain, password, alg.PBES2{Cipher: cipher, Iterations: 1000})
		if err != nil {
			t.Fatal(err)
		}
		key = derived(t, id, password)
		if got, err := alg.DecryptPBES2Key(id, ciphertext, key, anything); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q: with the key: %v", cipher, err)
		}
		if _, err := alg.DecryptPBES2Key(id, ciphertext, key, func([]byte) bool { return false }); !errors.Is(err, alg.ErrPassword) {
			t.Errorf("%q: a plaintext that is not whole: %v", cipher, err)
		}
		for _, wrong := range [][]byte{nil, key[1:], append(bytes.Clone(key), 0)} {
			if _, err := alg.DecryptPBES2Key(id, ciphertext, wrong, anything); err == nil {
				t.Errorf("%q: a key of %d octets was accepted to decrypt", cipher, len(wrong))
			}
			if _, err := alg.EncryptPBES2Key(id, plain, wrong); err == nil {
				t.Errorf("%q: a key of %d octets was accepted to encrypt", cipher, len(wrong))
			}
		}
	}
}

// Identifiers that are nothing of the kind have no derivation.
func TestPBES2DerivationUnknown(t *testing.T) {
	id, err := alg.NewPBES2(rand.Reader, alg.PBES2{Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]alg.Identifier{
		"none":      {},
		"another":   {OID: oid.PBMAC1, Params: id.Params},
		"empty":     {OID: oid.PBES2},
		"shortened": {OID: oid.PBES2, Params: id.Params[:len(id.Params)-1]},
		"with SHA":  {OID: oid.PBES2, Params: withSHA256(t, id)},
	} {
		if _, ok := alg.PBES2Derivation(id, nil); ok {
			t.Errorf("%s: a derivation", name)
		}
		if name == "with SHA" {
			continue // that one opens, by another derivation
		}
		if _, err := alg.DecryptPBES2Key(id, nil, make([]byte, 32), anything); err == nil {
			t.Errorf("%s: decrypted", name)
		}
	}
}

// withSHA256 returns the parameters with HMAC-SHA-256 for HMAC-Streebog-512:
// both identifiers have eight octets and NULL.
func withSHA256(t *testing.T, id alg.Identifier) []byte {
	t.Helper()
	streebog := []byte{0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x04, 0x02}
	sha := []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09}
	if bytes.Count(id.Params, streebog) != 1 {
		t.Fatalf("%x: no HMAC-Streebog-512", id.Params)
	}
	return bytes.Replace(id.Params, streebog, sha, 1)
}
