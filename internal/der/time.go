package der

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ParseTime decodes the contents of a UTCTime or GeneralizedTime. deviation is
// empty if the form is the one of RFC 5280, sections 4.1.2.5.1 and 4.1.2.5.2
// (seconds present, "Z", no fraction), and names the difference otherwise:
// what X.680 allows besides (no seconds, an offset, a fraction, local time,
// which is read as UTC) is read. ok is false for anything else. The result is
// in UTC. A UTCTime year below 50 belongs to 20YY, another to 19YY.
func ParseTime(tag asn1.Tag, content []byte) (t time.Time, deviation string, ok bool) {
	text := string(content)
	var layout string
	switch {
	case tag == asn1.UTCTime && len(text) >= 10:
		layout = "0601021504"
	case tag == asn1.GeneralizedTime && len(text) >= 10:
		layout = "2006010215"
	default:
		return time.Time{}, "", false
	}
	base, rest := text[:10], text[10:]
	if !digits(base) {
		return time.Time{}, "", false
	}
	if tag == asn1.UTCTime {
		// Go's own pivot for two-digit years is 69.
		century := "20"
		if base[0] >= '5' {
			century = "19"
		}
		base, layout = century+base, "200601021504"
	}
	return parseTimeTail(tag, base, layout, rest)
}

func parseTimeTail(tag asn1.Tag, base, layout, rest string) (t time.Time, deviation string, ok bool) {
	fields := 1 // UTCTime: seconds; GeneralizedTime: minutes and seconds
	if tag == asn1.GeneralizedTime {
		fields = 2
	}
	for range fields {
		if len(rest) < 2 || !digits(rest[:2]) {
			deviation = "no seconds"
			break
		}
		base += rest[:2]
		layout = layoutNext(layout)
		rest = rest[2:]
	}
	if tag == asn1.GeneralizedTime && len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && deviation == "" {
		n := 1
		for n < len(rest) && digits(rest[n:n+1]) {
			n++
		}
		if n == 1 || n > 10 {
			return time.Time{}, "", false
		}
		deviation = "fraction of a second"
		base, layout, rest = base+"."+rest[1:n], layout+"."+strings.Repeat("0", n-1), rest[n:]
	}
	switch {
	case rest == "Z":
	case rest == "":
		deviation = "no time zone"
	case len(rest) == 5 && (rest[0] == '+' || rest[0] == '-') && digits(rest[1:]):
		deviation = "time zone other than Z"
		base, layout = base+rest, layout+"-0700"
	default:
		return time.Time{}, "", false
	}
	t, err := time.Parse(layout, base)
	if err != nil {
		return time.Time{}, "", false
	}
	return t.UTC(), deviation, true
}

func layoutNext(layout string) string {
	if len(layout) == len("2006010215") {
		return layout + "04"
	}
	return layout + "05"
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// AddTime appends t in UTC as RFC 5280, section 4.1.2.5 and RFC 5652, section
// 11.3 want it: UTCTime from 1950 through 2049, GeneralizedTime otherwise, whole seconds.
// A year outside 0 to 9999 sets b's error.
func AddTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC()
	if y := t.Year(); y < 1950 || y >= 2050 {
		AddGeneralizedTime(b, t)
		return
	}
	b.AddASN1(asn1.UTCTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.Format("060102150405Z"))) })
}

// AddGeneralizedTime appends t in UTC as GeneralizedTime with whole seconds.
func AddGeneralizedTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		b.SetError(fmt.Errorf("der: year %d does not fit into GeneralizedTime", t.Year()))
		return
	}
	b.AddASN1(asn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.Format("20060102150405Z"))) })
}
