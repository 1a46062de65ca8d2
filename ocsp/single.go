package ocsp

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// tags of the CertStatus CHOICE.
const (
	tagGood    = asn1.Tag(0x80)
	tagRevoked = asn1.Tag(0xa1)
	tagUnknown = asn1.Tag(0x82)
)

// readSingle consumes one SingleResponse:
//
//	SingleResponse ::= SEQUENCE {
//	   certID                       CertID,
//	   certStatus                   CertStatus,
//	   thisUpdate                   GeneralizedTime,
//	   nextUpdate         [0]       EXPLICIT GeneralizedTime OPTIONAL,
//	   singleExtensions   [1]       EXPLICIT Extensions OPTIONAL }
func (r *Response) readSingle(list *cryptobyte.String) error {
	var s cryptobyte.String
	if !list.ReadASN1(&s, asn1.SEQUENCE) {
		return malformed("responses: a SingleResponse is not a SEQUENCE")
	}
	one := Single{Reason: NoReason}
	var err error
	if one.ID, err = readCertID(&s, "certID"); err != nil {
		return err
	}
	if err := one.readStatus(&s); err != nil {
		return err
	}
	if !readTime(&s, &one.ThisUpdate) {
		return malformed("SingleResponse.thisUpdate is not a GeneralizedTime in UTC")
	}
	var next cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&next, &present, explicitTag(0)) ||
		present && (!readTime(&next, &one.NextUpdate) || !next.Empty()) {
		return malformed("SingleResponse.nextUpdate is not a GeneralizedTime in UTC")
	}
	if one.Extensions, err = readOptionalExtensions(&s, 1, "singleExtensions"); err != nil {
		return err
	}
	if !s.Empty() {
		return malformed("SingleResponse: data after singleExtensions")
	}
	// RFC 6960, sections 4.4.2, 4.4.4 and 4.4.5: CRL references, archive
	// cutoff and the entry extensions of CRLs; none changes the status.
	r.noteCritical(one.Extensions, oid.OCSPCRLID, oid.OCSPArchiveCutoff, oid.ReasonCode, oid.InvalidityDate)
	r.Singles = append(r.Singles, one)
	return nil
}

// readStatus consumes
//
//	CertStatus ::= CHOICE {
//	    good        [0]     IMPLICIT NULL,
//	    revoked     [1]     IMPLICIT RevokedInfo,
//	    unknown     [2]     IMPLICIT UnknownInfo }
func (one *Single) readStatus(s *cryptobyte.String) error {
	var body cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&body, &tag) {
		return malformed("SingleResponse.certStatus is missing")
	}
	switch tag {
	case tagGood, tagUnknown:
		if !body.Empty() {
			return malformed("SingleResponse.certStatus: NULL with content")
		}
		if tag == tagGood {
			one.Status = Good
		}
		return nil
	case tagRevoked:
		one.Status = Revoked
		return one.readRevoked(&body)
	}
	return malformed("SingleResponse.certStatus has the tag %#x", uint8(tag))
}

// readRevoked reads the content of
//
//	RevokedInfo ::= SEQUENCE {
//	    revocationTime              GeneralizedTime,
//	    revocationReason    [0]     EXPLICIT CRLReason OPTIONAL }
func (one *Single) readRevoked(s *cryptobyte.String) error {
	if !readTime(s, &one.RevokedAt) {
		return malformed("RevokedInfo.revocationTime is not a GeneralizedTime in UTC")
	}
	var explicit cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&explicit, &present, explicitTag(0)) || !s.Empty() {
		return malformed("RevokedInfo: data after revocationReason")
	}
	if !present {
		return nil
	}
	var reason []byte
	if !explicit.ReadASN1Bytes(&reason, asn1.ENUM) || !explicit.Empty() || len(reason) != 1 {
		return malformed("RevokedInfo.revocationReason is not an ENUMERATED of one octet")
	}
	// RFC 5280, section 5.3.1: 0 to 10, 7 is not used.
	if reason[0] > 10 || reason[0] == 7 {
		return malformed("RevokedInfo.revocationReason %d is not a CRLReason", reason[0])
	}
	one.Reason = int(reason[0])
	return nil
}

// add writes the SingleResponse.
func (one *Single) add(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		one.ID.add(b)
		switch one.Status {
		case Good:
			b.AddASN1(tagGood, func(*cryptobyte.Builder) {})
		case Revoked:
			b.AddASN1(tagRevoked, func(b *cryptobyte.Builder) {
				addTime(b, one.RevokedAt)
				if one.Reason >= 0 {
					b.AddASN1(explicitTag(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(one.Reason)) })
				}
			})
		default:
			b.AddASN1(tagUnknown, func(*cryptobyte.Builder) {})
		}
		addTime(b, one.ThisUpdate)
		if !one.NextUpdate.IsZero() {
			b.AddASN1(explicitTag(0), func(b *cryptobyte.Builder) { addTime(b, one.NextUpdate) })
		}
		addExtensions(b, 1, one.Extensions)
	})
}
