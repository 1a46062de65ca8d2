// Package journal keeps an append-only, hash-chained record of what was done.
//
// Every [Record] carries the Streebog-256 digest (GOST R 34.11-2012, [RFC
// 6986]) of its canonical encoding, and the digest of the record before it. A
// record that was changed, removed or moved breaks the chain, and [Verify]
// names the place. What a chain alone cannot show is that its end was cut off;
// for that the [Head] is kept apart from the records: in a ledger by the
// transaction that appends, in a [File] beside it. Against one who can write
// both, [SignedHeads] are kept elsewhere: a statement, signed by the
// authority's key, of the ends of all chains and of the roots of their Merkle
// trees, by which a [Proof] shows that one record was there.
//
// # Chains
//
// Each node of an authority writes a chain of its own, so that two nodes never
// wait for each other: a record's place is its node and its number there. A
// program that works alone is the node [DefaultNode].
//
// # Personal data
//
// The digest of a record covers no subject and no data value itself, but the
// Streebog-256 digest of a random salt of 16 octets and the value: its
// commitment. An erased value ([Record.Erase]) leaves its commitment behind,
// value and salt are gone, and every digest, chain and proof stays as it was.
// Without the salt the commitment says nothing about the value, however few
// values there are to try. Node, time, actor, event and the keys of data are
// part of the digest and stay: nothing about an applicant belongs in them.
//
// # Canonical encoding
//
// The digest of a record is taken over these octets, with integers big-endian
// and "text" standing for a four-octet length followed by that many octets of
// UTF-8:
//
//	domain   the 24 octets "gosklyuch journal v2" and four zero octets
//	node     text
//	prev     32 octets: digest of the record before, zero for the first
//	seq      8 octets: 1 for the first record, then without gaps
//	time     8 octets: nanoseconds since 1970-01-01 UTC, two's complement
//	actor    text
//	event    text
//	subject  32 octets: commitment
//	count    4 octets: number of data pairs, then for each pair, ordered by
//	         the octets of its key:
//	  key    text
//	  value  32 octets: commitment
//
// A commitment is Streebog-256(salt ‖ value); the salt always has 16 octets.
// The encoding is injective: no two different records have the same octets.
// How a record is stored (a JSON line in a file, a value in a database) does
// not enter its digest.
//
// Version 1 covered the values themselves and was never in a released program;
// records of it are refused, not converted.
//
// [RFC 6986]: https://www.rfc-editor.org/rfc/rfc6986
package journal

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// domain separates journal digests from every other use of the hash.
const domain = "gosklyuch journal v2\x00\x00\x00\x00"

// DefaultNode is the name of the node where there is only one.
const DefaultNode = "main"

// ErrTooLarge is returned for an entry whose canonical encoding and values
// together exceed 64 KiB (limits.JournalRecord), and for a line longer than
// that allows.
var ErrTooLarge = errors.New("journal: the record is larger than 64 KiB")

// Digest is the 32-octet Streebog-256 digest of a record, in the byte order of
// the message stream. Its text form is 64 lower-case hexadecimal digits.
type Digest [streebog.Size256]byte

// String returns the digest as 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It accepts exactly the
// form that MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	var b Digest
	if err := unhex(b[:], text, "digest"); err != nil {
		return err
	}
	*d = b
	return nil
}

// unhex reads exactly as many lower-case hexadecimal digits as fill out, which
// is called what in errors.
func unhex(out, text []byte, what string) error {
	if len(text) != 2*len(out) {
		return fmt.Errorf("journal: a %s has %d hexadecimal digits, not %d", what, 2*len(out), len(text))
	}
	if _, err := hex.Decode(out, text); err != nil {
		return fmt.Errorf("journal: %s: %w", what, err)
	}
	if hex.EncodeToString(out) != string(text) {
		return fmt.Errorf("journal: %s: upper-case digits", what)
	}
	return nil
}

// CheckNode says what is wrong with the name of a node: it has 1 to 64
// lower-case Latin letters, digits, dots, hyphens and underscores, and begins
// with a letter or a digit.
func CheckNode(name string) error {
	if name == "" || len(name) > limits.JournalNode {
		return fmt.Errorf("journal: node: 1 to %d characters are needed, not %d", limits.JournalNode, len(name))
	}
	for i, c := range []byte(name) {
		plain := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !plain && (i == 0 || c != '.' && c != '-' && c != '_') {
			return fmt.Errorf("journal: node %q: lower-case Latin letters, digits, dots, hyphens and underscores only", name)
		}
	}
	return nil
}

