package server

import (
	"crypto"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// get calls with a session and reads the answer; it must have the status.
func (d *caDesk) get(t testing.TB, token, path string, want int, v any) {
	t.Helper()
	d.send(t, token, "GET", path, nil, want, v)
}

func (d *caDesk) send(t testing.TB, token, method, path string, in any, want int, v any) {
	t.Helper()
	code, body := d.as(t, token, method, path, in)
	wantCode(t, method+" "+path, code, body, want)
	if v != nil {
		if err := json.Unmarshal(body, v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}

// TestAPICertificates: pages, search, one certificate, its file.
func TestAPICertificates(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk := d.login(t, "clerk")
	seen := map[string]bool{}
	for n := range 7 {
		c := d.direct(t, "device", fmt.Sprintf("CN=Станок-%d Цех", n), ecdsaKey(t))
		seen[serialOf(t, c).String()] = true
	}
	next := ""
	found := 0
	for range 20 {
		var p certificatesBody
		d.get(t, clerk, "/api/v1/certificates?limit=3&after="+next, 200, &p)
		if len(p.Certificates) > 3 {
			t.Fatal(len(p.Certificates))
		}
		for _, c := range p.Certificates {
			if seen[c.Serial.String()] {
				found++
				delete(seen, c.Serial.String())
			}
		}
		if next = p.Next; next == "" {
			break
		}
	}
	if found != 7 || next != "" {
		t.Errorf("%d certificates, next %q", found, next)
	}
	var p certificatesBody
	d.get(t, clerk, "/api/v1/certificates?search="+"%D1%81%D1%82%D0%B0%D0%BD%D0%BE%D0%BA&limit=5", 200, &p)
	if len(p.Certificates) != 5 || p.Next == "" {
		t.Errorf("search: %d %q", len(p.Certificates), p.Next)
	}
	d.get(t, clerk, "/api/v1/certificates?search=%D1%81%D1%82%D0%B0%D0%BD%D0%BE%D0%BA&limit=5&after="+p.Next, 200, &p)
	if len(p.Certificates) != 2 {
		t.Errorf("search, second page: %d", len(p.Certificates))
	}
	serial := p.Certificates[0].Serial.String()
	var one certificateBody
	d.get(t, clerk, "/api/v1/certificates/"+serial, 200, &one)
	cert := must[*pki.Certificate](t)(pki.ParseCertificate(one.Certificate))
	if one.Subject != cert.Subject.String() || one.Status != ca.Valid || one.Expired {
		t.Errorf("%+v", one)
	}
	code, der := d.as(t, clerk, "GET", "/api/v1/certificates/"+serial+"/certificate", nil)
	if wantCode(t, "file", code, der, 200); string(der) != string(cert.Raw) {
		t.Error("the file is another certificate")
	}
	d.get(t, clerk, fmt.Sprintf("/api/v1/expiring?from=%s&to=%s&limit=2", cert.NotAfter.AddDate(0, 0, -1).Format(time.DateOnly), cert.NotAfter.AddDate(0, 0, 2).Format(time.DateOnly)), 200, &p)
	if len(p.Certificates) != 2 || p.Next == "" {
		t.Errorf("expiring: %+v", p)
	}
	var days struct{ Days []ca.DayCount }
	d.get(t, clerk, "/api/v1/days?from="+d.now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)+"&to="+d.now().UTC().AddDate(0, 0, 2).Format(time.DateOnly), 200, &days)
	if len(days.Days) == 0 || days.Days[0].Issued < 7 {
		t.Errorf("%+v", days)
	}
	for _, path := range []string{
		"/certificates?limit=501", "/certificates?limit=0", "/certificates?after=zz", "/certificates?status=bad", "/certificates?search=a&status=valid", "/certificates?search=a",
		"/certificates?personal=2", "/expiring?from=x", "/expiring?from=2026-01-02&to=2026-01-01", "/days?from=0001-01-01&to=9999-01-01", "/requests?after=x",
	} {
		d.get(t, clerk, "/api/v1"+path, 400, nil)
	}
	for _, path := range []string{"/certificates/00", "/certificates/1", "/certificates/x", "/certificates/" + strings.Repeat("f", 41), "/certificates/1/certificate", "/profiles/nothing", "/profiles/a@0"} {
		d.get(t, clerk, "/api/v1"+path, 404, nil)
	}
}

// TestAPIRevocation: reasons, hold and release, by an operator alone; a refusal
// stands in the journal.
func TestAPIRevocation(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk, anna, auditor := d.login(t, "clerk"), d.login(t, "anna"), d.login(t, "auditor")
	path := "/api/v1/certificates/" + serialOf(t, d.direct(t, "device", "CN=станок", ecdsaKey(t))).String()
	refused := func(what, token, op string, in any, code int, word string) {
		t.Helper()
		d.send(t, token, "POST", path+op, in, code, nil)
		if got := d.lastRefusal(t); got != word {
			t.Errorf("%s: journal: %s", what, got)
		}
	}
	refused("an approver revokes", anna, "/revoke", map[string]any{"reason": "superseded"}, 403, "role")
	refused("an auditor holds", auditor, "/hold", struct{}{}, 403, "role")
	refused("release of what is valid", clerk, "/release", struct{}{}, 409, "not-on-hold")
	refused("a hold as a reason", clerk, "/revoke", map[string]any{"reason": "certificateHold"}, 422, "reason")
	refused("the future", clerk, "/revoke", map[string]any{"reason": "keyCompromise", "invalidityDate": d.now().Add(time.Hour)}, 422, "invalidity-date")
	d.send(t, clerk, "POST", path+"/revoke", map[string]any{"reason": "boredom"}, 400, nil)
	d.send(t, clerk, "POST", path+"/revoke", map[string]any{}, 400, nil)

	var c certificateBody
	d.send(t, clerk, "POST", path+"/hold", struct{}{}, 200, &c)
	if c.Status != ca.OnHold || c.Reason != "certificateHold" || d.lastRecord(t).Actor != "clerk" {
		t.Errorf("%+v", c)
	}
	refused("a second hold", clerk, "/hold", struct{}{}, 409, "on-hold")
	d.send(t, clerk, "POST", path+"/release", struct{}{}, 200, &c)
	if c.Status != ca.Valid {
		t.Errorf("%+v", c)
	}
	since := d.now().Add(-time.Hour).UTC().Truncate(time.Second)
	d.send(t, clerk, "POST", path+"/revoke", map[string]any{"reason": "keyCompromise", "invalidityDate": since}, 200, &c)
	if c.Status != ca.Revoked || c.Reason != "keyCompromise" || !c.InvalidityDate.Equal(since) {
		t.Errorf("%+v", c)
	}
	refused("again", clerk, "/revoke", map[string]any{"reason": "superseded"}, 409, "revoked")
	var p certificatesBody
	d.get(t, clerk, "/api/v1/certificates?status=revoked", 200, &p)
	if len(p.Certificates) != 1 {
		t.Errorf("%d revoked", len(p.Certificates))
	}
	d.send(t, clerk, "POST", "/api/v1/certificates/1234/revoke", map[string]any{"reason": "superseded"}, 404, nil)
	if got := d.lastRefusal(t); got != "not-found" {
		t.Errorf("journal: %s", got)
	}
}

// TestAPILists: the last list, and one now.
func TestAPILists(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk, auditor := d.login(t, "clerk"), d.login(t, "auditor")
	d.get(t, clerk, "/api/v1/crl", 404, nil)
	d.get(t, clerk, "/api/v1/crl/file", 404, nil)
	d.send(t, auditor, "POST", "/api/v1/crl", struct{}{}, 403, nil)
	must[ca.Entry](t)(d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, d.direct(t, "device", "CN=x", ecdsaKey(t))), Reason: ca.Superseded, Actor: "test"}))
	var l listBody
	d.send(t, clerk, "POST", "/api/v1/crl", struct{}{}, 201, &l)
	if l.Number != 1 || l.Entries != 1 {
		t.Errorf("%+v", l)
	}
	d.get(t, auditor, "/api/v1/crl", 200, &l)
	code, der := d.as(t, auditor, "GET", "/api/v1/crl/file", nil)
	wantCode(t, "file", code, der, 200)
	list := must[*pki.RevocationList](t)(pki.ParseCRL(der))
	if list.CheckSignatureFrom(d.Certificate()) != nil || l.Number != 1 {
		t.Error("not the authority's list")
	}
	d.send(t, clerk, "POST", "/api/v1/crl", map[string]any{"delta": true}, 409, nil)

	d.service.o.Lists = filepath.Join(t.TempDir(), "crl")
	d.send(t, clerk, "POST", "/api/v1/crl", struct{}{}, 409, nil) // no lists in the settings
}

