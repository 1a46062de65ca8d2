package alg

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ErrKeyMismatch is returned when a private key does not belong to the public
// key that it came with.
var ErrKeyMismatch = errors.New("alg: the private key does not belong to the public key")

// privateKeyInfo is a PKCS #8 structure taken apart (RFC 5958, section 2):
//
//	OneAsymmetricKey ::= SEQUENCE {
//	  version                   INTEGER { v1(0), v2(1) },
//	  privateKeyAlgorithm       AlgorithmIdentifier,
//	  privateKey                OCTET STRING,
//	  attributes            [0] IMPLICIT Attributes OPTIONAL,
//	  ...,
//	  [[2: publicKey        [1] IMPLICIT BIT STRING OPTIONAL ]] }
type privateKeyInfo struct {
	algorithm Identifier
	key       []byte // aliases the input
	public    []byte // content of the BIT STRING, nil if absent
}

func parsePrivateKeyInfo(der []byte) (privateKeyInfo, error) {
	var p privateKeyInfo
	in := cryptobyte.String(der)
	var body, key, attributes, public cryptobyte.String
	var version int
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&version) {
		return p, errors.New("alg: this is not a PKCS #8 private key")
	}
	if !in.Empty() {
		return p, errors.New("alg: PKCS #8: trailing data")
	}
	if version != 0 && version != 1 {
		return p, fmt.Errorf("alg: PKCS #8: version %d", version)
	}
	id, err := ReadIdentifier(&body, "privateKeyAlgorithm")
	if err != nil {
		return p, err
	}
	if !body.ReadASN1(&key, asn1.OCTET_STRING) {
		return p, errors.New("alg: PKCS #8: privateKey is not an OCTET STRING")
	}
	var has bool
	if !body.ReadOptionalASN1(&attributes, &has, explicit(0)) {
		return p, errors.New("alg: PKCS #8: attributes")
	}
	if !body.ReadOptionalASN1(&public, &has, asn1.Tag(1).ContextSpecific()) || !body.Empty() {
		return p, errors.New("alg: PKCS #8: publicKey")
	}
	if has {
		if len(public) < 1 || public[0] != 0 {
			return p, errors.New("alg: PKCS #8: publicKey is not a BIT STRING of whole octets")
		}
		p.public = public[1:]
	}
	p.algorithm, p.key = id, key
	return p, nil
}

// ParsePKCS8 parses a DER PrivateKeyInfo or OneAsymmetricKey that is not
// encrypted. A GOST R 34.10-2012 key is read in each form that exists: raw
// little-endian octets, the same inside an OCTET STRING, a big-endian INTEGER,
// octets with multiplicative masks (K·M1⁻¹…Mn⁻¹ ‖ M1 ‖ … ‖ Mn, little-endian), and
// the SEQUENCE of a masked key and its public key. A scalar that is zero or not
// below the order is refused. A public key inside the structure must fit.
//
// The result is a *[gost3410.PrivateKey], *[GOST2001PrivateKey],
// *[rsa.PrivateKey], *[ecdsa.PrivateKey] or [ed25519.PrivateKey].
func ParsePKCS8(der []byte) (crypto.Signer, error) { return parsePKCS8(der, nil) }

// ParsePKCS8For is [ParsePKCS8] where the public key is known from a
// certificate or request. The error is [ErrKeyMismatch] if no reading of the
// private key belongs to pub. Knowing pub, it also reads raw octets in
// big-endian order, which older tools wrote.
func ParsePKCS8For(der []byte, pub crypto.PublicKey) (crypto.Signer, error) {
	if pub == nil {
		return nil, errors.New("alg: no public key to compare with")
	}
	return parsePKCS8(der, pub)
}

func parsePKCS8(der []byte, pub crypto.PublicKey) (crypto.Signer, error) {
	if len(der) > limits.KeyFileBytes {
		return nil, errors.New("alg: PKCS #8: too long for a private key")
	}
	p, err := parsePrivateKeyInfo(der)
	if err != nil {
		return nil, err
	}
	var key crypto.Signer
	switch p.algorithm.OID {
	case oid.GOST2012_256, oid.GOST2012_512:
		return parseGOSTPrivate(p, pub)
	case oid.GOST2001:
		return parseGOST2001Private(p, pub)
	case oid.RSA, oid.ECPublicKey, oid.Ed25519:
		k, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("alg: PKCS #8: %w", err)
		}
		signer, ok := k.(crypto.Signer)
		if !ok || familyOf(signer.Public()) == familyNone {
			return nil, &UnknownError{Kind: "private key", OID: p.algorithm.OID}
		}
		key = signer
	default:
		return nil, &UnknownError{Kind: "private key", OID: p.algorithm.OID}
	}
	if pub != nil && !EqualKeys(key.Public(), pub) {
		return nil, ErrKeyMismatch
	}
	return key, nil
}

