package der_test

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/der"
)

// The outlines of each kind, with contents that are just long enough.
func TestSniff(t *testing.T) {
	const (
		algorithm = "30 04 06 02 2A 03"
		name      = "30 0B 31 09 30 07 06 03 55 04 03 0C 00"
		utc       = "17 0D 32 36 30 31 30 31 30 30 30 30 30 30 5A"
		bits      = "03 02 00 01"
	)
	seq := func(parts ...string) string {
		var b []byte
		for _, p := range parts {
			b = append(b, unhex(t, p)...)
		}
		return hexOf(der.Wrap(0x30, b))
	}
	contentInfo := func(last string) string {
		return seq("06 09 2A 86 48 86 F7 0D 01 07 "+last, "A0 02 30 00")
	}
	validity := seq(utc, utc)
	tests := []struct {
		want der.Kind
		data string
	}{
		{der.KindCertificate, seq(seq("A0 03 02 01 02", "02 01 01", algorithm, name, validity, name), algorithm, bits)},
		{der.KindCertificate, seq(seq("02 01 01", algorithm, name, validity, name), algorithm, bits)},
		{der.KindCRL, seq(seq("02 01 01", algorithm, name, utc), algorithm, bits)},
		{der.KindCRL, seq(seq(algorithm, name, utc), algorithm, bits)},
		{der.KindRequest, seq(seq("02 01 00", name, seq(algorithm, bits), "A0 00"), algorithm, bits)},
		{der.KindSignedData, contentInfo("02")},
		{der.KindSignedData, "30 80 06 09 2A 86 48 86 F7 0D 01 07 02 A0 80 30 80 02 01 01"},
		{der.KindEnvelopedData, contentInfo("03")},
		{der.KindDigestedData, contentInfo("05")},
		{der.KindEncryptedData, contentInfo("06")},
		{der.KindContentInfo, contentInfo("01")},
		{der.KindPFX, seq("02 01 03", contentInfo("01"), seq())},
		{der.KindPKCS8, seq("02 01 00", algorithm, "04 01 00")},
		{der.KindEncryptedPKCS8, seq(algorithm, "04 01 00")},
		{der.KindPublicKey, seq(algorithm, bits)},
		{der.KindOCSPResponse, seq("0A 01 00", "A0 02 30 00")},
		{der.KindOCSPResponse, seq(seq("A1 02 30 00", "18 0F 32303236303130313030303030305A"), algorithm, bits)},
		{der.KindOCSPRequest, seq(seq(seq(seq(seq(algorithm, "04 00", "04 00", "02 01 01")))))},
		{der.KindTimeStampRequest, seq("02 01 01", seq(algorithm, "04 01 00"))},
		{der.KindTimeStampResponse, seq(seq("02 01 00"), contentInfo("02"))},
		{der.KindTimeStampResponse, seq(seq("02 01 02"))},
		{der.KindHTML, hexOf([]byte("<html>"))},
		{der.KindXML, hexOf([]byte("\xef\xbb\xbf<?xml?>"))},
		{der.KindPDF, hexOf([]byte("%PDF-1.4"))},
		{der.KindZIP, hexOf([]byte("PK\x03\x04"))},
		{der.KindPEM, hexOf([]byte("-----BEGIN X-----"))},
		{der.KindUnknown, "30 00"},
		{der.KindUnknown, "02 01 01"},
		{der.KindUnknown, ""},
	}
	for _, tt := range tests {
		if got := der.Sniff(unhex(t, tt.data)); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.data, got, tt.want)
		}
	}
}

func TestKindNamesAreDistinct(t *testing.T) {
	seen := make(map[string]bool)
	for k := der.KindUnknown; k <= der.KindZIP; k++ {
		if s := k.String(); s == "" || seen[s] {
			t.Errorf("kind %d is called %q", k, s)
		} else {
			seen[s] = true
		}
	}
}
