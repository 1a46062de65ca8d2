// Package fsb795 holds rules on the form of the qualified certificate: the
// order of the FSB of Russia No. 795 of 27.12.2011, since 01.09.2021 in the
// edition of the order No. 31 of 29.01.2021, whose names, identifiers and types
// RFC 9215, section 5 gives in English; one rule a file.
//
// A certificate that keeps these rules has the form of a qualified one. Whether
// it is qualified depends on the accreditation of its issuer. Demands that were
// not read in the order itself are warnings.
package fsb795

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// effective is the day from which the edition of 2021 is in force.
func effective() time.Time { return time.Date(2021, time.September, 1, 0, 0, 0, 0, time.UTC) }

// original is the day of the order: nobody could keep its rules before.
func original() time.Time { return time.Date(2011, time.December, 27, 0, 0, 0, 0, time.UTC) }

// classes returns the policies of the classes of tools, weakest first.
func classes() []oid.OID { return pki.KCPolicies("KA1") }

// namesClass reports whether a certificate names a class of tools.
func namesClass(c *pki.Certificate) bool {
	return slices.ContainsFunc(c.Policies, func(p oid.OID) bool { return slices.Contains(classes(), p) })
}

// service reports whether a certificate is that of an OCSP responder or of a
// time-stamping authority.
func service(c *pki.Certificate) bool {
	return slices.Contains(c.ExtKeyUsage, oid.EKUOCSPSigning) || slices.Contains(c.ExtKeyUsage, oid.EKUTimeStamping)
}

// subscriber says whether a certificate claims the form of a subscriber's
// qualified certificate: it names a class of tools, and it is neither a CA's
// nor that of a service.
func subscriber(c *pki.Certificate) bool { return namesClass(c) && !c.IsCA && !service(c) }

// claims says whether a certificate claims the form, be it a subscriber's or
// that of an authority. Authorities that are not accredited name the classes for
// which they issue too; those of the head authority also name their tools.
func claims(c *pki.Certificate) bool {
	return namesClass(c) && !service(c) && (!c.IsCA || c.IssuerSignTool != nil)
}

// organization reports whether the subject is a legal entity.
func organization(n pki.Name) bool { return n.Get(oid.OGRN) != "" || n.Get(oid.INNLE) != "" }

// textLength reports whether text has 1 to limit characters.
func textLength(text string, limit int) bool {
	n := utf8.RuneCountInString(text)
	return n >= 1 && n <= limit
}

// attributes calls f for every attribute of a name.
func attributes(n pki.Name, f func(pki.Attribute)) {
	for _, rdn := range n.RDNs {
		for _, a := range rdn {
			f(a)
		}
	}
}
