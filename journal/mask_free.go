package journal

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is found in running text, where nothing says what a word is. Words may
// be joined by underscores, as in names of files.
var (
	// attributeText is an attribute of a distinguished name in a sentence; the
	// value goes up to the next separator (RFC 4514, section 2.4: "\" quotes).
	attributeText = regexp.MustCompile(`(?i)(?:^|[\s,;+(\["'«])((?:CN|SN|GN|G|E|EMAIL|EMAILADDRESS|STREET|T|TITLE|UID|INN|SNILS|OGRNIP|ИНН|СНИЛС|ОГРНИП)=)((?:\\.|[^,+;\\\n])+)`)
	// personText is a person's name by its patronymic or by initials. A
	// name of two words without either cannot be told from any other words.
	personText = regexp.MustCompile(`(?:^|[^\p{L}\p{M}\p{N}])(` +
		word + gap + `(?:` + word + gap + `)?` + patronymic + `(?:` + gap + word + `)?` +
		`|` + word + gap + `\p{Lu}\.[\s_]?\p{Lu}\.` +
		`|\p{Lu}\.[\s_]?\p{Lu}\.[\s_]?` + word + `)(?:$|[^\p{L}\p{M}])`)
	// numberText are groups of digits that may be one number.
	numberText = regexp.MustCompile(`\+?\(?\d(?:[ \x{a0}()-]{0,2}\d){8,14}`)
)

const (
	word = `\p{Lu}[\p{L}\p{M}'’-]+`
	gap  = `[\s_]+`
	// patronymic has the endings of every case, in Cyrillic, also in capitals,
	// and in Latin letters.
	patronymic = `\p{Lu}[\p{L}\p{M}-]*(?:(?i:ович|евич|льич|кич|мич|ьмич|овн|евн|ичн)(?i:а|у|ем|ом|е|ы|ой|ою)?|(?i:ovich|evich|ovna|evna|ichna))`
)

// maskFree masks names, attributes and numbers in running text.
func maskFree(v string) string {
	v = replaceGroup(attributeText, v, 2, maskWords)
	v = replaceGroup(personText, v, 1, maskPerson)
	return maskNumbers(v)
}

// replaceGroup replaces a group of every match. What follows the group may
// begin the next match.
func replaceGroup(re *regexp.Regexp, v string, group int, f func(string) string) string {
	var b strings.Builder
	for {
		m := re.FindStringSubmatchIndex(v)
		if m == nil {
			b.WriteString(v)
			return b.String()
		}
		from, to := m[2*group], m[2*group+1]
		b.WriteString(v[:from])
		b.WriteString(f(v[from:to]))
		v = v[to:]
	}
}

// maskPerson leaves the first letter of every word.
func maskPerson(v string) string {
	words := strings.FieldsFunc(v, func(c rune) bool { return unicode.IsSpace(c) || c == '_' || c == '.' })
	for i, w := range words {
		words[i] = maskWord(w)
	}
	return strings.Join(words, " ")
}

// maskNumbers masks groups of digits that have the form of a telephone number,
// an insurance number (3-3-3-2) or a passport (4-6 or 2-2-6). A number without
// gaps is for maskTokens.
func maskNumbers(v string) string {
	var b strings.Builder
	for {
		m := numberText.FindStringIndex(v)
		if m == nil {
			b.WriteString(v)
			return b.String()
		}
		before, _ := utf8.DecodeLastRuneInString(v[:m[0]])
		after, _ := utf8.DecodeRuneInString(v[m[1]:])
		b.WriteString(v[:m[0]])
		if text := v[m[0]:m[1]]; joins(before) || joins(after) || !personNumber(text) {
			b.WriteString(text)
		} else {
			b.WriteString(hidden)
		}
		v = v[m[1]:]
	}
}

// joins reports whether a character beside a number makes it a part of
// something longer.
func joins(c rune) bool {
	return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c) || c == ':' || c == '/' || c == '=')
}

func personNumber(text string) bool {
	groups := strings.FieldsFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	n, form := 0, ""
	for _, g := range groups {
		n += len(g)
		form += string(rune('0' + min(len(g), 9)))
	}
	switch {
	case text[0] == '+', n == 11 && strings.ContainsAny(text[:1], "78") && len(groups) > 1:
		return true
	case n == 11 || n == 12:
		return len(groups) > 1 && form[0] == '3' || len(groups) == 1
	}
	return form == "46" || form == "226"
}
