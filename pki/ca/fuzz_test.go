package ca_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func FuzzParseSerial(f *testing.F) {
	for _, s := range []string{"01", "0x7f:ff", "ff", "", "00", "zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ca.ParseSerial(text)
		if err != nil {
			return
		}
		if again, err := ca.ParseSerial(s.String()); err != nil || again != s || s == (ca.Serial{}) {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
	})
}

func FuzzParseReason(f *testing.F) {
	for _, s := range []string{"keyCompromise", "key-compromise", "", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ca.ParseReason(text)
		if err != nil {
			return
		}
		if again, err := ca.ParseReason(r.String()); err != nil || again != r {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
	})
}

func FuzzParseSettings(f *testing.F) {
	f.Add([]byte(`{"crlUrls":["http://ca.example/a.crl"],"crlHours":24}`))
	f.Add([]byte(`{"issuerSignTool":{"SignTool":"x"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ca.ParseSettings(text)
		if err != nil {
			return
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ca.ParseSettings(b)
		if err != nil || len(s.CRLURLs) > 0 && !reflect.DeepEqual(again, s) {
			t.Fatalf("%s: %v", b, err)
		}
	})
}

// FuzzReadDir reads a directory whose files are the input.
func FuzzReadDir(f *testing.F) {
	f.Add([]byte("{}"), []byte{0x30, 0}, []byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, settings, cert, chain []byte) {
		dir := t.TempDir()
		writeFiles(t, dir, map[string][]byte{ca.SettingsFile: settings, ca.CertificateFile: cert, ca.ChainFile: chain})
		d, err := ca.ReadDir(dir)
		if (d == nil) == (err == nil) {
			t.Fatalf("%v, %v", d, err)
		}
	})
}
