package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// statement is what an operator signs about a request now.
func (d *caDesk) statement(t testing.TB, id, operator string, decision ca.Decision, role ca.Role) []byte {
	t.Helper()
	return must[ca.Statement](t)(d.DecisionStatement(t.Context(), id, decision, operator, role)).Text()
}

func decisionBody(text, signature []byte) map[string]any {
	return map[string]any{"statement": string(text), "signature": signature}
}

// TestAttackDecision tries to get a request approved without the two people whom
// the profile asks for. Each attempt is refused and stands in the journal; the
// request stays where it was.
func TestAttackDecision(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk, anna, boris := d.login(t, "clerk"), d.login(t, "anna"), d.login(t, "boris")
	e, other := d.submitAs(t, clerk, "checked"), d.submitAs(t, clerk, "checked")
	own := d.submitAs(t, boris, "checked")
	path := "/api/v1/requests/" + e.ID + "/decision"
	sign := func(who string, text []byte) []byte { return d.people[who].sign(t, text) }
	good := d.statement(t, e.ID, "anna", ca.DecisionApprove, ca.RoleApprover)
	edit := func(old, now string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the statement has no %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(now), 1)
	}
	elsewhere := newCADesk(t, CAOptions{})
	foreign := bytes.Replace(good, good[bytes.Index(good, []byte("authority: ")):bytes.Index(good, []byte("request: "))],
		[]byte(fmt.Sprintf("authority: %x\n", authorityDigest(elsewhere))), 1)
	aboutOther := d.statement(t, other.ID, "anna", ca.DecisionApprove, ca.RoleApprover)
	selfText := d.statement(t, own.ID, "boris", ca.DecisionApprove, ca.RoleApprover)
	operatorText := d.statement(t, e.ID, "anna", ca.DecisionApprove, ca.RoleOperator)
	stale := edit(good2time(good), d.now().Add(-25*time.Hour).UTC().Format(time.RFC3339))
	future := edit(good2time(good), d.now().Add(time.Hour).UTC().Format(time.RFC3339))
	challenge := []byte(d.askChallenge(t, "anna"))
	for _, c := range []struct {
		name, token, path string
		text, signature   []byte
		code              int
		word              string
	}{
		{"no signature", anna, path, good, nil, 422, "statement: signature"},
		{"rubbish for a signature", anna, path, good, []byte("\x30\x80rubbish"), 422, "statement: signature"},
		{"signed by another approver", anna, path, good, sign("boris", good), 422, "statement: signature"},
		{"the signature of another statement", anna, path, good, sign("anna", aboutOther), 422, "statement: signature"},
		{"brought by another", boris, path, good, sign("anna", good), 403, "another-operator"},
		{"of another request", anna, path, aboutOther, sign("anna", aboutOther), 422, "statement: request"},
		{"of another authority", anna, path, foreign, sign("anna", foreign), 422, "statement: authority"},
		{"in a role one does not have", anna, path, operatorText, sign("anna", operatorText), 403, "role"},
		{"an operator approves", clerk, path, edit("operator: anna", "operator: clerk"), sign("clerk", edit("operator: anna", "operator: clerk")), 403, "role"},
		{"the submitter approves", boris, "/api/v1/requests/" + own.ID + "/decision", selfText, sign("boris", selfText), 403, "self-approval"},
		{"yesterday's", anna, path, stale, sign("anna", stale), 422, "stale"},
		{"tomorrow's", anna, path, future, sign("anna", future), 422, "stale"},
		{"a signed challenge", anna, path, challenge, sign("anna", challenge), 422, "statement: text"},
		{"a line more", anna, path, append(bytes.Clone(good), "x: y\n"...), sign("anna", append(bytes.Clone(good), "x: y\n"...)), 422, "statement: text"},
		{"huge", anna, path, bytes.Repeat([]byte("A"), limits.Statement+1), nil, 422, "statement: text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, body := d.as(t, c.token, "POST", c.path, decisionBody(c.text, c.signature))
			wantCode(t, c.name, code, body, c.code)
			if got := d.lastRefusal(t); got != c.word {
				t.Errorf("journal: %s, want %s", got, c.word)
			}
			if now := must[ca.RequestEntry](t)(d.Request(t.Context(), e.ID)); now.State != ca.Submitted {
				t.Fatalf("the request is %s", now.State)
			}
		})
	}
	// The statement is signed for one person, who cannot use it twice.
	code, body := d.as(t, anna, "POST", path, decisionBody(good, sign("anna", good)))
	wantCode(t, "the true one", code, body, 200)
	code, body = d.as(t, anna, "POST", path, decisionBody(good, sign("anna", good)))
	wantCode(t, "replayed", code, body, 409)
	code, body = d.as(t, anna, "POST", "/api/v1/requests/"+other.ID+"/decision", decisionBody(good, sign("anna", good)))
	wantCode(t, "replayed elsewhere", code, body, 422)
}

