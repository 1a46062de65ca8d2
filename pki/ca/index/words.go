// Package index says by which words a certificate is found in a ledger and how
// the days of issue, revocation and expiry are counted: what the ledgers in
// packages boltstore and pgstore keep beside the entries, in one place, so that
// both answer alike. All of it follows from the entries, so a copy of a ledger
// makes it anew.
package index

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// Words returns the words under which an entry is found, in their order and
// each once: at most limits.SearchWords of at most limits.SearchWord octets.
// They are the words of the subject's common name, surname and given names, its
// INN, SNILS, OGRN and OGRNIP, and its e-mail address with the domain of it; in
// lower case, and with е for ё.
func Words(e ca.Entry) []string {
	var words []string
	for rest := e.Subject; rest != ""; {
		var pair string
		pair, rest = nextPair(rest)
		keyword, value, ok := strings.Cut(pair, "=")
		if !ok { // of a ledger that another program filled
			return order(split(fold(e.Subject)))
		}
		words = append(words, wordsOf(keyword, value)...)
	}
	return order(words)
}

// nextPair cuts the first "TYPE=value" off a name in the text form of RFC 4514,
// and takes the escapes out of it. Nothing is checked: an index has to hold
// whatever the ledger holds.
//
// RFC 4514, section 2.4: an escape is a backslash with the character itself, or
// with two hexadecimal digits for each octet.
func nextPair(text string) (pair, rest string) {
	var b strings.Builder
	for n := 0; n < len(text); n++ {
		switch c := text[n]; {
		case c == ',' || c == '+':
			return b.String(), text[n+1:]
		case c != '\\' || n+1 == len(text):
			b.WriteByte(c)
		default:
			if octet, err := hex.DecodeString(text[n+1 : min(n+3, len(text))]); err == nil && len(octet) == 1 {
				b.WriteByte(octet[0])
				n += 2
			} else {
				b.WriteByte(text[n+1])
				n++
			}
		}
	}
	return b.String(), ""
}

// wordsOf returns the words of an attribute, whose keyword is that of
// [github.com/gosklyuch/gosklyuch/pki.Name].String.
func wordsOf(keyword, value string) []string {
	switch keyword {
	case "CN", "SN", "G":
		return split(fold(value))
	case "E":
		address := trim(fold(value))
		_, domain, _ := strings.Cut(address, "@")
		return []string{address, domain}
	case "INN", "INNLE", "SNILS", "OGRN", "OGRNIP":
		number := trim(fold(value))
		// An organization's INN has ten digits, and stood with two zeros
		// before it where only the attribute of twelve was known.
		if short, ok := strings.CutPrefix(number, "00"); ok && len(number) == 12 && keyword == "INN" {
			return []string{number, short}
		}
		return []string{number}
	}
	return nil
}

// order sorts words, drops what is there twice or empty, and keeps the bounds.
func order(words []string) []string {
	for n := range words {
		words[n] = cut(words[n])
	}
	slices.Sort(words)
	words = slices.DeleteFunc(slices.Compact(words), func(w string) bool { return w == "" })
	return words[:min(len(words), limits.SearchWords)]
}

// cut keeps the beginning of a long word, in whole characters.
func cut(word string) string {
	if len(word) <= limits.SearchWord {
		return word
	}
	end := limits.SearchWord
	for end > 0 && !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}

// fold makes texts equal that a person who searches holds to be equal: upper
// and lower case, ё and е, and the two encodings of й.
func fold(text string) string {
	var b strings.Builder
	last := rune(-1)
	for _, r := range strings.ToValidUTF8(text, " ") {
		r = unicode.ToLower(r)
		switch {
		case r == 'ё':
			r = 'е'
		case r == '\u0308' && last == 'е': // COMBINING DIAERESIS
			continue
		case r == '\u0306' && last == 'и': // COMBINING BREVE
			r = 'й'
			s := b.String()
			b.Reset()
			b.WriteString(strings.TrimSuffix(s, "и"))
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// split cuts a text into runs of letters, their marks, and digits.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
}

// trim drops everything that no word has in it: white space and characters that
// cannot be seen, the zero octet among them.
func trim(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, text)
}
