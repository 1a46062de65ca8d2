package verify

import (
	"fmt"
	"slices"
	"time"
)

// Action says what it means that a check did not pass. The zero value is the
// strict one.
type Action uint8

// The actions.
const (
	Fail Action = iota // the object is not accepted
	Warn               // accepted; a warning stands in the report
	Skip               // the check was not made; said in the report
)

// Policy is the set of rules by which a verifier decides. It is data: it can
// be stored, compared and printed. The zero value is the strictest; a Verifier
// without a policy uses [DefaultPolicy].
type Policy struct {
	Name string // printed in the report

	// Rules about the contents of a signature.

	SigningCertificate Action // signing-certificate attribute absent (RFC 5035, section 3)
	SigningTime        Action // signing-time attribute absent (RFC 5652, section 11.3)
	SubjectKeyID       Action // signer named by key identifier (RFC 5652, section 5.3)
	KeyUsagePeriod     Action // claimed time outside privateKeyUsagePeriod
	TimeStamp          Action // no trusted signature time stamp

	// Rules about evidence.

	Skew   time.Duration // how far clocks may be apart; 0 means ocsp.DefaultSkew, negative none
	MaxAge time.Duration // age of evidence without nextUpdate; 0 means ocsp.DefaultMaxAge

	// AllowTest accepts parameter sets that are for tests only.
	AllowTest bool
	// UnsafeLegacy accepts withdrawn algorithms at any time, with a warning.
	UnsafeLegacy bool
	// UnsafeNoRevocation accepts certificates without evidence that they are
	// not revoked. Evidence that is there is used all the same.
	UnsafeNoRevocation bool
	// UnsafeNoChain checks the signature value alone and not whose it is.
	UnsafeNoChain bool
}

// DefaultPolicy is what a person wants: plain CMS and CAdES signatures, with
// warnings about what is missing in them. That a key was used outside its
// period fails: the certificate says so itself.
func DefaultPolicy() *Policy {
	return &Policy{Name: "default", SigningCertificate: Warn, SigningTime: Warn, SubjectKeyID: Warn, TimeStamp: Warn}
}

// policies are those that have a name.
var policies = []func() *Policy{
	DefaultPolicy,
	// The mandatory format of order No. 472 of 14.09.2020: the signer by issuer
	// and serial number, signing time and certificate in the signature.
	func() *Policy { return &Policy{Name: "order-472", TimeStamp: Warn} },
	// For test vectors and test authorities.
	func() *Policy {
		p := DefaultPolicy()
		p.Name, p.AllowTest, p.UnsafeLegacy = "test", true, true
		return p
	},
	// The signature value alone: whose certificate it is remains open. That it
	// was not revoked is demanded all the same unless UnsafeNoRevocation is set
	// too, and cannot be known.
	func() *Policy {
		p := DefaultPolicy()
		p.Name, p.UnsafeNoChain = "signature-only", true
		return p
	},
}

// PolicyByName returns a fresh copy of a named policy.
func PolicyByName(name string) (*Policy, error) {
	for _, f := range policies {
		if p := f(); p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("verify: no policy is named %q; there are %v", name, PolicyNames())
}

// PolicyNames lists the named policies.
func PolicyNames() []string {
	var out []string
	for _, f := range policies {
		out = append(out, f().Name)
	}
	slices.Sort(out)
	return out
}
