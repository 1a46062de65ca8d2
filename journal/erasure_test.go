package journal

import (
	"errors"
	"testing"
)

// TestTombstones: what is missing from records is excused by records of
// erasures alone, and only by those that may.
func TestTombstones(t *testing.T) {
	record := func(node string, seq uint64, e Entry) Record {
		t.Helper()
		e.Time = day
		r, err := Head{Node: node, Seq: seq - 1}.Next(e)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	issue := Entry{Event: "issue", Subject: "1", Data: map[string]string{"a": "1", "b": "2"}}
	erased := func(node string, seq uint64, e Entry, fields ...string) Record {
		t.Helper()
		r, err := record(node, seq, e).Erase(fields...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	said := func(node string, seq uint64, about string, fields string) Record {
		return record(node, seq, Entry{Event: EventErase, Subject: about, Data: map[string]string{EventEraseFields: fields}})
	}
	for name, tt := range map[string]struct {
		records []Record
		node    string
		seq     uint64 // 0: whole
	}{
		"nothing":              {[]Record{record("a", 1, issue), record("a", 2, issue)}, "", 0},
		"no record":            {[]Record{erased("a", 1, issue, "data.a"), record("a", 2, issue)}, "a", 1},
		"on record":            {[]Record{erased("a", 1, issue, "data.a", "subject"), said("a", 2, "a/1", "data.a subject")}, "", 0},
		"two erasures":         {[]Record{erased("a", 1, issue, "data.a", "data.b"), said("a", 2, "a/1", "data.b"), said("a", 3, "a/1", "data.a")}, "", 0},
		"in another chain":     {[]Record{said("b", 1, "c/5", "data.a"), erased("c", 5, issue, "data.a")}, "", 0},
		"more than that":       {[]Record{erased("a", 1, issue, "data.a", "data.b"), said("a", 2, "a/1", "data.a")}, "a", 1},
		"another record":       {[]Record{erased("a", 1, issue, "data.a"), said("a", 2, "a/2", "data.a")}, "a", 1},
		"another chain":        {[]Record{erased("a", 1, issue, "data.a"), said("a", 2, "b/1", "data.a")}, "a", 1},
		"announced":            {[]Record{said("a", 1, "a/2", "data.a"), erased("a", 2, issue, "data.a")}, "a", 2},
		"itself":               {[]Record{erased("a", 1, Entry{Event: EventErase, Subject: "a/1", Data: map[string]string{EventEraseFields: "data.x", "x": "1"}}, "data.x")}, "a", 1},
		"an erasure's reason":  {[]Record{erased("a", 1, Entry{Event: EventErase, Subject: "a/9", Data: map[string]string{"reason": "1"}}, "data.reason"), said("a", 2, "a/1", "data.reason")}, "a", 1},
		"heads":                {[]Record{erased("a", 1, Entry{Event: EventHeads, Subject: "1"}, "subject"), said("a", 2, "a/1", "subject")}, "a", 1},
		"not an erasure":       {[]Record{erased("a", 1, issue, "data.a"), record("a", 2, Entry{Event: "erased", Subject: "a/1", Data: map[string]string{EventEraseFields: "data.a"}})}, "a", 1},
		"no number":            {[]Record{erased("a", 1, issue, "data.a"), said("a", 2, "a/x", "data.a"), said("a", 3, "a", "data.a")}, "a", 1},
		"the first of several": {[]Record{erased("b", 1, issue, "data.a"), erased("a", 9, issue, "data.a"), erased("a", 3, issue, "data.a")}, "a", 3},
	} {
		var s Tombstones
		for _, r := range tt.records {
			s.See(r)
		}
		err := s.Err()
		var d *DamageError
		switch {
		case tt.seq == 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.seq > 0 && (!errors.As(err, &d) || d.Kind != Erased || d.Node != tt.node || d.Seq != tt.seq):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErasureCheck(t *testing.T) {
	r := func(event string) Record { return Record{Entry: Entry{Event: event}} }
	for name, tt := range map[string]struct {
		e    Erasure
		r    Record
		fail bool
	}{
		"good":    {Erasure{Fields: []string{"subject"}}, r("issue"), false},
		"nothing": {Erasure{}, r("issue"), true},
		"heads":   {Erasure{Fields: []string{"subject"}}, r(EventHeads), true},
		"erasure": {Erasure{Fields: []string{"subject"}}, r(EventErase), true},
	} {
		if err := tt.e.Check(tt.r); errors.Is(err, ErrErasure) != tt.fail || (err != nil) != tt.fail {
			t.Errorf("%s: %v", name, err)
		}
	}
}
