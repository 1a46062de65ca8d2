package pki

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CertificateRequest is a parsed certification request (RFC 2986).
type CertificateRequest struct {
	Raw, RawTBS, RawSubject, RawSubjectPublicKeyInfo []byte

	Version            int // 0 is the only version of RFC 2986
	Subject            Name
	PublicKey          crypto.PublicKey
	PublicKeyAlgorithm alg.Identifier
	PublicKeyError     error // why PublicKey is nil
	Attributes         []RequestAttribute
	Extensions         []Extension // of the extensionRequest attribute
	SignatureAlgorithm alg.Identifier
	Signature          []byte
	Findings           []Finding

	signatureUnused int
}

// RequestAttribute is one attribute of a request; Values are DER elements.
type RequestAttribute struct {
	Type   oid.OID
	Values [][]byte
}

// ParseRequest parses exactly one DER certification request; octets after it
// are an error.
func ParseRequest(data []byte) (*CertificateRequest, error) {
	if len(data) > limits.CertificateBytes {
		return nil, fmt.Errorf("pki: request: larger than %d octets", limits.CertificateBytes)
	}
	r := new(recorder)
	o, err := parseSigned(bytes.Clone(data), "request", r)
	if err != nil {
		return nil, wrap(err)
	}
	q := &CertificateRequest{
		Raw: o.raw, RawTBS: o.tbs, SignatureAlgorithm: o.algorithm,
		Signature: o.signature, signatureUnused: o.unused,
	}
	if err := q.parseInfo(o.body, r); err != nil {
		return nil, wrap(err)
	}
	q.Findings = r.list
	return q, nil
}

// parseInfo reads the contents of
//
//	CertificationRequestInfo ::= SEQUENCE {
//	    version       INTEGER { v1(0) },
//	    subject       Name,
//	    subjectPKInfo SubjectPublicKeyInfo,
//	    attributes    [0] Attributes }
func (q *CertificateRequest) parseInfo(s cryptobyte.String, r *recorder) error {
	content, err := der.Read(&s, asn1.INTEGER, "certificationRequestInfo.version")
	if err != nil {
		return err
	}
	version, ok := der.SmallInteger(content)
	if !ok {
		return der.Bad("certificationRequestInfo.version", "not a small INTEGER")
	}
	if version != 0 {
		r.add(Warn, "version-unknown", "certificationRequestInfo.version", fmt.Sprintf("version number %d", version), "RFC 2986, 4.1")
	}
	q.Version = version
	if q.Subject, err = readName(&s, "certificationRequestInfo.subject", r); err != nil {
		return err
	}
	q.RawSubject = q.Subject.Raw
	spki, err := der.ReadElement(&s, asn1.SEQUENCE, "certificationRequestInfo.subjectPKInfo")
	if err != nil {
		return err
	}
	q.RawSubjectPublicKeyInfo = spki
	if q.PublicKeyAlgorithm, err = keyAlgorithm(spki); err != nil {
		return err
	}
	q.PublicKey, q.PublicKeyError = alg.ParsePublicKey(spki)
	if s.Empty() {
		// The field is not OPTIONAL, but tools leave it out.
		r.add(Warn, "attributes-missing", "certificationRequestInfo.attributes", "the field is absent", "RFC 2986, 4.1")
		return nil
	}
	attributes, err := der.Read(&s, ctx0|cons, "certificationRequestInfo.attributes")
	if err != nil {
		return err
	}
	if !s.Empty() {
		return der.Bad("certificationRequestInfo", "octets after the attributes")
	}
	return q.parseAttributes(attributes, r)
}

