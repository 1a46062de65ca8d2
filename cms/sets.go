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

func (rd *reader) certificates(sd *SignedData) error {
	const field = "SignedData.certificates"
	if ok, err := rd.optional(tagContext0, field); !ok {
		return err
	}
	return rd.set(tagContext0, field, sd.limits.Certificates, func(h der.Header) error {
		raw, err := rd.raw(limits.CMSCertificate, field)
		if err != nil {
			return err
		}
		sd.addCertificate(h.Tag, raw)
		return nil
	})
}

// addCertificate keeps one CertificateChoices (RFC 5652, section 10.2.2).
func (sd *SignedData) addCertificate(tag byte, raw []byte) {
	sd.certificates = append(sd.certificates, raw)
	field := fmt.Sprintf("SignedData.certificates[%d]", len(sd.certificates)-1)
	if tag != tagSequence {
		sd.add(pki.Info, "certificate-kind", field,
			fmt.Sprintf("not an X.509 certificate (tag %02X); kept, not used", tag), "RFC 5652, section 10.2.2")
		return
	}
	parse := sd.parse
	if parse == nil {
		parse = pki.ParseCertificate
	}
	c, err := parse(raw)
	if err != nil {
		sd.add(pki.Warn, "certificate-unreadable", field, err.Error(), "RFC 5652, section 10.2.2")
		return
	}
	sd.Certificates = append(sd.Certificates, c)
}

func (rd *reader) revocations(sd *SignedData) error {
	const field = "SignedData.crls"
	if ok, err := rd.optional(tagContext1, field); !ok {
		return err
	}
	return rd.set(tagContext1, field, sd.limits.Revocations, func(h der.Header) error {
		raw, err := rd.raw(sd.limits.Element, field)
		if err != nil {
			return err
		}
		sd.addRevocation(h.Tag, raw)
		return nil
	})
}

// addRevocation keeps one RevocationInfoChoice (RFC 5652, section 10.2.1):
//
//	RevocationInfoChoice ::= CHOICE {
//	  crl CertificateList,
//	  other [1] IMPLICIT OtherRevocationInfoFormat }
func (sd *SignedData) addRevocation(tag byte, raw []byte) {
	sd.revocations = append(sd.revocations, raw)
	field := fmt.Sprintf("SignedData.crls[%d]", len(sd.revocations)-1)
	const cite = "RFC 5652, section 10.2.1"
	switch tag {
	case tagSequence:
		list, err := pki.ParseCRL(raw)
		if err != nil {
			sd.add(pki.Warn, "crl-unreadable", field, err.Error(), cite)
			return
		}
		sd.CRLs = append(sd.CRLs, list)
	case tagContext1:
		format, value, err := otherRevocation(raw)
		switch {
		case err != nil:
			sd.add(pki.Warn, "revocation-unreadable", field, err.Error(), cite)
		case format != oid.RevocationInfoOCSP:
			sd.add(pki.Info, "revocation-kind", field, "format "+format.Name()+"; kept, not used", cite)
		default:
			sd.OCSP = append(sd.OCSP, value)
		}
	default:
		sd.add(pki.Info, "revocation-kind", field, fmt.Sprintf("tag %02X; kept, not used", tag), cite)
	}
}

// otherRevocation splits OtherRevocationInfoFormat.
func otherRevocation(raw []byte) (oid.OID, []byte, error) {
	d, err := der.ToDER(raw)
	if err != nil {
		return "", nil, err
	}
	s := cryptobyte.String(d)
	var body, value cryptobyte.String
	var format oid.OID
	var tag asn1.Tag
	if !s.ReadASN1(&body, asn1.Tag(1).ContextSpecific().Constructed()) || !oid.Read(&body, &format) ||
		!body.ReadAnyASN1Element(&value, &tag) || !body.Empty() {
		return "", nil, errors.New("not an OtherRevocationInfoFormat")
	}
	return format, bytes.Clone(value), nil
}
