package pki

import (
	"bytes"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// signedObject is the outer form of certificates, requests and CRLs:
//
//	SIGNED ::= SEQUENCE { toBeSigned, AlgorithmIdentifier, BIT STRING }
type signedObject struct {
	raw       []byte
	tbs       []byte            // with tag and length
	body      cryptobyte.String // contents of tbs
	algorithm alg.Identifier
	signature []byte
	unused    int
}

// parseSigned reads exactly one signed object; what names it in errors and r
// gets a finding if the signature is no whole number of octets.
func parseSigned(data []byte, what string, r *recorder) (o signedObject, err error) {
	o.raw = data
	s, err := der.Single(data, asn1.SEQUENCE, what)
	if err != nil {
		return o, err
	}
	tbs, err := der.ReadElement(&s, asn1.SEQUENCE, what+".tbs")
	if err != nil {
		return o, err
	}
	o.tbs = tbs
	if o.body, err = der.Read(&tbs, asn1.SEQUENCE, what+".tbs"); err != nil {
		return o, err
	}
	if o.algorithm, err = alg.ReadIdentifier(&s, "signatureAlgorithm"); err != nil {
		return o, err
	}
	bits, err := der.Read(&s, asn1.BIT_STRING, what+".signatureValue")
	if err != nil {
		return o, err
	}
	var ok bool
	if o.signature, o.unused, _, ok = der.BitString(bits); !ok {
		return o, der.Bad(what+".signatureValue", "not a BIT STRING")
	}
	if o.unused != 0 {
		r.add(Error, "signature-unused-bits", "signatureValue", fmt.Sprintf("%d unused bits", o.unused), "RFC 5280, 4.1.1.3")
	}
	if !s.Empty() {
		return o, der.Bad(what, "octets after signatureValue")
	}
	return o, nil
}

// ParseCertificate parses exactly one DER certificate; octets after it are an
// error. Deviations that leave the structure readable are recorded in
// Findings; an unknown or broken public key is recorded in PublicKeyError.
func ParseCertificate(data []byte) (*Certificate, error) {
	if len(data) > limits.CertificateBytes {
		return nil, fmt.Errorf("pki: certificate: larger than %d octets", limits.CertificateBytes)
	}
	return parseOwned(bytes.Clone(data))
}

// parseOwned is ParseCertificate for octets that nobody else will change.
func parseOwned(data []byte) (*Certificate, error) {
	r := &recorder{certificate: true}
	o, err := parseSigned(data, "certificate", r)
	if err != nil {
		return nil, wrap(err)
	}
	c := &Certificate{
		Raw: o.raw, RawTBSCertificate: o.tbs, MaxPathLen: -1, InhibitAnyPolicy: -1,
		SignatureAlgorithm: o.algorithm, Signature: o.signature, signatureUnused: o.unused,
	}
	if err := c.parseTBS(o.body, r); err != nil {
		return nil, wrap(err)
	}
	// "This field MUST contain the same algorithm identifier as the signature
	// field in the sequence tbsCertificate", RFC 5280, 4.1.1.2.
	if !c.SignatureAlgorithm.Equivalent(c.TBSSignatureAlgorithm) {
		r.add(Error, "algorithm-mismatch", "signatureAlgorithm",
			fmt.Sprintf("%s outside, %s inside", c.SignatureAlgorithm.OID.Name(), c.TBSSignatureAlgorithm.OID.Name()), "RFC 5280, 4.1.1.2")
	}
	c.processExtensions(r)
	c.Findings = r.list
	return c, nil
}

func wrap(err error) error { return fmt.Errorf("pki: %w", err) }

// parseTBS reads the contents of
//
//	TBSCertificate ::= SEQUENCE {
//	    version         [0]  EXPLICIT Version DEFAULT v1,
//	    serialNumber         CertificateSerialNumber,
//	    signature            AlgorithmIdentifier,
//	    issuer               Name,
//	    validity             Validity,
//	    subject              Name,
//	    subjectPublicKeyInfo SubjectPublicKeyInfo,
//	    issuerUniqueID  [1]  IMPLICIT UniqueIdentifier OPTIONAL,
//	    subjectUniqueID [2]  IMPLICIT UniqueIdentifier OPTIONAL,
//	    extensions      [3]  EXPLICIT Extensions OPTIONAL }
func (c *Certificate) parseTBS(s cryptobyte.String, r *recorder) (err error) {
	if err := c.readVersion(&s, r); err != nil {
		return err
	}
	if err := c.readSerial(&s, r); err != nil {
		return err
	}
	if c.TBSSignatureAlgorithm, err = alg.ReadIdentifier(&s, "tbsCertificate.signature"); err != nil {
		return err
	}
	if c.Issuer, err = readName(&s, "tbsCertificate.issuer", r); err != nil {
		return err
	}
	if c.Issuer.IsEmpty() {
		// "The issuer field MUST contain a non-empty distinguished name",
		// RFC 5280, 4.1.2.4.
		r.add(Error, "issuer-empty", "tbsCertificate.issuer", "no attribute", "RFC 5280, 4.1.2.4")
	}
	if err := c.readValidity(&s, r); err != nil {
		return err
	}
	if c.Subject, err = readName(&s, "tbsCertificate.subject", r); err != nil {
		return err
	}
	c.RawIssuer, c.RawSubject = c.Issuer.Raw, c.Subject.Raw
	spki, err := der.ReadElement(&s, asn1.SEQUENCE, "tbsCertificate.subjectPublicKeyInfo")
	if err != nil {
		return err
	}
	c.RawSubjectPublicKeyInfo = spki
	if c.PublicKeyAlgorithm, err = keyAlgorithm(spki); err != nil {
		return err
	}
	c.PublicKey, c.PublicKeyError = alg.ParsePublicKey(spki)
	return c.readTail(s, r)
}

func (c *Certificate) readVersion(s *cryptobyte.String, r *recorder) error {
	c.Version = 1
	if !s.PeekASN1Tag(ctx0 | cons) {
		return nil
	}
	outer, err := der.Read(s, ctx0|cons, "tbsCertificate.version")
	if err != nil {
		return err
	}
	content, err := der.Read(&outer, asn1.INTEGER, "tbsCertificate.version")
	if err != nil {
		return err
	}
	n, ok := der.SmallInteger(content)
	if !ok || !outer.Empty() {
		return der.Bad("tbsCertificate.version", "not a small INTEGER")
	}
	switch {
	case n == 0:
		r.add(Warn, "default-encoded", "tbsCertificate.version", "v1 is the default and must be absent", "X.690, 11.5")
	case n > 2:
		r.add(Error, "version-unknown", "tbsCertificate.version", fmt.Sprintf("version number %d", n), "RFC 5280, 4.1.2.1")
	}
	c.Version = n + 1
	return nil
}

// readSerial: RFC 5280, 4.1.2.2: positive, at most 20 octets, and users "MUST
// be able to handle" 20 octets and "SHOULD be prepared to gracefully handle"
// negative and zero numbers.
func (c *Certificate) readSerial(s *cryptobyte.String, r *recorder) error {
	const field, cite = "tbsCertificate.serialNumber", "RFC 5280, 4.1.2.2"
	content, err := der.Read(s, asn1.INTEGER, field)
	if err != nil {
		return err
	}
	serial, strict, ok := der.Integer(content, limits.SerialBytes)
	if !ok {
		return der.Bad(field, fmt.Sprintf("not an INTEGER of 1 to %d octets", limits.SerialBytes))
	}
	if !strict {
		r.add(Error, "integer-not-minimal", field, "the INTEGER is not in the fewest octets", "X.690, 8.3.2")
	}
	switch {
	case serial.Sign() < 0:
		r.add(Warn, "serial-negative", field, "the number is negative", cite)
	case serial.Sign() == 0:
		r.add(Warn, "serial-zero", field, "the number is zero", cite)
	}
	if len(content) > 20 {
		r.add(Warn, "serial-long", field, fmt.Sprintf("%d octets", len(content)), cite)
	}
	c.SerialNumber, c.RawSerial = serial, content
	return nil
}

func (c *Certificate) readValidity(s *cryptobyte.String, r *recorder) error {
	validity, err := der.Read(s, asn1.SEQUENCE, "tbsCertificate.validity")
	if err != nil {
		return err
	}
	if c.NotBefore, err = readTime(&validity, "tbsCertificate.validity.notBefore", r); err != nil {
		return err
	}
	if c.NotAfter, err = readTime(&validity, "tbsCertificate.validity.notAfter", r); err != nil {
		return err
	}
	if !validity.Empty() {
		return der.Bad("tbsCertificate.validity", "octets after notAfter")
	}
	if c.NotAfter.Before(c.NotBefore) {
		r.add(Warn, "validity-inverted", "tbsCertificate.validity", "notAfter is before notBefore", "RFC 5280, 4.1.2.5")
	}
	return nil
}

// readTime consumes a Time ::= CHOICE { utcTime, generalTime }.
func readTime(s *cryptobyte.String, field string, r *recorder) (time.Time, error) {
	_, content, tag, err := der.ReadAny(s, field)
	if err != nil {
		return time.Time{}, err
	}
	t, deviation, ok := der.ParseTime(tag, content)
	if !ok {
		return time.Time{}, der.Bad(field, "neither UTCTime nor GeneralizedTime")
	}
	if deviation != "" {
		r.add(r.grave(), "time-form", field, deviation, "RFC 5280, 4.1.2.5")
	}
	if tag == asn1.GeneralizedTime && t.Year() >= 1950 && t.Year() < 2050 {
		// "CAs conforming to this profile MUST always encode certificate
		// validity dates through the year 2049 as UTCTime", RFC 5280, 4.1.2.5.
		// Accredited authorities have not.
		r.add(Warn, "time-generalized", field, "GeneralizedTime for a year before 2050", "RFC 5280, 4.1.2.5")
	}
	return t, nil
}

func keyAlgorithm(spki cryptobyte.String) (alg.Identifier, error) {
	s, err := der.Single(spki, asn1.SEQUENCE, "subjectPublicKeyInfo")
	if err != nil {
		return alg.Identifier{}, err
	}
	return alg.ReadIdentifier(&s, "subjectPublicKeyInfo.algorithm")
}

// readTail reads the optional fields at the end of TBSCertificate.
func (c *Certificate) readTail(s cryptobyte.String, r *recorder) error {
	for _, u := range []struct {
		tag   asn1.Tag
		out   *[]byte
		field string
	}{{ctx1, &c.IssuerUniqueID, "issuerUniqueID"}, {ctx2, &c.SubjectUniqueID, "subjectUniqueID"}} {
		var bits cryptobyte.String
		var has bool
		if !s.ReadOptionalASN1(&bits, &has, u.tag) || !has {
			continue
		}
		b, _, strict, ok := der.BitString(bits)
		if !ok {
			return der.Bad("tbsCertificate."+u.field, "not a BIT STRING")
		}
		if !strict {
			r.add(Error, "bits-not-der", "tbsCertificate."+u.field, "unused bits are not zero", "X.690, 11.2.1")
		}
		*u.out = b
		if c.Version < 2 {
			r.add(Error, "unique-id-in-v1", "tbsCertificate."+u.field, "not allowed in version 1", "RFC 5280, 4.1.2.8")
		}
	}
	if s.PeekASN1Tag(ctx3 | cons) {
		outer, err := der.Read(&s, ctx3|cons, "tbsCertificate.extensions")
		if err != nil {
			return err
		}
		list, err := der.Read(&outer, asn1.SEQUENCE, "tbsCertificate.extensions")
		if err != nil {
			return err
		}
		if !outer.Empty() {
			return der.Bad("tbsCertificate.extensions", "octets after the extensions")
		}
		if c.Extensions, err = readExtensions(list, "extensions", r); err != nil {
			return err
		}
	}
	if !s.Empty() {
		return der.Bad("tbsCertificate", "unknown elements at the end")
	}
	return nil
}

// checkSignature verifies the outer signature of a certificate, request or
// CRL. inner is the algorithm inside the signed part; zero where there is none.
func checkSignature(issuer *Certificate, outer, inner alg.Identifier, unused int, tbs, sig []byte) error {
	if err := (signatureCheck{issuer, outer, inner, unused, tbs, sig}).form(); err != nil {
		return err
	}
	if err := alg.VerifyMessage(issuer.PublicKey, outer, alg.Identifier{}, tbs, sig); err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	return nil
}

// positive reports whether n is a serial or CRL number that may be written:
// not negative, at most 20 octets (RFC 5280, 4.1.2.2 and 5.2.3).
func positive(n *big.Int, zero bool) bool {
	return n != nil && (n.Sign() > 0 || zero && n.Sign() == 0) && n.BitLen() <= 159
}
