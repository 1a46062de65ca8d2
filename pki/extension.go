package pki

import (
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// readExtensions reads the contents of Extensions ::= SEQUENCE SIZE (1..MAX) OF
// Extension and records duplicates.
func readExtensions(s cryptobyte.String, field string, r *recorder) ([]Extension, error) {
	if s.Empty() {
		r.add(Warn, "extensions-empty", field, "an empty sequence", "RFC 5280, 4.1.2.9")
	}
	var out []Extension
	for !s.Empty() {
		if len(out) >= limits.Extensions {
			return nil, der.Bad(field, fmt.Sprintf("more than %d extensions", limits.Extensions))
		}
		e, err := readExtension(&s, field, r)
		if err != nil {
			return nil, err
		}
		// "A certificate MUST NOT include more than one instance of a
		// particular extension", RFC 5280, 4.2.
		if slices.ContainsFunc(out, func(o Extension) bool { return o.ID == e.ID }) {
			r.add(Error, "extension-duplicate", field+"."+e.ID.Name(), "the extension occurs twice", "RFC 5280, 4.2")
		}
		out = append(out, e)
	}
	return out, nil
}

// readExtension consumes
//
//	Extension ::= SEQUENCE {
//	    extnID      OBJECT IDENTIFIER,
//	    critical    BOOLEAN DEFAULT FALSE,
//	    extnValue   OCTET STRING }
func readExtension(s *cryptobyte.String, field string, r *recorder) (Extension, error) {
	before := *s
	seq, err := der.Read(s, asn1.SEQUENCE, field)
	if err != nil {
		return Extension{}, err
	}
	e := Extension{Raw: before[:len(before)-len(*s)]}
	if !oid.Read(&seq, &e.ID) {
		return Extension{}, der.Bad(field+".extnID", "not an object identifier")
	}
	field += "." + e.ID.Name()
	if seq.PeekASN1Tag(asn1.BOOLEAN) {
		content, err := der.Read(&seq, asn1.BOOLEAN, field+".critical")
		if err != nil {
			return Extension{}, err
		}
		value, strict, ok := der.Boolean(content)
		if !ok {
			return Extension{}, der.Bad(field+".critical", "BOOLEAN is not one octet")
		}
		if !strict {
			r.add(Warn, "boolean-not-der", field+".critical", fmt.Sprintf("TRUE is encoded as %02X, not FF", content[0]), "X.690, 11.1")
		}
		if !value {
			r.add(Info, "default-encoded", field+".critical", "FALSE is the default and must be absent", "X.690, 11.5")
		}
		e.Critical = value
	}
	value, err := der.Read(&seq, asn1.OCTET_STRING, field+".extnValue")
	if err != nil {
		return Extension{}, err
	}
	if !seq.Empty() {
		return Extension{}, der.Bad(field, "octets after extnValue")
	}
	e.Value = value
	return e, nil
}

// processExtensions fills the fields of c from its extensions.
func (c *Certificate) processExtensions(r *recorder) {
	for _, e := range c.Extensions {
		field := "extensions." + e.ID.Name()
		process := certificateExtension(e.ID)
		if process == nil || !r.certificate && pathExtension(e.ID) {
			if e.Critical {
				c.UnhandledCritical = append(c.UnhandledCritical, e.ID)
			}
			continue
		}
		if err := process(c, e, field, r); err != nil {
			r.add(malformedSeverity(e), "extension-malformed", field, err.Error(), "RFC 5280, 4.2")
		}
	}
	if r.certificate {
		c.checkExtensionRules(r)
		return
	}
	c.checkSubject(r)
}

// pathExtension says whether an extension has a meaning on a path alone: in a
// request it is somebody's wish, which the authority answers.
func pathExtension(id oid.OID) bool {
	switch id {
	case oid.NameConstraints, oid.PolicyConstraints, oid.PolicyMappings, oid.InhibitAnyPolicy:
		return true
	}
	return false
}

// malformedSeverity: an extension that restricts what a certificate may be used for
// must be readable, and a system "MUST reject the certificate if it encounters a
// critical extension it does not recognize or a critical extension that contains
// information that it cannot process" (RFC 5280, 4.2). Others only inform.
func malformedSeverity(e Extension) Severity {
	switch e.ID {
	case oid.BasicConstraints, oid.KeyUsage, oid.ExtKeyUsage, oid.NameConstraints, oid.PrivateKeyUsagePeriod,
		oid.CertificatePolicies, oid.PolicyMappings, oid.PolicyConstraints, oid.InhibitAnyPolicy:
		return Error
	}
	if e.Critical {
		return Error
	}
	return Warn
}

type extensionFunc func(c *Certificate, e Extension, field string, r *recorder) error

// certificateExtension returns the function that reads the extension, or nil.
func certificateExtension(id oid.OID) extensionFunc {
	switch id {
	case oid.BasicConstraints:
		return readBasicConstraints
	case oid.KeyUsage:
		return readKeyUsage
	case oid.ExtKeyUsage:
		return readExtKeyUsage
	case oid.SubjectKeyIdentifier:
		return readSubjectKeyID
	case oid.AuthorityKeyIdentifier:
		return readCertificateAKI
	case oid.CRLDistributionPoints, oid.FreshestCRL:
		return readCRLPoints
	case oid.AuthorityInfoAccess:
		return readAuthorityInfoAccess
	case oid.CertificatePolicies:
		return readPolicies
	case oid.PolicyMappings:
		return readPolicyMappings
	case oid.PolicyConstraints:
		return readPolicyConstraints
	case oid.InhibitAnyPolicy:
		return readInhibitAnyPolicy
	case oid.NameConstraints:
		return readNameConstraints
	case oid.PrivateKeyUsagePeriod:
		return readPrivateKeyUsagePeriod
	case oid.SubjectSignTool:
		return readSubjectSignTool
	case oid.IssuerSignTool:
		return readIssuerSignTool
	case oid.IdentificationKind:
		return readIdentificationKind
	case oid.SubjectAltName, oid.IssuerAltName:
		return readAltNames
	case oid.OCSPNoCheck:
		return readNoCheck
	}
	return nil
}
