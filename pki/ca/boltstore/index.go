package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

// sortable returns a signed number as octets that sort by its value.
func sortable(n int64) []byte { return number(uint64(n) ^ 1<<63) }

// unsortable is the reverse of sortable.
func unsortable(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }

// expiryKey is the place of an entry in the order of expiry.
func expiryKey(notAfter time.Time, s ca.Serial) []byte {
	return append(sortable(notAfter.Unix()), s[:]...)
}

// wordKey is the place of a word in a part of the index; no word has a zero
// octet in it.
func wordKey(part uint32, word string, serial []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(word)+1+len(serial)), part)
	return append(append(append(b, word...), 0), serial...)
}

// A lastPart is the part of the index of words that takes new ones.
type lastPart struct{ part, words uint32 }

// readLastPart reads it from the meta bucket.
func (t readTx) readLastPart() (lastPart, error) {
	v := t.bucket(metaBucket).Get([]byte(wordsKey))
	switch len(v) {
	case 0:
		return lastPart{}, nil
	case 8:
		return lastPart{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])}, nil
	}
	return lastPart{}, fmt.Errorf("boltstore: %s: %d octets", wordsKey, len(v))
}

// addToIndex puts a new entry into the order of expiry, under its words, and
// into the counts of its days.
func (t *writeTx) addToIndex(e ca.Entry) error {
	if err := t.put(expiryBucket, expiryKey(e.NotAfter, e.Serial), []byte{}); err != nil {
		return err
	}
	if t.last == nil {
		last, err := t.readLastPart()
		if err != nil {
			return err
		}
		t.last = &last
	}
	words := index.Words(e)
	if int(t.last.words)+len(words) > limits.LedgerWords {
		*t.last = lastPart{part: t.last.part + 1}
	}
	t.last.words += uint32(len(words))
	for _, w := range words {
		if err := t.put(wordBucket, wordKey(t.last.part, w, e.Serial[:]), []byte{}); err != nil {
			return err
		}
	}
	t.days.Add(e)
	return nil
}

// flushIndex writes what is summed up during a transaction.
func (t *writeTx) flushIndex() error {
	if t.last != nil {
		v := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, t.last.part), t.last.words)
		if err := t.put(metaBucket, []byte(wordsKey), v); err != nil {
			return err
		}
	}
	for day, c := range t.days {
		k := sortable(day)
		old, err := decodeDay(k, t.bucket(dayBucket).Get(k))
		if err != nil {
			return err
		}
		if err := t.put(dayBucket, k, encodeDay(old, c)); err != nil {
			return err
		}
	}
	t.last = nil
	clear(t.days)
	return nil
}

// encodeDay returns the sum of two counts: three numbers of 8 octets.
func encodeDay(a, b ca.DayCount) []byte {
	out := number(uint64(a.Issued + b.Issued))
	out = append(out, number(uint64(a.Revoked+b.Revoked))...)
	return append(out, number(uint64(a.Expiring+b.Expiring))...)
}

// decodeDay reads the counts of a day; nil is that of a day without any.
func decodeDay(k, v []byte) (ca.DayCount, error) {
	if len(k) != 8 || v != nil && len(v) != 24 {
		return ca.DayCount{}, fmt.Errorf("boltstore: day %x: %d octets", k, len(v))
	}
	c := ca.DayCount{Day: index.DayStart(unsortable(k))}
	if v != nil {
		c.Issued = int(binary.BigEndian.Uint64(v))
		c.Revoked = int(binary.BigEndian.Uint64(v[8:]))
		c.Expiring = int(binary.BigEndian.Uint64(v[16:]))
	}
	return c, nil
}

