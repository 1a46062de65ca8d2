package oid_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Encodings of X.690, 8.19.5 and of the documents that assign the identifiers.
var encodings = []struct{ text, hex string }{
	{"2.999.3", "0603883703"}, // X.690, 8.19.5, example
	{"2.5.4.3", "0603550403"},
	{"1.2.643.7.1.1.1.1", "06082a85030701010101"},
	{"1.2.840.113549.1.1.1", "06092a864886f70d010101"},
	{"0.9.2342.19200300.100.1.25", "060a0992268993f22c640119"},
	{"1.8" + strings.Repeat(".120", 63), "0640" + "30" + strings.Repeat("78", 63)},                        // the longest text of 64 octets
	{"2.25.340282366920938463463374607431768211455", "061469" + "83ffffffffffffffffffffffffffffffffff7f"}, // UUID arc of 128 bits
}

func TestEncodings(t *testing.T) {
	for _, c := range encodings {
		want, _ := hex.DecodeString(c.hex)
		o, err := oid.Parse(c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		if got := o.DER(); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", c.text, got, want)
		}
		s := cryptobyte.String(want)
		var back oid.OID
		if !oid.Read(&s, &back) || back != o || !s.Empty() {
			t.Errorf("%s: read back %q", c.text, back)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"", "1", "1.", ".1", "3.1", "0.40", "1.40", "1.2.-3", "1.02", "a.b", "1..2", "1.2.3 ", "2." + strings.Repeat("9", 200)} {
		if _, err := oid.Parse(text); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
	for _, h := range []string{"0600", "060180", "06028003", "0603558004", "060355", "0602 8080", "0641" + strings.Repeat("01", 65)} {
		der, _ := hex.DecodeString(strings.ReplaceAll(h, " ", ""))
		s := cryptobyte.String(der)
		var o oid.OID
		if oid.Read(&s, &o) {
			t.Errorf("%s: read as %s", h, o)
		}
	}
	var b cryptobyte.Builder
	oid.OID("1.2.x").Add(&b)
	if _, err := b.Bytes(); err == nil {
		t.Error("Add wrote an identifier that is none")
	}
}

// The table is the only place where a mistyped identifier can hide: every row
// must encode, agree with encoding/asn1 and be found both ways.
func TestTable(t *testing.T) {
	seen := map[oid.OID]bool{}
	rows := oid.All()
	if len(rows) < 200 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, i := range rows {
		if seen[i.OID] {
			t.Errorf("%s occurs twice", i.OID)
		}
		seen[i.OID] = true
		if i.Name == "" || i.Title == "" || i.Cite == "" {
			t.Errorf("%s: incomplete row", i.OID)
		}
		der := i.OID.DER()
		var std asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(der, &std); err != nil || std.String() != string(i.OID) {
			t.Errorf("%s: encoding/asn1 reads %s, %v", i.OID, std, err)
		}
		if o, ok := oid.ByName(strings.ToUpper(i.Name)); !ok || o != i.OID {
			t.Errorf("%s: ByName(%q) is %s", i.OID, i.Name, o)
		}
		if got, ok := oid.Lookup(i.OID); !ok || got != i || i.OID.Name() != i.Name {
			t.Errorf("%s: Lookup", i.OID)
		}
	}
	if oid.OID("1.2.3.4").Name() != "1.2.3.4" {
		t.Error("the name of an unknown identifier is not its dotted text")
	}
}
