package server

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestPagesOfTheDesk: each page is there for each role in both languages, and
// what strangers wrote is text in it.
func TestPagesOfTheDesk(t *testing.T) {
	d, waiting := busyDesk(t)
	for _, name := range []string{"clerk", "anna", "auditor"} {
		c := d.pageClient(t, nil, nil).logIn(name)
		for _, path := range allPages(d, t, waiting) {
			for _, lang := range []string{"ru", "en"} {
				c.lang = lang
				code, body := c.get(path)
				if code != 200 {
					t.Errorf("%s %s: %d %s", name, path, code, body)
				}
				if !strings.Contains(body, `<html lang="`+lang+`">`) || !strings.Contains(body, "</html>") {
					t.Errorf("%s %s: not whole, or not in %s", name, path, lang)
				}
				for _, bad := range []string{"<img src=x", "\u202e", "%!", "ZgotmplZ", "<no value>"} {
					if strings.Contains(body, bad) {
						t.Errorf("%s %s: %q in the page", name, path, bad)
					}
				}
			}
		}
	}
}

// TestPageShows: what is on the pages is what happened.
func TestPageShows(t *testing.T) {
	d, waiting := busyDesk(t)
	c := d.pageClient(t, nil, nil).logIn("clerk")
	for _, want := range []struct{ path, text string }{
		{"/desk/", "Пресс 1"},
		{"/desk/requests", "&lt;img src=x onerror=alert(1)&gt;"},
		{"/desk/requests/" + waiting.ID, "Станок с очень длинным именем"},
		{"/desk/requests/" + waiting.ID, "Заявка № 12"},
		{"/desk/requests/" + waiting.ID, "другой ролью"}, // a clerk approves nothing
		{"/desk/certificates?q=" + url.QueryEscape("станок"), "Станок 1-0"},
		{"/desk/certificates?status=hold", "приостановлен"},
		{"/desk/charts?span=12m", "Выпущено"},
		{"/desk/expiry/list?from=2020-01-01&to=2090-01-01", "Станок"},
		{"/desk/journal?event=revoke", "отзыв"},
		{"/desk/status", "Корневой УЦ"},
	} {
		code, body := c.get(want.path)
		if code != 200 || !strings.Contains(body, want.text) {
			t.Errorf("%s: %d, no %q in\n%s", want.path, code, want.text, body)
		}
	}
	// The same number stands in the chart, in its table and in the ledger.
	days := must[[]ca.DayCount](t)(d.Days(t.Context(), d.now().AddDate(0, 0, -29).Truncate(day), d.now()))
	issued := 0
	for _, x := range days {
		issued += x.Issued
	}
	if _, body := c.get("/desk/charts"); issued == 0 || !strings.Contains(body, fmt.Sprintf("<b>Выпущено</b> <span>всего %d</span>", issued)) {
		t.Errorf("%d were issued:\n%s", issued, body)
	}
}

// TestPageRules: what the rules say is said as of today.
func TestPageRules(t *testing.T) {
	d, _ := busyDesk(t)
	key := must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", ""))
	e := must[ca.RequestEntry](t)(d.Submit(t.Context(), ca.Submission{
		Request: ca.Request{CSR: newCSR(t, "CN=Станок 100", key), Actor: "clerk"}, Profile: "checked", Submitter: "clerk", Authenticated: true,
	}))
	c := d.pageClient(t, nil, nil).logIn("anna")
	if _, body := c.get("/desk/requests/" + e.ID); !strings.Contains(body, "Замечаний нет") {
		t.Errorf("before:\n%s", body)
	}
	other := d.direct(t, "device", "CN=Станок 101", key)
	must[ca.Entry](t)(d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, other), Reason: ca.KeyCompromise, Actor: "clerk"}))
	if _, body := c.get("/desk/requests/" + e.ID); !strings.Contains(body, "сертификат выпустить нельзя") || !strings.Contains(body, "the key is blocked") {
		t.Errorf("after the key was compromised:\n%s", body)
	}
	if got := must[ca.RequestEntry](t)(d.Request(t.Context(), e.ID)); got.Version != e.Version {
		t.Error("looking changed the request")
	}
}

