package cms

import (
	"bytes"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// parseSignerInfo parses
//
//	SignerInfo ::= SEQUENCE {
//	  version CMSVersion,
//	  sid SignerIdentifier,
//	  digestAlgorithm DigestAlgorithmIdentifier,
//	  signedAttrs [0] IMPLICIT SignedAttributes OPTIONAL,
//	  signatureAlgorithm SignatureAlgorithmIdentifier,
//	  signature SignatureValue,
//	  unsignedAttrs [1] IMPLICIT UnsignedAttributes OPTIONAL }
func parseSignerInfo(raw []byte, l Limits, depth int) (*SignerInfo, error) {
	const field = "SignerInfo"
	d, err := der.ToDER(raw)
	if err != nil {
		return nil, &FormatError{Field: field, Err: err}
	}
	s := cryptobyte.String(d)
	var body, version cryptobyte.String
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !s.Empty() {
		return nil, bad(field, "not a SEQUENCE")
	}
	si := &SignerInfo{Raw: raw, limits: l, depth: depth}
	if !body.ReadASN1(&version, asn1.INTEGER) {
		return nil, bad(field+".version", "not an INTEGER")
	}
	var ok bool
	if si.Version, ok = der.SmallInteger(version); !ok {
		return nil, bad(field+".version", "not a version number")
	}
	if err := si.readID(&body); err != nil {
		return nil, err
	}
	if si.DigestAlgorithm, err = alg.ReadIdentifier(&body, "digestAlgorithm"); err != nil {
		return nil, &FormatError{Field: field, Err: err}
	}
	if err := si.readSigned(&body, d); err != nil {
		return nil, err
	}
	return si, si.readRest(&body)
}

// readID reads SignerIdentifier.
func (si *SignerInfo) readID(body *cryptobyte.String) error {
	const field = "SignerInfo.sid"
	keyID := asn1.Tag(0).ContextSpecific()
	if body.PeekASN1Tag(keyID) {
		var id cryptobyte.String
		if !body.ReadASN1(&id, keyID) || len(id) == 0 {
			return bad(field, "subjectKeyIdentifier cannot be read")
		}
		si.SubjectKeyID = id
		return nil
	}
	var sid, name, serial cryptobyte.String
	if !body.ReadASN1(&sid, asn1.SEQUENCE) {
		return bad(field, "neither issuerAndSerialNumber nor subjectKeyIdentifier")
	}
	if !sid.ReadASN1Element(&name, asn1.SEQUENCE) || !sid.ReadASN1(&serial, asn1.INTEGER) || !sid.Empty() {
		return bad(field, "issuerAndSerialNumber cannot be read")
	}
	n, strict, ok := der.Integer(serial, smallElement)
	if !ok {
		return bad(field, "serialNumber is empty or too long")
	}
	if !strict {
		si.add("serial-not-minimal", field, "serialNumber in more octets than needed", "X.690, section 8.3.2")
	}
	si.Serial = n
	issuer, err := pki.ParseName(name)
	if err != nil {
		// The octets still identify the certificate.
		si.add("issuer-unreadable", field, err.Error(), "RFC 5652, section 10.2.4")
		issuer = pki.Name{}
	}
	issuer.Raw = name
	si.Issuer = issuer
	return nil
}

func (si *SignerInfo) add(code, field, detail, cite string) {
	si.Findings = append(si.Findings, pki.Finding{Severity: pki.Warn, Code: code, Field: field, Detail: detail, Cite: cite})
}

// readSigned reads signedAttrs. Their octets are taken from the message as it
// came: "SignedAttributes MUST be DER encoded, even if the rest of the
// structure is BER encoded" (RFC 5652, section 5.3), so nothing may be
// converted before the signature over them is checked.
func (si *SignerInfo) readSigned(body *cryptobyte.String, converted []byte) error {
	const field = "SignerInfo.signedAttrs"
	tag := asn1.Tag(0).ContextSpecific().Constructed()
	if !body.PeekASN1Tag(tag) {
		return nil
	}
	var element, set cryptobyte.String
	if !body.ReadASN1Element(&element, tag) {
		return bad(field, "cannot be read")
	}
	si.RawSignedAttrs = element
	if !bytes.Equal(converted, si.Raw) {
		parts, err := der.Elements(si.Raw)
		if err != nil || len(parts) < 4 || parts[3][0] != tagContext0 {
			return bad(field, "cannot be found in the BER encoding")
		}
		si.RawSignedAttrs = parts[3]
	}
	if !element.ReadASN1(&set, tag) {
		return bad(field, "cannot be read")
	}
	var err error
	si.SignedAttrs, err = readAttributes(set, field, si.limits.Attributes)
	return err
}

// readRest reads what follows signedAttrs.
func (si *SignerInfo) readRest(body *cryptobyte.String) error {
	var err error
	if si.SignatureAlgorithm, err = alg.ReadIdentifier(body, "signatureAlgorithm"); err != nil {
		return &FormatError{Field: "SignerInfo", Err: err}
	}
	var signature, set cryptobyte.String
	if !body.ReadASN1(&signature, asn1.OCTET_STRING) {
		return bad("SignerInfo.signature", "not an OCTET STRING")
	}
	si.Signature = signature
	const field = "SignerInfo.unsignedAttrs"
	tag := asn1.Tag(1).ContextSpecific().Constructed()
	if body.PeekASN1Tag(tag) {
		if !body.ReadASN1(&set, tag) {
			return bad(field, "cannot be read")
		}
		if si.UnsignedAttrs, err = readAttributes(set, field, si.limits.Attributes); err != nil {
			return err
		}
	}
	if !body.Empty() {
		return bad("SignerInfo", "data after the last field")
	}
	return nil
}

// readAttributes reads the content of a SET OF Attribute. The result is not nil.
func readAttributes(set cryptobyte.String, field string, most int) ([]Attribute, error) {
	out := []Attribute{}
	for !set.Empty() {
		if len(out) == most {
			return nil, &LimitError{What: field, Max: int64(most)}
		}
		var raw, body, values cryptobyte.String
		var a Attribute
		if !set.ReadASN1Element(&raw, asn1.SEQUENCE) {
			return nil, bad(field, "attribute %d is not a SEQUENCE", len(out)+1)
		}
		a.Raw = raw
		if !raw.ReadASN1(&body, asn1.SEQUENCE) || !oid.Read(&body, &a.Type) ||
			!body.ReadASN1(&values, asn1.SET) || !body.Empty() {
			return nil, bad(field, "attribute %d is not a type with a SET of values", len(out)+1)
		}
		for !values.Empty() {
			if len(a.Values) == most {
				return nil, &LimitError{What: field + " " + a.Type.Name(), Max: int64(most)}
			}
			var v cryptobyte.String
			var tag asn1.Tag
			if !values.ReadAnyASN1Element(&v, &tag) {
				return nil, bad(field, "a value of %s cannot be read", a.Type.Name())
			}
			a.Values = append(a.Values, v)
		}
		out = append(out, a)
	}
	return out, nil
}

// Signed returns the signed attributes of the type.
func (si *SignerInfo) Signed(t oid.OID) []Attribute { return selectAttributes(si.SignedAttrs, t) }

// Unsigned returns the unsigned attributes of the type.
func (si *SignerInfo) Unsigned(t oid.OID) []Attribute { return selectAttributes(si.UnsignedAttrs, t) }

func selectAttributes(list []Attribute, t oid.OID) []Attribute {
	var out []Attribute
	for _, a := range list {
		if a.Type == t {
			out = append(out, a)
		}
	}
	return out
}

// single returns the one value of the one signed attribute of type t; present
// is false if there is no such attribute at all.
func (si *SignerInfo) single(t oid.OID) (value []byte, present bool, err error) {
	list := si.Signed(t)
	switch {
	case len(list) == 0:
		return nil, false, nil
	case len(list) > 1:
		return nil, true, &AttributeError{Type: t, Why: fmt.Sprintf("present %d times", len(list))}
	case len(list[0].Values) != 1:
		return nil, true, &AttributeError{Type: t, Why: fmt.Sprintf("has %d values, must have one", len(list[0].Values))}
	}
	return list[0].Values[0], true, nil
}

// Matches says whether c is a certificate that si names as the signer's.
func (si *SignerInfo) Matches(c *pki.Certificate) bool {
	if si.SubjectKeyID != nil {
		return len(c.SubjectKeyID) > 0 && bytes.Equal(c.SubjectKeyID, si.SubjectKeyID)
	}
	return sameSerial(c.SerialNumber, si.Serial) &&
		(bytes.Equal(c.RawIssuer, si.Issuer.Raw) || si.Issuer.RDNs != nil && c.Issuer.Equal(si.Issuer))
}

func sameSerial(a, b *big.Int) bool { return a != nil && b != nil && a.Cmp(b) == 0 }

// SigningTime returns the time that the signer claims (RFC 5652, section
// 11.3). It proves nothing. present is false if the attribute is absent.
func (si *SignerInfo) SigningTime() (t time.Time, present bool, err error) {
	value, present, err := si.single(oid.AttrSigningTime)
	if !present || err != nil {
		return time.Time{}, present, err
	}
	s := cryptobyte.String(value)
	switch {
	case s.PeekASN1Tag(asn1.UTCTime):
		ok := s.ReadASN1UTCTime(&t)
		if !ok || !s.Empty() {
			return time.Time{}, true, &AttributeError{Type: oid.AttrSigningTime, Why: "not a UTCTime of the form YYMMDDHHMMSSZ"}
		}
		if t.Year() >= 2050 { // RFC 5652, section 11.3: YY of 50 and above means 19YY
			t = t.AddDate(-100, 0, 0)
		}
	case !s.ReadASN1GeneralizedTime(&t) || !s.Empty():
		return time.Time{}, true, &AttributeError{Type: oid.AttrSigningTime, Why: "neither UTCTime nor GeneralizedTime"}
	}
	return t.UTC(), true, nil
}

// CounterSignatures returns the countersignatures of si (RFC 5652, section
// 11.4). One that cannot be parsed makes the whole an error: it must not be
// passed over in silence.
func (si *SignerInfo) CounterSignatures() ([]*SignerInfo, error) {
	var out []*SignerInfo
	for _, a := range si.Unsigned(oid.AttrCounterSignature) {
		for _, v := range a.Values {
			switch {
			case si.depth+1 > limits.CMSCounterDepth:
				return nil, &LimitError{What: "countersignatures of countersignatures", Max: limits.CMSCounterDepth}
			case len(out) == si.limits.Signers:
				return nil, &LimitError{What: "countersignatures", Max: int64(si.limits.Signers)}
			}
			c, err := parseSignerInfo(v, si.limits, si.depth+1)
			if err != nil {
				return nil, fmt.Errorf("%w (countersignature %d)", err, len(out)+1)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// TimeStamps returns the raw signature-time-stamp tokens of si, each a DER
// ContentInfo (RFC 5126, section 6.1.1).
func (si *SignerInfo) TimeStamps() [][]byte {
	var out [][]byte
	for _, a := range si.Unsigned(oid.AttrSignatureTimeStamp) {
		out = append(out, a.Values...)
	}
	return out
}
