package cms

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// StampKind says what a time stamp in the unsigned attributes is about. The
// zero value is none.
type StampKind uint8

// The time stamps of a CAdES signature.
const (
	// StampSignature is signature-time-stamp, over the signature value (RFC
	// 5126, section 6.1.1): level T.
	StampSignature StampKind = iota + 1
	// StampCAdESC is CAdES-C-time-stamp, over the signature value, its time
	// stamps and the references (RFC 5126, section 6.3.5): XL Type 1.
	StampCAdESC
	// StampReferences is time-stamped-certs-crls-references, over the references
	// alone (RFC 5126, section 6.3.6): XL Type 2.
	StampReferences
	// StampArchiveV2 is archive-time-stamp as of RFC 5126, section 6.4.1. It is
	// read, never written.
	StampArchiveV2
	// StampArchiveV3 is archive-time-stamp-v3 (ETSI EN 319 122-1, clause 5.5.3).
	StampArchiveV3
)

// stampTypes are the attribute types by kind.
var stampTypes = [...]struct {
	oid  oid.OID
	name string
}{
	StampSignature:  {oid.AttrSignatureTimeStamp, "signature-time-stamp"},
	StampCAdESC:     {oid.AttrEscTimeStamp, "cades-c-time-stamp"},
	StampReferences: {oid.AttrCertCRLTimeStamp, "time-stamped-certs-crls-references"},
	StampArchiveV2:  {oid.AttrArchiveTimeStampV2, "archive-time-stamp-v2"},
	StampArchiveV3:  {oid.AttrArchiveTimeStampV3, "archive-time-stamp-v3"},
}

// OID returns the type of the attribute that holds stamps of the kind, "" for
// no kind.
func (k StampKind) OID() oid.OID {
	if int(k) < len(stampTypes) {
		return stampTypes[k].oid
	}
	return ""
}

// String returns the name of the attribute; it is stable.
func (k StampKind) String() string {
	if name := ""; int(k) < len(stampTypes) {
		if name = stampTypes[k].name; name != "" {
			return name
		}
	}
	return fmt.Sprintf("StampKind(%d)", uint8(k))
}

// IsArchive says whether the kind is one of the archive time stamps, which
// cover all that stood in the signature before them.
func (k StampKind) IsArchive() bool { return k == StampArchiveV2 || k == StampArchiveV3 }

// Stamp is one time stamp of a signature.
type Stamp struct {
	Kind      StampKind
	Token     []byte // TimeStampToken: the ContentInfo as it came
	Attribute int    // index in UnsignedAttrs
	Value     int    // index among the values of that attribute
}

// ErrContentNeeded says that an archive-time-stamp of the second version was
// to be checked and the content of the message is not at hand a second time:
// see SignedData.Again.
var ErrContentNeeded = errors.New("cms: archive-time-stamp-v2 covers the content itself, and it cannot be read again")

// Stamps returns the time stamps of signature signer, counted from 0, in the
// order of the unsigned attributes. That order says nothing about time: the
// attributes are a SET. Nothing has been verified about them.
func (sd *SignedData) Stamps(signer int) ([]Stamp, error) {
	if signer < 0 || signer >= len(sd.Signers) {
		return nil, fmt.Errorf("cms: signer %d of %d", signer+1, len(sd.Signers))
	}
	return sd.Signers[signer].Stamps()
}

// Stamps returns the time stamps of si as [SignedData.Stamps] does.
func (si *SignerInfo) Stamps() ([]Stamp, error) {
	list, err := si.wireUnsigned()
	if err != nil {
		return nil, err
	}
	var out []Stamp
	for i, a := range list {
		kind := stampKind(a.oid)
		if kind == 0 {
			continue
		}
		for j, v := range a.values {
			if len(out) == limits.StampsPerSigner {
				return nil, &LimitError{What: "time stamps of one signature", Max: limits.StampsPerSigner}
			}
			out = append(out, Stamp{Kind: kind, Token: v, Attribute: i, Value: j})
		}
	}
	return out, nil
}

func stampKind(t oid.OID) StampKind {
	for k := StampSignature; int(k) < len(stampTypes); k++ {
		if stampTypes[k].oid == t {
			return k
		}
	}
	return 0
}

// wireAttribute is an unsigned attribute as it stands in the message, where
// Attribute may be a conversion from BER. Time stamps are about the former:
// "If DER is not employed, then the binary encoding of the ASN.1 structures
// being time-stamped should be preserved" (RFC 5126, section 6.3.5).
type wireAttribute struct {
	oid    oid.OID
	raw    []byte   // the whole Attribute
	typ    []byte   // attrType, tag and length included
	set    []byte   // attrValues, tag and length included
	values [][]byte // tag and length included
}

// wireUnsigned returns the unsigned attributes as they came, in the order of
// UnsignedAttrs.
func (si *SignerInfo) wireUnsigned() ([]wireAttribute, error) {
	const field = "SignerInfo.unsignedAttrs"
	if len(si.UnsignedAttrs) == 0 {
		return nil, nil
	}
	parts, err := der.Elements(si.Raw)
	if err != nil {
		return nil, &FormatError{Field: field, Err: err}
	}
	last := parts[len(parts)-1]
	if last[0] != tagContext1 {
		return nil, bad(field, "cannot be found in the encoding")
	}
	elements, err := der.Elements(last)
	if err != nil {
		return nil, &FormatError{Field: field, Err: err}
	}
	if len(elements) != len(si.UnsignedAttrs) {
		return nil, bad(field, "%d attributes are %d in the encoding", len(si.UnsignedAttrs), len(elements))
	}
	out := make([]wireAttribute, len(elements))
	for i, e := range elements {
		halves, err := der.Elements(e)
		if err != nil {
			return nil, &FormatError{Field: field, Err: err}
		}
		if len(halves) != 2 {
			return nil, bad(field, "attribute %d is not a type with a SET of values", i+1)
		}
		values, err := der.Elements(halves[1])
		if err != nil {
			return nil, &FormatError{Field: field, Err: err}
		}
		out[i] = wireAttribute{oid: si.UnsignedAttrs[i].Type, raw: e, typ: halves[0], set: halves[1], values: values}
	}
	return out, nil
}

// fields returns the elements of SignerInfo as they came, without unsignedAttrs.
func (si *SignerInfo) fields() ([][]byte, error) {
	parts, err := der.Elements(si.Raw)
	if err != nil {
		return nil, &FormatError{Field: "SignerInfo", Err: err}
	}
	if n := len(parts); n > 0 && parts[n-1][0] == tagContext1 {
		parts = parts[:n-1]
	}
	return parts, nil
}

// unsignedValue returns the one value of the one unsigned attribute of type t
// as it came; present is false if there is no such attribute. It is for those
// of which "Only a single instance of this attribute shall occur with an
// electronic signature" (RFC 5126, sections 6.2.1, 6.2.2, 6.3.3 and 6.3.4).
func (si *SignerInfo) unsignedValue(t oid.OID) (value []byte, present bool, err error) {
	list := si.Unsigned(t)
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

// readSequence reads one SEQUENCE that is all of b.
func readSequence(b []byte) (cryptobyte.String, bool) {
	s := cryptobyte.String(b)
	var body cryptobyte.String
	return body, s.ReadASN1(&body, asn1.SEQUENCE) && s.Empty()
}
