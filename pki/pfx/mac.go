package pfx

import (
	"crypto/hmac"
	"crypto/pbkdf2"
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
		return 3 * m.iterations, nil // two blocks of PBKDF2, then the older derivation
	}
	return m.iterations, nil
}

// check compares the MAC over message and returns the dialect that fitted. The
// error is ErrPassword if none did.
func (m *macData) check(message, password []byte) (string, error) {
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
		key, err := rfc9548Key(newHash, password, m.salt, m.iterations)
		if err != nil {
			return "", err
		}
		defer clear(key)
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

// rfc9548Key derives the MAC key of RFC 9548: PBKDF2 to 96 octets, of which the
// last 32 are the key.
func rfc9548Key(newHash func() hash.Hash, password, salt []byte, iterations int) ([]byte, error) {
	// The copy in the string cannot be wiped; it is garbage after the call.
	dk, err := pbkdf2.Key(newHash, string(password), salt, iterations, 96)
	if err != nil {
		return nil, fmt.Errorf("pfx: MAC key: %w", err)
	}
	clear(dk[:64])
	return dk[64:], nil
}
