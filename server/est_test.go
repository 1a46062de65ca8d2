package server

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func newEST(t *testing.T) *caDesk {
	t.Helper()
	return newESTOf(t, must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", "cryptopro-a")))
}

func newESTOf(t *testing.T, key crypto.Signer) *caDesk {
	t.Helper()
	hash := hashed(t, "secret")
	return newCADeskOf(t, CAOptions{EST: &ESTOptions{
		Profiles: []string{"device", "checked", "keeper", "guarded"},
		Accounts: []ESTAccount{
			{Name: "robot", Hash: hash, Profiles: []string{"device", "checked", "keeper", "guarded"}, Automatic: true},
			{Name: "visitor", Hash: hash, Profiles: []string{"device"}},
			{Name: "anna", Hash: hash, Profiles: []string{"checked"}},
		},
	}}, key)
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func ecdsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	return must[crypto.Signer](t)(alg.GenerateKey("ecdsa-p256", ""))
}

// body64 is the body of an enrolment.
func body64(csr *pki.CertificateRequest) []byte {
	return []byte(base64.StdEncoding.EncodeToString(csr.Raw))
}

// certsOnly reads an answer.
func certsOnly(t testing.TB, body []byte) []*pki.Certificate {
	t.Helper()
	sd := must[*cms.SignedData](t)(cms.ReadSigned(bytes.NewReader(must[[]byte](t)(decodeBase64(string(body)))), nil, cms.Limits{}))
	var out []*pki.Certificate
	for _, der := range sd.Message().Certificates {
		out = append(out, must[*pki.Certificate](t)(pki.ParseCertificate(der)))
	}
	return out
}

const pkcs10 = "application/pkcs10"

// TestESTPassword: an automatic account gets a certificate at once and the same
// one again; another waits for an operator.
func TestESTPassword(t *testing.T) {
	d := newEST(t)
	c := d.client(nil, nil)
	enrol := func(name string, csr *pki.CertificateRequest, label string) (int, []byte) {
		t.Helper()
		return d.call(t, c, "POST", "/.well-known/est/"+label+"simpleenroll", body64(csr), "Content-Type", pkcs10, "Authorization", basic(name, "secret"))
	}
	csr := newCSR(t, "CN=станок-1", ecdsaKey(t))
	code, first := enrol("robot", csr, "")
	wantCode(t, "enrol", code, first, 200)
	if list := certsOnly(t, first); len(list) != 1 || list[0].Subject.String() != "CN=станок-1" || list[0].CheckSignatureFrom(d.Certificate()) != nil {
		t.Fatalf("%v", list)
	}
	code, again := enrol("robot", csr, "device/")
	wantCode(t, "again", code, again, 200)
	if !bytes.Equal(first, again) {
		t.Error("the same request gave another certificate")
	}
	code, body := enrol("visitor", csr, "")
	wantCode(t, "somebody else's request", code, body, 403)

	gost := newCSR(t, "CN=станок-2", must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", "")))
	code, body = enrol("visitor", gost, "")
	wantCode(t, "waits", code, body, 202)
	must[*pki.Certificate](t)(d.IssueApproved(t.Context(), ca.RequestID(gost), "clerk"))
	code, body = enrol("visitor", gost, "")
	wantCode(t, "issued meanwhile", code, body, 200)

	csr = newCSR(t, "CN=станок-3", ecdsaKey(t))
	code, body = enrol("robot", csr, "checked/")
	wantCode(t, "waits for approval", code, body, 202)
	d.approve(t, csr, "anna")
	code, body = enrol("robot", csr, "checked/")
	wantCode(t, "approved", code, body, 200)

	csr = newCSR(t, "CN=станок-4", ecdsaKey(t))
	code, body = enrol("anna", csr, "checked/")
	wantCode(t, "an approver enrols", code, body, 202)
	e := must[ca.RequestEntry](t)(d.Request(t.Context(), ca.RequestID(csr)))
	if e.Submitter != "anna" {
		t.Errorf("submitter %q: she could approve her own request", e.Submitter)
	}
	must[ca.RequestEntry](t)(d.decide(t, csr, "boris", ca.DecisionReject))
	code, body = enrol("anna", csr, "checked/")
	wantCode(t, "rejected", code, body, 403)
}

func (d *caDesk) decide(t testing.TB, csr *pki.CertificateRequest, by string, decision ca.Decision) (ca.RequestEntry, error) {
	t.Helper()
	id := ca.RequestID(csr)
	text := must[ca.Statement](t)(d.DecisionStatement(t.Context(), id, decision, by, ca.RoleApprover)).Text()
	return d.Decide(t.Context(), id, text, d.people[by].sign(t, text), by)
}

func (d *caDesk) approve(t testing.TB, csr *pki.CertificateRequest, by string) {
	t.Helper()
	must[ca.RequestEntry](t)(d.decide(t, csr, by, ca.DecisionApprove))
}

// TestESTCertificate: the holder of a certificate gets the next one for the
// same subject and a new key, as long as the old one is valid.
func TestESTCertificate(t *testing.T) {
	d := newEST(t)
	key := ecdsaKey(t)
	cert := d.direct(t, "device", "CN=станок", key)
	const re, first = "/.well-known/est/simplereenroll", "/.well-known/est/simpleenroll"
	send := func(path string, csr *pki.CertificateRequest) (int, []byte) {
		t.Helper()
		return d.call(t, d.client(cert, key), "POST", path, body64(csr), "Content-Type", pkcs10)
	}
	next := newCSR(t, "CN=станок", ecdsaKey(t))
	code, body := send(re, next)
	wantCode(t, "re-enrol", code, body, 200)
	if list := certsOnly(t, body); len(list) != 1 || !list[0].Subject.Equal(cert.Subject) || alg.EqualKeys(list[0].PublicKey, key.Public()) {
		t.Fatalf("%v", list)
	}
	code, body = send(re, newCSR(t, "CN=станок", key))
	wantCode(t, "the same key", code, body, 403)
	code, body = send(first, newCSR(t, "CN=станок", key))
	wantCode(t, "the same key at a first enrolment", code, body, 403)
	code, body = send(re, newCSR(t, "CN=директор", ecdsaKey(t)))
	wantCode(t, "another subject", code, body, 403)
	if got := d.lastRefusal(t); got != "subject" {
		t.Errorf("journal: %s", got)
	}
	named := must[[]byte](t)(pki.CreateRequest(rand.Reader, &pki.RequestTemplate{
		Subject: cert.Subject, SubjectAltNames: []pki.GeneralName{{Kind: pki.DNSName, Text: "bank.example"}},
	}, ecdsaKey(t)))
	code, body = send(re, must[*pki.CertificateRequest](t)(pki.ParseRequest(named)))
	wantCode(t, "another name", code, body, 403)
	code, body = send("/.well-known/est/checked/simplereenroll", newCSR(t, "CN=станок", ecdsaKey(t)))
	wantCode(t, "another profile", code, body, 403)
	code, body = send(first, newCSR(t, "CN=станок", ecdsaKey(t)))
	wantCode(t, "enrol with a certificate", code, body, 200)
	must[ca.Entry](t)(d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, cert), Reason: ca.Superseded, Actor: "test"}))
	code, body = send(re, newCSR(t, "CN=станок", ecdsaKey(t)))
	wantCode(t, "revoked", code, body, 403)
	if got := d.lastRefusal(t); got != "certificate" {
		t.Errorf("journal: %s", got)
	}
}

