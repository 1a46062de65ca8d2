package pki

import (
	"fmt"
	"slices"
	"sync"

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
		if out == nil {
			out = make([]Extension, 0, usualExtensions)
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

// usualExtensions is the room that is taken for extensions: a qualified
// certificate has some ten.
const usualExtensions = 12

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
	if seq.PeekASN1Tag(asn1.BOOLEAN) {
		if e.Critical, err = readCritical(&seq, r, func() string { return field + "." + e.ID.Name() + ".critical" }); err != nil {
			return Extension{}, err
		}
	}
	value, err := der.Read(&seq, asn1.OCTET_STRING, ".extnValue")
	if err != nil {
		return Extension{}, der.Under(field+"."+e.ID.Name(), err)
	}
	if !seq.Empty() {
		return Extension{}, der.Bad(field+"."+e.ID.Name(), "octets after extnValue")
	}
	e.Value = value
	return e, nil
}

// readCritical consumes the BOOLEAN; field names it where something is wrong.
func readCritical(s *cryptobyte.String, r *recorder, field func() string) (bool, error) {
	content, err := der.Read(s, asn1.BOOLEAN, "")
	if err != nil {
		return false, der.Under(field(), err)
	}
	value, strict, ok := der.Boolean(content)
	if !ok {
		return false, der.Bad(field(), "BOOLEAN is not one octet")
	}
	if !strict {
		r.add(Warn, "boolean-not-der", field(), fmt.Sprintf("TRUE is encoded as %02X, not FF", content[0]), "X.690, 11.1")
	}
	if !value {
		r.add(Info, "default-encoded", field(), "FALSE is the default and must be absent", "X.690, 11.5")
	}
	return value, nil
}

// processExtensions fills the fields of c from its extensions.
func (c *Certificate) processExtensions(r *recorder) {
	for _, e := range c.Extensions {
		field := extensionField(e.ID)
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

// extensionField returns the path of an extension.
func extensionField(id oid.OID) string {
	if field, ok := extensionFields()[id]; ok {
		return field
	}
	return "extensions." + id.Name()
}

// extensionFields has the paths of the extensions that are processed.
var extensionFields = sync.OnceValue(func() map[oid.OID]string {
	fields := make(map[oid.OID]string)
	for _, i := range oid.All() {
		if certificateExtension(i.OID) != nil {
			fields[i.OID] = "extensions." + i.Name
		}
	}
	return fields
})

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
