package ocsp

import (
	"bytes"
	"errors"
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

const citeAuthorized = "RFC 6960, section 4.2.2.2"

// responder finds who signed and decides whether it may. Several certificates
// can answer to one responderID: the response stands if one of them signed it
// and is authorized.
func (c *checker) responder() bool {
	candidates := c.candidates()
	if len(candidates) == 0 {
		return c.fail("responder", &Error{
			Kind: KindNoResponder, Cite: "RFC 6960, section 4.2.2.3",
			Detail: "the certificate that the responderID names is neither in the response nor at hand",
		})
	}
	var signature, authority *Error
	for _, cert := range candidates {
		if e := c.r.verify(cert); e != nil {
			signature = worse(signature, e)
			continue
		}
		c.out.Responder = cert
		e := c.authorize(cert)
		if e == nil {
			c.pass("signature", "RFC 6960, section 3.2, item 2", "")
			return c.pass("responder", citeAuthorized, cert.Subject.String())
		}
		authority = worse(authority, e)
	}
	if authority != nil {
		c.pass("signature", "RFC 6960, section 3.2, item 2", "")
		return c.fail("responder", authority)
	}
	return c.fail("signature", signature)
}

// worse returns the error to report of two: the definite one.
func worse(old, e *Error) *Error {
	if old == nil || e.Invalid() && !old.Invalid() {
		return e
	}
	return old
}

// candidates returns the certificates that the responderID names: the issuer
// first, then those inside the response, those given and those trusted.
func (c *checker) candidates() []*pki.Certificate {
	all := []*pki.Certificate{c.o.Issuer}
	all = append(all, c.r.Certificates...)
	all = append(all, c.o.Extra...)
	if c.o.Trust != nil {
		all = append(all, c.o.Trust.All()...)
	}
	var out []*pki.Certificate
	for _, cert := range all {
		if cert == nil || !c.r.names(cert) {
			continue
		}
		if !slices.ContainsFunc(out, func(o *pki.Certificate) bool { return bytes.Equal(o.Raw, cert.Raw) }) {
			out = append(out, cert)
		}
		if len(out) == limits.OCSPResponders {
			break
		}
	}
	return out
}

// names says whether the responderID is that of cert: RFC 6960, section
// 4.2.2.3: "the information MUST correspond to the certificate that was used
// to sign the response".
func (r *Response) names(cert *pki.Certificate) bool {
	if r.ResponderName != nil {
		return r.ResponderName.Equal(cert.Subject)
	}
	id, err := alg.KeyIdentifier(cert.RawSubjectPublicKeyInfo)
	return err == nil && bytes.Equal(id, r.ResponderKeyHash)
}

// verify checks the signature over the octets as they came.
func (r *Response) verify(cert *pki.Certificate) *Error {
	if cert.PublicKey == nil {
		return &Error{Kind: KindUnknownAlgorithm, Detail: "the key of the responder cannot be used", Err: cert.PublicKeyError}
	}
	err := alg.VerifyMessage(cert.PublicKey, r.SignatureAlgorithm, alg.Identifier{}, r.RawTBS, r.Signature)
	var unknown *alg.UnknownError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return &Error{Kind: KindUnknownAlgorithm, Detail: "signatureAlgorithm", Err: err}
	}
	return &Error{
		Kind: KindBadSignature, Cite: "RFC 6960, section 3.2, item 2",
		Detail: "the responder did not sign this response", Err: err,
	}
}

// authorize decides by the three criteria of RFC 6960, section 4.2.2.2. The
// signature of the response by cert has been verified.
func (c *checker) authorize(cert *pki.Certificate) *Error {
	if c.o.Trust != nil && c.o.Trust.Contains(cert) { // criterion 1
		return c.inValidity(cert)
	}
	if c.isIssuer(cert) { // criterion 2
		return nil
	}
	c.out.Delegated, c.out.NoCheck = true, cert.OCSPNoCheck
	return c.delegate(cert) // criterion 3
}

// isIssuer says whether cert is the CA itself: its name with its key. Another
// certificate of the CA with the same key (a cross certificate) is the CA.
func (c *checker) isIssuer(cert *pki.Certificate) bool {
	return cert.Equal(c.o.Issuer) ||
		cert.Subject.Equal(c.o.Issuer.Subject) && alg.EqualKeys(cert.PublicKey, c.o.Issuer.PublicKey)
}

// delegate checks criterion 3: "Includes a value of id-kp-OCSPSigning in an
// extended key usage extension and is issued by the CA that issued the
// certificate in question".
func (c *checker) delegate(cert *pki.Certificate) *Error {
	unauthorized := func(detail string, err error) *Error {
		return &Error{Kind: KindUnauthorized, Cite: citeAuthorized, Detail: detail, Err: err}
	}
	if !slices.Contains(cert.ExtKeyUsage, oid.EKUOCSPSigning) {
		return unauthorized("the responder's certificate lacks the extended key usage OCSPSigning", nil)
	}
	const signing = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
	if cert.HasKeyUsage && cert.KeyUsage&signing == 0 {
		return unauthorized("the key usage of the responder's certificate excludes signatures", nil)
	}
	if !cert.Issuer.Equal(c.o.Issuer.Subject) {
		return unauthorized("the responder's certificate was not issued by the CA itself", nil)
	}
	// Systems "MUST recognize a delegation certificate as being issued by the
	// CA that issued the certificate in question only if the delegation
	// certificate and the certificate being checked for revocation were
	// signed by the same key": o.Issuer is the certificate of that key.
	if err := cert.CheckSignatureFrom(c.o.Issuer); err != nil {
		return unauthorized("the responder's certificate was not signed by the key of the CA", err)
	}
	if f, bad := pki.FirstError(cert.Findings); bad {
		return unauthorized("the responder's certificate is not acceptable: "+f.Detail, nil)
	}
	if len(cert.UnhandledCritical) > 0 {
		return &Error{
			Kind: KindUnhandledCritical, Cite: "RFC 5280, section 4.2",
			Detail: "the responder's certificate has the critical extension " + cert.UnhandledCritical[0].Name(),
		}
	}
	return c.inValidity(cert)
}

// inValidity: a responder's word counts at o.At only while its certificate is
// valid, because after that nobody answers for its key.
func (c *checker) inValidity(cert *pki.Certificate) *Error {
	at := c.o.At
	if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
		return &Error{
			Kind: KindResponderExpired, Cite: "RFC 5280, section 4.1.2.5",
			Detail: "the responder's certificate is valid from " + stamp(cert.NotBefore) + " to " + stamp(cert.NotAfter) +
				", not at " + stamp(at),
		}
	}
	return nil
}
