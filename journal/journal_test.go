package journal

import (
	"encoding/hex"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
)

var day = time.Date(2026, 6, 2, 12, 0, 0, 123, time.UTC)

// chain makes n records.
func chain(t testing.TB, n int) []Record {
	t.Helper()
	head := Head{Node: DefaultNode}
	var out []Record
	for i := range n {
		r, err := head.Next(Entry{
			Time: day.Add(time.Duration(i) * time.Second), Actor: "тест", Event: "issue",
			Subject: strings.Repeat("0", i), Data: map[string]string{"b": "2", "a": "1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		out, head = append(out, r), r.Head()
	}
	return out
}

func seq(records []Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// TestCanonicalEncoding writes the encoding of one record by hand, octet by
// octet as the package comment says.
func TestCanonicalEncoding(t *testing.T) {
	r, err := Head{Node: "узел", Seq: 6}.Next(Entry{Time: day, Event: "e"})
	if err == nil {
		t.Fatalf("a node with a bad name: %+v", r)
	}
	r, err = Head{Node: "n1", Seq: 6, Hash: Digest{0: 0xaa, 31: 0xbb}}.Next(Entry{
		Time: time.Unix(1, 2), Actor: "я", Event: "e", Subject: "", Data: map[string]string{"z": "", "a": "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	commitment := func(s seal, text string) string {
		if s.salt == ([16]byte{}) {
			t.Error("no salt")
		}
		d := streebog.Sum256(append(s.salt[:], text...))
		return hex.EncodeToString(d[:])
	}
	want := hex.EncodeToString([]byte("gosklyuch journal v2")) + "00000000" +
		"00000002" + "6e31" +
		"aa" + strings.Repeat("00", 30) + "bb" +
		"0000000000000007" + "000000003b9aca02" +
		"00000002" + "d18f" + "00000001" + "65" + commitment(r.subject, "") +
		"00000002" + "00000001" + "61" + commitment(r.data["a"], "b") + "00000001" + "7a" + commitment(r.data["z"], "")
	raw, err := hex.DecodeString(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.canonical(); hex.EncodeToString(got) != want {
		t.Fatalf("canonical encoding\n got %x\nwant %s", got, want)
	}
	if r.Hash != streebog.Sum256(raw) {
		t.Fatal("the digest is not that of the encoding")
	}
}

func TestNextRefuses(t *testing.T) {
	for name, e := range map[string]Entry{
		"no event":    {Time: day},
		"bad actor":   {Time: day, Event: "e", Actor: "\xff"},
		"bad subject": {Time: day, Event: "e", Subject: "\xc3"},
		"bad key":     {Time: day, Event: "e", Data: map[string]string{"\xff": ""}},
		"bad value":   {Time: day, Event: "e", Data: map[string]string{"k": "\xff"}},
		"no time":     {Event: "e"},
		"late":        {Event: "e", Time: time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := (Head{Node: DefaultNode}).Next(e); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err := Head{Node: DefaultNode}.Next(Entry{Time: day, Event: "e", Subject: strings.Repeat("x", limits.JournalRecord)})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("large entry: %v", err)
	}
}

func TestLineRoundTrip(t *testing.T) {
	for _, r := range chain(t, 3) {
		b, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Intact() || got.Hash != r.Hash || !got.Time.Equal(r.Time) {
			t.Fatalf("%s: came back as %+v", b, got)
		}
	}
}

func TestParseRecordRefuses(t *testing.T) {
	good, err := chain(t, 1)[0].Line()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":          "",
		"two values":     string(good) + "{}",
		"unknown member": strings.Replace(string(good), "{", `{"note":"x",`, 1),
		"short digest":   strings.Replace(string(good), `"prev":"00`, `"prev":"`, 1),
		"upper case":     strings.Replace(string(good), `"prev":"00`, `"prev":"AA`, 1),
		"no digest":      strings.Replace(string(good), `"prev":"00`, `"prev":"zz`, 1),
		"old version":    strings.Replace(string(good), `"v":2`, `"v":1`, 1),
		"short salt":     strings.Replace(string(good), `"salt":"`, `"salt":"0`, 1),
		"no salt":        strings.Replace(string(good), `"salt"`, `"erased"`, 1),
		"both":           strings.Replace(string(good), `"salt":`, `"erased":"`+strings.Repeat("0", 64)+`","salt":`, 1),
		"bad time":       strings.Replace(string(good), "2026-", "26-", 1),
		"long":           strings.Repeat(" ", limits.JournalLine+1),
	} {
		if _, err := ParseRecord([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestVerifyWhole(t *testing.T) {
	c := chain(t, 5)
	for _, head := range []Head{{Node: DefaultNode}, c[2].Head(), c[4].Head()} {
		got, err := Verify(seq(c), head)
		if err != nil || got != c[4].Head() {
			t.Fatalf("head %d: %v, %v", head.Seq, got, err)
		}
	}
	got, err := VerifyFrom(c[1].Head(), seq(c[2:]), c[4].Head())
	if err != nil || got != c[4].Head() {
		t.Fatalf("from 2: %v, %v", got, err)
	}
}

// rehash makes a changed record intact again, as one who knows the format can.
func rehash(r Record) Record {
	r.Hash = streebog.Sum256(r.canonical())
	return r
}

func TestVerifyNamesThePlace(t *testing.T) {
	c := chain(t, 6)
	edit := func(f func(c []Record) []Record) []Record { return f(slices.Clone(c)) }
	tests := []struct {
		name     string
		records  []Record
		kind     Kind
		seq, pos uint64
	}{
		{"subject changed", edit(func(c []Record) []Record { c[2].Subject = "x"; return c }), Changed, 3, 3},
		{"data changed", edit(func(c []Record) []Record { c[0].Data = nil; return c }), Changed, 1, 1},
		{"time changed", edit(func(c []Record) []Record { c[5].Time = day; return c }), Changed, 6, 6},
		{"digest changed", edit(func(c []Record) []Record { c[1].Hash[0]++; return c }), Changed, 2, 2},
		{"rewritten", edit(func(c []Record) []Record { c[2].Subject = "x"; c[2] = rehash(c[2]); return c }), Changed, 3, 4},
		{"last rewritten", edit(func(c []Record) []Record { c[5].Subject = "x"; c[5] = rehash(c[5]); return c }), Changed, 6, 6},
		{"first link", edit(func(c []Record) []Record { c[0].Prev[0] = 1; c[0] = rehash(c[0]); return c }), Changed, 1, 1},
		{"first removed", edit(func(c []Record) []Record { return c[1:] }), Removed, 1, 1},
		{"one removed", edit(func(c []Record) []Record { return slices.Delete(c, 2, 3) }), Removed, 3, 3},
		{"two removed", edit(func(c []Record) []Record { return slices.Delete(c, 1, 3) }), Removed, 2, 2},
		{"swapped", edit(func(c []Record) []Record { c[1], c[3] = c[3], c[1]; return c }), Reordered, 2, 2},
		{"repeated", edit(func(c []Record) []Record { return slices.Insert(c, 4, c[1]) }), Reordered, 2, 5},
		{"truncated", edit(func(c []Record) []Record { return c[:4] }), Truncated, 5, 5},
		{"empty", nil, Truncated, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Verify(seq(tt.records), c[5].Head())
			var d *DamageError
			if !errors.As(err, &d) {
				t.Fatalf("got %v", err)
			}
			if d.Kind != tt.kind || d.Seq != tt.seq || d.Position != tt.pos {
				t.Fatalf("got %s record %d line %d, want %s %d %d", d.Kind, d.Seq, d.Position, tt.kind, tt.seq, tt.pos)
			}
		})
	}
}

// TestVerifyOtherChain: a record of another chain is whole in itself, and its
// place is not here.
func TestVerifyOtherChain(t *testing.T) {
	r, err := Head{Node: "other"}.Next(Entry{Time: day, Event: "issue"})
	if err != nil {
		t.Fatal(err)
	}
	var d *DamageError
	if _, err := Verify(seq([]Record{r}), Head{Node: DefaultNode}); !errors.As(err, &d) || d.Kind != Changed || d.Node != DefaultNode || d.Seq != 1 {
		t.Errorf("got %v", err)
	}
	if _, err := Verify(seq([]Record{r}), Head{Node: "other"}); err != nil {
		t.Errorf("its own chain: %v", err)
	}
}

// TestEveryFieldIsCovered changes each field of a record in turn.
func TestEveryFieldIsCovered(t *testing.T) {
	r := chain(t, 3)[2]
	for name, f := range map[string]func(r *Record){
		"seq": func(r *Record) { r.Seq++ }, "time": func(r *Record) { r.Time = r.Time.Add(1) },
		"actor": func(r *Record) { r.Actor += "x" }, "event": func(r *Record) { r.Event += "x" },
		"subject": func(r *Record) { r.Subject += "x" }, "prev": func(r *Record) { r.Prev[5] ^= 1 },
		"node": func(r *Record) { r.Node = "other" }, "salt": func(r *Record) { r.subject.salt[3]++ },
		"erased by hand": func(r *Record) { r.subject = seal{erased: true} },
		"text of an erased value": func(r *Record) {
			e, err := r.Erase(FieldSubject)
			if err != nil {
				t.Fatal(err)
			}
			*r = e
			r.Subject = "x"
		},
		"hash": func(r *Record) { r.Hash[5] ^= 1 }, "key": func(r *Record) { r.Data = map[string]string{"b": "2", "c": "1"} },
		"value": func(r *Record) { r.Data = map[string]string{"b": "2", "a": "0"} },
		"moved": func(r *Record) { r.Actor, r.Event = r.Actor+r.Event[:1], r.Event[1:] },
	} {
		changed := r
		f(&changed)
		if changed.Intact() {
			t.Errorf("%s: a change is not seen", name)
		}
	}
	if !r.Intact() {
		t.Error("the record itself is not intact")
	}
}
