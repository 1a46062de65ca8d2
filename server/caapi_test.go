package server

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func wantCode(t testing.TB, what string, code int, body []byte, want int) {
	t.Helper()
	if code != want {
		t.Fatalf("%s: %d, want %d: %s", what, code, want, body)
	}
}

func (d *caDesk) submitAs(t *testing.T, token, profile string) ca.RequestEntry {
	t.Helper()
	key := must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", ""))
	csr := base64.StdEncoding.EncodeToString(newCSR(t, "CN=Станок 7", key).Raw)
	code, body := d.as(t, token, "POST", "/api/v1/requests", map[string]any{"csr": csr, "profile": profile})
	wantCode(t, "submit", code, body, 201)
	var e ca.RequestEntry
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestAPIWorkflow walks a request from submission to certificate.
func TestAPIWorkflow(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk, anna, auditor := d.login(t, "clerk"), d.login(t, "anna"), d.login(t, "auditor")
	e := d.submitAs(t, clerk, "checked")
	if e.State != ca.Submitted || e.Submitter != "clerk" {
		t.Fatalf("%+v", e)
	}
	path := "/api/v1/requests/" + e.ID
	code, body := d.as(t, clerk, "POST", path+"/issue", struct{}{})
	wantCode(t, "issue before approval", code, body, 409)
	code, text := d.as(t, anna, "GET", path+"/statement?decision=approve", nil)
	wantCode(t, "statement", code, text, 200)
	code, body = d.as(t, anna, "POST", path+"/decision", map[string]any{"statement": string(text), "signature": d.people["anna"].sign(t, text)})
	wantCode(t, "decision", code, body, 200)
	code, body = d.as(t, clerk, "POST", path+"/issue", struct{}{})
	wantCode(t, "issue", code, body, 201)
	code, body = d.as(t, auditor, "GET", path+"/certificate", nil)
	wantCode(t, "certificate for an auditor", code, body, 403)
	code, body = d.as(t, clerk, "GET", path+"/certificate", nil)
	wantCode(t, "certificate", code, body, 200)
	if c := must[*pki.Certificate](t)(pki.ParseCertificate(body)); c.CheckSignatureFrom(d.Certificate()) != nil {
		t.Fatal("the certificate is not the authority's")
	}
	code, body = d.as(t, auditor, "GET", "/api/v1/requests?state=issued", nil)
	var list struct{ Requests []requestBody }
	if err := json.Unmarshal(body, &list); err != nil || code != 200 || len(list.Requests) != 1 || list.Requests[0].Subject != "CN=С*** ***" || list.Requests[0].CSR != nil {
		t.Fatalf("%d %s", code, body)
	}
}

// TestAPIRefused tries the doors from outside: each refusal is answered and
// stands in the journal.
func TestAPIRefused(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk, anna, boris, auditor := d.login(t, "clerk"), d.login(t, "anna"), d.login(t, "boris"), d.login(t, "auditor")
	e := d.submitAs(t, boris, "checked")
	path := "/api/v1/requests/" + e.ID
	text := must[ca.Statement](t)(d.DecisionStatement(t.Context(), e.ID, ca.DecisionApprove, "anna", ca.RoleApprover)).Text()
	signature := d.people["anna"].sign(t, text)
	decision := func(text, signature []byte) map[string]any {
		return map[string]any{"statement": string(text), "signature": signature}
	}
	own := must[ca.Statement](t)(d.DecisionStatement(t.Context(), e.ID, ca.DecisionApprove, "boris", ca.RoleApprover)).Text()
	for _, c := range []struct {
		name, token, method, path string
		in                        any
		code                      int
		reason                    string // in the journal; "" is none
	}{
		{"no session", "wrong", "GET", "/api/v1/requests", nil, 401, "unauthorized"},
		{"auditor submits", auditor, "POST", "/api/v1/requests", map[string]any{"csr": "AAAA"}, 403, "role"},
		{"auditor decides", auditor, "POST", path + "/decision", decision(text, signature), 403, "role"},
		{"approver issues", anna, "POST", path + "/issue", struct{}{}, 403, "role"},
		{"another's decision", boris, "POST", path + "/decision", decision(text, signature), 403, "another-operator"},
		{"own request", boris, "POST", path + "/decision", decision(own, d.people["boris"].sign(t, own)), 403, "self-approval"},
		{"forged", anna, "POST", path + "/decision", decision(text, d.people["clerk"].sign(t, text)), 422, "statement: signature"},
		{"changed", anna, "POST", path + "/decision", decision([]byte(strings.Replace(string(text), "approve\n", "reject\n", 1)), signature), 422, "statement: signature"},
		{"unsigned rejection", clerk, "POST", path + "/reject", map[string]any{}, 403, "approval-needed"},
		{"oversized", clerk, "POST", "/api/v1/requests", map[string]any{"csr": strings.Repeat("A", limits.CAServerBody)}, 413, "oversized"},
		{"no request", clerk, "POST", "/api/v1/requests/" + strings.Repeat("0", 64) + "/issue", struct{}{}, 404, "not-found"},
		{"no identifier", clerk, "POST", "/api/v1/requests/" + strings.Repeat("x", 4096) + "/issue", struct{}{}, 404, ""},
		{"unknown member", clerk, "POST", "/api/v1/requests", map[string]any{"csr": "AAAA", "x": 1}, 400, ""},
		{"rubbish", clerk, "POST", "/api/v1/requests", map[string]any{"csr": "AAAA"}, 422, ""},
		{"limit", clerk, "GET", "/api/v1/requests?limit=100000", nil, 400, ""},
		{"method", clerk, "PUT", "/api/v1/requests", nil, 405, ""},
		{"address", clerk, "GET", "/api/v1/nothing", nil, 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, body := d.as(t, c.token, c.method, c.path, c.in)
			wantCode(t, c.name, code, body, c.code)
			if got := d.lastRefusal(t); c.reason != "" && got != c.reason {
				t.Errorf("journal: %s, want %s", got, c.reason)
			}
		})
	}
	if code, body := d.as(t, anna, "POST", path+"/decision", decision(text, signature)); code != 200 {
		t.Fatalf("the true decision: %d %s", code, body)
	}
	code, body := d.as(t, anna, "POST", path+"/decision", decision(text, signature))
	wantCode(t, "replayed", code, body, 409)
}