// TestESTRefused sends what is not to be taken.
func TestESTRefused(t *testing.T) {
	d := newEST(t)
	stranger := newCADesk(t, CAOptions{})
	strangeKey := ecdsaKey(t)
	strange := stranger.direct(t, "device", "CN=станок", strangeKey)
	citizenKey := ecdsaKey(t)
	stamp := d.direct(t, "tsa", "CN=станок", citizenKey) // not for TLS clients
	ok := newCSR(t, "CN=станок", ecdsaKey(t))
	robot := basic("robot", "secret")
	withPassword := must[[]byte](t)(os.ReadFile(challengeCSR(t)))
	block, _ := pem.Decode(withPassword)
	for _, c := range []struct {
		name, path  string
		cert        *pki.Certificate
		key         crypto.Signer
		auth, ctype string
		body        []byte
		code        int
		reason      string
	}{
		{"nobody", "simpleenroll", nil, nil, "", pkcs10, body64(ok), 401, ""},
		{"wrong password", "simpleenroll", nil, nil, basic("robot", "Secret"), pkcs10, body64(ok), 401, "password"},
		{"no such account", "simpleenroll", nil, nil, basic("ghost", "secret"), pkcs10, body64(ok), 401, "password"},
		{"password re-enrols", "simplereenroll", nil, nil, robot, pkcs10, body64(ok), 403, "no-certificate"},
		{"another authority's certificate", "simpleenroll", strange, strangeKey, "", pkcs10, body64(ok), 403, "certificate"},
		{"a certificate for another purpose", "simplereenroll", stamp, citizenKey, "", pkcs10, body64(ok), 403, "certificate"},
		{"profile of another account", "checked/simpleenroll", nil, nil, basic("visitor", "secret"), pkcs10, body64(ok), 403, "profile"},
		{"no such label", "sub-ca/simpleenroll", nil, nil, robot, pkcs10, body64(ok), 404, "label"},
		{"type", "simpleenroll", nil, nil, robot, "application/json", body64(ok), 415, "content-type"},
		{"not Base64", "simpleenroll", nil, nil, robot, pkcs10, []byte("%%%"), 400, "base64"},
		{"no request", "simpleenroll", nil, nil, robot, pkcs10, []byte("AAAA"), 400, "request"},
		{"empty", "simpleenroll", nil, nil, robot, pkcs10, nil, 400, "request"},
		{"oversized", "simpleenroll", nil, nil, robot, pkcs10, bytes.Repeat([]byte("A"), limits.CAServerBody+1), 413, "oversized"},
		{"challengePassword", "simpleenroll", nil, nil, robot, pkcs10, []byte(base64.StdEncoding.EncodeToString(block.Bytes)), 400, "challenge-password"},
		{"key of another kind", "simpleenroll", nil, nil, robot, pkcs10, body64(newCSR(t, "CN=x", must[crypto.Signer](t)(alg.GenerateKey("ecdsa-p384", "")))), 422, "request: publicKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := []string{"Content-Type", c.ctype}
			if c.auth != "" {
				header = append(header, "Authorization", c.auth)
			}
			code, body := d.call(t, d.client(c.cert, c.key), "POST", "/.well-known/est/"+c.path, c.body, header...)
			wantCode(t, c.name, code, body, c.code)
			if got := d.lastRefusal(t); c.reason != "" && got != c.reason {
				t.Errorf("journal: %s", got)
			}
		})
	}
}

