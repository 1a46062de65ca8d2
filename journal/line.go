package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// lineVersion is the version of the JSON form and of the canonical encoding.
const lineVersion = 2

// line is the JSON form of a record.
type line struct {
	Version int              `json:"v"`
	Node    string           `json:"node"`
	Seq     uint64           `json:"seq"`
	Time    string           `json:"time"`
	Actor   string           `json:"actor"`
	Event   string           `json:"event"`
	Subject value            `json:"subject"`
	Data    map[string]value `json:"data,omitempty"`
	Prev    Digest           `json:"prev"`
	Hash    Digest           `json:"hash"`
}

// value is the JSON form of a value: a text with its salt, or the commitment
// that an erased one left behind.
type value struct {
	Text   string  `json:"text,omitempty"`
	Salt   string  `json:"salt,omitempty"`
	Erased *Digest `json:"erased,omitempty"`
}

func (s seal) value(text string) value {
	if s.erased {
		return value{Erased: &s.gone}
	}
	return value{Text: text, Salt: hex.EncodeToString(s.salt[:])}
}

// seal reads what value wrote.
func (v value) seal() (s seal, err error) {
	if v.Erased != nil {
		if v.Text != "" || v.Salt != "" {
			return s, errors.New("an erased value has a text or a salt")
		}
		return seal{erased: true, gone: *v.Erased}, nil
	}
	return s, unhex(s.salt[:], []byte(v.Salt), "salt")
}

// Line returns the record as one line of JSON without the line feed.
func (r Record) Line() ([]byte, error) {
	l := line{
		Version: lineVersion, Node: r.Node, Seq: r.Seq, Time: r.Time.UTC().Format(time.RFC3339Nano), Actor: r.Actor, Event: r.Event,
		Subject: r.subject.value(r.Subject), Prev: r.Prev, Hash: r.Hash,
	}
	if len(r.Data) > 0 {
		l.Data = make(map[string]value, len(r.Data))
	}
	for k, v := range r.Data {
		l.Data[k] = r.data[k].value(v)
	}
	return json.Marshal(l)
}

// MarshalJSON implements json.Marshaler; it is the form of [Record.Line].
func (r Record) MarshalJSON() ([]byte, error) { return r.Line() }

// UnmarshalJSON implements json.Unmarshaler by [ParseRecord].
func (r *Record) UnmarshalJSON(data []byte) (err error) {
	*r, err = ParseRecord(data)
	return err
}

// ParseRecord reads the form that [Record.Line] writes. It does not compare
// the digest; see [Record.Intact].
func ParseRecord(data []byte) (Record, error) {
	if len(data) > limits.JournalLine {
		return Record{}, ErrTooLarge
	}
	var l line
	if err := decodeOne(data, &l); err != nil {
		return Record{}, fmt.Errorf("journal: record: %w", err)
	}
	if l.Version != lineVersion {
		return Record{}, fmt.Errorf("journal: record: version %d; this program knows %d", l.Version, lineVersion)
	}
	t, err := time.Parse(time.RFC3339Nano, l.Time)
	if err != nil {
		return Record{}, fmt.Errorf("journal: time: %w", err)
	}
	r := Record{
		Entry: Entry{Time: t.UTC(), Actor: l.Actor, Event: l.Event, Subject: l.Subject.Text},
		Node:  l.Node, Seq: l.Seq, Prev: l.Prev, Hash: l.Hash,
	}
	if r.subject, err = l.Subject.seal(); err != nil {
		return Record{}, fmt.Errorf("journal: subject: %w", err)
	}
	if len(l.Data) > 0 {
		r.Data, r.data = make(map[string]string, len(l.Data)), make(map[string]seal, len(l.Data))
	}
	for k, v := range l.Data {
		if r.data[k], err = v.seal(); err != nil {
			return Record{}, fmt.Errorf("journal: data %q: %w", k, err)
		}
		r.Data[k] = v.Text
	}
	return r, nil
}

// decodeOne reads exactly one JSON value. An unknown member is an error: it
// would be content that no digest covers.
func decodeOne(data []byte, out any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}
