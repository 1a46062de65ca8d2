package cms

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// EvidenceValues returns what certificate-values and revocation-values of si
// hold: OCSP are BasicOCSPResponse, octet for octet. Where something cannot be
// read the error says what, and the evidence is the rest. No attribute at all is
// no error.
func (si *SignerInfo) EvidenceValues() (Evidence, error) {
	var e Evidence
	return e, errors.Join(si.certificateValues(&e), si.revocationValues(&e))
}

// certificateValues reads
//
//	CertificateValues ::=  SEQUENCE OF Certificate
func (si *SignerInfo) certificateValues(e *Evidence) error {
	const t = oid.AttrCertificateValues
	value, present, err := si.unsignedValue(t)
	if !present || err != nil {
		return err
	}
	body, ok := readSequence(value)
	if !ok {
		return &AttributeError{Type: t, Why: "not a SEQUENCE"}
	}
	var errs []error
	for n := 1; !body.Empty(); n++ {
		if n > limits.EvidenceValues {
			return &LimitError{What: t.Name(), Max: limits.EvidenceValues}
		}
		var raw cryptobyte.String
		if !body.ReadASN1Element(&raw, asn1.SEQUENCE) {
			return &AttributeError{Type: t, Why: fmt.Sprintf("certificate %d is not a SEQUENCE", n)}
		}
		c, err := pki.ParseCertificate(raw)
		if err != nil {
			errs = append(errs, &AttributeError{Type: t, Why: fmt.Sprintf("certificate %d: %v", n, err)})
			continue
		}
		e.Certificates = append(e.Certificates, c)
	}
	return errors.Join(errs...)
}

// revocationValues reads
//
//	RevocationValues ::=  SEQUENCE {
//	  crlVals          [0] SEQUENCE OF CertificateList OPTIONAL,
//	  ocspVals         [1] SEQUENCE OF BasicOCSPResponse OPTIONAL,
//	  otherRevVals     [2] OtherRevVals OPTIONAL }
func (si *SignerInfo) revocationValues(e *Evidence) error {
	const t = oid.AttrRevocationValues
	value, present, err := si.unsignedValue(t)
	if !present || err != nil {
		return err
	}
	body, ok := readSequence(value)
	if !ok {
		return &AttributeError{Type: t, Why: "not a SEQUENCE"}
	}
	lists, err := taggedList(&body, 0, t, "crlVals")
	if err != nil {
		return err
	}
	answers, err := taggedList(&body, 1, t, "ocspVals")
	if err != nil {
		return err
	}
	other := asn1.Tag(2).ContextSpecific().Constructed()
	if !body.SkipOptionalASN1(other) || !body.Empty() {
		return &AttributeError{Type: t, Why: "data after ocspVals"}
	}
	var errs []error
	for i, raw := range lists {
		l, err := pki.ParseCRL(raw)
		if err != nil {
			errs = append(errs, &AttributeError{Type: t, Why: fmt.Sprintf("CRL %d: %v", i+1, err)})
			continue
		}
		e.CRLs = append(e.CRLs, l)
	}
	e.OCSP = append(e.OCSP, answers...)
	return errors.Join(errs...)
}

// taggedList reads [tag] EXPLICIT SEQUENCE OF SEQUENCE OPTIONAL and returns the
// elements, copied.
func taggedList(body *cryptobyte.String, tag uint8, t oid.OID, field string) ([][]byte, error) {
	var explicit, list cryptobyte.String
	var present bool
	if !body.ReadOptionalASN1(&explicit, &present, asn1.Tag(tag).ContextSpecific().Constructed()) {
		return nil, &AttributeError{Type: t, Why: field + " cannot be read"}
	}
	if !present {
		return nil, nil
	}
	if !explicit.ReadASN1(&list, asn1.SEQUENCE) || !explicit.Empty() {
		return nil, &AttributeError{Type: t, Why: field + " is not a SEQUENCE"}
	}
	var out [][]byte
	for !list.Empty() {
		if len(out) == limits.EvidenceValues {
			return nil, &LimitError{What: t.Name() + " " + field, Max: limits.EvidenceValues}
		}
		var raw cryptobyte.String
		if !list.ReadASN1Element(&raw, asn1.SEQUENCE) {
			return nil, &AttributeError{Type: t, Why: fmt.Sprintf("%s: value %d is not a SEQUENCE", field, len(out)+1)}
		}
		out = append(out, bytes.Clone(raw))
	}
	return out, nil
}

