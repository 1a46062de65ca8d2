package verify

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Action says what it means that a check did not pass. The zero value is the
// strict one.
type Action uint8

// The actions.
const (
	Fail   Action = iota // the object is not accepted
	Warn                 // accepted; a warning stands in the report
	Skip                 // the check is not made, or was not; said in the report
	Inform               // accepted; what was found stands in the report, as information
)

// actionNames are the words of a policy file.
var actionNames = map[Action]string{Fail: "fail", Warn: "warn", Skip: "ignore", Inform: "inform"}

// String returns "fail", "warn", "ignore" or "inform".
func (a Action) String() string {
	if s, ok := actionNames[a]; ok {
		return s
	}
	return fmt.Sprintf("Action(%d)", uint8(a))
}

// Policy is the set of rules by which a verifier decides. It is data: it can
// be stored, compared and printed; [ParsePolicy] and MarshalJSON are its form
// as a file. The zero value is the strictest; a Verifier without a policy uses
// [DefaultPolicy].
type Policy struct {
	Name        string    // printed in the report: lower-case letters, digits, hyphens
	Title       LocalText // a line for a person
	Description LocalText // what the policy is for and what it rests on

	// Rules about the contents of a signature. Each says what it means when what
	// is asked for is not there.

	SigningCertificate   Action // signing-certificate attribute (RFC 5035, section 3)
	SigningTime          Action // signing-time attribute (RFC 5652, section 11.3)
	SubjectKeyID         Action // signer named by issuer and serial number, not by key identifier (RFC 5652, section 5.3)
	KeyUsagePeriod       Action // claimed time within privateKeyUsagePeriod (RFC 3280, section 4.2.1.4)
	TimeStamp            Action // a trusted signature time stamp
	Detached             Action // the document is not inside the message
	CertificatesIncluded Action // the signer's certificate and its chain below the anchor are in the message
	MinimumLevel         Action // the signature has at least Level

	// Level is what MinimumLevel asks for: "bes", "t", "xl" or "a"; empty: "bes".
	Level string

	// Rules about whose signature it is.

	// QualifiedForm: the signer's certificate has the form of a qualified
	// certificate (order of the FSB No. 795).
	QualifiedForm Action
	// Accreditation: the authority was accredited on the day on which it issued
	// the signer's certificate (63-FZ, article 11, clause 1).
	Accreditation Action
	// OwnAnchors: anchors that come from a national trust list or a bundle do
	// not count, only those that were added one by one: Verifier.OwnRoots, for
	// which trust.Store.OwnPool is made.
	OwnAnchors bool

	// Algorithms says which algorithms are accepted and until when. Nil: those
	// of DefaultPolicy.
	Algorithms []AlgorithmRule

	// Inputs of path validation (RFC 5280, section 6.1.1).

	InitialPolicies  []oid.OID // (c) user-initial-policy-set; nil: any
	ExplicitPolicy   bool      // (e) initial-explicit-policy
	InhibitMapping   bool      // (d) initial-policy-mapping-inhibit
	InhibitAnyPolicy bool      // (f) initial-any-policy-inhibit

	// Rules about evidence.

	Evidence []string      // the order in which sources are asked: "ocsp", "crl"; nil: OCSP first
	Skew     time.Duration // how far clocks may be apart; 0 means ocsp.DefaultSkew, negative none
	MaxAge   time.Duration // age of evidence without nextUpdate; 0 means ocsp.DefaultMaxAge

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

// LocalText is a text in both languages.
type LocalText struct {
	RU string `json:"ru"`
	EN string `json:"en"`
}

// In returns the text in a language.
func (t LocalText) In(l Lang) string { return l.pick(t.RU, t.EN) }

// AlgorithmRule accepts one algorithm. Until, if not zero, is the first moment
// at which it is no longer accepted: what was made with it before, and is
// proven to have been, stays good.
type AlgorithmRule struct {
	Name  string // of pki/alg: "gost2012-256", "streebog256", "sha1", …
	Until time.Time
}

// levels in ascending order.
var levels = []string{"bes", "t", "xl", "a"}

// Allowed says whether the policy accepts an algorithm for something that
// existed at the given moment. The names are those of package pki/alg.
func (p *Policy) Allowed(algorithm string, at time.Time) bool {
	until, known := p.sunset(algorithm)
	return known && (p.UnsafeLegacy || until.IsZero() || at.Before(until))
}

// Withdrawn says whether the policy knows the algorithm and no longer accepts
// it at the given moment: proof that it was used earlier would help.
func (p *Policy) Withdrawn(algorithm string, at time.Time) bool {
	_, known := p.sunset(algorithm)
	return known && !p.Allowed(algorithm, at)
}

// sunset returns the end of an algorithm, and whether it is in the table.
func (p *Policy) sunset(algorithm string) (until time.Time, known bool) {
	rules := p.Algorithms
	if rules == nil {
		rules = DefaultPolicy().Algorithms
	}
	i := slices.IndexFunc(rules, func(r AlgorithmRule) bool { return r.Name == algorithm })
	if i < 0 {
		return time.Time{}, false
	}
	return rules[i].Until, true
}

// reachesLevel says whether have is at least want.
func reachesLevel(have, want string) bool {
	if want == "" {
		want = levels[0]
	}
	return slices.Index(levels, have) >= slices.Index(levels, want)
}

// policyFiles are the policies that have a name, one file each.
//
//go:embed policies/*.json
var policyFiles embed.FS

// DefaultPolicy is what a person wants: plain CMS and CAdES signatures, with
// warnings about what is missing in them. That a key was used outside its
// period fails: the certificate says so itself.
func DefaultPolicy() *Policy {
	p, err := PolicyByName("default")
	if err != nil {
		// A file of this package, which a test reads: it cannot be. A policy
		// without algorithms accepts nothing.
		return &Policy{Name: "default", Algorithms: []AlgorithmRule{}}
	}
	return p
}

// PolicyByName returns a fresh copy of a named policy.
func PolicyByName(name string) (*Policy, error) {
	if !slices.Contains(PolicyNames(), name) {
		return nil, fmt.Errorf("verify: no policy is named %q; there are %v", name, PolicyNames())
	}
	data, err := policyFiles.ReadFile("policies/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("verify: policy %q: %w", name, err)
	}
	return ParsePolicy(data)
}

// PolicyNames lists the named policies in the order of the alphabet.
func PolicyNames() []string {
	files, err := policyFiles.ReadDir("policies")
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".json"); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
