package boltstore

import (
	"bytes"
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// plainEntry reads what encodeEntry puts together for a valid certificate, which
// an OCSP responder does for nearly every answer. It is false for anything else:
// encoding/json reads that, or says what is wrong with it.
func plainEntry(v []byte) (e ca.Entry, ok bool) {
	s := scanner{rest: v, ok: true}
	serial := s.text(`{"serial":`)
	if s.ok && e.Serial.UnmarshalText(serial) != nil {
		return ca.Entry{}, false
	}
	e.Profile = string(s.text(`,"profile":`))
	e.Subject = string(s.text(`,"subject":`))
	e.KeyID = s.octets(`,"keyId":`)
	e.NotBefore = s.time(`,"notBefore":`)
	e.NotAfter = s.time(`,"notAfter":`)
	e.IssuedAt = s.time(`,"issuedAt":`)
	e.Status = ca.Valid
	s.literal(`,"status":"valid"}`)
	if !s.ok || len(s.rest) > 0 {
		return ca.Entry{}, false
	}
	return e, true
}

// A scanner consumes JSON whose form is known; ok becomes false where it is
// another one, and stays so.
type scanner struct {
	rest []byte
	ok   bool
}

func (s *scanner) literal(text string) {
	rest, ok := bytes.CutPrefix(s.rest, []byte(text))
	s.rest, s.ok = rest, s.ok && ok
}

// text consumes a name and a string without escapes.
func (s *scanner) text(name string) []byte {
	s.literal(name)
	s.literal(`"`)
	end := bytes.IndexByte(s.rest, '"')
	if !s.ok || end < 0 {
		s.ok = false
		return nil
	}
	value := s.rest[:end]
	s.rest = s.rest[end+1:]
	for _, c := range value {
		if c < ' ' || c == '\\' {
			s.ok = false
		}
	}
	s.ok = s.ok && utf8.Valid(value)
	return value
}

func (s *scanner) octets(name string) []byte {
	value := s.text(name)
	out := make([]byte, base64.StdEncoding.DecodedLen(len(value)))
	n, err := base64.StdEncoding.Decode(out, value)
	s.ok = s.ok && err == nil
	return out[:n]
}

// time consumes a time in UTC with whole seconds.
func (s *scanner) time(name string) time.Time {
	value := s.text(name)
	if len(value) != len("2006-01-02T15:04:05Z") || value[len(value)-1] != 'Z' {
		s.ok = false
		return time.Time{}
	}
	var t time.Time
	s.ok = s.ok && t.UnmarshalText(value) == nil
	return t
}
