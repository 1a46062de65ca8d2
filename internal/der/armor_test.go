package der_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/gosklyuch/gosklyuch/internal/der"
)

// sequence returns a SEQUENCE that holds an OCTET STRING of n octets.
func sequence(n int) []byte {
	content := make([]byte, n)
	for i := range content {
		content[i] = byte(i * 7)
	}
	return der.Wrap(0x30, der.Wrap(0x04, content))
}

func toPEM(label string, b []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: b})
}

func b64(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }

func toUTF16(order binary.ByteOrder, bom bool, text []byte) []byte {
	units := utf16.Encode([]rune(string(text)))
	if bom {
		units = append([]uint16{0xfeff}, units...)
	}
	out := make([]byte, 2*len(units))
	for i, u := range units {
		order.PutUint16(out[2*i:], u)
	}
	return out
}

func wrapLines(b []byte, width int, end string) []byte {
	var out []byte
	for len(b) > 0 {
		n := min(width, len(b))
		out = append(append(out, b[:n]...), end...)
		b = b[n:]
	}
	return out
}

func TestArmorForms(t *testing.T) {
	for _, size := range []int{0, 5, 60, 100, 126, 127, 3000, 100_000} {
		want := sequence(size)
		once := b64(want)
		forms := []struct {
			name  string
			data  []byte
			armor der.Armor
		}{
			{"DER", want, der.ArmorNone},
			{"PEM", toPEM("CMS", want), der.ArmorPEM},
			{"PEM with CRLF", bytes.ReplaceAll(toPEM("PKCS7", want), []byte("\n"), []byte("\r\n")), der.ArmorPEM},
			{"PEM after text", append([]byte("Subject: CN=Иванов\nissuer: X\n"), toPEM("CERTIFICATE", want)...), der.ArmorPEM},
			{"PEM with mark", append([]byte("\xef\xbb\xbf"), toPEM("CMS", want)...), der.ArmorPEM},
			{"PEM in UTF-16LE", toUTF16(binary.LittleEndian, true, toPEM("CMS", want)), der.ArmorPEM},
			{"PEM in UTF-16BE", toUTF16(binary.BigEndian, true, toPEM("CMS", want)), der.ArmorPEM},
			{"PEM in UTF-16LE without mark", toUTF16(binary.LittleEndian, false, toPEM("CMS", want)), der.ArmorPEM},
			{"Base64 in one line", once, der.ArmorBase64},
			{"Base64 with mark", append([]byte("\xef\xbb\xbf"), once...), der.ArmorBase64},
			{"Base64 with CRLF", wrapLines(once, 76, "\r\n"), der.ArmorBase64},
			{"Base64 in short lines", wrapLines(once, 3, "\n"), der.ArmorBase64},
			{"Base64 with blanks", wrapLines(once, 20, " \t"), der.ArmorBase64},
			{"Base64 without padding", bytes.TrimRight(once, "="), der.ArmorBase64},
			{"Base64 in UTF-16LE", toUTF16(binary.LittleEndian, true, once), der.ArmorBase64},
			{"double Base64", b64(once), der.ArmorBase64Twice},
			{"double Base64 with lines", wrapLines(b64(wrapLines(once, 64, "\r\n")), 64, "\r\n"), der.ArmorBase64Twice},
			{"Base64 of PEM", b64(toPEM("CMS", want)), der.ArmorBase64Twice},
		}
		for _, f := range forms {
			blocks, err := der.Decode(f.data)
			if err != nil || len(blocks) != 1 {
				t.Errorf("%d octets, %s: Decode: %d blocks, %v", size, f.name, len(blocks), err)
				continue
			}
			if !bytes.Equal(blocks[0].Bytes, want) || blocks[0].Armor != f.armor {
				t.Errorf("%d octets, %s: Decode: wrong octets, or armor %v instead of %v", size, f.name, blocks[0].Armor, f.armor)
			}
			for _, in := range []io.Reader{bytes.NewReader(f.data), iotest.HalfReader(bytes.NewReader(f.data))} {
				r, armor, err := der.NewReader(in)
				if err != nil {
					t.Errorf("%d octets, %s: NewReader: %v", size, f.name, err)
					continue
				}
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, want) || armor != f.armor {
					t.Errorf("%d octets, %s: NewReader: %d octets of %d, armor %v, %v", size, f.name, len(got), len(want), armor, err)
				}
			}
		}
	}
}

