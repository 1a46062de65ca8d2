package index_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/index"
)

// FuzzParseQuery: what is accepted is bounded, in order, and finds what begins
// with it.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"Иванов", "1A:2b", "0x00ff", "112-233-445 95", "a@b.ru иван", "", "\xff", "е\u0308", "и\u0306", "00", "000000000000000000000000000000000000000000"} {
		f.Add(s, "CN=Иванов")
	}
	f.Fuzz(func(t *testing.T, text, subject string) {
		words := index.Words(ca.Entry{Subject: subject})
		q, err := index.ParseQuery(text)
		if err != nil {
			return
		}
		if len(q.Words) == 0 && len(q.Ranges) == 0 || len(q.Words) > limits.SearchWords || len(q.Ranges) > ca.SerialSize {
			t.Fatalf("%q: %d words, %d ranges", text, len(q.Words), len(q.Ranges))
		}
		for _, w := range append(words, q.Words...) {
			if w == "" || len(w) > limits.SearchWord || !utf8.ValidString(w) || strings.ContainsRune(w, 0) {
				t.Fatalf("%q, %q: the word %q", text, subject, w)
			}
		}
		for n, r := range q.Ranges {
			if bytes.Compare(r.First[:], r.Last[:]) > 0 || n > 0 && bytes.Compare(q.Ranges[n-1].Last[:], r.First[:]) >= 0 {
				t.Fatalf("%q: the ranges do not rise: %x", text, q.Ranges)
			}
			for _, s := range []ca.Serial{r.First, r.Last} {
				if !strings.HasPrefix(s.String(), digits(text)) || !q.Match(ca.Entry{Serial: s}) {
					t.Fatalf("%q: %s does not begin with it", text, s)
				}
			}
		}
	})
}

// digits returns the beginning of a serial number as the program writes it.
func digits(text string) string {
	text = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(strings.ToValidUTF8(text, " "))), "0x")
	text = strings.NewReplacer(":", "", " ", "").Replace(text)
	for len(text) > 2 && strings.HasPrefix(text, "00") {
		text = text[2:]
	}
	return text
}
