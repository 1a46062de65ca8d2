package report

import (
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"github.com/gosklyuch/gosklyuch/verify"
)

// The page, in millimetres: A4 with the margins of a Russian office document
// (wider on the left, where it is filed).
const (
	pageHeight  = 297.0
	marginLeft  = 20.0
	marginRight = 12.0
	marginTop   = 14.0
	marginFoot  = 18.0
	textWidth   = 210 - marginLeft - marginRight
	labelWidth  = 50.0
	indent      = 5.0
	qrSide      = 34.0
)

// A color is red, green and blue.
type color struct{ r, g, b int }

var (
	black  = color{26, 26, 26}
	grey   = color{90, 90, 90}
	green  = color{27, 122, 53}
	red    = color{179, 38, 30}
	orange = color{138, 92, 0}
)

// colorOf is the colour of a verdict or of a check's result; every coloured word
// also says what it means.
func colorOf(s string) color {
	switch s {
	case verify.VerdictValid.String():
		return green
	case verify.VerdictInvalid.String(), verify.VerdictRevoked.String(), "failed":
		return red
	case verify.VerdictIndeterminate.String(), "warning":
		return orange
	case "skipped":
		return grey
	}
	return black
}

// A sheet is the PDF under way.
type sheet struct {
	*fpdf.Fpdf
	p     *protocol
	fonts map[bool]*typeface // by bold
	bold  bool
	size  float64 // points
	left  float64 // where text begins
}

// PDF writes the protocol as PDF 1.x on A4 with embedded fonts; its text can be
// selected and searched. Creation date is the moment of verification. A
// character that the fonts lack stands as [U+4E2D].
func PDF(w io.Writer, in Input) error {
	p, err := build(in)
	if err != nil {
		return err
	}
	s, err := newSheet(in, p)
	if err != nil {
		return err
	}
	s.AddPage()
	s.head()
	for _, sec := range p.Sections {
		s.section(sec)
	}
	s.closing()
	if err := s.Output(w); err != nil {
		return fmt.Errorf("report: PDF: %w", err)
	}
	return nil
}

// newSheet sets fonts and everything that would differ from run to run.
func newSheet(in Input, p *protocol) (*sheet, error) {
	s := &sheet{Fpdf: fpdf.New("P", "mm", "A4", ""), p: p, fonts: map[bool]*typeface{}, left: marginLeft}
	for bold, ttf := range map[bool][]byte{false: goregular.TTF, true: gobold.TTF} {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("report: font: %w", err)
		}
		s.fonts[bold] = &typeface{font: f, widths: map[rune]float64{}}
	}
	s.AddUTF8FontFromBytes("go", "", goregular.TTF)
	s.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	at := in.Report.At.UTC()
	s.SetCreationDate(at)
	s.SetModificationDate(at)
	s.SetCatalogSort(true)
	s.SetProducer(strings.TrimSpace(clean(in.Program)+" "+clean(in.Version)), true)
	s.SetTitle(p.Title+": "+p.Headline, true)
	s.SetSubject("streebog256:"+p.Digest, true)
	s.SetLang(p.Lang)
	s.SetMargins(marginLeft, marginTop, marginRight)
	s.SetAutoPageBreak(false, 0) // lines break pages themselves, see room
	s.AliasNbPages(s.pages())
	s.SetFooterFunc(s.foot)
	s.font(false, 9.5)
	return s, s.Error()
}

// head is the title and the answer.
func (s *sheet) head() {
	s.font(true, 15)
	s.paragraph(s.p.Title, black)
	s.Ln(2)
	top, page := s.GetY(), s.PageNo()
	s.left += indent
	s.Ln(2)
	s.font(true, 14)
	s.paragraph(s.p.Headline, colorOf(s.p.Verdict))
	s.font(false, 10)
	s.paragraph(s.p.Lead, black)
	if s.p.Remedy != "" {
		s.paragraph(wRemedy.in(s.p.lang)+": "+s.p.Remedy, black)
	}
	s.Ln(2)
	s.left -= indent
	if page == s.PageNo() {
		c := colorOf(s.p.Verdict)
		s.SetFillColor(c.r, c.g, c.b)
		s.Rect(marginLeft, top, 1.6, s.GetY()-top, "F")
	}
	s.Ln(1)
}

