package journal

import (
	"encoding/json"
	"testing"
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
