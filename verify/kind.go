package verify

import (
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// The kinds of signature (Federal Law 63-FZ, article 5) as far as the form
// tells them.
const (
	kindQualified = "qualified-form" // the certificate has the form of a qualified one
	kindEnhanced  = "enhanced"       // a valid signature with another certificate
	kindUnknown   = "unknown"
)

// kindOf names the kind of a signature; where the chain was not looked at it is
// unknown, unless the certificate has the form. Whether a qualified certificate comes
// from an accredited authority is another check.
func (r *run) kindOf(s *Signature) string {
	switch {
	case s.Signer == nil:
		return kindUnknown
	case len(r.formFaults(s.Signer)) == 0:
		return kindQualified
	case s.Status == Passed && len(s.Chain) > 0:
		return kindEnhanced
	}
	return kindUnknown
}

// qualifiedForm says whether a certificate has what the order of the FSB No.
// 795 demands of a qualified one: a class of protection among its policies,
// the tools of subject and issuer, and an identifier of a person or an
// organization.
func qualifiedForm(c *pki.Certificate) bool {
	if !slices.Contains(c.Policies, oid.PolicyKC1) || c.SubjectSignTool == "" || c.IssuerSignTool == nil {
		return false
	}
	for _, t := range []oid.OID{oid.SNILS, oid.OGRN, oid.OGRNIP, oid.INNLE} {
		if c.Subject.Get(t) != "" {
			return true
		}
	}
	return false
}

// skewOf is how far clocks may be apart under a policy.
func skewOf(p *Policy) time.Duration {
	switch {
	case p.Skew == 0:
		return ocsp.DefaultSkew
	case p.Skew < 0:
		return 0
	}
	return p.Skew
}
