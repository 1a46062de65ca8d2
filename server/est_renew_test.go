package server

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

const reenrol = "simplereenroll"

// renew sends a request over a connection with a certificate.
func (d *caDesk) renew(t testing.TB, cert *pki.Certificate, key crypto.Signer, label, op string, csr *pki.CertificateRequest) (int, []byte) {
	t.Helper()
	return d.call(t, d.client(cert, key), "POST", "/.well-known/est/"+label+"/"+op, body64(csr), "Content-Type", pkcs10)
}

// TestESTSameKey: RFC 7030, section 4.2.2: a request for the key of the present
// certificate renews it.
func TestESTSameKey(t *testing.T) {
	d := newEST(t)
	key := ecdsaKey(t)
	old := d.direct(t, "keeper", "CN=станок", key)
	csr := newCSR(t, "CN=станок", key)
	code, body := d.renew(t, old, key, "keeper", reenrol, csr)
	wantCode(t, "renew", code, body, 200)
	next := certsOnly(t, body)[0]
	if next.SerialNumber.Cmp(old.SerialNumber) == 0 || !alg.EqualKeys(next.PublicKey, key.Public()) || !bytes.Equal(next.RawSubject, old.RawSubject) {
		t.Fatalf("%s", next.SerialHex())
	}
	if !next.PrivateKeyNotBefore.Equal(old.PrivateKeyNotBefore) {
		t.Errorf("the period of the key begins anew: %s, was %s", next.PrivateKeyNotBefore, old.PrivateKeyNotBefore)
	}
	e := must[ca.RequestEntry](t)(d.Request(t.Context(), ca.RequestID(csr)))
	if e.Renews != serialOf(t, old) || e.Submitter != "est:certificate:"+e.Renews.String() {
		t.Errorf("%+v", e)
	}
	code, again := d.renew(t, old, key, "keeper", reenrol, csr)
	wantCode(t, "a lost answer", code, again, 200)
	if !bytes.Equal(body, again) {
		t.Error("the same request gave another certificate")
	}
	code, body = d.renew(t, old, key, "keeper", "simpleenroll", newCSR(t, "CN=станок", key))
	wantCode(t, "a first enrolment with the key", code, body, 403)
	if got := d.lastRefusal(t); got != "same-key" {
		t.Errorf("journal: %s", got)
	}
	code, body = d.renew(t, old, key, "keeper", reenrol, newCSR(t, "CN=директор", key))
	wantCode(t, "another subject", code, body, 403)

	// The period of a key is bounded over all its certificates.
	d.later(11 * 30 * 24 * time.Hour)
	code, body = d.renew(t, next, key, "keeper", reenrol, newCSR(t, "CN=станок", key))
	wantCode(t, "late", code, body, 200)
	if last := certsOnly(t, body)[0]; last.PrivateKeyNotAfter.After(old.PrivateKeyNotBefore.AddDate(3, 0, 1)) {
		t.Errorf("the key is certified until %s", last.PrivateKeyNotAfter)
	}
	must[ca.Entry](t)(d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, next), Reason: ca.Superseded, Actor: "test"}))
	code, body = d.renew(t, next, key, "keeper", reenrol, newCSR(t, "CN=станок", key))
	wantCode(t, "revoked", code, body, 403)
}

// TestESTSameRequest: an RSA client that keeps its key makes the same octets
// again. It gets a new certificate each time all the same, and never an old one.
func TestESTSameRequest(t *testing.T) {
	d := newEST(t)
	key := must[crypto.Signer](t)(alg.GenerateKey("rsa-2048", ""))
	csr := newCSR(t, "CN=станок", key)
	code, body := d.call(t, d.client(nil, nil), "POST", "/.well-known/est/keeper/simpleenroll", body64(csr), "Content-Type", pkcs10, "Authorization", basic("robot", "secret"))
	wantCode(t, "enrol", code, body, 200)
	seen := map[string]bool{}
	for n := range 3 {
		cert := certsOnly(t, body)[0]
		if seen[cert.SerialHex()] {
			t.Fatalf("round %d: a certificate of before", n)
		}
		seen[cert.SerialHex()] = true
		code, body = d.renew(t, cert, key, "keeper", reenrol, newCSR(t, "CN=станок", key))
		wantCode(t, "renew", code, body, 200)
	}
}