func good2time(text []byte) string {
	_, at, _ := strings.Cut(string(text), "time: ")
	return strings.TrimSpace(at)
}

func authorityDigest(d *caDesk) []byte {
	_, _, sum := d.Certificate().Thumbprints()
	return sum[:]
}

// TestAttackSecondCertificate: a person with two certificates is one person, and
// a certificate of the same name is nobody's until it is registered.
func TestAttackSecondCertificate(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	key := must[crypto.Signer](t)(alg.GenerateKey("ecdsa-p256", ""))
	twin := d.direct(t, "device", "CN=anna", key)
	code, body := d.call(t, d.client(twin, key), "GET", "/api/v1/session", nil)
	wantCode(t, "a certificate of the same name", code, body, 401)
	// Signed with that key, a challenge for anna opens nothing.
	text := d.askChallenge(t, "anna")
	code, token := d.answerChallenge(t, text, caPerson{twin, key}.sign(t, []byte(text)))
	if code != 401 || token != "" || d.lastRefusal(t) != "challenge-signature" {
		t.Errorf("%d %q %s", code, token, d.lastRefusal(t))
	}
	// The same key does not become a second name.
	p := d.people["anna"]
	again := d.direct(t, "tsa", "CN=anna-2", p.key)
	if _, err := d.AddOperator(t.Context(), ca.NewOperator{Name: "anna-2", Roles: []ca.Role{ca.RoleApprover}, Certificate: again, Actor: "test"}); !errors.Is(err, ca.ErrOperatorExists) {
		t.Errorf("the same key under a second name: %v", err)
	}
	// Who is registered anew with another key has lost the sessions of the old.
	old := d.login(t, "anna")
	must[ca.Operator](t)(d.RemoveOperator(t.Context(), "anna", "test"))
	must[ca.Operator](t)(d.AddOperator(t.Context(), ca.NewOperator{Name: "anna", Roles: []ca.Role{ca.RoleApprover}, Certificate: twin, Actor: "test"}))
	d.get(t, old, "/api/v1/session", 401, nil)
}

// TestAttackChallenge: what is answered is this service's own challenge, as it
// was made, once and in time.
func TestAttackChallenge(t *testing.T) {
	d, other := newCADesk(t, CAOptions{}), newCADesk(t, CAOptions{})
	text := d.askChallenge(t, "anna")
	for _, c := range []struct{ name, text, word string }{
		{"made by another service", other.askChallenge(t, "anna"), "challenge-forged"},
		{"without its seal", text[:strings.Index(text, "seal: ")], "challenge-forged"},
		{"two seals", text + "seal: x\n", "challenge-forged"},
		{"a line before", "x\n" + text, "challenge-forged"},
		{"another time", strings.Replace(text, "time: 2", "time: 3", 1), "challenge-forged"},
		{"empty", "", "challenge-forged"},
		{"a statement", string(decisionOf(t, d)), "challenge-forged"},
	} {
		code, token := d.answerChallenge(t, c.text, d.people["anna"].sign(t, []byte(c.text)))
		if code != 401 || token != "" || d.lastRefusal(t) != c.word {
			t.Errorf("%s: %d %q %s", c.name, code, token, d.lastRefusal(t))
		}
	}
	for name, in := range map[string]any{
		"a name with a line": map[string]any{"operator": "anna\ntime: 2030-01-01T00:00:00Z"}, "no name": map[string]any{"operator": ""},
		"a long name": map[string]any{"operator": strings.Repeat("a", 65)}, "a colon": map[string]any{"operator": "a:b"}, "not a text": map[string]any{"operator": 1},
	} {
		code, body := d.call(t, d.client(nil, nil), "POST", "/api/v1/challenge", in)
		wantCode(t, name, code, body, 400)
	}
	code, body := d.call(t, d.client(nil, nil), "POST", "/api/v1/session", []byte(`{"challenge":"`+strings.Repeat("A", limits.CAServerUnknown)+`"}`))
	if wantCode(t, "oversized by a stranger", code, body, 413); d.lastRefusal(t) != "oversized" {
		t.Error(d.lastRefusal(t))
	}
}

