// Package casock is the protocol between `ca` commands and a running
// `ca serve`: one process holds the ledger, the others ask it through a unix
// socket in the authority's directory.
//
// # Protocol
//
// A client connects to the socket and writes requests, one JSON object a line,
// at most 2 MiB (limits.SocketRequest); the server answers each with one JSON
// object a line, at most 256 MiB (limits.SocketResponse), in the same order.
// Binary data is Base64, times are RFC 3339.
//
//	{"v":1,"op":"issue","profile":"citizen","request":"MII…","days":0,"identificationKind":0}
//	{"v":1,"op":"revoke","serial":"7f01…","reason":"keyCompromise","invalidityDate":"…"}
//	{"v":1,"op":"hold","serial":"…"}     {"v":1,"op":"release","serial":"…"}
//	{"v":1,"op":"desk","profile":"citizen","request":"MII…","desk":{"verb":"submit","statement":"…","signature":"…"}}
//	{"v":1,"op":"bulk","bulk":[{"profile":"citizen","request":"MII…"},{"request":"MII…","days":30}]}
//	{"v":1,"op":"crl"}
//	{"v":1,"op":"list","status":"revoked","after":"…"}
//	{"v":1,"op":"expiring","from":"…","to":"…","after":"…"}
//	{"v":1,"op":"journal","journal":{"ask":"records","node":"main","seq":7}}
//
// The journal may be asked for "heads", "records" behind "seq", "verify",
// "prove" and "erase" of the record "seq" of "node", and to "sign" its heads.
//
// An answer has the members that fit the operation ("certificate", "entry",
// "crl" with "der", "entries" with "next", "journal") or "error" with a stable "code" and
// a "message". The codes are in this package's table of errors.
//
// # Who may ask
//
// The socket has mode 0600 in a directory of mode 0700, so the system lets
// only its owner (and root) connect; on Linux the server also asks the kernel
// for the peer's user and refuses any but its own and root. The user's number
// is the actor in the journal. The authority's password never crosses the
// socket: the server has the key open.
package casock

import (
	"errors"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

const (
	// version is what both sides write into "v" and demand there.
	version = 1
	// idle is how long a connection may be silent: commands connect, ask and
	// leave.
	idle = time.Minute
	// pageSize is how many entries one "list" answers.
	pageSize = 500
)

// The operations.
const (
	opIssue   = "issue"
	opRevoke  = "revoke"
	opHold    = "hold"
	opRelease = "release"
	opCRL     = "crl"
	opList    = "list"
	opExpires = "expiring"
	opJournal = "journal"
	opDesk    = "desk"
	opBulk    = "bulk"
)

// request is one line of a client.
type request struct {
	Version            int       `json:"v"`
	Op                 string    `json:"op"`
	Profile            string    `json:"profile,omitempty"`
	Request            []byte    `json:"request,omitempty"` // DER
	Days               int       `json:"days,omitempty"`
	IdentificationKind int       `json:"identificationKind,omitempty"`
	Serial             ca.Serial `json:"serial,omitzero"`
	Reason             string    `json:"reason,omitempty"`
	InvalidityDate     time.Time `json:"invalidityDate,omitzero"`
	Status             ca.Status `json:"status,omitempty"`
	After              ca.Serial `json:"after,omitzero"`
	From               time.Time `json:"from,omitzero"` // of "expiring"
	To                 time.Time `json:"to,omitzero"`

	Journal *journalQuery `json:"journal,omitempty"`
	Desk    *deskQuery    `json:"desk,omitempty"`
	Bulk    []bulkItem    `json:"bulk,omitempty"`
}

// response is one line of a server.
type response struct {
	Version     int          `json:"v"`
	Certificate []byte       `json:"certificate,omitempty"` // DER
	Entry       *ca.Entry    `json:"entry,omitempty"`
	CRL         *ca.CRLEntry `json:"crl,omitempty"`
	DER         []byte       `json:"der,omitempty"` // of the CRL
	Entries     []ca.Entry   `json:"entries,omitempty"`
	Next        ca.Serial    `json:"next,omitzero"`

	Journal *journalAnswer `json:"journal,omitempty"`
	Desk    *deskAnswer    `json:"desk,omitempty"`
	Bulk    []bulkAnswer   `json:"bulk,omitempty"`
	Error   *remoteError   `json:"error,omitempty"`
}

// remoteError is an error on its way through the socket. On the client's side
// it unwraps to the sentinel that its code stands for.
type remoteError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"` // of a ca.RequestError
}