// TestESTSameKeyWaits: where the profile asks for approvals a renewal waits for
// them too, and what is approved names the certificate that is renewed.
func TestESTSameKeyWaits(t *testing.T) {
	d := newEST(t)
	key := ecdsaKey(t)
	enrol := func(csr *pki.CertificateRequest) (int, []byte) {
		t.Helper()
		return d.call(t, d.client(nil, nil), "POST", "/.well-known/est/guarded/simpleenroll", body64(csr), "Content-Type", pkcs10, "Authorization", basic("robot", "secret"))
	}
	csr := newCSR(t, "CN=станок", key)
	code, body := enrol(csr)
	wantCode(t, "waits", code, body, 202)
	d.approve(t, csr, "anna")
	code, body = enrol(csr)
	wantCode(t, "approved", code, body, 200)
	cert := certsOnly(t, body)[0]

	next := newCSR(t, "CN=станок", key)
	code, body = d.renew(t, cert, key, "guarded", reenrol, next)
	wantCode(t, "a renewal waits", code, body, 202)
	code, body = d.renew(t, cert, key, "guarded", reenrol, next)
	wantCode(t, "and waits", code, body, 202)
	text := must[ca.Statement](t)(d.DecisionStatement(t.Context(), ca.RequestID(next), ca.DecisionApprove, "anna", ca.RoleApprover)).Text()
	if !strings.Contains(string(text), "renews: "+serialOf(t, cert).String()+"\n") {
		t.Errorf("the statement does not name the certificate:\n%s", text)
	}
	d.approve(t, next, "anna")
	code, body = d.renew(t, cert, key, "guarded", reenrol, next)
	wantCode(t, "approved renewal", code, body, 200)
	if certsOnly(t, body)[0].SerialHex() == cert.SerialHex() {
		t.Error("the old certificate")
	}
	// The very request that gave the present certificate cannot be decided about
	// twice.
	code, body = d.renew(t, cert, key, "guarded", reenrol, csr)
	wantCode(t, "the first request again", code, body, 403)
	if got := d.lastRefusal(t); got != "used-before" {
		t.Errorf("journal: %s", got)
	}
	// A certificate that is revoked while its renewal waits is not renewed.
	third := newCSR(t, "CN=станок", key)
	code, body = d.renew(t, cert, key, "guarded", reenrol, third)
	wantCode(t, "a third waits", code, body, 202)
	d.approve(t, third, "anna")
	must[ca.Entry](t)(d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, cert), Reason: ca.Superseded, Actor: "test"}))
	if _, err := d.IssueApproved(t.Context(), ca.RequestID(third), "clerk"); err == nil {
		t.Error("a revoked certificate was renewed")
	}
}

// TestESTChangeSubjectName: a certificate does not speak for another name.
func TestESTChangeSubjectName(t *testing.T) {
	d := newEST(t)
	key := ecdsaKey(t)
	cert := d.direct(t, "device", "CN=станок", key)
	for _, c := range []struct {
		name string
		attr pki.RequestAttribute
		code int
		word string
	}{
		{"change of subject", pki.RequestAttribute{Type: oid.ChangeSubjectName, Values: [][]byte{{0x30, 0x00}}}, 403, "change-subject-name"},
		{"challenge password", pki.RequestAttribute{Type: oid.ChallengePassword, Values: [][]byte{must[[]byte](t)(asn1.Marshal("x"))}}, 400, "challenge-password"},
	} {
		code, body := d.renew(t, cert, key, "device", reenrol, csrWith(t, cert, ecdsaKey(t), c.attr))
		wantCode(t, c.name, code, body, c.code)
		if got := d.lastRefusal(t); got != c.word {
			t.Errorf("%s: journal: %s", c.name, got)
		}
	}
}

// csrWith makes a request with an attribute.
func csrWith(t testing.TB, cert *pki.Certificate, key crypto.Signer, a pki.RequestAttribute) *pki.CertificateRequest {
	t.Helper()
	plain := newCSR(t, cert.Subject.String(), key)
	attribute := der.Wrap(0x30, a.Type.DER(), der.Wrap(0x31, a.Values...))
	info := der.Wrap(0x30, []byte{2, 1, 0}, plain.RawSubject, plain.RawSubjectPublicKeyInfo, der.Wrap(0xa0, attribute))
	digest := sha256.Sum256(info)
	signature := must[[]byte](t)(key.Sign(rand.Reader, digest[:], crypto.SHA256))
	raw := der.Wrap(0x30, info, der.Wrap(0x30, oid.ECDSAWithSHA256.DER()), der.Wrap(0x03, []byte{0}, signature))
	return must[*pki.CertificateRequest](t)(pki.ParseRequest(raw))
}