// section prints a heading, rows and checks.
func (s *sheet) section(sec section) {
	s.left = marginLeft + float64(sec.Depth)*indent
	s.Ln(3)
	s.room(16) // a heading does not stand alone at the foot of a page
	s.font(true, 11)
	s.paragraph(sec.Title, colorOf(sec.Verdict))
	y := s.GetY() + 0.5
	s.SetDrawColor(150, 150, 150)
	s.Line(s.left, y, marginLeft+textWidth, y)
	s.SetY(y + 1.5)
	for _, r := range sec.Rows {
		s.row(r)
	}
	if len(sec.Checks) > 0 {
		s.Ln(1.5)
		s.font(true, 9.5)
		s.room(12)
		s.paragraph(wChecks.in(s.p.lang), black)
		for _, c := range sec.Checks {
			s.check(c)
		}
	}
}

// row prints a label and, beside it, its value.
func (s *sheet) row(r row) {
	s.font(false, 9.5)
	names := s.wrap(r.Name, labelWidth-3)
	s.font(r.Strong, 9.5)
	values := s.wrap(r.Value, textWidth-labelWidth-(s.left-marginLeft))
	for i := range max(len(names), len(values)) {
		s.room(s.line())
		y := s.GetY()
		if i < len(names) {
			s.font(false, 9.5)
			s.print(s.left, y, names[i], grey)
		}
		if i < len(values) {
			s.font(r.Strong, 9.5)
			s.print(s.left+labelWidth, y, values[i], black)
		}
		s.SetY(y + s.line())
	}
}

// check prints one check: its sign and title, then clause and detail.
func (s *sheet) check(c check) {
	s.font(c.Result == "failed" || c.Result == "warning", 9)
	s.room(2 * s.line())
	s.hanging(c.Mark, c.Title+": "+c.Outcome, colorOf(c.Result))
	s.font(false, 8)
	detail := c.Cite + " [" + c.ID + "]"
	if c.Detail != "" {
		detail += ": " + c.Detail
	}
	s.hanging("", detail, grey)
	s.Ln(0.6)
}

// hanging prints a sign and a paragraph beside it.
func (s *sheet) hanging(sign, text string, c color) {
	const width = 5.0
	for i, l := range s.wrap(text, textWidth-width-(s.left-marginLeft)) {
		s.room(s.line())
		y := s.GetY()
		if i == 0 && sign != "" {
			s.print(s.left, y, sign, c)
		}
		s.print(s.left+width, y, l, c)
		s.SetY(y + s.line())
	}
}

// closing prints the QR code, the digest and the line of honesty.
func (s *sheet) closing() {
	s.left = marginLeft
	s.Ln(4)
	s.room(qrSide + 2)
	top := s.GetY()
	module := qrSide / float64(s.p.QR.Side())
	s.SetFillColor(0, 0, 0)
	s.p.QR.runs(func(x, y, length int) {
		s.Rect(marginLeft+float64(x)*module, top+float64(y)*module, float64(length)*module, module, "F")
	})
	s.left = marginLeft + qrSide + 4
	s.SetY(top + 6)
	s.font(false, 8.5)
	s.paragraph(wReportDigest.in(s.p.lang)+" (streebog256):", grey)
	s.paragraph(s.p.Digest, black)
	s.Ln(3)
	s.font(true, 10)
	s.paragraph(s.p.Notice, black)
	s.left = marginLeft
	s.SetY(max(s.GetY(), top+qrSide))
}

// pages stands for the number of pages until it is known. It holds a part of the
// digest, which nobody knows who writes a name into a certificate.
func (s *sheet) pages() string { return "{" + s.p.Digest[:24] + "}" }

// foot is printed on every page: what it belongs to, and which page it is.
func (s *sheet) foot() {
	bold, size := s.bold, s.size
	s.font(false, 7.5)
	y := pageHeight - marginFoot + 5
	s.print(marginLeft, y, "streebog256:"+s.p.Digest[:16]+"…  "+s.p.Moment, grey)
	s.print(marginLeft, y+s.line(), s.p.Notice, grey)
	s.print(marginLeft+textWidth-25, y, fmt.Sprintf("%s %d / %s", wPage.in(s.p.lang), s.PageNo(), s.pages()), grey)
	s.font(bold, size)
}
