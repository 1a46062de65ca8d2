package report_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/verify"
)

var update = flag.Bool("update", false, "write the expected files of testdata anew")

// languages are the two of every protocol.
var languages = map[string]verify.Lang{"ru": verify.Russian, "en": verify.English}

func write(t testing.TB, in report.Input, f report.Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, in, f); err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	return b.Bytes()
}

// The digest depends on the JSON of package verify, which has tests of its own.
var (
	digestText = regexp.MustCompile(`[0-9a-f]{64}`)
	codePath   = regexp.MustCompile(`<path d="[^"]*"`)
)

// TestGolden compares whole protocols with files that were read by a person.
func TestGolden(t *testing.T) {
	for name, l := range languages {
		for outcome, in := range map[string]report.Input{"valid": sample(t, l), "changed": changed(t, l)} {
			digest, err := report.Digest(in)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []report.Format{report.FormatText, report.FormatHTML, report.FormatXML} {
				got := bytes.ReplaceAll(write(t, in, f), []byte(digest), []byte("DIGEST"))
				got = codePath.ReplaceAll(got, []byte(`<path d="CODE"`))
				path := filepath.Join("testdata", outcome+"."+name+string(f))
				if *update {
					if err := os.WriteFile(path, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s differs; read the difference, then go test ./report -update\n%s", path, got)
				}
			}
		}
	}
}

// TestDeterministic: same input, same time, same octets, in every form.
func TestDeterministic(t *testing.T) {
	for _, f := range report.Formats() {
		in := sample(t, verify.Russian)
		in.Report.Policy = verify.DefaultPolicy()
		first := write(t, in, f)
		for range 3 {
			if !bytes.Equal(first, write(t, in, f)) {
				t.Errorf("%s differs from run to run", f)
			}
		}
	}
}

// TestDigest: the digest in every protocol is that of the JSON form.
func TestDigest(t *testing.T) {
	in := sample(t, verify.Russian)
	digest, err := report.Digest(in)
	if err != nil {
		t.Fatal(err)
	}
	sum := streebog.Sum256(write(t, in, report.FormatJSON))
	if digest != hex.EncodeToString(sum[:]) {
		t.Errorf("the digest %s is not that of the JSON form", digest)
	}
	for _, f := range []report.Format{report.FormatText, report.FormatHTML} {
		if !bytes.Contains(write(t, in, f), []byte(digest)) {
			t.Errorf("%s does not carry the digest", f)
		}
	}
	for name, change := range map[string]func(*report.Input){
		"the document's name":   func(in *report.Input) { in.DocumentName += "x" },
		"the document's digest": func(in *report.Input) { in.DocumentDigests["sha256"] = "00" },
		"a check":               func(in *report.Input) { in.Report.Signatures[0].Checks[0].Detail = "x" },
		"the policy":            func(in *report.Input) { in.Report.Policy = verify.DefaultPolicy() },
	} {
		other := sample(t, verify.Russian)
		change(&other)
		if d, err := report.Digest(other); err != nil || d == digest {
			t.Errorf("the digest does not cover %s (%v)", name, err)
		}
	}
}

// TestJSON: "report" is the document of verify --json, the policy a policy file.
func TestJSON(t *testing.T) {
	in := sample(t, verify.English)
	in.Report.Policy = verify.DefaultPolicy()
	var got struct {
		Document struct {
			Name    string
			Digests map[string]string
		}
		Program struct{ Name, Version string }
		Policy  json.RawMessage
		Report  json.RawMessage
	}
	if err := json.Unmarshal(write(t, in, report.FormatJSON), &got); err != nil {
		t.Fatal(err)
	}
	if got.Document.Name != in.DocumentName || got.Document.Digests["sha256"] != in.DocumentDigests["sha256"] || got.Program.Version != "1.0" {
		t.Errorf("%+v", got)
	}
	own, err := in.Report.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := errors.Join(json.Compact(&a, own), json.Compact(&b, got.Report)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(a.Bytes(), []byte(`\u0026`), []byte("&")), b.Bytes()) {
		t.Errorf("the report is not that of verify:\n%s\n%s", a.Bytes(), b.Bytes())
	}
	if _, err := verify.ParsePolicy(got.Policy); err != nil {
		t.Errorf("the policy does not read as a policy file: %v", err)
	}
}

// TestWords: what every protocol must say, and what none may say.
func TestWords(t *testing.T) {
	for name, l := range languages {
		for _, in := range []report.Input{sample(t, l), changed(t, l), {Report: &verify.Report{At: at, Lang: l}}} {
			for _, f := range []report.Format{report.FormatText, report.FormatHTML} {
				got := string(write(t, in, f))
				if !strings.Contains(got, verify.Notice(l)) {
					t.Errorf("%s %s lacks the line of honesty", name, f)
				}
				if low := strings.ToLower(got); strings.Contains(low, "квалифицированная подпись подтверждена") || strings.Contains(low, "qualified signature is confirmed") {
					t.Errorf("%s %s says what nobody may say", name, f)
				}
				if name == "en" && f == report.FormatText && strings.Contains(got, "Проверка") {
					t.Errorf("Russian words in the English protocol:\n%s", got)
				}
			}
		}
	}
	form := sample(t, verify.Russian)
	form.Report.Signatures[0].Kind = "qualified-form"
	if got := string(write(t, form, report.FormatText)); !strings.Contains(got, verify.QualifiedForm(verify.Russian)) {
		t.Errorf("what may be said of the form is missing:\n%s", got)
	}
}

// TestUnsafe: a protocol of a weakened verification says so.
func TestUnsafe(t *testing.T) {
	in := sample(t, verify.Russian)
	in.Report.Policy = verify.DefaultPolicy()
	if got := string(write(t, in, report.FormatText)); strings.Contains(got, "ОСЛАБЛЕНО") {
		t.Error("the default policy is called weakened")
	}
	p := in.Report.Policy
	p.UnsafeNoChain, p.UnsafeNoRevocation, p.UnsafeLegacy, p.AllowTest = true, true, true, true
	if n := strings.Count(string(write(t, in, report.FormatText)), "ОСЛАБЛЕНО"); n != 4 {
		t.Errorf("%d of 4 weakenings are named", n)
	}
}

// TestKinds: every kind of object has a protocol; ETSI has a form for two.
func TestKinds(t *testing.T) {
	for kind := verify.KindSignature; kind <= verify.KindRequest; kind++ {
		for _, status := range []verify.Outcome{{Status: verify.Passed}, {Status: verify.Failed, Reason: verify.FormatFailure}, {Reason: verify.TryLater}} {
			in := report.Input{Report: &verify.Report{Kind: kind, At: at, Outcome: status, Certificate: certificate(t, "leaf.cer"), GenTime: at}}
			for _, f := range report.Formats() {
				var b bytes.Buffer
				err := report.Write(&b, in, f)
				if f == report.FormatXML && kind != verify.KindSignature && kind != verify.KindTimeStamp {
					if !errors.Is(err, report.ErrNotSignature) || b.Len() != 0 {
						t.Errorf("%v %s: %v", kind, f, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%v %s: %v", kind, f, err)
				}
				if f == report.FormatText && !strings.HasPrefix(b.String(), "Протокол проверки ") {
					t.Errorf("%v has no title: %.60s", kind, b.String())
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, f := range report.Formats() {
		if err := report.Write(io.Discard, report.Input{}, f); !errors.Is(err, report.ErrNoReport) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if err := report.Write(io.Discard, sample(t, 0), ".docx"); err == nil || !strings.Contains(err.Error(), "docx") {
		t.Errorf("an unknown format: %v", err)
	}
	for _, f := range report.Formats() {
		if err := report.Write(broken{}, sample(t, 0), f); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s does not report what its writer says: %v", f, err)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestStyleHash: the page's own policy allows its style and nothing else.
func TestStyleHash(t *testing.T) {
	page := string(write(t, sample(t, 0), report.FormatHTML))
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(page, -1)
	if len(styles) != 1 {
		t.Fatalf("%d style elements", len(styles))
	}
	if report.StyleHash() != styleHash(styles[0][1]) {
		t.Errorf("the style in the page is not the one that %s allows", report.StyleHash())
	}
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil || !strings.HasPrefix(policy[1], "default-src &#39;none&#39;;") {
		t.Fatalf("the page has no policy: %v", policy)
	}
	for _, forbidden := range []string{"<script", "style=\"", "onload", "href=", "src=", "http://", "https://", "@import", "url("} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page holds %q", forbidden)
		}
	}
}

// TestXMLReferences: every reference leads to an object of the report, and every
// identifier stands once.
func TestXMLReferences(t *testing.T) {
	in := sample(t, 0)
	s := in.Report.Signatures[0]
	s.Counter = append(s.Counter, signed(t))
	in.Report.Signatures = append(in.Report.Signatures, signed(t), &verify.Signature{SignerName: "nobody", Level: "cms", Kind: "unknown"})
	ids, refs := map[string]int{}, map[string]bool{}
	d := xml.NewDecoder(bytes.NewReader(write(t, in, report.FormatXML)))
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements++
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "id":
				ids[a.Value]++
			case "VOReference":
				refs[a.Value] = true
			}
		}
	}
	if elements < 100 || len(refs) < 5 {
		t.Fatalf("%d elements, %d references: hardly a report", elements, len(refs))
	}
	for id, n := range ids {
		if n != 1 {
			t.Errorf("%s stands %d times", id, n)
		}
	}
	for r := range refs {
		if ids[r] == 0 {
			t.Errorf("%s leads nowhere", r)
		}
	}
}

func TestDigestLooksLikeOne(t *testing.T) {
	d, err := report.Digest(sample(t, 0))
	if err != nil || !digestText.MatchString(d) || len(d) != 64 {
		t.Errorf("%q, %v", d, err)
	}
}

// TestStampKinds: every time stamp that package cms knows has a name here, and
// its place in the ETSI report.
func TestStampKinds(t *testing.T) {
	for k := cms.StampSignature; k <= cms.StampArchiveV3; k++ {
		in := sample(t, 0)
		in.Report.Signatures[0].TimeStamps[0].Kind = k.String()
		if got := string(write(t, in, report.FormatText)); !strings.Contains(got, "Что удостоверяет: ") || strings.Contains(got, "Что удостоверяет: "+k.String()) {
			t.Errorf("%v has no words", k)
		}
		got := string(write(t, in, report.FormatXML))
		if archive := strings.Contains(got, "<ArchiveTimeStamp>"); archive != k.IsArchive() || k != cms.StampSignature && strings.Contains(got, "<SignatureTimeStamp>") {
			t.Errorf("%v stands in the wrong place", k)
		}
	}
}
