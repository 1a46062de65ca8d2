package cryptopro

import (
	"strings"
	"unicode/utf8"
)

// upper1251 are the characters of the octets 80 to FF of Windows-1251.
const upper1251 = "" +
	"ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\ufffd™љ›њќћџ" +
	"\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї" +
	"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ" +
	"абвгдежзийклмнопрстуфхцчшщъыьэюя"

func isUTF8(b []byte) bool { return utf8.Valid(b) }

func isASCII(b []byte) bool {
	for _, x := range b {
		if x >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decode1251 decodes text for people.
func decode1251(b []byte) string {
	table := []rune(upper1251)
	var out strings.Builder
	for _, x := range b {
		if x < utf8.RuneSelf {
			out.WriteByte(x)
			continue
		}
		out.WriteRune(table[x-utf8.RuneSelf])
	}
	return out.String()
}

// encode1251 encodes UTF-8 text; false if a character is not in Windows-1251.
// The table is searched from end to end for each character, which is a secret.
func encode1251(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		found := 0
		i := utf8.RuneSelf
		for _, c := range upper1251 {
			if c == r && r != utf8.RuneError {
				found = i
			}
			i++
		}
		if found == 0 {
			clear(out)
			return nil, false
		}
		out = append(out, byte(found))
	}
	return out, true
}
