package server

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/verify"
)

// TestPageTexts: every text that a template names is there in both languages.
func TestPageTexts(t *testing.T) {
	names := map[string]bool{}
	files := must[[]string](t)(fs.Glob(operatorFiles, "web/operator/*.html"))
	for _, f := range files {
		b := must[[]byte](t)(operatorFiles.ReadFile(f))
		for _, m := range regexp.MustCompile(`\{\{-?\s*t "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			names[m[1]] = true
		}
	}
	if len(names) < 50 {
		t.Fatalf("only %d texts are named", len(names))
	}
	for name := range names {
		for _, lang := range []verify.Lang{verify.Russian, verify.English} {
			if text, err := pageTextOf(lang, name); err != nil || text == "" {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	seen := map[string]bool{}
	for _, part := range pageTextParts() {
		for name, both := range part {
			if seen[name] {
				t.Errorf("%q is there twice", name)
			}
			seen[name] = true
			if both[0] == "" || both[1] == "" {
				t.Errorf("%q is empty", name)
			}
		}
	}
}

// TestVisible: nothing in a shown text turns, hides or ends it.
func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"Иванов": "Иванов", "a\u202eb": "a\ufffdb", "a\x00b": "a\ufffdb", "a\nb": "a b", "\ufeffx": "\ufffdx", "a\u200db": "a\ufffdb", "\U000e0041": "\ufffd", "ёЁ№«»": "ёЁ№«»",
	} {
		if got := visible(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := clip("абвг", 3); got != "абв…" {
		t.Error(got)
	}
	for in, want := range map[string]string{"1": "1", "1234": "1\u00a0234", "-1234567": "-1\u00a0234\u00a0567", "-123": "-123", "x": "x"} {
		if got := pageNumber(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

// TestChartScale: the lines are round, and the highest column is below the top.
func TestChartScale(t *testing.T) {
	for most := range 100_000 {
		step, top := chartScale(most)
		if step < 1 || top < most || top > 2*most+4 || top%step != 0 || top/step > 5 {
			t.Fatalf("%d: step %d, top %d", most, step, top)
		}
	}
	points := make([]chartPoint, 90)
	for n := range points {
		points[n] = chartPoint{From: time.Unix(0, 0).AddDate(0, 0, n), Count: n * n}
	}
	for _, p := range newChart("chart-issued", "issued", points).Pictures {
		labels := 0
		for _, b := range p.Bars {
			if b.Label {
				labels++
			}
			if strings.HasPrefix(b.Y, "-") || strings.HasPrefix(b.Height, "-") || strings.HasPrefix(b.Width, "-") || strings.Contains(b.Y+b.Height, "NaN") {
				t.Errorf("bar %+v", b)
			}
		}
		if len(p.Bars) != 90 || labels < 2 || labels > 10 {
			t.Errorf("%d bars, %d labels", len(p.Bars), labels)
		}
	}
}

// TestCalendar: a month in weeks has each of its days once.
func TestCalendar(t *testing.T) {
	for month := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); month.Year() < 2027; month = month.AddDate(0, 1, 0) {
		counts := map[time.Time]ca.DayCount{}
		next := month.AddDate(0, 1, 0)
		want, days := 0, 0
		for d := month; d.Before(next); d = d.Add(day) {
			counts[d] = ca.DayCount{Day: d, Expiring: d.Day() % 5}
			want += d.Day() % 5
			days++
		}
		weeks, total := calendar(month, month, counts)
		own := 0
		for _, w := range weeks {
			if len(w) != 7 || w[0].Day.Weekday() != time.Monday {
				t.Fatalf("%s: %v", month, w)
			}
			for _, d := range w {
				if !d.Other {
					own++
				}
				if d.Heat < 0 || d.Heat > 4 || (d.Heat > 0) != (d.Count > 0) {
					t.Errorf("%+v", d)
				}
			}
		}
		if own != days || total != want {
			t.Errorf("%s: %d of %d days, %d of %d", month, own, days, total, want)
		}
	}
}