// TestPageDecision: an approver downloads the statement, signs it elsewhere and
// brings the signature back.
func TestPageDecision(t *testing.T) {
	d, waiting := busyDesk(t)
	anna := d.pageClient(t, nil, nil).logIn("anna")
	path := "/desk/requests/" + waiting.ID
	code, page := anna.get(path + "/decide?decision=approve")
	if code != 200 {
		t.Fatal(code, page)
	}
	f := hidden(page)
	text := must[[]byte](t)(base64.StdEncoding.DecodeString(f["statement"]))
	link := html.UnescapeString(regexp.MustCompile(`href="([^"]*/statement\?[^"]*)"`).FindStringSubmatch(page)[1])
	if code, file := anna.get(link); code != 200 || file != string(text) {
		t.Fatalf("the file is not the statement: %d %q %q", code, file, text)
	}
	signature := d.people["anna"].sign(t, text)
	boris := d.pageClient(t, nil, nil).logIn("boris")
	_, other := boris.get(path + "/decide?decision=approve")
	foreign := hidden(other)
	foreign["statement"] = f["statement"]
	if code, _ := boris.post(path+"/decision", foreign, signature); code != 403 || d.lastRefusal(t) != "another-operator" {
		t.Errorf("another's decision: %d %s", code, d.lastRefusal(t))
	}
	if code, body := anna.post(path+"/decision", f, d.people["boris"].sign(t, text)); code != 422 || d.lastRefusal(t) != "statement: signature" {
		t.Errorf("another's key: %d %s", code, body)
	}
	if code, body := anna.post(path+"/decision", f, nil); code != 400 || !strings.Contains(body, "Выберите файл подписи") {
		t.Errorf("no file: %d %s", code, body)
	}
	if code, body := anna.post(path+"/decision", f, signature); code != 200 || !strings.Contains(body, "Одобрение принято") {
		t.Fatalf("%d %s", code, body)
	}
	if e := must[ca.RequestEntry](t)(d.Request(t.Context(), waiting.ID)); e.State != ca.Approved || !bytes.Equal(e.Approvals[0].Signature, signature) {
		t.Errorf("%+v", e)
	}
	if code, _ := anna.post(path+"/decision", f, signature); code != 409 {
		t.Errorf("twice: %d", code)
	}
	// The other requests: one that a clerk takes into review, with his signature.
	clerk := d.pageClient(t, nil, nil).logIn("clerk")
	list, _, err := d.RequestPage(t.Context(), ca.RequestFilter{State: ca.Submitted}, "", 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	_, page = clerk.get("/desk/requests/" + list[0].ID + "/decide?decision=review")
	f = hidden(page)
	text = must[[]byte](t)(base64.StdEncoding.DecodeString(f["statement"]))
	if code, body := clerk.post("/desk/requests/"+list[0].ID+"/decision", f, d.people["clerk"].sign(t, text)); code != 200 || !strings.Contains(body, "Запрос взят в работу") {
		t.Errorf("review: %d %s", code, body)
	}
	if _, body := clerk.get(path); !strings.Contains(body, "gosklyuch ca request issue "+waiting.ID[:16]) {
		t.Errorf("how to issue is not said:\n%s", body)
	}
}

// TestPageForms: forms of other sites, without a token or with another
// session's, change nothing and stand in the journal.
func TestPageForms(t *testing.T) {
	d, waiting := busyDesk(t)
	anna, boris := d.pageClient(t, nil, nil).logIn("anna"), d.pageClient(t, nil, nil).logIn("boris")
	path := "/desk/requests/" + waiting.ID
	_, page := anna.get(path + "/decide?decision=approve")
	f := hidden(page)
	text := must[[]byte](t)(base64.StdEncoding.DecodeString(f["statement"]))
	signature := d.people["anna"].sign(t, text)
	_, own := boris.get(path + "/decide?decision=approve")
	with := func(token string) map[string]string {
		return map[string]string{"token": token, "statement": f["statement"]}
	}
	for _, c := range []struct {
		name   string
		fields map[string]string
		header []string
	}{
		{"other origin", f, []string{"Origin", "https://evil.example"}},
		{"no origin", f, []string{"Origin", "null"}},
		{"http", f, []string{"Origin", strings.Replace(d.url, "https", "http", 1)}},
		{"other site", f, []string{"Sec-Fetch-Site", "cross-site"}},
		{"same site only", f, []string{"Sec-Fetch-Site", "same-site"}},
		{"no token", with(""), nil},
		{"wrong token", with(strings.Repeat("0", 64)), nil},
		{"another's token", with(hidden(own)["token"]), nil},
	} {
		code, _ := anna.post(path+"/decision", c.fields, signature, c.header...)
		if code != 403 || d.lastRefusal(t) != "cross-site" {
			t.Errorf("%s: %d %s", c.name, code, d.lastRefusal(t))
		}
	}
	if code, _ := anna.post("/desk/logout", map[string]string{"token": "x"}, nil); code != 403 {
		t.Errorf("logged out by another site: %d", code)
	}
	if code, _ := anna.post(path+"/decision", f, bytes.Repeat([]byte("x"), limits.CAServerBody)); code != 413 || d.lastRefusal(t) != "oversized" {
		t.Errorf("oversized: %d %s", code, d.lastRefusal(t))
	}
	if code, _ := anna.post(path+"/decision", f, bytes.Repeat([]byte("x"), limits.PageFile+1)); code != 413 {
		t.Errorf("large file: %d", code)
	}
	if code, _ := anna.post(path+"/decision", f, signature); code != 200 {
		t.Errorf("the true form: %d", code)
	}
	if code, page := anna.post("/desk/logout", hidden(page), nil); code != 200 || !strings.Contains(page, `id="name"`) {
		t.Errorf("log out: %d", code)
	}
	if _, page := anna.get("/desk/"); !strings.Contains(page, `id="name"`) {
		t.Error("still logged in")
	}
}

// TestPageLogin: a challenge opens a session in the browser that asked for it.
func TestPageLogin(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	c := d.pageClient(t, nil, nil)
	if code, body := c.get("/desk/status"); code != 200 || !strings.Contains(body, `id="name"`) || strings.Contains(body, "<nav") {
		t.Fatalf("not led to the login: %d %s", code, body)
	}
	if _, body := c.get("/desk/login?name=" + url.QueryEscape("<b>")); !strings.Contains(body, "только латинские буквы") || strings.Contains(body, "<b></b>") {
		t.Error("a name that nobody has")
	}
	_, page := c.get("/desk/login?name=anna")
	f := hidden(page)
	text := must[[]byte](t)(base64.StdEncoding.DecodeString(f["challenge"]))
	link := html.UnescapeString(regexp.MustCompile(`href="(/desk/login/challenge\?[^"]*)"`).FindStringSubmatch(page)[1])
	if code, file := c.get(link); code != 200 || file != string(text) {
		t.Errorf("the file is not the challenge: %d %q", code, file)
	}
	if code, _ := c.get("/desk/login/challenge?text=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("<script>alert(1)</script>")))); code != 404 {
		t.Errorf("any text is given as a file: %d", code)
	}
	signature := d.people["anna"].sign(t, text)
	if code, _ := d.pageClient(t, nil, nil).post("/desk/login", f, signature); code != 403 || d.lastRefusal(t) != "cross-site" {
		t.Errorf("another browser: %d %s", code, d.lastRefusal(t))
	}
	if code, _ := c.post("/desk/login", f, d.people["boris"].sign(t, text)); code != 401 || d.lastRefusal(t) != "challenge-signature" {
		t.Errorf("another's key: %d %s", code, d.lastRefusal(t))
	}
	if code, _ := c.post("/desk/login", f, bytes.Repeat([]byte("x"), limits.CAServerUnknown)); code != 413 || d.lastRefusal(t) != "oversized" {
		t.Errorf("much from a stranger: %d %s", code, d.lastRefusal(t))
	}
	c.logIn("anna")
	for _, cookie := range c.Jar.Cookies(must[*url.URL](t)(url.Parse(d.url))) {
		if !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("cookie %s", cookie.Name)
		}
	}
	if code, body := c.get("/desk/nothing"); code != 404 || !strings.Contains(body, "Такого адреса нет") {
		t.Errorf("%d %s", code, body)
	}
	if _, body := c.get("/desk/?lang=en"); !strings.Contains(body, `<html lang="en">`) {
		t.Error("the language is not taken")
	}
	if _, body := c.get("/desk/"); !strings.Contains(body, `<html lang="en">`) {
		t.Error("the language is not kept")
	}
	d.later(limits.CAServerIdle + time.Minute)
	if _, body := c.get("/desk/"); !strings.Contains(body, `id="name"`) {
		t.Error("the session does not end")
	}
}

