package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Profile says what certificates of one kind look like. It is data: the
// authority's own addresses and tool names come from its Settings. Programs
// keep profiles as files: see [ParseProfile].
type Profile struct {
	Name string
	// Version is 1 or more; 0 counts as 1. A profile that is changed gets the
	// next version, and the old one stays readable.
	Version int
	// Required are the subject attributes that a request must have. Allowed are
	// those that it may have besides; nil allows every one.
	Required, Allowed []oid.OID
	// LongNames lifts the bound of 64 characters on CN and O, which the names
	// of many organizations exceed, to 1000.
	LongNames bool
	// Months or Years is the validity; with both zero it is that of
	// Settings.UserMonths. It never exceeds the issuer's.
	Months, Years int
	// MaxMonths bounds what Request.Days may ask for; 0 is three years for a
	// subscriber and no bound for others.
	MaxMonths int
	// KeyMonths is the period in which the private key may be used. 0 is the
	// validity of the certificate, for a CA three quarters of it. It never
	// exceeds the certificate's, and a CA's is always shorter.
	KeyMonths int
	// CA makes a certificate of a subordinate authority with the path length
	// MaxPathLen.
	CA         bool
	MaxPathLen int
	// Keys are the key algorithms that are certified, as `key create --alg`
	// names them; nil is every one, for a subscriber of an authority with a
	// GOST key those of GOST.
	Keys []string
	// KeyUsage is written as far as the kind of key allows it.
	KeyUsage            pki.KeyUsage
	ExtKeyUsage         []oid.OID
	ExtKeyUsageCritical bool
	Policies            []oid.OID
	// Subscriber adds what a subscriber's qualified certificate has:
	// subjectSignTool and identificationKind; and its subject is checked as a
	// person's or an organization's is. Such a profile has Tools and names a
	// class of tools in Policies: by that the rules of FSB order No. 795 know
	// the certificates that they speak about.
	Subscriber bool
	// Tools adds issuerSignTool.
	Tools       bool
	OCSPNoCheck bool
	// AltNames are the kinds of subjectAltName that a request may ask for.
	AltNames []pki.GeneralNameKind
	// Strict refuses a certificate for a broken rule of severity pki.Warn too.
	Strict bool
	// RenewSameKey allows to renew a certificate with the key that it has.
	RenewSameKey bool
	// Approvals says who must agree before anything is issued.
	Approvals ApprovalRule
}

// ApprovalRule asks for signed decisions.
type ApprovalRule struct {
	// Count is how many different people must approve; 0 is none, and the
	// submitter never counts.
	Count int
	// Roles are the roles in which they may do it: RoleApprover, RoleOperator.
	Roles []Role
}

// subscriberUsage is what subscribers' certificates of accredited authorities
// have: they sign and agree on keys.
const subscriberUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment | pki.KeyUsageKeyEncipherment |
	pki.KeyUsageDataEncipherment | pki.KeyUsageKeyAgreement

// Citizen is the profile of a natural person.
func Citizen() Profile {
	return subscriberProfile("citizen", oid.CommonName, oid.Surname, oid.GivenName, oid.SNILS, oid.INN)
}

// Entrepreneur is the profile of a sole proprietor.
func Entrepreneur() Profile {
	return subscriberProfile("entrepreneur", oid.OGRNIP, oid.INN, oid.SNILS)
}

// Organization is the profile of a legal entity.
func Organization() Profile {
	p := subscriberProfile("organization", oid.Organization, oid.OGRN, oid.INNLE)
	p.LongNames = true
	return p
}

func subscriberProfile(name string, required ...oid.OID) Profile {
	return Profile{
		Name: name, Version: 1, Required: required, KeyUsage: subscriberUsage, RenewSameKey: true,
		ExtKeyUsage: []oid.OID{oid.EKUClientAuth, oid.EKUEmailProtection},
		Policies:    pki.KCPolicies("KC1"), Subscriber: true, Tools: true,
		AltNames: []pki.GeneralNameKind{pki.RFC822Name},
	}
}

// SubCA is the profile of a subordinate authority that issues to end entities
// only.
func SubCA() Profile {
	return Profile{
		Name: "subca", Version: 1, Required: []oid.OID{oid.CommonName}, Years: 10, CA: true, MaxPathLen: 0,
		KeyUsage: authorityUsage, Policies: authorityPolicies(), Tools: true,
	}
}

// authorityUsage is the keyUsage of an authority: certificates, CRLs, and OCSP
// answers that it signs itself.
const authorityUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageCertSign | pki.KeyUsageCRLSign

// authorityPolicies does not limit what stands below the authority.
func authorityPolicies() []oid.OID { return append(pki.KCPolicies("KC1"), oid.AnyPolicy) }

