package index

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// A Query is what a person typed to find certificates.
type Query struct {
	// Words are the beginnings of words, all of which an entry has; the
	// longest, by which to look first, is the first. There may be none.
	Words []string
	// Ranges are where serial numbers lie that begin with the text, in rising
	// order; none where it is no serial number.
	Ranges []Range
}

// A Range is the serial numbers from First to Last, both included.
type Range struct{ First, Last ca.Serial }

// ParseQuery reads what was typed: at most limits.SearchText octets, with at
// least two letters or digits. Otherwise the error is [ca.ErrSearchText].
//
// A text of hexadecimal digits, also with colons or spaces between them, is the
// beginning of a serial number as well as a word. Digits with spaces or hyphens
// between them, as a SNILS is written, are one word.
func ParseQuery(text string) (Query, error) {
	var q Query
	if len(text) > limits.SearchText {
		return q, ca.ErrSearchText
	}
	text = strings.TrimSpace(fold(text))
	q.Ranges = ranges(text)
	if digits, ok := numeric(text); ok {
		q.Words = []string{digits}
	} else {
		for _, part := range strings.Fields(text) {
			if strings.Contains(part, "@") || strings.Contains(part, ".") && ascii(part) {
				q.Words = append(q.Words, trim(part)) // an address or a domain
			} else {
				q.Words = append(q.Words, split(part)...)
			}
		}
	}
	q.Words = order(q.Words)
	longest := 0
	slices.SortStableFunc(q.Words, func(a, b string) int { return utf8.RuneCountInString(b) - utf8.RuneCountInString(a) })
	if len(q.Words) > 0 {
		longest = utf8.RuneCountInString(q.Words[0])
	}
	if longest < limits.SearchPrefix && len(q.Ranges) == 0 {
		return Query{}, ca.ErrSearchText
	}
	if longest < limits.SearchPrefix {
		q.Words = nil // "a:b" is a serial number only
	}
	return q, nil
}

func ascii(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// numeric joins digits that stand in groups.
func numeric(text string) (string, bool) {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(text)
	return digits, digits != "" && strings.Trim(digits, "0123456789") == ""
}

// ranges returns where the serial numbers lie whose digits begin with text.
// They are written without leading zero octets, so a number of each length has
// a range of its own.
func ranges(text string) []Range {
	text = strings.NewReplacer(":", "", " ", "").Replace(strings.TrimPrefix(text, "0x"))
	for len(text) > 2 && strings.HasPrefix(text, "00") {
		text = text[2:]
	}
	if len(text) < limits.SearchPrefix || len(text) > 2*ca.SerialSize || strings.Trim(text, "0123456789abcdef") != "" || strings.HasPrefix(text, "00") {
		return nil
	}
	var out []Range
	for zeros := ca.SerialSize - (len(text)+1)/2; zeros >= 0; zeros-- {
		rest := 2*(ca.SerialSize-zeros) - len(text)
		first, err1 := hex.DecodeString(text + strings.Repeat("0", rest))
		last, err2 := hex.DecodeString(text + strings.Repeat("f", rest))
		if errors.Join(err1, err2) != nil {
			return nil // cannot be: they are digits
		}
		var r Range
		copy(r.First[zeros:], first)
		copy(r.Last[zeros:], last)
		out = append(out, r)
	}
	return out
}

// Match reports whether an entry has all words of the query, or a serial number
// in its ranges.
func (q Query) Match(e ca.Entry) bool {
	for _, r := range q.Ranges {
		if bytes.Compare(r.First[:], e.Serial[:]) <= 0 && bytes.Compare(e.Serial[:], r.Last[:]) <= 0 {
			return true
		}
	}
	if len(q.Words) == 0 {
		return false
	}
	words := Words(e)
	for _, prefix := range q.Words {
		at, _ := slices.BinarySearch(words, prefix)
		if at == len(words) || !strings.HasPrefix(words[at], prefix) {
			return false
		}
	}
	return true
}

// A Finder is what a ledger keeps for [Search].
type Finder interface {
	// Entry is that of [ca.ReadTx].
	Entry(ca.Serial) (ca.Entry, error)
	// WithWord returns the first n serial numbers behind another one whose
	// entries have a word that begins with a prefix, in rising order and each
	// once.
	WithWord(prefix string, after ca.Serial, n int) ([]ca.Serial, error)
	// Within returns the first n serial numbers of entries behind another
	// one that lie in one of the ranges, in rising order.
	Within(ranges []Range, after ca.Serial, n int) ([]ca.Serial, error)
}

// Search answers [ca.ReadTx].Search.
func Search(f Finder, text string, after ca.Serial, n int) ([]ca.Entry, error) {
	q, err := ParseQuery(text)
	if err != nil {
		return nil, err
	}
	if n = min(n, limits.SearchResults); n <= 0 {
		return nil, nil
	}
	var found []ca.Serial
	if len(q.Ranges) > 0 {
		if found, err = f.Within(q.Ranges, after, n); err != nil {
			return nil, err
		}
	}
	byWord, all, err := candidates(f, q, after, n)
	if err != nil {
		return nil, err
	}
	if !all && len(byWord) > 0 {
		// Behind the last one that was looked at there may be others.
		last := byWord[len(byWord)-1]
		found = slices.DeleteFunc(found, func(s ca.Serial) bool { return bytes.Compare(s[:], last[:]) > 0 })
	}
	found = append(found, byWord...)
	slices.SortFunc(found, func(a, b ca.Serial) int { return bytes.Compare(a[:], b[:]) })
	out := make([]ca.Entry, 0, min(n, len(found)))
	for _, s := range slices.Compact(found) {
		e, err := f.Entry(s)
		if err != nil {
			return nil, err
		}
		if !q.Match(e) {
			continue
		}
		if out = append(out, e); len(out) == n {
			return out, nil
		}
	}
	if !all {
		return nil, ca.ErrSearchBroad
	}
	return out, nil
}

// candidates returns the serial numbers among which the entries with all words
// are, and whether those are all. With one word the first n are enough.
func candidates(f Finder, q Query, after ca.Serial, n int) (found []ca.Serial, all bool, err error) {
	switch len(q.Words) {
	case 0:
		return nil, true, nil
	case 1:
		found, err = f.WithWord(q.Words[0], after, n)
		return found, true, err // n of them end the search
	}
	for at, word := range q.Words {
		some, err := f.WithWord(word, after, limits.SearchLook+1)
		if err != nil {
			return nil, false, err
		}
		if len(some) <= limits.SearchLook {
			return some, true, nil
		}
		if at == 0 {
			found = some[:limits.SearchLook]
		}
	}
	return found, false, nil
}
