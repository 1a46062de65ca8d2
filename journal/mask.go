package journal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden stands for what was masked. Its length says nothing.
const hidden = "***"

// Masked returns the record's entry with personal data made unreadable, and the
// names of the fields ([Record.Fields]) in which something was. Masked are
//
//   - the values of a distinguished name (RFC 4514 text), except those of C,
//     ST, S, L, O, OU, DC, INNLE, OGRN and their Russian spellings;
//   - in every text, e-mail addresses and numbers of the form of an insurance
//     number (SNILS, 11 digits), a person's taxpayer number (INN, 12 digits), a
//     telephone number or a passport;
//   - in running text, personal attributes of a distinguished name (CN=…) and
//     names that have a patronymic or two initials; a name in another form is
//     not recognised;
//   - the whole value under the keys name, email, snils, inn, phone, address,
//     person, holder and applicant where it is no distinguished name.
//
// The actor is accountable and stays, except for such numbers and addresses.
func (r Record) Masked() (Entry, []string) {
	e := r.Entry
	e.Actor = maskText(e.Actor)
	var fields []string
	if m := maskText(e.Subject); m != e.Subject {
		e.Subject = m
		fields = append(fields, FieldSubject)
	}
	if len(r.Data) > 0 {
		e.Data = make(map[string]string, len(r.Data))
	}
	for k, v := range r.Data {
		e.Data[k] = maskValue(k, v)
	}
	for _, f := range r.Fields()[1:] {
		key := strings.TrimPrefix(f, fieldData)
		if e.Data[key] != r.Data[key] {
			fields = append(fields, f)
		}
	}
	return e, fields
}

func maskValue(key, v string) string {
	m := maskText(v)
	switch key {
	case "name", "email", "snils", "inn", "phone", "address", "person", "holder", "applicant":
		if m == v && !isDN(v) {
			return maskWords(v)
		}
	}
	return m
}

// Mask masks personal data in a text as [Record.Masked] does.
func Mask(text string) string { return maskText(text) }

func maskText(v string) string {
	if isDN(v) {
		return maskDN(v)
	}
	return maskTokens(maskFree(v))
}

// publicType reports whether the values of an attribute type name no person.
func publicType(t string) bool {
	switch strings.ToUpper(t) {
	case "C", "ST", "S", "L", "O", "OU", "DC", "INNLE", "OGRN", "ИННЮЛ", "ОГРН":
		return true
	}
	return false
}

// components cuts RFC 4514 text before every separator; section 2: "," between
// relative distinguished names and "+" between their attributes, unless a
// backslash stands before it.
func components(v string) []string {
	var out []string
	start, quoted := 0, false
	for i, c := range v {
		switch {
		case quoted:
			quoted = false
		case c == '\\':
			quoted = true
		case c == ',' || c == '+':
			out = append(out, v[start:i])
			start = i
		}
	}
	return append(out, v[start:])
}

// attribute cuts a component into what stands up to the value and the value.
func attribute(component string) (typ, before, value string, ok bool) {
	t, value, ok := strings.Cut(component, "=")
	typ = strings.TrimLeft(t, ",+ ")
	ok = ok && typ != "" && strings.IndexFunc(typ, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '.' && c != '-'
	}) < 0
	return typ, t + "=", value, ok
}

// isDN reports whether a text has the form of a distinguished name.
func isDN(v string) bool {
	for _, c := range components(v) {
		if _, _, _, ok := attribute(c); !ok {
			return false
		}
	}
	return true
}

func maskDN(v string) string {
	var b strings.Builder
	for _, c := range components(v) {
		typ, before, value, _ := attribute(c)
		b.WriteString(before)
		if publicType(typ) {
			b.WriteString(maskTokens(value))
		} else {
			b.WriteString(maskWords(value))
		}
	}
	return b.String()
}

// maskWords leaves the first letter of every word that begins with one, and of
// a number nothing.
func maskWords(v string) string {
	words := strings.Fields(v)
	for i, w := range words {
		words[i] = maskWord(w)
	}
	return strings.Join(words, " ")
}

func maskWord(w string) string {
	local, domain, address := strings.Cut(w, "@")
	first, _ := utf8.DecodeRuneInString(w)
	out := hidden
	if unicode.IsLetter(first) && local != "" {
		out = string(first) + hidden
	}
	if address && domain != "" && !strings.ContainsFunc(domain, unicode.IsDigit) {
		out += "@" + domain
	}
	return out
}

// maskTokens masks e-mail addresses and person's numbers in running text.
func maskTokens(v string) string {
	var b strings.Builder
	for v != "" {
		end := strings.IndexFunc(v, func(c rune) bool { return !inToken(c) })
		if end < 0 {
			end = len(v)
		}
		if end == 0 {
			_, n := utf8.DecodeRuneInString(v)
			b.WriteString(v[:n])
			v = v[n:]
			continue
		}
		token := v[:end]
		// An insurance number is printed 123-456-789 64: the check number is a
		// token of its own.
		if n := snilsTail(token, v[end:]); n > 0 {
			b.WriteString(hidden)
			v = v[end+n:]
			continue
		}
		if isPersonal(token) {
			token = maskWord(token)
		}
		b.WriteString(token)
		v = v[end:]
	}
	return b.String()
}

// inToken reports whether a character may stand in an address or a number.
func inToken(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '@' || c == '.' || c == '-' || c == '_' || c == '%'
}

func isPersonal(token string) bool {
	if local, domain, ok := strings.Cut(token, "@"); ok && local != "" && strings.Contains(strings.Trim(domain, "."), ".") {
		return true
	}
	digits, ok := countDigits(token)
	return ok && (digits == 11 || digits == 12)
}

// countDigits counts the digits of a token that has nothing but digits and
// hyphens.
func countDigits(token string) (n int, ok bool) {
	for _, c := range token {
		switch {
		case c >= '0' && c <= '9':
			n++
		case c != '-':
			return 0, false
		}
	}
	return n, true
}

// snilsTail returns the length of the check number behind the first nine
// digits of an insurance number, 0 where it is none.
func snilsTail(token, rest string) int {
	if n, ok := countDigits(token); !ok || n != 9 || len(rest) < 3 || rest[0] != ' ' {
		return 0
	}
	if n, ok := countDigits(rest[1:3]); !ok || n != 2 {
		return 0
	}
	if c, _ := utf8.DecodeRuneInString(rest[3:]); len(rest) > 3 && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
		return 0
	}
	return 3
}
