package der_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
)

func TestParseTime(t *testing.T) {
	const utc, gen = asn1.UTCTime, asn1.GeneralizedTime
	for _, c := range []struct {
		tag       asn1.Tag
		text      string
		want      string // "" : refused
		deviation bool
	}{
		{utc, "260102030405Z", "2026-01-02T03:04:05Z", false},
		{utc, "491231235959Z", "2049-12-31T23:59:59Z", false},
		{utc, "500101000000Z", "1950-01-01T00:00:00Z", false},
		{utc, "991231235959Z", "1999-12-31T23:59:59Z", false},
		{utc, "2601020304Z", "2026-01-02T03:04:00Z", true},
		{utc, "260102030405+0300", "2026-01-02T00:04:05Z", true},
		{utc, "260102030405", "2026-01-02T03:04:05Z", true},
		{gen, "20500101000000Z", "2050-01-01T00:00:00Z", false},
		{gen, "99991231235959Z", "9999-12-31T23:59:59Z", false},
		{gen, "20260102030405.123Z", "2026-01-02T03:04:05.123Z", true},
		{gen, "2026010203Z", "2026-01-02T03:00:00Z", true},
		{gen, "20260102030405-0500", "2026-01-02T08:04:05Z", true},
		{utc, "261302030405Z", "", false},
		{utc, "260230030405Z", "", false},
		{utc, "260102030460Z", "", false},
		{utc, "260102240405Z", "", false},
		{utc, "26010203040 Z", "", false},
		{utc, "", "", false},
		{gen, "20260102030405.Z", "", false},
		{gen, "20260102030405Z0", "", false},
		{asn1.OCTET_STRING, "260102030405Z", "", false},
	} {
		got, deviation, ok := der.ParseTime(c.tag, []byte(c.text))
		if ok != (c.want != "") {
			t.Errorf("%q: accepted is %v", c.text, ok)
			continue
		}
		if ok && (got.Format(time.RFC3339Nano) != c.want || (deviation != "") != c.deviation) {
			t.Errorf("%q: %s, deviation %q", c.text, got.Format(time.RFC3339Nano), deviation)
		}
	}
}

// RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050.
func TestAddTime(t *testing.T) {
	for year, tag := range map[int]asn1.Tag{1949: asn1.GeneralizedTime, 1950: asn1.UTCTime, 2049: asn1.UTCTime, 2050: asn1.GeneralizedTime} {
		want := time.Date(year, 12, 31, 23, 59, 59, 0, time.FixedZone("", 3*3600))
		var b cryptobyte.Builder
		der.AddTime(&b, want)
		s := cryptobyte.String(b.BytesOrPanic())
		var content cryptobyte.String
		var got asn1.Tag
		if !s.ReadAnyASN1(&content, &got) || got != tag {
			t.Fatalf("%d: tag %x", year, got)
		}
		back, deviation, ok := der.ParseTime(got, content)
		if !ok || deviation != "" || !back.Equal(want) {
			t.Errorf("%d: reads back as %v, %q", year, back, deviation)
		}
	}
	var b cryptobyte.Builder
	der.AddTime(&b, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	if _, err := b.Bytes(); err == nil {
		t.Error("the year 10000 was written")
	}
}

func TestDecodeString(t *testing.T) {
	for _, c := range []struct {
		tag       byte
		hex, text string
		deviation bool
	}{
		{der.TagUTF8String, "d098d0bdd0bd", "Инн", false},
		{der.TagUTF8String, "ff", "ÿ", true},
		{der.TagNumericString, "3031 20", "01 ", false},
		{der.TagNumericString, "3061", "0a", true},
		{der.TagPrintableString, "5255", "RU", false},
		{der.TagPrintableString, "41 40 42", "A@B", true},
		{der.TagPrintableString, "d098", "И", true},
		{der.TagIA5String, "6140622e7275", "a@b.ru", false},
		{der.TagIA5String, "e9", "é", true},
		{der.TagTeletexString, "e9", "é", false},
		{der.TagBMPString, "0418043d", "Ин", false},
		{der.TagBMPString, "d83dde00", "😀", true},
		{der.TagBMPString, "041804", "И", true},
		{der.TagUniversalString, "0001f600", "😀", false},
		{der.TagUniversalString, "00110000", "\ufffd", true},
	} {
		content, _ := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		text, deviation, known := der.DecodeString(c.tag, content)
		if !known || text != c.text || (deviation != "") != c.deviation {
			t.Errorf("%#x %s: %q %q %v", c.tag, c.hex, text, deviation, known)
		}
	}
	if _, _, known := der.DecodeString(0x30, nil); known {
		t.Error("a SEQUENCE is taken for a string")
	}
}

func TestIntegerAndBits(t *testing.T) {
	for _, c := range []struct {
		hex, want string
		strict    bool
	}{{"00", "0", true}, {"7f", "127", true}, {"80", "-128", true}, {"0080", "128", true}, {"007f", "127", false}, {"ff80", "-128", false}, {"ff7f", "-129", true}} {
		content, _ := hex.DecodeString(c.hex)
		v, strict, ok := der.Integer(content, 20)
		if !ok || v.String() != c.want || strict != c.strict {
			t.Errorf("%s: %v %v %v", c.hex, v, strict, ok)
		}
	}
	if _, _, ok := der.Integer(nil, 20); ok {
		t.Error("an empty INTEGER is accepted")
	}
	if _, _, ok := der.Integer(make([]byte, 21), 20); ok {
		t.Error("the bound on INTEGER does not hold")
	}
	for bits, want := range map[uint32]string{0: "030100", 1: "03020780", 0x20: "03020204", 0x100: "0303070080", 0x1f: "030203f8"} {
		var b cryptobyte.Builder
		der.AddBitString(&b, bits)
		got := b.BytesOrPanic()
		if hex.EncodeToString(got) != want {
			t.Errorf("%x: %x, want %s", bits, got, want)
		}
		back, _, strict, ok := der.BitString(got[2:])
		if !ok || !strict || der.NamedBits(back) != bits {
			t.Errorf("%x: reads back as %x", bits, der.NamedBits(back))
		}
	}
	if _, _, strict, ok := der.BitString([]byte{1, 0xff}); !ok || strict {
		t.Error("a set unused bit is not noticed")
	}
}

func TestCheckDER(t *testing.T) {
	deep := []byte{5, 0}
	for range 200 {
		var b cryptobyte.Builder
		der.AddSequence(&b, deep)
		deep = b.BytesOrPanic()
	}
	for name, c := range map[string]struct {
		hex string
		ok  bool
	}{
		"sequence":            {"30060101ff020105", true},
		"high tag":            {"9f2000", true},
		"boolean 01":          {"3003010101", false},
		"integer not minimal": {"3004020200 01", false},
		"length not minimal":  {"308103020105", false},
		"indefinite":          {"30800000", false},
		"trailing":            {"050000", false},
		"truncated":           {"30050201", false},
		"constructed octets":  {"2403040100", false},
		"primitive sequence":  {"1000", false},
		"high tag too long":   {"9f802000", false},
		"high tag small":      {"9f1e00", false},
		"null with contents":  {"050100", false},
		"unused bits":         {"030201ff", false},
		"deep":                {hex.EncodeToString(deep), false},
		"length of 4 GiB":     {"3084ffffffff00", false},
		"empty":               {"", false},
	} {
		data, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := der.CheckDER(data); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadNamesTheField(t *testing.T) {
	s := cryptobyte.String{0x02, 0x01, 0x05}
	_, err := der.Read(&s, asn1.SEQUENCE, "tbs.validity")
	var f *der.FieldError
	if !errors.As(err, &f) || f.Field != "tbs.validity" {
		t.Errorf("got %v", err)
	}
	if _, err := der.Single([]byte{0x30, 0, 0}, asn1.SEQUENCE, "x"); !errors.Is(err, der.ErrTrailing) {
		t.Errorf("trailing octet: %v", err)
	}
}
