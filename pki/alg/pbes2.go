package alg

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ErrPassword is returned when encrypted data did not open. The format without
// a MAC cannot tell a wrong password from changed data.
var ErrPassword = errors.New("alg: wrong password, or the encrypted data was changed")

// DefaultIterations is the number of PBKDF2 iterations that [EncryptPBES2]
// uses when none is given. Each costs 3 µs with HMAC-Streebog-512 in portable Go
// and 1 µs with AVX-512, so that a guess costs its owner, a reader and an attacker
// a tenth to a third of a second.
const DefaultIterations = 100_000

// PBES2 says how data is encrypted under a password (RFC 8018, section 6.2;
// RFC 9337, section 5). The key is always PBKDF2 with HMAC-Streebog-512, a
// random salt of 32 octets ("RECOMMENDED", RFC 9337, section 8).
type PBES2 struct {
	// Cipher is gost28147 (CFB, TC26-Z S-boxes; the zero value ""),
	// kuznyechik, magma (CTR-ACPKM), kuznyechik-omac, magma-omac
	// (CTR-ACPKM with a MAC) or aes256 (CBC).
	Cipher string
	// Iterations of PBKDF2; 0 means DefaultIterations. RFC 9337, section
	// 5.1.1 asks for at least 1000.
	Iterations int
}

// saltSize is "at least 32 octets", RFC 9337, section 8, and at most 32 by
// section 5.1.1.
const saltSize = 32

// dkSize is dkLen of RFC 9337, section 5.1.1, and the key length of every
// cipher that is written here.
const dkSize = 32

// minIterations is "the minimum allowable value", RFC 9337, section 5.1.1. It
// binds the writer; readers take what exists.
const minIterations = 1000

// kdfParams are the parameters of PBKDF2:
//
//	PBKDF2-params ::= SEQUENCE {
//	    salt CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
//	    iterationCount INTEGER (1..MAX),
//	    keyLength INTEGER (1..MAX) OPTIONAL,
//	    prf AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
type kdfParams struct {
	salt       []byte
	iterations int
	keyLength  int // 0 if absent
	prf        Identifier
}

func parseKDF(id Identifier) (kdfParams, error) {
	p := kdfParams{prf: NULL(oid.HMACSHA1)}
	if id.OID != oid.PBKDF2 {
		return p, &UnknownError{Kind: "key derivation", OID: id.OID}
	}
	in := cryptobyte.String(id.Params)
	var body, salt cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1(&salt, asn1.OCTET_STRING) {
		return p, errors.New("alg: PBKDF2-params.salt is not an OCTET STRING")
	}
	if len(salt) > limits.PBKDF2Salt {
		return p, fmt.Errorf("alg: PBKDF2-params.salt has %d octets, more than %d", len(salt), limits.PBKDF2Salt)
	}
	p.salt = salt
	var iterations int64
	if !body.ReadASN1Integer(&iterations) || iterations < 1 {
		return p, errors.New("alg: PBKDF2-params.iterationCount is not a positive INTEGER")
	}
	if iterations > limits.PBKDF2Iterations {
		return p, fmt.Errorf("alg: PBKDF2-params.iterationCount is %d, more than %d", iterations, limits.PBKDF2Iterations)
	}
	p.iterations = int(iterations)
	if body.PeekASN1Tag(asn1.INTEGER) {
		if !body.ReadASN1Integer(&p.keyLength) || p.keyLength < 1 || p.keyLength > limits.PBKDF2KeyLength {
			return p, errors.New("alg: PBKDF2-params.keyLength is out of range")
		}
	}
	if !body.Empty() {
		prf, err := ReadIdentifier(&body, "PBKDF2-params.prf")
		if err != nil {
			return p, err
		}
		p.prf = prf
	}
	if !body.Empty() {
		return p, errors.New("alg: PBKDF2-params: data after prf")
	}
	return p, nil
}

