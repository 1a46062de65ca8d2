package pfx

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// DefaultIterations is the number of iterations that Encode uses for the MAC and
// for each encrypted part. Opening costs three times as much, because key,
// certificates and MAC have a salt each: 0.9 s in portable Go, 0.2 s with
// AVX-512, 1.7 s in OpenSSL. The 600,000 of GnuTLS can be asked for and are read;
// as a default they would make every signature wait 5 s in portable Go.
const DefaultIterations = 100_000

// Options say how Encode protects a file.
type Options struct {
	// Cipher is gost28147 (the default for GOST keys, which OpenSSL and GnuTLS
	// read), kuznyechik, magma, kuznyechik-omac, magma-omac or aes256. Empty
	// with an RSA or ECDSA key means the common format of those worlds. OpenSSL
	// reads kuznyechik with up to 4 KiB of certificates and magma with 1 KiB,
	// because gost-engine takes other sections for PBES2 than for CMS.
	Cipher string
	// Iterations of PBKDF2; 0 means DefaultIterations.
	Iterations int
}

// Encode writes a PFX in DER by RFC 9548: certificates under PBES2, the key in a
// bag under PBES2 with a salt of its own, the whole under HMAC-Streebog-512.
// password is UTF-8. c.Certificate may be nil for GOST keys; if present it must
// be the certificate of the key.
func Encode(rand io.Reader, c *Contents, password []byte, o Options) ([]byte, error) {
	if c.Key == nil {
		return nil, ErrNoKey
	}
	if isHeld(c.Key) {
		return nil, ErrNotExportable
	}
	if c.Certificate != nil && !alg.EqualKeys(c.Certificate.PublicKey, c.Key.Public()) {
		return nil, fmt.Errorf("pfx: %w", alg.ErrKeyMismatch)
	}
	if o.Iterations == 0 {
		o.Iterations = DefaultIterations
	}
	if o.Iterations < 1000 || o.Iterations > limits.PBKDF2Iterations {
		return nil, fmt.Errorf("pfx: %d iterations, want 1000 to %d", o.Iterations, limits.PBKDF2Iterations)
	}
	if o.Cipher == "" && c.Certificate != nil && isForeign(c.Key) {
		return encodeForeign(rand, c, password, o.Iterations)
	}
	sealing, err := newSealing(rand, password, alg.PBES2{Cipher: o.Cipher, Iterations: o.Iterations}, hasCertificates(c))
	if err != nil {
		return nil, err
	}
	defer sealing.wipe()
	safe, err := authenticatedSafe(c, sealing)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(streebog.New512, sealing.macKey)
	mac.Write(safe)
	return marshalPFX(safe, mac.Sum(nil), sealing.macSalt, o.Iterations)
}

// hasCertificates says whether there is a safe of certificates to write.
func hasCertificates(c *Contents) bool { return c.Certificate != nil || len(c.Chain) > 0 }

func isForeign(key crypto.Signer) bool {
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
		return true
	}
	return false
}

func marshalPFX(safe, mac, salt []byte, iterations int) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addData(b, safe)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // MacData
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // DigestInfo
				alg.Identifier{OID: oid.Streebog512}.Add(b)
				b.AddASN1OctetString(mac)
			})
			b.AddASN1OctetString(salt)
			b.AddASN1Int64(int64(iterations))
		})
	})
	return b.Bytes()
}

// addData writes a ContentInfo of type data.
func addData(b *cryptobyte.Builder, content []byte) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Data.Add(b)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(content)
		})
	})
}

// authenticatedSafe writes AuthenticatedSafe: the certificates encrypted as one
// safe, then a plain safe with the encrypted key, the order of OpenSSL.
func authenticatedSafe(c *Contents, s *sealing) ([]byte, error) {
	var certs []byte
	localID, err := localKeyID(c.Key)
	if err != nil {
		return nil, err
	}
	if hasCertificates(c) {
		plain, err := certBags(c, localID)
		if err != nil {
			return nil, err
		}
		if certs, err = alg.EncryptPBES2Key(s.certificates.id, plain, s.certificates.key); err != nil {
			return nil, fmt.Errorf("pfx: certificates: %w", err)
		}
	}
	p8, err := alg.MarshalPKCS8(c.Key)
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	defer clear(p8)
	shrouded, err := shroud(p8, s.key)
	if err != nil {
		return nil, fmt.Errorf("pfx: key: %w", err)
	}
	var keySafe cryptobyte.Builder
	keySafe.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addBag(b, oid.PKCS8ShroudedKeyBag, shrouded, localID, c.FriendlyName)
	})
	keys, err := keySafe.Bytes()
	if err != nil {
		return nil, fmt.Errorf("pfx: key: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if certs != nil {
			addEncryptedData(b, s.certificates.id, certs)
		}
		addData(b, keys)
	})
	return b.Bytes()
}

// shroud returns the EncryptedPrivateKeyInfo (RFC 5958, section 3) of a
// PrivateKeyInfo.
func shroud(p8 []byte, s sealed) ([]byte, error) {
	ciphertext, err := alg.EncryptPBES2Key(s.id, p8, s.key)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		s.id.Add(b)
		b.AddASN1OctetString(ciphertext)
	})
	return b.Bytes()
}

// localKeyID ties the key to its certificate: the key identifier, 20 octets.
func localKeyID(key crypto.Signer) ([]byte, error) {
	spki, err := alg.MarshalPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	id, err := alg.KeyIdentifier(spki)
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	return id, nil
}

func certBags(c *Contents, localID []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if c.Certificate != nil {
			addCertBag(b, c.Certificate, localID, c.FriendlyName)
		}
		for _, cert := range c.Chain {
			addCertBag(b, cert, nil, "")
		}
	})
	return b.Bytes()
}

func addCertBag(b *cryptobyte.Builder, cert *pki.Certificate, localID []byte, label string) {
	var v cryptobyte.Builder
	v.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.X509CertificateBag.Add(b)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(cert.Raw)
		})
	})
	value, err := v.Bytes()
	if err != nil {
		b.SetError(err)
		return
	}
	addBag(b, oid.CertBag, value, localID, label)
}

// addBag writes a SafeBag.
func addBag(b *cryptobyte.Builder, id oid.OID, value, localID []byte, label string) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.Add(b)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(value) })
		if localID == nil && label == "" {
			return
		}
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			var local, friendly []byte
			if localID != nil {
				local = attribute(b, oid.LocalKeyID, asn1.OCTET_STRING, localID)
			}
			if label != "" {
				friendly = attribute(b, oid.FriendlyName, asn1.Tag(30), bmpLabel(label))
			}
			if bytes.Compare(friendly, local) < 0 { // SET OF, X.690, 11.6
				local, friendly = friendly, local
			}
			b.AddBytes(local)
			b.AddBytes(friendly)
		})
	})
}

// attribute returns the DER of an attribute with one value.
func attribute(parent *cryptobyte.Builder, id oid.OID, tag asn1.Tag, content []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.Add(b)
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(content) })
		})
	})
	out, err := b.Bytes()
	if err != nil {
		parent.SetError(errors.Join(errors.New("pfx: bagAttributes"), err))
	}
	return out
}

// bmpLabel encodes a friendly name: UTF-16 big-endian without an end mark.
func bmpLabel(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}

// addEncryptedData writes a ContentInfo of type encryptedData, version 0 (RFC
// 5652, section 8).
func addEncryptedData(b *cryptobyte.Builder, id alg.Identifier, ciphertext []byte) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.EncryptedData.Add(b)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					oid.Data.Add(b)
					id.Add(b)
					b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(ciphertext) })
				})
			})
		})
	})
}
