package pfx

import (
	"bytes"
	"crypto/hmac"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// macData is
//
//	MacData ::= SEQUENCE {
//	    mac         DigestInfo,
//	    macSalt     OCTET STRING,
//	    iterations  INTEGER DEFAULT 1 }
//	DigestInfo ::= SEQUENCE { digestAlgorithm AlgorithmIdentifier, digest OCTET STRING }
type macData struct {
	algorithm  alg.Identifier
	value      []byte
	salt       []byte
	iterations int
}

func parseMAC(s cryptobyte.String) (*macData, error) {
	var m macData
	var info, value, salt cryptobyte.String
	if !s.ReadASN1(&info, asn1.SEQUENCE) {
		return nil, damaged("macData.mac")
	}
	var err error
	if m.algorithm, err = alg.ReadIdentifier(&info, "macData.mac.digestAlgorithm"); err != nil {
		return nil, damaged("%v", err)
	}
	if !info.ReadASN1(&value, asn1.OCTET_STRING) || !info.Empty() {
		return nil, damaged("macData.mac.digest")
	}
	if !s.ReadASN1(&salt, asn1.OCTET_STRING) || len(salt) > limits.PBKDF2Salt {
		return nil, damaged("macData.macSalt")
	}
	iterations := int64(1)
	if !s.Empty() && (!s.ReadASN1Integer(&iterations) || iterations < 1) || !s.Empty() {
		return nil, damaged("macData.iterations")
	}
	if iterations > limits.PBKDF2Iterations {
		return nil, fmt.Errorf("pfx: macData.iterations is %d, more than %d", iterations, limits.PBKDF2Iterations)
	}
	m.value, m.salt, m.iterations = value, salt, int(iterations)
	return &m, nil
}

// isGOST says whether a digest belongs to the dialects with PBKDF2.
func isGOST(o oid.OID) bool {
	switch o {
	case oid.Streebog256, oid.Streebog512, oid.GOST341194, oid.GOST341194CryptoProParams:
		return true
	}
	return false
}

// cost returns the iterations that check spends at most.
func (m *macData) cost() (int, error) {
	if m.algorithm.OID == oid.PBMAC1 {
		n, err := alg.PBMAC1Iterations(m.algorithm)
		if err != nil {
			return 0, fmt.Errorf("pfx: MAC: %w", err)
		}
		return n, nil
	}
	if isGOST(m.algorithm.OID) {
		return 2 * m.iterations, nil // one block of PBKDF2, then the older derivation
	}
	return m.iterations, nil
}

// check compares the MAC over message and returns the dialect that fitted. The
// error is ErrPassword if none did. key is that of RFC 9548, nil if it is not
// derived yet.
func (m *macData) check(message, password, key []byte) (string, error) {
	if m.algorithm.OID == oid.PBMAC1 {
		mac, err := alg.PBMAC1(m.algorithm, message, password)
		if err != nil {
			return "", fmt.Errorf("pfx: MAC: %w", err)
		}
		if hmac.Equal(mac, m.value) {
			return MACPBMAC1, nil
		}
		return "", ErrPassword
	}
	if _, err := alg.NewHash(m.algorithm); err != nil {
		return "", fmt.Errorf("pfx: MAC: %w", err)
	}
	newHash := m.newHash
	name := m.algorithm.OID.Name()
	if isGOST(m.algorithm.OID) {
		if key == nil {
			key = rfc9548Key(newHash, password, m.salt, m.iterations)
			defer clear(key)
		}
		if m.fits(key, message) {
			return MACRFC + " " + name, nil
		}
	}
	return m.checkPKCS12(message, password, name)
}

// checkPKCS12 tries the derivation of RFC 7292, appendix B. An empty password is
// two zero octets to some and nothing at all to others.
func (m *macData) checkPKCS12(message, password []byte, name string) (string, error) {
	bmp, err := bmpString(password)
	if errors.Is(err, errUTF8) {
		return "", ErrPassword // no file can have been made with it
	}
	if err != nil {
		return "", err
	}
	defer clear(bmp)
	tries := [][]byte{bmp}
	if len(password) == 0 {
		tries = append(tries, nil)
	}
	for _, p := range tries {
		key := pkcs12KDF(m.newHash, idMAC, p, m.salt, m.iterations, m.newHash().Size())
		if m.fits(key, message) {
			return MACPKCS12 + " " + name, nil
		}
	}
	return "", ErrPassword
}

// newHash makes the digest; check has found that it is known.
func (m *macData) newHash() hash.Hash {
	h, _ := alg.NewHash(m.algorithm)
	return h
}

func (m *macData) fits(key, message []byte) bool {
	h := hmac.New(m.newHash, key)
	h.Write(message)
	return hmac.Equal(h.Sum(nil), m.value)
}

// Where the MAC key of RFC 9548, section 3, is in PBKDF2's output.
const (
	macKeyEnd  = 96
	macKeySize = 32
)

// rfc9548Key derives the MAC key of RFC 9548: PBKDF2 to 96 octets, of which the
// last 32 are the key. Only the block that holds them is computed, which halves
// the wait with digests of 64 octets: T_i of RFC 8018, section 5.2, step 3.
func rfc9548Key(newHash func() hash.Hash, password, salt []byte, iterations int) []byte {
	const length, size = macKeyEnd, macKeySize
	prf := hmac.New(newHash, password)
	block := (length - 1) / prf.Size() // counted from 0
	prf.Write(salt)
	prf.Write([]byte{0, 0, 0, byte(block + 1)})
	u := prf.Sum(nil)
	t := bytes.Clone(u)
	for range iterations - 1 {
		prf.Reset()
		prf.Write(u)
		u = prf.Sum(u[:0])
		subtle.XORBytes(t, t, u)
	}
	clear(u)
	at := length - size - block*prf.Size()
	return t[at : at+size]
}
