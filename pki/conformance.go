package pki

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// checkExtensionRules records what extensions must not be, alone or together.
// What the profile says with MUST is an Error, unless real authorities are known
// to break the rule: then it is a Warn, and the comment says so.
func (c *Certificate) checkExtensionRules(r *recorder) {
	if len(c.Extensions) > 0 && c.Version != 3 {
		// "When extensions are used ... version MUST be 3", RFC 5280, 4.1.2.1.
		r.add(Error, "extensions-in-old-version", "tbsCertificate.version", fmt.Sprintf("version %d with extensions", c.Version), "RFC 5280, 4.1.2.1")
	}
	c.checkSubject(r)
	for _, e := range c.Extensions {
		c.checkCritical(e, r)
		if (e.ID == oid.SubjectInfoAccess || e.ID == oid.SubjectDirectoryAttributes) && bytes.Equal(e.Value, []byte{0x30, 0}) {
			// Both are SEQUENCE SIZE (1..MAX).
			r.add(Error, "extension-empty", "extensions."+e.ID.Name(), "an empty sequence", "RFC 5280, 4.2.1.8 and 4.2.2.2")
		}
	}
	c.checkAuthority(r)
	c.checkConstraints(r)
	c.checkAltNames(c.SubjectAltNames, oid.SubjectAltName, r)
	c.checkAltNames(c.IssuerAltNames, oid.IssuerAltName, r)
}

// checkSubject: RFC 5280, sections 4.1.2.6 and 4.2.1.6.
func (c *Certificate) checkSubject(r *recorder) {
	if !c.Subject.IsEmpty() {
		return
	}
	san, has := c.Extension(oid.SubjectAltName)
	switch {
	case c.IsCA:
		// "If the subject is a CA ..., then the subject field MUST be
		// populated with a non-empty distinguished name", RFC 5280, 4.1.2.6.
		r.add(Error, "subject-empty", "tbsCertificate.subject", "a CA without a name", "RFC 5280, 4.1.2.6")
	case !has:
		r.add(Warn, "subject-empty", "tbsCertificate.subject", "neither subject nor subjectAltName", "RFC 5280, 4.1.2.6")
	case !san.Critical:
		// "If the subject field contains an empty sequence, then the issuing CA
		// MUST include a subjectAltName extension that is marked as critical",
		// RFC 5280, 4.2.1.6.
		r.add(r.grave(), "alt-name-not-critical", "extensions.subjectAltName", "not critical beside an empty subject", "RFC 5280, 4.2.1.6")
	}
}

// checkCritical: extensions that "MUST" be marked as critical, or as not.
func (c *Certificate) checkCritical(e Extension, r *recorder) {
	must, cite := false, ""
	switch e.ID {
	case oid.AuthorityKeyIdentifier:
		cite = "RFC 5280, 4.2.1.1"
	case oid.SubjectKeyIdentifier:
		cite = "RFC 5280, 4.2.1.2"
	case oid.AuthorityInfoAccess:
		cite = "RFC 5280, 4.2.2.1"
	case oid.SubjectInfoAccess:
		cite = "RFC 5280, 4.2.2.2"
	case oid.FreshestCRL:
		cite = "RFC 5280, 4.2.1.15"
	case oid.NameConstraints:
		must, cite = true, "RFC 5280, 4.2.1.10"
	case oid.PolicyConstraints:
		must, cite = true, "RFC 5280, 4.2.1.11"
	case oid.InhibitAnyPolicy:
		must, cite = true, "RFC 5280, 4.2.1.14"
	case oid.BasicConstraints:
		// "Conforming CAs MUST ... mark the extension as critical" in the
		// certificates of authorities, RFC 5280, 4.2.1.9.
		if !c.IsCA {
			return
		}
		must, cite = true, "RFC 5280, 4.2.1.9"
	default:
		return
	}
	switch {
	case must && !e.Critical && (e.ID == oid.PolicyConstraints || e.ID == oid.BasicConstraints):
		// NIST's suite of path validation has such authorities on paths that it
		// calls valid (4.6.4, 4.8.6); the extension is processed all the same.
		r.add(Warn, "extension-not-critical", "extensions."+e.ID.Name(), "must be critical", cite)
	case must && !e.Critical:
		r.add(Error, "extension-not-critical", "extensions."+e.ID.Name(), "must be critical", cite)
	case !must && e.Critical:
		r.add(Error, "extension-critical", "extensions."+e.ID.Name(), "must not be critical", cite)
	}
}

