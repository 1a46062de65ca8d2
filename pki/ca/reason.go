package ca

import (
	"fmt"
	"strings"
)

// Reason is the CRLReason of RFC 5280, section 5.3.1.
type Reason int

// The reasons of RFC 5280, section 5.3.1; the value 7 is not used there.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

// reasonNames returns the identifiers of the ASN.1 enumeration, which are also
// what OpenSSL's -crl_reason takes.
func reasonNames() map[Reason]string {
	return map[Reason]string{
		Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
		AffiliationChanged: "affiliationChanged", Superseded: "superseded",
		CessationOfOperation: "cessationOfOperation", CertificateHold: "certificateHold",
		RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn", AACompromise: "aACompromise",
	}
}

// String returns the identifier of RFC 5280, for example "keyCompromise", or
// the number where there is none.
func (r Reason) String() string {
	if s, ok := reasonNames()[r]; ok {
		return s
	}
	return fmt.Sprintf("reason %d", int(r))
}

// ParseReason reads an identifier of RFC 5280, section 5.3.1, upper and lower
// case and hyphens apart: "keyCompromise", "key-compromise".
func ParseReason(text string) (Reason, error) {
	t := strings.ReplaceAll(text, "-", "")
	for r, s := range reasonNames() {
		if strings.EqualFold(s, t) {
			return r, nil
		}
	}
	return 0, fmt.Errorf("ca: %q is not a revocation reason of RFC 5280, section 5.3.1", text)
}

// revocable reports whether r can be given to Revoke. A hold has its own
// method, and removeFromCRL stands in delta CRLs only.
func (r Reason) revocable() bool {
	_, ok := reasonNames()[r]
	return ok && r != CertificateHold && r != RemoveFromCRL
}
