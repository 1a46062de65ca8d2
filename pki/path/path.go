// Package path builds certification paths from a certificate to a trust anchor
// and validates them by [RFC 5280], section 6.1, whole: signatures, validity,
// name chaining, name constraints of the forms that section 4.2.1.10 defines,
// certificate policies with mapping and inhibition, basic constraints, path
// length, key usage and critical extensions. It knows nothing of revocation,
// which sits above it.
//
// Issuers are chosen by key identifiers first and by names second, because a CA
// that renewed its key has several certificates under one name. Where several
// paths exist, one that passes is found whatever the others lack.
//
// The work is bounded for any input: a bag of hostile certificates costs at
// most Options.MaxChecks signature verifications, and policies are processed as
// a graph that grows by the policies of each certificate (RFC 9618), not as a
// tree that multiplies. A path that could not be looked for within the bounds
// fails with [ReasonLimit], and one that depends on constraints on a form of
// name that is not processed with [ReasonUnsupported]: both say "not known",
// never "valid".
//
// [RFC 5280]: https://www.rfc-editor.org/rfc/rfc5280
package path

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Reason is why a path was refused. The values are stable.
type Reason string

// The reasons of [Failure].
const (
	ReasonNoChain           Reason = "no-chain"           // no path leads to a trust anchor
	ReasonSignature         Reason = "signature"          // a certificate's signature does not verify with its issuer's key
	ReasonExpired           Reason = "expired"            // the moment lies after notAfter
	ReasonNotYetValid       Reason = "not-yet-valid"      // the moment lies before notBefore
	ReasonNotCA             Reason = "not-a-ca"           // an issuer is not a CA
	ReasonPathLength        Reason = "path-length"        // more intermediates than pathLenConstraint allows
	ReasonKeyUsage          Reason = "key-usage"          // keyUsage does not allow what the key was used for
	ReasonExtKeyUsage       Reason = "ext-key-usage"      // extKeyUsage does not allow the purpose
	ReasonCriticalExtension Reason = "critical-extension" // an unknown critical extension
	ReasonAlgorithm         Reason = "algorithm"          // an algorithm is unknown here: unknown is not invalid
	ReasonLegacyAlgorithm   Reason = "legacy-algorithm"   // a withdrawn algorithm (GOST R 34.10-2001, 34.11-94, SHA-1, MD5)
	ReasonTestParameters    Reason = "test-parameters"    // a parameter set that is for tests only
	ReasonMalformed         Reason = "malformed"          // the certificate breaks a rule that must not be overlooked
	ReasonNameChaining      Reason = "name-chaining"      // issuer and subject names do not chain
	ReasonNameConstraints   Reason = "name-constraints"   // a name lies outside what an authority above may certify
	ReasonPolicy            Reason = "policy"             // the certificate policies forbid the path
	ReasonUnsupported       Reason = "unsupported"        // a form of a known extension that is not processed
	ReasonLimit             Reason = "limit"              // the bound on work was reached
)

// Indeterminate says whether the reason leaves the question open: more
// certificates, another program or more work might find the path valid.
func (r Reason) Indeterminate() bool {
	switch r {
	case ReasonNoChain, ReasonAlgorithm, ReasonUnsupported, ReasonLimit, ReasonLegacyAlgorithm:
		return true
	}
	return false
}

// ErrNoTime is returned when Options.At is zero: a path is valid at a moment.
var ErrNoTime = errors.New("path: the moment of validation is not set")