// TestAPIAuthority: status, profiles, operators.
func TestAPIAuthority(t *testing.T) {
	d := newCADesk(t, CAOptions{Version: "test"})
	clerk, auditor := d.login(t, "clerk"), d.login(t, "auditor")
	var s statusBody
	d.get(t, auditor, "/api/v1/status", 200, &s)
	if !s.Ready || s.List != nil || s.SignedHeads != nil || len(s.Nodes) != 1 || s.Authority.Serial != d.Certificate().SerialHex() {
		t.Errorf("%+v", s)
	}
	must[ca.CRLEntry](t)(d.CRL(t.Context(), "test"))
	must[journal.SignedHeads](t)(d.SignHeads(t.Context(), "test"))
	d.get(t, auditor, "/api/v1/status", 200, &s)
	if s.List == nil || s.SignedHeads == nil {
		t.Errorf("%+v", s)
	}
	var p profileBody
	d.get(t, auditor, "/api/v1/profiles/checked", 200, &p)
	if p.Profile != "checked@1" || p.Approvals != 1 || must[ca.Profile](t)(ca.ParseProfile([]byte(p.Text))).Digest() != p.Digest {
		t.Errorf("%+v", p)
	}
	var list struct{ Operators []operatorBody }
	d.get(t, auditor, "/api/v1/operators", 200, &list)
	if len(list.Operators) != 4 || list.Operators[0].Certificate != nil || !list.Operators[0].Masked {
		t.Errorf("%+v", list)
	}
	d.get(t, clerk, "/api/v1/operators", 200, &list)
	if list.Operators[0].Certificate == nil {
		t.Errorf("%+v", list)
	}
}