// OCSP is the profile of an OCSP responder that the authority delegates to.
//
// RFC 6960, section 4.2.2.2: delegation is designated "by the inclusion of
// id-kp-OCSPSigning in an extended key usage certificate extension"; section
// 4.2.2.2.1: id-pkix-ocsp-nocheck.
func OCSP() Profile {
	return Profile{
		Name: "ocsp", Version: 1, Required: []oid.OID{oid.CommonName}, Years: 1,
		KeyUsage: pki.KeyUsageDigitalSignature, ExtKeyUsage: []oid.OID{oid.EKUOCSPSigning}, OCSPNoCheck: true,
	}
}

// TSA is the profile of a time-stamping authority.
//
// RFC 3161, section 2.3: id-kp-timeStamping is the only extended key usage,
// and the extension "MUST be critical".
func TSA() Profile {
	return Profile{
		Name: "tsa", Version: 1, Required: []oid.OID{oid.CommonName}, Years: 5,
		KeyUsage:    pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment,
		ExtKeyUsage: []oid.OID{oid.EKUTimeStamping}, ExtKeyUsageCritical: true,
		Policies: pki.KCPolicies("KC1"), Tools: true,
	}
}

// Profiles returns the profiles that ship with the program, in their first
// version; `ca init` writes them as files, which the operator then owns.
func Profiles() []Profile {
	return []Profile{Citizen(), Entrepreneur(), Organization(), SubCA(), OCSP(), TSA()}
}

// ProfileByName returns the shipped profile with a name.
func ProfileByName(name string) (Profile, bool) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// ProfileFor returns the subscriber profile that a subject's numbers point to:
// an OGRN or INNLE to an organization, an OGRNIP to an entrepreneur, anything
// else to a citizen.
func ProfileFor(subject pki.Name) Profile {
	switch {
	case subject.Get(oid.OGRN) != "" || subject.Get(oid.INNLE) != "":
		return Organization()
	case subject.Get(oid.OGRNIP) != "":
		return Entrepreneur()
	}
	return Citizen()
}

// subscriberMonths is the longest validity of a subscriber's certificate and
// key: three years.
const subscriberMonths = 36

// maxMonths is the bound on the validity in months, 0 for none.
func (p Profile) maxMonths() int {
	if p.MaxMonths == 0 && p.Subscriber {
		return subscriberMonths
	}
	return p.MaxMonths
}

// notAfter returns the end of a validity that starts at from; days is what the
// request asks for, 0 is the profile's.
func (p Profile) notAfter(from time.Time, days int, s Settings) (time.Time, error) {
	end := addMonths(from, 12*p.Years+p.Months)
	if p.Years == 0 && p.Months == 0 {
		end = addMonths(from, s.UserMonths)
	}
	if days > 0 {
		end = from.AddDate(0, 0, days)
	}
	if m := p.maxMonths(); m > 0 && end.After(addMonths(from, m)) {
		return time.Time{}, refuse("validity", "the profile %s allows at most %d months", p.Name, m)
	}
	return end, nil
}

// addMonths returns the same day and time n months later; where that month is too
// short, its last day: fifteen months from 30 November end on 28 or 29 February
// and not in March, which would be longer than fifteen months.
func addMonths(from time.Time, n int) time.Time {
	y, m, d := from.Date()
	h, mi, s := from.Clock()
	last := time.Date(y, m+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC).Day() // day 0 of the month behind it
	return time.Date(y, m+time.Month(n), min(d, last), h, mi, s, 0, from.Location())
}

// keyNotAfter returns until when the private key of a certificate may be used.
func (p Profile) keyNotAfter(from, notAfter time.Time) time.Time {
	end := notAfter
	switch {
	case p.KeyMonths > 0:
		end = addMonths(from, p.KeyMonths)
	case p.CA:
		end = authorityKeyEnd(from, notAfter)
	}
	if p.CA && !end.Before(notAfter) {
		return authorityKeyEnd(from, notAfter)
	}
	if end.After(notAfter) {
		return notAfter
	}
	return end
}

// authorityKeyEnd is the end of the period of an authority's key: three
// quarters of its certificate's validity, in whole seconds. What the key signs
// on its last day still has a quarter of that time under a valid certificate.
func authorityKeyEnd(from, notAfter time.Time) time.Time {
	seconds := notAfter.Unix() - from.Unix()
	return from.Add(time.Duration(seconds-(seconds+3)/4) * time.Second)
}

// usageFor returns the bits of ku that a kind of key can serve.
func usageFor(pub crypto.PublicKey, ku pki.KeyUsage) pki.KeyUsage {
	switch pub.(type) {
	case *rsa.PublicKey:
		// RSA does not agree on keys: RFC 3279, section 2.3.1 has no keyAgreement.
		return ku &^ pki.KeyUsageKeyAgreement
	case *ecdsa.PublicKey:
		// RFC 5480, section 3 as updated by RFC 8813: keyEncipherment and
		// dataEncipherment MUST NOT be present.
		return ku &^ (pki.KeyUsageKeyEncipherment | pki.KeyUsageDataEncipherment)
	case ed25519.PublicKey:
		return ku &^ (pki.KeyUsageKeyEncipherment | pki.KeyUsageDataEncipherment | pki.KeyUsageKeyAgreement)
	}
	return ku
}
