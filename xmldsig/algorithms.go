package xmldsig

import (
	"crypto"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

const (
	cpxmlsec = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:" // draft-chudov-cryptopro-cpxmldsig
	dsigMore = "http://www.w3.org/2001/04/xmldsig-more#"     // the names before it

	methodExclusive = spaceExcNS
	methodInclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	methodVersion11 = "http://www.w3.org/2006/12/xml-c14n11"

	transformEnveloped = Namespace + "enveloped-signature"
	transformSMEV      = "urn://smev-gov-ru/xmldsig/transform"
)

// signatureByURI returns the signature algorithm that a URI names. typo says
// that it is the spelling without a hyphen that one library wrote.
func signatureByURI(uri string) (id alg.Identifier, typo, ok bool) {
	switch uri {
	case cpxmlsec + "gostr34102012-gostr34112012-256":
		id.OID = oid.GOST2012_256WithStreebog256
	case cpxmlsec + "gostr34102012-gostr34112012-512":
		id.OID = oid.GOST2012_512WithStreebog512
	case cpxmlsec + "gostr34102012-gostr34112012256":
		id.OID, typo = oid.GOST2012_256WithStreebog256, true
	case cpxmlsec + "gostr34102012-gostr34112012512":
		id.OID, typo = oid.GOST2012_512WithStreebog512, true
	case cpxmlsec + "gostr34102001-gostr3411", dsigMore + "gostr34102001-gostr3411":
		id.OID = oid.GOST2001WithGOST341194
	default:
		return id, false, false
	}
	return id, typo, true
}

// digestByURI returns the digest algorithm that a URI names.
func digestByURI(uri string) (alg.Identifier, bool) {
	switch uri {
	case cpxmlsec + "gostr34112012-256":
		return alg.Identifier{OID: oid.Streebog256}, true
	case cpxmlsec + "gostr34112012-512":
		return alg.Identifier{OID: oid.Streebog512}, true
	case cpxmlsec + "gostr3411", dsigMore + "gostr3411":
		return alg.Identifier{OID: oid.GOST341194}, true
	}
	return alg.Identifier{}, false
}

// urisForKey returns the names of the signature and digest algorithm of a key
// of GOST R 34.10-2012.
func urisForKey(pub crypto.PublicKey) (signature, digest string, ok bool) {
	switch alg.HashForKey(pub).OID {
	case oid.Streebog256:
		return cpxmlsec + "gostr34102012-gostr34112012-256", cpxmlsec + "gostr34112012-256", true
	case oid.Streebog512:
		return cpxmlsec + "gostr34102012-gostr34112012-512", cpxmlsec + "gostr34112012-512", true
	}
	return "", "", false
}
