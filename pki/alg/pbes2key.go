package alg

import (
	"fmt"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Whoever opens or makes several things under one password derives their keys
// together, which takes less time than one after the other:
// [PBES2Derivation] for each, [kdf.PBKDF2Many] for all, then [DecryptPBES2Key] or
// [EncryptPBES2Key].

// PBES2Derivation returns what the key of id is derived from, and false where
// that is not PBKDF2 with HMAC-Streebog-512 or id cannot be read; [DecryptPBES2]
// says why. The result holds password and id's salt themselves.
func PBES2Derivation(id Identifier, password []byte) (kdf.Derivation, bool) {
	p, enc, err := parsePBES2(id)
	if err != nil || p.prf.OID != oid.HMACStreebog512 {
		return kdf.Derivation{}, false
	}
	c, err := readCipher(enc)
	// "keyLength ... OPTIONAL", RFC 8018, appendix A.2: if present, the cipher's.
	if err != nil || p.keyLength != 0 && p.keyLength != c.keySize {
		return kdf.Derivation{}, false
	}
	return kdf.Derivation{Password: password, Salt: p.salt, Iterations: p.iterations, Length: c.keySize}, true
}

// keyCipher returns the cipher of id for a key that was derived before.
func keyCipher(id Identifier, key []byte) (contentCipher, error) {
	_, enc, err := parsePBES2(id)
	if err != nil {
		return contentCipher{}, err
	}
	c, err := readCipher(enc)
	if err != nil {
		return contentCipher{}, err
	}
	if len(key) != c.keySize {
		return contentCipher{}, fmt.Errorf("alg: PBES2: a key of %d octets, the cipher needs %d", len(key), c.keySize)
	}
	return c, nil
}

// DecryptPBES2Key is [DecryptPBES2Checked] with the key of [PBES2Derivation].
func DecryptPBES2Key(id Identifier, ciphertext, key []byte, whole func([]byte) bool) ([]byte, error) {
	c, err := keyCipher(id, key)
	if err != nil {
		return nil, err
	}
	return c.openChecked(key, ciphertext, whole)
}

// EncryptPBES2Key encrypts plaintext with the key of [PBES2Derivation] for an id
// of [NewPBES2]. An id is for one plaintext: it holds the initial value.
func EncryptPBES2Key(id Identifier, plaintext, key []byte) ([]byte, error) {
	c, err := keyCipher(id, key)
	if err != nil {
		return nil, err
	}
	return c.seal(key, plaintext)
}
