// Package boltstore keeps the ledger of a certification authority in one file
// by go.etcd.io/bbolt: every Update is one transaction, on the disk before it
// returns, and a crash at any moment leaves either all of it or nothing.
//
// One process holds the file. A second one waits, at most ten seconds unless
// its context says otherwise, and then gets a [HeldError] that names the
// holder from a file beside the ledger (its name with ".holder" added).
//
// # Layout of the file
//
//	meta         "format" -> "3"; "issuer" -> DER of the CA's certificate;
//	             "crl" -> DER of the last CRL; "words" -> number of the last
//	             part of the index of words, and how many it has, 4 octets each;
//	             "indexing" and "indexing-requests" -> while a ledger is brought
//	             up to date: the last serial number and the last identifier of a
//	             request in the indexes
//	certificate  serial number, 20 octets big-endian -> DER
//	entry        serial number -> JSON of ca.Entry
//	listed       serial number of what belongs on the next CRL -> nothing
//	blocked      key identifier -> nothing
//	crl          CRL number, 8 octets big-endian -> JSON of ca.CRLEntry
//	request      identifier -> JSON of ca.RequestEntry
//	operator     name -> JSON of ca.Operator
//	journal      name of the node, a zero octet, sequence number in 8 octets
//	             big-endian -> JSON line of the record
//	head         name of the node -> 8 octets seq and 32 octets digest of the
//	             last record of its chain
//	heads        number, 8 octets big-endian -> JSON of journal.SignedHeads
//	expiry       notAfter in seconds, 8 octets that sort by value, and serial
//	             number -> nothing
//	word         number of the part, 4 octets, a word of the subject, a zero
//	             octet, and serial number -> nothing
//	day          number of the day, 8 octets that sort by value -> how many
//	             certificates were issued, revoked and expire, 8 octets each
//	state        state of a request, a zero octet, minus the seconds of its
//	             creation in 8 octets that sort by value, and identifier -> nothing
//
// Format 2 had none of the last four, which OpenWith makes from the entries and
// the requests.
// Format 1 had one chain and no signed heads; no released program wrote it.
//
// The index of words has parts, filled one after another: words come in no
// order, and in one tree of all of them every new certificate would change
// pages all over the file.
//
// An erased journal value is gone from the tree of the database; the page on
// which it stood is free and keeps its octets until it is used again.
package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

// format is the layout of the package comment. A ledger of the format before
// is brought up to date, one with another is refused.
const (
	format       = "3"
	formerFormat = "2"
)

// wait is how long Open waits for another process: long enough for any `ca`
// command to finish, short enough for a person.
const wait = 10 * time.Second

// names of the buckets and of the keys in the meta bucket.
const (
	metaBucket        = "meta"
	certificateBucket = "certificate"
	entryBucket       = "entry"
	listedBucket      = "listed"
	blockedBucket     = "blocked"
	crlBucket         = "crl"
	journalBucket     = "journal"
	headBucket        = "head"
	signedHeadsBucket = "heads"
	requestBucket     = "request"
	operatorBucket    = "operator"
	expiryBucket      = "expiry"
	wordBucket        = "word"
	dayBucket         = "day"
	stateBucket       = "state"

	formatKey   = "format"
	issuerKey   = "issuer"
	crlKey      = "crl"
	wordsKey    = "words"
	indexingKey = "indexing"

	indexingRequestsKey = "indexing-requests"
)

// formerBuckets are those that the format before had, and newBuckets those that
// it had not.
func formerBuckets() []string {
	return []string{
		metaBucket, certificateBucket, entryBucket, listedBucket, blockedBucket, crlBucket, journalBucket, headBucket,
		signedHeadsBucket, requestBucket, operatorBucket,
	}
}

func newBuckets() []string { return []string{expiryBucket, wordBucket, dayBucket, stateBucket} }

// Store is a ledger in a bbolt file. It implements [ca.Ledger] and may be used
// by several goroutines.
type Store struct {
	db   *bolt.DB
	path string
	node string
}

// Options are what [OpenWith] may be told.
type Options struct {
	// Node is the name of the journal chain that this process writes; empty
	// is [journal.DefaultNode].
	Node string
}

var _ ca.Ledger = (*Store)(nil)

