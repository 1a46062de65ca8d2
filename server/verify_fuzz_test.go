package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// FuzzVerifyForm sends any octets as a form: the answer is a verdict or a
// problem that says so in JSON, nothing panics, and nothing is left over.
func FuzzVerifyForm(f *testing.F) {
	d := newDesk(f, func(o *VerifyOptions) { o.MaxSize, o.MaxTemp = 1<<20, 1<<20 })
	sig := d.signed(f, d.chain.Leaf, contract, false)
	for _, parts := range [][]formPart{
		{file("signature", sig), file("document", []byte(contract))},
		{file("document", []byte(contract)), field("lang", "en"), file("signature", sig)},
		{field("policy", "order-472"), field("at", "2026-06-01T12:00:00Z"), field("format", "json"), file("signature", []byte("x"))},
		{field("unknown", "x")},
	} {
		body, contentType := form(f, parts...)
		f.Add(contentType, body)
	}
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"signature\"\r\n\r\n0\r\n--x--"))
	f.Add("multipart/form-data; boundary=\"\"", []byte("--\r\n\r\n\r\n----"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		if len(body) > 4*limits.ServiceMemory {
			return
		}
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/v1/verify", bytes.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		d.service.ServeHTTP(w, req)
		if !json.Valid(w.Body.Bytes()) {
			if w.Header().Get("Content-Type") == "application/json" || w.Code != http.StatusOK { // format=html and the like
				t.Fatalf("%d %q", w.Code, w.Body)
			}
		}
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("%s", w.Body)
		}
		if d.service.space.used.Load() != 0 || len(d.service.gate.slots) != 0 {
			t.Fatal("space or a place was not given back")
		}
	})
}

// FuzzNegotiate: any header gets a form that exists, or none.
func FuzzNegotiate(f *testing.F) {
	f.Add("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	f.Add("application/json;q=NaN, */*;q=-1")
	f.Fuzz(func(t *testing.T, accept string) {
		got, _ := negotiate(accept)
		for _, x := range formatTypes() {
			if x.format == got {
				return
			}
		}
		t.Fatalf("%q is no format", got)
	})
}
