// Package jsonout appends JSON (RFC 8259) in the form of [encoding/json], octet
// by octet, without its reflection: for the few values that are written with
// every certificate.
package jsonout

import (
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"
)

// String appends text as [json.Marshal] writes it.
func String(dst []byte, text string) []byte {
	if !plain(text) {
		if b, err := json.Marshal(text); err == nil {
			return append(dst, b...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

// plain says whether a text stands between quotes as it is: encoding/json also
// escapes what HTML and JavaScript would take for something else.
func plain(text string) bool {
	ascii := true
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		case c == 0xe2: // U+2028 and U+2029 begin with it
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(text)
}

// Base64 appends octets as json.Marshal writes a []byte.
func Base64(dst, octets []byte) []byte {
	if octets == nil {
		return append(dst, "null"...)
	}
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), octets), '"')
}

// Time appends a time as json.Marshal writes it. The error is that of
// [time.Time.MarshalJSON], for a year outside 0 to 9999 or an odd zone.
func Time(dst []byte, t time.Time) ([]byte, error) {
	if y := t.Year(); t.Location() == time.UTC && y >= 0 && y <= 9999 {
		return append(t.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"'), nil
	}
	b, err := t.MarshalJSON()
	return append(dst, b...), err
}