// checkAuthority: what only an authority may have.
func (c *Certificate) checkAuthority(r *recorder) {
	const basic, usage = "extensions.basicConstraints", "extensions.keyUsage"
	if c.HasKeyUsage && c.KeyUsage&KeyUsageCertSign != 0 && !c.IsCA {
		// "If the keyCertSign bit is asserted, then the cA bit in the basic
		// constraints extension ... MUST also be asserted", RFC 5280, 4.2.1.3.
		r.add(Error, "cert-sign-without-ca", usage, "keyCertSign without cA", "RFC 5280, 4.2.1.3")
	}
	if c.IsCA && c.MaxPathLen >= 0 && c.HasKeyUsage && c.KeyUsage&KeyUsageCertSign == 0 {
		// "CAs MUST NOT include the pathLenConstraint field unless the cA
		// boolean is asserted and the key usage extension asserts the
		// keyCertSign bit", RFC 5280, 4.2.1.9; cA is looked at where it is read.
		r.add(Error, "pathlen-without-cert-sign", basic, "pathLenConstraint without keyCertSign", "RFC 5280, 4.2.1.9")
	}
	if c.NameConstraints != nil && !c.IsCA {
		// "which MUST be used only in a CA certificate", RFC 5280, 4.2.1.10.
		r.add(Error, "name-constraints-without-ca", "extensions.nameConstraints", "not a CA", "RFC 5280, 4.2.1.10")
	}
}

// checkConstraints: values of the policy extensions and of key identifiers that
// have no meaning.
func (c *Certificate) checkConstraints(r *recorder) {
	for _, m := range c.PolicyMappings {
		if m.Issuer == oid.AnyPolicy || m.Subject == oid.AnyPolicy {
			// "Policies MUST NOT be mapped either to or from the special value
			// anyPolicy", RFC 5280, 4.2.1.5.
			r.add(Error, "policy-mapping-any", "extensions.policyMappings", "anyPolicy is mapped", "RFC 5280, 4.2.1.5")
		}
	}
	if (len(c.AuthorityCertIssuer) > 0) != (c.AuthorityCertSerial != nil) {
		// "authorityCertIssuer and authorityCertSerialNumber MUST both be
		// present or both be absent", RFC 5280, appendix A.2.
		r.add(Error, "authority-half-named", "extensions.authorityKeyIdentifier", "issuer and serial number go together", "RFC 5280, appendix A.2")
	}
}

// checkAltNames: RFC 5280, sections 4.2.1.6 and 4.2.1.7.
func (c *Certificate) checkAltNames(list []GeneralName, id oid.OID, r *recorder) {
	field := "extensions." + id.Name()
	for _, g := range list {
		severity := Error
		if g.Kind == RFC822Name && g.Text != "" {
			// Accredited authorities write two addresses into one name. Where
			// constraints apply to it, pki/path refuses what cannot be compared.
			severity = Warn
		}
		if why := badAltName(g); why != "" {
			r.add(severity, "alt-name-form", field, why, "RFC 5280, 4.2.1.6")
		}
	}
}

// badAltName says what is wrong with the form of an alternative name, or "".
func badAltName(g GeneralName) string {
	switch g.Kind {
	case DNSName:
		// "The name MUST be in the preferred name syntax"; " " MUST NOT be used.
		if _, ok := CanonicalHost(g.Text); !ok || !isASCII(g.Text) {
			return "dNSName is no domain name"
		}
	case RFC822Name:
		// "The format of an rfc822Name is a Mailbox".
		if _, _, ok := CutMailbox(g.Text); !ok || !isASCII(g.Text) {
			return "rfc822Name is no mailbox"
		}
	case URIName:
		return badURI(g.Text)
	case IPAddress:
		// "For IP version 4 ..., the octet string MUST contain exactly four
		// octets. For IP version 6 ... exactly sixteen octets."
		if n := len(g.Value); n != 4 && n != 16 {
			return fmt.Sprintf("iPAddress of %d octets", n)
		}
	case DirectoryName:
		// "conforming CAs MUST NOT issue certificates with subjectAltNames
		// containing empty GeneralName fields".
		if g.Name == nil || g.Name.IsEmpty() {
			return "directoryName is empty"
		}
	}
	return ""
}

// badURI: "The name MUST NOT be a relative URI ... The name MUST include both a
// scheme (e.g., "http" or "ftp") and a scheme-specific-part. URIs that include
// an authority ... MUST include a fully qualified domain name or IP address as
// the host" (RFC 5280, 4.2.1.6).
func badURI(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || !isASCII(text):
		return "uniformResourceIdentifier is no URI"
	case u.Scheme == "":
		return "uniformResourceIdentifier has no scheme"
	case u.Opaque == "" && u.Host == "" && u.Path == "":
		return "uniformResourceIdentifier has a scheme only"
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "ftp":
		if u.Hostname() == "" {
			return "uniformResourceIdentifier has no host"
		}
	}
	return ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// checkNamedBits records what DER forbids in a BIT STRING with named bits and
// bits that have no name: "Where ITU-T Rec. X.680 ... applies, the bitstring
// shall have all trailing 0 bits removed before it is encoded" (X.690, 11.2.2).
func checkNamedBits(bits []byte, unused int, known uint32, field string, r *recorder) {
	n := 8*len(bits) - unused
	if n > 0 && bits[len(bits)-1]>>unused&1 == 0 {
		// Certificates that GnuTLS makes have them.
		r.add(Warn, "bits-not-der", field, "the last bit is zero", "X.690, 11.2.2")
	}
	if der.NamedBits(bits)&^known != 0 || n > 32 {
		r.add(r.grave(), "bits-unknown", field, "bits that have no meaning", "RFC 5280, 4.2.1.3")
	}
}