func decisionOf(t testing.TB, d *caDesk) []byte {
	t.Helper()
	e := must[ca.RequestEntry](t)(d.Submit(t.Context(), ca.Submission{
		Request: ca.Request{CSR: newCSR(t, "CN=x", ecdsaKey(t)), Actor: "test"}, Profile: "checked", Submitter: "clerk", Authenticated: true,
	}))
	return d.statement(t, e.ID, "anna", ca.DecisionApprove, ca.RoleApprover)
}

// TestAttackJSON: what two readers may understand in two ways is refused, and so
// is what takes memory or time.
func TestAttackJSON(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk := d.login(t, "clerk")
	for name, body := range map[string]string{
		"a member twice":           `{"note":"a","note":"b"}`,
		"a member in another case": `{"note":"a","NOTE":"b"}`,
		"U+017F for s":             `{"cſr":"AAAA"}`,
		"unknown":                  `{"csr":"AAAA","admin":true}`,
		"deep":                     strings.Repeat(`{"note":`, 10000) + `1` + strings.Repeat(`}`, 10000),
		"deep arrays":              `{"note":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`,
		"two values":               `{"csr":"AAAA"}{"csr":"AAAA"}`,
		"an array":                 `[{"csr":"AAAA"}]`,
		"null":                     `null`,
		"a text":                   `"csr"`,
		"nothing":                  ``,
		"cut off":                  `{"csr":"AAAA"`,
		"a wrong type":             `{"csr":[]}`,
		"a number out of range":    `{"csr":"AAAA","days":1e400}`,
		"not UTF-16":               `{"csr":"AAAA"},`,
		"a comment":                `{"csr":"AAAA"/**/}`,
	} {
		code, answer := d.as(t, clerk, "POST", "/api/v1/requests", []byte(body))
		wantCode(t, name, code, answer, 400)
	}
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json5", "application/json, text/plain", "application/jso n"} {
		code, body := d.call(t, d.client(nil, nil), "POST", "/api/v1/requests", []byte(`{"csr":"AAAA"}`), "Authorization", "Bearer "+clerk, "Content-Type", media)
		wantCode(t, media, code, body, 415)
	}
}

// TestAttackPaths: an address has one spelling, and what stands in it has one
// form.
func TestAttackPaths(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	clerk := d.login(t, "clerk")
	id := strings.Repeat("0", 64)
	for _, path := range []string{
		"//api/v1/requests", "/api//v1/requests", "/api/v1/./requests", "/api/v1/x/../requests", "/api/v1/requests/", "/api/v1/requests/%2e%2e/status",
		"/api/v1/requests/" + id + "%2f", "/api/v1/requests/" + id + "/", "/API/v1/requests", "/api/v1/requests;x", "/api/v1/requests%00", "/api/v1/requests/" + id + "%00",
		"/api/v1/requests/" + strings.Repeat("F", 64), "/api/v1/certificates/..%2f..%2fetc", "/api/v1/profiles/..%2fcitizen", "/api/v1/journal/..%2f/1", "/.well-known/est/../../api/v1/requests",
	} {
		code, body := d.as(t, clerk, "GET", path, nil)
		wantCode(t, path, code, body, 404)
	}
	for _, method := range []string{"PUT", "PATCH", "TRACE", "OPTIONS", "PROPFIND"} {
		code, body := d.as(t, clerk, method, "/api/v1/requests", nil)
		wantCode(t, method, code, body, 405)
	}
	code, _ := d.as(t, clerk, "HEAD", "/api/v1/requests", nil)
	if code != 200 {
		t.Errorf("HEAD: %d", code)
	}
}

// TestAttackFloods: headers without end, slow bodies and strangers who are
// refused again and again cost a bounded amount.
func TestAttackFloods(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	c := d.client(nil, nil)
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), "GET", d.url+"/api/v1/session", nil))
	for n := range 2000 {
		req.Header.Set(fmt.Sprintf("X-%d", n), strings.Repeat("a", 100))
	}
	resp := must[*http.Response](t)(c.Do(req))
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("headers: %d", resp.StatusCode)
	}
	// Strangers have used up their allowance, and an operator who goes beyond
	// their roles is on record all the same.
	anna := d.login(t, "anna")
	for range limits.CAServerRefusals + 20 {
		d.call(t, c, "GET", "/api/v1/requests", nil)
	}
	before := d.lastRecord(t).Seq
	d.call(t, c, "GET", "/api/v1/requests", nil)
	if got := d.lastRecord(t).Seq; got != before {
		t.Error("strangers fill the journal")
	}
	code, body := d.as(t, anna, "POST", "/api/v1/crl", struct{}{})
	wantCode(t, "cross-role", code, body, 403)
	if r := d.lastRecord(t); d.lastRefusal(t) != "role" || r.Actor != "anna" {
		t.Errorf("%s by %s", d.lastRefusal(t), r.Actor)
	}
}

