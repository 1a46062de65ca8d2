package fsb795

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// StatusAddresses demands the addresses of the list of revoked certificates or of
// an OCSP responder, and of the issuer's certificate.
func StatusAddresses() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-status-addresses",
		Title:     "the certificate says where its revocation and its issuer are found",
		TitleRU:   "в сертификате есть адреса, где узнать об отзыве и найти сертификат издателя",
		Cite:      "FSB order No. 795; RFC 5280, sections 4.2.1.13 and 4.2.2.1",
		Severity:  pki.Warn,
		Effective: original(),
		Applies:   func(c *pki.Certificate) bool { return claims(c) && !c.IsSelfIssued() },
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			if len(c.CRLDistributionPoints) == 0 && len(c.OCSPServers) == 0 {
				out = append(out, profile.Found("cRLDistributionPoints", "no address of a CRL or an OCSP responder", "нет адреса списка отзыва или службы OCSP")...)
			}
			if len(c.IssuingCertificateURLs) == 0 {
				out = append(out, profile.Found("authorityInfoAccess", "no address of the issuer's certificate", "нет адреса сертификата издателя")...)
			}
			return out
		},
	}
}
