package der_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestToDER(t *testing.T) {
	tests := []struct{ name, ber, want string }{
		{"DER stays", "30 03 02 01 05", "30 03 02 01 05"},
		{"indefinite", "30 80 02 01 05 00 00", "30 03 02 01 05"},
		{"nested indefinite", "30 80 31 80 02 01 05 00 00 04 00 00 00", "30 07 31 03 02 01 05 04 00"},
		{"long length", "30 84 00 00 00 03 02 01 05", "30 03 02 01 05"},
		{"long length inside", "30 04 02 81 01 05", "30 03 02 01 05"},
		{"OCTET STRING in pieces", "24 80 04 02 01 02 04 01 03 00 00", "04 03 01 02 03"},
		{"pieces of known length", "24 07 04 02 01 02 04 01 03", "04 03 01 02 03"},
		{"pieces in pieces", "24 80 24 05 04 01 01 04 00 04 01 02 00 00", "04 02 01 02"},
		{"no piece", "24 80 00 00", "04 00"},
		{"BIT STRING in pieces", "23 80 03 03 00 0A 3B 03 05 04 5F 29 1C D0 00 00", "03 07 04 0A 3B 5F 29 1C D0"},
		{"UTF8String of OCTET STRINGs", "2C 06 04 01 61 04 01 62", "0C 02 61 62"},
		{"implicit tags stay", "A0 80 04 01 01 00 00", "A0 03 04 01 01"},
		{"order of a SET stays", "31 80 02 01 02 02 01 01 00 00", "31 06 02 01 02 02 01 01"},
		{"BOOLEAN stays", "30 80 01 01 05 00 00", "30 03 01 01 05"},
		{"high tag number", "30 80 BF 81 01 80 02 01 01 00 00 00 00", "30 07 BF 81 01 03 02 01 01"},
	}
	for _, tt := range tests {
		got, err := der.ToDER(unhex(t, tt.ber))
		if err != nil || !bytes.Equal(got, unhex(t, tt.want)) {
			t.Errorf("%s: %X, %v", tt.name, got, err)
		}
	}
	long := der.Wrap(0x30, sequence(300), sequence(70_000))
	indefinite := append(append([]byte{0x30, 0x80}, long[5:]...), 0, 0)
	if got, err := der.ToDER(indefinite); err != nil || !bytes.Equal(got, long) {
		t.Errorf("long: %v", err)
	}
}

func TestToDERRefusals(t *testing.T) {
	deep := strings.Repeat("3080", limits.BERDepth+5) + strings.Repeat("0000", limits.BERDepth+5)
	many := "2480" + strings.Repeat("0400", limits.BERSegments+1) + "0000"
	tests := []struct{ name, ber string }{
		{"empty", ""},
		{"one octet", "30"},
		{"cut off", "30 05 02 01"},
		{"no end-of-contents", "30 80 02 01 05"},
		{"trailing", "30 00 00"},
		{"end-of-contents alone", "00 00"},
		{"end-of-contents in a known length", "30 02 00 00"},
		{"reserved tag", "00 01 01"},
		{"primitive of indefinite length", "04 80 00 00"},
		{"reserved length", "30 FF 00"},
		{"length above 2^63", "30 88 FF FF FF FF FF FF FF FF"},
		{"other type as piece", "24 80 02 01 01 00 00"},
		{"unused bits in the middle", "23 80 03 02 04 F0 03 02 00 F0 00 00"},
		{"piece of a BIT STRING without count", "23 80 03 00 00 00"},
		{"tag number above 2^28", "BF 81 81 81 81 81 01 00"},
		{"too deep", deep},
		{"too many pieces", many},
	}
	for _, tt := range tests {
		if got, err := der.ToDER(unhex(t, tt.ber)); err == nil {
			t.Errorf("%s: accepted as %.20X", tt.name, got)
		}
	}
}

func TestElements(t *testing.T) {
	got, err := der.Elements(unhex(t, "30 80 02 01 05 31 80 00 00 04 01 07 00 00"))
	if err != nil || fmt.Sprintf("%X", got) != "[020105 31800000 040107]" {
		t.Errorf("%X, %v", got, err)
	}
	for _, s := range []string{"04 00", "30 00 00", "30 03 02 05 01", ""} {
		if _, err := der.Elements(unhex(t, s)); err == nil {
			t.Errorf("%s: accepted", s)
		}
	}
}

