package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/verify"
)

// The operator's page: what the people of an authority look at. It is drawn on
// the server and has no script; nothing is loaded from elsewhere. It changes
// nothing by itself: a decision comes in as a statement that was signed with the
// operator's own key, anything else is done on the command line, which it names.

//go:embed web/operator
var operatorFiles embed.FS

// operatorPolicy is the Content-Security-Policy of the operator's page.
const operatorPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// languageCookie keeps the language that a person chose.
const languageCookie = "__Host-gk-lang"

// deskPath is where the page is.
const deskPath = "/desk/"

// operatorPage draws the page.
type operatorPage struct {
	s         *CAService
	templates [2]map[string]*template.Template // by language and name
	style     string                           // address of the style sheet
}

// A visit is one request for a page. Without an operator nobody is logged in.
type visit struct {
	p        *operatorPage
	w        http.ResponseWriter
	req      *http.Request
	lang     verify.Lang
	operator ca.Operator
	masked   bool // personal data is not shown
}

// A pageHandler answers an operator; an error becomes a page that says so.
type pageHandler func(v *visit) error

// pageRoutes adds the addresses of the operator's page, with who may use them.
func (s *CAService) pageRoutes() error {
	p, err := newOperatorPage(s)
	if err != nil {
		return err
	}
	anyone := []ca.Role{ca.RoleOperator, ca.RoleApprover, ca.RoleAuditor}
	deciders := []ca.Role{ca.RoleOperator, ca.RoleApprover}
	for _, r := range []struct {
		pattern string
		roles   []ca.Role
		handle  pageHandler
	}{
		{"GET /desk/{$}", anyone, p.overview},
		{"GET /desk/requests", anyone, p.requests},
		{"GET /desk/requests/{id}", anyone, p.request},
		{"GET /desk/requests/{id}/decide", deciders, p.decide},
		{"GET /desk/requests/{id}/statement", deciders, p.statement},
		{"POST /desk/requests/{id}/decision", deciders, p.decision},
		{"GET /desk/certificates", anyone, p.certificates},
		{"GET /desk/certificates/{serial}", anyone, p.certificate},
		{"GET /desk/certificates/{serial}/file", anyone, p.certificateFile},
		{"GET /desk/expiry", anyone, p.expiry},
		{"GET /desk/expiry/list", anyone, p.expiryList},
		{"GET /desk/charts", anyone, p.charts},
		{"GET /desk/journal", anyone, p.journal},
		{"GET /desk/journal/{node}/{seq}", anyone, p.journalRecord},
		{"GET /desk/status", anyone, p.status},
		{"POST /desk/logout", anyone, p.logOut},
		{"GET /desk/", anyone, func(*visit) error { return notFound() }},
	} {
		s.routes.HandleFunc(r.pattern, p.authorized(r.roles, r.handle))
	}
	s.routes.HandleFunc("GET /desk/login", p.open(p.loginPage))
	s.routes.HandleFunc("GET /desk/login/challenge", p.open(p.challengeFile))
	s.routes.HandleFunc("POST /desk/login", p.open(p.logIn))
	s.routes.HandleFunc("GET /{$}", func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, deskPath, http.StatusSeeOther)
	})
	return p.fileRoutes()
}

// newOperatorPage reads the templates, once for each language.
func newOperatorPage(s *CAService) (*operatorPage, error) {
	p := &operatorPage{s: s}
	names, err := operatorFiles.ReadDir("web/operator")
	if err != nil {
		return nil, fmt.Errorf("server: the operator's page: %w", err)
	}
	for _, lang := range []verify.Lang{verify.Russian, verify.English} {
		p.templates[lang] = make(map[string]*template.Template)
		base, err := template.New("layout.html").Funcs(pageFuncs(lang)).
			ParseFS(operatorFiles, "web/operator/layout.html", "web/operator/parts.html")
		if err != nil {
			return nil, fmt.Errorf("server: the operator's page: %w", err)
		}
		for _, f := range names {
			name, ok := strings.CutSuffix(f.Name(), ".html")
			if !ok || name == "layout" || name == "parts" {
				continue
			}
			t, err := base.Clone()
			if err == nil {
				t, err = t.ParseFS(operatorFiles, "web/operator/"+f.Name())
			}
			if err != nil {
				return nil, fmt.Errorf("server: the operator's page: %w", err)
			}
			p.templates[lang][name] = t
		}
	}
	return p, nil
}

// fileRoutes serve the style sheet and the icon. They are the same for
// everybody; the address has the digest, so that a browser may keep them.
func (p *operatorPage) fileRoutes() error {
	for _, f := range []struct {
		files       embed.FS
		path, media string
		name        string
	}{
		{operatorFiles, "web/operator/style.css", "text/css; charset=utf-8", "style.css"},
		{webFiles, "web/icon.svg", "image/svg+xml", "icon.svg"},
	} {
		b, err := f.files.ReadFile(f.path)
		if err != nil {
			return fmt.Errorf("server: the operator's page: %w", err)
		}
		serve := constant(f.media, b)
		p.s.routes.HandleFunc("GET /desk/"+f.name, func(w http.ResponseWriter, req *http.Request) {
			serve(w, req)
		})
		if f.name == "style.css" {
			sum := sha256.Sum256(b)
			p.style = "/desk/" + f.name + "?v=" + base64.RawURLEncoding.EncodeToString(sum[:9])
		}
	}
	return nil
}

