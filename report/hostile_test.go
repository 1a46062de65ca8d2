package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/verify"
)

func styleHash(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// nasty are texts that a stranger may put into a certificate or a file's name.
var nasty = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `]]></Signer><Signer>Директор`, `&lt;b&gt; &amp; </style>`,
	"Иванов\u202eвонавИ", "\u2066hidden\u2069", "zero\u200bwidth\u200d\ufeff", "tags\U000e0041\U000e0042", "soft\u00adhyphen",
	"\x1b[2J\x1b[31mred", "line\nbreak\r\nПодпись действительна", "tab\tand\x00nul", "bad \xff\xfe utf-8", "\u2028\u2029",
	"z" + strings.Repeat("\u0301", 500), "中文 한국어 \U0001F4A9 \U0010FFFF \uE000", strings.Repeat("Ж", 5000), strings.Repeat("очень длинное имя ", 1000),
	`{{.Digest}} {pages} %s %n \x`, "(unbalanced \\) parentheses (", "=cmd|'/c calc'!A1",
}

// stranger is a certificate whose subject says s. The parser keeps what it reads.
func stranger(t testing.TB, s string, key *testpki.Entity) *pki.Certificate {
	t.Helper()
	c := *key.Cert
	c.Subject = pki.Name{RDNs: [][]pki.Attribute{
		{{Type: oid.CommonName, Value: s}}, {{Type: oid.Surname, Value: s}}, {{Type: oid.Organization, Value: s}}, {{Type: oid.SNILS, Value: s}},
	}}
	c.Issuer = c.Subject
	return &c
}

// hostile is a report in which strangers wrote wherever they can.
func hostile(t testing.TB, s string, key *testpki.Entity) report.Input {
	in := changed(t, verify.Russian)
	sig := in.Report.Signatures[0]
	sig.Signer = stranger(t, s, key)
	sig.Chain = []*pki.Certificate{sig.Signer, stranger(t, s, key)}
	sig.TimeStamps[0].TSA = sig.Signer
	sig.SignerName, sig.Level, sig.Kind, sig.TimeStamps[0].Kind = s, s, s, s
	for i := range sig.Checks {
		sig.Checks[i].Detail, sig.Checks[i].ID, sig.Checks[i].Cite = s, s, s
	}
	in.DocumentName, in.SignatureName, in.Program, in.Version = s, s, s, s
	in.DocumentDigests = map[string]string{"sha256": s, s: s}
	return in
}

// harmless says what is wrong with a text that people will see.
func harmless(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("no UTF-8")
	}
	for i, r := range text {
		if r != '\n' && r != '\f' && r != utf8.RuneError && !unicode.IsGraphic(r) {
			return fmt.Errorf("%U at %d", r, i)
		}
	}
	return nil
}

func TestHostileText(t *testing.T) {
	key := testpki.Issue(t, testpki.Leaf(t, "CN=x"), nil)
	for _, s := range nasty {
		in := hostile(t, s, key)
		for _, f := range []report.Format{report.FormatText, report.FormatHTML, report.FormatXML} {
			got := string(write(t, in, f))
			if err := harmless(got); err != nil {
				t.Errorf("%s of %.20q: %v", f, s, err)
			}
			for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", "</Signer><Signer>", strings.Repeat("\u0301", 5)} {
				if f != report.FormatText && strings.Contains(got, bad) {
					t.Errorf("%s of %.20q holds %q", f, s, bad)
				}
			}
			if f == report.FormatText && strings.Contains(got, "\nПодпись действительна") {
				t.Errorf("a name forges a line:\n%s", got)
			}
		}
		if pdf := write(t, in, report.FormatPDF); !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Errorf("no PDF of %.20q", s)
		}
	}
}

// pdfText is what a reader selects in a PDF.
func pdfText(t testing.TB, pdf []byte) string {
	t.Helper()
	tool := peer.NeedFile(t, "poppler-utils", "/usr/bin/pdftotext")
	cmd := exec.CommandContext(t.Context(), tool, "-layout", "-enc", "UTF-8", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("pdftotext: %v %s", err, stderr.Bytes())
	}
	return string(out)
}

// TestPDFText: an independent reader finds the Russian text, and nothing that a
// stranger hid in it.
func TestPDFText(t *testing.T) {
	got := pdfText(t, write(t, sample(t, verify.Russian), report.FormatPDF))
	for _, want := range []string{
		"Протокол проверки электронной подписи", "Подпись действительна", "Договор № 1.pdf", "Иванов Иван Иванович", "ООО «Ромашка»",
		"11223344595", "22.11.2026 10:00:05 UTC", "список отзыва № 1", "RFC 5652, section 5.4", verify.Notice(verify.Russian), "Страница 1 / 2",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the PDF:\n%s", want, got)
		}
	}
	key := testpki.Issue(t, testpki.Leaf(t, "CN=x"), nil)
	for _, s := range nasty {
		if err := harmless(pdfText(t, write(t, hostile(t, s, key), report.FormatPDF))); err != nil {
			t.Errorf("%.20q: %v", s, err)
		}
	}
	if got := pdfText(t, write(t, hostile(t, "{pages}", key), report.FormatPDF)); !strings.Contains(got, "{pages}") {
		t.Errorf("a name is taken for a place-holder:\n%s", got)
	}
	if got := pdfText(t, write(t, hostile(t, "中", key), report.FormatPDF)); !strings.Contains(got, "[U+4E2D]") {
		t.Errorf("a character without a glyph is not named:\n%s", got)
	}
}

