package ca

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ProfileError says what is wrong with a profile.
type ProfileError struct {
	Profile string // "name@version", or the name of the file
	Field   string // as the file spells it: "validity.months"
	Detail  string
	Err     error // the cause where there is one
}

// Error names profile and field.
func (e *ProfileError) Error() string {
	s := "ca: profile " + e.Profile
	if e.Field != "" {
		s += ": " + e.Field
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *ProfileError) Unwrap() error { return e.Err }

// maxVersion bounds the version of a profile: seven digits.
const maxVersion = 9_999_999

// profileName is what a profile may be called: it is part of a file's name.
var profileName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)

// version is Version, with 0 as 1.
func (p Profile) version() int { return max(p.Version, 1) }

// Ref returns "name@version", by which requests and records name a profile.
func (p Profile) Ref() string { return p.Name + "@" + strconv.Itoa(p.version()) }

// splitRef reads "name" (version 0) or "name@version".
func splitRef(ref string) (name string, version int, ok bool) {
	name, text, found := strings.Cut(ref, "@")
	if !found {
		return name, 0, profileName.MatchString(name)
	}
	n, err := strconv.Atoi(text)
	ok = err == nil && n > 0 && n <= maxVersion && strconv.Itoa(n) == text && profileName.MatchString(name)
	return name, n, ok
}

// Digest returns the Streebog-256 digest of the profile's canonical text (see
// [Profile.YAML]) in 64 lower-case hexadecimal digits: what `gosklyuch hash`
// prints for the output of `ca profile show`.
func (p Profile) Digest() string {
	text, err := p.YAML()
	if err != nil {
		return "" // an invalid profile has no canonical text and is never used
	}
	return streebog256(text)
}

// Check reports a profile that cannot be used; the error is a *[ProfileError].
func (p Profile) Check() error {
	bad := func(field, format string, args ...any) error {
		return &ProfileError{Profile: p.Ref(), Field: field, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case !profileName.MatchString(p.Name):
		return bad("name", "lower-case Latin letters, digits and hyphens, at most 64, are a name")
	case p.Version < 0 || p.Version > maxVersion:
		return bad("version", "not from 1 to %d", maxVersion)
	}
	for _, check := range []func(func(string, string, ...any) error) error{
		p.checkLists, p.checkPeriods, p.checkPurpose, p.checkApprovals,
	} {
		if err := check(bad); err != nil {
			return err
		}
	}
	return nil
}

type badFunc = func(field, format string, args ...any) error

// checkLists bounds the lists and refuses what stands twice.
func (p Profile) checkLists(bad badFunc) error {
	for _, l := range []struct {
		field string
		list  []oid.OID
	}{
		{"subject.required", p.Required},
		{"subject.allowed", p.Allowed},
		{"extKeyUsage", p.ExtKeyUsage},
		{"policies", p.Policies},
	} {
		if len(l.list) > limits.ProfileItems {
			return bad(l.field, "more than %d items", limits.ProfileItems)
		}
		for i, o := range l.list {
			if _, err := oid.Parse(string(o)); err != nil {
				return bad(l.field, "%q is no object identifier", string(o))
			}
			if slices.Contains(l.list[:i], o) {
				return bad(l.field, "%s stands twice", o.Name())
			}
		}
	}
	for i, k := range p.AltNames {
		if _, ok := altNameText(k); !ok || slices.Contains(p.AltNames[:i], k) {
			return bad("altNames", "a kind that is not supported, or twice")
		}
	}
	for i, k := range p.Keys {
		if !slices.Contains(keyAlgorithms(), k) || slices.Contains(p.Keys[:i], k) {
			return bad("keys", "%q is unknown or stands twice", k)
		}
	}
	return nil
}

func (p Profile) checkPeriods(bad badFunc) error {
	const century = 1200
	for _, f := range []struct {
		field     string
		n, factor int
	}{
		{"validity.months", p.Months, 1},
		{"validity.years", p.Years, 12},
		{"validity.maxMonths", p.MaxMonths, 1},
		{"keyPeriod.months", p.KeyMonths, 1},
	} {
		if f.n < 0 || f.n > century/f.factor {
			return bad(f.field, "not from 0 to %d", century/f.factor)
		}
	}
	if p.Subscriber && p.MaxMonths > subscriberMonths {
		return bad("validity.maxMonths", "a subscriber's certificate is valid for at most three years")
	}
	if m := p.maxMonths(); m > 0 && 12*p.Years+p.Months > m {
		return bad("validity", "longer than the %d months that maxMonths allows", m)
	}
	return nil
}

// endEntityUsage are the bits that a certificate of no authority has.
const endEntityUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment | pki.KeyUsageKeyEncipherment |
	pki.KeyUsageDataEncipherment | pki.KeyUsageKeyAgreement | pki.KeyUsageEncipherOnly | pki.KeyUsageDecipherOnly

func (p Profile) checkPurpose(bad badFunc) error {
	const both = pki.KeyUsageCertSign | pki.KeyUsageCRLSign
	switch {
	case p.KeyUsage == 0 || p.KeyUsage&^(endEntityUsage|both) != 0:
		return bad("keyUsage", "none, or an unknown one")
	case p.CA && p.KeyUsage&both != both:
		return bad("keyUsage", "an authority needs keyCertSign and cRLSign")
	case !p.CA && p.KeyUsage&both != 0:
		// RFC 5280, section 4.2.1.9: "If the cA boolean is not asserted, then
		// the keyCertSign bit in the key usage extension MUST NOT be asserted."
		return bad("keyUsage", "keyCertSign and cRLSign are for authorities")
	case p.CA && (p.MaxPathLen < 0 || p.MaxPathLen > 16):
		return bad("ca.pathLength", "not from 0 to 16")
	case !p.CA && p.MaxPathLen != 0:
		return bad("ca.pathLength", "for authorities only")
	case p.CA && p.Subscriber:
		return bad("subscriber", "an authority is no subscriber")
	case p.Subscriber && !slices.Contains(p.Policies, oid.PolicyKC1):
		return bad("policies", "a subscriber's certificate names a class of tools: KC1, and every one up to its own")
	case p.Subscriber && !p.Tools:
		return bad("tools", "a subscriber's certificate names the issuer's tools")
	case p.ExtKeyUsageCritical && len(p.ExtKeyUsage) == 0:
		return bad("extKeyUsageCritical", "without extKeyUsage")
	}
	return nil
}

func (p Profile) checkApprovals(bad badFunc) error {
	a := p.Approvals
	switch {
	case a.Count < 0 || a.Count > limits.Approvals:
		return bad("approvals.count", "not from 0 to %d", limits.Approvals)
	case (a.Count == 0) != (len(a.Roles) == 0):
		return bad("approvals", "count and roles go together")
	}
	for i, r := range a.Roles {
		if r != RoleApprover && r != RoleOperator || slices.Contains(a.Roles[:i], r) {
			return bad("approvals.roles", "%q is not approver or operator, or stands twice", string(r))
		}
	}
	return nil
}
