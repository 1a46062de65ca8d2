package ocsp

import (
	"crypto/subtle"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// CheckOptions says what is asked, what is known and what is trusted. Cert,
// Issuer and At are required.
type CheckOptions struct {
	Cert   *pki.Certificate   // the certificate in question
	Issuer *pki.Certificate   // who issued it
	At     time.Time          // the moment at which the response must be fresh
	Extra  []*pki.Certificate // more candidates for the responder's certificate
	// Request, if not nil, is what was sent: a nonce in both must match, and
	// the response must be about one of its CertIDs.
	Request *Request
	// Trust has responders that are trusted by local configuration for this
	// issuer (RFC 6960, section 4.2.2.2, criterion 1).
	Trust *pki.Pool
	// Skew is how far clocks may be apart; zero means DefaultSkew, negative none.
	Skew time.Duration
	// MaxAge bounds the age of thisUpdate where nextUpdate is absent; zero
	// means DefaultMaxAge. Where it is set it binds beside nextUpdate too.
	MaxAge time.Duration
}

// Defaults of [CheckOptions].
const (
	DefaultSkew   = 5 * time.Minute
	DefaultMaxAge = 24 * time.Hour
)

// Check is one thing that was checked, in the order of the checks.
type Check struct {
	ID     string // stable: "status", "responder", "signature", "certificate", "nonce", "freshness", …
	Cite   string
	OK     bool
	Detail string
}

// Checked is the outcome of a check.
type Checked struct {
	Single    Single           // about the certificate; its Status may be Unknown, which is not good
	Responder *pki.Certificate // who signed: the issuer, its delegate or a locally trusted certificate
	Delegated bool             // Responder is a delegate: its own revocation is to be asked unless NoCheck
	NoCheck   bool             // the delegate carries id-pkix-ocsp-nocheck
	Nonce     string           // "match", "absent" or "not-asked"
	Checks    []Check
}

// Check decides whether the response is evidence for the status of o.Cert at
// o.At. It runs, in this order: the response status; the signature over the
// octets of ResponseData, by a responder that the responderID names; the right
// of the responder to answer (RFC 6960, section 4.2.2.2); the CertID; critical
// extensions; the nonce; thisUpdate and nextUpdate. The result is never nil
// and holds every check that ran. The error is nil or an [*Error] of the
// first check that failed; its Kind tells a forgery from mere lack of evidence.
//
// A nil error says that Single is true; Single.Status may still be Revoked or
// Unknown. Revocation of a delegate, and whether its algorithms are allowed,
// is left to the caller.
func (r *Response) Check(o CheckOptions) (*Checked, error) {
	c := &checker{r: r, o: o, out: &Checked{Single: Single{Reason: NoReason}}, matcher: NewMatcher(o.Cert, o.Issuer)}
	if o.Cert == nil || o.Issuer == nil || o.At.IsZero() {
		return c.out, &Error{Kind: KindIncomplete, Detail: "a check needs the certificate, its issuer and a time"}
	}
	if c.o.Skew == 0 {
		c.o.Skew = DefaultSkew
	}
	c.o.Skew = max(c.o.Skew, 0)
	if !c.status() {
		return c.out, c.first
	}
	c.responder()
	c.critical()
	if c.certificate() {
		c.nonce()
		c.freshness()
	}
	if c.first != nil {
		return c.out, c.first
	}
	return c.out, nil
}

// checker carries the first failure through the checks.
type checker struct {
	r     *Response
	o     CheckOptions
	out   *Checked
	first *Error

	matcher *Matcher
}

func (c *checker) pass(id, cite, detail string) bool {
	c.out.Checks = append(c.out.Checks, Check{ID: id, Cite: cite, OK: true, Detail: detail})
	return true
}

func (c *checker) fail(id string, e *Error) bool {
	detail := e.Detail
	if e.Err != nil {
		detail += ": " + e.Err.Error()
	}
	c.out.Checks = append(c.out.Checks, Check{ID: id, Cite: e.Cite, Detail: detail})
	if c.first == nil {
		c.first = e
	}
	return false
}

func (c *checker) status() bool {
	const cite = "RFC 6960, section 4.2.1"
	if c.r.Status != Successful {
		return c.fail("status", &Error{
			Kind: KindErrorStatus, Status: c.r.Status, Cite: cite,
			Detail: "the responder answered " + c.r.Status.String(),
		})
	}
	return c.pass("status", cite, "")
}

// critical: RFC 6960, section 4.4 builds on "the extension model employed in
// X.509 version 3 certificates": RFC 5280, section 4.2 refuses what is
// critical and not recognized.
func (c *checker) critical() bool {
	const cite = "RFC 5280, section 4.2"
	if len(c.r.UnhandledCritical) > 0 {
		return c.fail("extensions", &Error{
			Kind: KindUnhandledCritical, Cite: cite,
			Detail: "the critical extension " + c.r.UnhandledCritical[0].Name() + " is not understood",
		})
	}
	return c.pass("extensions", cite, "")
}

// certificate finds the answer about the certificate. Where several match, the
// worst counts: revoked before unknown before good.
func (c *checker) certificate() bool {
	const cite = "RFC 6960, section 3.2, item 1"
	if c.o.Request != nil && !slices.ContainsFunc(c.o.Request.IDs, c.matches) {
		return c.fail("certificate", &Error{
			Kind: KindOtherCertificate, Cite: cite,
			Detail: "the request asks for another certificate",
		})
	}
	found := false
	for _, one := range c.r.Singles {
		if c.matches(one.ID) && (!found || badness(one.Status) > badness(c.out.Single.Status)) {
			c.out.Single, found = one, true
		}
	}
	if !found {
		return c.fail("certificate", &Error{
			Kind: KindOtherCertificate, Cite: cite,
			Detail: "the response is not about this certificate: no CertID has its issuer and serial number",
		})
	}
	return c.pass("certificate", cite, c.out.Single.Status.String())
}

func (c *checker) matches(id CertID) bool { return c.matcher.Matches(id) }

func badness(s CertStatus) int {
	switch s {
	case Good:
		return 0
	case Revoked:
		return 2
	}
	return 1
}

// nonce: RFC 6960, section 4.4.1: "The nonce cryptographically binds a request
// and a response to prevent replay attacks." A response without one is
// accepted, because pre-produced responses have none (RFC 5019, section 4).
func (c *checker) nonce() bool {
	const cite = "RFC 6960, section 4.4.1"
	switch {
	case c.o.Request == nil || c.o.Request.Nonce == nil:
		c.out.Nonce = "not-asked"
	case c.r.Nonce == nil:
		c.out.Nonce = "absent"
	case subtle.ConstantTimeCompare(c.r.Nonce, c.o.Request.Nonce) == 1:
		c.out.Nonce = "match"
	default:
		return c.fail("nonce", &Error{
			Kind: KindNonceMismatch, Cite: cite,
			Detail: "the nonce is not that of the request",
		})
	}
	return c.pass("nonce", cite, c.out.Nonce)
}

// freshness: RFC 6960, section 4.2.2.1: "Responses whose nextUpdate value is
// earlier than the local system time value SHOULD be considered unreliable.
// Responses whose thisUpdate time is later than the local system time SHOULD
// be considered unreliable."
func (c *checker) freshness() bool {
	const cite = "RFC 6960, section 4.2.2.1"
	one, late, early := c.out.Single, c.o.At.Add(c.o.Skew), c.o.At.Add(-c.o.Skew)
	if one.ThisUpdate.After(late) {
		return c.fail("freshness", &Error{
			Kind: KindFuture, Cite: cite,
			Detail: "thisUpdate " + stamp(one.ThisUpdate) + " lies in the future",
		})
	}
	if c.r.ProducedAt.After(late) {
		return c.fail("freshness", &Error{
			Kind: KindFuture, Cite: cite,
			Detail: "producedAt " + stamp(c.r.ProducedAt) + " lies in the future",
		})
	}
	if !one.NextUpdate.IsZero() && one.NextUpdate.Before(early) {
		return c.fail("freshness", &Error{
			Kind: KindStale, Cite: cite,
			Detail: "nextUpdate " + stamp(one.NextUpdate) + " has passed",
		})
	}
	limit := c.o.MaxAge
	if limit == 0 && one.NextUpdate.IsZero() {
		limit = DefaultMaxAge
	}
	if limit > 0 && one.ThisUpdate.Add(limit).Before(early) {
		return c.fail("freshness", &Error{
			Kind: KindStale, Cite: cite,
			Detail: "thisUpdate " + stamp(one.ThisUpdate) + " is older than " + limit.String(),
		})
	}
	return c.pass("freshness", cite, "thisUpdate "+stamp(one.ThisUpdate))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