// parseGOSTPrivate reads a GOST R 34.10-2012 key and confirms it.
func parseGOSTPrivate(p privateKeyInfo, pub crypto.PublicKey) (crypto.Signer, error) {
	c, err := gostCurveOf(p.algorithm)
	if err != nil {
		return nil, err
	}
	want, ok := pub.(*gost3410.PublicKey)
	if pub != nil && !ok {
		return nil, ErrKeyMismatch
	}
	key, err := gostScalar(c, p, want)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// gostScalar reads a GOST private key in the first form that belongs to the
// public key inside the structure, if any, and to pub, if it is not nil. Where
// neither is known the likeliest form is taken.
func gostScalar(c gost3410.Curve, p privateKeyInfo, pub *gost3410.PublicKey) (*gost3410.PrivateKey, error) {
	forms, inner, err := scalarForms(c.Size(), p.key)
	if err != nil {
		return nil, err
	}
	defer wipeForms(forms)
	if p.public != nil {
		if inner, err = gostPoint(p.public); err != nil {
			return nil, err
		}
	}
	if pub == nil && inner == nil {
		forms = forms[:1]
	}
	var failed error
	for i, f := range forms {
		key, err := f.key(c)
		if err != nil {
			if i == 0 {
				failed = fmt.Errorf("alg: PKCS #8: privateKey: %w", err)
			}
			continue
		}
		own := key.PublicKey()
		if (pub == nil || own.Equal(pub)) && (inner == nil || bytes.Equal(inner, own.Bytes())) {
			return key, nil
		}
	}
	if failed != nil {
		return nil, failed
	}
	return nil, ErrKeyMismatch
}

// wipeForms clears the readings that are copies of the secret.
func wipeForms(forms []scalarForm) {
	for _, f := range forms {
		if f.copied {
			clear(f.octets)
		}
	}
}

// scalarForm is one reading of the octets of a private key.
type scalarForm struct {
	octets []byte // K, or K·M1⁻¹…Mn⁻¹ ‖ M1 ‖ … ‖ Mn, little-endian
	copied bool   // octets is not part of the input
}

func (f scalarForm) key(c gost3410.Curve) (*gost3410.PrivateKey, error) {
	if len(f.octets) == c.Size() {
		return gost3410.NewPrivateKey(c, f.octets)
	}
	return gost3410.NewMaskedPrivateKey(c, f.octets)
}

// scalarForms lists the readings of the content of privateKey for keys of n
// octets, the likeliest first. The length decides before the tag: n octets may
// start with any octet. public is X‖Y where the SEQUENCE carries it.
func scalarForms(n int, key []byte) (forms []scalarForm, public []byte, err error) {
	if len(key) > 0 && len(key)%n == 0 {
		forms, err = maskedForms(n, key)
		return forms, nil, err
	}
	in := cryptobyte.String(key)
	var content cryptobyte.String
	switch {
	case in.PeekASN1Tag(asn1.OCTET_STRING):
		if !in.ReadASN1(&content, asn1.OCTET_STRING) || !in.Empty() || len(content) == 0 || len(content)%n != 0 {
			return nil, nil, fmt.Errorf("alg: PKCS #8: privateKey: an OCTET STRING, but not of %d octets", n)
		}
		forms, err = maskedForms(n, content)
		return forms, nil, err
	case in.PeekASN1Tag(asn1.INTEGER):
		if !in.ReadASN1(&content, asn1.INTEGER) || !in.Empty() {
			break
		}
		forms, err = integerForm(n, content)
		return forms, nil, err
	case in.PeekASN1Tag(asn1.SEQUENCE):
		return sequenceForms(n, in)
	}
	return nil, nil, fmt.Errorf("alg: PKCS #8: privateKey has %d octets, want %d, an INTEGER, an OCTET STRING or a masked key", len(key), n)
}

// maskedForms reads K·M1⁻¹…Mm⁻¹ ‖ M1 ‖ … ‖ Mm; m may be 0.
func maskedForms(n int, key []byte) ([]scalarForm, error) {
	if len(key)/n-1 > limits.KeyMasks {
		return nil, fmt.Errorf("alg: PKCS #8: privateKey has more than %d masks", limits.KeyMasks)
	}
	forms := []scalarForm{{octets: key}}
	if len(key) == n {
		forms = append(forms, scalarForm{octets: reversed(key), copied: true})
	}
	return forms, nil
}

// integerForm reads the content of an INTEGER, big-endian and positive. Full
// octets whose sign bit is set are those of a writer that forgot the zero
// octet before them; a shorter negative number is no scalar.
func integerForm(n int, content []byte) ([]scalarForm, error) {
	if len(content) > 0 && len(content) != n && content[0]&0x80 != 0 {
		return nil, errors.New("alg: PKCS #8: privateKey is a negative INTEGER")
	}
	for len(content) > 1 && content[0] == 0 {
		content = content[1:]
	}
	if len(content) == 0 || len(content) > n {
		return nil, fmt.Errorf("alg: PKCS #8: privateKey is an INTEGER of %d octets, more than %d", len(content), n)
	}
	octets := make([]byte, n)
	for i, b := range content {
		octets[len(content)-1-i] = b
	}
	return []scalarForm{{octets: octets, copied: true}}, nil
}

// sequenceForms reads MASKED_GOST_KEY of gost-engine:
//
//	MASKED_GOST_KEY ::= SEQUENCE {
//	    masked_priv_key OCTET STRING,
//	    public_key      OCTET STRING }
func sequenceForms(n int, in cryptobyte.String) ([]scalarForm, []byte, error) {
	var body, masked, public cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1(&masked, asn1.OCTET_STRING) || !body.ReadASN1(&public, asn1.OCTET_STRING) || !body.Empty() {
		return nil, nil, errors.New("alg: PKCS #8: privateKey: MASKED_GOST_KEY")
	}
	if len(masked) == 0 || len(masked)%n != 0 {
		return nil, nil, fmt.Errorf("alg: PKCS #8: privateKey: masked_priv_key has %d octets", len(masked))
	}
	if len(public) != 2*n {
		return nil, nil, fmt.Errorf("alg: PKCS #8: privateKey: public_key has %d octets, want %d", len(public), 2*n)
	}
	forms, err := maskedForms(n, masked)
	return forms, public, err
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, x := range b {
		out[len(b)-1-i] = x
	}
	return out
}

// MarshalPKCS8 returns the DER PrivateKeyInfo of a software key. The octets of
// a GOST key are the plain scalar, little-endian, not masked: the form that
// every peer reads. The caller wipes the result after use.
func MarshalPKCS8(key crypto.Signer) ([]byte, error) {
	switch k := key.(type) {
	case *gost3410.PrivateKey:
		id, err := gostIdentifier(k.PublicKey().Curve())
		if err != nil {
			return nil, err
		}
		return marshalGOSTPrivate(id, k)
	case *GOST2001PrivateKey:
		return marshalGOSTPrivate(k.public.identifier(), k.key)
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			return nil, fmt.Errorf("alg: PKCS #8: %w", err)
		}
		return der, nil
	}
	return nil, fmt.Errorf("alg: cannot export a private key of type %T", key)
}

