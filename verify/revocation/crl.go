package revocation

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// Errors of [CheckList].
var (
	ErrListIssuer    = errors.New("revocation: the list is of another issuer")
	ErrListOtherKey  = errors.New("revocation: the list is signed with another key of this authority")
	ErrListSignature = errors.New("revocation: the signature of the list does not verify")
	ErrListUnusable  = errors.New("revocation: the list cannot be used")
	ErrListUsage     = errors.New("revocation: the issuer may not sign lists")
)

// listError is one of the errors above with what was found.
type listError struct {
	kind   error
	detail string
	cite   string
}

func (e *listError) Error() string { return e.kind.Error() + ": " + e.detail + " (" + e.cite + ")" }
func (e *listError) Unwrap() error { return e.kind }

// CheckList checks that issuer issued l and that l can be understood: name and
// key, keyUsage, critical extensions, signature. It does not look at dates or
// scope. The error wraps one of the ErrList… values.
func CheckList(l *pki.RevocationList, issuer *pki.Certificate) error {
	if !l.Issuer.Equal(issuer.Subject) {
		return &listError{ErrListIssuer, l.Issuer.String(), "RFC 5280, section 6.3.3 (b)(1)"}
	}
	if len(l.AuthorityKeyID) > 0 && len(issuer.SubjectKeyID) > 0 && !bytes.Equal(l.AuthorityKeyID, issuer.SubjectKeyID) {
		return &listError{ErrListOtherKey, "the key identifiers differ", "RFC 5280, section 6.3.3 (f)"}
	}
	if err := l.CheckSignatureFrom(issuer); err != nil {
		if path.UnknownAlgorithm(err) {
			return &listError{ErrListUnusable, err.Error(), "RFC 5280, section 5.1.1.2"}
		}
		return &listError{ErrListSignature, err.Error(), "RFC 5280, section 6.3.3 (g)"}
	}
	if f, bad := pki.FirstError(l.Findings); bad {
		return &listError{ErrListUnusable, f.Field + ": " + f.Detail, f.Cite}
	}
	// RFC 5280, section 6.3.3 (f): "If a key usage extension is present in the
	// CRL issuer's certificate, verify that the cRLSign bit is set."
	if issuer.HasKeyUsage && issuer.KeyUsage&pki.KeyUsageCRLSign == 0 {
		return &listError{ErrListUsage, "keyUsage does not have cRLSign", "RFC 5280, section 6.3.3 (f)"}
	}
	// RFC 5280, section 5.2: "If a CRL contains a critical extension that the
	// application cannot process, then the application MUST NOT use that CRL
	// to determine the status of certificates."
	if len(l.UnhandledCritical) > 0 {
		return &listError{ErrListUnusable, "unknown critical extension " + l.UnhandledCritical[0].Name(), "RFC 5280, section 5.2"}
	}
	return nil
}

// list judges what l says of cert. No answer: l is of another issuer.
func (o *asker) list(cert, issuer *pki.Certificate, l *pki.RevocationList) []Answer {
	if !l.Issuer.Equal(cert.Issuer) && !mayNameOthers(l) {
		return nil
	}
	if err := o.signedBy(cert, issuer, l); err != nil {
		if errors.Is(err, ErrListIssuer) {
			return []Answer{unknown("an indirect CRL of %s is not used", l.Issuer)}
		}
		a := unknown("%v", err)
		a.Invalid = errors.Is(err, ErrListSignature) || errors.Is(err, ErrListUsage)
		return []Answer{a}
	}
	if !o.AllowLegacy && path.LegacySignature(l.SignatureAlgorithm) {
		return []Answer{unknown("the CRL is signed with a withdrawn algorithm: %s", l.SignatureAlgorithm.OID.Name())}
	}
	a := Answer{Source: "crl", Evidence: l.Raw, List: l, ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate, Reason: pki.ReasonAbsent}
	e, found, err := l.FindFor(cert.Issuer, cert.SerialNumber)
	if err != nil {
		return []Answer{unknown("the CRL cannot be read: %v", err)}
	}
	if found && e.Reason != pki.ReasonRemoveFromCRL {
		a.At, a.Reason, a.InvalidityDate = e.At, e.Reason, e.InvalidityDate
		return []Answer{o.listed(a)}
	}
	if found {
		// RFC 5280, section 5.3.1: removeFromCRL "MUST only appear in delta CRLs".
		return []Answer{unknown("the CRL has a removeFromCRL entry for the certificate")}
	}
	if why := scope(cert, l); why != "" {
		return []Answer{unknown("%s", why)}
	}
	return []Answer{o.unlisted(cert, a)}
}

