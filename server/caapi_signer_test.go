package server

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
)

// TestAttackSignatureForm: a challenge is answered by one detached signature: not
// by one that carries a text of its own, nor by one among several.
func TestAttackSignatureForm(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	text := d.askChallenge(t, "anna")
	own, other := d.people["anna"].signerInfo(t, []byte(text)), d.people["boris"].signerInfo(t, []byte(text))
	var two, attached, none bytes.Buffer
	if err := cms.WriteDetached(&two, cms.Message{}, []*cms.SignerInfo{own, other}); err != nil {
		t.Fatal(err)
	}
	if err := cms.WriteDetached(&none, cms.Message{}, nil); err != nil {
		t.Fatal(err)
	}
	finish := func(cms.Digests) ([]*cms.SignerInfo, error) { return []*cms.SignerInfo{own}, nil }
	if err := cms.WriteStream(&attached, cms.Message{}, strings.NewReader(text), []*cms.SignerInfo{own}, finish); err != nil {
		t.Fatal(err)
	}
	for name, signature := range map[string][]byte{"two signers": two.Bytes(), "attached": attached.Bytes(), "nobody": none.Bytes()} {
		code, token := d.answerChallenge(t, text, signature)
		if code != 401 || token != "" || d.lastRefusal(t) != "challenge-signature" {
			t.Errorf("%s: %d %s", name, code, d.lastRefusal(t))
		}
	}
	if code, _ := d.answerChallenge(t, text, d.people["anna"].sign(t, []byte(text))); code != 201 {
		t.Errorf("the true one: %d", code)
	}
}

// TestAttackExpiredOperator: the certificate of an operator is looked at again at
// each request: when it has expired, neither a session nor a signature works.
func TestAttackExpiredOperator(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	d.later(d.people["anna"].cert.NotAfter.Sub(d.now()) - 2*time.Minute)
	text := d.askChallenge(t, "anna")
	signature := d.people["anna"].sign(t, []byte(text))
	code, token := d.answerChallenge(t, text, signature)
	if code != 201 {
		t.Fatalf("two minutes before: %d", code)
	}
	text = d.askChallenge(t, "anna")
	signature = d.people["anna"].sign(t, []byte(text))
	d.later(3 * time.Minute)
	if code, body := d.as(t, token, "GET", "/api/v1/session", nil); code != 401 {
		t.Errorf("a session goes on: %d %s", code, body)
	}
	if code, _ := d.answerChallenge(t, text, signature); code != 401 || d.lastRefusal(t) != "challenge-nobody" {
		t.Errorf("a session begins: %d %s", code, d.lastRefusal(t))
	}
}

// TestAttackLongPassword: bcrypt looks at 72 octets, what comes behind them is
// not ignored.
func TestAttackLongPassword(t *testing.T) {
	long := strings.Repeat("p", 72)
	d := newCADesk(t, CAOptions{EST: &ESTOptions{
		Profiles: []string{"device"}, Accounts: []ESTAccount{{Name: "robot", Hash: hashed(t, long), Profiles: []string{"device"}, Automatic: true}},
	}})
	csr := body64(newCSR(t, "CN=x", ecdsaKey(t)))
	for password, want := range map[string]int{long: 200, long + "x": 401, long[1:]: 401} {
		code, body := d.call(t, d.client(nil, nil), "POST", "/.well-known/est/simpleenroll", csr, "Content-Type", pkcs10, "Authorization", basic("robot", password))
		wantCode(t, "a password of "+password[70:]+" at its end", code, body, want)
	}
}

// TestPageLoginWithCertificate: a browser that shows a certificate of nobody logs
// in as any other.
func TestPageLoginWithCertificate(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	key := ecdsaKey(t)
	c := d.pageClient(t, d.direct(t, "device", "CN=stranger", key), key).logIn("anna")
	if code, body := c.get("/desk/status"); code != 200 || strings.Contains(body, `id="name"`) {
		t.Errorf("not logged in: %d", code)
	}
}