func (q *CertificateRequest) parseAttributes(s cryptobyte.String, r *recorder) error {
	const field = "certificationRequestInfo.attributes"
	for !s.Empty() {
		if len(q.Attributes) >= limits.RequestAttributes {
			return der.Bad(field, fmt.Sprintf("more than %d attributes", limits.RequestAttributes))
		}
		one, err := der.Read(&s, asn1.SEQUENCE, field)
		if err != nil {
			return err
		}
		var a RequestAttribute
		if !oid.Read(&one, &a.Type) {
			return der.Bad(field+".type", "not an object identifier")
		}
		values, err := der.Read(&one, asn1.SET, field+"."+a.Type.Name())
		if err != nil {
			return err
		}
		if !one.Empty() {
			return der.Bad(field+"."+a.Type.Name(), "octets after the values")
		}
		for !values.Empty() {
			value, _, _, err := der.ReadAny(&values, field+"."+a.Type.Name())
			if err != nil {
				return err
			}
			if a.Values = append(a.Values, value); len(a.Values) > limits.RequestAttributes {
				return der.Bad(field, "too many values")
			}
		}
		if err := q.takeExtensions(a, field, r); err != nil {
			return err
		}
		q.Attributes = append(q.Attributes, a)
	}
	return nil
}

// takeExtensions reads the extensionRequest attribute (RFC 2985, 5.4.2) and
// Microsoft's older one.
func (q *CertificateRequest) takeExtensions(a RequestAttribute, field string, r *recorder) error {
	if a.Type != oid.ExtensionRequest && a.Type != oid.MSExtensionRequest {
		return nil
	}
	field += "." + a.Type.Name()
	// "extensionRequest ATTRIBUTE ::= { ... SINGLE VALUE TRUE ... }".
	if len(a.Values) != 1 {
		return der.Bad(field, "must have one value")
	}
	list, err := der.Single(a.Values[0], asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	extensions, err := readExtensions(list, field, r)
	if err != nil {
		return err
	}
	for _, e := range extensions {
		if _, twice := findExtension(q.Extensions, e.ID); twice {
			if q.Attributes != nil {
				r.add(Error, "extension-duplicate", field+"."+e.ID.Name(), "the extension is asked for twice", "RFC 5280, 4.2")
			}
		}
	}
	if len(q.Extensions)+len(extensions) > limits.Extensions {
		return der.Bad(field, fmt.Sprintf("more than %d extensions", limits.Extensions))
	}
	q.Extensions = append(q.Extensions, extensions...)
	return nil
}

// Extension returns the first requested extension with the identifier.
func (q *CertificateRequest) Extension(id oid.OID) (Extension, bool) {
	return findExtension(q.Extensions, id)
}

// Requested returns the requested extensions decoded into the fields that a
// certificate has for them (KeyUsage, ExtKeyUsage, SubjectAltNames,
// SubjectSignTool …), with Findings of that decoding. All other fields are zero.
func (q *CertificateRequest) Requested() *Certificate {
	c := &Certificate{Extensions: q.Extensions, MaxPathLen: -1, InhibitAnyPolicy: -1, Version: 3, Subject: q.Subject}
	r := new(recorder)
	c.processExtensions(r)
	c.Findings = r.list
	return c
}

// CheckSignature verifies the signature with the request's own key, the proof
// that the applicant holds the private key. Errors are as for
// Certificate.CheckSignatureFrom.
func (q *CertificateRequest) CheckSignature() error {
	own := &Certificate{PublicKey: q.PublicKey, PublicKeyError: q.PublicKeyError}
	return checkSignature(own, q.SignatureAlgorithm, alg.Identifier{}, q.signatureUnused, q.RawTBS, q.Signature)
}

// CreateRequest writes a request for signer's public key as DER. rand feeds
// the signature; nil gives a deterministic one where the key can do that.
func CreateRequest(rand io.Reader, tmpl *RequestTemplate, signer crypto.Signer) ([]byte, error) {
	if tmpl == nil || signer == nil {
		return nil, errors.New("pki: request: template and key are required")
	}
	subject, err := tmpl.Subject.DER()
	if err != nil {
		return nil, err
	}
	spki, err := alg.MarshalPublicKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("pki: request: %w", err)
	}
	extensions, err := tmpl.extensions()
	if err != nil {
		return nil, fmt.Errorf("pki: request: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddBytes(subject)
		b.AddBytes(spki)
		b.AddASN1(ctx0|cons, func(b *cryptobyte.Builder) {
			if len(extensions) == 0 {
				return
			}
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				oid.ExtensionRequest.Add(b)
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { addExtensions(b, extensions) })
			})
		})
	})
	return signObject(rand, &b, signer, alg.SignatureForKey(signer.Public()))
}