// ValuesAttributes returns certificate-values and revocation-values that hold
// e, the latter only if there is revocation data. A response in e may be an
// OCSPResponse; what is written is the BasicOCSPResponse inside, octet for
// octet.
func ValuesAttributes(e Evidence) ([]Attribute, error) {
	certs := make([][]byte, len(e.Certificates))
	for i, c := range e.Certificates {
		certs[i] = c.Raw
	}
	out := []Attribute{{Type: oid.AttrCertificateValues, Values: [][]byte{der.Wrap(tagSequence, certs...)}}}
	lists := make([][]byte, len(e.CRLs))
	for i, l := range e.CRLs {
		lists[i] = l.Raw
	}
	answers := make([][]byte, len(e.OCSP))
	for i, raw := range e.OCSP {
		basic, err := BasicOCSP(raw)
		if err != nil {
			return nil, fmt.Errorf("%w (response %d)", err, i+1)
		}
		answers[i] = basic
	}
	var fields [][]byte
	if len(lists) > 0 {
		fields = append(fields, der.Wrap(tagContext0, der.Wrap(tagSequence, lists...)))
	}
	if len(answers) > 0 {
		fields = append(fields, der.Wrap(tagContext1, der.Wrap(tagSequence, answers...)))
	}
	if fields != nil {
		out = append(out, Attribute{Type: oid.AttrRevocationValues, Values: [][]byte{der.Wrap(tagSequence, fields...)}})
	}
	return out, nil
}

// BasicOCSP returns the octets of the BasicOCSPResponse in raw, which is one
// itself or an OCSPResponse:
//
//	OCSPResponse ::= SEQUENCE {
//	  responseStatus OCSPResponseStatus,
//	  responseBytes  [0] EXPLICIT SEQUENCE { responseType OBJECT IDENTIFIER, response OCTET STRING } OPTIONAL }
//
// It looks no further: that the answer is one is for package ocsp to say.
func BasicOCSP(raw []byte) ([]byte, error) {
	const field = "OCSPResponse"
	body, ok := readSequence(raw)
	if !ok {
		return nil, bad(field, "not a SEQUENCE")
	}
	if body.PeekASN1Tag(asn1.SEQUENCE) { // tbsResponseData of a BasicOCSPResponse
		return raw, nil
	}
	var status, explicit, inner, basic cryptobyte.String
	var t oid.OID
	if !body.ReadASN1(&status, asn1.ENUM) || len(status) != 1 || status[0] != 0 {
		return nil, bad(field, "no successful answer")
	}
	if !body.ReadASN1(&explicit, asn1.Tag(0).ContextSpecific().Constructed()) || !body.Empty() ||
		!explicit.ReadASN1(&inner, asn1.SEQUENCE) || !explicit.Empty() || !oid.Read(&inner, &t) ||
		!inner.ReadASN1(&basic, asn1.OCTET_STRING) || !inner.Empty() {
		return nil, bad(field, "responseBytes cannot be read")
	}
	if t != oid.OCSPBasic {
		return nil, bad(field, "a response of type %s", t.Name())
	}
	return basic, nil
}

// OCSPRevocation returns RevocationInfoChoice with an OCSPResponse, to be put
// into SignedData.crls (RFC 5940, section 2.1). A BasicOCSPResponse is wrapped,
// its octets stay.
func OCSPRevocation(raw []byte) ([]byte, error) {
	basic, err := BasicOCSP(raw)
	if err != nil {
		return nil, err
	}
	response := raw
	if len(basic) == len(raw) {
		response = der.Wrap(tagSequence, []byte{byte(asn1.ENUM), 1, 0},
			der.Wrap(tagContext0, der.Wrap(tagSequence, oidDER(oid.OCSPBasic), der.Wrap(byte(asn1.OCTET_STRING), basic))))
	}
	return der.Wrap(tagContext1, oidDER(oid.RevocationInfoOCSP), response), nil
}
