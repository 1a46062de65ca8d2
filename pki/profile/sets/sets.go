// Package sets holds the lists of rules that programs use, each rule by name.
package sets

import (
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/pki/profile/rules/fsb795"
	"github.com/gosklyuch/gosklyuch/pki/profile/rules/rfc3161"
	"github.com/gosklyuch/gosklyuch/pki/profile/rules/rfc5280"
	"github.com/gosklyuch/gosklyuch/pki/profile/rules/rfc6960"
	"github.com/gosklyuch/gosklyuch/pki/profile/rules/rfc9215"
)

// PKIX returns the rules that every certificate of the Internet PKI keeps.
func PKIX() profile.Set {
	return profile.Set{Name: "pkix", Rules: []profile.Rule{
		rfc5280.Version(),
		rfc5280.SerialNumber(),
		rfc5280.SignatureAlgorithm(),
		rfc5280.Names(),
		rfc5280.Validity(),
		rfc5280.KeyIdentifiers(),
		rfc5280.KeyUsage(),
		rfc5280.BasicConstraints(),
		rfc3161.KeyPurpose(),
		rfc6960.NoCheck(),
		rfc9215.SignatureParameters(),
		rfc9215.TestParameters(),
		rfc9215.KeyLength(),
	}}
}

// Qualified returns the rules on the form of the qualified certificate; they
// speak only about certificates that name a class of tools (KC1 to KA1).
func Qualified() profile.Set {
	return profile.Set{Name: "qualified", Rules: []profile.Rule{
		fsb795.Subject(),
		fsb795.PersonOfOrganization(),
		fsb795.OrganizationINN(),
		fsb795.OrganizationAddress(),
		fsb795.Identifiers(),
		fsb795.Country(),
		fsb795.Issuer(),
		fsb795.StringTypes(),
		fsb795.NameLength(),
		fsb795.Policies(),
		fsb795.SubjectSignTool(),
		fsb795.IssuerSignTool(),
		fsb795.IdentificationKind(),
		fsb795.KeyUsage(),
		fsb795.AuthorityKeyIdentifier(),
		fsb795.SubjectKeyIdentifier(),
		fsb795.StatusAddresses(),
		fsb795.PrivateKeyUsagePeriod(),
	}}
}

// FSB795 returns the rules by which a certificate is judged to have the form of
// a qualified one: those of Qualified, that it claims this form at all, and that
// key and signature are of GOST. A certificate of any other kind breaks it. An
// authority may issue certificates of the same contents with other algorithms,
// so these two are not in Qualified.
func FSB795() profile.Set {
	return profile.Join("fsb795", profile.Set{Rules: []profile.Rule{fsb795.Form(), fsb795.Algorithm()}}, Qualified())
}

// All returns every rule that a certificate of any kind can keep; it is what an
// issuing authority runs before it signs.
func All() profile.Set { return profile.Join("all", PKIX(), Qualified()) }

// ByName returns the set with a name: "pkix", "qualified", "fsb795", "all".
func ByName(name string) (profile.Set, bool) {
	for _, s := range []profile.Set{PKIX(), Qualified(), FSB795(), All()} {
		if s.Name == name {
			return s, true
		}
	}
	return profile.Set{}, false
}
