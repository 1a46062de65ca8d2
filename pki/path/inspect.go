package path

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// inspect applies every rule that needs no signature to a chain and returns
// what it breaks, leaf first.
func (b *builder) inspect(chain []*pki.Certificate) []Failure {
	var out []Failure
	below := 0 // intermediates under this certificate that count for pathLen
	for i, c := range chain {
		out = append(out, malformed(c, i)...)
		out = append(out, b.dates(c, i)...)
		out = append(out, b.algorithms(c, i, len(chain))...)
		out = append(out, critical(c, i)...)
		if i == 0 {
			out = append(out, b.leaf(c)...)
			continue
		}
		if !chain[i-1].Issuer.Equal(c.Subject) {
			out = append(out, Failure{
				Reason: ReasonNameChaining, Certificate: chain[i-1], Index: i - 1,
				Cite: "RFC 5280, section 6.1.3 (a)(4)", Detail: fmt.Sprintf("the issuer %q is not the subject %q of the certificate that signed", chain[i-1].Issuer, c.Subject),
			})
		}
		out = append(out, issuer(c, i, below)...)
		if i < len(chain)-1 {
			out = append(out, purposes(chain[0], c, i)...)
		}
		out = append(out, mappings(c, i)...)
		if !c.IsSelfIssued() {
			below++ // RFC 5280, 6.1.4 (l): self-issued certificates do not count
		}
	}
	return append(out, b.constrained(chain)...)
}

// malformed reports what the parser found and nobody may accept.
func malformed(c *pki.Certificate, i int) []Failure {
	var out []Failure
	for _, f := range c.Findings {
		if f.Severity == pki.Error {
			out = append(out, Failure{Reason: ReasonMalformed, Certificate: c, Index: i, Detail: f.Field + ": " + f.Detail, Cite: f.Cite})
		}
	}
	switch {
	case UnknownAlgorithm(c.PublicKeyError):
		out = append(out, Failure{Reason: ReasonAlgorithm, Certificate: c, Index: i, Detail: c.PublicKeyError.Error(), Cite: "RFC 5280, section 4.1.2.7"})
	case c.PublicKeyError != nil:
		out = append(out, Failure{Reason: ReasonMalformed, Certificate: c, Index: i, Detail: "subjectPublicKeyInfo: " + c.PublicKeyError.Error(), Cite: "RFC 5280, section 4.1.2.7"})
	}
	return out
}

// dates checks the validity of c. RFC 5280, section 4.1.2.5: "The validity
// period for a certificate is the period of time from notBefore through
// notAfter, inclusive." The unit is the second.
func (b *builder) dates(c *pki.Certificate, i int) []Failure {
	const cite = "RFC 5280, section 6.1.3 (a)(2)"
	at := b.o.At.UTC().Truncate(time.Second)
	switch {
	case at.Before(c.NotBefore):
		return []Failure{{
			Reason: ReasonNotYetValid, Certificate: c, Index: i, Cite: cite,
			Detail: "valid from " + c.NotBefore.UTC().Format(time.RFC3339),
		}}
	case at.After(c.NotAfter):
		return []Failure{{
			Reason: ReasonExpired, Certificate: c, Index: i, Cite: cite,
			Detail: "expired on " + c.NotAfter.UTC().Format(time.RFC3339),
		}}
	}
	return nil
}

// algorithms refuses keys and signatures that are withdrawn or for tests only.
// The anchor's own signature proves nothing and is not judged.
func (b *builder) algorithms(c *pki.Certificate, i, n int) []Failure {
	var out []Failure
	if !b.o.AllowTest && c.PublicKey != nil && alg.IsTestKey(c.PublicKey) {
		out = append(out, Failure{
			Reason: ReasonTestParameters, Certificate: c, Index: i, Cite: "RFC 9215, section 4.2",
			Detail: "the key uses a parameter set for tests: " + alg.KeyName(c.PublicKey),
		})
	}
	if b.o.AllowLegacy {
		return out
	}
	digest, key := alg.DigestName(c.SignatureAlgorithm), alg.KeyAlgorithmName(c.PublicKey)
	switch {
	case key != "" && b.withdrawn(key):
		out = append(out, Failure{
			Reason: ReasonLegacyAlgorithm, Certificate: c, Index: i, Cite: "RFC 9215, section 1",
			Detail: "the key is of a withdrawn algorithm: " + alg.KeyName(c.PublicKey),
		})
	case i < n-1 && digest != "" && b.withdrawn(digest):
		out = append(out, Failure{
			Reason: ReasonLegacyAlgorithm, Certificate: c, Index: i, Cite: "RFC 5280, section 4.1.1.2",
			Detail: "the certificate is signed with a withdrawn algorithm: " + c.SignatureAlgorithm.OID.Name(),
		})
	}
	return out
}

// withdrawn asks the caller's list of withdrawn algorithms, or the built-in one.
func (b *builder) withdrawn(name string) bool {
	if b.o.Withdrawn != nil {
		return b.o.Withdrawn(name)
	}
	return alg.Withdrawn(name)
}

