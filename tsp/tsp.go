// Package tsp is the Time-Stamp Protocol (RFC 3161, updated by RFC 5816): its
// messages, their checks, the client ([Requester]) and the authority
// ([Authority]). Bytes come in and bytes or a decision about them go out: the
// package opens no connection.
//
// [Token.Check] says whether a token stamps the given octets and who signed
// it. Whether that authority is trusted, and was not revoked, is a question
// about its certificate at genTime, and left to the caller.
package tsp

import (
	"fmt"
	"math/big"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Token is a TimeStampToken: a SignedData around a TSTInfo (RFC 3161, section
// 2.4.2).
type Token struct {
	Raw    []byte // as it was received
	Info   Info
	Signed *cms.SignedData
}

// Info is a TSTInfo (RFC 3161, section 2.4.2).
type Info struct {
	Raw           []byte // DER as it was signed
	Policy        oid.OID
	HashAlgorithm alg.Identifier // of messageImprint
	HashedMessage []byte         // messageImprint; its length fits HashAlgorithm where that is known
	Serial        *big.Int
	GenTime       time.Time // UTC; fractions of a second are kept
	Accuracy      Accuracy
	Ordering      bool
	Nonce         *big.Int // nil if absent
	TSA           []byte   // DER of the GeneralName; nil if absent
	Extensions    []pki.Extension
	Findings      []pki.Finding
}

// Accuracy is the deviation around genTime; the zero value is an absent one.
type Accuracy struct {
	Present bool
	Value   time.Duration
}

// Status is PKIStatus (RFC 3161, section 2.4.2), with the standard's numbers.
type Status int

// The values of PKIStatus.
const (
	Granted                Status = 0 // a token is present
	GrantedWithMods        Status = 1 // a token is present, with modifications
	Rejection              Status = 2
	Waiting                Status = 3
	RevocationWarning      Status = 4
	RevocationNotification Status = 5
)

// String returns the name that RFC 3161 uses.
func (s Status) String() string {
	names := [...]string{"granted", "grantedWithMods", "rejection", "waiting", "revocationWarning", "revocationNotification"}
	if s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("PKIStatus(%d)", int(s))
}

// Response is a TimeStampResp.
type Response struct {
	Raw     []byte
	Status  Status
	Text    []string // statusString
	Failure []string // names of the bits of failInfo
	Token   *Token   // not nil if and only if Status is Granted or GrantedWithMods
}

// ErrorKind says what is wrong with a token or a response.
type ErrorKind uint8

// The kinds of [Error].
const (
	// KindMalformed: the input is no time-stamp token or response.
	KindMalformed ErrorKind = iota + 1
	// KindImprint: the token stamps other octets.
	KindImprint
	// KindSignature: the signature of the token, its attributes or its
	// ESSCertID do not hold.
	KindSignature
	// KindUsage: the signer's certificate is not that of a time-stamping
	// authority (RFC 3161, section 2.3).
	KindUsage
	// KindTime: genTime lies outside the validity of the signer's certificate.
	KindTime
	// KindNonce: the nonce is not that of the request.
	KindNonce
	// KindPolicy: the policy is not that of the request.
	KindPolicy
	// KindNoCertificate: the signer's certificate is not at hand. Not invalid.
	KindNoCertificate
	// KindUnknownAlgorithm: a digest, key or signature cannot be computed
	// here. Not invalid.
	KindUnknownAlgorithm
	// KindUnhandledCritical: a critical extension is not understood. Not invalid.
	KindUnhandledCritical
	// KindStatus: the response has no token; Error.Status says why. Not invalid.
	KindStatus
)

// Invalid says whether the token is to be refused as such; all other kinds
// leave the question open (indeterminate).
func (k ErrorKind) Invalid() bool { return k >= KindMalformed && k < KindNoCertificate }

// Error is what the parsers and Check return.
type Error struct {
	Kind   ErrorKind
	Status Status // for KindStatus
	// Failure names the bits of failInfo; for KindStatus.
	Failure []string
	Detail  string // names the field; English
	Cite    string
	Err     error // the cause, or nil
}

// Error returns the detail, the clause and the cause.
func (e *Error) Error() string {
	s := "tsp: " + e.Detail
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
