package server

import (
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

func base64Path(der []byte) string { return url.PathEscape(base64.StdEncoding.EncodeToString(der)) }

func TestListsHandler(t *testing.T) {
	src := newCounted(t, "A")
	dir := t.TempDir()
	now := time.Now().UTC().Truncate(time.Second)
	put := func(name string, number int64, next time.Time) []byte {
		t.Helper()
		der, err := pki.CreateCRL(nil, &pki.CRLTemplate{Number: big.NewInt(number), ThisUpdate: now, NextUpdate: next}, src.cert, src.Signer)
		if err != nil {
			t.Fatal(err)
		}
		tmp := filepath.Join(dir, ".tmp")
		if err := os.WriteFile(tmp, der, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return der
	}
	clock := now
	h := Router{"/crl/": ListsHandler(dir, ListsOptions{Now: func() time.Time { return clock }})}
	get := func(method, path string, header ...string) *http.Response {
		t.Helper()
		req := httptest.NewRequest(method, path, nil)
		if len(header) == 2 {
			req.Header.Set(header[0], header[1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w.Result()
	}
	der := put("ca-2of3.crl", 1, now.Add(time.Hour))
	r := get(http.MethodGet, "/crl/ca-2of3.crl")
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != string(der) || r.Header.Get("Content-Type") != TypeCRL {
		t.Errorf("%d octets of %d, %v, %v", len(body), len(der), r.Header, err)
	}
	tag := r.Header.Get("ETag")
	if r.Header.Get("Cache-Control") != "max-age=600, public, no-transform, must-revalidate" || tag == "" ||
		r.Header.Get("Last-Modified") != now.Format(http.TimeFormat) || r.Header.Get("Expires") != now.Add(10*time.Minute).Format(http.TimeFormat) {
		t.Errorf("%v", r.Header)
	}
	if r := get(http.MethodGet, "/crl/ca-2of3.crl", "If-None-Match", tag); r.StatusCode != http.StatusNotModified {
		t.Errorf("If-None-Match: %d", r.StatusCode)
	}
	if r := get(http.MethodGet, "/crl/ca-2of3.crl", "Range", "bytes=0-9"); r.StatusCode != http.StatusPartialContent || r.ContentLength != 10 {
		t.Errorf("Range: %d, %d octets", r.StatusCode, r.ContentLength)
	}
	put("ca-2of3.crl", 2, now.Add(time.Hour))
	if r := get(http.MethodGet, "/crl/ca-2of3.crl", "If-None-Match", tag); r.StatusCode != http.StatusOK || r.Header.Get("ETag") == tag {
		t.Errorf("a new list: %d, %v", r.StatusCode, r.Header)
	}
	clock = now.Add(55 * time.Minute)
	if got := get(http.MethodHead, "/crl/ca-2of3.crl").Header.Get("Cache-Control"); !strings.HasPrefix(got, "max-age=300,") {
		t.Errorf("five minutes before nextUpdate: %s", got)
	}
	clock = now.Add(2 * time.Hour)
	if r := get(http.MethodGet, "/crl/ca-2of3.crl"); r.Header.Get("Cache-Control") != "max-age=0, must-revalidate" || r.Header.Get("Expires") != "" {
		t.Errorf("after nextUpdate: %v", r.Header)
	}
}

func TestListsHandlerRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"secret.txt": "secret", "ca-1of2.crl": "no list", ".ca.crl": "x", "ca.key": "secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := Router{"/": ListsHandler(dir, ListsOptions{})}
	for path, want := range map[string]int{
		"/secret.txt": 404, "/ca.key": 404, "/.ca.crl": 404, "/": 404, "/ca.crl": 404, "/../ca.crl": 404, "/ca-1of2.crl": 503,
		"/ca-1of2.crl/": 404, "/%2e%2e%2fca.crl": 404, "/ca-delta-delta.crl": 404,
	} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.URL.Path = path
		h.ServeHTTP(w, req)
		if w.Code != want || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d, want %d: %s", path, w.Code, want, w.Body)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ca.crl", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestPublishedLists: a list that is expected and is missing, unreadable or past
// its nextUpdate is late, and the metrics say until when each is valid.
func TestPublishedLists(t *testing.T) {
	src := newCounted(t, "A")
	dir := t.TempDir()
	now := time.Now().UTC().Truncate(time.Second)
	clock := now
	put := func(name string, next time.Time) {
		t.Helper()
		der := must[[]byte](t)(pki.CreateCRL(nil, &pki.CRLTemplate{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: next}, src.cert, src.Signer))
		if err := os.WriteFile(filepath.Join(dir, name), der, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := ListsHandler(dir, ListsOptions{Now: func() time.Time { return clock }, Expect: []string{"ca.crl", "ca-delta.crl"}})
	late := func(what string, want bool) {
		t.Helper()
		if l.Late() != want {
			t.Errorf("%s: late is %v", what, !want)
		}
	}
	late("none", true)
	put("ca.crl", now.Add(time.Hour))
	late("no delta list", true)
	put("ca-delta.crl", now.Add(10*time.Minute))
	put("ca-1of2.crl", now) // of former settings, and late
	late("both", false)
	s := must[*PublicService](t)(PublicHandler(PublicOptions{Routes: Router{"/crl/": l}, Lists: map[string]*PublishedLists{"/crl/": l}}))
	page := func() string {
		w := httptest.NewRecorder()
		s.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	want := "gosklyuch_ca_list_next_update_seconds{list=\"/crl/ca.crl\"} " + strconv.FormatFloat(float64(now.Add(time.Hour).Unix()), 'g', -1, 64)
	if got := page(); !strings.Contains(got, want) {
		t.Errorf("no %s in\n%s", want, got)
	}
	clock = now.Add(10 * time.Minute)
	late("at nextUpdate of the delta list", true)
	if only := ListsHandler(dir, ListsOptions{Now: func() time.Time { return clock }}); only.Late() {
		t.Error("without delta lists: late")
	}
	clock = now
	if err := os.WriteFile(filepath.Join(dir, "ca.crl"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	late("unreadable", true)
	if got := page(); !strings.Contains(got, "{list=\"/crl/ca.crl\"} 0") {
		t.Errorf("unreadable:\n%s", got)
	}
}
