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
// authority's own addresses and tool names come from its Settings.
type Profile struct {
	Name string
	// Required are the subject attributes that a request must have.
	Required []oid.OID
	// Months or Years is the validity; with both zero it is that of
	// Settings.UserMonths. It never exceeds the issuer's.
	Months, Years int
	// CA makes a certificate of a subordinate authority with the path length
	// MaxPathLen.
	CA         bool
	MaxPathLen int
	// KeyUsage is written as far as the kind of key allows it.
	KeyUsage            pki.KeyUsage
	ExtKeyUsage         []oid.OID
	ExtKeyUsageCritical bool
	Policies            []oid.OID
	// Subscriber adds what a subscriber's qualified certificate has:
	// privateKeyUsagePeriod, subjectSignTool and identificationKind.
	Subscriber bool
	// Tools adds issuerSignTool.
	Tools       bool
	OCSPNoCheck bool
	// AltNames are the kinds of subjectAltName that a request may ask for.
	AltNames []pki.GeneralNameKind
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
	return subscriberProfile("organization", oid.Organization, oid.OGRN, oid.INNLE)
}

func subscriberProfile(name string, required ...oid.OID) Profile {
	return Profile{
		Name: name, Required: required, KeyUsage: subscriberUsage,
		ExtKeyUsage: []oid.OID{oid.EKUClientAuth, oid.EKUEmailProtection},
		Policies:    pki.KCPolicies("KC1"), Subscriber: true, Tools: true,
		AltNames: []pki.GeneralNameKind{pki.RFC822Name},
	}
}

// SubCA is the profile of a subordinate authority that issues to end entities
// only.
func SubCA() Profile {
	return Profile{
		Name: "subca", Required: []oid.OID{oid.CommonName}, Years: 10, CA: true, MaxPathLen: 0,
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
// RFC 6960, section 4.2.2.2: it has "the extended key usage extension of
// id-kp-OCSPSigning", and section 4.2.2.2.1: id-pkix-ocsp-nocheck.
func OCSP() Profile {
	return Profile{
		Name: "ocsp", Required: []oid.OID{oid.CommonName}, Years: 1,
		KeyUsage: pki.KeyUsageDigitalSignature, ExtKeyUsage: []oid.OID{oid.EKUOCSPSigning}, OCSPNoCheck: true,
	}
}

// TSA is the profile of a time-stamping authority.
//
// RFC 3161, section 2.3: id-kp-timeStamping is the only extended key usage,
// and the extension "MUST be critical".
func TSA() Profile {
	return Profile{
		Name: "tsa", Required: []oid.OID{oid.CommonName}, Years: 5,
		KeyUsage:    pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment,
		ExtKeyUsage: []oid.OID{oid.EKUTimeStamping}, ExtKeyUsageCritical: true,
		Policies: pki.KCPolicies("KC1"), Tools: true,
	}
}

// Profiles returns all profiles.
func Profiles() []Profile {
	return []Profile{Citizen(), Entrepreneur(), Organization(), SubCA(), OCSP(), TSA()}
}

// ProfileByName returns the profile with a name.
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

// notAfter returns the end of a validity that starts at from.
func (p Profile) notAfter(from time.Time, s Settings) time.Time {
	if p.Years == 0 && p.Months == 0 {
		return from.AddDate(0, s.UserMonths, 0)
	}
	return from.AddDate(p.Years, p.Months, 0)
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
