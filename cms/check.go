package cms

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// signed is what a signature is about: the content of a message, or the value
// of another signature.
type signed struct {
	contentType oid.OID // empty for a countersignature
	head        []byte  // first octets
	listed      []alg.Identifier
	digest      func(alg.Identifier) ([]byte, error)
}

// checker collects the checks of one SignerInfo.
type checker struct {
	si   *SignerInfo
	cert *pki.Certificate
	what signed
	by   alg.GOSTVerifier
	list []Check
}

// CheckSigner checks signature i of the message, counted from 0, with the
// public key of cert. All checks run that can. The error is nil if and only if
// no check failed and the signature value was verified; otherwise it is that of
// the first failing check, [ErrNoCertificate] if cert is nil and all else holds.
//
// Nothing is said about cert itself: whether it is the right one to trust,
// whether it was valid, what it may sign.
func (sd *SignedData) CheckSigner(i int, cert *pki.Certificate) ([]Check, error) {
	if i < 0 || i >= len(sd.Signers) {
		return nil, fmt.Errorf("cms: signer %d of %d", i+1, len(sd.Signers))
	}
	c := checker{si: sd.Signers[i], cert: cert, by: sd.verify, what: signed{
		contentType: sd.ContentType,
		head:        sd.head,
		listed:      sd.DigestAlgorithms,
		digest:      sd.digestFor,
	}}
	return c.run()
}

// CheckCounterSigner checks countersignature counter of si, one of those that
// si.CounterSignatures returns, as CheckSigner does. What it signs are "the
// contents octets of the DER encoding of the signatureValue field" of si (RFC
// 5652, section 11.4).
func (si *SignerInfo) CheckCounterSigner(counter *SignerInfo, cert *pki.Certificate) ([]Check, error) {
	c := checker{si: counter, cert: cert, what: signed{
		head:   si.Signature[:min(len(si.Signature), headLength)],
		listed: []alg.Identifier{counter.DigestAlgorithm},
		digest: func(id alg.Identifier) ([]byte, error) { return digestOctets(id, si.Signature) },
	}}
	return c.run()
}

// digestOctets hashes b.
func digestOctets(id alg.Identifier, b []byte) ([]byte, error) {
	h, err := alg.NewHash(id)
	if err != nil {
		return nil, err
	}
	h.Write(b)
	return h.Sum(nil), nil
}

// digestFor returns the digest of the content that a signer with the digest
// algorithm id needs.
func (sd *SignedData) digestFor(id alg.Identifier) ([]byte, error) {
	if sum, ok := sd.ContentDigest(id); ok {
		return sum, nil
	}
	if _, err := alg.NewHash(id); err != nil {
		return nil, err
	}
	if sd.digests == nil {
		return nil, ErrNoContent
	}
	// RFC 5652, section 5.3: "Implementations MAY fail to validate signatures
	// that use a digest algorithm that is not included in the SignedData
	// digestAlgorithms set." The content has gone by.
	return nil, fmt.Errorf("cms: %s is not among digestAlgorithms", id.OID.Name())
}

// run does all checks in the order in which a report shows them.
func (c *checker) run() ([]Check, error) {
	c.version()
	c.duplicates()
	digest := c.digestAlgorithm()
	c.contentType()
	c.messageDigest(digest)
	if c.cert != nil {
		c.signingCertificate()
		c.signature(digest)
	}
	for _, k := range c.list {
		if !k.OK {
			return c.list, k.Err
		}
	}
	if c.cert == nil {
		return c.list, ErrNoCertificate
	}
	return c.list, nil
}

func (c *checker) pass(id, cite, detail string) {
	c.list = append(c.list, Check{ID: id, Cite: cite, OK: true, Detail: detail})
}

func (c *checker) warn(id, cite, detail string) {
	c.list = append(c.list, Check{ID: id, Cite: cite, OK: true, Warning: true, Detail: detail})
}

func (c *checker) fail(id, cite string, err error) {
	c.list = append(c.list, Check{ID: id, Cite: cite, Detail: err.Error(), Err: err})
}

// version: "If the SignerIdentifier is the CHOICE issuerAndSerialNumber, then
// the version MUST be 1. If the SignerIdentifier is subjectKeyIdentifier, then
// the version MUST be 3" (RFC 5652, section 5.3). The tag of sid says which it
// is, so a wrong number is only a deviation.
func (c *checker) version() {
	const cite = "RFC 5652, section 5.3"
	want := 1
	if c.si.SubjectKeyID != nil {
		want = 3
	}
	if c.si.Version != want {
		c.warn(CheckVersion, cite, fmt.Sprintf("version %d where the signer identifier demands %d", c.si.Version, want))
		return
	}
	c.pass(CheckVersion, cite, fmt.Sprintf("version %d", want))
}

