// Package rfc9215 holds rules of RFC 9215, which puts GOST R 34.10-2012 and
// GOST R 34.11-2012 into the Internet X.509 PKI, one a file.
package rfc9215

import (
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// published is the date of RFC 9215 (March 2022).
func published() time.Time { return time.Date(2022, time.March, 1, 0, 0, 0, 0, time.UTC) }

// hasGOSTKey says whether the subject's key is one of GOST R 34.10-2012.
func hasGOSTKey(c *pki.Certificate) bool {
	return c.PublicKeyAlgorithm.OID == oid.GOST2012_256 || c.PublicKeyAlgorithm.OID == oid.GOST2012_512
}
