package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/jsonout"
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

// seal reads what appendValue wrote.
func (v value) seal() (s seal, err error) {
	if v.Erased != nil {
		if v.Text != "" || v.Salt != "" {
			return s, errors.New("an erased value has a text or a salt")
		}
		return seal{erased: true, gone: *v.Erased}, nil
	}
	return s, unhex(s.salt[:], []byte(v.Salt), "salt")
}

// Line returns the record as one line of JSON without the line feed: the form of
// line above as encoding/json writes it, data in the order of the keys.
func (r Record) Line() ([]byte, error) {
	b := make([]byte, 0, 512+r.size())
	b = strconv.AppendUint(append(b, `{"v":`...), lineVersion, 10)
	b = jsonout.String(append(b, `,"node":`...), r.Node)
	b = strconv.AppendUint(append(b, `,"seq":`...), r.Seq, 10)
	b = append(r.Time.UTC().AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano), '"')
	b = jsonout.String(append(b, `,"actor":`...), r.Actor)
	b = jsonout.String(append(b, `,"event":`...), r.Event)
	b = r.subject.appendValue(append(b, `,"subject":`...), r.Subject)
	for n, k := range r.keys() {
		if n == 0 {
			b = append(b, `,"data":{`...)
		} else {
			b = append(b, ',')
		}
		b = r.data[k].appendValue(append(jsonout.String(b, k), ':'), r.Data[k])
	}
	if len(r.Data) > 0 {
		b = append(b, '}')
	}
	b = appendDigest(append(b, `,"prev":`...), r.Prev)
	return append(appendDigest(append(b, `,"hash":`...), r.Hash), '}'), nil
}

// appendValue appends what value describes.
func (s seal) appendValue(b []byte, text string) []byte {
	if s.erased {
		return append(appendDigest(append(b, `{"erased":`...), s.gone), '}')
	}
	b = append(b, '{')
	if text != "" {
		b = append(jsonout.String(append(b, `"text":`...), text), ',')
	}
	return append(hex.AppendEncode(append(b, `"salt":"`...), s.salt[:]), `"}`...)
}

func appendDigest(b []byte, d Digest) []byte {
	return append(hex.AppendEncode(append(b, '"'), d[:]), '"')
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
