package alg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// family is the kind of key that a signature identifier asks for.
type family uint8

const (
	familyNone family = iota
	familyGOST256
	familyGOST512
	familyGOST2001
	familyRSA
	familyRSAPSS
	familyECDSA
	familyEd25519
	familyDSA
)

// scheme is one row of the table of signature identifiers. digest is empty for
// the identifier of a key, which names no digest.
type scheme struct {
	family family
	digest oid.OID
}

// lookupScheme returns the row of a signature or key identifier. A key's own
// identifier is what TC26's CMS vectors carry in SignerInfo.signatureAlgorithm;
// certificates carry the identifier of a signature with its digest.
func lookupScheme(o oid.OID) (scheme, bool) {
	switch o {
	case oid.GOST2012_256, oid.GOST2012_256WithStreebog256:
		return scheme{familyGOST256, oid.Streebog256}, true
	case oid.GOST2012_512, oid.GOST2012_512WithStreebog512:
		return scheme{familyGOST512, oid.Streebog512}, true
	case oid.GOST2001, oid.GOST2001WithGOST341194:
		return scheme{familyGOST2001, oid.GOST341194}, true
	case oid.RSA:
		return scheme{familyRSA, ""}, true
	case oid.SHA1WithRSA:
		return scheme{familyRSA, oid.SHA1}, true
	case oid.SHA224WithRSA:
		return scheme{familyRSA, oid.SHA224}, true
	case oid.SHA256WithRSA:
		return scheme{familyRSA, oid.SHA256}, true
	case oid.SHA384WithRSA:
		return scheme{familyRSA, oid.SHA384}, true
	case oid.SHA512WithRSA:
		return scheme{familyRSA, oid.SHA512}, true
	case oid.RSAPSS:
		return scheme{familyRSAPSS, ""}, true
	case oid.ECPublicKey:
		return scheme{familyECDSA, ""}, true
	case oid.ECDSAWithSHA1:
		return scheme{familyECDSA, oid.SHA1}, true
	case oid.ECDSAWithSHA224:
		return scheme{familyECDSA, oid.SHA224}, true
	case oid.ECDSAWithSHA256:
		return scheme{familyECDSA, oid.SHA256}, true
	case oid.ECDSAWithSHA384:
		return scheme{familyECDSA, oid.SHA384}, true
	case oid.ECDSAWithSHA512:
		return scheme{familyECDSA, oid.SHA512}, true
	case oid.Ed25519:
		return scheme{familyEd25519, ""}, true
	case oid.DSA:
		return scheme{familyDSA, ""}, true
	case oid.DSAWithSHA1:
		return scheme{familyDSA, oid.SHA1}, true
	case oid.DSAWithSHA224:
		return scheme{familyDSA, oid.SHA224}, true
	case oid.DSAWithSHA256:
		return scheme{familyDSA, oid.SHA256}, true
	case oid.MD5WithRSA:
		// Its digest is named, so that it can be called withdrawn; no hash is
		// made of it.
		return scheme{familyRSA, oid.MD5}, true
	}
	return scheme{}, false
}

// SignatureDigest returns the digest that a signature identifier implies, with
// absent parameters. It is false for identifiers that imply none: rsaEncryption,
// id-ecPublicKey, Ed25519 and what is unknown. For RSASSA-PSS the digest is
// read from the parameters (RFC 4055, section 3.1).
func SignatureDigest(sigAlg Identifier) (Identifier, bool) {
	sc, ok := lookupScheme(sigAlg.OID)
	if !ok {
		return Identifier{}, false
	}
	if sc.family == familyRSAPSS {
		p, err := parsePSS(sigAlg.Params)
		if err != nil {
			return Identifier{}, false
		}
		return Identifier{OID: p.digest}, true
	}
	return Identifier{OID: sc.digest}, sc.digest != ""
}

// familyOf returns the family of a public key.
func familyOf(pub crypto.PublicKey) family {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		if k.Curve().Size() == 64 {
			return familyGOST512
		}
		return familyGOST256
	case *GOST2001PublicKey:
		return familyGOST2001
	case *rsa.PublicKey:
		return familyRSA
	case *ecdsa.PublicKey:
		return familyECDSA
	case ed25519.PublicKey:
		return familyEd25519
	case *DSAPublicKey:
		return familyDSA
	}
	return familyNone
}

// fits says whether a key of family k makes signatures of family s: an RSA key
// makes both kinds of RSA signature.
func (k family) fits(s family) bool {
	return k == s || k == familyRSA && s == familyRSAPSS
}