// Entry is what a caller puts on record.
type Entry struct {
	// Time is when it happened. It must be between the years 1678 and 2262,
	// where a count of nanoseconds fits in 64 bits; the zone is not kept.
	Time time.Time
	// Actor is who did it, for example "uid:1000" or "ca serve". It cannot
	// be erased.
	Actor string
	// Event is what was done, for example "issue" or "revoke".
	Event string
	// Subject is what it was done to, for example a serial number. It is
	// empty in a record where it was erased.
	Subject string
	// Data holds further facts; nil and empty are the same. An erased value
	// is empty.
	Data map[string]string
}

// Record is an entry in its place in the chain.
type Record struct {
	Entry
	// Node is the name of the chain; see [CheckNode].
	Node string
	// Seq is the place: 1 for the first record, then without gaps.
	Seq uint64
	// Prev is the digest of the record before, zero for the first.
	Prev Digest
	// Hash is the digest of this record.
	Hash Digest

	subject seal
	data    map[string]seal // the same keys as Data
}

// Head is the end of a chain: its name, and the number and the digest of its
// last record. A Head with number 0 is that of an empty chain.
type Head struct {
	Node string `json:"node"`
	Seq  uint64 `json:"seq"`
	Hash Digest `json:"hash"`
}

// Next returns the record that puts e behind h. The time is stored in UTC, and
// each value gets a fresh salt. It fails for a head without a proper node, text
// that is not UTF-8, an empty event, a time out of range and an entry larger
// than 64 KiB.
func (h Head) Next(e Entry) (Record, error) {
	if err := errors.Join(CheckNode(h.Node), e.check()); err != nil {
		return Record{}, err
	}
	if h.Seq == ^uint64(0) {
		return Record{}, errors.New("journal: the chain is full")
	}
	e.Time = time.Unix(0, e.Time.UnixNano()).UTC() // drops the monotonic clock as well
	if len(e.Data) == 0 {
		e.Data = nil
	} else {
		e.Data = maps.Clone(e.Data) // the caller's map may change later
	}
	r := Record{Entry: e, Node: h.Node, Seq: h.Seq + 1, Prev: h.Hash}
	r.seal()
	if r.size() > limits.JournalRecord {
		return Record{}, ErrTooLarge
	}
	r.Hash = streebog.Sum256(r.canonical())
	return r, nil
}

// Head returns the end of a chain whose last record is r.
func (r Record) Head() Head { return Head{Node: r.Node, Seq: r.Seq, Hash: r.Hash} }

// Intact reports whether the record's digest is that of its content.
func (r Record) Intact() bool {
	if CheckNode(r.Node) != nil || r.check() != nil || !r.sealed() || r.size() > limits.JournalRecord {
		return false
	}
	return streebog.Sum256(r.canonical()) == r.Hash
}

// check holds what the canonical encoding relies on.
func (e Entry) check() error {
	if e.Event == "" {
		return errors.New("journal: event: empty")
	}
	if y := e.Time.UTC().Year(); y < 1679 || y > 2261 {
		return fmt.Errorf("journal: time: the year %d is out of range", y)
	}
	for _, f := range []struct{ name, text string }{
		{"actor", e.Actor}, {"event", e.Event}, {"subject", e.Subject},
	} {
		if !utf8.ValidString(f.text) {
			return fmt.Errorf("journal: %s: not UTF-8", f.name)
		}
	}
	for k, v := range e.Data {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("journal: data %q: not UTF-8", k)
		}
	}
	return nil
}

// canonical returns the octets that the digest is taken over; the package
// comment describes them.
func (r Record) canonical() []byte {
	b := make([]byte, 0, 512)
	b = append(b, domain...)
	b = appendText(b, r.Node)
	b = append(b, r.Prev[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Time.UnixNano()))
	b = appendText(b, r.Actor)
	b = appendText(b, r.Event)
	keys := r.keys()
	commitments := r.commitments(keys)
	b = append(b, commitments[0][:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Data)))
	for n, k := range keys {
		b = appendText(b, k)
		b = append(b, commitments[n+1][:]...)
	}
	return b
}

// keys returns the keys of the data in the order of their octets.
func (r Record) keys() []string {
	keys := make([]string, 0, len(r.Data))
	for k := range r.Data {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// size is what limits.JournalRecord bounds: the canonical encoding and the
// values, so that an erasure never makes a record larger.
func (r Record) size() int {
	n := len(domain) + 4 + len(r.Node) + 32 + 16 + 8 + len(r.Actor) + len(r.Event) + 32 + len(r.Subject) + 4
	for k, v := range r.Data {
		n += 4 + len(k) + 32 + len(v)
	}
	return n
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