// challengeCSR makes a request with a challengePassword by OpenSSL.
func challengeCSR(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "req.cnf")
	text := "[req]\nprompt=no\ndistinguished_name=dn\nattributes=at\n[dn]\nCN=x\n[at]\nchallengePassword=tls-unique-value\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "x.csr")
	peer.MustOpenSSL(t, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", filepath.Join(dir, "x.key"), "-config", config, "-out", out)
	return out
}

// TestESTByCurl enrols and re-enrols with curl and OpenSSL, none of which is
// ours: keys, requests, TLS with a client certificate and the reading of the
// answers. OpenSSL shows a certificate that GOST has signed in TLS 1.2 alone: see
// [CATLS].
func TestESTByCurl(t *testing.T) {
	peer.NeedOpenSSL(t)
	curl := peer.NeedFile(t, "curl", "/usr/bin/curl")
	for name, version := range map[string][]string{
		"ecdsa-p256": {"--tlsv1.3"}, "gost2012-256": {"--tlsv1.2", "--tls-max", "1.2"},
	} {
		t.Run(name, func(t *testing.T) {
			enrolByCurl(t, newESTOf(t, must[crypto.Signer](t)(alg.GenerateKey(name, ""))), append([]string{curl}, version...))
		})
	}
}

func enrolByCurl(t *testing.T, d *caDesk, curl []string) {
	t.Helper()
	config := peer.ConfigFile(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	get := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), curl[0], slices.Concat(curl[1:], []string{"--silent", "--show-error", "--fail-with-body", "--cacert", d.rootPEM}, args)...)
		// The client's certificate is signed with GOST: OpenSSL takes an
		// algorithm that it does not know for a weak one.
		cmd.Env = append(os.Environ(), "OPENSSL_CONF="+config)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("curl %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	request := func(name string) {
		t.Helper()
		peer.MustOpenSSL(t, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(name+".key"), "-subj", "/CN=machine", "-outform", "DER", "-out", file(name+".der"))
		peer.MustOpenSSL(t, "base64", "-in", file(name+".der"), "-out", file(name+".b64"))
	}
	read := func(name, answer string) {
		t.Helper()
		if err := os.WriteFile(file(name), []byte("-----BEGIN PKCS7-----\n"+answer+"-----END PKCS7-----\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		peer.MustOpenSSL(t, "pkcs7", "-in", file(name), "-print_certs", "-out", file(name+".pem"))
	}
	read("ca", get(d.url+"/.well-known/est/cacerts"))
	request("first")
	read("cert", get("--user", "robot:secret", "-H", "Content-Type: application/pkcs10", "--data-binary", "@"+file("first.b64"), d.url+"/.well-known/est/simpleenroll"))
	peer.MustOpenSSL(t, "verify", "-CAfile", file("ca.pem"), file("cert.pem"))
	request("second")
	read("next", get("--cert", file("cert.pem"), "--key", file("first.key"), "-H", "Content-Type: application/pkcs10", "--data-binary", "@"+file("second.b64"), d.url+"/.well-known/est/device/simplereenroll"))
	peer.MustOpenSSL(t, "verify", "-CAfile", file("ca.pem"), file("next.pem"))
	attributes := must[[]byte](t)(decodeBase64(get(d.url + "/.well-known/est/csrattrs")))
	if err := os.WriteFile(file("attrs"), attributes, 0o600); err != nil {
		t.Fatal(err)
	}
	if text := string(peer.MustOpenSSL(t, "asn1parse", "-inform", "DER", "-in", file("attrs"))); !strings.Contains(text, "commonName") || !strings.Contains(text, "id-ecPublicKey") || !strings.Contains(text, "prime256v1") {
		t.Errorf("csrattrs:\n%s", text)
	}
	if !bytes.Contains(attributes, oid.GOST2012_256.DER()) {
		t.Error("csrattrs does not name the GOST key")
	}
}

func TestParseESTAccounts(t *testing.T) {
	hash := string(hashed(t, "secret"))
	list, err := ParseESTAccounts([]byte("# clients\n\nrobot:" + hash + ":device checked auto\r\nv@x:" + hash + ":device\n"))
	if err != nil || len(list) != 2 || !list[0].Automatic || len(list[0].Profiles) != 2 || list[1].Automatic || list[1].Name != "v@x" {
		t.Fatalf("%+v %v", list, err)
	}
	for name, text := range map[string]string{
		"no profile": "robot:" + hash + ":auto", "two fields": "robot:" + hash, "four fields": "robot:" + hash + ":device:x",
		"name": "робот:" + hash + ":device", "hash": "robot:$1$abc:device", "weak": "robot:$2a$04" + hash[6:] + ":device",
		"costly": "robot:$2a$31" + hash[6:] + ":device", "twice": "a:" + hash + ":device\na:" + hash + ":device", "not UTF-8": "a\xff",
	} {
		if _, err := ParseESTAccounts([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), hash) {
			t.Errorf("%s: the error shows the hash", name)
		}
	}
}

func TestCATLS(t *testing.T) {
	if c := CATLS(tls.Certificate{}, false); c.MinVersion != tls.VersionTLS13 || c.ClientAuth != tls.RequestClientCert {
		t.Errorf("%x", c.MinVersion)
	}
}

func TestESTOptions(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	for name, o := range map[string]ESTOptions{
		"no profile": {}, "unknown": {Profiles: []string{"nothing"}}, "authority": {Profiles: []string{"subca"}},
		"account": {Profiles: []string{"device"}, Accounts: []ESTAccount{{Name: "x", Profiles: []string{"checked"}}}},
	} {
		if _, err := CAHandler(CAOptions{Issuer: d.Issuer, EST: &o}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