// TestPageClientCertificate: the certificate of the connection lets in without
// a login, and forms are bound to it.
func TestPageClientCertificate(t *testing.T) {
	d, waiting := busyDesk(t)
	key := must[crypto.Signer](t)(alg.GenerateKey("ecdsa-p256", ""))
	cert := d.direct(t, "device", "CN=olga", key)
	must[ca.Operator](t)(d.AddOperator(t.Context(), ca.NewOperator{Name: "olga", Roles: []ca.Role{ca.RoleApprover}, Certificate: cert, Actor: "test"}))
	c := d.pageClient(t, cert, key)
	if code, body := c.get("/desk/"); code != 200 || !strings.Contains(body, "вход по сертификату") || strings.Contains(body, "/desk/logout") {
		t.Fatalf("%d %s", code, body)
	}
	path := "/desk/requests/" + waiting.ID
	_, page := c.get(path + "/decide?decision=reject")
	f := hidden(page)
	text := must[[]byte](t)(base64.StdEncoding.DecodeString(f["statement"]))
	signature := caPerson{cert, key}.sign(t, text)
	if code, _ := c.post(path+"/decision", map[string]string{"statement": f["statement"]}, signature); code != 403 {
		t.Errorf("without a token: %d", code)
	}
	if code, body := c.post(path+"/decision", f, signature); code != 200 || !strings.Contains(body, "Отказ принят") {
		t.Errorf("%d %s", code, body)
	}
}

