package der

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Tags of the character string types (X.680, table 1).
const (
	TagUTF8String      = 0x0c
	TagNumericString   = 0x12
	TagPrintableString = 0x13
	TagTeletexString   = 0x14
	TagIA5String       = 0x16
	TagVisibleString   = 0x1a
	TagGeneralString   = 0x1b
	TagUniversalString = 0x1c
	TagBMPString       = 0x1e
)

// DecodeString decodes the contents of a character string with the given tag.
// known is false if the tag is not one of a character string. deviation is
// empty if the contents keep the alphabet of the type; otherwise it says what
// was found and text is the best reading: octets above 7F are taken as UTF-8
// where they are valid UTF-8 and as Latin-1 elsewhere. TeletexString is read
// the same way, which is what issuers mean by it.
func DecodeString(tag byte, content []byte) (text, deviation string, known bool) {
	switch tag {
	case TagUTF8String:
		if utf8.Valid(content) {
			return string(content), "", true
		}
		return latin1(content), "UTF8String is not UTF-8", true
	case TagNumericString:
		return ascii(content, "NumericString has characters other than digits and space", func(c byte) bool {
			return c >= '0' && c <= '9' || c == ' '
		})
	case TagPrintableString:
		return ascii(content, "PrintableString has characters outside its alphabet", printable)
	case TagIA5String:
		return ascii(content, "IA5String has octets above 7F", func(c byte) bool { return c < 0x80 })
	case TagVisibleString:
		return ascii(content, "VisibleString has characters outside its alphabet", func(c byte) bool { return c >= 0x20 && c < 0x7f })
	case TagTeletexString, TagGeneralString:
		text, _, _ = ascii(content, "", func(byte) bool { return true })
		return text, "", true
	case TagUniversalString:
		return universal(content)
	case TagBMPString:
		return bmp(content)
	}
	return "", "", false
}

// printable: X.680, 41.4.
func printable(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte(" '()+,-./:=?", c) >= 0
}

func ascii(content []byte, deviation string, in func(byte) bool) (text, dev string, known bool) {
	high := false
	for _, c := range content {
		if !in(c) {
			dev = deviation
		}
		high = high || c >= 0x80
	}
	if !high || utf8.Valid(content) {
		return string(content), dev, true
	}
	return latin1(content), dev, true
}

func latin1(content []byte) string {
	runes := make([]rune, len(content))
	for i, c := range content {
		runes[i] = rune(c)
	}
	return string(runes)
}

func bmp(content []byte) (text, deviation string, known bool) {
	if len(content)%2 != 0 {
		deviation = "BMPString has an odd number of octets"
		content = content[:len(content)-1]
	}
	units := make([]uint16, 0, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		u := uint16(content[i])<<8 | uint16(content[i+1])
		if u >= 0xd800 && u < 0xe000 && deviation == "" {
			deviation = "BMPString has surrogates"
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units)), deviation, true
}

func universal(content []byte) (text, deviation string, known bool) {
	if len(content)%4 != 0 {
		deviation = "UniversalString is not a multiple of four octets"
	}
	var b strings.Builder
	for i := 0; i+3 < len(content); i += 4 {
		v := uint32(content[i])<<24 | uint32(content[i+1])<<16 | uint32(content[i+2])<<8 | uint32(content[i+3])
		r := utf8.RuneError
		if v <= utf8.MaxRune && utf8.ValidRune(rune(v)) { // bounded by MaxRune
			r = rune(v) // bounded by MaxRune
		} else {
			deviation = "UniversalString has invalid characters"
		}
		b.WriteRune(r)
	}
	return b.String(), deviation, true
}
