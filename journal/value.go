package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// saltSize is the length of a salt: 128 bits, so that nobody who knows a
// commitment can try the billion insurance numbers that there are.
const saltSize = 16

// seal is what a record keeps of a value beside its text: the salt while the
// text is there, the commitment when it was erased.
type seal struct {
	salt   [saltSize]byte
	erased bool
	gone   Digest // the commitment of an erased value
}

// commitments returns that of the subject and those of the data under the keys,
// digested side by side.
func (r Record) commitments(keys []string) [][streebog.Size256]byte {
	out := make([][streebog.Size256]byte, 1+len(keys))
	size := saltSize + len(r.Subject)
	for _, k := range keys {
		size += saltSize + len(r.Data[k])
	}
	buf, messages := make([]byte, 0, size), make([][]byte, 0, len(out))
	add := func(s seal, text string) {
		begin := len(buf)
		if !s.erased {
			buf = append(append(buf, s.salt[:]...), text...)
		}
		messages = append(messages, buf[begin:])
	}
	add(r.subject, r.Subject)
	for _, k := range keys {
		add(r.data[k], r.Data[k])
	}
	streebog.Sum256Many(out, messages)
	if r.subject.erased { // what is left of it
		out[0] = r.subject.gone
	}
	for n, k := range keys {
		if s := r.data[k]; s.erased {
			out[n+1] = s.gone
		}
	}
	return out
}

func (s seal) commitment(text string) Digest {
	buf := make([]byte, 0, 128)
	return streebog.Sum256(append(append(buf, s.salt[:]...), text...))
}

// seal gives every value of a new record its salt.
func (r *Record) seal() {
	// One call for all salts. It never fails: crypto/rand ends the program
	// rather than return less.
	salts := make([]byte, saltSize*(1+len(r.Data)))
	_, _ = rand.Read(salts)
	salt := func() (s [saltSize]byte) {
		salts = salts[copy(s[:], salts):]
		return s
	}
	r.subject = seal{salt: salt()}
	r.data = nil
	if len(r.Data) > 0 {
		r.data = make(map[string]seal, len(r.Data))
	}
	for k := range r.Data {
		r.data[k] = seal{salt: salt()}
	}
}

// sealed reports whether every value has its seal, and no erased one a text:
// such a text would be covered by no digest.
func (r Record) sealed() bool {
	if len(r.data) != len(r.Data) || r.subject.erased && r.Subject != "" {
		return false
	}
	for k, v := range r.Data {
		s, ok := r.data[k]
		if !ok || s.erased && v != "" {
			return false
		}
	}
	return true
}

// FieldSubject is the name of a record's subject for [Record.Erase].
const FieldSubject = "subject"

// fieldData precedes the key in the name of a data value.
const fieldData = "data."

// FieldData returns the name of the data value under a key for [Record.Erase].
func FieldData(key string) string { return fieldData + key }

// ErrNoField is returned for the name of a field that a record does not have.
var ErrNoField = errors.New("journal: the record has no such field")

// Fields returns the names of the values that can be erased: [FieldSubject],
// then the data in the order of its keys.
func (r Record) Fields() []string {
	out := []string{FieldSubject}
	for _, k := range slices.Sorted(maps.Keys(r.Data)) {
		out = append(out, FieldData(k))
	}
	return out
}

// Value returns the text of a field, empty where it was erased, and whether it
// was. The field is one of [Record.Fields].
func (r Record) Value(field string) (text string, erased bool) {
	if field == FieldSubject {
		return r.Subject, r.subject.erased
	}
	key, _ := strings.CutPrefix(field, fieldData)
	return r.Data[key], r.data[key].erased
}

// Erase returns the record without the text and the salt of the named fields;
// the commitments stay, and so does every digest. A field that was erased
// before stays erased. The error is [ErrNoField] for an unknown name. r itself
// is not changed; whoever keeps it must replace it by what is returned.
func (r Record) Erase(fields ...string) (Record, error) {
	r.Data, r.data = maps.Clone(r.Data), maps.Clone(r.data)
	for _, f := range fields {
		key, isData := strings.CutPrefix(f, fieldData)
		_, known := r.data[key]
		switch {
		case f == FieldSubject:
			r.subject = r.subject.erase(r.Subject)
			r.Subject = ""
		case isData && known:
			r.data[key] = r.data[key].erase(r.Data[key])
			r.Data[key] = ""
		default:
			return Record{}, fmt.Errorf("%w: %q", ErrNoField, f)
		}
	}
	return r, nil
}

func (s seal) erase(text string) seal {
	if s.erased {
		return s
	}
	return seal{erased: true, gone: s.commitment(text)}
}