// TestAPIPersonal: who is an auditor alone sees names where they ask for them,
// which is put on record; an approver may not ask.
func TestAPIPersonal(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk, anna, auditor := d.login(t, "clerk"), d.login(t, "anna"), d.login(t, "auditor")
	const name = "Иванов Иван"
	serial := serialOf(t, d.direct(t, "device", "CN="+name, ecdsaKey(t))).String()
	e := d.submitAs(t, clerk, "checked")
	for _, path := range []string{
		"/certificates", "/certificates/" + serial, "/expiring?to=" + d.now().AddDate(3, 0, 0).Format(time.DateOnly), "/requests", "/requests/" + e.ID, "/operators",
	} {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		_, plain := d.as(t, auditor, "GET", "/api/v1"+path, nil)
		if strings.Contains(string(plain), name) || strings.Contains(string(plain), "Станок") || strings.Contains(string(plain), `"csr"`) || !strings.Contains(string(plain), `"masked": true`) {
			t.Errorf("%s shows: %s", path, plain)
		}
		_, plain = d.as(t, anna, "GET", "/api/v1"+path, nil)
		if strings.Contains(string(plain), `"masked"`) {
			t.Errorf("%s masks for an approver", path)
		}
		d.get(t, auditor, "/api/v1"+path+sep+"personal=1", 200, nil)
		if r := d.lastRecord(t); r.Event != "personal-data" || r.Actor != "auditor" {
			t.Errorf("%s: the record says %s by %s", path, r.Event, r.Actor)
		}
		d.get(t, anna, "/api/v1"+path+sep+"personal=1", 403, nil)
		if got := d.lastRefusal(t); got != "personal" {
			t.Errorf("%s: journal: %s", path, got)
		}
	}
	d.get(t, auditor, "/api/v1/certificates?search=%D0%B8%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2", 403, nil)
	d.get(t, auditor, "/api/v1/certificates?search="+serial[:6], 403, nil)
	d.get(t, auditor, "/api/v1/certificates/"+serial+"/certificate", 403, nil)
	d.get(t, auditor, "/api/v1/certificates/"+serial+"/certificate?personal=1", 200, nil)
	d.get(t, auditor, "/api/v1/certificates?search=%D0%B8%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2&personal=1", 200, nil)
}

