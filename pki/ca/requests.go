package ca

import (
	"errors"
	"slices"
	"time"
)

// What a ledger answers about requests and operators.
var (
	// ErrVersion: the request or the operator was changed by somebody else
	// since it was read, or exists although it was to be new.
	ErrVersion = errors.New("ca: it was changed by somebody else in the meantime")
)

// RequestState is where a request for a certificate stands.
type RequestState string

// The states of a request. A request moves only along [RequestState.Next];
// rejected and issued are final.
const (
	Draft     RequestState = "draft"     // kept, and may still be changed
	Submitted RequestState = "submitted" // handed in; what is asked for is fixed
	InReview  RequestState = "in-review" // somebody works on it
	Approved  RequestState = "approved"  // everybody whom the profile asks has signed
	Rejected  RequestState = "rejected"  // refused, for good
	Issued    RequestState = "issued"    // the certificate exists
)

// Next returns the states that may follow; nil for a final state and for a word
// that is no state.
func (s RequestState) Next() []RequestState {
	switch s {
	case Draft:
		return []RequestState{Draft, Submitted, Rejected}
	case Submitted:
		return []RequestState{InReview, Approved, Rejected, Issued}
	case InReview:
		return []RequestState{InReview, Approved, Rejected, Issued}
	case Approved:
		return []RequestState{Rejected, Issued}
	default:
		return nil
	}
}

// Known reports whether s is one of the states above.
func (s RequestState) Known() bool { return s.Next() != nil || s == Rejected || s == Issued }

// RequestEntry is a request for a certificate on its way through an authority.
// Times are in UTC and whole seconds.
type RequestEntry struct {
	// ID is the Streebog-256 digest of the request's DER in 64 lower-case
	// hexadecimal digits: see [RequestID]. One request exists once.
	ID string `json:"id"`
	// Version counts the changes: 1 when it was saved first. [Tx].SaveRequest
	// compares it.
	Version uint64       `json:"version"`
	State   RequestState `json:"state"`
	// Profile is "name@version", ProfileDigest its digest, as [Profile.Digest]
	// gives it: what was approved is what is issued.
	Profile       string `json:"profile"`
	ProfileDigest string `json:"profileDigest"`
	// Days and IdentificationKind are as in [Request].
	Days               int `json:"days,omitempty"`
	IdentificationKind int `json:"identificationKind"`
	// CSR is the PKCS #10 request in DER.
	CSR []byte `json:"csr"`
	// Renewal is the CMS by which the holder of an earlier certificate asked
	// for this one, nil otherwise; Renews is that certificate's serial number.
	Renewal []byte `json:"renewal,omitempty"`
	Renews  Serial `json:"renews,omitzero"`
	// Submitter is who handed it in: an operator's name where Submission is
	// there or the caller had authenticated them.
	Submitter string    `json:"submitter"`
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
	// Submission is the submitter's signed statement, nil where there is none.
	Submission *Approval `json:"submission,omitempty"`
	// Approvals are the signed decisions, in the order in which they came.
	Approvals []Approval `json:"approvals,omitempty"`
	// Serial is that of the issued certificate, zero before.
	Serial Serial `json:"serial,omitzero"`
	// Note is free text of the submitter and, below it, of who rejected the
	// request; at most limits.RequestNote octets.
	Note string `json:"note,omitempty"`
}

// Approval is a signed statement of an operator about a request, kept as it
// was signed so that anybody can check it again.
type Approval struct {
	Operator  string    `json:"operator"` // name of the [Operator]
	Role      Role      `json:"role"`     // in which the operator acted
	Decision  Decision  `json:"decision"`
	At        time.Time `json:"at"`        // the time in the statement
	Statement []byte    `json:"statement"` // what was signed: see [Statement]
	Signature []byte    `json:"signature"` // detached CMS SignedData over it, DER
}

// RequestFilter says which requests a caller wants; the zero filter is all.
type RequestFilter struct {
	State     RequestState // "" is every state
	Submitter string       // "" is everybody
}

// Match reports whether a request passes the filter.
func (f RequestFilter) Match(e RequestEntry) bool {
	return (f.State == "" || f.State == e.State) && (f.Submitter == "" || f.Submitter == e.Submitter)
}

// Role is what an operator may do.
type Role string

// The roles.
const (
	RoleOperator Role = "operator" // hands in, reviews, issues
	RoleApprover Role = "approver" // signs decisions
	RoleAuditor  Role = "auditor"  // reads
)

// Operator is a person who works at an authority. The person is the name; a
// certificate belongs to one name.
type Operator struct {
	Name    string `json:"name"`
	Version uint64 `json:"version"` // as in RequestEntry
	Roles   []Role `json:"roles"`
	// Certificate is the DER certificate of the operator's own key.
	Certificate []byte    `json:"certificate"`
	Added       time.Time `json:"added"`
	// Removed is when the operator lost every role; the entry stays, so that
	// signatures of that time can be understood.
	Removed time.Time `json:"removed,omitzero"`
}

// Has reports whether an operator who was not removed has a role.
func (o Operator) Has(r Role) bool { return o.Removed.IsZero() && slices.Contains(o.Roles, r) }

// Decision is what a signed statement says.
type Decision string

// The decisions.
const (
	DecisionSubmit  Decision = "submit"
	DecisionApprove Decision = "approve"
	DecisionReject  Decision = "reject"
	DecisionReview  Decision = "review" // the operator works on it
)
