package path

import (
	"errors"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// needsDSA says whether c has a DSA key that the caller allows.
func (b *builder) needsDSA(c *pki.Certificate) bool {
	return b.o.AllowDSA && c.PublicKey == nil && c.PublicKeyAlgorithm.OID == oid.DSA
}

// withKey returns c with its DSA key, a copy that is equal to c.
func withKey(c *pki.Certificate, key *alg.DSAPublicKey) *pki.Certificate {
	out := *c
	out.PublicKey, out.PublicKeyError = key, nil
	return &out
}

// issuerKey returns parent with its key. deferred means that the key has no
// parameters of its own: they come from further up, so that what it signed is
// checked when the path is complete.
func (b *builder) issuerKey(parent *pki.Certificate) (_ *pki.Certificate, deferred bool, err error) {
	if !b.needsDSA(parent) {
		return parent, false, nil
	}
	key, err := alg.ParseDSA(parent.RawSubjectPublicKeyInfo, nil)
	switch {
	case errors.Is(err, alg.ErrDSAParameters):
		return parent, true, nil
	case err != nil:
		return parent, false, err
	}
	return withKey(parent, key), false, nil
}

// complete gives the DSA keys of a chain their parameters, from the anchor down
// (RFC 5280, section 6.1.4 (d) to (f)), and makes up for the signatures that
// could not be checked without.
func (b *builder) complete(chain []*pki.Certificate) ([]*pki.Certificate, []Failure) {
	if !b.o.AllowDSA {
		return chain, nil
	}
	out := append([]*pki.Certificate(nil), chain...)
	var failures []Failure
	var params *alg.DSAParameters
	for i := len(out) - 1; i >= 0; i-- {
		if !b.needsDSA(out[i]) {
			// "If the certificate subjectPublicKey algorithm and the
			// working_public_key_algorithm are different, set the
			// working_public_key_parameters to null."
			params = nil
			continue
		}
		_, deferred, _ := b.issuerKey(out[i])
		key, err := alg.ParseDSA(out[i].RawSubjectPublicKeyInfo, params)
		if err != nil {
			failures = append(failures, Failure{
				Reason: ReasonMalformed, Certificate: out[i], Index: i, Cite: "RFC 3279, section 2.3.2",
				Detail: "subjectPublicKeyInfo: " + err.Error(),
			})
			params = nil
			continue
		}
		out[i], params = withKey(out[i], key), &key.Parameters
		if !deferred || i == 0 {
			continue
		}
		if err := b.verify(out[i-1], out[i]); err != nil {
			failures = append(failures, Failure{
				Reason: ReasonSignature, Certificate: out[i-1], Index: i - 1, Cite: "RFC 5280, section 6.1.3 (a)(1)",
				Detail: "the signature does not verify with the issuer's key: " + err.Error(),
			})
		}
	}
	return out, failures
}
