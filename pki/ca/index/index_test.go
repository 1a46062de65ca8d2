package index_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

func TestWords(t *testing.T) {
	for subject, want := range map[string][]string{
		"CN=Иванов Иван,SN=Иванов,G=Иван Петрович,C=RU,L=Москва": {"иван", "иванов", "петрович"},
		"CN=ЁЛКИН":                       {"елкин"},
		"CN=Алексе\u0438\u0306":          {"алексей"},
		"CN=Ее\u0308":                    {"ее"},
		`CN=Завод \"Ель\"\, г. Орёл`:     {"г", "ель", "завод", "орел"},
		`CN=\D0\98\D0\B2\D0\B0\D0\BD`:    {"иван"},
		"INN=007707083893+OGRNIP=1":      {"007707083893", "1", "7707083893"},
		"INNLE=007707083893":             {"007707083893"},
		"E=A.B@Mail.Example":             {"a.b@mail.example", "mail.example"},
		"E=broken":                       {"broken"},
		"1.2.3=#0403414243,O=Никто":      nil,
		"просто Текст":                   {"просто", "текст"},
		"":                               nil,
		"CN=":                            nil,
		`CN=a\`:                          {"a"},
		"CN=a\x00b":                      {"a", "b"},
		"CN=" + strings.Repeat("щ", 100): {strings.Repeat("щ", limits.SearchWord/2)},
	} {
		if got := index.Words(ca.Entry{Subject: subject}); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
	}
	var many strings.Builder
	for n := range 200 {
		fmt.Fprintf(&many, " слово%d", n)
	}
	if got := index.Words(ca.Entry{Subject: "CN=" + many.String()}); len(got) != limits.SearchWords {
		t.Errorf("%d words", len(got))
	}
}

func TestDay(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01T00:00:00Z": 0, "1970-01-01T23:59:59Z": 0, "1969-12-31T23:59:59Z": -1, "1969-12-31T00:00:00Z": -1,
		"1969-12-30T23:59:59Z": -2, "2026-06-02T01:00:00+03:00": 20605, "9999-12-31T23:59:59Z": 2932896,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		got := index.Day(at)
		if got != want || index.DayStart(got).After(at) || !index.DayStart(got+1).After(at) {
			t.Errorf("%s: day %d, want %d", text, got, want)
		}
	}
}

// ledger is a Finder of entries in memory, which looks at all of them.
type ledger struct {
	entries []ca.Entry // in the order of serial numbers
	looked  int
}

func (l *ledger) Entry(s ca.Serial) (ca.Entry, error) {
	l.looked++
	n, ok := slices.BinarySearchFunc(l.entries, s, func(e ca.Entry, s ca.Serial) int { return bytes.Compare(e.Serial[:], s[:]) })
	if !ok {
		return ca.Entry{}, ca.ErrNotFound
	}
	return l.entries[n], nil
}

func (l *ledger) WithWord(prefix string, after ca.Serial, n int) ([]ca.Serial, error) {
	return l.first(after, n, index.Query{Words: []string{prefix}}), nil
}

func (l *ledger) Within(ranges []index.Range, after ca.Serial, n int) ([]ca.Serial, error) {
	return l.first(after, n, index.Query{Ranges: ranges}), nil
}

func (l *ledger) first(after ca.Serial, n int, q index.Query) (out []ca.Serial) {
	for _, e := range l.entries {
		if len(out) < n && bytes.Compare(e.Serial[:], after[:]) > 0 && q.Match(e) {
			out = append(out, e.Serial)
		}
	}
	return out
}

// TestSearchBroad: a search among too many says so instead of answering with a
// part, and a rare word makes it answer.
func TestSearchBroad(t *testing.T) {
	l := new(ledger)
	add := func(n int, subject string) {
		e := ca.Entry{Subject: subject}
		e.Serial[0], e.Serial[17], e.Serial[18], e.Serial[19] = 0x4a, byte(n>>16), byte(n>>8), byte(n)
		l.entries = append(l.entries, e)
	}
	for n := range 2*limits.SearchLook + 10 {
		add(n, "CN="+[]string{"Петров", "Иванов"}[n%2]+" Старый")
	}
	add(1<<20, "CN=Петров Новый")
	search := func(text string) (int, error) {
		got, err := index.Search(l, text, ca.Serial{}, 50)
		return len(got), err
	}
	if n, err := search("петров старый"); err != nil || n != 50 {
		t.Errorf("the first of many: %d, %v", n, err)
	}
	l.looked = 0
	if n, err := search("петр иван"); !errors.Is(err, ca.ErrSearchBroad) {
		t.Errorf("nobody among too many: %d, %v", n, err)
	}
	if l.looked > limits.SearchLook {
		t.Errorf("%d entries were looked at", l.looked)
	}
	if n, err := search("петров новый"); err != nil || n != 1 {
		t.Errorf("a rare word: %d, %v", n, err)
	}
	if n, err := search("4a петров"); err != nil || n != 0 {
		t.Errorf("a word that nobody has: %d, %v", n, err)
	}
}