// UnknownAlgorithm says whether err comes from an algorithm that is not known
// here: such an error leaves the question open.
func UnknownAlgorithm(err error) bool {
	var u *alg.UnknownError
	return errors.As(err, &u)
}

// LegacySignature says whether a signature algorithm, or a digest algorithm,
// rests on a digest that is no longer collision resistant: MD5, SHA-1 or
// GOST R 34.11-94.
func LegacySignature(id alg.Identifier) bool {
	return alg.Withdrawn(alg.DigestName(id))
}

// critical refuses unknown critical extensions (RFC 5280, section 4.2: "A
// certificate-using system MUST reject the certificate if it encounters a
// critical extension it does not recognize").
func critical(c *pki.Certificate, i int) []Failure {
	var out []Failure
	for _, id := range c.UnhandledCritical {
		out = append(out, Failure{
			Reason: ReasonCriticalExtension, Certificate: c, Index: i, Cite: "RFC 5280, section 4.2",
			Detail: "unknown critical extension " + id.Name(),
		})
	}
	return out
}

// mappings checks policyMappings of a certificate that is not the last: RFC
// 5280, section 6.1.4 (a): "verify that the special value anyPolicy does not
// appear as an issuerDomainPolicy or a subjectDomainPolicy".
func mappings(c *pki.Certificate, i int) []Failure {
	for _, m := range c.PolicyMappings {
		if m.Issuer == oid.AnyPolicy || m.Subject == oid.AnyPolicy {
			return []Failure{{
				Reason: ReasonPolicy, Certificate: c, Index: i, Cite: "RFC 5280, section 6.1.4 (a)", Detail: "policyMappings maps anyPolicy",
			}}
		}
	}
	return nil
}

// leaf checks what the certificate itself may be used for.
func (b *builder) leaf(c *pki.Certificate) []Failure {
	var out []Failure
	if b.o.LeafKeyUsage != 0 && c.HasKeyUsage && c.KeyUsage&b.o.LeafKeyUsage == 0 {
		out = append(out, Failure{
			Reason: ReasonKeyUsage, Certificate: c, Cite: "RFC 5280, section 4.2.1.3",
			Detail: "keyUsage does not allow this use of the key",
		})
	}
	if len(b.o.ExtKeyUsage) == 0 || len(c.ExtKeyUsage) == 0 || slices.Contains(c.ExtKeyUsage, oid.EKUAny) {
		return out
	}
	for _, want := range b.o.ExtKeyUsage {
		if slices.Contains(c.ExtKeyUsage, want) {
			return out
		}
	}
	return append(out, Failure{
		Reason: ReasonExtKeyUsage, Certificate: c, Cite: "RFC 5280, section 4.2.1.12",
		Detail: "extKeyUsage does not list " + b.o.ExtKeyUsage[0].Name(),
	})
}

// issuer checks that c may issue certificates and may have this many below it.
func issuer(c *pki.Certificate, i, below int) []Failure {
	var out []Failure
	switch {
	case !c.BasicConstraintsValid || !c.IsCA:
		out = append(out, Failure{
			Reason: ReasonNotCA, Certificate: c, Index: i, Cite: "RFC 5280, section 6.1.4 (k)",
			Detail: "basicConstraints does not say that this is a CA",
		})
	case c.MaxPathLen >= 0 && below > c.MaxPathLen:
		out = append(out, Failure{
			Reason: ReasonPathLength, Certificate: c, Index: i, Cite: "RFC 5280, section 6.1.4 (m)",
			Detail: fmt.Sprintf("pathLenConstraint is %d and %d CA certificates follow", c.MaxPathLen, below),
		})
	}
	if c.HasKeyUsage && c.KeyUsage&pki.KeyUsageCertSign == 0 {
		out = append(out, Failure{
			Reason: ReasonKeyUsage, Certificate: c, Index: i, Cite: "RFC 5280, section 6.1.4 (n)",
			Detail: "keyUsage does not have keyCertSign",
		})
	}
	return out
}

// purposes holds the purposes of an authority against the certificate at the
// end: "If the extension is present, then the certificate MUST only be used for
// one of the purposes indicated" (RFC 5280, section 4.2.1.12). Authorities of
// Russia carry the extension without meaning a limit, and never as critical:
// only a critical one counts.
func purposes(leaf, c *pki.Certificate, i int) []Failure {
	if !c.ExtKeyUsageCritical || slices.Contains(c.ExtKeyUsage, oid.EKUAny) {
		return nil
	}
	for _, id := range leaf.ExtKeyUsage {
		if slices.Contains(c.ExtKeyUsage, id) {
			return nil
		}
	}
	return []Failure{{
		Reason: ReasonExtKeyUsage, Certificate: c, Index: i, Cite: "RFC 5280, section 4.2.1.12",
		Detail: "the authority is limited to purposes that the certificate does not have",
	}}
}
