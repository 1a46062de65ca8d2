// Package ocsp reads, checks and writes messages of the Online Certificate
// Status Protocol (RFC 6960, profile RFC 5019) and holds the logic of a
// responder. Bytes come in and bytes go out: the package opens no connection.
//
// There is no Russian profile of OCSP: the algorithm identifiers are those of
// RFC 9215, and a CertID may be computed with SHA-1 (which every responder
// knows), SHA-2 or Streebog.
//
// A response decides nothing before [Response.Check] has passed: a parsed
// Response is what somebody claims.
package ocsp

import (
	"fmt"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CertStatus is the state of one certificate in a response (RFC 6960, section
// 2.2). The zero value is Unknown: the safe one.
type CertStatus uint8

// The states of RFC 6960, section 2.2.
const (
	Unknown CertStatus = iota // the responder does not know the certificate: this is not good
	Good                      // not revoked at thisUpdate, as far as the responder knows
	Revoked                   // revoked or on hold (reason certificateHold), or never issued
)

// String returns the name that RFC 6960 uses.
func (s CertStatus) String() string {
	switch s {
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("CertStatus(%d)", uint8(s))
}

// ResponseStatus is OCSPResponseStatus (RFC 6960, section 4.2.1), with the
// numbers of the standard.
type ResponseStatus uint8

// The values of OCSPResponseStatus; 4 is not used.
const (
	Successful       ResponseStatus = 0 // the response has confirmations
	MalformedRequest ResponseStatus = 1 // the request could not be read
	InternalError    ResponseStatus = 2 // the responder failed
	TryLater         ResponseStatus = 3 // the responder cannot answer now
	SigRequired      ResponseStatus = 5 // the request must be signed
	Unauthorized     ResponseStatus = 6 // the responder may not or cannot answer authoritatively
)

// String returns the name that RFC 6960 uses.
func (s ResponseStatus) String() string {
	switch s {
	case Successful:
		return "successful"
	case MalformedRequest:
		return "malformedRequest"
	case InternalError:
		return "internalError"
	case TryLater:
		return "tryLater"
	case SigRequired:
		return "sigRequired"
	case Unauthorized:
		return "unauthorized"
	}
	return fmt.Sprintf("ResponseStatus(%d)", uint8(s))
}

// NoReason is Single.Reason and Answer.Reason where no CRLReason is given.
const NoReason = -1

// Single is one SingleResponse: what the responder says of one certificate.
type Single struct {
	ID         CertID
	Status     CertStatus
	RevokedAt  time.Time // UTC; zero unless Revoked
	Reason     int       // CRLReason (RFC 5280, section 5.3.1); NoReason if absent or not Revoked
	ThisUpdate time.Time // UTC; the moment at which the status was known to be right
	NextUpdate time.Time // UTC; zero if absent: newer information is available all the time
	Extensions []pki.Extension
}

// Response is an OCSPResponse or a bare BasicOCSPResponse as it was received.
type Response struct {
	Raw    []byte         // the whole input
	Status ResponseStatus // Successful for a bare BasicOCSPResponse

	// The fields below are zero unless Status is Successful.

	BasicRaw           []byte    // DER of BasicOCSPResponse, as it travels in revocation-values
	RawTBS             []byte    // DER of ResponseData: what was signed
	ResponderName      *pki.Name // responderID byName, or nil
	ResponderKeyHash   []byte    // responderID byKey: SHA-1 over the key's BIT STRING content, or nil
	ProducedAt         time.Time
	Singles            []Single
	Nonce              []byte // 1 to 32 octets by RFC 8954; nil if absent
	Extensions         []pki.Extension
	Certificates       []*pki.Certificate // certs, those that could be parsed
	SignatureAlgorithm alg.Identifier
	Signature          []byte
	UnhandledCritical  []oid.OID     // critical extensions of the response or of a Single that are not understood
	Findings           []pki.Finding // deviations that do not prevent reading
}
