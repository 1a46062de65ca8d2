package server

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
)

// loginCookie ties the form of a login to the browser that asked for it: nobody
// is logged in under a foreign name by a form that another site sends.
const loginCookie = "__Host-gk-login"

// formToken is what a form of this page carries and another site cannot know:
// sealed with the key of this process, bound to the session, to the client
// certificate or, before a login, to a cookie.
func (v *visit) formToken() string {
	bound := ""
	if token, _, ok := tokenOf(v.req); ok {
		bound = "session " + token
	} else if v.req.TLS != nil && len(v.req.TLS.PeerCertificates) > 0 {
		bound = "certificate " + string(v.req.TLS.PeerCertificates[0].Raw)
	} else if c, err := v.req.Cookie(loginCookie); err == nil && c.Value != "" {
		bound = "login " + c.Value
	}
	if bound == "" {
		return ""
	}
	return v.p.s.seal("form\n" + bound)
}

// crossSite says that a form was not sent from a page of this service.
func crossSite() *problem {
	return &problem{
		status: http.StatusForbidden, kind: "cross-site",
		ru: "Форма отправлена не с этой страницы или устарела. Откройте страницу заново и повторите.",
		en: "The form was not sent from this page, or is too old. Open the page again and repeat.",
	}
}

// sameOrigin reports whether a request comes from this site, as far as the
// browser tells (Fetch Metadata; RFC 6454, section 7). What tells nothing is no
// browser, or asks for an address that was typed.
func sameOrigin(req *http.Request) bool {
	switch req.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := req.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "https" && strings.EqualFold(u.Host, req.Host)
}

// checkForm reads a form and refuses one that another site sent: by what the
// browser says about its origin and by the token. The cookie of the session is
// SameSite=Strict besides.
func (v *visit) checkForm() error {
	if mediaType(v.req) != "multipart/form-data" && mediaType(v.req) != "application/x-www-form-urlencoded" {
		return notMultipart()
	}
	refuse := func() error {
		actor := v.operator.Name
		if actor == "" {
			actor = "client"
		}
		v.p.s.recordRefusal(v.req.Context(), v.req.Pattern, "", actor, "cross-site")
		return crossSite()
	}
	if !sameOrigin(v.req) {
		return refuse()
	}
	// The body is bounded by ServeHTTP; all of it fits in memory.
	err := v.req.ParseMultipartForm(limits.CAServerBody)
	if errors.Is(err, http.ErrNotMultipart) {
		err = nil // an empty form of another kind
	}
	if err != nil {
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			return err
		}
		return badForm(err)
	}
	want := v.formToken()
	if want == "" || !hmac.Equal([]byte(want), []byte(v.req.PostFormValue("token"))) {
		return refuse()
	}
	return nil
}

// upload returns a file of a form that was read.
func (v *visit) upload(name string) ([]byte, error) {
	f, header, err := v.req.FormFile(name)
	if err != nil || header.Size == 0 {
		return nil, noFile()
	}
	defer f.Close()
	if header.Size > limits.PageFile {
		return nil, tooLarge(limits.PageFile, nil)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, badForm(err)
	}
	return b, nil
}

func noFile() *problem {
	return badField("signature", "Выберите файл подписи.", "Choose the signature file.")
}

// loginView is what the page of the login shows. Text is the challenge.
type loginView struct {
	Name    string
	Text    string
	Encoded string // the challenge in Base64: a form would change its line feeds
	Link    string
	Expires time.Time
	Failed  bool
}

// loginPage asks for a name, and then for a signature over a challenge.
func (p *operatorPage) loginPage(v *visit) error {
	if _, ok := p.s.who(v.req); ok {
		http.Redirect(v.w, v.req, deskPath, http.StatusSeeOther)
		return nil
	}
	return v.showLogin(http.StatusOK, v.req.URL.Query().Get("name"), false)
}

