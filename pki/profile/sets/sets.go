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
		fsb795.Identifiers(),
		fsb795.Policies(),
		fsb795.SubjectSignTool(),
		fsb795.IssuerSignTool(),
		fsb795.IdentificationKind(),
		fsb795.KeyUsage(),
		fsb795.PrivateKeyUsagePeriod(),
	}}
}

// All returns every rule of the project; it is what an issuing authority runs
// before it signs.
func All() profile.Set { return profile.Join("all", PKIX(), Qualified()) }

// ByName returns the set with a name: "pkix", "qualified", "all".
func ByName(name string) (profile.Set, bool) {
	for _, s := range []profile.Set{PKIX(), Qualified(), All()} {
		if s.Name == name {
			return s, true
		}
	}
	return profile.Set{}, false
}
