// Package rfc5280 holds rules of RFC 5280, the PKIX profile of certificates,
// one a file.
package rfc5280

import "time"

// published is the date of RFC 5280 (May 2008).
func published() time.Time { return time.Date(2008, time.May, 1, 0, 0, 0, 0, time.UTC) }
