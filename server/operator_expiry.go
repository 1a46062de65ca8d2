package server

import (
	"fmt"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

const (
	day        = 24 * time.Hour
	dateLayout = "2006-01-02"
)

// dayOf is the beginning of a day, UTC.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(day) }

// monthOf is the beginning of a month, UTC.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// calendarDay is a cell of the calendar.
type calendarDay struct {
	Day    time.Time
	Count  int
	Heat   int // 0 to 4
	Other  bool
	Today  bool
	Link   string
	Number int
}

type expiryView struct {
	Month                   time.Time
	Weekdays                []string // names of texts
	Weeks                   [][]calendarDay
	Total                   int
	Previous, Following     string
	PreviousName, NextName  time.Time
	Today                   string
	Spans                   []expirySpan
	Rows                    []certificateRow
	Next, Reveal, CertLink  string
	NinetyFrom, NinetyUntil time.Time
}

// expirySpan is how many certificates end in the next days.
type expirySpan struct {
	Days, Count int
	Link        string
}

// expiry shows the calendar of a month and the next ninety days.
func (p *operatorPage) expiry(v *visit) error {
	today := dayOf(v.now())
	month := monthOf(today)
	if text := v.req.URL.Query().Get("month"); text != "" {
		t, err := time.Parse("2006-01", text)
		if err != nil || t.Year() < 1950 || t.Year() > 9998 {
			return badQuery("month")
		}
		month = t
	}
	if err := v.reveal(); err != nil {
		return err
	}
	next := month.AddDate(0, 1, 0)
	counts, err := v.dayCounts(month, next)
	if err != nil {
		return err
	}
	view := expiryView{
		Month: month, PreviousName: month.AddDate(0, -1, 0), NextName: next, Today: "/desk/expiry",
		NinetyFrom: today, NinetyUntil: today.Add(90 * day),
	}
	view.Previous, view.Following = "/desk/expiry?month="+view.PreviousName.Format("2006-01"), "/desk/expiry?month="+next.Format("2006-01")
	for n := range 7 {
		view.Weekdays = append(view.Weekdays, fmt.Sprintf("weekday-%d", n))
	}
	view.Weeks, view.Total = calendar(month, today, counts)
	if view.Spans, err = v.expirySpans(today); err != nil {
		return err
	}
	list, err := v.issuer().Expiring(v.req.Context(), v.now(), view.NinetyUntil, ca.Serial{}, limits.PageRows+1)
	if err != nil {
		return err
	}
	if len(list) > limits.PageRows {
		list = list[:limits.PageRows]
		view.Next = expiryLink(today, view.NinetyUntil) + "&after=" + list[limits.PageRows-1].Serial.String()
	}
	view.Rows = v.certificateRows(list)
	if v.masked {
		view.Reveal = v.link(map[string]string{"personal": "1", "lang": ""})
	}
	return v.show("expiry", "expiry", view)
}

// dayCounts are the days of a span on which something happened.
func (v *visit) dayCounts(from, to time.Time) (map[time.Time]ca.DayCount, error) {
	list, err := v.issuer().Days(v.req.Context(), from, to)
	out := make(map[time.Time]ca.DayCount, len(list))
	for _, d := range list {
		out[dayOf(d.Day)] = d
	}
	return out, err
}

func expiryLink(from, to time.Time) string {
	return "/desk/expiry/list?from=" + from.Format(dateLayout) + "&to=" + to.Format(dateLayout)
}

func (v *visit) expirySpans(today time.Time) ([]expirySpan, error) {
	counts, err := v.dayCounts(today, today.Add(90*day))
	if err != nil {
		return nil, err
	}
	var out []expirySpan
	for _, n := range []int{7, 30, 90} {
		span := expirySpan{Days: n, Link: expiryLink(today, today.Add(time.Duration(n)*day))}
		for d, c := range counts {
			if d.Before(today.Add(time.Duration(n) * day)) {
				span.Count += c.Expiring
			}
		}
		out = append(out, span)
	}
	return out, nil
}

// calendar cuts a month into weeks that begin with Monday.
func calendar(month, today time.Time, counts map[time.Time]ca.DayCount) (weeks [][]calendarDay, total int) {
	most := 0
	for _, c := range counts {
		most = max(most, c.Expiring)
	}
	first := month.Add(-time.Duration((int(month.Weekday())+6)%7) * day)
	next := month.AddDate(0, 1, 0)
	for d := first; d.Before(next); d = d.Add(7 * day) {
		var week []calendarDay
		for n := range 7 {
			one := calendarDay{Day: d.Add(time.Duration(n) * day)}
			one.Number, one.Today = one.Day.Day(), one.Day.Equal(today)
			one.Other = one.Day.Before(month) || !one.Day.Before(next)
			if c := counts[one.Day].Expiring; c > 0 && !one.Other {
				one.Count, one.Heat, one.Link = c, 1+3*(c-1)/most, expiryLink(one.Day, one.Day.Add(day))
				total += c
			}
			week = append(week, one)
		}
		weeks = append(weeks, week)
	}
	return weeks, total
}

type expiryListView struct {
	From, To            time.Time
	Last                time.Time // the day before To
	Rows                []certificateRow
	Next, First, Reveal string
}

// expiryList lists the certificates that end in some days.
func (p *operatorPage) expiryList(v *visit) error {
	q := v.req.URL.Query()
	from, err := time.Parse(dateLayout, q.Get("from"))
	if err != nil {
		return badQuery("from")
	}
	to, err := time.Parse(dateLayout, q.Get("to"))
	if err != nil || !to.After(from) {
		return badQuery("to")
	}
	after, err := afterSerial(q.Get("after"))
	if err != nil {
		return err
	}
	if err := v.reveal(); err != nil {
		return err
	}
	list, err := v.issuer().Expiring(v.req.Context(), from, to, after, limits.PageRows+1)
	if err != nil {
		return err
	}
	view := expiryListView{From: from, To: to, Last: to.Add(-day)}
	if len(list) > limits.PageRows {
		list = list[:limits.PageRows]
		view.Next = v.link(map[string]string{"after": list[limits.PageRows-1].Serial.String(), "lang": ""})
	}
	if q.Get("after") != "" {
		view.First = v.link(map[string]string{"after": "", "lang": ""})
	}
	view.Rows = v.certificateRows(list)
	if v.masked {
		view.Reveal = v.link(map[string]string{"personal": "1", "lang": ""})
	}
	return v.show("expirylist", "expiry", view)
}