// TestAPIJournal: pages, filters, heads, proofs; for auditors.
func TestAPIJournal(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk, auditor := d.login(t, "clerk"), d.login(t, "auditor")
	const name = "Иванов Иван"
	d.direct(t, "device", "CN="+name, ecdsaKey(t))
	d.get(t, clerk, "/api/v1/journal", 403, nil)
	type records struct {
		Records []journal.View
		Next    uint64
	}
	var all, part records
	d.get(t, auditor, "/api/v1/journal", 200, &all)
	var got []journal.View
	for after := uint64(0); ; after = part.Next {
		part = records{}
		d.get(t, auditor, fmt.Sprintf("/api/v1/journal?limit=3&after=%d", after), 200, &part)
		got = append(got, part.Records...)
		if part.Next == 0 {
			break
		}
	}
	if len(got) != len(all.Records) || len(got) < 10 {
		t.Errorf("%d records in pages, %d at once", len(got), len(all.Records))
	}
	var issued records
	d.get(t, auditor, "/api/v1/journal?event=issue", 200, &issued)
	last := issued.Records[len(issued.Records)-1]
	if len(issued.Records) != 5 || strings.Contains(last.Data["name"], "Иван") || len(last.Masked) != 1 {
		t.Errorf("%d %+v", len(issued.Records), last)
	}
	record := fmt.Sprintf("/api/v1/journal/%s/%d", last.Node, last.Seq)
	var one journal.View
	d.get(t, auditor, record+"?personal=1", 200, &one)
	if one.Data["name"] != "CN="+name || d.lastRecord(t).Event != "personal-data" {
		t.Errorf("%+v", one)
	}
	d.get(t, auditor, record+"/proof", 409, nil)
	signed := must[journal.SignedHeads](t)(d.SignHeads(t.Context(), "test"))
	code, body := d.as(t, auditor, "GET", record+"/proof", nil)
	wantCode(t, "proof", code, body, 200)
	proof := must[journal.Proof](t)(journal.ParseProof(body))
	if err := proof.Verify(d.Certificate()); err != nil || strings.Contains(string(body), "Иван") {
		t.Errorf("%v: %s", err, body)
	}
	var heads struct {
		Nodes  []journal.Head
		Signed journal.SignedHeads
	}
	d.get(t, auditor, "/api/v1/journal/heads", 200, &heads)
	if heads.Signed.Digest() != signed.Digest() || len(heads.Nodes) != 1 {
		t.Errorf("%+v", heads)
	}
	var series struct{ SignedHeads []journal.SignedHeads }
	d.get(t, auditor, "/api/v1/journal/signed-heads", 200, &series)
	if len(series.SignedHeads) != 1 {
		t.Errorf("%+v", series)
	}
	for path, code := range map[string]int{
		"/journal?limit=x": 400, "/journal?after=-1": 400, "/journal?node=..%2Fx": 400, "/journal?from=x": 400, "/journal?node=other": 200,
		"/journal/main/0": 404, "/journal/main/99999999": 404, "/journal/main/99999999999999999999": 404, "/journal/other/1": 404, "/journal/MAIN/1": 404,
	} {
		d.get(t, auditor, "/api/v1"+path, code, nil)
	}
}

