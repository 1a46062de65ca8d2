package cryptopro

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/legacy/gost341194"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
)

const (
	saltSize = 12
	macSize  = gost28147.MACSize

	iterations      = 2000
	iterationsEmpty = 2 // without a password
)

// kdfSeed is the constant from which the derivation starts.
const kdfSeed = "DENEFH028.760246785.IUEFHWUIO.EF"

// newHash returns the digest of the password derivation: Streebog-256 for all
// keys of GOST R 34.10-2012, those of 512 bits too.
func (k keyParams) newHash() hash.Hash {
	if k.legacy {
		return gost341194.New()
	}
	return streebog.New256()
}

// deriveKey derives the 32 octets that encrypt a key. password has four octets a
// character (see encodings), and B is the block of the digest:
//
//	s = H(salt ‖ password)
//	c = kdfSeed padded to B
//	n times: c = H((c ⊕ 36…) ‖ s ‖ (c ⊕ 5c…) ‖ s) padded to B
//	K = H(H((c ⊕ 36…)[:32] ‖ salt ‖ (c ⊕ 5c…)[:32] ‖ password))
func (k keyParams) deriveKey(password, salt []byte) []byte {
	h := k.newHash()
	sum := func(dst []byte, parts ...[]byte) {
		h.Reset()
		for _, p := range parts {
			h.Write(p)
		}
		h.Sum(dst[:0])
	}
	size := h.BlockSize()
	s := make([]byte, h.Size())
	c, inner, outer := make([]byte, size), make([]byte, size), make([]byte, size)
	defer clear(s)
	defer clear(c)
	pads := func() {
		for i, x := range c {
			inner[i], outer[i] = x^0x36, x^0x5c
		}
	}
	defer func() { clear(inner); clear(outer) }()
	sum(s, salt, password)
	copy(c, kdfSeed)
	n := iterationsEmpty
	if len(password) > 0 {
		n = iterations
	}
	for range n {
		pads()
		sum(c[:h.Size()], inner, s, outer, s) // the rest of c is zero
		clear(c[h.Size():])
	}
	pads()
	sum(s, inner[:32], salt, outer[:32], password)
	key := make([]byte, h.Size())
	sum(key, s)
	return key
}

// checksum is the MAC of GOST 28147-89 that the files of a container have.
func checksum(key []byte, sbox gost28147.SBox, data []byte) []byte {
	h, err := gost28147.NewMAC(key, sbox, nil, false)
	if err != nil {
		return nil // no key of another length gets here
	}
	h.Write(data)
	return h.Sum(nil)
}

// whole says whether the checksum of the header fits; its key is 32 zeros.
func (h *header) whole() bool {
	return bytes.Equal(checksum(make([]byte, gost28147.KeySize), h.primary.params.sbox, h.content), h.mac)
}

// whole says whether the checksum of the salt fits; its key is the mask, of 64
// octets the second half.
func (p *pair) whole(sbox gost28147.SBox) bool {
	return subtle.ConstantTimeCompare(checksum(p.mask[len(p.mask)-gost28147.KeySize:], sbox, p.salt), p.mac) == 1
}

// passwordFits says whether a password fits the checksum in the header: that of
// 16 zeros under the key derived with the fingerprint as salt.
func (h *header) passwordFits(password []byte) bool {
	key := h.primary.params.deriveKey(password, h.primary.fingerprint)
	defer clear(key)
	return subtle.ConstantTimeCompare(checksum(key, h.primary.params.sbox, make([]byte, 16)), h.passwordMAC) == 1
}

// unmask decrypts and unmasks a key: d = decrypt(K, key) · mask⁻¹ mod q, "inverse"
// unlike the masks of PKCS #8.
func unmask(key, encrypted, mask []byte, curve gost3410.Curve, sbox gost28147.SBox) (*gost3410.PrivateKey, error) {
	block, err := gost28147.NewCipher(key, sbox)
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	plain := make([]byte, len(encrypted))
	defer clear(plain)
	for i := 0; i < len(plain); i += gost28147.BlockSize {
		block.Decrypt(plain[i:], encrypted[i:])
	}
	d, err := gost3410.NewPrivateKeyQuotient(curve, plain, mask)
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	return d, nil
}

// open opens one encrypted key of a copy; nil if it is not the one of the
// fingerprint.
func (e *Entry) open(key, encrypted, mask []byte) *gost3410.PrivateKey {
	if len(encrypted) != e.params.curve.Size() || len(mask) != e.params.curve.Size() {
		return nil
	}
	d, err := unmask(key, encrypted, mask, e.params.curve, e.params.sbox)
	if err != nil {
		return nil
	}
	if !bytes.Equal(d.PublicKey().Bytes()[:fingerprintSize], e.fingerprint) {
		d.Destroy()
		return nil
	}
	return d
}