// Options says what is trusted and what is required. Roots and At are required.
type Options struct {
	Roots         *pki.Pool   // trust anchors; nil or empty: nothing is trusted
	Intermediates *pki.Pool   // certificates that may help; nothing in it is trusted
	Extra         []*pki.Pool // more of the kind of Intermediates; nil pools are empty
	At            time.Time   // the moment at which the path must be valid

	// Avoid, if not nil, says which certificates of authorities must not be in
	// the path: those found revoked on an earlier try. Anchors are not asked for.
	Avoid func(*pki.Certificate) bool

	// ExtKeyUsage: the certificate must be good for one of these purposes
	// (RFC 5280, section 4.2.1.12). Empty: any purpose.
	ExtKeyUsage []oid.OID
	// LeafKeyUsage: the certificate's keyUsage, if present, must have one of
	// these bits (RFC 5280, section 4.2.1.3). Zero: any.
	LeafKeyUsage pki.KeyUsage
	// MaxChecks bounds the signatures that are verified; 0 means
	// limits.PathSignatureChecks.
	MaxChecks int
	// Memo, if not nil, remembers signature checks from one Validate to the
	// next and bounds them in all.
	Memo *Memo
	// AllowTest accepts the parameter sets that RFC 9215, section 4.2 reserves
	// for tests.
	AllowTest bool
	// AllowLegacy accepts every algorithm that is withdrawn.
	AllowLegacy bool
	// Withdrawn, if not nil, says which algorithms count as withdrawn, by the
	// names of pki/alg; nil means alg.Withdrawn.
	Withdrawn func(algorithm string) bool
	// AllowDSA reads DSA keys, parameters inherited from the issuer included;
	// otherwise DSA is an algorithm that is not known.
	AllowDSA bool

	// InitialPolicies is the user-initial-policy-set: the policies of which one
	// must be valid for the path if a policy is required; nil means any-policy.
	InitialPolicies []oid.OID
	// ExplicitPolicy is initial-explicit-policy: the path must be valid for at
	// least one of InitialPolicies.
	ExplicitPolicy bool
	// InhibitMapping is initial-policy-mapping-inhibit: policyMappings have no
	// effect but to end the mapped policy.
	InhibitMapping bool
	// InhibitAnyPolicy is initial-any-policy-inhibit: anyPolicy in a
	// certificate stands for nothing.
	InhibitAnyPolicy bool
	// Permitted and Excluded are initial-permitted-subtrees and
	// initial-excluded-subtrees. nil permits everything and excludes nothing.
	Permitted, Excluded []pki.GeneralSubtree
}

// Memo remembers which certificates were signed by which keys: the signers of
// one message share most of their chains. The zero value is empty and ready; it
// is not safe for concurrent use.
type Memo struct {
	// Facts, if not nil, is asked before a signature is checked, and learns what
	// is found. It may serve many Memos at once.
	Facts *Facts

	edges map[edge]error
}

// Failure is one rule that a path breaks.
type Failure struct {
	Reason      Reason
	Certificate *pki.Certificate // the one that breaks it
	Index       int              // its place in Result.Chain, 0 is the leaf
	Detail      string           // English
	Cite        string           // the clause
}

// Error is returned by [Validate] when no path passed. It holds the failure
// that decides; Result.Failures has all of them.
type Error struct{ Failure Failure }

// Error names the reason, the place and the detail.
func (e *Error) Error() string {
	return fmt.Sprintf("path: %s: certificate %d: %s", e.Failure.Reason, e.Failure.Index, e.Failure.Detail)
}

// Result is the path that passed or, with an error, the one that came closest.
type Result struct {
	Chain    []*pki.Certificate // leaf first; the last is the anchor if Anchored
	Anchored bool               // Chain ends in a trust anchor and its signatures verify
	Failures []Failure          // in the order leaf to anchor; empty if and only if the path passed
	Checked  int                // signatures that were verified, those that Memo remembers among them

	// Policies is the user-constrained-policy-set of a path that passed, in the
	// domain of the anchor: the policies of InitialPolicies for which it is
	// valid (RFC 5280, section 6.1.5 (g)). oid.AnyPolicy stands for any; empty
	// means that no policy is valid for the whole path, which is a failure only
	// where one is required.
	Policies []oid.OID
	// AuthorityPolicies is the same before InitialPolicies are regarded.
	AuthorityPolicies []oid.OID
}

// Validate looks for a path from leaf to one of o.Roots that passes every
// check. The error is nil if and only if one was found; otherwise the result is
// the best failing path and the error an [*Error]. The result is nil only for
// unusable options and a cancelled context.
//
// A leaf that is itself a trust anchor is a path of one certificate.
func Validate(ctx context.Context, leaf *pki.Certificate, o Options) (*Result, error) {
	if leaf == nil {
		return nil, errors.New("path: no certificate was given")
	}
	if o.At.IsZero() {
		return nil, ErrNoTime
	}
	if o.Roots == nil {
		o.Roots = pki.NewPool()
	}
	if o.Intermediates == nil {
		o.Intermediates = pki.NewPool()
	}
	if o.MaxChecks <= 0 {
		o.MaxChecks = limits.PathSignatureChecks
	}
	if o.Memo == nil {
		o.Memo = &Memo{}
	}
	b := &builder{ctx: ctx, o: o, seen: map[edge]error{}}
	b.extend([]*pki.Certificate{leaf})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	res := b.result(leaf)
	if len(res.Failures) > 0 {
		return res, &Error{Failure: res.Failures[0]}
	}
	return res, nil
}
