package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// maxMarks is how many combining marks may follow each other: scripts need two
// or three, a heap of them covers the lines around it.
const maxMarks = 4

// Printable returns s with everything replaced by U+FFFD that could make a
// reader see something else than is written: control characters (line ends
// among them), characters that change the direction of text or are invisible,
// unassigned and private ones, and what is no UTF-8. Of a heap of combining marks
// the first few are kept. Letters of all scripts stay as they are, so names that
// look alike still look alike.
func Printable(s string) string {
	return printable(s, func(rune) bool { return false })
}

// PrintableLines is Printable with line feeds and tabs left in place.
func PrintableLines(s string) string {
	return printable(s, func(r rune) bool { return r == '\n' || r == '\t' })
}

func printable(s string, keep func(rune) bool) string {
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for _, r := range s {
		if unicode.Is(unicode.M, r) && !hidden(r) {
			if marks++; marks > maxMarks {
				continue
			}
		} else {
			marks = 0
		}
		if !keep(r) && hidden(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden says whether a character is not seen, or changes how others are seen.
// unicode.IsGraphic holds letters, marks, numbers, punctuation, symbols and
// spaces; the categories Cc, Cf (directions, zero width, tags), Co, Cn, Zl and
// Zp are outside it.
func hidden(r rune) bool {
	switch {
	case !unicode.IsGraphic(r):
		return true
	case unicode.Is(unicode.Variation_Selector, r), r == 0x034F, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x17B4, r == 0x17B5:
		return true // graphic by category, and invisible (Default_Ignorable_Code_Point)
	}
	return false
}

// clean is Printable for a value of a protocol, cut to a length that a page can
// hold.
func clean(s string) string {
	if len(s) > limits.ReportValue { // no more octets than that: no more characters either
		if r := []rune(s); len(r) > limits.ReportValue {
			s = string(r[:limits.ReportValue]) + "…"
		}
	}
	return Printable(s)
}