// Days implements [ca.ReadTx].
func (t readTx) Days(from, to time.Time) iter.Seq2[ca.DayCount, error] {
	return func(yield func(ca.DayCount, error) bool) {
		first, end := index.Days(from, to)
		c := t.bucket(dayBucket).Cursor()
		for k, v := c.Seek(sortable(first)); k != nil && bytes.Compare(k, sortable(end)) < 0; k, v = c.Next() {
			d, err := decodeDay(k, v)
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// Days implements [ca.ReadTx]; a change sees its own.
func (t *writeTx) Days(from, to time.Time) iter.Seq2[ca.DayCount, error] {
	return func(yield func(ca.DayCount, error) bool) {
		if err := t.flushIndex(); err != nil {
			yield(ca.DayCount{}, err)
			return
		}
		t.readTx.Days(from, to)(yield)
	}
}

// Expiring implements [ca.ReadTx].
func (t readTx) Expiring(from, to time.Time, after ca.Serial, n int) ([]ca.Entry, error) {
	begin := sortable(from.Unix())
	if from.Nanosecond() > 0 {
		begin = sortable(from.Unix() + 1) // notAfter is in whole seconds
	}
	var behind []byte
	if after != (ca.Serial{}) {
		e, err := t.Entry(after)
		if err != nil {
			return nil, err
		}
		behind = expiryKey(e.NotAfter, after)
	}
	if bytes.Compare(begin, behind) < 0 {
		begin = behind
	}
	end := sortable(to.Unix())
	if to.Nanosecond() > 0 {
		end = sortable(to.Unix() + 1)
	}
	var out []ca.Entry
	c := t.bucket(expiryBucket).Cursor()
	for k, _ := c.Seek(begin); k != nil && bytes.Compare(k, end) < 0 && len(out) < min(n, limits.SearchResults); k, _ = c.Next() {
		if bytes.Equal(k, behind) {
			continue
		}
		e, err := t.indexed(k[min(8, len(k)):])
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// indexed returns the entry that an index names.
func (t readTx) indexed(serial []byte) (ca.Entry, error) {
	v := t.bucket(entryBucket).Get(serial)
	if v == nil {
		return ca.Entry{}, fmt.Errorf("boltstore: the index names %x, which has no entry", serial)
	}
	return decodeEntry(serial, v)
}

// Search implements [ca.ReadTx].
func (t readTx) Search(text string, after ca.Serial, n int) ([]ca.Entry, error) {
	return index.Search(finder{t}, text, after, n)
}

// finder implements [index.Finder].
type finder struct{ readTx }

// Entry implements [index.Finder]: what an index names is there.
func (f finder) Entry(s ca.Serial) (ca.Entry, error) { return f.indexed(s[:]) }

// WithWord implements [index.Finder]. It looks into every part of the index.
func (f finder) WithWord(prefix string, after ca.Serial, n int) ([]ca.Serial, error) {
	var out []ca.Serial
	least := func() { // keeps the first n
		slices.SortFunc(out, func(a, b ca.Serial) int { return bytes.Compare(a[:], b[:]) })
		out = slices.Compact(out)
		out = out[:min(n, len(out))]
	}
	c := f.bucket(wordBucket).Cursor()
	for k, _ := c.First(); k != nil; {
		if len(k) < 4 {
			return nil, errWord
		}
		part := binary.BigEndian.Uint32(k)
		start := append(binary.BigEndian.AppendUint32(nil, part), prefix...)
		for k, _ = c.Seek(start); bytes.HasPrefix(k, start); k, _ = c.Next() {
			var s ca.Serial
			if len(k) < len(start)+1+len(s) {
				return nil, errWord
			}
			copy(s[:], k[len(k)-len(s):])
			if bytes.Compare(s[:], after[:]) <= 0 {
				continue
			}
			if out = append(out, s); len(out) >= 2*n+limits.LedgerPage {
				least()
			}
		}
		if part == ^uint32(0) {
			break
		}
		k, _ = c.Seek(binary.BigEndian.AppendUint32(nil, part+1))
	}
	least()
	return out, nil
}

// errWord says that an index is damaged.
var errWord = errors.New("boltstore: the index of words is malformed")

// Within implements [index.Finder].
func (f finder) Within(ranges []index.Range, after ca.Serial, n int) ([]ca.Serial, error) {
	var out []ca.Serial
	c := f.bucket(entryBucket).Cursor()
	for _, r := range ranges {
		begin := r.First
		if bytes.Compare(after[:], begin[:]) > 0 {
			begin = after
		}
		for k, _ := c.Seek(begin[:]); k != nil && len(out) < n && bytes.Compare(k, r.Last[:]) <= 0; k, _ = c.Next() {
			if bytes.Equal(k, after[:]) {
				continue
			}
			var s ca.Serial
			if len(k) != len(s) {
				return nil, fmt.Errorf("boltstore: entry %x: not a serial number", k)
			}
			copy(s[:], k)
			out = append(out, s)
		}
	}
	return out, nil
}
