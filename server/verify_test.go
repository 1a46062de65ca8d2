package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/verify"
)

func TestVerifyNeedsVerifier(t *testing.T) {
	if _, err := VerifyHandler(VerifyOptions{}); err == nil {
		t.Error("a service without a verifier was made")
	}
}

// TestVerdicts: every order of the parts, every kind of signature.
func TestVerdicts(t *testing.T) {
	d := newDesk(t, nil)
	detached, attached := d.signed(t, d.chain.Leaf, contract, false), d.signed(t, d.chain.Leaf, contract, true)
	long := strings.Repeat(contract, limits.ServiceMemory/len(contract)+7) // longer than what is kept in memory
	longSig := d.signed(t, d.chain.Leaf, long, false)
	armored := pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: detached})
	for name, tc := range map[string]struct {
		query  string
		parts  []formPart
		status string
		reason verify.Reason
	}{
		"signature first":    {"", []formPart{file("signature", detached), file("document", []byte(contract))}, "valid", ""},
		"document first":     {"", []formPart{file("document", []byte(contract)), file("signature", detached)}, "valid", ""},
		"PEM":                {"", []formPart{file("signature", armored), file("document", []byte(contract))}, "valid", ""},
		"long, streamed":     {"", []formPart{file("signature", longSig), file("document", []byte(long))}, "valid", ""},
		"long, spooled":      {"", []formPart{file("document", []byte(long)), file("signature", longSig)}, "valid", ""},
		"long, changed":      {"", []formPart{file("document", []byte(long+"x")), file("signature", longSig)}, "invalid", verify.HashFailure},
		"attached":           {"", []formPart{file("signature", attached)}, "valid", ""},
		"attached, long":     {"", []formPart{file("signature", d.signed(t, d.chain.Leaf, long, true))}, "valid", ""},
		"attached, the same": {"", []formPart{file("signature", attached), file("document", []byte(contract))}, "valid", ""},
		"attached, another":  {"", []formPart{file("signature", attached), file("document", []byte("x"))}, "invalid", verify.HashFailure},
		"nothing chosen":     {"", []formPart{field("document", ""), file("signature", attached), field("at", "")}, "valid", ""},
		"no document":        {"", []formPart{file("signature", detached)}, "indeterminate", verify.SignedDataNotFound},
		"empty document":     {"", []formPart{file("signature", detached), file("document", nil)}, "invalid", verify.HashFailure},
		"another document":   {"", []formPart{file("signature", detached), file("document", []byte("x"))}, "invalid", verify.HashFailure},
		"revoked":            {"", []formPart{file("signature", d.signed(t, d.revoked, contract, true))}, "revoked", verify.RevokedReason},
		"long ago":           {"?at=2020-01-01T00:00:00Z", []formPart{file("signature", attached)}, "invalid", verify.NotYetValid},
		"fields at the end":  {"", []formPart{file("signature", attached), field("at", "2020-01-01T00:00:00Z"), field("lang", "en")}, "invalid", verify.NotYetValid},
		"form over query":    {"?at=2020-01-01T00:00:00Z", []formPart{field("at", "2026-06-01T12:00:00Z"), file("signature", attached)}, "valid", ""},
		"the same, late":     {"?lang=en", []formPart{file("signature", detached), file("document", []byte(contract)), field("lang", "en")}, "valid", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.post(t, tc.query, nil, tc.parts...)
			status, reason := r.verdict(t)
			if status != tc.status {
				t.Errorf("%s/%s, not %s: %s", status, reason, tc.status, r.body)
			}
			if tc.reason != "" && verify.Reason(reason) != tc.reason && status != "revoked" && !strings.Contains(string(r.body), string(tc.reason)) {
				t.Errorf("reason %s, not %s", reason, tc.reason)
			}
		})
	}
	if n := d.service.space.used.Load(); n != 0 {
		t.Errorf("%d octets of temporary space were not given back", n)
	}
	left, err := os.ReadDir(d.service.o.TempDir)
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

// TestUnknownAnchor: what cannot be established is indeterminate.
func TestUnknownAnchor(t *testing.T) {
	d := newDesk(t, nil)
	root := testpki.Issue(t, testpki.CA(t, "CN=Другой корень,C=RU"), nil)
	other := &desk{chain: &testpki.Chain{Root: root, Sub: root, Leaf: testpki.Issue(t, testpki.Leaf(t, "CN=Чужой,C=RU"), root)}}
	r := d.post(t, "", nil, file("signature", other.signed(t, other.chain.Leaf, contract, true)))
	if status, reason := r.verdict(t); status != "indeterminate" || reason != string(verify.NoCertificateChain) {
		t.Errorf("%s/%s", status, reason)
	}
}

