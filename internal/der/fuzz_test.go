package der_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"io"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
)

// What CheckDER accepts, encoding/asn1 must be able to split into the same
// element (it does not know tags in more than four octets either).
func FuzzCheckDER(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x05})
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Add([]byte{0x9f, 0x20, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if der.CheckDER(data) != nil {
			return
		}
		var raw asn1.RawValue
		rest, err := asn1.Unmarshal(data, &raw)
		if err != nil || len(rest) != 0 || !bytes.Equal(raw.FullBytes, data) {
			t.Fatalf("encoding/asn1: %v", err)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"260102030405Z", "20260102030405.5Z", "2601020304+0300", "20500101000000Z"} {
		f.Add(true, []byte(s))
		f.Add(false, []byte(s))
	}
	f.Fuzz(func(t *testing.T, utc bool, content []byte) {
		tag := cbasn1.GeneralizedTime
		if utc {
			tag = cbasn1.UTCTime
		}
		at, deviation, ok := der.ParseTime(tag, content)
		if !ok {
			return
		}
		if at.Location() != time.UTC || utc && (at.Year() < 1949 || at.Year() > 2050) {
			t.Fatalf("%q: %v", content, at)
		}
		if deviation != "" || utc && at.Year() != 1950 && at.Year() < 1950 {
			return
		}
		// The strict forms are the ones that are written.
		var b cryptobyte.Builder
		der.AddGeneralizedTime(&b, at)
		if utc {
			b = cryptobyte.Builder{}
			der.AddTime(&b, at)
		}
		if out := b.BytesOrPanic(); !bytes.Equal(out[2:], content) {
			t.Fatalf("%q is written as %q", content, out[2:])
		}
	})
}

func FuzzDecodeString(f *testing.F) {
	f.Add(byte(0x1e), []byte{0x04, 0x18})
	f.Add(byte(0x13), []byte("RU"))
	f.Fuzz(func(t *testing.T, tag byte, content []byte) {
		text, _, known := der.DecodeString(tag, content)
		if !known && text != "" || len(text) > 3*len(content)+3 {
			t.Fatalf("%#x %x: %q", tag, content, text)
		}
	})
}

// FuzzDecode decodes arbitrary armor, at once and as a stream: where both
// succeed they agree.
func FuzzDecode(f *testing.F) {
	want := sequence(100)
	once := base64.StdEncoding.EncodeToString(want)
	for _, seed := range [][]byte{
		want, toPEM("CMS", want), []byte(once), []byte(base64.StdEncoding.EncodeToString([]byte(once))),
		[]byte("\xff\xfeM\x00A\x00A\x00=\x00"), []byte("\xef\xbb\xbfMAA="), []byte("<html>"), []byte("-----BEGIN X-----\na: b\n\nMAA=\n-----END X-----\n"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		blocks, err := der.Decode(data)
		for _, b := range blocks {
			_ = der.Sniff(b.Bytes).String()
		}
		r, armor, streamErr := der.NewReader(bytes.NewReader(data))
		if streamErr != nil {
			return
		}
		got, streamErr := io.ReadAll(r)
		if err != nil || streamErr != nil || len(blocks) == 0 || len(blocks[0].Headers) > 0 {
			return
		}
		if armor != blocks[0].Armor || !bytes.Equal(got, blocks[0].Bytes) {
			t.Errorf("%v gives %d octets, as a stream %v gives %d", blocks[0].Armor, len(blocks[0].Bytes), armor, len(got))
		}
	})
}

// FuzzToDER converts arbitrary BER: the result is a fixed point, and the
// streaming reader agrees on where the element ends.
func FuzzToDER(f *testing.F) {
	for _, s := range []string{
		"\x30\x80\x02\x01\x05\x00\x00", "\x24\x80\x04\x01\x01\x04\x00\x00\x00", "\x23\x80\x03\x02\x00\x01\x03\x02\x04\xf0\x00\x00",
		"\x30\x84\x00\x00\x00\x03\x02\x01\x05", "\xbf\x81\x01\x80\x00\x00", string(sequence(10)),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := der.ToDER(data)
		if err != nil {
			return
		}
		again, err := der.ToDER(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("%X becomes %X, then %X: %v", data, out, again, err)
		}
		raw, err := der.NewStream(bytes.NewReader(data)).Raw(1<<20, "x")
		if err != nil {
			t.Errorf("the stream refuses %X: %v", data, err)
		} else if redone, err := der.ToDER(raw); err != nil || !bytes.Equal(redone, out) {
			t.Errorf("the stream reads %X as %X", data, raw)
		}
		_, _ = der.Elements(data)
	})
}

// FuzzReadElement reads element after element; what ReadAny and ReadElement
// return must add up to the input.
func FuzzReadElement(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x05, 0x04, 0x00})
	f.Add([]byte{0x30, 0x81, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := cryptobyte.String(data)
		total := 0
		for !s.Empty() {
			before := s
			element, content, tag, err := der.ReadAny(&s, "element")
			if err != nil {
				return
			}
			if len(content) > len(element) {
				t.Fatalf("%d octets of contents in %d", len(content), len(element))
			}
			again, err := der.ReadElement(&before, tag, "element")
			if err != nil || !bytes.Equal(again, element) {
				t.Fatalf("ReadElement gives %x, %v; ReadAny gave %x", again, err, element)
			}
			total += len(element)
		}
		if total != len(data) {
			t.Fatalf("%d octets read of %d", total, len(data))
		}
	})
}
