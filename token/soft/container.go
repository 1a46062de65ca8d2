package soft

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// formatVersion is the version that is written and the only one that is read.
const formatVersion = 1

// maxLabel bounds the label in octets.
const maxLabel = 1024

// container is one file, parsed.
type container struct {
	label       string
	created     time.Time
	spki        []byte
	notBefore   time.Time
	notAfter    time.Time
	encrypted   []byte // EncryptedPrivateKeyInfo
	certificate []byte // DER, nil if there is none
	chain       [][]byte
}

// boundDER returns the DER of version and bound, which boundDigest covers.
func (c *container) boundDER() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1Int64(formatVersion)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(c.label)) })
		b.AddASN1GeneralizedTime(c.created.UTC())
		b.AddBytes(c.spki)
		if !c.notBefore.IsZero() || !c.notAfter.IsZero() {
			b.AddASN1(contextConstructed(0), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(c.notBefore.UTC())
				b.AddASN1GeneralizedTime(c.notAfter.UTC())
			})
		}
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("soft: container: %w", err)
	}
	return out, nil
}

func contextConstructed(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// marshal returns the file.
func (c *container) marshal() ([]byte, error) {
	bound, err := c.boundDER()
	if err != nil {
		return nil, err
	}
	var body cryptobyte.Builder
	body.AddBytes(bound)
	body.AddBytes(c.encrypted)
	if c.certificate != nil {
		body.AddASN1(contextConstructed(0), func(b *cryptobyte.Builder) { b.AddBytes(c.certificate) })
	}
	if len(c.chain) > 0 {
		body.AddASN1(contextConstructed(1), func(b *cryptobyte.Builder) {
			for _, cert := range c.chain {
				b.AddBytes(cert)
			}
		})
	}
	content, err := body.Bytes()
	if err != nil {
		return nil, fmt.Errorf("soft: container: %w", err)
	}
	sum := streebog.Sum256(content)
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(content)
		b.AddASN1OctetString(sum[:])
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("soft: container: %w", err)
	}
	if len(out) > limits.KeyFileBytes {
		return nil, fmt.Errorf("soft: the container has %d octets, more than %d: the chain is too long", len(out), limits.KeyFileBytes)
	}
	return out, nil
}

// parseContainer reads a file. Every error wraps ErrDamaged, but for a version
// that is not known.
func parseContainer(data []byte) (*container, error) {
	if len(data) > limits.KeyFileBytes {
		return nil, damaged("%d octets, more than %d", len(data), limits.KeyFileBytes)
	}
	in := cryptobyte.String(data)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return nil, damaged("not one SEQUENCE")
	}
	whole := body
	var version int
	if !body.ReadASN1Integer(&version) {
		return nil, damaged("version")
	}
	if version != formatVersion {
		return nil, fmt.Errorf("soft: the container has version %d, this program knows %d", version, formatVersion)
	}
	if err := checkSum(whole); err != nil {
		return nil, err
	}
	var c container
	var bound cryptobyte.String
	if !body.ReadASN1(&bound, asn1.SEQUENCE) {
		return nil, damaged("bound")
	}
	if err := c.parseBound(bound); err != nil {
		return nil, err
	}
	if err := c.parseRest(body); err != nil {
		return nil, err
	}
	return &c, nil
}

// checkSum compares the checksum at the end with what is before it.
func checkSum(body cryptobyte.String) error {
	const trailer = 2 + streebog.Size256
	if len(body) < trailer {
		return damaged("checksum")
	}
	content, end := body[:len(body)-trailer], body[len(body)-trailer:]
	sum := streebog.Sum256(content)
	if end[0] != byte(asn1.OCTET_STRING) || end[1] != streebog.Size256 || !bytes.Equal(end[2:], sum[:]) {
		return damaged("the checksum does not fit")
	}
	return nil
}

func (c *container) parseBound(s cryptobyte.String) error {
	var label, spki, period cryptobyte.String
	if !s.ReadASN1(&label, asn1.UTF8String) || len(label) > maxLabel {
		return damaged("label")
	}
	if !s.ReadASN1GeneralizedTime(&c.created) {
		return damaged("created")
	}
	if !s.ReadASN1Element(&spki, asn1.SEQUENCE) {
		return damaged("publicKey")
	}
	var has bool
	if !s.ReadOptionalASN1(&period, &has, contextConstructed(0)) || !s.Empty() {
		return damaged("period")
	}
	if has && (!period.ReadASN1GeneralizedTime(&c.notBefore) || !period.ReadASN1GeneralizedTime(&c.notAfter) || !period.Empty()) {
		return damaged("period")
	}
	c.label, c.spki = string(label), spki
	return nil
}