// Open does what [OpenWith] does, with zero options.
func Open(ctx context.Context, path string) (*Store, error) {
	return OpenWith(ctx, path, Options{})
}

// OpenWith opens the ledger at path, or creates it with mode 0600; one of the
// format before is brought up to date, which takes a minute for a million
// certificates. The file is
// held until Close. If another process holds it until the context's deadline,
// or for ten seconds where there is none, the error is a *[HeldError].
func OpenWith(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Node == "" {
		o.Node = journal.DefaultNode
	}
	if err := journal.CheckNode(o.Node); err != nil {
		return nil, fmt.Errorf("boltstore: %w", err)
	}
	timeout := wait
	if t, ok := ctx.Deadline(); ok {
		timeout = time.Until(t)
	}
	if err := ctx.Err(); err != nil || timeout <= 0 {
		return nil, errors.Join(err, heldBy(path))
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: timeout, FreelistType: bolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, heldBy(path)
	}
	if err != nil {
		return nil, fmt.Errorf("boltstore: %s: %w", path, err)
	}
	s := &Store{db: db, path: path, node: o.Node}
	err = s.init(ctx)
	if err == nil {
		err = writeHolder(path)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// init creates the buckets of a new file and refuses a layout it does not know.
func (s *Store) init(ctx context.Context) error {
	err := s.db.View(func(tx *bolt.Tx) error { return checkFormat(tx) })
	if errors.Is(err, errFormer) {
		return s.upgrade(ctx)
	}
	if !errors.Is(err, errNew) {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range slices.Concat(formerBuckets(), newBuckets()) {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return fmt.Errorf("boltstore: %s: %w", s.path, err)
			}
		}
		return tx.Bucket([]byte(metaBucket)).Put([]byte(formatKey), []byte(format))
	})
}

// errNew says that a file holds nothing yet, and errFormer that it is of the
// format before, or was being brought up to date.
var (
	errNew    = errors.New("boltstore: a new ledger")
	errFormer = errors.New("boltstore: a ledger of the format before")
)

func checkFormat(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(metaBucket))
	if b == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return errors.New("boltstore: the file is a bbolt database and not a ledger")
		}
		return errNew
	}
	got := b.Get([]byte(formatKey))
	former := bytes.Equal(got, []byte(formerFormat))
	if !former && !bytes.Equal(got, []byte(format)) {
		return fmt.Errorf("boltstore: the ledger's format is %q; this program knows %q", got, format)
	}
	buckets := formerBuckets()
	if !former {
		buckets = append(buckets, newBuckets()...)
	}
	for _, name := range buckets {
		if tx.Bucket([]byte(name)) == nil {
			return fmt.Errorf("boltstore: the ledger is damaged: it has no %s", name)
		}
	}
	if former || b.Get([]byte(indexingKey)) != nil || b.Get([]byte(indexingRequestsKey)) != nil {
		return errFormer
	}
	return nil
}

// View implements [ca.Ledger].
func (s *Store) View(ctx context.Context, f func(ca.ReadTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(func(tx *bolt.Tx) error { return f(readTx{tx}) })
}

// Update implements [ca.Ledger].
func (s *Store) Update(ctx context.Context, f func(ca.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.Update(func(btx *bolt.Tx) error {
		packed(btx)
		tx := &writeTx{readTx: readTx{btx}, node: s.node, days: index.Tally{}}
		if err := f(tx); err != nil {
			return err
		}
		if err := errors.Join(tx.flushIndex(), tx.flushHead()); err != nil {
			return err
		}
		if tx.changed && !tx.recorded {
			return ca.ErrNoRecord
		}
		return ctx.Err() // the last moment at which nothing has happened
	})
}

// packed tells bbolt to fill the pages of the buckets whose keys rise: what is
// behind the last key never comes back to an earlier page, and a page that is
// split in the middle would stay half empty.
func packed(tx *bolt.Tx) {
	for _, name := range []string{certificateBucket, entryBucket, journalBucket} {
		tx.Bucket([]byte(name)).FillPercent = 0.9
	}
}

// Close implements [ca.Ledger]. It waits for running transactions.
func (s *Store) Close() error {
	removeHolder(s.path) // before the lock goes: the next holder writes its own
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("boltstore: %w", err)
	}
	return nil
}
