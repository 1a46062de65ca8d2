package server

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// Charts are drawn here, as SVG in the page. Each is drawn twice, for wide and
// for narrow windows, of which the style sheet shows one; a table beside says the
// same in words.

// chartPoint is one column of a chart.
type chartPoint struct {
	From  time.Time
	Month bool // a month, else a day
	Count int
}

// chartBar is a drawn column. All lengths are in the units of the picture.
type chartBar struct {
	chartPoint
	X, Y, Width, Height string
	Label               bool // whether its date stands under it
	Middle              string
}

// chartLine is a line of the scale.
type chartLine struct {
	Y, TextY string
	Value    int
}

// chartPicture is one drawing.
type chartPicture struct {
	Width, Height       int
	Left, Right, Bottom string
	LabelY              string
	Lines               []chartLine
	Bars                []chartBar
	Class               string
}

type chart struct {
	Title    string // name of a text
	Colour   string // class
	Points   []chartPoint
	Total    int
	Most     int
	Pictures []chartPicture
}

const (
	chartTop    = 12
	chartBelow  = 26
	chartMargin = 46 // numbers of the scale
)

// newChart draws a chart.
func newChart(title, colour string, points []chartPoint) chart {
	c := chart{Title: title, Colour: colour, Points: points}
	for _, p := range points {
		c.Total += p.Count
		c.Most = max(c.Most, p.Count)
	}
	c.Pictures = []chartPicture{c.draw(860, 240, 10, "wide"), c.draw(340, 200, 4, "narrow")}
	return c
}

// draw draws columns with at most some dates under them.
func (c chart) draw(width, height, labels int, class string) chartPicture {
	step, most := chartScale(c.Most)
	bottom := float64(height - chartBelow)
	high := bottom - chartTop
	p := chartPicture{
		Width: width, Height: height, Class: class, Left: strconv.Itoa(chartMargin), Right: strconv.Itoa(width - 4),
		Bottom: number(bottom), LabelY: number(bottom + 18),
	}
	for n := 0; n <= most; n += step {
		y := bottom - high*float64(n)/float64(most)
		p.Lines = append(p.Lines, chartLine{number(y), number(y + 4), n})
	}
	each := float64(width-4-chartMargin) / float64(max(1, len(c.Points)))
	gap := min(each*0.3, 10)
	every := (len(c.Points) + labels - 1) / max(1, labels)
	for n, point := range c.Points {
		h := high * float64(point.Count) / float64(most)
		if point.Count > 0 {
			h = max(h, 1.5) // one of a million is still there
		}
		x := chartMargin + each*float64(n)
		p.Bars = append(p.Bars, chartBar{
			chartPoint: point, X: number(x + gap/2), Y: number(bottom - h), Width: number(each - gap), Height: number(h),
			Label: n%max(1, every) == 0, Middle: number(x + each/2),
		})
	}
	return p
}

// chartScale is the distance of the lines, and the value at the top: 1, 2 or 5
// times a power of ten, and about four lines.
func chartScale(most int) (step, top int) {
	if most < 4 {
		return 1, 4
	}
	power := math.Pow(10, math.Floor(math.Log10(float64(most)/4)))
	step = int(power)
	for _, f := range []float64{2, 5, 10} {
		if most > 4*step {
			step = int(power * f)
		}
	}
	top = step * ((most + step - 1) / step)
	return step, top
}

