package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// line is the JSON form of a record.
type line struct {
	Seq     uint64            `json:"seq"`
	Time    string            `json:"time"`
	Actor   string            `json:"actor"`
	Event   string            `json:"event"`
	Subject string            `json:"subject"`
	Data    map[string]string `json:"data,omitempty"`
	Prev    Digest            `json:"prev"`
	Hash    Digest            `json:"hash"`
}

// Line returns the record as one line of JSON without the line feed.
func (r Record) Line() ([]byte, error) {
	return json.Marshal(line{
		Seq: r.Seq, Time: r.Time.UTC().Format(time.RFC3339Nano), Actor: r.Actor, Event: r.Event,
		Subject: r.Subject, Data: r.Data, Prev: r.Prev, Hash: r.Hash,
	})
}

// MarshalJSON implements json.Marshaler; it is the form of [Record.Line].
func (r Record) MarshalJSON() ([]byte, error) { return r.Line() }

// ParseRecord reads the form that [Record.Line] writes. It does not compare
// the digest; see [Record.Intact].
func ParseRecord(data []byte) (Record, error) {
	if len(data) > limits.JournalLine {
		return Record{}, ErrTooLarge
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	// An unknown member would be content that no digest covers.
	dec.DisallowUnknownFields()
	var l line
	if err := dec.Decode(&l); err != nil {
		return Record{}, fmt.Errorf("journal: record: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Record{}, errors.New("journal: record: more than one JSON value in a line")
	}
	t, err := time.Parse(time.RFC3339Nano, l.Time)
	if err != nil {
		return Record{}, fmt.Errorf("journal: time: %w", err)
	}
	if len(l.Data) == 0 {
		l.Data = nil
	}
	return Record{
		Entry: Entry{Time: t.UTC(), Actor: l.Actor, Event: l.Event, Subject: l.Subject, Data: l.Data},
		Seq:   l.Seq, Prev: l.Prev, Hash: l.Hash,
	}, nil
}
