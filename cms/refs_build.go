package cms

import (
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// NewCertificateRef makes a reference to c with a digest by id.
func NewCertificateRef(id alg.Identifier, c *pki.Certificate) (CertificateRef, error) {
	digest, err := digestOctets(id, c.Raw)
	return CertificateRef{Hash: OtherHash{Algorithm: id, Value: digest}, Issuer: c.RawIssuer, Serial: c.SerialNumber}, err
}

// NewCRLRef makes a reference to l with a digest by id.
func NewCRLRef(id alg.Identifier, l *pki.RevocationList) (CRLRef, error) {
	digest, err := digestOctets(id, l.Raw)
	return CRLRef{Hash: OtherHash{Algorithm: id, Value: digest}, Issuer: l.RawIssuer, IssuedAt: l.ThisUpdate, Number: l.Number}, err
}

// NewOCSPRef makes a reference to the OCSP answer raw, an OCSPResponse or a
// BasicOCSPResponse, with a digest of the latter by id.
func NewOCSPRef(id alg.Identifier, raw []byte) (OCSPRef, error) {
	basic, err := BasicOCSP(raw)
	if err != nil {
		return OCSPRef{}, err
	}
	responder, produced, err := ocspIdentifier(basic)
	if err != nil {
		return OCSPRef{}, err
	}
	digest, err := digestOctets(id, basic)
	return OCSPRef{Responder: responder, ProducedAt: produced, Hash: OtherHash{Algorithm: id, Value: digest}}, err
}

// Attributes returns complete-certificate-refs and complete-revocation-refs
// with the references. Revocations must have one entry for the signer's
// certificate and one for each of Certificates, in that order: "CompleteRevocationRefs
// shall contain one CrlOcspRef for the signing-certificate, followed by one for
// each OtherCertID in the CompleteCertificateRefs attribute" (RFC 5126, section 6.2.2).
func (r *EvidenceRefs) Attributes() ([]Attribute, error) {
	if len(r.Revocations) != len(r.Certificates)+1 {
		return nil, fmt.Errorf("cms: %d references to revocation data for a signer and %d certificates", len(r.Revocations), len(r.Certificates))
	}
	certs := make([][]byte, len(r.Certificates))
	for i, c := range r.Certificates {
		certs[i] = c.der()
	}
	revocations := make([][]byte, len(r.Revocations))
	for i, v := range r.Revocations {
		var err error
		if revocations[i], err = v.der(); err != nil {
			return nil, err
		}
	}
	return []Attribute{
		{Type: oid.AttrCompleteCertificateRefs, Values: [][]byte{der.Wrap(tagSequence, certs...)}},
		{Type: oid.AttrCompleteRevocationRefs, Values: [][]byte{der.Wrap(tagSequence, revocations...)}},
	}, nil
}

// der encodes OtherHash. SHA-1 is "sha1Hash OtherHashValue", all else has its
// algorithm.
func (h OtherHash) der() []byte {
	value := der.Wrap(byte(asn1.OCTET_STRING), h.Value)
	if h.Algorithm.OID == oid.SHA1 {
		return value
	}
	return der.Wrap(tagSequence, h.Algorithm.DER(), value)
}

// der encodes OtherCertID: "The IssuerSerial that shall be present in
// OtherCertID" (RFC 5126, section 6.2.1).
func (r CertificateRef) der() []byte {
	if r.Serial == nil {
		return der.Wrap(tagSequence, r.Hash.der())
	}
	var serial cryptobyte.Builder
	serial.AddASN1BigInt(r.Serial)
	return der.Wrap(tagSequence, r.Hash.der(), der.Wrap(tagSequence,
		der.Wrap(tagSequence, der.Wrap(0xa4, r.Issuer)), serial.BytesOrPanic()))
}

// der encodes CrlOcspRef.
func (r RevocationRefs) der() ([]byte, error) {
	var fields [][]byte
	if len(r.CRLs) > 0 {
		list := make([][]byte, len(r.CRLs))
		for i, c := range r.CRLs {
			var err error
			if list[i], err = c.der(); err != nil {
				return nil, err
			}
		}
		fields = append(fields, der.Wrap(tagContext0, der.Wrap(tagSequence, der.Wrap(tagSequence, list...))))
	}
	if len(r.OCSP) > 0 {
		list := make([][]byte, len(r.OCSP))
		for i, o := range r.OCSP {
			var err error
			if list[i], err = o.der(); err != nil {
				return nil, err
			}
		}
		fields = append(fields, der.Wrap(tagContext1, der.Wrap(tagSequence, der.Wrap(tagSequence, list...))))
	}
	return der.Wrap(tagSequence, fields...), nil
}

// der encodes CrlValidatedID. crlIssuedTime "shall correspond to the time
// thisUpdate contained in the issued CRL" (RFC 5126, section 6.2.2); it is a
// UTCTime, so a list of after 2049 is named by its digest alone.
func (r CRLRef) der() ([]byte, error) {
	if r.Issuer == nil || r.IssuedAt.Year() < 1950 || r.IssuedAt.Year() > 2049 {
		return der.Wrap(tagSequence, r.Hash.der()), nil
	}
	var b cryptobyte.Builder
	b.AddBytes(r.Issuer)
	b.AddASN1UTCTime(r.IssuedAt.UTC().Truncate(time.Second))
	if r.Number != nil {
		b.AddASN1BigInt(r.Number)
	}
	id, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cms: crlIdentifier: %w", err)
	}
	return der.Wrap(tagSequence, r.Hash.der(), der.Wrap(tagSequence, id)), nil
}

// der encodes OcspResponsesID.
func (r OCSPRef) der() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddBytes(r.Responder)
	b.AddASN1GeneralizedTime(r.ProducedAt.UTC().Truncate(time.Second))
	id, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cms: ocspIdentifier: %w", err)
	}
	if r.Hash.Value == nil {
		return der.Wrap(tagSequence, der.Wrap(tagSequence, id)), nil
	}
	return der.Wrap(tagSequence, der.Wrap(tagSequence, id), r.Hash.der()), nil
}
