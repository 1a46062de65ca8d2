package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

const contract = "Договор № 1\n"

// A desk is a verification service with a test PKI, over HTTP.
type desk struct {
	chain   *testpki.Chain
	revoked *testpki.Entity
	service *VerifyService
	server  *httptest.Server
	log     *lockedBuffer
	spec    *openapi3.T
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newDesk(t testing.TB, change func(*VerifyOptions)) *desk {
	t.Helper()
	c := testpki.NewChain(t)
	d := &desk{chain: c, log: &lockedBuffer{}, revoked: testpki.Issue(t, testpki.Leaf(t, "CN=Отозванный Пётр,C=RU"), c.Sub)}
	roots := pki.NewPool()
	roots.Add(c.Root.Cert)
	o := VerifyOptions{
		Verifier: &verify.Verifier{
			Roots: roots, Now: func() time.Time { return testpki.Now },
			Revocation: &revocation.Static{Lists: []*pki.RevocationList{
				testpki.CRL(t, c.Root, &pki.CRLTemplate{}),
				testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(d.revoked.Cert, testpki.Now.Add(-2*time.Hour), 1)}}),
			}},
		},
		Log: slog.New(slog.NewJSONHandler(d.log, nil)), Version: "test", TempDir: t.TempDir(),
	}
	for _, name := range []string{"default", "order-472"} {
		p, err := verify.PolicyByName(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Policies = append(o.Policies, p)
	}
	if change != nil {
		change(&o)
	}
	var err error
	if d.service, err = VerifyHandler(o); err != nil {
		t.Fatal(err)
	}
	if d.spec, err = openapi3.NewLoader().LoadFromData(openAPIYAML); err != nil {
		t.Fatal(err)
	}
	d.server = httptest.NewUnstartedServer(nil)
	d.server.Config = NewVerify(d.service)
	d.server.Start()
	t.Cleanup(d.server.Close)
	return d
}

// signed makes a signature of document.
func (d *desk) signed(t testing.TB, by *testpki.Entity, document string, attached bool) []byte {
	t.Helper()
	var out bytes.Buffer
	s := &sign.Signer{
		Key: by.Key, Cert: by.Cert, Chain: []*pki.Certificate{d.chain.Sub.Cert}, Detached: !attached,
		Now: func() time.Time { return testpki.Now.Add(-time.Hour) },
	}
	if err := s.Sign(t.Context(), &out, strings.NewReader(document)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A formPart is one part of a form.
type formPart struct {
	name, file string // file "": no file
	value      []byte
}

func file(name string, value []byte) formPart { return formPart{name, name + ".bin", value} }

func field(name, value string) formPart { return formPart{name, "", []byte(value)} }

// form encodes the parts.
func form(t testing.TB, parts ...formPart) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{}
		disposition := fmt.Sprintf("form-data; name=%q", p.name)
		if p.file != "" {
			disposition += fmt.Sprintf("; filename=%q", p.file)
			h.Set("Content-Type", "application/octet-stream")
		}
		h.Set("Content-Disposition", disposition)
		part, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(p.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// A reply is an answer that was read whole and held against the description.
type reply struct {
	*http.Response
	body []byte
}

// post sends a form to /v1/verify.
func (d *desk) post(t testing.TB, query string, header http.Header, parts ...formPart) reply {
	t.Helper()
	body, contentType := form(t, parts...)
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	return d.send(t, "POST", "/v1/verify"+query, header, bytes.NewReader(body))
}

func (d *desk) send(t testing.TB, method, target string, header http.Header, body io.Reader) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.server.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := d.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{resp, b}
	d.described(t, method, req.URL.Path, r)
	return r
}

// described fails the test where an answer is not as the OpenAPI description
// has it.
func (d *desk) described(t testing.TB, method, path string, r reply) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s %s: %s: %q", method, path, name, got)
		}
	}
	if csp := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") {
		t.Errorf("%s %s: content security policy %q", method, path, csp)
	}
	if len(r.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("%s %s sets a cookie", method, path)
	}
	item := d.spec.Paths.Find(path)
	if item == nil || item.GetOperation(method) == nil {
		return // an address or method that does not exist; its answer is a problem all the same
	}
	resp := item.GetOperation(method).Responses.Status(r.StatusCode)
	if resp == nil {
		t.Fatalf("%s %s: status %d is not described", method, path, r.StatusCode)
	}
	for name, h := range resp.Value.Headers {
		if v := r.Header.Get(name); v != "" {
			if err := h.Value.Schema.Value.VisitJSON(v); err != nil {
				t.Errorf("%s %s: header %s: %v", method, path, name, err)
			}
		}
	}
	if r.StatusCode == http.StatusNotModified || method == "HEAD" {
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("%s %s: content type: %v", method, path, err)
	}
	content := resp.Value.Content.Get(media)
	if content == nil {
		t.Fatalf("%s %s: %d with the type %s is not described", method, path, r.StatusCode, media)
	}
	if strings.HasSuffix(media, "json") {
		var doc any
		if err := json.Unmarshal(r.body, &doc); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		if err := content.Schema.Value.VisitJSON(doc, openapi3.VisitAsResponse(), openapi3.EnableFormatValidation()); err != nil {
			t.Errorf("%s %s: %d: %v", method, path, r.StatusCode, err)
		}
	}
}

// verdict returns the status and reason of a JSON answer.
func (r reply) verdict(t testing.TB) (status, reason string) {
	t.Helper()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", r.StatusCode, r.body)
	}
	var doc struct{ Status, SubIndication string }
	if err := json.Unmarshal(r.body, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Status, doc.SubIndication
}

// problem returns the type of a problem.
func (r reply) problem(t testing.TB) string {
	t.Helper()
	var doc struct {
		Type      string
		Status    int
		Detail    string
		Languages struct{ Ru, En string }
	}
	if err := json.Unmarshal(r.body, &doc); err != nil {
		t.Fatalf("%d: %v: %.200s", r.StatusCode, err, r.body)
	}
	if doc.Status != r.StatusCode || doc.Languages.Ru == "" || doc.Languages.En == "" || doc.Languages.Ru == doc.Languages.En {
		t.Errorf("%+v with HTTP %d", doc, r.StatusCode)
	}
	return strings.TrimPrefix(doc.Type, problemPrefix)
}

func newReader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }
