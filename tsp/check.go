package tsp

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CheckOptions says what the token must stamp and where the certificate of
// the authority may be found.
type CheckOptions struct {
	// Content is what must have been stamped: for a signature-time-stamp the
	// octets of the signature value, without tag and length (RFC 5126,
	// section 6.1.1).
	Content []byte
	// Digest, if not nil, takes the place of Content: it returns the digest of
	// what must have been stamped.
	Digest func(alg.Identifier) ([]byte, error)
	// Extra are candidates for the authority's certificate beside those in
	// the token. None of them is trusted by being here.
	Extra []*pki.Certificate
	// Nonce and Policy are those of the request; nil and "" ask for nothing.
	Nonce  *big.Int
	Policy oid.OID
}

// Identifiers of the checks of [Token.Check]; those of package cms about the
// token's signature stand between them.
const (
	CheckImprint    = "tsp-message-imprint"
	CheckNonce      = "tsp-nonce"
	CheckPolicy     = "tsp-policy"
	CheckExtensions = "tsp-extensions"
	CheckTSA        = "tsp-tsa-certificate"
	CheckESS        = "tsp-ess-cert-id"
	CheckUsage      = "tsp-tsa-usage"
	CheckValidity   = "tsp-gen-time"
	CheckName       = "tsp-tsa-name"
)

// Checked is the outcome of a check.
type Checked struct {
	TSA     *pki.Certificate // who signed the token; nil if not found
	GenTime time.Time        // the stamped time, proven only if the chain of TSA is valid at it
	Checks  []cms.Check
}

// Check decides whether the token stamps the content and is the word of a
// time-stamping authority (RFC 3161, sections 2.2 and 2.3): the imprint, nonce
// and policy; the signature with its attributes, the ESSCertID or ESSCertIDv2
// of the signer among them; the extended key usage timeStamping, critical and
// alone; genTime within the validity of the signer's certificate. All checks
// run that can. The result is never nil; the error is nil or an [*Error] of
// the first check that failed. The chain of the authority is not validated.
func (t *Token) Check(o CheckOptions) (*Checked, error) {
	c := &checker{t: t, o: o, out: &Checked{GenTime: t.Info.GenTime}}
	c.imprint()
	c.request()
	c.extensions()
	if c.signature() {
		c.usage()
		c.validity()
		c.name()
	}
	if c.first != nil {
		return c.out, c.first
	}
	return c.out, nil
}

type checker struct {
	t     *Token
	o     CheckOptions
	out   *Checked
	first *Error
}

func (c *checker) pass(id, cite, detail string) bool {
	c.out.Checks = append(c.out.Checks, cms.Check{ID: id, Cite: cite, OK: true, Detail: detail})
	return true
}

func (c *checker) fail(id string, e *Error) bool {
	c.out.Checks = append(c.out.Checks, cmsFailure(id, e))
	if c.first == nil {
		c.first = e
	}
	return false
}

func cmsFailure(id string, e *Error) cms.Check {
	return cms.Check{ID: id, Cite: e.Cite, Detail: e.Detail, Err: e}
}

func (c *checker) imprint() bool {
	const cite = "RFC 3161, section 2.2"
	h := c.t.Info.HashAlgorithm
	want, err := c.digest(h)
	if err != nil {
		kind := KindImprint
		var unknown *alg.UnknownError
		if errors.As(err, &unknown) {
			kind = KindUnknownAlgorithm
		}
		return c.fail(CheckImprint, &Error{Kind: kind, Cite: cite, Detail: "messageImprint cannot be compared", Err: err})
	}
	if subtle.ConstantTimeCompare(want, c.t.Info.HashedMessage) != 1 {
		return c.fail(CheckImprint, &Error{Kind: KindImprint, Cite: cite, Detail: "the token stamps other data"})
	}
	return c.pass(CheckImprint, cite, h.OID.Name())
}

func (c *checker) digest(id alg.Identifier) ([]byte, error) {
	if c.o.Digest != nil {
		return c.o.Digest(id)
	}
	h, err := alg.NewHash(id)
	if err != nil {
		return nil, err
	}
	h.Write(c.o.Content)
	return h.Sum(nil), nil
}

// request compares what a request asked for: RFC 3161, section 2.4.2: "The
// nonce field MUST be present if it was present in the TimeStampReq. In such a
// case it MUST equal the value provided in the TimeStampReq structure."
func (c *checker) request() {
	const cite = "RFC 3161, section 2.4.2"
	if c.o.Nonce != nil {
		if c.t.Info.Nonce == nil || c.t.Info.Nonce.Cmp(c.o.Nonce) != 0 {
			c.fail(CheckNonce, &Error{Kind: KindNonce, Cite: cite, Detail: "the nonce is not that of the request"})
		} else {
			c.pass(CheckNonce, cite, "")
		}
	}
	if c.o.Policy != "" {
		if c.t.Info.Policy != c.o.Policy {
			c.fail(CheckPolicy, &Error{
				Kind: KindPolicy, Cite: cite,
				Detail: "the policy is " + c.t.Info.Policy.Name() + ", not that of the request",
			})
		} else {
			c.pass(CheckPolicy, cite, "")
		}
	}
}

