package journal

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"
)

// FuzzParseRecord: whatever parses is written back as a line that parses to
// the same record with the same digest, and stays intact without its values.
func FuzzParseRecord(f *testing.F) {
	for _, r := range chain(f, 2) {
		b, err := r.Line()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		if r, err = r.Erase(r.Fields()...); err != nil {
			f.Fatal(err)
		}
		if b, err = r.Line(); err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRecord(data)
		if err != nil {
			return
		}
		r.Masked()
		// A record that somebody made up does not have its digest; with it
		// the rest of the encoding is tried.
		if CheckNode(r.Node) != nil || r.check() != nil || r.size() > 1<<16 {
			return
		}
		r = rehash(r)
		b, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		likeEncodingJSON(t, b)
		again, err := ParseRecord(b)
		if err != nil || !again.Intact() || again.Head() != r.Head() {
			t.Fatalf("%s: %v", b, err)
		}
		bare, err := again.Erase(again.Fields()...)
		if err != nil || !bare.Intact() || bare.Head() != r.Head() {
			t.Fatalf("%s: erased: %v", b, err)
		}
	})
}

// likeEncodingJSON wants a line to be what encoding/json makes of its values.
func likeEncodingJSON(t testing.TB, b []byte) {
	t.Helper()
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	want, err := json.Marshal(l)
	if err != nil || string(want) != string(b) {
		t.Fatalf("%s\nand encoding/json writes\n%s, %v", b, want, err)
	}
}

// TestLineOfAnything: the line of a record with whatever texts is JSON, in the form
// of encoding/json, and reads as that record.
func TestLineOfAnything(t *testing.T) {
	texts := []string{
		"", "a", "Иванов", "\"", `\`, `","seq":9,"x":"`, "<&>", "\u2028\u2029", "\x00\x1f\x7f\r\n\t", "‰😀\u00a0", strings.Repeat("я", 500),
	}
	head := Head{Node: DefaultNode}
	for n, text := range texts {
		for _, data := range []map[string]string{nil, {}, {text: text}, {"a": text, "b": "", text + "c": "x", "а": text, "Z": "1"}} {
			at := time.Date(2026, 6, 2, 12, 0, 0, n*1000, time.UTC)
			r, err := head.Next(Entry{Time: at, Actor: text, Event: text + "e", Subject: text, Data: data})
			if err != nil {
				continue // texts that no record may have
			}
			for _, erase := range [][]string{nil, r.Fields()} {
				if erase != nil {
					if r, err = r.Erase(erase...); err != nil {
						t.Fatal(err)
					}
				}
				b, err := r.Line()
				if err != nil {
					t.Fatal(err)
				}
				likeEncodingJSON(t, b)
				again, err := ParseRecord(b)
				if err != nil || !again.Intact() || again.Head() != r.Head() || again.Actor != r.Actor || again.Subject != r.Subject || !maps.Equal(again.Data, r.Data) {
					t.Errorf("%s: %v", b, err)
				}
			}
			head = r.Head()
		}
	}
	if head.Seq < 10 {
		t.Errorf("%d records: nearly all texts were refused", head.Seq)
	}
}

// FuzzParseSignedHeads: whatever parses is written back as the same statement.
func FuzzParseSignedHeads(f *testing.F) {
	key, cert := authorityWith(f, "УЦ", "ecdsa-p256", "") // the quickest
	b, err := json.Marshal(sign(f, key, cert, nil, chain(f, 5)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSignedHeads(data)
		if err != nil {
			return
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseSignedHeads(b)
		if err != nil || again.Digest() != s.Digest() {
			t.Fatalf("%s: %v", b, err)
		}
		_ = s.Verify(cert.PublicKey) // must not panic, whatever the signature
	})
}

// FuzzParseProof: whatever parses verifies the same after a round trip, and a
// proof that verifies is the one that was made.
func FuzzParseProof(f *testing.F) {
	key, cert := authorityWith(f, "УЦ", "ecdsa-p256", "") // the quickest
	c := chain(f, 5)
	heads := sign(f, key, cert, nil, c)
	p, err := Prove(seq(c), DefaultNode, 3, heads)
	if err != nil {
		f.Fatal(err)
	}
	b, err := json.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := ParseProof(data)
		if err != nil {
			return
		}
		verr := q.Verify(cert)
		if verr == nil && (q.Record.Hash != c[q.Record.Seq-1].Hash || q.Heads.Digest() != heads.Digest()) {
			t.Fatalf("forged: %s", data)
		}
		b, err := json.Marshal(q)
		if err != nil {
			return // text that is not UTF-8 has no line
		}
		again, err := ParseProof(b)
		if err != nil || (again.Verify(cert) == nil) != (verr == nil) {
			t.Fatalf("%s: %v", b, err)
		}
	})
}