// Error returns the server's message.
func (e *remoteError) Error() string { return e.Message }

// Unwrap returns what errors.Is and errors.As find on the server's side too.
func (e *remoteError) Unwrap() error {
	switch e.Code {
	case codeRequest:
		return &ca.RequestError{Field: e.Field, Detail: e.Message}
	case codeStatement:
		return &ca.StatementError{Field: e.Field, Detail: e.Message}
	}
	for _, row := range errorTable() {
		if row.code == e.Code {
			return row.err
		}
	}
	return nil
}

const (
	codeRequest   = "request-refused"
	codeStatement = "statement-refused"
	codeProtocol  = "protocol"
	codeInternal  = "internal"
)

// ErrLint is what a lint refusal unwraps to on the client's side, where the
// report is not at hand.
var ErrLint = errors.New("casock: the certificate would break a rule")

// ErrProtocol is returned for a line that is not a request or an answer.
var ErrProtocol = errors.New("casock: the other side does not speak the protocol")

// errorRow ties a code on the wire to a sentinel.
type errorRow struct {
	code string
	err  error
}

func errorTable() []errorRow {
	return []errorRow{
		{"not-found", ca.ErrNotFound},
		{"revoked", ca.ErrRevoked},
		{"not-covered", journal.ErrNotCovered},
		{"no-field", journal.ErrNoField},
		{"not-erased", journal.ErrErasure},
		{"on-hold", ca.ErrOnHold},
		{"not-on-hold", ca.ErrNotOnHold},
		{"reason", ca.ErrReason},
		{"key-blocked", ca.ErrKeyBlocked},
		{"outside-validity", ca.ErrOutsideValidity},
		{"not-issuer", ca.ErrNotIssuer},
		{"superseded", ca.ErrSuperseded},
		{"profile", ca.ErrProfile},
		{"serial-used", ca.ErrSerialUsed},
		{"approval-needed", ca.ErrApprovalNeeded},
		{"state", ca.ErrState},
		{"request-exists", ca.ErrRequestExists},
		{"submitter", ca.ErrSubmitter},
		{"self-approval", ca.ErrSelfApproval},
		{"replayed", ca.ErrReplayed},
		{"unsigned", ca.ErrUnsigned},
		{"role", ca.ErrRole},
		{"stale", ca.ErrStale},
		{"profile-changed", ca.ErrProfileChanged},
		{"operator-exists", ca.ErrOperatorExists},
		{"operator", ca.ErrOperator},
		{"renewal", ca.ErrRenewal},
		{"version", ca.ErrVersion},
		{"lint", ErrLint},
		{codeProtocol, ErrProtocol},
	}
}

// toRemote puts an error on the wire.
func toRemote(err error) *remoteError {
	out := &remoteError{Code: codeInternal, Message: err.Error()}
	var refused *ca.RequestError
	var lint *ca.LintError
	var statement *ca.StatementError
	switch {
	case errors.As(err, &statement):
		out.Code, out.Field = codeStatement, statement.Field
		return out
	case errors.As(err, &refused):
		out.Code, out.Field = codeRequest, refused.Field
		return out
	case errors.As(err, &lint):
		out.Code = "lint"
		return out
	}
	for _, row := range errorTable() {
		if errors.Is(err, row.err) {
			out.Code = row.code
			return out
		}
	}
	return out
}

// parseRequest reads DER, the only form that the socket carries.
func parseRequest(der []byte) (*pki.CertificateRequest, error) {
	r, err := pki.ParseRequest(der)
	if err != nil {
		return nil, &ca.RequestError{Field: "request", Detail: "not readable", Err: err}
	}
	return r, nil
}