// visit begins to answer a request.
func (p *operatorPage) visit(w http.ResponseWriter, req *http.Request) *visit {
	w.Header().Set("Content-Security-Policy", operatorPolicy)
	// With no-referrer a browser calls the origin of a form "null" (Fetch
	// Standard, section 3.2), by which it could not be told from another site's.
	w.Header().Set("Referrer-Policy", "same-origin")
	v := &visit{p: p, w: w, req: req}
	chosen := req.URL.Query().Get("lang")
	if chosen == "ru" || chosen == "en" {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
		})
	} else if c, err := req.Cookie(languageCookie); err == nil {
		chosen = c.Value
	}
	v.lang = languageOf(req, chosen)
	return v
}

// open lets anybody in.
func (p *operatorPage) open(h pageHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		v := p.visit(w, req)
		if err := h(v); err != nil {
			v.fail(err)
		}
	}
}

// authorized lets operators with one of some roles in; others are shown the way
// in.
func (p *operatorPage) authorized(roles []ca.Role, h pageHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		v := p.visit(w, req)
		o, ok := p.s.who(req)
		if !ok {
			if req.Method == http.MethodGet {
				http.Redirect(w, req, "/desk/login", http.StatusSeeOther)
				return
			}
			p.s.recordRefusal(req.Context(), req.Pattern, "", "client", "unauthorized")
			v.fail(notLoggedIn())
			return
		}
		v.operator = o
		// Who works on requests sees whose they are; who checks the work does not
		// need to, and asks where he does.
		v.masked = !o.Has(ca.RoleOperator) && !o.Has(ca.RoleApprover)
		if !slices.ContainsFunc(roles, o.Has) {
			p.s.recordRefusal(req.Context(), req.Pattern, "", o.Name, "role")
			v.fail(ca.ErrRole)
			return
		}
		if req.Method == http.MethodPost {
			if err := v.checkForm(); err != nil {
				v.fail(err)
				return
			}
		}
		if err := h(v); err != nil {
			v.fail(err)
		}
	}
}

// pageView is what every template gets; Data is that of the page.
type pageView struct {
	Lang, Other, OtherPath string
	Section                string // of the navigation
	Style                  string
	Operator               ca.Operator
	Authority              string
	Certificate            bool   // logged in by a client certificate
	Token                  string // of forms
	Masked                 bool
	Query                  string // in the field of the search
	Sections               []tab
	Version                string
	Data                   any
}

// show writes a page.
func (v *visit) show(name, section string, data any) error {
	return v.showStatus(http.StatusOK, name, section, data)
}

func (v *visit) showStatus(status int, name, section string, data any) error {
	view := pageView{
		Lang: "ru", Other: "en", Section: section, Style: v.p.style, Operator: v.operator, Masked: v.masked,
		Authority: authorityName(v.p.s.o.Issuer.Certificate()), Version: v.p.s.o.Version, Data: data, Query: v.req.URL.Query().Get("q"),
	}
	if v.lang == verify.English {
		view.Lang, view.Other = "en", "ru"
	}
	view.OtherPath = v.link(map[string]string{"lang": view.Other, "personal": ""})
	if v.req.Method != http.MethodGet {
		view.OtherPath = deskPath + "?lang=" + view.Other
	}
	for _, name := range []string{"overview", "requests", "certificates", "expiry", "charts", "journal", "status"} {
		link := deskPath
		if name != "overview" {
			link += name
		}
		view.Sections = append(view.Sections, tab{Name: name, Link: link})
	}
	if v.operator.Name != "" {
		_, _, byToken := tokenOf(v.req)
		view.Token, view.Certificate = v.formToken(), !byToken
	}
	var b bytes.Buffer
	if err := v.p.templates[v.lang][name].ExecuteTemplate(&b, "layout.html", view); err != nil {
		return internal(err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", view.Lang)
	v.w.Header().Set("Vary", "Accept-Language, Cookie")
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes()) //nolint:errcheck,gosec // the client may be gone
	return nil
}

// link is the address of this page with some parameters changed; "" takes one
// out.
func (v *visit) link(change map[string]string) string {
	q := v.req.URL.Query()
	for name, value := range change {
		if value == "" {
			q.Del(name)
		} else {
			q.Set(name, value)
		}
	}
	u := url.URL{Path: v.req.URL.Path, RawQuery: q.Encode()}
	return u.RequestURI()
}

// problemView is what the page of a problem shows.
type problemView struct {
	Sentence, What, Request string
	LoggedIn                bool
}

// fail shows why a page cannot be shown or a form is not taken. What an operator
// can mend is said; anything else goes to the log alone.
func (v *visit) fail(err error) {
	var own *problem
	var large *http.MaxBytesError
	what := ""
	switch {
	case errors.As(err, &large):
		v.p.s.recordRefusal(v.req.Context(), "http", v.req.Pattern, "client", "oversized")
		own = tooLarge(large.Limit, err)
	case errors.As(err, &own):
	default:
		if own = caProblem(err); own.status != http.StatusInternalServerError {
			what = err.Error()
		}
	}
	if own.status == http.StatusInternalServerError {
		cause := err
		if own.cause != nil {
			cause = own.cause
		}
		v.p.s.o.Log.Error("failed", "request", v.w.Header().Get(requestIDHeader), "error", cause.Error())
	}
	data := problemView{own.sentence(v.lang), what, v.w.Header().Get(requestIDHeader), v.operator.Name != ""}
	if err := v.showStatus(own.status, "problem", "", data); err != nil {
		http.Error(v.w, own.en, own.status)
	}
}

// now is the time of the service in UTC and whole seconds.
func (v *visit) now() time.Time { return v.p.s.o.Now().UTC().Truncate(time.Second) }

// issuer is the authority.
func (v *visit) issuer() *ca.Issuer { return v.p.s.o.Issuer }

// read looks at the ledger.
func (v *visit) read(f func(ca.ReadTx) error) error {
	return v.issuer().Ledger().View(v.req.Context(), f)
}
