package revocation

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// allReasons is the special value all-reasons of RFC 5280, section 6.3.2 (a):
// the bits 1 (keyCompromise) to 8 (aACompromise) of ReasonFlags.
const allReasons pki.ReasonFlags = 0x1fe

// reasons are the reasons that flags stand for; 0 stands for all.
func reasons(f pki.ReasonFlags) pki.ReasonFlags {
	if f == 0 {
		return allReasons
	}
	return f & allReasons
}

// scoper compares the distribution points of one certificate with lists.
type scoper struct {
	cert   *pki.Certificate
	points []pki.DistributionPoint
	names  int // comparisons of names so far
}

// newScoper collects the distribution points of cert and, behind them, the one
// that stands for lists which none of them names. RFC 5280, section 6.3.3:
// "assume a DP with both the reasons and the cRLIssuer fields omitted and a
// distribution point name of the certificate issuer", from "the certificate
// issuer field as well as the certificate issuerAltName extension".
func newScoper(cert *pki.Certificate) *scoper {
	own := append([]pki.GeneralName{{Kind: pki.DirectoryName, Name: &cert.Issuer}}, cert.IssuerAltNames...)
	return &scoper{cert: cert, points: append(slices.Clone(cert.DistributionPoints), pki.DistributionPoint{FullName: own})}
}

// indirect says whether a distribution point of the certificate names the issuer
// of l, another authority, as the one that lists its certificates.
func (s *scoper) indirect(l *pki.RevocationList) bool {
	return mayNameOthers(l) && slices.ContainsFunc(s.points, func(dp pki.DistributionPoint) bool { return s.namesIssuer(dp, l) })
}

// namesIssuer: the cRLIssuer of dp has the name of the issuer of l.
func (s *scoper) namesIssuer(dp pki.DistributionPoint, l *pki.RevocationList) bool {
	return slices.ContainsFunc(dp.CRLIssuer, func(g pki.GeneralName) bool {
		return s.count() && g.Kind == pki.DirectoryName && g.Name != nil && g.Name.Equal(l.Issuer)
	})
}

// count counts one comparison of names; false beyond the bound.
func (s *scoper) count() bool {
	s.names++
	return s.names <= limits.ListNames
}

// covers returns the reasons for which l has the certificate if it is revoked
// (RFC 5280, section 6.3.3, steps (b) and (d)). 0: l says nothing of it, for
// the reason why.
func (s *scoper) covers(l *pki.RevocationList) (mask pki.ReasonFlags, why string) {
	var only pki.ReasonFlags
	if idp := l.IDP; idp != nil {
		only = idp.OnlySomeReasons
		switch {
		case idp.OnlyAttributeCerts: // (b)(2)(iv)
			return 0, "the CRL is for attribute certificates only"
		case idp.OnlyUserCerts && s.cert.IsCA: // (b)(2)(ii)
			return 0, "the CRL is for end-entity certificates only"
		case idp.OnlyCACerts && !s.cert.IsCA: // (b)(2)(iii)
			return 0, "the CRL is for CA certificates only"
		}
	}
	s.names = 0
	for _, dp := range s.points {
		if s.issuerFits(dp, l) && s.pointFits(dp, l) {
			mask |= reasons(dp.Reasons) & reasons(only)
		}
	}
	switch {
	case s.names > limits.ListNames:
		return 0, "the distribution points have more names than are compared"
	case mask == 0:
		return 0, "the CRL is of another distribution point"
	}
	return mask, ""
}

// issuerFits: RFC 5280, section 6.3.3 (b)(1): "If the DP includes cRLIssuer,
// then verify that the issuer field in the complete CRL matches cRLIssuer in the
// DP and that the complete CRL contains an issuing distribution point extension
// with the indirectCRL boolean asserted. Otherwise, verify that the CRL issuer
// matches the certificate issuer."
func (s *scoper) issuerFits(dp pki.DistributionPoint, l *pki.RevocationList) bool {
	if len(dp.CRLIssuer) > 0 {
		return mayNameOthers(l) && s.namesIssuer(dp, l)
	}
	return l.Issuer.Equal(s.cert.Issuer)
}

// pointFits: RFC 5280, section 6.3.3 (b)(2)(i): "If the distribution point name
// is present in the IDP CRL extension and the distribution field is present in
// the DP, then verify that one of the names in the IDP matches one of the names
// in the DP. If the distribution point name is present in the IDP CRL extension
// and the distribution field is omitted from the DP, then verify that one of
// the names in the IDP matches one of the names in the cRLIssuer field of the DP."
func (s *scoper) pointFits(dp pki.DistributionPoint, l *pki.RevocationList) bool {
	if l.IDP == nil || len(l.IDP.FullName) == 0 && len(l.IDP.RelativeName) == 0 {
		return true
	}
	names := pointNames(l.IDP.FullName, l.IDP.RelativeName, l.Issuer)
	if len(dp.FullName) == 0 && len(dp.RelativeName) == 0 {
		return s.anySame(names, dp.CRLIssuer)
	}
	to := s.cert.Issuer
	if len(dp.CRLIssuer) > 0 {
		// RFC 5280, section 4.2.1.13: the fragment is relative to the cRLIssuer,
		// and is not used where that has more than one name.
		if len(dp.RelativeName) > 0 && (len(dp.CRLIssuer) != 1 || dp.CRLIssuer[0].Name == nil) {
			return false
		}
		if n := dp.CRLIssuer[0].Name; n != nil {
			to = *n
		}
	}
	return s.anySame(names, pointNames(dp.FullName, dp.RelativeName, to))
}

// pointNames are the names of a distribution point, written out in full. RFC
// 5280, section 4.2.1.13: nameRelativeToCRLIssuer is "a distinguished name
// fragment" that is "appended to the X.500 distinguished name of the CRL issuer".
func pointNames(full []pki.GeneralName, relative []byte, issuer pki.Name) []pki.GeneralName {
	if len(relative) == 0 {
		return full
	}
	s := cryptobyte.String(issuer.Raw)
	var rdns cryptobyte.String
	if !s.ReadASN1(&rdns, asn1.SEQUENCE) {
		return nil
	}
	name, err := pki.ParseName(der.Wrap(uint8(asn1.SEQUENCE), rdns, der.Wrap(uint8(asn1.SET), relative)))
	if err != nil {
		return nil
	}
	return []pki.GeneralName{{Kind: pki.DirectoryName, Name: &name}}
}

func (s *scoper) anySame(list, other []pki.GeneralName) bool {
	return slices.ContainsFunc(list, func(a pki.GeneralName) bool {
		return slices.ContainsFunc(other, func(b pki.GeneralName) bool { return s.count() && sameName(a, b) })
	})
}

func sameName(a, b pki.GeneralName) bool {
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind == pki.DirectoryName && a.Name != nil && b.Name != nil {
		return a.Name.Equal(*b.Name)
	}
	return len(a.Value) > 0 && a.OID == b.OID && bytes.Equal(a.Value, b.Value)
}

// mayNameOthers says whether l may have entries of other issuers.
func mayNameOthers(l *pki.RevocationList) bool { return l.IDP != nil && l.IDP.IndirectCRL }
