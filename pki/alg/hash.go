package alg

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"

	"github.com/gosklyuch/gosklyuch/gost/legacy/gost341194"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// digest is one row of the table of hash functions: how it is made, and which
// crypto.Hash it is. GOST hashes have none, because crypto.Hash is closed.
type digest struct {
	new  func() hash.Hash
	std  crypto.Hash
	size int // octets
}

// lookupDigest returns the row of a digest identifier.
func lookupDigest(o oid.OID) (digest, bool) {
	switch o {
	case oid.Streebog256:
		return digest{streebog.New256, 0, streebog.Size256}, true
	case oid.Streebog512:
		return digest{streebog.New512, 0, streebog.Size512}, true
	case oid.GOST341194, oid.GOST341194CryptoProParams:
		return digest{newGOST341194, 0, 32}, true
	case oid.SHA1:
		return digest{sha1.New, crypto.SHA1, sha1.Size}, true
	case oid.SHA224:
		return digest{sha256.New224, crypto.SHA224, sha256.Size224}, true
	case oid.SHA256:
		return digest{sha256.New, crypto.SHA256, sha256.Size}, true
	case oid.SHA384:
		return digest{sha512.New384, crypto.SHA384, sha512.Size384}, true
	case oid.SHA512:
		return digest{sha512.New, crypto.SHA512, sha512.Size}, true
	case oid.SHA3_256:
		return digest{func() hash.Hash { return sha3.New256() }, crypto.SHA3_256, 32}, true
	case oid.SHA3_384:
		return digest{func() hash.Hash { return sha3.New384() }, crypto.SHA3_384, 48}, true
	case oid.SHA3_512:
		return digest{func() hash.Hash { return sha3.New512() }, crypto.SHA3_512, 64}, true
	}
	return digest{}, false
}

// newGOST341194 is the hash of GOST R 34.10-2001 signatures: GOST R 34.11-94
// with the CryptoPro S-boxes, id-GostR3411-94-CryptoProParamSet (RFC 4357,
// section 11.2), the only set that certificates use.
func newGOST341194() hash.Hash { return gost341194.New() }

// NewHash returns a new hash for a digest identifier: Streebog-256 and -512,
// GOST R 34.11-94 with the CryptoPro parameters, SHA-1, SHA-2, SHA-3. An
// identifier of a signature that implies a digest is accepted too, because
// some producers write it into a digestAlgorithm field. Parameters are not
// looked at. The error is an [UnknownError].
func NewHash(id Identifier) (hash.Hash, error) {
	d, err := digestOf(id)
	if err != nil {
		return nil, err
	}
	return d.new(), nil
}

func digestOf(id Identifier) (digest, error) {
	if d, ok := lookupDigest(id.OID); ok {
		return d, nil
	}
	if implied, ok := SignatureDigest(id); ok {
		if d, ok := lookupDigest(implied.OID); ok {
			return d, nil
		}
	}
	return digest{}, &UnknownError{Kind: "digest", OID: id.OID}
}
