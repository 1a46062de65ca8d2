// Package alg translates between the algorithm identifiers of PKIX and CMS and
// Go's hashes, keys and ciphers: AlgorithmIdentifier (RFC 5280, section
// 4.1.1.2), SubjectPublicKeyInfo (section 4.1.2.7), PKCS #8 (RFC 5958) and
// password-based encryption (PBES2, RFC 8018 and RFC 9337), for GOST R
// 34.10-2012 as RFC 9215 encodes it and for RSA, ECDSA and Ed25519.
//
// It is the one room that knows which identifier means which algorithm: no
// other package keeps such a table. What it does not know it reports as an
// [UnknownError], because "unknown" is not "invalid". GOST R 34.10-2001 and
// GOST R 34.11-94 are read and checked, never produced.
package alg

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ErrSignature is returned when a signature was checked and does not verify.
var ErrSignature = errors.New("alg: the signature does not verify")

// UnknownError says that an identifier was read and names an algorithm, a
// curve or a parameter set that this package does not know. It does not say
// that the object is invalid.
type UnknownError struct {
	Kind string  // what the identifier stands for: "digest", "public key", "curve", "cipher", …
	OID  oid.OID // the identifier as it was read
}

// Error names the kind and the identifier.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("alg: unknown %s algorithm %s", e.Kind, e.OID.Name())
}

// MismatchError says that a key and a digest do not belong together: a 256-bit
// GOST R 34.10-2012 key signs a Streebog-256 digest and a 512-bit key a
// Streebog-512 digest (RFC 9215, section 3.2), and nothing else.
type MismatchError struct {
	Key    string // the key, as KeyName prints it
	Digest string // the digest or signature algorithm that was named with it
}

// Error names both sides.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("alg: key %s does not fit %s", e.Key, e.Digest)
}

// Identifier is an AlgorithmIdentifier (RFC 5280, section 4.1.1.2):
//
//	AlgorithmIdentifier  ::=  SEQUENCE  {
//	     algorithm               OBJECT IDENTIFIER,
//	     parameters              ANY DEFINED BY algorithm OPTIONAL  }
//
// Params is the raw DER of the parameters, tag and length included, and nil if
// they are absent: absent and NULL differ on the wire.
type Identifier struct {
	OID    oid.OID
	Params []byte
}

// derNULL is the DER encoding of NULL.
var derNULL = [...]byte{5, 0}

// NULL returns an identifier whose parameters are an explicit NULL, the form
// that RFC 9337, section 7.1 demands for the PRF of PBKDF2.
func NULL(o oid.OID) Identifier { return Identifier{OID: o, Params: derNULL[:]} }

// ReadIdentifier consumes one AlgorithmIdentifier from s. The error names
// field.
func ReadIdentifier(s *cryptobyte.String, field string) (Identifier, error) {
	var body cryptobyte.String
	var id Identifier
	if !s.ReadASN1(&body, asn1.SEQUENCE) {
		return Identifier{}, fmt.Errorf("alg: %s is not an AlgorithmIdentifier", field)
	}
	if !oid.Read(&body, &id.OID) {
		return Identifier{}, fmt.Errorf("alg: %s: the algorithm is not an OBJECT IDENTIFIER", field)
	}
	if !body.Empty() {
		var params cryptobyte.String
		var tag asn1.Tag
		if !body.ReadAnyASN1Element(&params, &tag) {
			return Identifier{}, fmt.Errorf("alg: %s: the parameters are not DER", field)
		}
		id.Params = bytes.Clone(params)
	}
	if !body.Empty() {
		return Identifier{}, fmt.Errorf("alg: %s: data after the parameters", field)
	}
	return id, nil
}

// ParseIdentifier parses exactly one DER AlgorithmIdentifier.
func ParseIdentifier(der []byte) (Identifier, error) {
	s := cryptobyte.String(der)
	id, err := ReadIdentifier(&s, "AlgorithmIdentifier")
	if err != nil {
		return Identifier{}, err
	}
	if !s.Empty() {
		return Identifier{}, errors.New("alg: AlgorithmIdentifier: trailing data")
	}
	return id, nil
}

// Add writes the identifier to b.
func (id Identifier) Add(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.OID.Add(b)
		b.AddBytes(id.Params)
	})
}

// DER returns the encoding of the identifier, and nil if its OID is not one.
func (id Identifier) DER() []byte {
	var b cryptobyte.Builder
	id.Add(&b)
	out, err := b.Bytes()
	if err != nil {
		return nil
	}
	return out
}

// Equivalent says whether both identifiers mean the same: parameters that are
// absent and parameters that are NULL are taken as equal, because OpenSSL
// writes NULL where RFC 9215, section 3 wants them absent.
func (id Identifier) Equivalent(o Identifier) bool {
	return id.OID == o.OID && bytes.Equal(id.effectiveParams(), o.effectiveParams())
}

// IsZero says whether nothing was named.
func (id Identifier) IsZero() bool { return id.OID == "" }

// effectiveParams returns the parameters, nil for NULL.
func (id Identifier) effectiveParams() []byte {
	if bytes.Equal(id.Params, derNULL[:]) {
		return nil
	}
	return id.Params
}
