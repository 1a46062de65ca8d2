package report

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A typeface measures text. The PDF library measures too, but reads past its
// table of widths for characters that a font lacks; here none reaches it.
type typeface struct {
	font   *sfnt.Font
	buf    sfnt.Buffer
	widths map[rune]float64 // per em; negative: the font lacks the character
}

// width returns a character's width in ems; false if the font lacks it.
func (t *typeface) width(r rune) (float64, bool) {
	w, known := t.widths[r]
	if !known {
		w = t.measure(r)
		t.widths[r] = w
	}
	return w, w >= 0
}

func (t *typeface) measure(r rune) float64 {
	// The library holds widths for the basic plane alone.
	if r > 0xFFFF {
		return -1
	}
	g, err := t.font.GlyphIndex(&t.buf, r)
	if err != nil || g == 0 {
		return -1
	}
	const em = 1000
	a, err := t.font.GlyphAdvance(&t.buf, g, fixed.I(em), font.HintingNone)
	if err != nil {
		return -1
	}
	return float64(a) / 64 / em
}

// pointsPerMM converts sizes of type to sizes on the page.
const pointsPerMM = 72 / 25.4

// font selects weight and size in points.
func (s *sheet) font(bold bool, size float64) {
	s.bold, s.size = bold, size
	style := ""
	if bold {
		style = "B"
	}
	s.SetFont("go", style, size)
}

// line is the height of a line in the selected font, in millimetres.
func (s *sheet) line() float64 { return s.size / pointsPerMM * 1.25 }

// room begins a new page where less than height is left on this one.
func (s *sheet) room(height float64) {
	if s.GetY()+height > pageHeight-marginFoot {
		bold, size := s.bold, s.size
		s.AddPage()
		s.SetY(marginTop)
		s.font(bold, size)
	}
}

// print puts one line of text at a place.
func (s *sheet) print(x, y float64, text string, c color) {
	s.SetTextColor(c.r, c.g, c.b)
	s.SetXY(x, y)
	s.CellFormat(0, s.line(), s.shown(text), "", 0, "L", false, 0, "")
}

// paragraph prints text from the left edge to the right margin.
func (s *sheet) paragraph(text string, c color) {
	for _, l := range s.wrap(text, marginLeft+textWidth-s.left) {
		s.room(s.line())
		y := s.GetY()
		s.print(s.left, y, l, c)
		s.SetY(y + s.line())
	}
}

// shown replaces what the selected font lacks.
func (s *sheet) shown(text string) string {
	f := s.fonts[s.bold]
	var b strings.Builder
	for _, r := range text {
		switch _, ok := f.width(r); {
		case ok:
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, "[U+%04X]", r)
		}
	}
	return b.String()
}

// wrap cuts text into lines of at most width millimetres: at spaces and after
// commas (names have no spaces between their parts), and inside a word that is
// longer than a line.
func (s *sheet) wrap(text string, width float64) []string {
	if text == "" {
		return nil
	}
	f, em := s.fonts[s.bold], s.size/pointsPerMM
	var lines []string
	runes := []rune(s.shown(text))
	start, stop, x := 0, -1, 0.0 // stop: where the line may end
	for i := 0; i < len(runes); i++ {
		w, _ := f.width(runes[i])
		if w*em+x > width && i > start {
			end := i
			if stop > start {
				end = stop
			}
			lines = append(lines, strings.TrimSpace(string(runes[start:end])))
			start, stop, x, i = end, -1, 0, end-1
			continue
		}
		if runes[i] == ' ' || runes[i] == ',' {
			stop = i + 1
		}
		x += w * em
	}
	return append(lines, strings.TrimSpace(string(runes[start:])))
}
