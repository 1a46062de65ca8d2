package oid_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func FuzzParse(f *testing.F) {
	for _, c := range encodings {
		f.Add(c.text)
	}
	f.Add("1.2.3.99999999999999999999")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := oid.Parse(text)
		if err != nil {
			return
		}
		s := cryptobyte.String(o.DER())
		var back oid.OID
		if !oid.Read(&s, &back) || back != o {
			t.Fatalf("%q reads back as %q", text, back)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, c := range encodings {
		der, _ := hex.DecodeString(c.hex)
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		s := cryptobyte.String(der)
		var o oid.OID
		if !oid.Read(&s, &o) {
			return
		}
		if used := der[:len(der)-len(s)]; !bytes.Equal(o.DER(), used) {
			t.Fatalf("%x read as %s, which encodes to %x", used, o, o.DER())
		}
	})
}
