// Package verify decides whether electronic signatures, certificates, lists,
// responses and requests are valid, and says why. Statuses and reasons are
// those of ETSI EN 319 102-1; the checks of a signature follow its section 5
// over RFC 5652 (CMS), RFC 5280 (certificates) and RFC 3161 (time stamps).
//
// What the package promises:
//   - a status is Passed only if every check that the policy demands passed;
//     what is unknown, missing or unreadable is Indeterminate, never Passed;
//   - all checks run that can, and the report names each with its clause;
//   - it opens no connection and logs nothing: evidence comes from the
//     caller's [revocation.Source];
//   - the claimed signing time and the proven one are two fields.
//
// It is not a certified tool and never says that a qualified signature is
// confirmed: see [Notice] and [QualifiedForm].
package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// Verifier holds what is trusted and by which rules it decides. The zero value
// trusts nobody. A Verifier may be used by several goroutines at once as long
// as its fields do not change.
type Verifier struct {
	Roots         *pki.Pool         // trust anchors; nil: nothing is trusted
	OwnRoots      *pki.Pool         // those of Roots that a policy with OwnAnchors trusts; nil: all of them
	Intermediates *pki.Pool         // certificates that may help to build chains; not trusted
	Policy        *Policy           // nil: DefaultPolicy
	Revocation    revocation.Source // nil: only what the signature carries
	Now           func() time.Time  // the moment of verification; nil: time.Now
	Lang          Lang              // language of details; zero: Russian
	Limits        cms.Limits        // bounds on a message; zero: defaults

	// Accreditation says whether the authority that issued a signer's
	// certificate, or a time-stamping authority, was accredited on a day (63-FZ,
	// article 11, clause 1). issuer is the certificate below which the one in
	// question hangs, chain the whole path. nil: unknown.
	Accreditation func(ctx context.Context, issuer *pki.Certificate, chain []*pki.Certificate, day time.Time) AccreditationAnswer
	// Qualified are the rules of the qualified certificate; nil: only whether
	// the certificate has the parts of one.
	Qualified *profile.Set
	// Issuers finds issuers of a certificate whose chain is open, as by its
	// authorityInfoAccess (RFC 5280, section 4.2.2.1); nothing in the answer is
	// trusted. It is asked a bounded number of times. nil: nobody is asked.
	Issuers func(ctx context.Context, cert *pki.Certificate) []*pki.Certificate
	// SignaturePolicy gets the document of a signature policy that a signature
	// names (RFC 5126, section 5.8.1): its digest must then be the one in the
	// signature. nil: the policy that is named is not looked at.
	SignaturePolicy func(ctx context.Context, id oid.OID) ([]byte, error)

	// Cache, if not nil, remembers from one verification to the next what does not
	// depend on time, policy or trust. Several Verifiers may share one.
	Cache *Cache
	// VerifyGOST checks the signatures of messages: gost3410.Verify, or what lets
	// several goroutines do it together (gost3410.Gatherer). nil: gost3410.Verify.
	VerifyGOST alg.GOSTVerifier
}

// AccreditationState is what is known of an authority's accreditation. The zero
// value is AccreditationUnknown.
type AccreditationState uint8

// The states of an authority.
const (
	AccreditationUnknown AccreditationState = iota // nothing is known, or not of that day
	Accredited                                     // accredited on the day
	NotAccredited                                  // known, and not accredited on the day
)

// String returns "unknown", "accredited" or "not-accredited".
func (s AccreditationState) String() string {
	switch s {
	case Accredited:
		return "accredited"
	case NotAccredited:
		return "not-accredited"
	}
	return "unknown"
}

// AccreditationAnswer is what a trust list says of an authority on a day.
type AccreditationAnswer struct {
	State     AccreditationState
	Authority string // the authority's name in the list
	Detail    string // the entry and its dates
}

// Error is what the methods of Verifier return for an object that could be
// read and is not valid. The report has the details.
type Error struct {
	Kind    Kind
	Status  Status
	Reason  Reason
	Verdict Verdict
	Detail  string // of the check that decided
}

// Error returns the indication, the reason and the detail.
func (e *Error) Error() string {
	s := fmt.Sprintf("verify: %s: %s/%s", e.Kind, e.Status, e.Reason)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// errNoInput is returned for a nil argument.
var errNoInput = errors.New("verify: nothing to verify was given")

func (v *Verifier) now() time.Time {
	if v.Now == nil {
		return time.Now().UTC()
	}
	return v.Now().UTC()
}

// policy returns the policy with its table of algorithms.
func (v *Verifier) policy() *Policy {
	if v.Policy != nil && v.Policy.Algorithms != nil {
		return v.Policy
	}
	std := parsedDefault()
	p := *std
	if v.Policy != nil {
		p = *v.Policy
	}
	p.Algorithms = slices.Clone(std.Algorithms) // the report hands it out
	p.Evidence = slices.Clone(p.Evidence)
	return &p
}

// parsedDefault is DefaultPolicy, read once: parsing its file takes a twentieth
// of a verification. Nobody outside gets it.
var parsedDefault = sync.OnceValue(DefaultPolicy)

// run is one verification: the verifier with its moment and policy fixed.
type run struct {
	*Verifier
	at       time.Time
	pol      *Policy
	memo     revocation.Memo
	paths    path.Memo
	fetched  pki.Pool        // issuers that Verifier.Issuers found
	asked    map[string]bool // certificates whose issuers were asked for
	attached int             // time stamps and countersignatures seen in the message
}

// mayAttach counts one more time stamp or countersignature of a signature that
// has n of them so far, and says whether it is still within the bounds.
func (r *run) mayAttach(n int) bool {
	r.attached++
	return n < limits.AttachedVerified && r.attached <= limits.AttachedTotal
}

func (v *Verifier) start(kind Kind) (*run, *Report) {
	r := &run{Verifier: v, at: v.now(), pol: v.policy()}
	if v.Cache != nil {
		r.memo.Facts, r.paths.Facts = v.Cache.facts, v.Cache.facts.Paths
	}
	if r.pol.OwnAnchors && v.OwnRoots != nil {
		own := *v
		own.Roots = v.OwnRoots
		r.Verifier = &own
	}
	report := &Report{Kind: kind, At: r.at, Policy: r.pol, Lang: v.Lang}
	return r, report
}