func (v *visit) showLogin(status int, name string, failed bool) error {
	view := loginView{Name: name, Failed: failed}
	token := ""
	if name != "" && !badOperatorName(name) {
		view.Text, view.Expires = v.p.s.challenge(name)
		view.Encoded = base64.StdEncoding.EncodeToString([]byte(view.Text))
		view.Link = "/desk/login/challenge?text=" + url.QueryEscape(view.Encoded)
		// The cookie that the form is bound to goes with this answer.
		secret := rand.Text()
		http.SetCookie(v.w, &http.Cookie{
			Name: loginCookie, Value: secret, Path: "/", MaxAge: int(limits.CAServerChallenge / time.Second),
			HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
		})
		token = v.p.s.seal("form\nlogin " + secret)
	} else if name != "" {
		view.Failed = true
	}
	return v.showStatus(status, "login", "login", struct {
		loginView
		Token string
	}{view, token})
}

// badOperatorName refuses what no operator is called: see [ca.NewOperator].
func badOperatorName(name string) bool {
	return name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != ""
}

// challengeFile gives a challenge as a file, for whoever signs a file.
func (p *operatorPage) challengeFile(v *visit) error {
	text, err := decodeBase64(v.req.URL.Query().Get("text"))
	if err != nil {
		return notFound()
	}
	if _, _, err := p.s.openChallenge(string(text)); err != nil {
		return notFound() // nothing that was not made here is handed out
	}
	v.attach("challenge.txt", "text/plain; charset=utf-8", text)
	return nil
}

// attach answers with a file to keep.
func (v *visit) attach(name, media string, b []byte) {
	v.w.Header().Set("Content-Type", media)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.w.Write(b) //nolint:errcheck,gosec // the client may be gone
}

// logIn takes the signature over a challenge and opens a session.
func (p *operatorPage) logIn(v *visit) error {
	before := v.req
	smallBody(v.w, v.req)
	// A client certificate or an old session has no say in who logs in.
	login := *v.req
	login.TLS = nil
	login.Header = v.req.Header.Clone()
	login.Header.Del("Authorization")
	keepCookie(&login, loginCookie)
	form := *v
	form.req = &login
	if err := form.checkForm(); err != nil {
		return err
	}
	text, err := decodeBase64(login.PostFormValue("challenge"))
	if err != nil {
		return badForm(err)
	}
	v.req = form.req
	signature, err := v.upload("signature")
	if err != nil {
		return err
	}
	token, o, expires, err := p.s.signIn(v.req, string(text), signature)
	if own := new(problem); errors.As(err, &own) && own.status == http.StatusUnauthorized {
		return v.showLogin(own.status, o.Name, true)
	}
	if err != nil {
		return err
	}
	p.s.logOut(before) // one browser, one session
	setSessionCookie(v.w, token, expires, p.s.o.Now())
	http.SetCookie(v.w, &http.Cookie{Name: loginCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(v.w, v.req, deskPath, http.StatusSeeOther)
	return nil
}

// keepCookie leaves one cookie of a request.
func keepCookie(req *http.Request, name string) {
	c, err := req.Cookie(name)
	req.Header.Del("Cookie")
	if err == nil {
		req.AddCookie(c)
	}
}

// logOut ends the session.
func (p *operatorPage) logOut(v *visit) error {
	p.s.logOut(v.req)
	clearSessionCookie(v.w)
	http.Redirect(v.w, v.req, "/desk/login", http.StatusSeeOther)
	return nil
}

// reveal lifts the mask where the person asks for it and may, and puts that on
// record first. A link on another site does not ask in his name.
func (v *visit) reveal() error {
	if v.req.URL.Query().Get("personal") != "1" {
		return nil
	}
	if !sameOrigin(v.req) {
		return crossSite()
	}
	if err := v.p.s.recordPersonal(v.req, v.operator); err != nil {
		return err
	}
	v.masked = false
	return nil
}

// name is a text that may hold personal data, masked where it must be.
func (v *visit) name(text string) string {
	if v.masked {
		return journal.Mask(text)
	}
	return text
}
