// Package pki reads and creates certificates, certification requests and
// certificate revocation lists (RFC 5280, RFC 2986) with GOST, ECDSA and RSA
// keys (RFC 9215 for GOST).
//
// The parser is tolerant: it keeps every octet that it read, accepts what
// issuers in the world emit, and records each deviation as a Finding. A
// structure that parsed is not thereby valid: a Finding of severity Error
// means that no decision may rest on the structure, and pki/path refuses it.
// Field names follow crypto/x509 where the meaning is the same.
package pki

import (
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Severity grades a Finding. The zero value is Info.
type Severity uint8

// The severities of a Finding.
const (
	Info  Severity = iota // worth knowing, common in real certificates
	Warn                  // a violation that does not endanger a decision
	Error                 // a violation for which the structure must not be accepted
)

// String returns "info", "warn" or "error".
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warn:
		return "warn"
	default:
		return "error"
	}
}

// Finding is one deviation from the standards recorded while parsing.
type Finding struct {
	Code     string // stable, such as "serial-negative"
	Field    string // ASN.1 path, such as "tbsCertificate.serialNumber"
	Detail   string // what was found, in English
	Cite     string // the clause that it violates
	Severity Severity
}

// String returns the finding in one line of English.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s: %s (%s)", f.Severity, f.Code, f.Field, f.Detail, f.Cite)
}

// HasErrors reports whether a finding of severity Error is among list.
func HasErrors(list []Finding) bool {
	_, bad := FirstError(list)
	return bad
}

// FirstError returns the first finding of severity Error.
func FirstError(list []Finding) (Finding, bool) {
	for _, f := range list {
		if f.Severity == Error {
			return f, true
		}
	}
	return Finding{}, false
}

// recorder collects findings up to limits.Findings. The last slot is kept for
// an Error, so that a flood of small findings cannot hide a grave one.
type recorder struct {
	list        []Finding
	blocked     bool // an Error was recorded
	certificate bool // a certificate is being read
}

// grave is the severity of what the profile forbids in certificates, where no
// issuer is known to need it, and what is merely noted elsewhere: a request is
// the word of one person, and lists must be read to protect.
func (r *recorder) grave() Severity {
	if r.certificate {
		return Error
	}
	return Warn
}

func (r *recorder) add(s Severity, code, field, detail, cite string) {
	if len(r.list) >= limits.Findings || len(r.list) == limits.Findings-1 && (s != Error || r.blocked) {
		return
	}
	r.blocked = r.blocked || s == Error
	r.list = append(r.list, Finding{Code: code, Field: field, Detail: detail, Cite: cite, Severity: s})
}

// Extension is one extension of a certificate, request, CRL or CRL entry (RFC
// 5280, section 4.1).
type Extension struct {
	ID       oid.OID
	Critical bool
	Value    []byte // contents of extnValue: the DER of the extension's own type
	Raw      []byte // the whole Extension SEQUENCE; may be nil when creating
}

// KeyUsage is the set of bits of the keyUsage extension, numbered as in
// crypto/x509: bit 0 is digitalSignature (RFC 5280, section 4.2.1.3).
type KeyUsage uint16

// The bits of KeyUsage.
const (
	KeyUsageDigitalSignature  KeyUsage = 1 << iota
	KeyUsageContentCommitment          // formerly nonRepudiation
	KeyUsageKeyEncipherment
	KeyUsageDataEncipherment
	KeyUsageKeyAgreement
	KeyUsageCertSign
	KeyUsageCRLSign
	KeyUsageEncipherOnly
	KeyUsageDecipherOnly
)

// Errors that callers branch on.
var (
	// ErrAlgorithmMismatch: the algorithm inside the signed part differs from
	// the one outside it (RFC 5280, sections 4.1.1.2 and 5.1.1.2).
	ErrAlgorithmMismatch = errors.New("pki: the signature algorithm inside the signed part differs from the one outside")
	// ErrSignatureForm: the signature BIT STRING has unused bits.
	ErrSignatureForm = errors.New("pki: the signature is not a whole number of octets")
	// ErrNoKey: the issuer's public key is of an unknown kind or broken; the
	// cause is wrapped beside it.
	ErrNoKey = errors.New("pki: the public key cannot be used")
)
