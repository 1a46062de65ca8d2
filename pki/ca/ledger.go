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
	// for it.
	View(ctx context.Context, f func(ReadTx) error) error
	// Update calls f alone among all writers and commits unless f or the
	// context returns an error, which is then Update's. A change without a
	// journal record is [ErrNoRecord]. f must not call View or Update.
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
	// KeyBlocked reports whether a key, named by its key identifier, was
	// blocked by [Tx].BlockKey.
	KeyBlocked(keyID []byte) (bool, error)
	// LastCRL returns the CRL with the highest number, or [ErrNotFound].
	LastCRL() (CRLEntry, error)
	// JournalHead returns the end of the journal.
	JournalHead() (journal.Head, error)
	// Journal iterates over the records behind a sequence number.
	Journal(after uint64) iter.Seq2[journal.Record, error]
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
	// Append puts a record into the journal.
	Append(journal.Entry) (journal.Record, error)
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

// CRLEntry is an issued certificate revocation list.
type CRLEntry struct {
	Number     uint64    `json:"number"`
	ThisUpdate time.Time `json:"thisUpdate"`
	NextUpdate time.Time `json:"nextUpdate"`
	Entries    int       `json:"entries"` // number of listed certificates
	DER        []byte    `json:"-"`
}

// VerifyJournal checks the whole journal of a ledger against its head; the
// error is as [journal.Verify] gives it.
func VerifyJournal(ctx context.Context, l Ledger) (journal.Head, error) {
	var got journal.Head
	err := l.View(ctx, func(tx ReadTx) error {
		head, err := tx.JournalHead()
		if err != nil {
			return err
		}
		got, err = journal.Verify(tx.Journal(0), head)
		if err == nil && got != head {
			// In a ledger both commit together: nothing may stand behind.
			err = &journal.DamageError{Kind: journal.Changed, Seq: head.Seq + 1, Position: head.Seq + 1}
		}
		return err
	})
	return got, err
}