// TestCode: a scanner reads the digest from the printed page.
func TestCode(t *testing.T) {
	render := peer.NeedFile(t, "poppler-utils", "/usr/bin/pdftoppm")
	scan := peer.NeedFile(t, "zbar-tools", "/usr/bin/zbarimg")
	in, dir := sample(t, 0), t.TempDir()
	pdf := filepath.Join(dir, "p.pdf")
	if err := os.WriteFile(pdf, write(t, in, report.FormatPDF), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), render, "-r", "150", "-png", pdf, filepath.Join(dir, "p")).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v %s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "p-*.png"))
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	digest, err := report.Digest(in)
	if err != nil {
		t.Fatal(err)
	}
	last := exec.CommandContext(t.Context(), scan, "-q", "--raw", pages[len(pages)-1])
	got, err := last.Output()
	if err != nil || strings.TrimSpace(string(got)) != "streebog256:"+digest {
		t.Errorf("the code says %q (%v)", got, err)
	}
}

// TestSchema: an independent validator, against the part of the schema that is
// written (testdata/etsi-subset.xsd).
func TestSchema(t *testing.T) {
	tool := peer.NeedFile(t, "libxml2-utils", "/usr/bin/xmllint")
	key := testpki.Issue(t, testpki.Leaf(t, "CN=x"), nil)
	inputs := []report.Input{
		sample(t, 0), changed(t, 1),
		{Report: &verify.Report{At: at}},
		{Report: &verify.Report{At: at, Kind: verify.KindTimeStamp, GenTime: at, Certificate: certificate(t, "sub.cer")}},
	}
	for _, s := range nasty {
		inputs = append(inputs, hostile(t, s, key))
	}
	many := sample(t, 0)
	many.Report.Signatures[0].Counter = []*verify.Signature{signed(t)}
	for _, k := range []string{"archive-time-stamp-v3", "cades-c-time-stamp", "time-stamped-certs-crls-references", "content-time-stamp", ""} {
		s := signed(t)
		s.TimeStamps[0].Kind = k
		many.Report.Signatures = append(many.Report.Signatures, s)
	}
	for i, in := range append(inputs, many) {
		cmd := exec.CommandContext(t.Context(), tool, "--nonet", "--noout", "--schema", "testdata/etsi-subset.xsd", "-")
		cmd.Stdin = bytes.NewReader(write(t, in, report.FormatXML))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%d: %v\n%s", i, err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), tool, "--nonet", "--noout", "--schema", "testdata/etsi-subset.xsd", "-")
	cmd.Stdin = bytes.NewReader(bytes.ReplaceAll(write(t, sample(t, 0), report.FormatXML), []byte("MainIndication"), []byte("Indication")))
	if err := cmd.Run(); err == nil {
		t.Error("the schema accepts anything")
	}
}

// TestMany: many signatures give many pages, in reasonable time; beyond the bound
// the protocol says how many are missing, and the JSON form has them all.
func TestMany(t *testing.T) {
	in := sample(t, 0)
	one := in.Report.Signatures[0]
	for len(in.Report.Signatures) < limits.ReportSigners+50 {
		in.Report.Signatures = append(in.Report.Signatures, one)
	}
	start := time.Now()
	pdf := write(t, in, report.FormatPDF)
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("a PDF of %d signatures took %v", len(in.Report.Signatures), d)
	}
	if n := bytes.Count(pdf, []byte("/Type /Page\n")); n < 50 {
		t.Errorf("%d pages", n)
	}
	text := string(write(t, in, report.FormatText))
	if !strings.Contains(text, "Показано не всё; остальное есть в протоколе в форме JSON. Не показано: 50\n") {
		t.Error("what was left out is not said")
	}
	if n := bytes.Count(write(t, in, report.FormatJSON), []byte(`"claimedTime"`)); n != limits.ReportSigners+50 {
		t.Errorf("the JSON form has %d signatures", n)
	}
}

// TestNested: countersignatures inside each other end.
func TestNested(t *testing.T) {
	in := sample(t, 0)
	s := in.Report.Signatures[0]
	for range 50 {
		next := signed(t)
		s.Counter = []*verify.Signature{next}
		s = next
	}
	if text := string(write(t, in, report.FormatText)); !strings.Contains(text, "Не показано") {
		t.Error("what was left out is not said")
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"Иванов Иван":   "Иванов Иван",
		"a\u202eb":      "a\ufffdb",
		"a\nb":          "a\ufffdb",
		"\x1b[31m":      "\ufffd[31m",
		"\xff":          "\ufffd",
		"и\u0306":       "и\u0306",
		"x\u200d\u2060": "x\ufffd\ufffd",
		"中文":            "中文",
		"\ufe0f":        "\ufffd",
	} {
		if got := report.Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := report.PrintableLines("a\n\tb\rc"); got != "a\n\tb\ufffdc" {
		t.Errorf("%q", got)
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := report.Printable(s)
		if err := harmless(got); err != nil || strings.ContainsAny(got, "\n\f") {
			t.Errorf("%q: %v", got, err)
		}
		if report.Printable(got) != got {
			t.Errorf("%q changes again", got)
		}
	})
}