// TestPageRoles: an auditor decides nothing and sees personal data only after
// the journal says so.
func TestPageRoles(t *testing.T) {
	d, waiting := busyDesk(t)
	person := must[ca.RequestEntry](t)(d.Submit(t.Context(), ca.Submission{
		Request: ca.Request{CSR: newCSR(t, "CN=Иванов Иван", must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", ""))), Actor: "clerk"},
		Profile: "checked", Submitter: "clerk", Authenticated: true, Note: "почта ivanov@example.org",
	}))
	auditor, anna := d.pageClient(t, nil, nil).logIn("auditor"), d.pageClient(t, nil, nil).logIn("anna")
	path := "/desk/requests/" + person.ID
	for _, p := range []string{"/desk/", "/desk/requests", path} {
		if _, body := auditor.get(p); strings.Contains(body, "Иванов") || strings.Contains(body, "ivanov@") {
			t.Errorf("%s: an auditor sees the name", p)
		}
		if _, body := anna.get(p); !strings.Contains(body, "Иванов") {
			t.Errorf("%s: an approver does not see the name", p)
		}
	}
	if code, _ := auditor.get(path + "/decide?decision=approve"); code != 403 || d.lastRefusal(t) != "role" {
		t.Errorf("an auditor decides: %d", code)
	}
	if code, _ := auditor.get(path+"?personal=1", "Sec-Fetch-Site", "cross-site"); code != 403 {
		t.Errorf("another site asks: %d", code)
	}
	if last := d.lastRecord(t); last.Event == "personal-data" {
		t.Error("what was not shown is on record as shown")
	}
	if code, body := auditor.get(path+"?personal=1", "Sec-Fetch-Site", "same-origin"); code != 200 || !strings.Contains(body, "Иванов Иван") || !strings.Contains(body, "ivanov@") {
		t.Errorf("asked: %d %s", code, body)
	}
	if last := d.lastRecord(t); last.Event != "personal-data" || last.Actor != "auditor" || last.Subject != person.ID {
		t.Errorf("record %+v", last)
	}
	if code, _ := anna.get("/desk/journal?personal=1"); code != 403 || d.lastRefusal(t) != "personal" {
		t.Errorf("an approver sees the journal's personal data: %d", code)
	}
	if _, body := auditor.get("/desk/certificates?q=" + url.QueryEscape("станок")); !strings.Contains(body, "Аудитор ищет по серийному номеру") || strings.Contains(body, "data-label=\"Профиль\"") {
		t.Error("an auditor searches by name")
	}
	if _, body := auditor.get("/desk/certificates?personal=1&q=" + url.QueryEscape("станок")); !strings.Contains(body, "Станок 1-0") {
		t.Error("an auditor who asked does not find")
	}
	list := must[[]ca.Entry](t)(d.Search(t.Context(), "станок", ca.Serial{}, 1))
	file := "/desk/certificates/" + list[0].Serial.String() + "/file"
	if code, _ := auditor.get(file); code != 403 {
		t.Errorf("a file with personal data: %d", code)
	}
	if code, body := auditor.get(file + "?personal=1"); code != 200 || serialOf(t, must[*pki.Certificate](t)(pki.ParseCertificate([]byte(body)))) != list[0].Serial {
		t.Errorf("the file: %d", code)
	}
	if code, body := anna.get(file + "?form=pem"); code != 200 || !strings.HasPrefix(body, "-----BEGIN CERTIFICATE-----") {
		t.Errorf("PEM: %d", code)
	}
	for _, p := range []string{"/desk/requests/" + strings.Repeat("0", 64), "/desk/requests/x", "/desk/certificates/01", "/desk/certificates/zz", "/desk/journal/main/99999", "/desk/journal/x/1", "/desk/journal/UP/1"} {
		if code, _ := anna.get(p); code != 404 {
			t.Errorf("%s: %d", p, code)
		}
	}
	for _, p := range []string{
		"/desk/requests?state=x", "/desk/certificates?status=x", "/desk/certificates?after=zz", "/desk/expiry?month=x", "/desk/expiry?month=9999-12", "/desk/expiry/list?from=x&to=y",
		"/desk/expiry/list?from=2026-02-02&to=2026-02-01", "/desk/charts?span=x", "/desk/journal?node=../x", "/desk/journal?before=x", "/desk/journal?from=x",
		"/desk/requests/" + waiting.ID + "/decide?decision=submit", "/desk/requests/" + waiting.ID + "/statement?decision=approve&role=approver&time=x",
	} {
		if code, _ := anna.get(p); code != 400 {
			t.Errorf("%s: %d", p, code)
		}
	}
}

func (d *caDesk) lastRecord(t *testing.T) (last journal.Record) {
	t.Helper()
	err := d.Ledger().View(t.Context(), func(tx ca.ReadTx) error {
		head := must[map[string]journal.Head](t)(tx.Heads())[journal.DefaultNode]
		var err error
		last, _, err = recordAt(tx, journal.DefaultNode, head.Seq)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// TestPageJournal: pages of a chain have each record once, whatever the filter.
func TestPageJournal(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	const each = 130
	start := d.now()
	for n := range each {
		err := d.Ledger().Update(t.Context(), func(tx ca.Tx) error {
			_, err := tx.Append(journal.Entry{
				Time: start.Add(time.Duration(n) * time.Hour), Actor: []string{"a", "b"}[n%2], Event: "test", Subject: fmt.Sprintf("mail%d@example.org", n),
				Data: map[string]string{"n": fmt.Sprint(n), "name": "CN=Петров"},
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := d.pageClient(t, nil, nil).logIn("auditor")
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	count := func(path, per string) (pages, records int) {
		for path != "" {
			code, body := c.get(path)
			if code != 200 || strings.Contains(body, "Петров") || strings.Contains(body, "mail1") {
				t.Fatalf("%s: %d %s", path, code, body)
			}
			pages, records = pages+1, records+strings.Count(body, per)
			path = ""
			if m := next.FindStringSubmatch(body); m != nil {
				path = html.UnescapeString(m[1])
			}
		}
		return pages, records
	}
	cell := `<code>test</code></td>`
	if pages, records := count("/desk/journal?event=test", cell); records != each || pages < 3 {
		t.Errorf("%d records on %d pages", records, pages)
	}
	if _, records := count("/desk/journal?event=test&actor=b", cell); records != each/2 {
		t.Errorf("of b: %d", records)
	}
	from := start.UTC().Add(48 * time.Hour).Format(dateLayout)
	if _, records := count("/desk/journal?event=test&from="+from+"&to="+from, cell); records != 24 {
		t.Errorf("of a day: %d", records)
	}
	if _, body := c.get("/desk/journal?event=test&personal=1"); !strings.Contains(body, "Петров") {
		t.Error("asked, and still hidden")
	}
	place := fmt.Sprintf("/desk/journal/main/%d", d.lastRecord(t).Seq-1)
	if _, body := c.get(place); strings.Contains(body, "&#34;hash&#34;") {
		t.Error("the whole record is shown without being asked for")
	}
	if _, body := c.get(place + "?personal=1"); !strings.Contains(body, "&#34;hash&#34;") {
		t.Errorf("the record is not shown:\n%s", body)
	}
}
