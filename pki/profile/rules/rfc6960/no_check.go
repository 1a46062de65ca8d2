// Package rfc6960 holds rules of RFC 6960, OCSP, about the certificates of
// responders, one a file.
package rfc6960

import (
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// NoCheck demands that a responder's certificate says how its own revocation
// is checked.
func NoCheck() profile.Rule {
	return profile.Rule{
		ID:        "rfc6960-responder-revocation",
		Title:     "a responder's certificate has id-pkix-ocsp-nocheck or names where its own status is found",
		TitleRU:   "в сертификате службы OCSP есть id-pkix-ocsp-nocheck или адрес, где узнать о его отзыве",
		Cite:      "RFC 6960, section 4.2.2.2.1",
		Severity:  pki.Warn,
		Effective: time.Date(2013, time.June, 1, 0, 0, 0, 0, time.UTC),
		Applies:   func(c *pki.Certificate) bool { return slices.Contains(c.ExtKeyUsage, oid.EKUOCSPSigning) },
		Check: func(c *pki.Certificate) []profile.Problem {
			// "A CA may specify that an OCSP client can trust a responder for
			// the lifetime of the responder's certificate. The CA does so by
			// including the extension id-pkix-ocsp-nocheck." Or "by using CRL
			// Distribution Points", or "Authority Information Access". To
			// specify nothing is allowed too, hence a warning.
			if c.OCSPNoCheck || len(c.CRLDistributionPoints) > 0 || len(c.OCSPServers) > 0 {
				return nil
			}
			return []profile.Problem{{Field: "extensions", Detail: "neither id-pkix-ocsp-nocheck nor an address for its status", DetailRU: "нет ни id-pkix-ocsp-nocheck, ни адреса, где узнать о его отзыве"}}
		},
	}
}
