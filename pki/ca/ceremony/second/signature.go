package second

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

const (
	typeData          = "1.2.840.113549.1.7.1"
	typeSignedData    = "1.2.840.113549.1.7.2"
	attrContentType   = "1.2.840.113549.1.9.3"
	attrMessageDigest = "1.2.840.113549.1.9.4"
)

// signedData is SignedData (RFC 5652, section 5.1) within its ContentInfo.
type signedData struct {
	Type    asn1.ObjectIdentifier
	Content struct {
		Version int
		Digests []pkix.AlgorithmIdentifier `asn1:"set"`
		Encap   struct {
			Type    asn1.ObjectIdentifier
			Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
		}
		Certificates asn1.RawValue `asn1:"optional,tag:0"`
		Lists        asn1.RawValue `asn1:"optional,tag:1"`
		Signers      []signerInfo  `asn1:"set"`
	} `asn1:"explicit,tag:0"`
}

// signerInfo is SignerInfo (RFC 5652, section 5.3) with issuerAndSerialNumber.
type signerInfo struct {
	Version int
	ID      struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	Digest    pkix.AlgorithmIdentifier
	Signed    asn1.RawValue `asn1:"tag:0"`
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
	Unsigned  asn1.RawValue `asn1:"optional,tag:1"`
}

// signedAttribute is Attribute (RFC 5652, section 5.3).
type signedAttribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// CheckDetached checks that a detached CMS signature, DER, with one signer is
// that of a certificate's key over a content. Nothing is said about the
// certificate.
func CheckDetached(sig, content, cert []byte) error {
	const o = signatureObject
	c, err := certificateObject.parse(cert)
	if err != nil {
		return err
	}
	var m signedData
	if rest, err := asn1.Unmarshal(sig, &m); err != nil || len(rest) > 0 {
		return o.broken("SignedData", err)
	}
	if m.Type.String() != typeSignedData || m.Content.Encap.Type.String() != typeData || len(m.Content.Encap.Content.FullBytes) > 0 || len(m.Content.Signers) != 1 {
		return o.bad("SignedData", "a detached signature by one signer over data is expected")
	}
	s := m.Content.Signers[0]
	// RFC 5652, sections 5.1 and 5.3: with issuerAndSerialNumber and id-data
	// both versions are 1.
	if m.Content.Version != 1 || s.Version != 1 {
		return o.bad("version", "%d and %d, want 1", m.Content.Version, s.Version)
	}
	if !bytes.Equal(s.ID.Issuer.FullBytes, c.TBS.Issuer.FullBytes) || s.ID.Serial.Cmp(c.TBS.Serial) != 0 {
		return o.bad("sid", "not that of the certificate")
	}
	n := c.key.curve.size()
	if s.Digest.Algorithm.String() != map[int]string{32: digest256, 64: digest512}[n] {
		return o.bad("digestAlgorithm", "%s does not belong to the key", s.Digest.Algorithm)
	}
	// RFC 9215, sections 2 and 4: certificates name the algorithm of the
	// signature; a SignerInfo may name that of the key.
	if a := s.Algorithm.Algorithm.String(); a != map[int]string{32: signature256, 64: signature512}[n] && a != map[int]string{32: key256, 64: key512}[n] {
		return o.bad("signatureAlgorithm", "%s does not belong to the key", a)
	}
	if err := o.checkAttributes(s, c.key.hash(content)); err != nil {
		return err
	}
	// RFC 5652, section 5.4: for the digest "an EXPLICIT SET OF tag is used"
	// instead of the IMPLICIT [0].
	attributes := bytes.Clone(s.Signed.FullBytes)
	attributes[0] = asn1.TagSet | 0x20
	if !c.key.curve.verify(c.key.point, c.key.hash(attributes), s.Signature) {
		return o.bad("signature", "it does not verify")
	}
	return nil
}

func (o object) checkAttributes(s signerInfo, digest []byte) error {
	if len(s.Signed.FullBytes) == 0 || s.Signed.Class != asn1.ClassContextSpecific || !s.Signed.IsCompound {
		return o.bad("signedAttrs", "missing")
	}
	found := map[string][]byte{}
	for rest := s.Signed.Bytes; len(rest) > 0; {
		var a signedAttribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return o.broken("signedAttrs", err)
		}
		id := a.Type.String()
		if _, twice := found[id]; twice || len(a.Values) != 1 {
			return o.bad("signedAttrs", "%s has not one value", id)
		}
		found[id] = a.Values[0].FullBytes
	}
	var kind asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(found[attrContentType], &kind); err != nil || len(rest) > 0 || kind.String() != typeData {
		return o.bad("contentType", "not data")
	}
	var have []byte
	if rest, err := asn1.Unmarshal(found[attrMessageDigest], &have); err != nil || len(rest) > 0 || !bytes.Equal(have, digest) {
		return o.bad("messageDigest", "not that of the content")
	}
	return nil
}