// signedBy checks that issuer signed l, or a key that only signs lists for it.
func (o *asker) signedBy(cert, issuer *pki.Certificate, l *pki.RevocationList) error {
	err := o.Memo.check(l, issuer)
	if err == nil || len(o.Chain) == 0 || !l.Issuer.Equal(cert.Issuer) {
		return err
	}
	tried := 0
	for _, c := range o.Responders {
		if !signsListsOnly(c) || !c.Subject.Equal(l.Issuer) {
			continue
		}
		if tried++; tried > limits.ListIssuers {
			break
		}
		if o.Memo.check(l, c) == nil && o.mayServe(c) {
			return nil
		}
	}
	return err
}

// signsListsOnly says whether c is the certificate of a separate key for lists.
// A key that signs certificates too has a list of its own: authorities that
// renewed their key keep one list for each, and the list of one key says
// nothing of the certificates of the other.
func signsListsOnly(c *pki.Certificate) bool {
	return c.HasKeyUsage && c.KeyUsage&pki.KeyUsageCRLSign != 0 && c.KeyUsage&pki.KeyUsageCertSign == 0
}

// mayServe decides whether c may sign lists for the certificate below o.Chain,
// once per authority.
func (o *asker) mayServe(c *pki.Certificate) bool {
	if o.Memo == nil {
		return o.serves(c)
	}
	k := serveKey{c, o.Chain[0]}
	ok, known := o.Memo.serving[k]
	if !known {
		ok = o.serves(c)
		if o.Memo.serving == nil {
			o.Memo.serving = map[serveKey]bool{}
		}
		o.Memo.serving[k] = ok
	}
	return ok
}

// serves is mayServe without memory. RFC 5280, section 6.3.3 (f): "Obtain and
// validate the certification path for the issuer of the complete CRL. The trust
// anchor for the certification path MUST be the same as the trust anchor used
// to validate the target certificate." Stricter than that, the authority must
// have issued c itself, or, where the authority's own key may not sign lists,
// whoever certified the authority.
func (o *asker) serves(c *pki.Certificate) bool {
	by := o.Chain[:1]
	if a := o.Chain[0]; a.HasKeyUsage && a.KeyUsage&pki.KeyUsageCRLSign == 0 {
		by = o.Chain[:min(2, len(o.Chain))]
	}
	res, err := path.Validate(o.ctx, c, path.Options{Roots: pki.NewPool(by...), At: o.At, AllowTest: o.AllowTest, AllowLegacy: o.AllowLegacy})
	if err != nil || len(res.Chain) != 2 {
		return false
	}
	// The separate key's own status, by lists of its issuer's key alone.
	own := o.Options
	own.Moment, own.Chain = o.At, nil
	return Check(o.ctx, c, res.Chain[1], o.src, own).Status == Good
}

// mayNameOthers says whether l may have entries of other issuers.
func mayNameOthers(l *pki.RevocationList) bool { return l.IDP != nil && l.IDP.IndirectCRL }

// listed judges a revocation by its date. The decision that a certificate is
// revoked does not age: only a hold can be taken back.
func (o *asker) listed(a Answer) Answer {
	if a.Reason == pki.ReasonCertificateHold {
		if why := o.stale(a); why != "" {
			return unknown("the certificate was on hold, and %s", why)
		}
		if a.At.After(o.Moment) && o.Moment.Before(o.At) {
			a.Status, a.RevokedLater = Good, true
			return a
		}
		a.Status = Hold
		return a
	}
	since := a.At
	switch a.Reason {
	case pki.ReasonKeyCompromise, pki.ReasonCACompromise, pki.ReasonAACompromise:
		// RFC 5280, section 5.3.2: the date on which "the private key was
		// compromised or that the certificate otherwise became invalid".
		if !a.InvalidityDate.IsZero() && a.InvalidityDate.Before(since) {
			since = a.InvalidityDate
		}
	}
	switch {
	case !since.After(o.Moment):
		a.Status = Revoked
	case o.Moment.Before(o.At):
		a.Status, a.RevokedLater = Good, true
	case a.ThisUpdate.After(o.At.Add(o.Skew)):
		return unknown("the evidence is of %s, after the moment of the check; it says revoked on %s",
			a.ThisUpdate.UTC().Format(time.RFC3339), a.At.UTC().Format(time.RFC3339))
	default:
		a.Status = Revoked
	}
	return a
}

