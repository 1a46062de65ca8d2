package server

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// apiSpec reads the description of the API.
var apiSpec = sync.OnceValues(func() (*openapi3.T, error) {
	data, err := os.ReadFile("web/ca-openapi.yaml")
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(data)
})

// TestCAOpenAPI: the description is valid, the JSON that is served says the
// same as the YAML, and it names every address of the API, no other, and the
// roles of each.
func TestCAOpenAPI(t *testing.T) {
	doc := must[*openapi3.T](t)(apiSpec())
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	served := must[*openapi3.T](t)(openapi3.NewLoader().LoadFromData(caOpenAPI))
	want, got := must[[]byte](t)(doc.MarshalJSON()), must[[]byte](t)(served.MarshalJSON())
	if !bytes.Equal(want, got) {
		if os.Getenv("GOSKLYUCH_UPDATE") == "" {
			t.Fatal("web/ca-openapi.json is not web/ca-openapi.yaml: run the test with GOSKLYUCH_UPDATE=1")
		}
		var out bytes.Buffer
		if err := json.Indent(&out, want, "", "  "); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
		if err := os.WriteFile("web/ca-openapi.json", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var registered, described []string
	for _, r := range (&CAService{}).apiTable() {
		registered = append(registered, r.pattern)
		method, path, _ := strings.Cut(r.pattern, " ")
		item := doc.Paths.Find(path)
		if item == nil || item.GetOperation(method) == nil {
			continue // named below
		}
		op := item.GetOperation(method)
		if open := op.Security != nil; open != (r.roles == nil) {
			t.Errorf("%s: open to everybody: %v in the description, %v in the program", r.pattern, open, r.roles == nil)
		}
		text := "Roles: any."
		if len(r.roles) < 3 {
			var names []string
			for _, role := range r.roles {
				names = append(names, string(role))
			}
			text = "Roles: " + strings.Join(names, ", ")
		}
		if r.roles != nil && !strings.HasPrefix(op.Description, text) {
			t.Errorf("%s: the description does not begin with %q", r.pattern, text)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(registered)
	slices.Sort(described)
	if !slices.Equal(registered, described) {
		t.Errorf("registered\n%q\ndescribed\n%q", registered, described)
	}
}

// checkDescribed holds an answer of the API against its description.
func checkDescribed(t testing.TB, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	if !strings.HasPrefix(req.URL.Path, "/api/v1/") || req.Method == http.MethodHead {
		return
	}
	doc := must[*openapi3.T](t)(apiSpec())
	answer := doc.Components.Responses["Problem"].Value
	if op := operationOf(doc, req); op != nil {
		if one := op.Responses.Status(resp.StatusCode); one != nil {
			answer = one.Value
		} else if resp.StatusCode < 400 {
			t.Fatalf("%s %s: %d is not described", req.Method, req.URL.Path, resp.StatusCode)
		}
	}
	if len(answer.Content) == 0 {
		if len(body) > 0 {
			t.Errorf("%s %s: %d has a body", req.Method, req.URL.Path, resp.StatusCode)
		}
		return
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || answer.Content.Get(media) == nil {
		t.Fatalf("%s %s: %d with the type %q is not described", req.Method, req.URL.Path, resp.StatusCode, media)
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	if err := answer.Content.Get(media).Schema.Value.VisitJSON(v, openapi3.VisitAsResponse(), openapi3.EnableFormatValidation()); err != nil {
		t.Errorf("%s %s: %d: %v", req.Method, req.URL.Path, resp.StatusCode, err)
	}
}

// operationOf finds the operation of a request; nil where there is none.
func operationOf(doc *openapi3.T, req *http.Request) *openapi3.Operation {
	mux := http.NewServeMux()
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			mux.Handle(method+" "+path, http.NotFoundHandler())
		}
	}
	_, pattern := mux.Handler(req)
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		return nil
	}
	return doc.Paths.Find(path).GetOperation(method)
}