// TestSameAsLibrary: the answer is the library's JSON form, octet for octet.
func TestSameAsLibrary(t *testing.T) {
	d := newDesk(t, nil)
	sig := d.signed(t, d.chain.Leaf, contract, false)
	got := d.post(t, "?lang=en", nil, file("signature", sig), file("document", []byte(contract)))
	v := *d.service.o.Verifier
	v.Lang, v.Policy = verify.English, verify.DefaultPolicy()
	rep, err := v.Verify(t.Context(), bytes.NewReader(sig), strings.NewReader(contract))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := jsonTo(&want, rep); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.body, want.Bytes()) {
		t.Errorf("the service says\n%s\nthe library\n%s", got.body, want.Bytes())
	}
}

// TestFormats: each form of the answer, chosen by header and by field.
func TestFormats(t *testing.T) {
	d := newDesk(t, nil)
	sig := d.signed(t, d.chain.Leaf, contract, true)
	for _, tc := range []struct{ accept, query, media, begins string }{
		{"", "", "application/json", "{"},
		{"*/*", "", "application/json", "{"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", "text/html; charset=utf-8", "<!"},
		{"application/pdf", "", "application/pdf", "%PDF-"},
		{"application/xml", "", "application/xml", "<?xml"},
		{"application/xml;q=0.2, application/pdf;q=0.7", "", "application/pdf", "%PDF-"},
		{"text/html", "?format=json", "application/json", "{"},
		{typeProtocol, "", typeProtocol, "{"},
	} {
		r := d.post(t, tc.query, http.Header{"Accept": {tc.accept}}, file("signature", sig))
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != tc.media || !strings.HasPrefix(string(r.body), tc.begins) {
			t.Errorf("Accept %q%s: %d %s %.40q", tc.accept, tc.query, r.StatusCode, r.Header.Get("Content-Type"), r.body)
		}
	}
}

// TestHTMLPolicy: the policy of an HTML protocol allows exactly its own style
// sheet, and hostile names are text.
func TestHTMLPolicy(t *testing.T) {
	d := newDesk(t, nil)
	mallory := testpki.Issue(t, testpki.Leaf(t, `CN=\<script\>alert(1)\</script\>\<style\>x\</style\>,O=\"\</style\>\<img src=x onerror=alert(2)\>,C=RU`), d.chain.Sub)
	sig := formPart{"signature", `<svg onload=alert(3)>.p7s`, d.signed(t, mallory, contract, true)}
	r := d.post(t, "", http.Header{"Accept": {"text/html"}}, sig)
	page := string(r.body)
	for _, bad := range []string{"<script", "<img src=x", "<svg onload", "<style>x"} {
		if strings.Contains(page, bad) {
			t.Errorf("the protocol has %q", bad)
		}
	}
	_, after, ok := strings.Cut(page, "<style>")
	css, _, ok2 := strings.Cut(after, "</style>")
	sum := sha256.Sum256([]byte(css))
	if csp := r.Header.Get("Content-Security-Policy"); !ok || !ok2 || !strings.Contains(csp, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(csp, "script-src") {
		t.Errorf("policy %q", csp)
	}
	if strings.Count(page, "<style") != 1 || strings.Contains(page, " style=") {
		t.Error("the protocol has styles that its policy forbids")
	}
}

// TestProtocolBundle: all files are of one run, and the digest is that of the
// JSON file.
func TestProtocolBundle(t *testing.T) {
	d := newDesk(t, nil)
	r := d.post(t, "?format=protocol&lang=ru", nil,
		formPart{"signature", "договор.sig", d.signed(t, d.chain.Leaf, contract, false)}, formPart{"document", "договор.txt", []byte(contract)})
	var b bundle
	var doc struct {
		Digest string
		Titles map[string]string
		Files  bundleFiles
	}
	if err := json.Unmarshal(r.body, &doc); err != nil {
		t.Fatal(err)
	}
	b.Files = doc.Files
	sum := streebog.Sum256([]byte(b.Files.JSON))
	if doc.Digest != hex.EncodeToString(sum[:]) {
		t.Errorf("digest %s", doc.Digest)
	}
	docSum := streebog.Sum256([]byte(contract))
	for name, want := range map[string]string{"name": "договор.txt", "signature": "договор.sig", "digest": hex.EncodeToString(docSum[:])} {
		if !strings.Contains(b.Files.JSON, want) {
			t.Errorf("the JSON file has no %s %q", name, want)
		}
	}
	pdf, err := base64.StdEncoding.DecodeString(b.Files.PDF)
	if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) || !strings.HasPrefix(b.Files.XML, "<?xml") || !strings.HasPrefix(b.Files.HTML, "<!") {
		t.Errorf("files: %v", err)
	}
	if doc.Titles["signature-value"] == "" || doc.Titles["signature-value"] == "signature-value" {
		t.Errorf("titles %v", doc.Titles)
	}
}

// TestProtocolNames: the file without a document is called what it is.
func TestProtocolNames(t *testing.T) {
	d := newDesk(t, nil)
	for _, attached := range []bool{true, false} {
		r := d.post(t, "?format=protocol", nil, formPart{"signature", "name.p7s", d.signed(t, d.chain.Leaf, contract, attached)})
		var doc struct{ Files bundleFiles }
		if err := json.Unmarshal(r.body, &doc); err != nil {
			t.Fatal(err)
		}
		var names struct{ Document, Signature *struct{ Name string } }
		if err := json.Unmarshal([]byte(doc.Files.JSON), &names); err != nil {
			t.Fatal(err)
		}
		if has := names.Document != nil && names.Document.Name == "name.p7s"; has != attached {
			t.Errorf("attached %v: %.200s", attached, doc.Files.JSON)
		}
		if has := names.Signature != nil && names.Signature.Name == "name.p7s"; has == attached {
			t.Errorf("attached %v: %.200s", attached, doc.Files.JSON)
		}
	}
}

// TestStaticAddresses: everything but /v1/verify.
func TestStaticAddresses(t *testing.T) {
	d := newDesk(t, nil)
	for path, want := range map[string]string{
		"/": "Проверка электронной подписи", "/en": "Verification of an electronic signature",
		"/web/app.js": "use strict", "/web/style.css": ":root", "/web/icon.svg": "<svg",
		"/v1/health": `"ok"`, "/v1/ready": `"ready"`, "/v1/policies": `"order-472"`,
		"/openapi.yaml": "openapi: 3", "/openapi.json": `"openapi"`, "/metrics": "gosklyuch_build_info",
	} {
		r := d.send(t, "GET", path, http.Header{}, nil)
		if r.StatusCode != 200 || !strings.Contains(string(r.body), want) {
			t.Errorf("%s: %d %.80q", path, r.StatusCode, r.body)
		}
		if tag := r.Header.Get("ETag"); tag != "" {
			if again := d.send(t, "GET", path, http.Header{"If-None-Match": {tag}}, nil); again.StatusCode != 304 || len(again.body) > 0 {
				t.Errorf("%s again: %d", path, again.StatusCode)
			}
		}
		if head := d.send(t, "HEAD", path, http.Header{}, nil); head.StatusCode != 200 || len(head.body) > 0 {
			t.Errorf("HEAD %s: %d", path, head.StatusCode)
		}
		if post := d.send(t, "POST", path, http.Header{}, nil); post.StatusCode != 405 || post.Header.Get("Allow") != "GET" || post.problem(t) != "method" {
			t.Errorf("POST %s: %d", path, post.StatusCode)
		}
	}
	for _, path := range []string{"/nothing", "/v1/verify/", "/web/", "/web/../verify.go", "//", "/web/openapi.yaml"} {
		if r := d.send(t, "GET", path, http.Header{}, nil); r.StatusCode != 404 || r.problem(t) != "not-found" {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := d.send(t, "GET", "/nothing", http.Header{"Accept": {"text/html"}}, nil); !strings.Contains(string(r.body), "Такого адреса нет") {
		t.Errorf("a person gets %.200s", r.body)
	}
	bare := newDesk(t, func(o *VerifyOptions) { o.NoPage = true })
	bare.service.HideMetrics()
	for _, path := range []string{"/", "/en", "/web/app.js", "/metrics"} {
		if r := bare.send(t, "GET", path, http.Header{}, nil); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

func TestReady(t *testing.T) {
	d := newDesk(t, nil)
	d.service.Drain()
	if r := d.send(t, "GET", "/v1/ready", http.Header{}, nil); r.StatusCode != 503 || !strings.Contains(string(r.body), "stopping") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	empty := newDesk(t, func(o *VerifyOptions) { o.Verifier = &verify.Verifier{} })
	if r := empty.send(t, "GET", "/v1/ready", http.Header{}, nil); r.StatusCode != 503 || !strings.Contains(string(r.body), "no-anchors") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

// TestOpenAPI: the description is valid, its two forms say the same, and it
// names every address and every problem.
func TestOpenAPI(t *testing.T) {
	var docs []*openapi3.T
	for _, data := range [][]byte{openAPIYAML, openAPIJSON} {
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	a, err := docs[0].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	b, err := docs[1].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		if os.Getenv("GOSKLYUCH_UPDATE") == "" {
			t.Fatal("web/openapi.json is not web/openapi.yaml: run the test with GOSKLYUCH_UPDATE=1")
		}
		var out bytes.Buffer
		if err := json.Indent(&out, a, "", "  "); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("web/openapi.json", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := newDesk(t, nil)
	for path, r := range d.service.routes {
		if r.name != "page" && (docs[0].Paths.Find(path) == nil || docs[0].Paths.Find(path).GetOperation(r.method) == nil) {
			t.Errorf("%s %s is not described", r.method, path)
		}
	}
	for path := range docs[0].Paths.Map() {
		if _, ok := d.service.routes[path]; !ok {
			t.Errorf("%s is described and not there", path)
		}
	}
	checkProblemsDescribed(t, docs[0])
}

// checkProblemsDescribed holds the types of problems against their description.
func checkProblemsDescribed(t *testing.T, doc *openapi3.T) {
	t.Helper()
	var described []string
	for _, v := range doc.Components.Schemas["Problem"].Value.Properties["type"].Value.Enum {
		described = append(described, strings.TrimPrefix(v.(string), problemPrefix))
	}
	var made []string
	for _, p := range []*problem{
		notFound(), wrongMethod("GET"), notMultipart(), codedContent(), notAcceptable(), tooLarge(1, nil), badForm(nil), noSignature(), unreadable(nil),
		tooSlow(nil), tooLong(nil), busy(), noSpace(nil), tooMany(), internal(nil),
	} {
		made = append(made, p.kind)
	}
	for _, name := range []string{"at", "document", "encoding", "format", "lang", "order", "parts", "policy", "signature", "unknown"} {
		made = append(made, "field-"+name)
	}
	slices.Sort(made)
	if !slices.Equal(made, described) {
		t.Errorf("problems\n%q\ndescribed\n%q", made, described)
	}
}

// TestNoPersonalData: neither log nor metrics say about whom.
func TestNoPersonalData(t *testing.T) {
	d := newDesk(t, nil)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Секретов Семён,SNILS=11223344595,C=RU"), d.chain.Sub)
	sig := d.signed(t, leaf, contract, true)
	for _, accept := range []string{"", "text/html", "application/pdf"} {
		r := d.post(t, "?lang=ru", http.Header{"Accept": {accept}, "X-Request-Id": {"secret-name"}, "User-Agent": {"secret-agent"}}, formPart{"signature", "секретный файл.p7s", sig})
		if r.StatusCode != 200 {
			t.Fatal(r.StatusCode)
		}
	}
	d.post(t, "?policy=Секретов", nil, formPart{"signature", "секретный файл.p7s", sig})
	d.post(t, "", nil, formPart{"signature", "секретный файл.p7s", sig[:len(sig)-5]})
	d.send(t, "GET", "/secret-path?secret-query", http.Header{}, nil)
	all := d.log.String() + string(d.send(t, "GET", "/metrics", http.Header{}, nil).body)
	for _, bad := range []string{"Секретов", "11223344595", "екретный", "secret", "127.0.0.1", leaf.Cert.SerialHex()} {
		if strings.Contains(strings.ToLower(all), strings.ToLower(bad)) {
			t.Errorf("the log or the metrics have %q:\n%s", bad, d.log)
		}
	}
	for _, want := range []string{`"verdict":"valid"`, `"problem":"unreadable-signature"`, `"problem":"field-policy"`, `gosklyuch_verifications_total{reason="",verdict="valid"} 3`, `endpoint="other"`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
}