// readContent reads SEQUENCE { OCTET STRING } from a stream.
func readContent(r io.Reader) ([]byte, *der.Stream, error) {
	s := der.NewStream(r)
	if err := s.Enter(0x30, "outer"); err != nil {
		return nil, s, err
	}
	c, err := s.Content(der.TagOctetString, "content")
	if err != nil {
		return nil, s, err
	}
	got, err := io.ReadAll(c)
	if err != nil {
		return got, s, err
	}
	return got, s, s.Leave("outer")
}

func TestStreamContent(t *testing.T) {
	tests := []struct {
		name, ber, want string
		isBER           bool
	}{
		{"DER", "30 05 04 03 01 02 03", "01 02 03", false},
		{"empty", "30 02 04 00", "", false},
		{"indefinite", "30 80 24 80 04 02 01 02 04 00 04 01 03 00 00 00 00", "01 02 03", true},
		{"nested", "30 80 24 80 24 80 04 01 01 00 00 24 04 04 02 02 03 00 00 00 00", "01 02 03", true},
		{"known lengths", "30 09 24 07 04 02 01 02 04 01 03", "01 02 03", true},
		{"long lengths", "30 83 00 00 09 04 84 00 00 00 03 01 02 03", "01 02 03", true},
	}
	for _, tt := range tests {
		for _, r := range []io.Reader{bytes.NewReader(unhex(t, tt.ber)), iotest.OneByteReader(bytes.NewReader(unhex(t, tt.ber)))} {
			got, s, err := readContent(r)
			if err != nil || !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("%s: %X, %v", tt.name, got, err)
			}
			if s.BER() != tt.isBER {
				t.Errorf("%s: BER() is %v", tt.name, s.BER())
			}
		}
	}
}

func TestStreamRefusals(t *testing.T) {
	tests := []struct{ name, ber string }{
		{"cut off in content", "30 05 04 03 01 02"},
		{"cut off in header", "30 05 04"},
		{"inner longer than outer", "30 05 04 04 01 02 03 04"},
		{"inner longer than outer, indefinite between", "30 07 24 80 04 05 01 02 03 04 05 00 00"},
		{"element too many", "30 07 04 03 01 02 03 05 00"},
		{"no end of contents", "30 80 04 01 01"},
		{"end of contents in known length", "30 05 04 01 01 00 00"},
		{"other type", "30 03 02 01 01"},
		{"other piece", "30 80 24 80 0C 01 61 00 00 00 00"},
		{"other outer type", "31 03 04 01 01"},
		{"huge length", "30 88 7F FF FF FF FF FF FF FF 04 01"},
		{"nested too deep", "30 80" + strings.Repeat("2480", limits.BERDepth+1)},
	}
	for _, tt := range tests {
		got, _, err := readContent(bytes.NewReader(unhex(t, tt.ber)))
		if err == nil {
			t.Errorf("%s: accepted: %X", tt.name, got)
			continue
		}
		var syntax *der.SyntaxError
		if !errors.As(err, &syntax) || syntax.Field == "" {
			t.Errorf("%s: not a SyntaxError with a field: %v", tt.name, err)
		}
	}
	cut := unhex(t, "30 05 04 03 01 02")
	if _, _, err := readContent(bytes.NewReader(cut)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
}

func TestStreamRaw(t *testing.T) {
	element := unhex(t, "30 80 02 01 05 31 80 04 02 01 02 00 00 00 00")
	s := der.NewStream(bytes.NewReader(append(element, 0x05, 0x00)))
	if got, err := s.Raw(100, "x"); err != nil || !bytes.Equal(got, element) {
		t.Errorf("%X, %v", got, err)
	}
	if n, blank, err := s.Trailing(100); n != 2 || blank || err != nil {
		t.Errorf("trailing: %d %v %v", n, blank, err)
	}
	for _, limit := range []int64{0, 1, 6, 14} {
		if _, err := der.NewStream(bytes.NewReader(element)).Raw(limit, "x"); err == nil {
			t.Errorf("limit %d of %d octets is not enforced", limit, len(element))
		}
	}
	lying := append(unhex(t, "04 84 7F FF FF FF"), 1, 2, 3)
	if _, err := der.NewStream(bytes.NewReader(lying)).Raw(1<<40, "x"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("lying length: %v", err)
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// TestTrailingUnreadable: what cannot be read is not the end.
func TestTrailingUnreadable(t *testing.T) {
	for _, r := range []io.Reader{
		io.MultiReader(bytes.NewReader([]byte{5, 0}), iotest.ErrReader(io.ErrClosedPipe)),
		io.MultiReader(bytes.NewReader([]byte{5, 0, ' '}), iotest.ErrReader(io.ErrClosedPipe)),
	} {
		s := der.NewStream(r)
		if _, err := s.Raw(100, "x"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Trailing(100); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%v", err)
		}
	}
}