// unlisted calls a certificate good that a complete and fresh list does not have.
func (o *asker) unlisted(cert *pki.Certificate, a Answer) Answer {
	if why := o.stale(a); why != "" {
		return unknown("%s", why)
	}
	// RFC 5280, section 3.3: an entry may be removed from the list after the
	// certificate expired; a later list proves nothing.
	if a.ThisUpdate.After(cert.NotAfter) {
		return unknown("the CRL was issued after the certificate had expired")
	}
	a.Status = Good
	return a
}

// stale says why evidence is not fresh, or "". Evidence issued after the
// proven moment of the signature is fresh enough for that moment.
func (o *asker) stale(a Answer) string {
	day := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	if a.ThisUpdate.After(o.At.Add(o.Skew)) {
		return "the list is from the future: thisUpdate " + day(a.ThisUpdate)
	}
	if o.Moment.Before(o.At) && !a.ThisUpdate.Before(o.Moment) {
		return ""
	}
	if !a.NextUpdate.IsZero() && o.At.After(a.NextUpdate.Add(o.Skew)) {
		return "the list is out of date: nextUpdate " + day(a.NextUpdate)
	}
	age := o.MaxAge
	if age == 0 && a.NextUpdate.IsZero() {
		age = defaultMaxAge
	}
	if age > 0 && o.At.Sub(a.ThisUpdate) > age+o.Skew {
		return "the list is too old: thisUpdate " + day(a.ThisUpdate)
	}
	return ""
}

// scope says why a list that does not have cert says nothing about it, or "":
// RFC 5280, section 6.3.3 (b)(2) and section 5.2.5.
func scope(cert *pki.Certificate, l *pki.RevocationList) string {
	if l.BaseNumber != nil {
		return "delta CRLs are not used yet"
	}
	idp := l.IDP
	if idp == nil {
		return ""
	}
	switch {
	case idp.IndirectCRL:
		return "indirect CRLs are not used yet"
	case idp.OnlyAttributeCerts:
		return "the CRL is for attribute certificates only"
	case idp.OnlyUserCerts && cert.IsCA:
		return "the CRL is for end-entity certificates only"
	case idp.OnlyCACerts && !cert.IsCA:
		return "the CRL is for CA certificates only"
	case idp.OnlySomeReasons != 0:
		return "the CRL covers some reasons only"
	case !samePoint(cert, l):
		return "the CRL is of another distribution point"
	}
	return ""
}

// samePoint compares the distribution points of the certificate and of the
// list. RFC 5280, section 6.3.3 (b)(2)(i): "one of the names in the IDP
// matches one of the names in the DP"; a certificate without distribution
// points stands for its issuer's name.
func samePoint(cert *pki.Certificate, l *pki.RevocationList) bool {
	names := pointNames(l.IDP.FullName, l.IDP.RelativeName, l.Issuer)
	if len(names) == 0 {
		return true
	}
	if len(cert.DistributionPoints) == 0 {
		return anySame(names, []pki.GeneralName{{Kind: pki.DirectoryName, Name: &cert.Issuer}})
	}
	return slices.ContainsFunc(cert.DistributionPoints, func(dp pki.DistributionPoint) bool {
		if len(dp.RelativeName) > 0 && len(dp.CRLIssuer) > 0 {
			return false // relative to another issuer: an indirect CRL
		}
		return anySame(names, pointNames(dp.FullName, dp.RelativeName, cert.Issuer))
	})
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
	none := []pki.GeneralName{{Kind: pki.OtherName}} // a name that equals no other
	if !s.ReadASN1(&rdns, asn1.SEQUENCE) {
		return none
	}
	name, err := pki.ParseName(der.Wrap(uint8(asn1.SEQUENCE), rdns, der.Wrap(uint8(asn1.SET), relative)))
	if err != nil {
		return none
	}
	return []pki.GeneralName{{Kind: pki.DirectoryName, Name: &name}}
}

func anySame(list, other []pki.GeneralName) bool {
	return slices.ContainsFunc(list, func(a pki.GeneralName) bool {
		return slices.ContainsFunc(other, func(b pki.GeneralName) bool { return sameName(a, b) })
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
