package rfc9215

import (
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// KeyLength demands a parameter set of the key's own length.
func KeyLength() profile.Rule {
	return profile.Rule{
		ID:        "rfc9215-key-length",
		Title:     "the public key is readable and its parameter set has the length of its algorithm",
		TitleRU:   "открытый ключ читается, а набор параметров соответствует длине ключа",
		Cite:      "RFC 9215, section 4.2",
		Severity:  pki.Error,
		Effective: published(),
		Applies:   hasGOSTKey,
		Check: func(c *pki.Certificate) []profile.Problem {
			if c.PublicKeyError != nil {
				return []profile.Problem{{Field: "subjectPublicKeyInfo", Detail: c.PublicKeyError.Error(), DetailRU: "ключ не читается: " + c.PublicKeyError.Error()}}
			}
			long := false
			switch paramSet(c) {
			case oid.TC26_512A, oid.TC26_512B, oid.TC26_512C, oid.TC26_512Test:
				long = true
			}
			if long == (c.PublicKeyAlgorithm.OID == oid.GOST2012_512) {
				return nil
			}
			return []profile.Problem{{Field: "subjectPublicKeyInfo", Detail: c.PublicKeyAlgorithm.OID.Name() + " on " + paramSet(c).Name(), DetailRU: c.PublicKeyAlgorithm.OID.Name() + " на наборе " + paramSet(c).Name()}}
		},
	}
}
