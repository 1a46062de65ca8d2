package acpkm

import (
	"crypto/cipher"
	"crypto/hmac"
	"errors"
	"fmt"
	"hash"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/gost/omac"
)

// ErrMAC is the error of OpenOMAC when the authentication code does not match.
var ErrMAC = errors.New("acpkm: message authentication code does not match")

// seedSize is the length of the part of the UKM that seeds the derivation of
// the two keys of the -omac algorithms.
const seedSize = 8

// Algorithm is a content encryption algorithm of CMS (R 1323565.1.025) and
// PBES2 (RFC 9337, section 7.3): CTR-ACPKM with its section size, and its -omac
// form. Kuznyechik and Magma return the two that exist; the zero value is
// invalid and its methods return errors.
type Algorithm struct {
	newCipher func(key []byte) (cipher.Block, error)
	blockSize int
	section   int
}

// Kuznyechik returns id-gostr3412-2015-kuznyechik-ctracpkm and its -omac form.
func Kuznyechik() Algorithm {
	return Algorithm{kuznyechik.NewCipher, kuznyechik.BlockSize, SectionSizeKuznyechik}
}

// Magma returns id-gostr3412-2015-magma-ctracpkm and its -omac form.
func Magma() Algorithm {
	return Algorithm{magma.NewCipher, magma.BlockSize, SectionSizeMagma}
}

// WithSectionSize returns a with another section size in bytes, for a peer that
// does not use the usual one. A size that is not a positive multiple of the
// block size is an error of the methods that make a stream.
func (a Algorithm) WithSectionSize(bytes int) Algorithm {
	a.section = bytes
	return a
}

// SectionSize returns the section size in bytes.
func (a Algorithm) SectionSize() int { return a.section }

// KeySize returns the length of the key in bytes, 32.
func (a Algorithm) KeySize() int { return keySize }

// UKMSize returns the length of the UKM in bytes, which the algorithm
// identifier's parameters carry: 16 for Kuznyechik, 12 for Magma (RFC 9337,
// section 5.1.1, step 5).
func (a Algorithm) UKMSize() int { return a.blockSize/2 + seedSize }

// MACSize returns the length of the authentication code in bytes: 16 for
// Kuznyechik, 8 for Magma.
func (a Algorithm) MACSize() int { return a.blockSize }

func (a Algorithm) check(key, ukm []byte) error {
	if a.newCipher == nil {
		return errors.New("acpkm: invalid (zero) Algorithm")
	}
	if len(key) != keySize {
		return fmt.Errorf("acpkm: key of %d bytes, want %d", len(key), keySize)
	}
	if len(ukm) != a.UKMSize() {
		return fmt.Errorf("acpkm: UKM of %d bytes, want %d", len(ukm), a.UKMSize())
	}
	return nil
}

// NewStream returns the stream that encrypts or decrypts without
// authentication: the iv is ukm[1..n-8] (RFC 9337, section 5.1.1, step 6).
func (a Algorithm) NewStream(key, ukm []byte) (cipher.Stream, error) {
	if err := a.check(key, ukm); err != nil {
		return nil, err
	}
	return NewCTRACPKM(a.newCipher, key, ukm[:len(ukm)-seedSize], a.section)
}

// NewOMAC returns the two halves of the -omac form for callers that stream: a
// stream under K(1) and a MAC under K(2), both derived from key (RFC 9337,
// section 5.1.1, step 8). The MAC is computed over the plaintext. PBES2 appends
// it to the plaintext and encrypts it, as SealOMAC does; CMS stores it in the
// unprotected attributes.
func (a Algorithm) NewOMAC(key, ukm []byte) (cipher.Stream, hash.Hash, error) {
	if err := a.check(key, ukm); err != nil {
		return nil, nil, err
	}
	iv, seed := ukm[:len(ukm)-seedSize], ukm[len(ukm)-seedSize:]
	// "label = "kdf tree" (8 octets), seed = ukm[n-7..n], R = 1"
	keys, err := kdf.Tree(key, []byte("kdf tree"), seed, 1, 2*keySize)
	if err != nil {
		return nil, nil, fmt.Errorf("acpkm: %w", err)
	}
	defer clear(keys)
	stream, err := NewCTRACPKM(a.newCipher, keys[:keySize], iv, a.section)
	if err != nil {
		return nil, nil, err
	}
	block, err := a.newCipher(keys[keySize:])
	if err != nil {
		return nil, nil, fmt.Errorf("acpkm: %w", err)
	}
	mac, err := omac.New(block, a.MACSize())
	if err != nil {
		return nil, nil, fmt.Errorf("acpkm: %w", err)
	}
	return stream, mac, nil
}

// SealOMAC encrypts plaintext and its MAC as PBES2 does (RFC 9337, section
// 5.1.1, step 8): the result is MACSize bytes longer than the plaintext. A key
// and a UKM must be used together only once.
func (a Algorithm) SealOMAC(key, ukm, plaintext []byte) ([]byte, error) {
	stream, mac, err := a.NewOMAC(key, ukm)
	if err != nil {
		return nil, err
	}
	mac.Write(plaintext)
	out := make([]byte, len(plaintext), len(plaintext)+a.MACSize())
	copy(out, plaintext)
	out = mac.Sum(out)
	stream.XORKeyStream(out, out)
	return out, nil
}

// OpenOMAC decrypts what SealOMAC made (RFC 9337, section 5.1.2, step 5). The
// error is ErrMAC, and nothing is returned, if key or message are wrong.
func (a Algorithm) OpenOMAC(key, ukm, ciphertext []byte) ([]byte, error) {
	stream, mac, err := a.NewOMAC(key, ukm)
	if err != nil {
		return nil, err
	}
	if len(ciphertext) < a.MACSize() {
		return nil, fmt.Errorf("acpkm: ciphertext of %d bytes is shorter than its MAC of %d", len(ciphertext), a.MACSize())
	}
	out := make([]byte, len(ciphertext))
	stream.XORKeyStream(out, ciphertext)
	split := len(out) - a.MACSize()
	mac.Write(out[:split])
	// "Compare the computing MAC and the receiving MAC."
	if !hmac.Equal(mac.Sum(nil), out[split:]) {
		clear(out)
		return nil, ErrMAC
	}
	return out[:split:split], nil
}