// TestAPISubmissionStatement: a submitter may sign what they hand in.
func TestAPISubmissionStatement(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk := d.login(t, "clerk")
	in := map[string]any{"csr": string(body64(newCSR(t, "CN=станок", must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", ""))))), "profile": "checked"}
	code, text := d.as(t, clerk, "POST", "/api/v1/requests/statement", in)
	wantCode(t, "statement", code, text, 200)
	in["statement"], in["signature"] = string(text), d.people["anna"].sign(t, text)
	d.send(t, clerk, "POST", "/api/v1/requests", in, 422, nil)
	in["signature"] = d.people["clerk"].sign(t, text)
	var e ca.RequestEntry
	d.send(t, clerk, "POST", "/api/v1/requests", in, 201, &e)
	if e.Submission == nil || e.Submission.Operator != "clerk" {
		t.Errorf("%+v", e)
	}
}

// TestAPICookie: the page's cookie is a session for the API too, with the
// attributes that keep it in the browser; a request of another site is refused.
func TestAPICookie(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	token := d.login(t, "clerk")
	c := d.client(nil, nil)
	cookie := sessionCookie + "=" + token
	code, body := d.call(t, c, "GET", "/api/v1/session", nil, "Cookie", cookie)
	wantCode(t, "cookie", code, body, 200)
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		code, body = d.call(t, c, "POST", "/api/v1/crl", struct{}{}, "Cookie", cookie, name, value)
		wantCode(t, name, code, body, 403)
		if got := d.lastRefusal(t); got != "cross-origin" {
			t.Errorf("%s: journal: %s", name, got)
		}
		code, body = d.call(t, c, "DELETE", "/api/v1/session", nil, "Cookie", cookie, name, value)
		wantCode(t, name, code, body, 403)
	}
	code, body = d.call(t, c, "GET", "/api/v1/requests?personal=1", nil, "Cookie", cookie, "Sec-Fetch-Site", "cross-site")
	wantCode(t, "another site asks for personal data", code, body, 403)
	if got := d.lastRefusal(t); got != "cross-origin" {
		t.Errorf("personal data: journal: %s", got)
	}
	code, body = d.call(t, c, "GET", "/api/v1/requests?personal=1", nil, "Cookie", cookie)
	wantCode(t, "the person asks", code, body, 200)
	if got := d.lastRefusal(t); got != "(personal-data)" {
		t.Errorf("personal data: journal: %s", got)
	}
	code, body = d.call(t, c, "POST", "/api/v1/crl", struct{}{}, "Cookie", cookie, "Origin", d.url)
	wantCode(t, "the own site", code, body, 201)
	code, body = d.call(t, c, "GET", "/api/v1/session", nil, "Authorization", "bearer "+token)
	wantCode(t, "a scheme in lower case", code, body, 200)
	code, body = d.call(t, c, "GET", "/api/v1/session", nil, "Cookie", cookie, "Authorization", "Bearer wrong")
	wantCode(t, "a wrong token beside it", code, body, 401)
	code, body = d.call(t, c, "DELETE", "/api/v1/session", nil, "Cookie", cookie)
	wantCode(t, "sign out", code, body, 204)
	code, body = d.as(t, token, "GET", "/api/v1/session", nil)
	wantCode(t, "the token of the same session", code, body, 401)

	w := &cookieWriter{header: http.Header{}}
	setSessionCookie(w, "t", time.Unix(100, 0), time.Unix(40, 0))
	if got := w.header.Get("Set-Cookie"); got != "__Host-gk-session=t; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict" {
		t.Error(got)
	}
}

type cookieWriter struct{ header http.Header }

func (w *cookieWriter) Header() http.Header         { return w.header }
func (w *cookieWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *cookieWriter) WriteHeader(int)             {}

// TestAPISessionEnds: a session ends when nobody uses it, and one that ended
// does not come back.
func TestAPISessionEnds(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	token := d.login(t, "anna")
	for range 3 {
		d.later(limits.CAServerIdle - time.Minute)
		d.get(t, token, "/api/v1/session", 200, nil)
	}
	d.later(limits.CAServerIdle + time.Minute)
	d.get(t, token, "/api/v1/session", 401, nil)

	token = d.login(t, "anna")
	serial := serialOf(t, d.people["anna"].cert)
	must[ca.Entry](t)(d.Hold(t.Context(), ca.Revocation{Serial: serial, Actor: "test"}))
	d.get(t, token, "/api/v1/session", 401, nil)
	must[ca.Entry](t)(d.Release(t.Context(), ca.Revocation{Serial: serial, Actor: "test"}))
	d.get(t, token, "/api/v1/session", 401, nil)

	var tokens []string
	for range limits.CAServerOwnSessions + 1 {
		tokens = append(tokens, d.login(t, "clerk"))
		d.later(time.Second)
	}
	d.get(t, tokens[0], "/api/v1/session", 401, nil)
	d.get(t, tokens[1], "/api/v1/session", 200, nil)
	d.get(t, tokens[len(tokens)-1], "/api/v1/session", 200, nil)
}

// TestAPILedgerAway: while the ledger cannot be reached, nobody is told that
// they may not, or that there is nothing, but to come back.
func TestAPILedgerAway(t *testing.T) {
	d := newEST(t)
	key := ecdsaKey(t)
	cert := d.direct(t, "device", "CN=станок", key)
	token := d.login(t, "clerk")
	if err := d.Ledger().Close(); err != nil {
		t.Fatal(err)
	}
	d.get(t, token, "/api/v1/requests", 503, nil)
	d.get(t, token, "/readyz", 503, nil)
	code, body := d.call(t, d.client(cert, key), "GET", "/api/v1/requests", nil)
	wantCode(t, "by certificate", code, body, 503)
	code, body = d.renew(t, cert, key, "device", reenrol, newCSR(t, "CN=станок", ecdsaKey(t)))
	wantCode(t, "EST", code, body, 503)
	code, body = d.call(t, d.client(nil, nil), "GET", "/healthz", nil)
	wantCode(t, "health", code, body, 200)
}

// TestCAProblemsDescribed: the description names every type of problem.
func TestCAProblemsDescribed(t *testing.T) {
	doc := must[*openapi3.T](t)(apiSpec())
	var described []string
	for _, v := range doc.Components.Schemas["Problem"].Value.Properties["type"].Value.Enum {
		described = append(described, strings.TrimPrefix(fmt.Sprint(v), problemPrefix))
	}
	made := []string{"not-covered", "tls", "cross-origin"}
	for _, p := range []*problem{
		notFound(), wrongMethod("GET"), tooLarge(1, nil), tooSlow(nil), busy(), internal(nil), rateExceeded(), notLoggedIn(), badJSON(nil), notJSON(),
		badQuery("x"), personalNeeded(), ledgerAway(), notPublished(),
	} {
		made = append(made, p.kind)
	}
	for _, err := range []error{ca.ErrRenewal, ca.ErrStatement, ca.ErrRole, ca.ErrNotFound, ca.ErrState, ca.ErrRevoked, ca.ErrNoLists, ca.ErrNoKey, ca.ErrOutsideValidity} {
		made = append(made, caProblem(err).kind)
	}
	slices.Sort(made)
	if !slices.Equal(made, described) {
		t.Errorf("problems\n%q\ndescribed\n%q", made, described)
	}
}

// TestCheckDescribed: the comparison with the description finds what is wrong.
func TestCheckDescribed(t *testing.T) {
	doc := must[*openapi3.T](t)(apiSpec())
	schema := doc.Components.Schemas["Session"].Value
	for text, ok := range map[string]bool{
		`{"operator":"anna","roles":["approver"]}`: true, `{"operator":"anna"}`: false, `{"operator":"anna","roles":["boss"]}`: false,
		`{"operator":"anna","roles":[],"x":1}`: false, `{"operator":1,"roles":[]}`: false,
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.VisitJSON(v, openapi3.VisitAsResponse()); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