// singleAttributes are the signed attributes of which there may be one, with
// one value: RFC 5652, sections 11.1 to 11.3, RFC 5035, sections 3 and 5.
func singleAttributes() []oid.OID {
	return []oid.OID{
		oid.AttrContentType, oid.AttrMessageDigest, oid.AttrSigningTime,
		oid.AttrSigningCertificate, oid.AttrSigningCertificateV2,
	}
}

func (c *checker) duplicates() {
	const cite = "RFC 5652, section 11"
	if c.si.RawSignedAttrs == nil {
		return
	}
	for _, t := range singleAttributes() {
		if _, _, err := c.si.single(t); err != nil {
			c.fail(CheckDuplicateAttribute, cite, err)
			return
		}
	}
	// RFC 5652, section 11.4: "The countersignature attribute MUST be an
	// unsigned attribute". Among the signed ones it is never evaluated.
	if len(c.si.Signed(oid.AttrCounterSignature)) > 0 {
		c.warn(CheckDuplicateAttribute, cite+".4", "a countersignature among the signed attributes is ignored")
		return
	}
	c.pass(CheckDuplicateAttribute, cite, "")
}

// digestAlgorithm returns the digest of what was signed, nil if there is none.
func (c *checker) digestAlgorithm() []byte {
	const cite = "RFC 5652, section 5.3"
	id := c.si.DigestAlgorithm
	digest, err := c.what.digest(id)
	if errors.Is(err, ErrNoContent) {
		c.fail(CheckMessageDigest, "RFC 5652, section 5.4", err)
		return nil
	}
	if err != nil {
		c.fail(CheckDigestAlgorithm, cite, err)
		return nil
	}
	name := digestOID(id).Name()
	listed := slices.ContainsFunc(c.what.listed, func(l alg.Identifier) bool { return digestOID(l) == digestOID(id) })
	switch {
	case !listed:
		c.warn(CheckDigestAlgorithm, cite, name+" is not among digestAlgorithms")
	case digestOID(id) != id.OID:
		c.warn(CheckDigestAlgorithm, cite, "digestAlgorithm is the signature algorithm "+id.OID.Name()+", read as "+name)
	default:
		c.pass(CheckDigestAlgorithm, cite, name)
	}
	return digest
}

// contentType compares the content-type attribute with eContentType.
func (c *checker) contentType() {
	const cite = "RFC 5652, section 11.1"
	value, present, err := c.si.single(oid.AttrContentType)
	switch {
	case c.what.contentType == "":
		// RFC 5652, section 11.4: "The signedAttributes field MUST NOT contain a
		// content-type attribute; there is no content type for countersignatures."
		if present {
			c.warn(CheckContentType, "RFC 5652, section 11.4", "a countersignature with a content-type attribute")
		}
		return
	case c.si.RawSignedAttrs == nil:
		c.unsignedContentType()
		return
	case err == nil && !present:
		err = &AttributeError{Type: oid.AttrContentType, Why: "missing"}
	}
	if err != nil {
		c.fail(CheckContentType, cite, err)
		return
	}
	s := cryptobyte.String(value)
	var got oid.OID
	if !oid.Read(&s, &got) || !s.Empty() {
		c.fail(CheckContentType, cite, &AttributeError{Type: oid.AttrContentType, Why: "not an OBJECT IDENTIFIER"})
		return
	}
	if got != c.what.contentType {
		// RFC 5652, section 5.6: "the content-type attribute value MUST match the
		// SignedData encapContentInfo eContentType value."
		c.fail(CheckContentType, cite, &AttributeError{
			Type: oid.AttrContentType,
			Why:  fmt.Sprintf("is %s, but the message holds %s", got.Name(), c.what.contentType.Name()),
		})
		return
	}
	c.pass(CheckContentType, cite, got.Name())
}

// unsignedContentType checks a signature without signed attributes, which
// "MUST be present if the content type of the EncapsulatedContentInfo value
// being signed is not id-data" (RFC 5652, section 5.3).
func (c *checker) unsignedContentType() {
	const cite = "RFC 5652, section 5.3"
	if c.what.contentType != oid.Data {
		c.fail(CheckContentType, cite, fmt.Errorf("cms: content of type %s without signed attributes", c.what.contentType.Name()))
		return
	}
	c.pass(CheckContentType, cite, "no signed attributes, content is data")
}

// messageDigest compares the message-digest attribute with the digest of what
// was signed.
func (c *checker) messageDigest(digest []byte) {
	const cite = "RFC 5652, section 11.2"
	if c.si.RawSignedAttrs == nil {
		return
	}
	value, present, err := c.si.single(oid.AttrMessageDigest)
	if err == nil && !present {
		err = &AttributeError{Type: oid.AttrMessageDigest, Why: "missing"}
	}
	if err != nil {
		c.fail(CheckMessageDigest, cite, err)
		return
	}
	s := cryptobyte.String(value)
	var got cryptobyte.String
	if !s.ReadASN1(&got, asn1.OCTET_STRING) || !s.Empty() {
		c.fail(CheckMessageDigest, cite, &AttributeError{Type: oid.AttrMessageDigest, Why: "not an OCTET STRING"})
		return
	}
	switch {
	case digest == nil:
		// Why is in the check of the digest algorithm.
	case !bytes.Equal(got, digest):
		c.fail(CheckMessageDigest, cite, &DigestMismatchError{
			Algorithm: digestOID(c.si.DigestAlgorithm), Computed: digest, Signed: got,
		})
	default:
		c.pass(CheckMessageDigest, cite, hex.EncodeToString(digest))
	}
}

