package alg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// The names of algorithms by which policies allow and withdraw them. They are
// stable: policy files and reports carry them.
const (
	NameGOST2001     = "gost2001"     // GOST R 34.10-2001
	NameGOST2012_256 = "gost2012-256" // GOST R 34.10-2012, 256 bits
	NameGOST2012_512 = "gost2012-512" // GOST R 34.10-2012, 512 bits
	NameRSA          = "rsa"          // RSASSA-PKCS1-v1_5 and RSASSA-PSS
	NameECDSA        = "ecdsa"        // ECDSA over the NIST curves
	NameEd25519      = "ed25519"      // RFC 8032
	NameDSA          = "dsa"          // FIPS 186-4, read only
	NameStreebog256  = "streebog256"  // GOST R 34.11-2012, 256 bits
	NameStreebog512  = "streebog512"  // GOST R 34.11-2012, 512 bits
	NameGOST341194   = "gost341194"   // GOST R 34.11-94
	NameMD5          = "md5"
	NameSHA1         = "sha1"
	NameSHA224       = "sha224"
	NameSHA256       = "sha256"
	NameSHA384       = "sha384"
	NameSHA512       = "sha512"
	NameSHA3_256     = "sha3-256"
	NameSHA3_384     = "sha3-384"
	NameSHA3_512     = "sha3-512"
)

// Withdrawn is the built-in list of algorithms that are not to be relied on
// unless a proof shows that the signature is older than the withdrawal: GOST R
// 34.10-2001 (RFC 9215, section 1) and the digests that are no longer
// collision resistant.
func Withdrawn(algorithm string) bool {
	switch algorithm {
	case NameGOST2001, NameGOST341194, NameMD5, NameSHA1:
		return true
	}
	return false
}

// KeyAlgorithmName returns the stable name of a key's algorithm, NameRSA for
// any RSA key, and "" for a key that is not known. [KeyName] adds the size or
// the parameter set, for people.
func KeyAlgorithmName(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		if k.Curve().Size() == 64 {
			return NameGOST2012_512
		}
		return NameGOST2012_256
	case *GOST2001PublicKey:
		return NameGOST2001
	case *rsa.PublicKey:
		return NameRSA
	case *ecdsa.PublicKey:
		return NameECDSA
	case ed25519.PublicKey:
		return NameEd25519
	case *DSAPublicKey:
		return NameDSA
	}
	return ""
}

// DigestName returns the stable name of the digest that an identifier of a
// digest, or of a signature with its digest, names; "" if it names none or one
// that is not known.
func DigestName(id Identifier) string {
	if d, ok := SignatureDigest(id); ok {
		id = d
	}
	switch id.OID {
	case oid.Streebog256:
		return NameStreebog256
	case oid.Streebog512:
		return NameStreebog512
	case oid.GOST341194, oid.GOST341194CryptoProParams, oid.GOST341194TestParams:
		return NameGOST341194
	case oid.MD5:
		return NameMD5
	case oid.SHA1:
		return NameSHA1
	case oid.SHA224:
		return NameSHA224
	case oid.SHA256:
		return NameSHA256
	case oid.SHA384:
		return NameSHA384
	case oid.SHA512:
		return NameSHA512
	case oid.SHA3_256:
		return NameSHA3_256
	case oid.SHA3_384:
		return NameSHA3_384
	case oid.SHA3_512:
		return NameSHA3_512
	}
	return ""
}

// SignatureNames returns the stable names of the digest and of the key's
// algorithm that a signature rests on. The digest is the one that sigAlg
// implies or, where it implies none (rsaEncryption), ""; a caller that knows it
// from another field asks [DigestName]. key may be nil: its name then follows
// from sigAlg.
func SignatureNames(sigAlg Identifier, key crypto.PublicKey) (digest, keyName string) {
	digest = DigestName(sigAlg)
	if key != nil {
		return digest, KeyAlgorithmName(key)
	}
	if sc, ok := lookupScheme(sigAlg.OID); ok {
		keyName = sc.family.name()
	}
	return digest, keyName
}

// name is the stable name of the keys of a family.
func (k family) name() string {
	switch k {
	case familyGOST256:
		return NameGOST2012_256
	case familyGOST512:
		return NameGOST2012_512
	case familyGOST2001:
		return NameGOST2001
	case familyRSA, familyRSAPSS:
		return NameRSA
	case familyECDSA:
		return NameECDSA
	case familyEd25519:
		return NameEd25519
	case familyDSA:
		return NameDSA
	}
	return ""
}