// hmacHash returns the hash under an HMAC identifier.
func hmacHash(o oid.OID) (func() hash.Hash, error) {
	switch o {
	case oid.HMACStreebog256:
		return streebog.New256, nil
	case oid.HMACStreebog512:
		return streebog.New512, nil
	case oid.HMACGOST341194:
		return newGOST341194, nil
	case oid.HMACSHA1:
		return sha1.New, nil
	case oid.HMACSHA224:
		return sha256.New224, nil
	case oid.HMACSHA256:
		return sha256.New, nil
	case oid.HMACSHA384:
		return sha512.New384, nil
	case oid.HMACSHA512:
		return sha512.New, nil
	case oid.HMACSHA512t224:
		return sha512.New512_224, nil
	case oid.HMACSHA512t256:
		return sha512.New512_256, nil
	}
	return nil, &UnknownError{Kind: "HMAC", OID: o}
}

// derive computes PBKDF2 to n octets.
func (p kdfParams) derive(password []byte, n int) ([]byte, error) {
	if p.keyLength != 0 && p.keyLength != n {
		return nil, fmt.Errorf("alg: PBKDF2-params.keyLength is %d, the cipher needs %d", p.keyLength, n)
	}
	h, err := hmacHash(p.prf.OID)
	if err != nil {
		return nil, err
	}
	if p.prf.OID == oid.HMACStreebog512 {
		key, err := kdf.PBKDF2(password, p.salt, p.iterations, n)
		if err != nil {
			return nil, fmt.Errorf("alg: %w", err)
		}
		return key, nil
	}
	// The copy in the string cannot be wiped; it is garbage after the call.
	key, err := pbkdf2.Key(h, string(password), p.salt, p.iterations, n)
	if err != nil {
		return nil, fmt.Errorf("alg: PBKDF2: %w", err)
	}
	return key, nil
}

// parsePBES2 reads
//
//	PBES2-params ::= SEQUENCE {
//	    keyDerivationFunc AlgorithmIdentifier {{PBES2-KDFs}},
//	    encryptionScheme AlgorithmIdentifier {{PBES2-Encs}} }
func parsePBES2(id Identifier) (kdfParams, Identifier, error) {
	if id.OID != oid.PBES2 {
		return kdfParams{}, Identifier{}, &UnknownError{Kind: "password-based encryption", OID: id.OID}
	}
	in := cryptobyte.String(id.Params)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return kdfParams{}, Identifier{}, errors.New("alg: PBES2-params is not a SEQUENCE")
	}
	kdfID, err := ReadIdentifier(&body, "PBES2-params.keyDerivationFunc")
	if err != nil {
		return kdfParams{}, Identifier{}, err
	}
	enc, err := ReadIdentifier(&body, "PBES2-params.encryptionScheme")
	if err != nil {
		return kdfParams{}, Identifier{}, err
	}
	if !body.Empty() {
		return kdfParams{}, Identifier{}, errors.New("alg: PBES2-params: trailing data")
	}
	p, err := parseKDF(kdfID)
	return p, enc, err
}

// PBES2Iterations returns the iterations that opening data under id costs, so
// that a caller who opens many such objects can bound the sum.
func PBES2Iterations(id Identifier) (int, error) {
	p, _, err := parsePBES2(id)
	return p.iterations, err
}

// DecryptPBES2 decrypts data under a password. It reads PBKDF2 with HMAC over
// Streebog-256 and -512, GOST R 34.11-94, SHA-1 and SHA-2, and the ciphers GOST
// 28147-89 in CFB with any S-box set of RFC 4357 and TC26-Z, Kuznyechik and
// Magma in CTR-ACPKM with and without OMAC, AES and Triple DES in CBC. The
// error is [ErrPassword] if a MAC or a padding does not fit; ciphers without
// either return something that the caller must check, best through
// [DecryptPBES2Checked].
func DecryptPBES2(id Identifier, ciphertext, password []byte) ([]byte, error) {
	return DecryptPBES2Checked(id, ciphertext, password, func([]byte) bool { return true })
}

