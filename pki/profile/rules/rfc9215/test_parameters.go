package rfc9215

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// TestParameters refuses keys on the parameter sets that exist for testing.
func TestParameters() profile.Rule {
	return profile.Rule{
		ID:        "rfc9215-test-parameters",
		Title:     "the key is not on a parameter set for testing",
		TitleRU:   "ключ построен не на тестовом наборе параметров",
		Cite:      "RFC 9215, sections 4.2 and 8",
		Severity:  pki.Error,
		Effective: published(),
		Applies:   hasGOSTKey,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "The following values, when used as publicKeyParamSet, define
			// test public key parameter sets and MUST NOT be used outside of
			// testing scenarios"
			if set := paramSet(c); set == oid.CryptoProTest || set == oid.TC26_512Test {
				return []profile.Problem{{Field: "subjectPublicKeyInfo", Detail: set.Name(), DetailRU: "тестовый набор " + set.Name()}}
			}
			return nil
		},
	}
}

// paramSet returns publicKeyParamSet, or "" where it cannot be read.
//
//	GostR3410-2012-PublicKeyParameters ::= SEQUENCE {
//	    publicKeyParamSet OBJECT IDENTIFIER,
//	    digestParamSet OBJECT IDENTIFIER OPTIONAL }
func paramSet(c *pki.Certificate) oid.OID {
	s := cryptobyte.String(c.PublicKeyAlgorithm.Params)
	var body cryptobyte.String
	var set oid.OID
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !oid.Read(&body, &set) {
		return ""
	}
	return set
}