func TestDecodeSeveralBlocks(t *testing.T) {
	a, b := sequence(10), sequence(200)
	text := "Bag Attributes\n    friendlyName: x\n" + string(toPEM("CERTIFICATE", a)) + "\nsomething\n" +
		"-----BEGIN OLD KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\n" + string(b64(b)) + "\n-----END OLD KEY-----\n"
	blocks, err := der.Decode([]byte(text))
	if err != nil || len(blocks) != 2 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	if blocks[0].Type != "CERTIFICATE" || !bytes.Equal(blocks[0].Bytes, a) {
		t.Error("the first block is wrong")
	}
	if blocks[1].Headers["DEK-Info"] != "X,00" || !bytes.Equal(blocks[1].Bytes, b) {
		t.Errorf("the second block is wrong: %v", blocks[1].Headers)
	}
}

func TestArmorRefusals(t *testing.T) {
	good := string(toPEM("CMS", sequence(100)))
	tests := []struct{ name, data, want string }{
		{"empty", "", "empty"},
		{"white space", " \r\n\t", "empty"},
		{"HTML", "\n<!DOCTYPE html><html><body>404</body></html>", "an HTML page"},
		{"PDF", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "a PDF document"},
		{"XML", "<?xml version=\"1.0\"?><a/>", "an XML document"},
		{"text", "Привет, мир", "neither"},
		{"Base64 of text", string(b64([]byte("Just a text that is no DER, however often one decodes it"))), "neither"},
		{"no END", strings.Replace(good, "-----END CMS-----\n", "", 1), "END"},
		{"other END", strings.Replace(good, "END CMS", "END CERTIFICATE", 1), "END"},
		{"broken BEGIN", strings.Replace(good, "BEGIN CMS-----", "BEGIN CMS--", 1), "hyphens"},
		{"bad character", strings.Replace(good, "\n-----END", "*\n-----END", 1), "base64"},
		{"padding inside", "MAA=MAAA", ""},
	}
	for _, tt := range tests {
		_, err := der.Decode([]byte(tt.data))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Decode: %v, want %q", tt.name, err, tt.want)
		}
		r, _, err := der.NewReader(strings.NewReader(tt.data))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: NewReader: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, data := range [][]byte{sequence(200_000), toPEM("CMS", sequence(200_000))} {
		in := io.MultiReader(bytes.NewReader(data[:150_000]), iotest.ErrReader(broken))
		r, _, err := der.NewReader(in)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
}

func TestNewWriterIsReadBack(t *testing.T) {
	for _, n := range []int{0, 1, 46, 47, 48, 1000, 70_000} {
		want := sequence(n)
		for _, a := range []der.Armor{der.ArmorNone, der.ArmorPEM, der.ArmorBase64} {
			var buf bytes.Buffer
			w, err := der.NewWriter(&buf, a, "CMS")
			if err != nil {
				t.Fatal(err)
			}
			for rest := want; len(rest) > 0; {
				k := min(37, len(rest))
				if _, err := w.Write(rest[:k]); err != nil {
					t.Fatal(err)
				}
				rest = rest[k:]
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if a == der.ArmorPEM && !bytes.Equal(buf.Bytes(), toPEM("CMS", want)) {
				t.Errorf("%d octets: not what encoding/pem writes", n)
			}
			blocks, err := der.Decode(buf.Bytes())
			if err != nil || len(blocks) != 1 || !bytes.Equal(blocks[0].Bytes, want) || blocks[0].Armor != a {
				t.Errorf("%d octets as %v: %v", n, a, err)
			}
		}
	}
	if _, err := der.NewWriter(io.Discard, der.ArmorBase64Twice, ""); err == nil {
		t.Error("double Base64 is written")
	}
}