// TestAttackSlowBody: a body that does not come ends the request, over HTTP/1.1
// and HTTP/2.
func TestAttackSlowBody(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	s := httptest.NewUnstartedServer(nil)
	s.Config = New(d.service, nil)
	if s.Config.ReadTimeout > 30*time.Second || s.Config.ReadHeaderTimeout > 30*time.Second || s.Config.ReadTimeout == 0 {
		t.Fatalf("times: %s, %s", s.Config.ReadTimeout, s.Config.ReadHeaderTimeout)
	}
	s.Config.ReadTimeout = 300 * time.Millisecond
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	for _, protocols := range [][]string{{"http/1.1"}, {"h2"}} {
		body, writer := io.Pipe()
		client := s.Client()
		tr := client.Transport.(*http.Transport).Clone()
		tr.TLSClientConfig.NextProtos = protocols
		tr.ForceAttemptHTTP2 = protocols[0] == "h2"
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		req := must[*http.Request](t)(http.NewRequestWithContext(ctx, "POST", s.URL+"/api/v1/challenge", body))
		req.Header.Set("Content-Type", "application/json")
		go writer.Write([]byte(`{"operator":`)) //nolint:errcheck // the rest never comes
		resp, err := (&http.Client{Transport: tr}).Do(req)
		if err == nil {
			if resp.StatusCode != http.StatusRequestTimeout && resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d", protocols[0], resp.StatusCode)
			}
			resp.Body.Close()
		} else if ctx.Err() != nil {
			t.Errorf("%s: the request is still there", protocols[0])
		}
		writer.Close()
		cancel()
	}
}

// TestAttackHTTP2: streams that are opened and cancelled, headers that HTTP/2
// does not have, and pseudo-headers that contradict one another.
func TestAttackHTTP2(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	dial := func() (*tls.Conn, *http2.Framer) {
		t.Helper()
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: d.roots, NextProtos: []string{"h2"}, ServerName: "localhost"}}).DialContext(t.Context(), "tcp", strings.TrimPrefix(d.url, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		c := conn.(*tls.Conn)
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, http2.ClientPreface) //nolint:errcheck // the next write tells
		f := http2.NewFramer(c, c)
		if err := f.WriteSettings(); err != nil {
			t.Fatal(err)
		}
		return c, f
	}
	headers := func(list ...string) []byte {
		var b bytes.Buffer
		enc := hpack.NewEncoder(&b)
		for n := 0; n+1 < len(list); n += 2 {
			if err := enc.WriteField(hpack.HeaderField{Name: list[n], Value: list[n+1]}); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	get := []string{":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", "/api/v1/requests"}

	_, f := dial()
	for n := range uint32(500) { // rapid reset
		if f.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*n + 1, BlockFragment: headers(get...), EndHeaders: true, EndStream: true}) != nil ||
			f.WriteRSTStream(2*n+1, http2.ErrCodeCancel) != nil {
			break // the server has had enough
		}
	}
	for name, list := range map[string][]string{
		"upper case":           append(get[:len(get):len(get)], "X-Upper", "1"),
		"connection":           append(get[:len(get):len(get)], "connection", "keep-alive"),
		"transfer-encoding":    append(get[:len(get):len(get)], "transfer-encoding", "chunked"),
		"a second path":        append(get[:len(get):len(get)], ":path", "/healthz"),
		"a line in a value":    append(get[:len(get):len(get)], "x", "a\r\nauthorization: Bearer x"),
		"a path without slash": {":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", "api/v1/requests"},
	} {
		_, f := dial()
		if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers(list...), EndHeaders: true, EndStream: true}); err != nil {
			t.Fatal(err)
		}
		if status := firstAnswer(f); status != "reset" && status != "400" {
			t.Errorf("%s: %s", name, status)
		}
	}
	d.get(t, d.login(t, "clerk"), "/api/v1/requests", 200, nil)
}

