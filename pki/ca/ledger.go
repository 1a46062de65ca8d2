package ca

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
)

// What a ledger answers and a caller branches on.
var (
	// ErrNotFound: there is no such certificate or list in the ledger.
	ErrNotFound = errors.New("ca: not found in the ledger")
	// ErrSerialUsed: the serial number was given out before.
	ErrSerialUsed = errors.New("ca: the serial number was used before")
	// ErrRevoked: the certificate is revoked, and a revocation is final.
	ErrRevoked = errors.New("ca: the certificate is revoked already")
	// ErrCRLNumber: the number of a CRL is not greater than the last one's.
	ErrCRLNumber = errors.New("ca: the CRL number does not rise")
	// ErrHeadsNumber: signed heads do not follow the last ones.
	ErrHeadsNumber = errors.New("ca: the signed heads do not follow the last ones")
	// ErrNoRecord: an Update changed something and put nothing on record.
	ErrNoRecord = errors.New("ca: a change without a journal record is refused")
)

// Ledger is where a certification authority keeps what it did. It has one
// writing method: what a function passed to Update does (a change of state, a
// serial or CRL number, the hash-chained journal record that says so) commits
// together and is on the disk when Update returns nil, or has not happened.
//
// Every implementation passes the suite in package ledgertest.
type Ledger interface {
	// View calls f with a consistent view of the ledger. The view must not
	// be used after f returns. f should be quick: a writer may have to wait
	// for it. It is called once, or again as long as it has read nothing.
	View(ctx context.Context, f func(ReadTx) error) error
	// Update calls f alone among all writers and commits unless f or the
	// context returns an error, which is then Update's. A change without a
	// journal record is [ErrNoRecord]. f must not call View or Update. f may
	// be called more than once, each time with a Tx that has changed nothing
	// yet, where another node was in the way or the database had to be found
	// again: what f hands to the outside it must set, not add to.
	Update(ctx context.Context, f func(Tx) error) error
	// Close gives the ledger back; nothing may be called after it.
	Close() error
}

// ReadTx is a consistent view of a ledger. While one of its iterations runs,
// nothing may be changed: collect first, then change.
type ReadTx interface {
	// Issuer returns the DER certificate of the authority that the ledger
	// belongs to, or [ErrNotFound].
	Issuer() ([]byte, error)
	// Entry returns what is known about a certificate, or [ErrNotFound].
	Entry(Serial) (Entry, error)
	// Certificate returns an issued certificate in DER, or [ErrNotFound].
	Certificate(Serial) ([]byte, error)
	// Entries iterates over the entries behind a serial number, in the order
	// of serial numbers; the zero Serial starts at the first.
	Entries(after Serial) iter.Seq2[Entry, error]
	// Listed iterates over the entries that belong on the next CRL: those
	// for which [Entry.OnCRL] holds, in the order of serial numbers.
	Listed() iter.Seq2[Entry, error]
	// Days iterates over the UTC days that begin before to and do not end
	// before from, and on which something happened, in their order. The counts
	// are kept with the entries: no entry is looked at.
	Days(from, to time.Time) iter.Seq2[DayCount, error]
	// Expiring returns the first n entries behind another one, whatever their
	// status, whose notAfter is not before from and is before to, in the order
	// of notAfter and then of serial numbers; the zero Serial starts at the
	// first, and one that is not there is [ErrNotFound]. It returns at most
	// limits.SearchResults.
	Expiring(from, to time.Time, after Serial, n int) ([]Entry, error)
	// Search returns the first n entries behind a serial number whose own
	// begins with the text in hexadecimal digits, or whose subject has, for
	// each word of the text, one that begins with it: words of the common
	// name, surname and given names, INN, SNILS, OGRN, OGRNIP, e-mail address
	// and its domain, in upper or lower case, with ё or е. They are in the
	// order of serial numbers and at most limits.SearchResults. The errors are
	// [ErrSearchText] and [ErrSearchBroad].
	Search(text string, after Serial, n int) ([]Entry, error)
	// KeyBlocked reports whether a key, named by its key identifier, was
	// blocked by [Tx].BlockKey.
	KeyBlocked(keyID []byte) (bool, error)
	// BlockedKeys iterates over the identifiers of blocked keys, in the order
	// of their octets.
	BlockedKeys() iter.Seq2[[]byte, error]
	// LastCRL returns the CRL with the highest number, or [ErrNotFound].
	LastCRL() (CRLEntry, error)
	// Request returns a request by its identifier, or [ErrNotFound].
	Request(id string) (RequestEntry, error)
	// Requests iterates over the requests behind another one that pass the
	// filter; "" starts at the first. Where the filter names a state, requests
	// in it are found by an index, the newest first and those of one second in
	// the order of identifiers; the one before may be in another state by now,
	// and if it is not there, the error is [ErrNotFound]. Otherwise they are in
	// the order of identifiers, and all of them are looked at.
	Requests(after string, filter RequestFilter) iter.Seq2[RequestEntry, error]
	// Operator returns an operator by name, removed ones too, or [ErrNotFound].
	Operator(name string) (Operator, error)
	// Operators iterates over all operators, removed ones too, in the order of
	// the octets of their names.
	Operators() iter.Seq2[Operator, error]
	// Heads returns the ends of the journal's chains by the names of the
	// nodes that write them. A node that has written nothing is left out; one
	// that has records and no head, which is damage, has number 0.
	Heads() (map[string]journal.Head, error)
	// Journal iterates over the records of a node's chain behind a sequence
	// number; for an unknown node there are none.
	Journal(node string, after uint64) iter.Seq2[journal.Record, error]
	// LastSignedHeads returns the signed heads with the highest number, or
	// [ErrNotFound].
	LastSignedHeads() (journal.SignedHeads, error)
	// SignedHeads iterates over the signed heads behind a number, in the
	// order of numbers; 0 starts at the first.
	SignedHeads(after uint64) iter.Seq2[journal.SignedHeads, error]
}