// HashForKey returns the digest that a key signs, with absent parameters:
// Streebog of the key's size for GOST R 34.10-2012 (RFC 9215, section 3.2), GOST R
// 34.11-94 for GOST R 34.10-2001, SHA-384 and SHA-512 for P-384 and P-521,
// SHA-512 for Ed25519 in CMS (RFC 8419, section 2.3), SHA-256 for the rest. It is the
// zero Identifier for an unknown key.
func HashForKey(pub crypto.PublicKey) Identifier {
	switch familyOf(pub) {
	case familyGOST256:
		return Identifier{OID: oid.Streebog256}
	case familyGOST512:
		return Identifier{OID: oid.Streebog512}
	case familyGOST2001:
		return Identifier{OID: oid.GOST341194}
	case familyRSA:
		return Identifier{OID: oid.SHA256}
	case familyEd25519:
		return Identifier{OID: oid.SHA512}
	case familyECDSA:
		switch pub.(*ecdsa.PublicKey).Curve.Params().BitSize {
		case 384:
			return Identifier{OID: oid.SHA384}
		case 521:
			return Identifier{OID: oid.SHA512}
		}
		return Identifier{OID: oid.SHA256}
	}
	return Identifier{}
}

// SignatureForKey returns the identifier that certificates, requests, CRLs and
// OCSP responses signed by this key carry: the key's algorithm with its digest.
// Parameters are absent for GOST (RFC 9215, section 3), ECDSA (RFC 5758, section
// 3.2) and Ed25519 (RFC 8410, section 3), and NULL for RSA (RFC 4055, section 5).
func SignatureForKey(pub crypto.PublicKey) Identifier {
	switch familyOf(pub) {
	case familyGOST256:
		return Identifier{OID: oid.GOST2012_256WithStreebog256}
	case familyGOST512:
		return Identifier{OID: oid.GOST2012_512WithStreebog512}
	case familyGOST2001:
		return Identifier{OID: oid.GOST2001WithGOST341194}
	case familyRSA:
		return NULL(oid.SHA256WithRSA)
	case familyEd25519:
		return Identifier{OID: oid.Ed25519}
	case familyECDSA:
		switch pub.(*ecdsa.PublicKey).Curve.Params().BitSize {
		case 384:
			return Identifier{OID: oid.ECDSAWithSHA384}
		case 521:
			return Identifier{OID: oid.ECDSAWithSHA512}
		}
		return Identifier{OID: oid.ECDSAWithSHA256}
	}
	return Identifier{}
}

// KeyAlgorithm returns the identifier that SignerInfo.signatureAlgorithm
// carries by default: for GOST the identifier of the key without parameters,
// as in the vectors of TC26; rsaEncryption with NULL for RSA (RFC 3370, section
// 3.2); for ECDSA and Ed25519 the identifier of the signature (RFC 5753,
// section 2.1.1, RFC 8419, section 3), because those have no other form.
func KeyAlgorithm(pub crypto.PublicKey) Identifier {
	switch familyOf(pub) {
	case familyGOST256:
		return Identifier{OID: oid.GOST2012_256}
	case familyGOST512:
		return Identifier{OID: oid.GOST2012_512}
	case familyGOST2001:
		return Identifier{OID: oid.GOST2001}
	case familyRSA:
		return NULL(oid.RSA)
	}
	return SignatureForKey(pub)
}

// pssParams are the parameters of RSASSA-PSS that a verifier needs.
type pssParams struct {
	digest oid.OID
	salt   int // octets
}

// parsePSS reads RSASSA-PSS-params (RFC 4055, section 3.1):
//
//	RSASSA-PSS-params  ::=  SEQUENCE  {
//	   hashAlgorithm      [0] HashAlgorithm DEFAULT sha1Identifier,
//	   maskGenAlgorithm   [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
//	   saltLength         [2] INTEGER DEFAULT 20,
//	   trailerField       [3] INTEGER DEFAULT 1  }
//
// A mask generation function over another hash than the message's is refused:
// crypto/rsa cannot compute it, and nobody uses it.
func parsePSS(params []byte) (pssParams, error) {
	p := pssParams{digest: oid.SHA1, salt: 20}
	mgf := oid.SHA1
	in := cryptobyte.String(params)
	var body, field cryptobyte.String
	var has bool
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return p, errPSS("parameters")
	}
	if !body.ReadOptionalASN1(&field, &has, explicit(0)) {
		return p, errPSS("hashAlgorithm")
	}
	if has {
		id, err := ReadIdentifier(&field, "hashAlgorithm")
		if err != nil || !field.Empty() {
			return p, errPSS("hashAlgorithm")
		}
		p.digest = id.OID
	}
	if !body.ReadOptionalASN1(&field, &has, explicit(1)) {
		return p, errPSS("maskGenAlgorithm")
	}
	if has {
		id, err := ReadIdentifier(&field, "maskGenAlgorithm")
		if err != nil || !field.Empty() || id.OID != oid.MGF1 {
			return p, errPSS("maskGenAlgorithm")
		}
		h, err := ParseIdentifier(id.Params)
		if err != nil {
			return p, errPSS("maskGenAlgorithm")
		}
		mgf = h.OID
	}
	trailer := 1
	if !body.ReadOptionalASN1Integer(&p.salt, explicit(2), 20) || p.salt < 0 {
		return p, errPSS("saltLength")
	}
	if !body.ReadOptionalASN1Integer(&trailer, explicit(3), 1) || trailer != 1 || !body.Empty() {
		return p, errPSS("trailerField")
	}
	if mgf != p.digest {
		return p, errPSS("maskGenAlgorithm: its hash differs from hashAlgorithm")
	}
	return p, nil
}
