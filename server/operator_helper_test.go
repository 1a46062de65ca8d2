package server

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// hostileName is what a stranger puts into a request to be seen by the people of
// an authority.
const hostileName = `CN=\<img src=x onerror=alert(1)\>\"'`

// A pageClient is a browser without a window: it keeps cookies and fills forms.
type pageClient struct {
	*http.Client
	t    *testing.T
	desk *caDesk
	lang string
}

func (d *caDesk) pageClient(t *testing.T, cert *pki.Certificate, key crypto.Signer) *pageClient {
	t.Helper()
	c := d.client(cert, key)
	c.Jar = must[*cookiejar.Jar](t)(cookiejar.New(nil))
	return &pageClient{c, t, d, "ru"}
}

// get reads a page.
func (c *pageClient) get(path string, header ...string) (int, string) {
	c.t.Helper()
	req := must[*http.Request](c.t)(http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.desk.url+path, nil))
	return c.send(req, header...)
}

func (c *pageClient) send(req *http.Request, header ...string) (int, string) {
	c.t.Helper()
	req.Header.Set("Accept-Language", c.lang)
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	resp := must[*http.Response](c.t)(c.Do(req))
	defer resp.Body.Close()
	body := string(must[[]byte](c.t)(io.ReadAll(resp.Body)))
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		if got := resp.Header.Get("Content-Security-Policy"); got != operatorPolicy {
			c.t.Errorf("%s: policy %q", req.URL.Path, got)
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "style=") {
			c.t.Errorf("%s: a script or a style", req.URL.Path)
		}
	}
	return resp.StatusCode, body
}

// post sends a form with a file.
func (c *pageClient) post(path string, fields map[string]string, signature []byte, header ...string) (int, string) {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			c.t.Fatal(err)
		}
	}
	if signature != nil {
		part := must[io.Writer](c.t)(w.CreateFormFile("signature", "x.sig"))
		if _, err := part.Write(signature); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	req := must[*http.Request](c.t)(http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.desk.url+path, &b))
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.send(req, append([]string{"Origin", c.desk.url, "Sec-Fetch-Site", "same-origin"}, header...)...)
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// hidden are the fields of the last form of a page.
func hidden(page string) map[string]string {
	out := map[string]string{}
	for _, m := range hiddenInput.FindAllStringSubmatch(page, -1) {
		out[m[1]] = html.UnescapeString(m[2])
	}
	return out
}

// logIn goes through the form.
func (c *pageClient) logIn(name string) *pageClient {
	c.t.Helper()
	_, page := c.get("/desk/login?name=" + url.QueryEscape(name))
	f := hidden(page)
	text := must[[]byte](c.t)(base64.StdEncoding.DecodeString(f["challenge"]))
	if code, body := c.post("/desk/login", f, c.desk.people[name].sign(c.t, text)); code != 200 || !strings.Contains(body, `<main`) || strings.Contains(body, `action="/desk/login"`) {
		c.t.Fatalf("%s: %d %s", name, code, body)
	}
	return c
}

// busyDesk is an authority with something on every page.
func busyDesk(t *testing.T) (d *caDesk, waiting ca.RequestEntry) {
	t.Helper()
	d = newCADesk(t, CAOptions{})
	key := must[crypto.Signer](t)(alg.GenerateKey("ecdsa-p256", ""))
	for n := range 9 {
		for m := range 1 + n*n%5 {
			c := d.direct(t, "device", fmt.Sprintf("CN=Станок %d-%d", n, m), key)
			if n%3 == 1 && m == 0 {
				must[ca.Entry](t)(d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, c), Reason: ca.KeyCompromise, Actor: "clerk"}))
				key = must[crypto.Signer](t)(alg.GenerateKey("ecdsa-p256", "")) // the old one is blocked now
			}
		}
		d.later(2 * day)
	}
	held := d.direct(t, "device", hostileName, key)
	must[ca.Entry](t)(d.Hold(t.Context(), ca.Revocation{Serial: serialOf(t, held), Actor: "clerk"}))
	for n, person := range []string{
		"CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,SNILS=11223344595,INN=500100732259,C=RU",
		"CN=Пётр Ёжиков,SN=Ёжиков,G=Пётр,SNILS=11223344595,INN=500100732259,E=petr@example.org,C=RU",
	} {
		k := must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", ""))
		must[*pki.Certificate](t)(d.IssueRequest(t.Context(), "citizen", ca.Request{CSR: newCSR(t, person, k), Days: 5 + 30*n, Actor: "clerk"}))
	}
	must[ca.CRLEntry](t)(d.CRL(t.Context(), "clerk"))
	must[journal.SignedHeads](t)(d.SignHeads(t.Context(), "clerk"))
	for n, subject := range []string{"CN=Пресс 1", hostileName, "CN=Станок с очень длинным именем ради переноса строк таблицы"} {
		k := must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", ""))
		waiting = must[ca.RequestEntry](t)(d.Submit(t.Context(), ca.Submission{
			Request: ca.Request{CSR: newCSR(t, subject, k), Actor: "clerk"}, Profile: "checked", Submitter: "clerk", Authenticated: true,
			Note: "Заявка № 1" + fmt.Sprint(n) + " <script>alert(2)</script>\u202e\"onclick=x",
		}))
	}
	return d, waiting
}

// allPages are the addresses that a person can reach.
func allPages(d *caDesk, t *testing.T, waiting ca.RequestEntry) []string {
	t.Helper()
	list, _, err := d.Page(t.Context(), ca.OnHold, ca.Serial{}, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	soon := d.now().UTC().AddDate(1, 0, 0)
	return []string{
		"/desk/", "/desk/requests", "/desk/requests?state=all", "/desk/requests?state=draft", "/desk/requests/" + waiting.ID,
		"/desk/certificates", "/desk/certificates?status=revoked", "/desk/certificates/" + list[0].Serial.String(),
		"/desk/certificates?q=" + list[0].Serial.String()[:6], "/desk/certificates?q=x",
		"/desk/expiry", "/desk/expiry?month=" + soon.Format("2006-01"), "/desk/expiry/list?from=2020-01-01&to=2040-01-01",
		"/desk/charts", "/desk/charts?span=90d", "/desk/charts?span=12m", "/desk/charts?span=36m",
		"/desk/journal", "/desk/journal?event=issue&actor=test", "/desk/journal/main/1", "/desk/status",
	}
}