// Tx is a change in progress. It sees its own changes.
type Tx interface {
	ReadTx
	// SetIssuer ties the ledger to an authority's DER certificate. It fails
	// if another one is set.
	SetIssuer(der []byte) error
	// Add puts a new certificate on the ledger. A serial number that was
	// used before, or is zero, gives [ErrSerialUsed].
	Add(e Entry, der []byte) error
	// SetStatus replaces Status, RevokedAt, Reason, InvalidityDate and
	// DroppedAfter of an entry by those of e. A certificate that is revoked
	// stays revoked, with its date and reason: otherwise [ErrRevoked].
	SetStatus(e Entry) error
	// BlockKey remembers a key, named by its key identifier, for which no
	// certificate may be issued any more.
	BlockKey(keyID []byte) error
	// AddCRL keeps a new CRL. Its number must be greater than that of every
	// CRL before: otherwise [ErrCRLNumber].
	AddCRL(CRLEntry) error
	// SaveRequest keeps a request. e.Version is the version that was read, 0
	// for a new request; what is kept has the next one. If the ledger has
	// another version, or has the request although it is to be new, the error
	// is [ErrVersion].
	SaveRequest(e RequestEntry) error
	// SaveOperator keeps an operator, with Version as in SaveRequest.
	SaveOperator(o Operator) error
	// Append puts a record into the chain of the node for which the ledger
	// was opened.
	Append(journal.Entry) (journal.Record, error)
	// Erase replaces a record by what [journal.Record.Erase] leaves of it,
	// and returns that. A record that is not there gives [ErrNotFound], an
	// unknown field [journal.ErrNoField], and a record that is not intact an
	// error.
	Erase(node string, seq uint64, fields ...string) (journal.Record, error)
	// AddSignedHeads keeps new signed heads. Their number is one more than
	// the last one's: otherwise [ErrHeadsNumber].
	AddSignedHeads(journal.SignedHeads) error
}

// Status is the state of an issued certificate in the ledger. Whether it has
// expired is a matter of the time and not kept.
type Status string

// The states of a certificate.
const (
	Valid   Status = "valid"
	OnHold  Status = "hold"
	Revoked Status = "revoked"
)

// Entry is what the ledger knows about an issued certificate beside its bytes.
// Times are in UTC and whole seconds, as certificates and CRLs have them.
type Entry struct {
	Serial    Serial    `json:"serial"`
	Profile   string    `json:"profile"`
	Subject   string    `json:"subject"` // RFC 4514 text
	KeyID     []byte    `json:"keyId"`   // subjectKeyIdentifier
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	IssuedAt  time.Time `json:"issuedAt"`

	Status         Status    `json:"status"`
	RevokedAt      time.Time `json:"revokedAt,omitzero"` // of a hold: since when
	Reason         Reason    `json:"reason,omitempty"`
	InvalidityDate time.Time `json:"invalidityDate,omitzero"`
	// DroppedAfter is the number of the CRL that listed the certificate
	// beyond its notAfter, after which it is listed no more; 0 while it is.
	DroppedAfter uint64 `json:"droppedAfter,omitempty"`
}

// OnCRL reports whether the certificate belongs on the next CRL.
//
// RFC 5280, section 3.3: "An entry MUST NOT be removed from the CRL until it
// appears on one regularly scheduled CRL issued beyond the revoked
// certificate's validity period."
func (e Entry) OnCRL() bool { return e.Status != Valid && e.DroppedAfter == 0 }

// CRLEntry is an issued certificate revocation list, or several that were made
// together and have one number: see [Issuer.Publish].
type CRLEntry struct {
	Number uint64 `json:"number"`
	// Base is 0 for complete lists. For delta lists it is the number of the
	// complete list that DER still is, and to which the other fields belong.
	Base       uint64    `json:"base,omitempty"`
	ThisUpdate time.Time `json:"thisUpdate"`
	NextUpdate time.Time `json:"nextUpdate"`
	Entries    int       `json:"entries"` // number of listed certificates
	// DER is the complete list; empty where it is too large for a ledger
	// (limits.ListInLedger) and is in the folder of publication only.
	DER []byte `json:"-"`
}