// firstAnswer reads the status of stream 1, or how it ended.
func firstAnswer(f *http2.Framer) string {
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return "reset"
		}
		switch v := frame.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return "reset"
		case *http2.MetaHeadersFrame:
			return v.PseudoValue("status")
		}
	}
}

// TestAttackSmuggling: a body whose length is said twice is no request.
func TestAttackSmuggling(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	for name, head := range map[string]string{
		"two lengths":             "Content-Length: 2\r\nContent-Length: 30\r\n",
		"a length and chunks":     "Content-Length: 4\r\nTransfer-Encoding: chunked, identity\r\n",
		"an unknown coding":       "Transfer-Encoding: gzip\r\n",
		"a space before a colon":  "Content-Length : 2\r\n",
		"a folded line":           "X: a\r\n b: c\r\n",
		"a negative length":       "Content-Length: -1\r\n",
		"two hosts":               "Host: a\r\nHost: b\r\n",
		"a length that overflows": "Content-Length: 99999999999999999999\r\n",
	} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(d.url, "https://"), &tls.Config{RootCAs: d.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		status := rawRequest(t, conn, "POST /api/v1/challenge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+head+"\r\n{}")
		conn.Close()
		if status != 400 && status != 501 {
			t.Errorf("%s: %d", name, status)
		}
	}
}

func rawRequest(t *testing.T, conn net.Conn, text string) int {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// TestAttackEST: what a client may not do by its certificate or password.
func TestAttackEST(t *testing.T) {
	d := newEST(t)
	key := ecdsaKey(t)
	cert := d.direct(t, "device", "CN=станок", key)
	thief := ecdsaKey(t)
	// The certificate without its key opens no connection.
	if _, err := d.client(cert, thief).Get(d.url + "/readyz"); err == nil {
		t.Error("a connection without the key")
	}
	// A request that the client did not sign proves no key.
	csr := newCSR(t, "CN=станок", ecdsaKey(t))
	broken := bytes.Clone(csr.Raw)
	broken[len(broken)-1] ^= 1
	code, body := d.call(t, d.client(cert, key), "POST", "/.well-known/est/simplereenroll", []byte(string(body64(must[*pki.CertificateRequest](t)(pki.ParseRequest(broken))))), "Content-Type", pkcs10)
	wantCode(t, "no proof of possession", code, body, 422)
	if got := d.lastRefusal(t); got != "request: signature" {
		t.Errorf("journal: %s", got)
	}
	// Somebody else's request, found on the way, is not handed out.
	next := newCSR(t, "CN=станок", ecdsaKey(t))
	code, body = d.renew(t, cert, key, "device", reenrol, next)
	wantCode(t, "re-enrol", code, body, 200)
	twinKey := ecdsaKey(t)
	twin := d.direct(t, "device", "CN=станок", twinKey)
	code, body = d.renew(t, twin, twinKey, "device", reenrol, next)
	wantCode(t, "the request of a namesake", code, body, 403)
	if got := d.lastRefusal(t); got != "submitter" {
		t.Errorf("journal: %s", got)
	}
	// A device is no operator, and an operator's session does not enrol.
	code, body = d.call(t, d.client(cert, key), "GET", "/api/v1/requests", nil)
	wantCode(t, "a device at the API", code, body, 401)
	code, body = d.call(t, d.client(nil, nil), "POST", "/.well-known/est/simpleenroll", body64(next), "Content-Type", pkcs10, "Authorization", "Bearer "+d.login(t, "clerk"))
	wantCode(t, "a session at EST", code, body, 401)
}

// FuzzAPIJSON: whatever checkJSON accepts is one object that the decoder reads,
// or refuses, without a panic; nothing that it accepts has a member twice.
func FuzzAPIJSON(f *testing.F) {
	for _, s := range []string{`{"csr":"AAAA"}`, `{"a":[1,2,{"b":null}]}`, `{"a":1,"A":2}`, `[]`, `{`, `{"a":{"a":{"a":{"a":1}}}}`, `{} {}`, "{\"\\u0061\":1,\"a\":2}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON(body) != nil {
			return
		}
		var v map[string]json.RawMessage
		if err := json.Unmarshal(body, &v); err != nil && json.Valid(body) {
			t.Errorf("%q: %v", body, err)
		}
		var in submissionBody
		json.Unmarshal(body, &in) //nolint:errcheck // it may be of another kind
	})
}