// extensions: RFC 5280, section 4.2 refuses a critical extension that is not
// recognized; RFC 3161 takes over its Extensions and none is known here.
func (c *checker) extensions() {
	for _, e := range c.t.Info.Extensions {
		if e.Critical {
			c.fail(CheckExtensions, &Error{
				Kind: KindUnhandledCritical, Cite: "RFC 5280, section 4.2",
				Detail: "the critical extension " + e.ID.Name() + " is not understood",
			})
			return
		}
	}
}

// signature finds the signer's certificate and checks the one SignerInfo.
func (c *checker) signature() bool {
	const cite = "RFC 3161, section 2.4.2; RFC 5816, section 2.2.1"
	candidates := c.candidates()
	if len(candidates) == 0 {
		return c.fail(CheckTSA, &Error{
			Kind: KindNoCertificate, Cite: "RFC 3161, section 2.4.1",
			Detail: "the certificate of the time-stamping authority is neither in the token nor at hand",
		})
	}
	var checks []cms.Check
	var err error
	for i, cert := range candidates {
		cs, e := c.t.Signed.CheckSigner(0, cert)
		if i == 0 || e == nil {
			checks, err, c.out.TSA = cs, e, cert
		}
		if e == nil {
			break
		}
	}
	c.pass(CheckTSA, "RFC 3161, section 2.4.1", c.out.TSA.Subject.String())
	c.out.Checks = append(c.out.Checks, checks...)
	if err != nil {
		e := &Error{Kind: KindSignature, Cite: "RFC 3161, section 2.2", Detail: "the signature of the token", Err: err}
		var unknown *alg.UnknownError
		if errors.As(err, &unknown) {
			e.Kind = KindUnknownAlgorithm
		}
		if c.first == nil {
			c.first = e
		}
	}
	// "The certificate identifier (ESSCertID) of the TSA certificate MUST be
	// included as a signerInfo attribute inside a SigningCertificate
	// attribute": CheckSigner compares what is there, this demands it.
	si := c.t.Signed.Signers[0]
	if !slices.ContainsFunc(si.SignedAttrs, func(a cms.Attribute) bool {
		return a.Type == oid.AttrSigningCertificate || a.Type == oid.AttrSigningCertificateV2
	}) {
		return c.fail(CheckESS, &Error{
			Kind: KindSignature, Cite: cite,
			Detail: "the token lacks the signed attribute signingCertificate or signingCertificateV2",
		})
	}
	return true
}

// maxCandidates bounds the certificates that are tried as signer.
const maxCandidates = 8

// candidates returns the certificates that the signer identifier names.
func (c *checker) candidates() []*pki.Certificate {
	si := c.t.Signed.Signers[0]
	var out []*pki.Certificate
	for _, cert := range slices.Concat(c.t.Signed.Certificates, c.o.Extra) {
		if si.Matches(cert) && !slices.ContainsFunc(out, cert.Equal) {
			out = append(out, cert)
		}
		if len(out) == maxCandidates {
			break
		}
	}
	return out
}

// usage: RFC 3161, section 2.3: "The corresponding certificate MUST contain
// only one instance of the extended key usage field extension […] with
// KeyPurposeID having value: id-kp-timeStamping. This extension MUST be
// critical."
func (c *checker) usage() bool {
	const cite = "RFC 3161, section 2.3"
	if detail := usageFault(c.out.TSA); detail != "" {
		return c.fail(CheckUsage, &Error{Kind: KindUsage, Cite: cite, Detail: detail})
	}
	return c.pass(CheckUsage, cite, "")
}

// usageFault says why a certificate is not that of an authority; "" if it is.
func usageFault(cert *pki.Certificate) string {
	const signing = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
	switch {
	case !slices.Contains(cert.ExtKeyUsage, oid.EKUTimeStamping):
		return "the certificate lacks the extended key usage timeStamping"
	case len(cert.ExtKeyUsage) != 1:
		return "timeStamping is not the only extended key usage of the certificate"
	case !cert.ExtKeyUsageCritical:
		return "the extended key usage of the certificate is not critical"
	case cert.HasKeyUsage && cert.KeyUsage&signing == 0:
		return "the key usage of the certificate excludes signatures"
	}
	return ""
}

func (c *checker) validity() bool {
	const cite = "RFC 5280, section 4.1.2.5"
	cert, at := c.out.TSA, c.t.Info.GenTime
	if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
		return c.fail(CheckValidity, &Error{
			Kind: KindTime, Cite: cite,
			Detail: "genTime " + at.Format(time.RFC3339) + " lies outside the validity of the certificate",
		})
	}
	return c.pass(CheckValidity, cite, at.Format(time.RFC3339))
}

// name: RFC 3161, section 2.4.2 calls tsa a hint that "MUST correspond to one
// of the subject names included in the certificate". The certificate is bound
// by its ESSCertID, so a difference is a warning.
func (c *checker) name() {
	raw := cryptobyte.String(c.t.Info.TSA)
	var body cryptobyte.String
	if raw.Empty() || !raw.ReadASN1(&body, explicitTag(4)) {
		return
	}
	name, err := pki.ParseName(bytes.Clone(body))
	if err == nil && name.Equal(c.out.TSA.Subject) {
		c.pass(CheckName, "RFC 3161, section 2.4.2", "")
		return
	}
	c.out.Checks = append(c.out.Checks, cms.Check{
		ID: CheckName, Cite: "RFC 3161, section 2.4.2", OK: true, Warning: true,
		Detail: "the field tsa does not name the subject of the certificate",
	})
}