func marshalGOSTPrivate(id Identifier, k *gost3410.PrivateKey) ([]byte, error) {
	secret := k.Bytes()
	defer clear(secret)
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		id.Add(b)
		b.AddASN1OctetString(secret)
	})
	return b.Bytes()
}

// EncryptPKCS8 encrypts a DER PrivateKeyInfo under a password and returns DER:
//
//	EncryptedPrivateKeyInfo ::= SEQUENCE {
//	  encryptionAlgorithm  AlgorithmIdentifier,
//	  encryptedData        OCTET STRING }
func EncryptPKCS8(rand io.Reader, p8, password []byte, o PBES2) ([]byte, error) {
	id, ciphertext, err := EncryptPBES2(rand, p8, password, o)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.Add(b)
		b.AddASN1OctetString(ciphertext)
	})
	return b.Bytes()
}

// ParseEncryptedPKCS8 takes an EncryptedPrivateKeyInfo (RFC 5958, section 3)
// apart without opening it.
func ParseEncryptedPKCS8(der []byte) (Identifier, []byte, error) {
	in := cryptobyte.String(der)
	var body, data cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return Identifier{}, nil, errors.New("alg: this is not an encrypted PKCS #8 private key")
	}
	id, err := ReadIdentifier(&body, "encryptionAlgorithm")
	if err != nil {
		return Identifier{}, nil, err
	}
	if !body.ReadASN1(&data, asn1.OCTET_STRING) || !body.Empty() {
		return Identifier{}, nil, errors.New("alg: encrypted PKCS #8: encryptedData is not an OCTET STRING")
	}
	return id, data, nil
}

// DecryptPKCS8 opens an EncryptedPrivateKeyInfo and returns the DER inside,
// which the caller wipes after use. The error is [ErrPassword] where the
// structure is whole and its content is not a private key under this password;
// every other error means that the file is damaged or of an unknown kind.
func DecryptPKCS8(data, password []byte) ([]byte, error) {
	if len(data) > limits.KeyFileBytes {
		return nil, errors.New("alg: encrypted PKCS #8: too long for a private key")
	}
	id, ciphertext, err := ParseEncryptedPKCS8(data)
	if err != nil {
		return nil, err
	}
	plain, err := DecryptPBES2Checked(id, ciphertext, password, IsPKCS8)
	if err != nil {
		return nil, err
	}
	// "receivers MUST support BER", RFC 5958, section 3, of what is inside.
	p8, err := der.ToDER(plain)
	if err != nil {
		clear(plain)
		return nil, fmt.Errorf("alg: PKCS #8: %w", err)
	}
	if &p8[0] != &plain[0] {
		clear(plain) // p8 is a copy
	}
	return p8, nil
}

// IsPKCS8 says whether b has the outline of a PrivateKeyInfo, in DER or BER, from
// its first octet to its last. Ciphers without a MAC give something under any
// password: what has another outline was not what was written.
func IsPKCS8(b []byte) bool {
	p8, err := der.ToDER(b)
	if err != nil {
		return false
	}
	_, err = parsePrivateKeyInfo(p8)
	if &p8[0] != &b[0] {
		clear(p8) // a copy
	}
	return err == nil
}
