// Package fsb795 holds rules on the form of the qualified certificate: the
// order of the FSB of Russia No. 795 of 27.12.2011 in the edition of the order
// No. 31 of 29.01.2021, whose names, identifiers and types RFC 9215, section 5
// gives in English; one rule a file.
//
// A certificate that keeps these rules has the form of a qualified one. Whether
// it is qualified depends on the accreditation of its issuer.
package fsb795

import (
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// effective is the day from which the edition of 2021 is in force.
func effective() time.Time { return time.Date(2021, time.September, 1, 0, 0, 0, 0, time.UTC) }

// classes returns the policies of the classes of tools, weakest first.
func classes() []oid.OID { return pki.KCPolicies("KA1") }

// subscriber says whether a certificate claims the form of a subscriber's
// qualified certificate: it names a class of tools, and it is neither a CA's
// nor that of an OCSP responder or a time-stamping authority.
func subscriber(c *pki.Certificate) bool {
	return !c.IsCA && !slices.Contains(c.ExtKeyUsage, oid.EKUOCSPSigning) &&
		!slices.Contains(c.ExtKeyUsage, oid.EKUTimeStamping) &&
		slices.ContainsFunc(c.Policies, func(p oid.OID) bool { return slices.Contains(classes(), p) })
}

// textLength reports whether text has 1 to limit characters.
func textLength(text string, limit int) bool {
	n := len([]rune(text))
	return n >= 1 && n <= limit
}
