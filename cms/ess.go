package cms

import (
	"bytes"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// signingCertificate checks signing-certificate and signing-certificate-v2
// where present: the first identifier must be that of the certificate used,
// else "the signature MUST be considered invalid" (RFC 5035, section 3). That
// the attribute must be there is a matter of policy.
func (c *checker) signingCertificate() {
	for _, t := range []oid.OID{oid.AttrSigningCertificateV2, oid.AttrSigningCertificate} {
		cite := "RFC 5035, section 3"
		if t == oid.AttrSigningCertificate {
			cite = "RFC 5035, section 5"
		}
		value, present, err := c.si.single(t)
		if !present {
			continue
		}
		if err == nil {
			err = checkESS(t, value, c.cert)
		}
		if err != nil {
			c.fail(CheckSigningCertificate, cite, err)
			continue
		}
		c.pass(CheckSigningCertificate, cite, t.Name())
	}
}

// essCertID is ESSCertID or ESSCertIDv2 (RFC 5035, sections 4 and 6).
type essCertID struct {
	hash   alg.Identifier
	digest []byte
	issuer []byte // DER Name from directoryName; nil if issuerSerial is absent
	serial []byte // content octets of the INTEGER
}

// checkESS compares the first certificate identifier of the attribute with cert.
func checkESS(t oid.OID, value []byte, cert *pki.Certificate) error {
	id, err := parseESS(t, value)
	if err != nil {
		return err
	}
	digest, err := digestOctets(id.hash, cert.Raw)
	if err != nil {
		return err
	}
	if !bytes.Equal(digest, id.digest) {
		return &AttributeError{Type: t, Why: fmt.Sprintf("names another certificate: its %s digest is %x, the certificate used has %x",
			id.hash.OID.Name(), id.digest, digest)}
	}
	if id.issuer == nil {
		return nil
	}
	serial, _, ok := der.Integer(id.serial, smallElement)
	if !ok || !sameSerial(serial, cert.SerialNumber) {
		return &AttributeError{Type: t, Why: "names another serial number than the certificate used has"}
	}
	if !bytes.Equal(id.issuer, cert.RawIssuer) {
		if name, err := pki.ParseName(id.issuer); err != nil || !name.Equal(cert.Issuer) {
			return &AttributeError{Type: t, Why: "names another issuer than the certificate used has"}
		}
	}
	return nil
}

// parseESS reads the first certificate identifier of
//
//	SigningCertificateV2 ::=  SEQUENCE {
//	    certs        SEQUENCE OF ESSCertIDv2,
//	    policies     SEQUENCE OF PolicyInformation OPTIONAL }
//	ESSCertIDv2 ::=  SEQUENCE {
//	    hashAlgorithm   AlgorithmIdentifier DEFAULT {algorithm id-sha256},
//	    certHash        Hash,
//	    issuerSerial    IssuerSerial OPTIONAL }
func parseESS(t oid.OID, value []byte) (essCertID, error) {
	fail := func(why string) (essCertID, error) { return essCertID{}, &AttributeError{Type: t, Why: why} }
	s := cryptobyte.String(value)
	var attr, certs, first, digest cryptobyte.String
	if !s.ReadASN1(&attr, asn1.SEQUENCE) || !s.Empty() || !attr.ReadASN1(&certs, asn1.SEQUENCE) {
		return fail("not a SigningCertificate")
	}
	if !certs.ReadASN1(&first, asn1.SEQUENCE) {
		return fail("names no certificate")
	}
	id := essCertID{hash: alg.Identifier{OID: oid.SHA1}}
	if t == oid.AttrSigningCertificateV2 {
		id.hash = alg.Identifier{OID: oid.SHA256}
		if first.PeekASN1Tag(asn1.SEQUENCE) {
			var err error
			if id.hash, err = alg.ReadIdentifier(&first, "hashAlgorithm"); err != nil {
				return fail(err.Error())
			}
		}
	}
	if !first.ReadASN1(&digest, asn1.OCTET_STRING) {
		return fail("certHash is not an OCTET STRING")
	}
	id.digest = digest
	if first.Empty() {
		return id, nil
	}
	return id, id.readIssuerSerial(&first, t)
}

// readIssuerSerial reads
//
//	IssuerSerial ::= SEQUENCE {
//	    issuer        GeneralNames,
//	    serialNumber  CertificateSerialNumber }
//
// "For non-attribute certificates, the issuer MUST contain only the issuer name
// from the certificate encoded in the directoryName choice of GeneralNames"
// (RFC 5035, section 4).
func (id *essCertID) readIssuerSerial(s *cryptobyte.String, t oid.OID) error {
	var both, names, explicit, name, serial cryptobyte.String
	directoryName := asn1.Tag(4).ContextSpecific().Constructed()
	if !s.ReadASN1(&both, asn1.SEQUENCE) || !s.Empty() ||
		!both.ReadASN1(&names, asn1.SEQUENCE) || !both.ReadASN1(&serial, asn1.INTEGER) || !both.Empty() ||
		!names.ReadASN1(&explicit, directoryName) || !names.Empty() ||
		!explicit.ReadASN1Element(&name, asn1.SEQUENCE) || !explicit.Empty() {
		return &AttributeError{Type: t, Why: "issuerSerial cannot be read"}
	}
	id.issuer, id.serial = name, serial
	return nil
}