// number is a length with one digit behind the point.
func number(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// chartSpan is a period of which charts are drawn.
type chartSpan struct {
	name   string
	days   int // by day, or
	months int // by month
}

func chartSpans() []chartSpan {
	return []chartSpan{{name: "30d", days: 30}, {name: "90d", days: 90}, {name: "12m", months: 12}, {name: "36m", months: 36}}
}

// series returns what was issued and revoked in a period that ends today.
func (v *visit) series(span chartSpan) (issued, revoked []chartPoint, err error) {
	end := dayOf(v.now()).Add(day)
	from := end.Add(-time.Duration(span.days) * day)
	if span.months > 0 {
		from = monthOf(v.now()).AddDate(0, 1-span.months, 0)
	}
	counts, err := v.dayCounts(from, end)
	if err != nil {
		return nil, nil, err
	}
	for d := from; d.Before(end); d = d.Add(day) {
		if n := len(issued); span.months == 0 || n == 0 || d.Day() == 1 {
			issued = append(issued, chartPoint{From: d, Month: span.months > 0})
			revoked = append(revoked, chartPoint{From: d, Month: span.months > 0})
		}
		n := len(issued) - 1
		issued[n].Count += counts[d].Issued
		revoked[n].Count += counts[d].Revoked
	}
	return issued, revoked, nil
}

// chartRow is a line of the table beside the charts.
type chartRow struct {
	chartPoint
	Issued, Revoked int
}

type chartsView struct {
	Tabs   []tab
	Charts []chart
	Rows   []chartRow
}

// charts draws what was issued and revoked.
func (p *operatorPage) charts(v *visit) error {
	want := v.req.URL.Query().Get("span")
	if want == "" {
		want = "30d"
	}
	var view chartsView
	var chosen *chartSpan
	for _, span := range chartSpans() {
		view.Tabs = append(view.Tabs, tab{"span-" + span.name, "/desk/charts?span=" + span.name, span.name == want})
		if span.name == want {
			chosen = &span
		}
	}
	if chosen == nil {
		return badQuery("span")
	}
	issued, revoked, err := v.series(*chosen)
	if err != nil {
		return err
	}
	view.Charts = []chart{newChart("chart-issued", "issued", issued), newChart("chart-revoked", "revoked", revoked)}
	for n := len(issued) - 1; n >= 0; n-- { // the newest first
		view.Rows = append(view.Rows, chartRow{issued[n], issued[n].Count, revoked[n].Count})
	}
	return v.show("charts", "charts", view)
}

// overviewView is the first page.
type overviewView struct {
	Waiting, Ready []requestRow
	MoreWaiting    bool
	MoreReady      bool
	Issued         int // in thirty days
	Revoked        int
	Spans          []expirySpan
	Charts         []chart
	List           *ca.CRLEntry
	ListLate       bool
	Ailment        string // why nothing could be issued, "" if it could
	Records        []recordRow
	Node           string
}

// overviewRows is how many requests and records the first page shows.
const overviewRows = 6

// overview is the first page: what waits, what ends, what happened.
func (p *operatorPage) overview(v *visit) error {
	var view overviewView
	if err := v.waiting(&view); err != nil {
		return err
	}
	issued, revoked, err := v.series(chartSpans()[0])
	if err != nil {
		return err
	}
	view.Charts = []chart{newChart("chart-issued", "issued", issued), newChart("chart-revoked", "revoked", revoked)}
	view.Issued, view.Revoked = view.Charts[0].Total, view.Charts[1].Total
	if view.Spans, err = v.expirySpans(dayOf(v.now())); err != nil {
		return err
	}
	if view.List, view.ListLate, err = v.lastList(); err != nil {
		return err
	}
	if why := p.s.notReady(v.req.Context()); why != "" {
		view.Ailment = "not-ready-" + why
	}
	chain, err := v.chain(journalQuery{})
	if err != nil {
		return err
	}
	view.Node, view.Records = chain.node, v.recordRows(chain.records)
	if len(view.Records) > overviewRows {
		view.Records = view.Records[:overviewRows]
	}
	return v.show("overview", "overview", view)
}

// waiting finds the newest few requests that wait for somebody.
func (v *visit) waiting(view *overviewView) error {
	some := func(states ...ca.RequestState) (rows []requestRow, more bool, err error) {
		var list []ca.RequestEntry
		for _, s := range states {
			page, next, err := v.issuer().RequestPage(v.req.Context(), ca.RequestFilter{State: s}, "", overviewRows)
			if err != nil {
				return nil, false, err
			}
			list, more = append(list, page...), more || next != ""
		}
		slices.SortStableFunc(list, func(a, b ca.RequestEntry) int { return b.Created.Compare(a.Created) })
		for _, e := range list[:min(overviewRows, len(list))] {
			rows = append(rows, v.requestRow(e))
		}
		return rows, more || len(list) > overviewRows, nil
	}
	var err error
	if view.Waiting, view.MoreWaiting, err = some(ca.Submitted, ca.InReview); err != nil {
		return err
	}
	view.Ready, view.MoreReady, err = some(ca.Approved)
	return err
}