// TestAPISession: a challenge opens one session for its operator, in its time.
func TestAPISession(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	text := d.askChallenge(t, "anna")
	signature := d.people["anna"].sign(t, []byte(text))
	refused := func(what, text string, signature []byte, reason string) {
		t.Helper()
		if code, token := d.answerChallenge(t, text, signature); code != 401 || token != "" {
			t.Errorf("%s: %d %q", what, code, token)
		}
		if got := d.lastRefusal(t); got != reason {
			t.Errorf("%s: journal: %s", what, got)
		}
	}
	refused("another's key", text, d.people["boris"].sign(t, []byte(text)), "challenge-signature")
	other := strings.Replace(text, "operator: anna", "operator: boris", 1)
	refused("another's name", other, d.people["boris"].sign(t, []byte(other)), "challenge-forged")
	refused("no challenge", "", nil, "challenge-forged")
	nobody := d.askChallenge(t, "nobody")
	refused("nobody", nobody, d.people["boris"].sign(t, []byte(nobody)), "challenge-nobody")
	code, token := d.answerChallenge(t, text, signature)
	if code != 201 {
		t.Fatal(code)
	}
	refused("replayed", text, signature, "challenge-replayed")
	late := d.askChallenge(t, "anna")
	d.later(limits.CAServerChallenge + 2*time.Second)
	refused("late", late, d.people["anna"].sign(t, []byte(late)), "challenge-expired")

	if code, body := d.as(t, token, "GET", "/api/v1/session", nil); code != 200 || !strings.Contains(string(body), "anna") {
		t.Fatalf("%d %s", code, body)
	}
	second := d.login(t, "anna")
	if code, _ := d.as(t, second, "DELETE", "/api/v1/session", nil); code != 204 {
		t.Fatal(code)
	}
	code, body := d.as(t, second, "GET", "/api/v1/session", nil)
	wantCode(t, "after logging out", code, body, 401)
	d.later(limits.CAServerSession)
	code, body = d.as(t, token, "GET", "/api/v1/session", nil)
	wantCode(t, "after its time", code, body, 401)

	fresh := d.login(t, "clerk")
	must[ca.Operator](t)(d.RemoveOperator(t.Context(), "clerk", "test"))
	code, body = d.as(t, fresh, "GET", "/api/v1/session", nil)
	wantCode(t, "removed", code, body, 401)
	fresh = d.login(t, "anna")
	must[ca.Entry](t)(d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, d.people["anna"].cert), Reason: ca.KeyCompromise, Actor: "test"}))
	code, body = d.as(t, fresh, "GET", "/api/v1/session", nil)
	wantCode(t, "revoked", code, body, 401)
}