// DecryptPBES2Checked is [DecryptPBES2] with a function that says whether a
// plaintext is whole. The error is [ErrPassword] where it is not. Producers
// disagree on the section size of CTR-ACPKM, which ciphertext does not tell: a
// long plaintext that is not whole under one size is tried with the other.
func DecryptPBES2Checked(id Identifier, ciphertext, password []byte, whole func([]byte) bool) ([]byte, error) {
	p, enc, err := parsePBES2(id)
	if err != nil {
		return nil, err
	}
	c, err := readCipher(enc)
	if err != nil {
		return nil, err
	}
	dk, err := p.derive(password, c.keySize)
	if err != nil {
		return nil, err
	}
	defer clear(dk)
	return c.openChecked(dk, ciphertext, whole)
}

// openChecked decrypts by every way there is until a plaintext is whole.
func (c contentCipher) openChecked(key, ciphertext []byte, whole func([]byte) bool) ([]byte, error) {
	ways := []func(key, ciphertext []byte) ([]byte, error){c.open}
	if c.other != nil && len(ciphertext) > c.otherAbove {
		ways = append(ways, c.other)
	}
	for _, open := range ways {
		plain, err := open(key, ciphertext)
		if err == nil && whole(plain) {
			return plain, nil
		}
		if err != nil && !errors.Is(err, ErrPassword) {
			return nil, err
		}
		clear(plain)
	}
	return nil, ErrPassword
}

// EncryptPBES2 encrypts plaintext under a password and returns the identifier
// that says how, with its parameters, and the ciphertext. rand gives salt and
// initial value.
func EncryptPBES2(rand io.Reader, plaintext, password []byte, o PBES2) (Identifier, []byte, error) {
	id, err := NewPBES2(rand, o)
	if err != nil {
		return Identifier{}, nil, err
	}
	p, enc, err := parsePBES2(id)
	if err != nil {
		return Identifier{}, nil, err
	}
	c, err := readCipher(enc)
	if err != nil {
		return Identifier{}, nil, err
	}
	dk, err := p.derive(password, c.keySize)
	if err != nil {
		return Identifier{}, nil, err
	}
	defer clear(dk)
	ciphertext, err := c.seal(dk, plaintext)
	return id, ciphertext, err
}

// NewPBES2 returns an identifier with its parameters for [EncryptPBES2Key]. rand
// gives salt and initial value.
func NewPBES2(rand io.Reader, o PBES2) (Identifier, error) {
	if o.Iterations == 0 {
		o.Iterations = DefaultIterations
	}
	if o.Iterations < minIterations || o.Iterations > limits.PBKDF2Iterations {
		return Identifier{}, fmt.Errorf("alg: %d PBKDF2 iterations, want %d to %d", o.Iterations, minIterations, limits.PBKDF2Iterations)
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return Identifier{}, fmt.Errorf("alg: salt: %w", err)
	}
	// RFC 9337, section 7.1: the prf "MUST be id-tc26-hmac-gost-3411-12-512
	// and the parameters value must be NULL".
	p := kdfParams{salt: salt, iterations: o.Iterations, prf: NULL(oid.HMACStreebog512)}
	enc, err := newCipher(rand, o.Cipher)
	if err != nil {
		return Identifier{}, err
	}
	return marshalPBES2(p, enc)
}

func marshalPBES2(p kdfParams, enc Identifier) (Identifier, error) {
	var kdfParamsDER cryptobyte.Builder
	kdfParamsDER.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(p.salt)
		b.AddASN1Int64(int64(p.iterations))
		p.prf.Add(b)
	})
	kp, err := kdfParamsDER.Bytes()
	if err != nil {
		return Identifier{}, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		Identifier{OID: oid.PBKDF2, Params: kp}.Add(b)
		enc.Add(b)
	})
	params, err := b.Bytes()
	return Identifier{OID: oid.PBES2, Params: params}, err
}