// parseRest reads the encrypted key, the certificates and the checksum.
func (c *container) parseRest(s cryptobyte.String) error {
	var encrypted, cert, list, sum cryptobyte.String
	if !s.ReadASN1Element(&encrypted, asn1.SEQUENCE) {
		return damaged("key")
	}
	c.encrypted = encrypted
	var has bool
	if !s.ReadOptionalASN1(&cert, &has, contextConstructed(0)) {
		return damaged("certificate")
	}
	if has {
		var one cryptobyte.String
		if !cert.ReadASN1Element(&one, asn1.SEQUENCE) || !cert.Empty() {
			return damaged("certificate")
		}
		c.certificate = one
	}
	if !s.ReadOptionalASN1(&list, &has, contextConstructed(1)) {
		return damaged("chain")
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1Element(&one, asn1.SEQUENCE) {
			return damaged("chain")
		}
		c.chain = append(c.chain, one)
	}
	if !s.ReadASN1(&sum, asn1.OCTET_STRING) || !s.Empty() {
		return damaged("checksum")
	}
	return nil
}

// info returns the public part with its keys and certificates parsed.
func (c *container) info(name string) (*Info, error) {
	pub, err := alg.ParsePublicKey(c.spki)
	if err != nil {
		return nil, damaged("publicKey: %v", err)
	}
	id, err := alg.KeyIdentifier(c.spki)
	if err != nil {
		return nil, damaged("publicKey: %v", err)
	}
	i := &Info{
		Name: name, Label: c.label, Created: c.created, NotBefore: c.notBefore, NotAfter: c.notAfter,
		PublicKey: pub, KeyID: id,
	}
	if c.certificate != nil {
		if i.Certificate, err = pki.ParseCertificate(c.certificate); err != nil {
			return nil, damaged("certificate: %v", err)
		}
		if !alg.EqualKeys(i.Certificate.PublicKey, pub) {
			return nil, damaged("the certificate has another public key")
		}
	}
	for _, raw := range c.chain {
		cert, err := pki.ParseCertificate(raw)
		if err != nil {
			return nil, damaged("chain: %v", err)
		}
		i.Chain = append(i.Chain, cert)
	}
	return i, nil
}

// setCertificates checks that cert belongs to the key and stores both.
func (c *container) setCertificates(cert *pki.Certificate, chain []*pki.Certificate) error {
	pub, err := alg.ParsePublicKey(c.spki)
	if err != nil {
		return damaged("publicKey: %v", err)
	}
	c.certificate, c.chain = nil, nil
	if cert != nil {
		if !alg.EqualKeys(cert.PublicKey, pub) {
			return ErrMismatch
		}
		c.certificate = cert.Raw
	}
	for _, x := range chain {
		c.chain = append(c.chain, x.Raw)
	}
	return nil
}

// seal encrypts the private key and ties it to bound.
func (c *container) seal(rand io.Reader, key crypto.Signer, password []byte, iterations int) error {
	p8, err := alg.MarshalPKCS8(key)
	if err != nil {
		return fmt.Errorf("soft: %w", err)
	}
	defer clear(p8)
	bound, err := c.boundDER()
	if err != nil {
		return err
	}
	sum := streebog.Sum256(bound)
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(p8)
		b.AddASN1OctetString(sum[:])
	})
	secret, err := b.Bytes()
	if err != nil {
		return fmt.Errorf("soft: %w", err)
	}
	defer clear(secret)
	c.encrypted, err = alg.EncryptPKCS8(rand, secret, password, alg.PBES2{Cipher: contentCipher, Iterations: iterations})
	if err != nil {
		return fmt.Errorf("soft: %w", err)
	}
	return nil
}

// contentCipher authenticates what it encrypts.
const contentCipher = "kuznyechik-omac"

// open decrypts the private key and checks that bound is what it was sealed
// with.
func (c *container) open(password []byte) (crypto.Signer, error) {
	id, data, err := alg.ParseEncryptedPKCS8(c.encrypted)
	if err != nil {
		return nil, damaged("key: %v", err)
	}
	secret, err := alg.DecryptPBES2(id, data, password)
	if errors.Is(err, alg.ErrPassword) {
		return nil, ErrPassword
	}
	if err != nil {
		return nil, damaged("key: %v", err)
	}
	defer clear(secret)
	in := cryptobyte.String(secret)
	var body, p8, digest cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1(&p8, asn1.OCTET_STRING) ||
		!body.ReadASN1(&digest, asn1.OCTET_STRING) || !body.Empty() {
		// A cipher without a MAC, put there by someone else, ends up here.
		return nil, ErrPassword
	}
	bound, err := c.boundDER()
	if err != nil {
		return nil, err
	}
	if sum := streebog.Sum256(bound); !bytes.Equal(digest, sum[:]) {
		return nil, damaged("label, times or public key are not those that the key was stored with")
	}
	pub, err := alg.ParsePublicKey(c.spki)
	if err != nil {
		return nil, damaged("publicKey: %v", err)
	}
	key, err := alg.ParsePKCS8For(p8, pub)
	if err != nil {
		return nil, damaged("key: %v", err)
	}
	return key, nil
}