// TestESTForms: what RFC 8951 says about Base64, and what a client reads.
func TestESTForms(t *testing.T) {
	d := newEST(t)
	text := string(body64(newCSR(t, "CN=станок", ecdsaKey(t))))
	var folded strings.Builder
	for n := 0; n < len(text); n += 60 {
		folded.WriteString(text[n:min(n+60, len(text))] + " \t\r\n")
	}
	for name, header := range map[string][]string{
		"plain": nil, "with a header that is ignored": {"Content-Transfer-Encoding", "binary"},
	} {
		code, body := d.call(t, d.client(nil, nil), "POST", "/.well-known/est/simpleenroll", []byte(folded.String()),
			append([]string{"Content-Type", pkcs10, "Authorization", basic("robot", "secret")}, header...)...)
		wantCode(t, name, code, body, 200)
	}
	for _, path := range []string{"cacerts", "csrattrs", "device/cacerts"} {
		req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), "GET", d.url+"/.well-known/est/"+path, nil))
		resp := must[*http.Response](t)(d.client(nil, nil).Do(req))
		resp.Body.Close()
		want := "application/csrattrs"
		if strings.HasSuffix(path, "cacerts") {
			want = "application/pkcs7-mime; smime-type=certs-only"
		}
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != want {
			t.Errorf("%s: %d %s", path, resp.StatusCode, got)
		}
	}
	for _, op := range []string{"serverkeygen", "fullcmc", "device/serverkeygen"} {
		code, body := d.call(t, d.client(nil, nil), "POST", "/.well-known/est/"+op, []byte("AAAA"), "Content-Type", pkcs10)
		wantCode(t, op, code, body, 404)
	}
}

// TestESTRetryAfter: who waits is told for how long.
func TestESTRetryAfter(t *testing.T) {
	d := newEST(t)
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), "POST", d.url+"/.well-known/est/simpleenroll", bytes.NewReader(body64(newCSR(t, "CN=станок", ecdsaKey(t))))))
	req.Header.Set("Content-Type", pkcs10)
	req.Header.Set("Authorization", basic("visitor", "secret"))
	resp := must[*http.Response](t)(d.client(nil, nil).Do(req))
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Retry-After") != "60" {
		t.Errorf("%d %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
}

// TestESTByBouncyCastle: Bouncy Castle's EST client enrols with a password,
// renews with the same key and a new one over a connection with its certificate,
// waits where people have to look at the request, and enrols a GOST key of its
// own with an authority that has a GOST key.
func TestESTByBouncyCastle(t *testing.T) {
	peer.NeedBouncyCastle(t)
	var jars []string
	for _, jar := range []string{"bcprov.jar", "bcpkix.jar", "bcutil.jar"} {
		jars = append(jars, filepath.Join(peer.JarDir, jar))
	}
	classes := t.TempDir()
	javac := exec.CommandContext(t.Context(), "javac", "-nowarn", "-encoding", "UTF-8", "-cp", strings.Join(jars, ":"), "-d", classes, "testdata/EstClient.java")
	if out, err := javac.CombinedOutput(); err != nil {
		t.Fatalf("javac: %v: %s", err, out)
	}
	path := strings.Join(append(jars, classes), ":")
	for _, c := range []struct{ name, authority, kind, label, want string }{
		{"ECDSA", "ecdsa-p256", "EC", "keeper", "cacerts csrattrs enrolled renewed:true rekeyed:false refused:401"},
		{"approval", "ecdsa-p256", "EC", "guarded", "cacerts csrattrs waiting:true enrolled waiting:true renewed:true waiting:true rekeyed:false refused:401"},
		{"GOST", "gost2012-256", "GOST", "keeper", "cacerts csrattrs enrolled refused:401"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newESTOf(t, must[crypto.Signer](t)(alg.GenerateKey(c.authority, "")))
			cmd := exec.CommandContext(t.Context(), "java", "-cp", path, "EstClient", strings.TrimPrefix(d.url, "https://"), d.rootPEM, c.kind, c.label)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			in := must2(cmd.StdinPipe())(t)
			out := must2(cmd.StdoutPipe())(t)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for lines := bufio.NewScanner(out); lines.Scan(); {
				word, rest, _ := strings.Cut(lines.Text(), " ")
				switch word {
				case "waiting":
					d.approveAll(t, "anna")
					fmt.Fprintln(in)
					word += ":" + rest
				case "renewed", "rekeyed", "refused":
					word += ":" + rest
				case "csrattrs":
					if !strings.Contains(rest, string(oid.CommonName)) || !strings.Contains(rest, string(oid.ECPublicKey)) {
						t.Errorf("csrattrs: %s", rest)
					}
				}
				got = append(got, word)
			}
			if err := cmd.Wait(); err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%v: %q, want %q\n%s", err, got, c.want, stderr.String())
			}
		})
	}
}

func must2[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// approveAll approves whatever waits.
func (d *caDesk) approveAll(t testing.TB, by string) {
	t.Helper()
	list, _, err := d.RequestPage(t.Context(), ca.RequestFilter{State: ca.Submitted}, "", 10)
	if err != nil || len(list) == 0 {
		t.Fatalf("nothing waits: %v", err)
	}
	for _, e := range list {
		d.approve(t, must[*pki.CertificateRequest](t)(pki.ParseRequest(e.CSR)), by)
	}
}
