package revocation

import (
	"bytes"
	"errors"

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