// signature verifies the signature value over the signed attributes or, where
// there are none, over the content.
func (c *checker) signature(digest []byte) {
	const cite = "RFC 5652, section 5.6"
	switch {
	case c.cert.PublicKey == nil:
		err := c.cert.PublicKeyError
		if err == nil {
			err = errors.New("cms: the certificate has no public key")
		}
		c.fail(CheckSignatureValue, cite, err)
	case c.si.RawSignedAttrs == nil:
		c.contentSignature(digest)
	default:
		c.attributesSignature()
	}
}

// contentSignature verifies a signature without signed attributes.
func (c *checker) contentSignature(digest []byte) {
	const cite = "RFC 5652, section 5.4"
	if digest == nil {
		return
	}
	if looksLikeAttributes(c.what.head) {
		// A signature over signed attributes is, octet for octet, a signature
		// over a document that consists of them. Whoever strips the attributes
		// and puts them in the place of the content must not get away with it.
		c.fail(CheckSignatureValue, cite, errors.New("cms: the content has the form of signed attributes, and there are none"))
		return
	}
	si := c.si
	if err := alg.VerifyDigestBy(c.by, c.cert.PublicKey, si.SignatureAlgorithm, si.DigestAlgorithm, digest, si.Signature); err != nil {
		c.fail(CheckSignatureValue, cite, err)
		return
	}
	c.pass(CheckSignatureValue, cite, "over the content, without signed attributes")
}

// looksLikeAttributes says whether content begins like a SET OF Attribute: a
// SEQUENCE of an OBJECT IDENTIFIER and a SET. What is cut off at the end of head
// counts as a match.
func looksLikeAttributes(head []byte) bool {
	for _, tag := range []byte{tagSet, tagSequence} {
		if len(head) < 2 || head[0] != tag {
			return false
		}
		n := 2
		if head[1] > 0x80 { // long form of the length
			n += int(head[1] & 0x7f)
		}
		head = head[min(n, len(head)):]
	}
	if len(head) < 2 || head[0] != byte(asn1.OBJECT_IDENTIFIER) {
		return false
	}
	end := 2 + int(head[1])
	return end >= len(head) || head[end] == tagSet
}

// attributesSignature verifies the signature over the attributes as they came,
// retagged as the SET that they are: "the IMPLICIT [0] tag in the signedAttrs
// is not used for the DER encoding, rather an EXPLICIT SET OF tag is used" (RFC
// 5652, section 5.4). Where that fails and the octets are not DER, the
// signature may be over their DER encoding, which is what the clause asks for.
func (c *checker) attributesSignature() {
	const cite = "RFC 5652, section 5.4"
	wire := append([]byte{tagSet}, c.si.RawSignedAttrs[1:]...)
	sorted := sortedAttributes(c.si.SignedAttrs)
	isDER := bytes.Equal(wire, sorted)
	err := c.verifyAttributes(wire)
	how := "over the attributes as they are in the message"
	if err != nil && !isDER && errors.Is(err, alg.ErrSignature) && c.verifyAttributes(sorted) == nil {
		err, how = nil, "over their DER encoding, not as they are in the message"
	}
	if isDER {
		c.pass(CheckAttributesOrder, cite, "DER")
	} else {
		c.warn(CheckAttributesOrder, cite, "the signed attributes are not DER (order or lengths); the signature is "+
			map[bool]string{true: how, false: "not valid over them in either encoding"}[err == nil])
	}
	if err != nil {
		c.fail(CheckSignatureValue, "RFC 5652, section 5.6", err)
		return
	}
	c.pass(CheckSignatureValue, "RFC 5652, section 5.6", how)
}

func (c *checker) verifyAttributes(set []byte) error {
	si := c.si
	return alg.VerifyMessageBy(c.by, c.cert.PublicKey, si.SignatureAlgorithm, si.DigestAlgorithm, set, si.Signature)
}

// sortedAttributes returns the DER of a SET OF: "the encodings of the component
// values shall appear in ascending order" (X.690, section 11.6).
func sortedAttributes(list []Attribute) []byte {
	raw := make([][]byte, len(list))
	for i, a := range list {
		raw[i] = a.Raw
	}
	return setOf(tagSet, raw)
}

// setOf returns a DER SET OF the elements under the identifier octet tag.
func setOf(tag byte, elements [][]byte) []byte {
	sorted := slices.Clone(elements)
	slices.SortStableFunc(sorted, bytes.Compare)
	return der.Wrap(tag, sorted...)
}
