// Package journal keeps an append-only, hash-chained record of what was done.
//
// Every [Record] carries the Streebog-256 digest (GOST R 34.11-2012, [RFC
// 6986]) of its canonical encoding, and the digest of the record before it. A
// record that was changed, removed or moved breaks the chain, and [Verify]
// names the place. What a chain alone cannot show is that its end was cut off;
// for that the [Head] is kept apart from the records: in a ledger by the
// transaction that appends, in a [File] beside it.
//
// # Canonical encoding
//
// The digest of a record is taken over these octets, with integers big-endian
// and "text" standing for a four-octet length followed by that many octets of
// UTF-8:
//
//	domain   the 24 octets "gosklyuch journal v1" and four zero octets
//	prev     32 octets: digest of the record before, zero for the first
//	seq      8 octets: 1 for the first record, then without gaps
//	time     8 octets: nanoseconds since 1970-01-01 UTC, two's complement
//	actor    text
//	event    text
//	subject  text
//	count    4 octets: number of data pairs, then for each pair, ordered by
//	         the octets of its key:
//	  key    text
//	  value  text
//
// The encoding is injective: no two different records have the same octets.
// How a record is stored (a JSON line in a file, a value in a database) does
// not enter its digest.
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
const domain = "gosklyuch journal v1\x00\x00\x00\x00"

// ErrTooLarge is returned for an entry whose canonical encoding exceeds 64 KiB
// (limits.JournalRecord), and for a line longer than that allows.
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
	if len(text) != 2*len(b) {
		return fmt.Errorf("journal: a digest has %d hexadecimal digits, not %d", 2*len(b), len(text))
	}
	if _, err := hex.Decode(b[:], text); err != nil {
		return fmt.Errorf("journal: digest: %w", err)
	}
	if b.String() != string(text) {
		return errors.New("journal: digest: upper-case digits")
	}
	*d = b
	return nil
}

// Entry is what a caller puts on record.
type Entry struct {
	// Time is when it happened. It must be between the years 1678 and 2262,
	// where a count of nanoseconds fits in 64 bits; the zone is not kept.
	Time time.Time
	// Actor is who did it, for example "uid:1000" or "ca serve".
	Actor string
	// Event is what was done, for example "issue" or "revoke".
	Event string
	// Subject is what it was done to, for example a serial number.
	Subject string
	// Data holds further facts; nil and empty are the same.
	Data map[string]string
}

// Record is an entry in its place in the chain.
type Record struct {
	Entry
	// Seq is the place: 1 for the first record, then without gaps.
	Seq uint64
	// Prev is the digest of the record before, zero for the first.
	Prev Digest
	// Hash is the digest of this record.
	Hash Digest
}

// Head is the end of a chain: the number and the digest of its last record.
// The zero Head is that of an empty chain.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash Digest `json:"hash"`
}

// Next returns the record that puts e behind h. The time is stored in UTC. It
// fails for text that is not UTF-8, an empty event, a time out of range and an
// entry larger than 64 KiB.
func (h Head) Next(e Entry) (Record, error) {
	if err := e.check(); err != nil {
		return Record{}, err
	}
	e.Time = time.Unix(0, e.Time.UnixNano()).UTC() // drops the monotonic clock as well
	if len(e.Data) == 0 {
		e.Data = nil
	} else {
		e.Data = maps.Clone(e.Data) // the caller's map may change later
	}
	r := Record{Entry: e, Seq: h.Seq + 1, Prev: h.Hash}
	b := r.canonical()
	if len(b) > limits.JournalRecord {
		return Record{}, ErrTooLarge
	}
	r.Hash = streebog.Sum256(b)
	return r, nil
}

// Head returns the end of a chain whose last record is r.
func (r Record) Head() Head { return Head{Seq: r.Seq, Hash: r.Hash} }

// Intact reports whether the record's digest is that of its content.
func (r Record) Intact() bool {
	if r.check() != nil {
		return false
	}
	b := r.canonical()
	return len(b) <= limits.JournalRecord && streebog.Sum256(b) == r.Hash
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
	b := make([]byte, 0, 256)
	b = append(b, domain...)
	b = append(b, r.Prev[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Time.UnixNano()))
	b = appendText(b, r.Actor)
	b = appendText(b, r.Event)
	b = appendText(b, r.Subject)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Data)))
	for _, k := range slices.Sorted(maps.Keys(r.Data)) {
		b = appendText(b, k)
		b = appendText(b, r.Data[k])
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
