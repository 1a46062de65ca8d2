package jsonout_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/jsonout"
)

// equal wants what encoding/json writes.
func equal(t *testing.T, got []byte, v any) {
	t.Helper()
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != "x"+string(want) {
		t.Errorf("%q, and encoding/json writes %q", got, want)
	}
}

func texts() []string {
	return []string{
		"", "a", "CN=Иванов Иван,C=RU", "\"", `\`, "<&>", "\u2028", "\u2029", "‰", "\x00", "\x1f", "\x7f", "\xff", "а\xd0", "\xe2\x80", "😀", "a\u00a0b",
	}
}

func TestLikeEncodingJSON(t *testing.T) {
	for _, text := range texts() {
		equal(t, jsonout.String([]byte("x"), text), text)
	}
	for _, octets := range [][]byte{nil, {}, {0}, {1, 2}, {255, 254, 253, 252}} {
		equal(t, jsonout.Base64([]byte("x"), octets), octets)
	}
	base := time.Date(2026, 6, 2, 12, 30, 1, 0, time.UTC)
	for _, at := range []time.Time{{}, base, base.Add(1), base.Add(120 * time.Millisecond), base.In(time.FixedZone("", 3*3600)), base.Local()} {
		got, err := jsonout.Time([]byte("x"), at)
		if err != nil {
			t.Errorf("%s: %v", at, err)
		}
		equal(t, got, at)
	}
	for _, at := range []time.Time{base.AddDate(9000, 0, 0), base.AddDate(-3000, 0, 0)} {
		if got, err := jsonout.Time(nil, at); err == nil {
			t.Errorf("%s: %s", at, got)
		}
	}
}

func FuzzString(f *testing.F) {
	for _, text := range texts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { equal(t, jsonout.String([]byte("x"), text), text) })
}
