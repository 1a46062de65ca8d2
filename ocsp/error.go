package ocsp

import "fmt"

// ErrorKind says what is wrong with a response. The kinds fall into two
// classes: those after which the response is a forgery or no response at all
// ([ErrorKind.Invalid]), and those after which it is just no evidence for the
// question that was asked.
type ErrorKind uint8

// The kinds of [Error].
const (
	// KindMalformed: the input is no OCSP message. Invalid.
	KindMalformed ErrorKind = iota + 1
	// KindBadSignature: the named responder did not sign these bytes. Invalid.
	KindBadSignature
	// KindUnauthorized: whoever signed may not answer for this issuer (RFC 6960, section 4.2.2.2). Invalid.
	KindUnauthorized
	// KindErrorStatus: the responder answered with an error status; Error.Status has it.
	KindErrorStatus
	// KindOtherCertificate: no SingleResponse is about the certificate.
	KindOtherCertificate
	// KindStale: nextUpdate has passed, or thisUpdate is older than MaxAge.
	KindStale
	// KindFuture: thisUpdate or producedAt lies in the future.
	KindFuture
	// KindNonceMismatch: request and response both have a nonce and they differ.
	KindNonceMismatch
	// KindUnhandledCritical: a critical extension is not understood.
	KindUnhandledCritical
	// KindNoResponder: the certificate of the responder is not at hand.
	KindNoResponder
	// KindResponderExpired: the responder's certificate is outside its validity.
	KindResponderExpired
	// KindUnknownAlgorithm: the signature, the key or its digest cannot be computed here.
	KindUnknownAlgorithm
	// KindIncomplete: the options of the check lack the certificate, the issuer or the time.
	KindIncomplete
)

var kindNames = [...]string{
	KindMalformed: "malformed", KindBadSignature: "bad-signature", KindUnauthorized: "unauthorized-responder",
	KindErrorStatus: "error-status", KindOtherCertificate: "other-certificate", KindStale: "stale",
	KindFuture: "future", KindNonceMismatch: "nonce-mismatch", KindUnhandledCritical: "critical-extension",
	KindNoResponder: "no-responder", KindResponderExpired: "responder-expired",
	KindUnknownAlgorithm: "unknown-algorithm", KindIncomplete: "incomplete",
}

// String returns a stable, hyphenated name.
func (k ErrorKind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("ErrorKind(%d)", uint8(k))
}

// Invalid says whether the response is to be refused as such: it is malformed,
// not signed by whom it names, or signed by somebody without the right to. All
// other kinds leave the question open (indeterminate).
func (k ErrorKind) Invalid() bool {
	return k == KindMalformed || k == KindBadSignature || k == KindUnauthorized
}

// Error is what Check and the parsers return.
type Error struct {
	Kind   ErrorKind
	Status ResponseStatus // for KindErrorStatus
	Detail string         // names the field; English
	Cite   string         // the clause that was violated, or ""
	Err    error          // the cause, or nil
}

// Error returns the detail, the clause and the cause.
func (e *Error) Error() string {
	s := "ocsp: " + e.Detail
	if e.Cite != "" {
		s += " (" + e.Cite + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Invalid says the same as [ErrorKind.Invalid] of the kind.
func (e *Error) Invalid() bool { return e.Kind.Invalid() }

func malformed(format string, args ...any) *Error {
	return &Error{Kind: KindMalformed, Detail: fmt.Sprintf(format, args...)}
}