func serialOf(t testing.TB, c *pki.Certificate) ca.Serial {
	t.Helper()
	return must[ca.Serial](t)(ca.SerialFrom(c.SerialNumber))
}

// TestAPIClientCertificate: the registered certificate of the connection is
// the operator, another one of the authority is nobody.
func TestAPIClientCertificate(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	key := must[crypto.Signer](t)(alg.GenerateKey("ecdsa-p256", ""))
	cert := d.direct(t, "device", "CN=olga", key)
	code, body := d.call(t, d.client(cert, key), "GET", "/api/v1/session", nil)
	wantCode(t, "before", code, body, 401)
	must[ca.Operator](t)(d.AddOperator(t.Context(), ca.NewOperator{Name: "olga", Roles: []ca.Role{ca.RoleAuditor}, Certificate: cert, Actor: "test"}))
	code, body = d.call(t, d.client(cert, key), "GET", "/api/v1/requests", nil)
	wantCode(t, "registered", code, body, 200)
	code, body = d.call(t, d.client(cert, key), "GET", "/api/v1/requests", nil, "Authorization", "Bearer x")
	wantCode(t, "a wrong token beside it", code, body, 401)
	code, body = d.call(t, d.client(cert, key), "POST", "/api/v1/requests", nil, "Content-Type", "text/plain")
	wantCode(t, "cross-role", code, body, 403)
	must[ca.Entry](t)(d.Hold(t.Context(), ca.Revocation{Serial: serialOf(t, cert), Actor: "test"}))
	code, body = d.call(t, d.client(cert, key), "GET", "/api/v1/requests", nil)
	wantCode(t, "on hold", code, body, 401)
}

// TestCAServiceLimits: without TLS nothing but health is answered, an address
// that asks too often waits, and strangers do not fill the journal.
func TestCAServiceLimits(t *testing.T) {
	d := newCADesk(t, CAOptions{Rate: 1, Burst: 70})
	plain := httptest.NewRecorder()
	d.service.ServeHTTP(plain, httptest.NewRequest(http.MethodGet, "/api/v1/requests", nil))
	wantCode(t, "plain", plain.Code, plain.Body.Bytes(), 403)
	c := d.client(nil, nil)
	codes := map[int]int{}
	for range 80 {
		code, _ := d.call(t, c, "GET", "/api/v1/requests", nil)
		codes[code]++
	}
	if codes[401] < 70 || codes[429] < 5 {
		t.Errorf("%v", codes)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		code, body := d.call(t, c, "GET", path, nil)
		wantCode(t, path, code, body, 200)
	}
	rec := httptest.NewRecorder()
	d.service.Metrics().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := rec.Body.String()
	for _, want := range []string{`gosklyuch_ca_refusals_total{reason="rate"}`, `gosklyuch_ca_refusals_unrecorded_total`, `endpoint="/api/v1/requests"`} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(text, "gosklyuch_ca_refusals_unrecorded_total 0") {
		t.Error("every refusal of a stranger is on record")
	}
	d.later(50 * 365 * 24 * time.Hour)
	code, body := d.call(t, c, "GET", "/readyz", nil)
	wantCode(t, "expired authority", code, body, 503)
}
