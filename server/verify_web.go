package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/gosklyuch/gosklyuch/verify"
)

// The page for people: one template in two languages, a style sheet, a script
// and an icon. Nothing is loaded from elsewhere, nothing is stored. Without a
// script the form is sent as forms are, and the answer is the HTML protocol.

//go:embed web/index.html web/problem.html web/app.js web/style.css web/icon.svg
var webFiles embed.FS

//go:embed web/openapi.yaml
var openAPIYAML []byte

//go:embed web/openapi.json
var openAPIJSON []byte

// pagePolicy is the Content-Security-Policy of everything that is no protocol.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// securityHeaders are sent with every answer.
func securityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()")
	h.Set("Cache-Control", "no-store")
}

// policyForDocument allows the style sheet that an HTML protocol has inside,
// by its digest (CSP Level 3, section 2.3.1), pictures in data: and nothing else. The style sheet is the
// first element of its kind; what strangers wrote comes after it, escaped.
func policyForDocument(doc []byte) string {
	style := "'none'"
	if _, after, ok := bytes.Cut(doc, []byte("<style>")); ok {
		if css, _, ok := bytes.Cut(after, []byte("</style>")); ok {
			sum := sha256.Sum256(css)
			style = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
	}
	return "default-src 'none'; style-src " + style + "; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
}

// page is what the template shows.
type page struct {
	Lang, Other, OtherPath string
	T                      map[string]string
	Policies               []pagePolicyChoice
	MaxSize                int64
	MaxSizeText            string
	Version                string
	Notice                 string
	Problem                string
}

type pagePolicyChoice struct{ Name, Title string }

// routePages renders the pages once and adds their paths.
func (s *VerifyService) routePages() error {
	tmpl, err := template.ParseFS(webFiles, "web/*.html")
	if err != nil {
		return fmt.Errorf("server: the page: %w", err)
	}
	s.pages = tmpl
	for path, lang := range map[string]verify.Lang{"/": verify.Russian, "/en": verify.English} {
		var b bytes.Buffer
		if err := tmpl.ExecuteTemplate(&b, "index.html", s.page(lang)); err != nil {
			return fmt.Errorf("server: the page: %w", err)
		}
		s.routes[path] = route{http.MethodGet, "page", constant("text/html; charset=utf-8", b.Bytes())}
	}
	for name, media := range map[string]string{
		"app.js": "text/javascript; charset=utf-8", "style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		b, err := webFiles.ReadFile("web/" + name)
		if err != nil {
			return fmt.Errorf("server: the page: %w", err)
		}
		s.routes["/web/"+name] = route{http.MethodGet, "page", constant(media, b)}
	}
	return nil
}

func (s *VerifyService) page(lang verify.Lang) page {
	p := page{
		Lang: "ru", Other: "en", OtherPath: "/en", T: pageTexts(0), MaxSize: s.o.MaxSize,
		MaxSizeText: sizeText(s.o.MaxSize, lang), Version: s.o.Version, Notice: verify.Notice(lang),
	}
	if lang == verify.English {
		p.Lang, p.Other, p.OtherPath, p.T = "en", "ru", "/", pageTexts(1)
	}
	for _, x := range s.o.Policies {
		p.Policies = append(p.Policies, pagePolicyChoice{x.Name, policyTitle(x, lang)})
	}
	return p
}

// writeProblemPage is a problem for a person without a script.
func (s *VerifyService) writeProblemPage(w http.ResponseWriter, lang verify.Lang, pr *problem) {
	p := s.page(lang)
	p.Problem = pr.sentence(lang)
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, "problem.html", p); err != nil {
		http.Error(w, pr.en, pr.status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(pr.status)
	w.Write(b.Bytes()) //nolint:errcheck,gosec // the client may be gone
}

// constant answers with the same octets each time.
func constant(media string, b []byte) http.HandlerFunc {
	sum := sha256.Sum256(b)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("ETag", tag)
		h.Set("Cache-Control", "no-cache")
		if strings.Contains(req.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", media)
		h.Set("Content-Length", fmt.Sprint(len(b)))
		w.WriteHeader(http.StatusOK)
		if req.Method != http.MethodHead {
			w.Write(b) //nolint:errcheck,gosec // the client may be gone
		}
	}
}

// policyList is the body of GET /v1/policies: each policy whole, as data.
func (s *VerifyService) policyList() ([]byte, error) {
	type entry struct {
		Name    string           `json:"name"`
		Default bool             `json:"default"`
		Title   problemLanguages `json:"title"`
		Policy  *verify.Policy   `json:"policy"`
	}
	var out struct {
		Policies []entry `json:"policies"`
	}
	for i, p := range s.o.Policies {
		out.Policies = append(out.Policies, entry{
			p.Name, i == 0, problemLanguages{policyTitle(p, verify.Russian), policyTitle(p, verify.English)}, p,
		})
	}
	var b bytes.Buffer
	if err := jsonTo(&b, out); err != nil {
		return nil, fmt.Errorf("server: policies: %w", err)
	}
	return b.Bytes(), nil
}
