package pki

import (
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// readBasicConstraints: BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT
// FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }.
func readBasicConstraints(c *Certificate, e Extension, field string, r *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	isCA := false
	if s.PeekASN1Tag(asn1.BOOLEAN) {
		content, err := der.Read(&s, asn1.BOOLEAN, field+".cA")
		if err != nil {
			return err
		}
		value, strict, ok := der.Boolean(content)
		switch {
		case !ok:
			return der.Bad(field+".cA", "BOOLEAN is not one octet")
		case !strict:
			r.add(Warn, "boolean-not-der", field+".cA", fmt.Sprintf("TRUE is encoded as %02X, not FF", content[0]), "X.690, 11.1")
		case !value:
			r.add(Info, "default-encoded", field+".cA", "FALSE is the default and must be absent", "X.690, 11.5")
		}
		isCA = value
	}
	pathLen := -1
	if !s.Empty() {
		content, err := der.Read(&s, asn1.INTEGER, field+".pathLenConstraint")
		if err != nil {
			return err
		}
		n, ok := der.SmallInteger(content)
		if !ok || !s.Empty() {
			return der.Bad(field+".pathLenConstraint", "not an INTEGER from 0 to 2^31-1")
		}
		pathLen = n
		if !isCA {
			// "CAs MUST NOT include the pathLenConstraint field unless the cA
			// boolean is asserted", RFC 5280, 4.2.1.9.
			r.add(r.grave(), "pathlen-without-ca", field+".pathLenConstraint", "present although cA is FALSE", "RFC 5280, 4.2.1.9")
		}
	}
	c.BasicConstraintsValid, c.IsCA, c.MaxPathLen = true, isCA, pathLen
	return nil
}

func readKeyUsage(c *Certificate, e Extension, field string, r *recorder) error {
	c.HasKeyUsage = true // even if unreadable: then no usage is granted
	content, err := der.Single(e.Value, asn1.BIT_STRING, field)
	if err != nil {
		return err
	}
	bits, unused, strict, ok := der.BitString(content)
	if !ok {
		return der.Bad(field, "not a BIT STRING")
	}
	if !strict {
		r.add(r.grave(), "bits-not-der", field, "unused bits are not zero", "X.690, 11.2.1")
	}
	checkNamedBits(bits, unused, 0x1ff, field, r)
	c.KeyUsage = KeyUsage(der.NamedBits(bits) & 0x1ff) // nine bits
	if c.KeyUsage == 0 {
		// "at least one of the bits MUST be set to 1", RFC 5280, 4.2.1.3.
		r.add(r.grave(), "key-usage-empty", field, "no bit is set", "RFC 5280, 4.2.1.3")
	}
	return nil
}

// readExtKeyUsage: ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId.
func readExtKeyUsage(c *Certificate, e Extension, field string, _ *recorder) error {
	c.ExtKeyUsage = []oid.OID{} // not nil even if unreadable: then no purpose is granted
	c.ExtKeyUsageCritical = e.Critical
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	if s.Empty() {
		return der.Bad(field, "an empty sequence")
	}
	var list []oid.OID
	for !s.Empty() {
		var id oid.OID
		if !oid.Read(&s, &id) || len(list) >= limits.GeneralNames {
			return der.Bad(field, "not a sequence of object identifiers")
		}
		list = append(list, id)
	}
	c.ExtKeyUsage = list
	return nil
}

func readSubjectKeyID(c *Certificate, e Extension, field string, r *recorder) error {
	content, err := der.Single(e.Value, asn1.OCTET_STRING, field)
	if err != nil {
		return err
	}
	if content.Empty() {
		r.add(Warn, "key-identifier-empty", field, "no octets", "RFC 5280, 4.2.1.2")
		return nil
	}
	c.SubjectKeyID = content
	return nil
}

func readCertificateAKI(c *Certificate, e Extension, field string, r *recorder) (err error) {
	c.AuthorityKeyID, c.AuthorityCertIssuer, c.AuthorityCertSerial, err = readAuthorityKeyID(e.Value, field, r)
	return err
}

// readAuthorityKeyID: AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0]
// OPTIONAL, authorityCertIssuer [1] OPTIONAL, authorityCertSerialNumber [2]
// OPTIONAL }.
func readAuthorityKeyID(value []byte, field string, r *recorder) (id []byte, issuer []GeneralName, serial *big.Int, err error) {
	s, err := der.Single(value, asn1.SEQUENCE, field)
	if err != nil {
		return nil, nil, nil, err
	}
	if s.Empty() {
		r.add(Info, "authority-key-identifier-empty", field, "an empty sequence", "RFC 5280, 4.2.1.1")
	}
	var inner cryptobyte.String
	var has bool
	if s.ReadOptionalASN1(&inner, &has, ctx0) && has && len(inner) > 0 {
		id = inner
	}
	if s.ReadOptionalASN1(&inner, &has, ctx1|cons) && has {
		if issuer, err = readGeneralNames(inner, field+".authorityCertIssuer", r); err != nil {
			return nil, nil, nil, err
		}
	}
	if s.ReadOptionalASN1(&inner, &has, ctx2) && has {
		var ok bool
		if serial, _, ok = der.Integer(inner, limits.SerialBytes); !ok {
			return nil, nil, nil, der.Bad(field+".authorityCertSerialNumber", "not an INTEGER of at most 64 octets")
		}
	}
	if !s.Empty() {
		return nil, nil, nil, der.Bad(field, "unknown elements")
	}
	return id, issuer, serial, nil
}

func readCRLPoints(c *Certificate, e Extension, field string, r *recorder) error {
	points, err := readDistributionPoints(e.Value, field, r)
	if err != nil {
		return err
	}
	if e.ID == oid.FreshestCRL {
		c.FreshestCRL = uris(points)
		return nil
	}
	c.DistributionPoints, c.CRLDistributionPoints = points, uris(points)
	return nil
}

// readAuthorityInfoAccess: AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX)
// OF SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }.
func readAuthorityInfoAccess(c *Certificate, e Extension, field string, r *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	if s.Empty() {
		r.add(r.grave(), "info-access-empty", field, "an empty sequence", "RFC 5280, 4.2.2.1")
	}
	for n := 0; !s.Empty(); n++ {
		if n >= limits.GeneralNames {
			return der.Bad(field, "too many entries")
		}
		one, err := der.Read(&s, asn1.SEQUENCE, field)
		if err != nil {
			return err
		}
		var method oid.OID
		if !oid.Read(&one, &method) {
			return der.Bad(field+".accessMethod", "not an object identifier")
		}
		g, err := readGeneralName(&one, field+".accessLocation", r)
		if err != nil {
			return err
		}
		if g.Kind != URIName {
			continue
		}
		switch method {
		case oid.AccessOCSP:
			c.OCSPServers = append(c.OCSPServers, g.Text)
		case oid.AccessCAIssuers:
			c.IssuingCertificateURLs = append(c.IssuingCertificateURLs, g.Text)
		case oid.AccessTimeStamping:
			c.TimeStampingURLs = append(c.TimeStampingURLs, g.Text)
		}
	}
	return nil
}

// readPrivateKeyUsagePeriod: PrivateKeyUsagePeriod ::= SEQUENCE { notBefore [0]
// GeneralizedTime OPTIONAL, notAfter [1] GeneralizedTime OPTIONAL } (RFC 3280,
// section 4.2.1.4; implicit tags).
func readPrivateKeyUsagePeriod(c *Certificate, e Extension, field string, r *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	for i, out := range []*time.Time{&c.PrivateKeyNotBefore, &c.PrivateKeyNotAfter} {
		var inner cryptobyte.String
		var has bool
		if !s.ReadOptionalASN1(&inner, &has, ctx0+asn1.Tag(i)) || !has { // 0 or 1
			continue
		}
		t, deviation, ok := der.ParseTime(asn1.GeneralizedTime, inner)
		if !ok {
			return der.Bad(field, "not a GeneralizedTime")
		}
		if deviation != "" {
			r.add(Warn, "time-form", field, deviation, "RFC 5280, 4.1.2.5.2")
		}
		*out = t
	}
	if !s.Empty() {
		return der.Bad(field, "unknown elements")
	}
	return nil
}

func readNoCheck(c *Certificate, e Extension, field string, r *recorder) error {
	c.OCSPNoCheck = true
	if len(e.Value) != 2 || e.Value[0] != 5 || e.Value[1] != 0 {
		r.add(Warn, "nocheck-not-null", field, "the value is not NULL", "RFC 6960, 4.2.2.2.1")
	}
	return nil
}

func readAltNames(c *Certificate, e Extension, field string, r *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	if s.Empty() {
		// "If the subjectAltName extension is present, the sequence MUST contain
		// at least one entry", RFC 5280, 4.2.1.6.
		r.add(r.grave(), "alt-names-empty", field, "no name", "RFC 5280, 4.2.1.6")
		return nil
	}
	names, err := readGeneralNames(s, field, r)
	if err != nil {
		return err
	}
	if e.ID == oid.IssuerAltName {
		c.IssuerAltNames = names
		return nil
	}
	c.SubjectAltNames = names
	return nil
}