// Unlock opens the keys of the container with its password, UTF-8 as it was
// typed. One that is not ASCII is tried in three encodings, because those who
// describe the format differ.
// On error the container stays as it was and Unlock may be called again. The
// errors are those of [Open].
func (c *Container) Unlock(password []byte) error {
	tries, err := encodings(password)
	if err != nil {
		return err
	}
	defer func() {
		for _, t := range tries {
			clear(t)
		}
	}()
	for _, t := range tries {
		for _, p := range c.pairs {
			if p.err != nil {
				continue
			}
			if found, err := c.unlockWith(p, t); found || err != nil {
				return err
			}
		}
	}
	return c.diagnose(tries)
}

// unlockWith tries one copy under one encoding of the password.
func (c *Container) unlockWith(p *pair, password []byte) (bool, error) {
	key := c.params.deriveKey(password, p.salt)
	defer clear(key)
	d := c.open(key, p.keys[0], p.mask)
	if d == nil {
		return false, nil
	}
	headerWhole := c.head.whole()
	if err := c.take(d, headerWhole); err != nil {
		return false, err
	}
	if c.Second != nil {
		if err := c.takeSecond(p, key, headerWhole); err != nil {
			return false, err
		}
	}
	c.Copy = p.number
	c.warn(headerWhole)
	return true, nil
}

// takeSecond opens the second key. The first is of use without it.
func (c *Container) takeSecond(p *pair, key []byte, headerWhole bool) error {
	d := c.Second.open(key, p.keys[1], p.mask)
	if d == nil {
		c.Warnings = append(c.Warnings, &DamagedError{p.primary, "the second key is missing or is not that of the header"})
		return nil
	}
	return c.Second.take(d, headerWhole)
}

// warn notes what is broken though the container opened.
func (c *Container) warn(headerWhole bool) {
	if !headerWhole {
		c.Warnings = append(c.Warnings, &DamagedError{fileHeader, "the checksum does not fit"})
	}
	for _, p := range c.pairs {
		switch {
		case p.err != nil:
			c.Warnings = append(c.Warnings, p.err)
		case !p.whole(c.params.sbox):
			c.Warnings = append(c.Warnings, &DamagedError{p.masks, "the checksum does not fit"})
		case p.number < c.Copy:
			c.Warnings = append(c.Warnings, &DamagedError{p.primary, "the key is not that of the header"})
		}
	}
}

// take makes d the key of the entry.
func (e *Entry) take(d *gost3410.PrivateKey, headerWhole bool) error {
	var key crypto.Signer = d
	if e.params.legacy {
		legacy, err := asLegacy(e.Algorithm, d)
		if err != nil {
			return err
		}
		key = legacy
	}
	e.Exportable = e.Exportable && headerWhole
	if !e.Exportable {
		key = pfx.Hold(key)
	}
	e.Key = key
	e.equalCertificate()
	return nil
}

// asLegacy makes the key of GOST R 34.10-2001 by way of PKCS #8, the one place
// where such keys are made.
func asLegacy(id alg.Identifier, d *gost3410.PrivateKey) (crypto.Signer, error) {
	secret := d.Bytes()
	defer clear(secret)
	defer d.Destroy()
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		id.Add(b)
		b.AddASN1OctetString(secret)
	})
	p8, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	defer clear(p8)
	key, err := alg.ParsePKCS8(p8)
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	return key, nil
}

// encodings returns the password as the CSP may have hashed it, with four octets
// a character: the characters' numbers, or the octets of Windows-1251 or UTF-8,
// each followed by three zeros. For ASCII all of them are the same.
func encodings(password []byte) ([][]byte, error) {
	if len(password) > limits.CryptoProPassword {
		return nil, fmt.Errorf("cryptopro: a password of %d octets, more than %d", len(password), limits.CryptoProPassword)
	}
	if isASCII(password) || !utf8.Valid(password) {
		return [][]byte{widen(password)}, nil
	}
	numbers := make([]byte, 0, 4*len(password))
	for rest := password; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		numbers = binary.LittleEndian.AppendUint32(numbers, uint32(r))
		rest = rest[n:]
	}
	tries := [][]byte{numbers}
	if w, ok := encode1251(password); ok {
		tries = append(tries, widen(w))
		clear(w)
	}
	return append(tries, widen(password)), nil
}

func widen(b []byte) []byte {
	out := make([]byte, 4*len(b))
	for i, x := range b {
		out[4*i] = x
	}
	return out
}
