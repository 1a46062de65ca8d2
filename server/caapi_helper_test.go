package server

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// A caDesk is an authority that serves over TLS, with its people.
type caDesk struct {
	*ca.Issuer
	service *CAService
	url     string
	roots   *x509.CertPool
	rootPEM string // file with the server's certificate
	people  map[string]caPerson

	mu    sync.Mutex
	shift time.Duration // of the clock
}

type caPerson struct {
	cert *pki.Certificate
	key  crypto.Signer
}

func (d *caDesk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.shift)
}

func (d *caDesk) later(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shift += t
}

// device is a profile for machines, checked is one that two people approve;
// keeper and guarded are the same for machines that keep their keys.
func deviceProfile(name string, approvals int) ca.Profile {
	p := ca.Profile{
		Name: name, Version: 1, Required: []oid.OID{oid.CommonName}, Months: 12, KeyUsage: pki.KeyUsageDigitalSignature,
		ExtKeyUsage: []oid.OID{oid.EKUClientAuth}, AltNames: []pki.GeneralNameKind{pki.DNSName}, Keys: []string{"ecdsa-p256", "gost2012-256"},
	}
	if approvals > 0 {
		p.Approvals = ca.ApprovalRule{Count: approvals, Roles: []ca.Role{ca.RoleApprover}}
	}
	return p
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newCADesk(t *testing.T, o CAOptions) *caDesk {
	t.Helper()
	return newCADeskOf(t, o, must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", "cryptopro-a")))
}

// newCADeskOf is newCADesk with a key for the authority.
func newCADeskOf(t *testing.T, o CAOptions, key crypto.Signer) *caDesk {
	t.Helper()
	d := &caDesk{people: map[string]caPerson{}}
	subject := must[pki.Name](t)(pki.ParseDN("CN=Корневой УЦ,O=Проба,C=RU"))
	cert := must[*pki.Certificate](t)(ca.NewRoot(key, ca.RootOptions{Subject: subject, MaxPathLen: 1, Rules: sets.All(), Now: d.now}))
	l := must[ca.Ledger](t)(boltstore.Open(t.Context(), filepath.Join(t.TempDir(), ca.LedgerFile)))
	t.Cleanup(func() { l.Close() })
	if err := ca.Found(t.Context(), l, cert, "test", d.now()); err != nil {
		t.Fatal(err)
	}
	keeper := deviceProfile("keeper", 0)
	keeper.RenewSameKey, keeper.Keys = true, []string{"ecdsa-p256", "ecdsa-p384", "gost2012-256", "rsa"}
	guarded := deviceProfile("guarded", 1)
	guarded.RenewSameKey = true
	set := must[*ca.ProfileSet](t)(ca.NewProfileSet(append(ca.Profiles(), deviceProfile("device", 0), deviceProfile("checked", 1), keeper, guarded)))
	d.Issuer = must[*ca.Issuer](t)(ca.New(t.Context(), ca.Config{Certificate: cert, Key: key, Ledger: l, Rules: sets.All(), Profiles: set, Now: d.now}))
	for name, roles := range map[string][]ca.Role{
		"clerk": {ca.RoleOperator}, "anna": {ca.RoleApprover}, "boris": {ca.RoleOperator, ca.RoleApprover}, "auditor": {ca.RoleAuditor},
	} {
		k := must[crypto.Signer](t)(alg.GenerateKey("gost2012-256", ""))
		p := caPerson{d.direct(t, "tsa", "CN="+name, k), k}
		d.people[name] = p
		must[ca.Operator](t)(d.AddOperator(t.Context(), ca.NewOperator{Name: name, Roles: roles, Certificate: p.cert, Actor: "test"}))
	}
	o.Issuer, o.Now = d.Issuer, d.now
	if o.Rate == 0 {
		o.Rate, o.Burst = 1000, 1000
	}
	d.service = must[*CAService](t)(CAHandler(o))
	d.serve(t)
	return d
}

// serve listens with TLS as the program does, with a certificate for a server
// below a root of its own.
func (d *caDesk) serve(t *testing.T) {
	t.Helper()
	rootKey := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	rawRoot := must[[]byte](t)(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))
	raw := must[[]byte](t)(x509.CreateCertificate(rand.Reader, leaf, must[*x509.Certificate](t)(x509.ParseCertificate(rawRoot)), key.Public(), rootKey))
	s := httptest.NewUnstartedServer(nil)
	s.Config = New(d.service, nil)
	s.TLS = CATLS(tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, true)
	s.StartTLS()
	t.Cleanup(s.Close)
	d.url = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	d.roots = x509.NewCertPool()
	d.roots.AddCert(must[*x509.Certificate](t)(x509.ParseCertificate(rawRoot)))
	d.rootPEM = filepath.Join(t.TempDir(), "server.pem")
	if err := os.WriteFile(d.rootPEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rawRoot}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newCSR(t testing.TB, subject string, key crypto.Signer) *pki.CertificateRequest {
	t.Helper()
	tmpl := &pki.RequestTemplate{Subject: must[pki.Name](t)(pki.ParseDN(subject))}
	return must[*pki.CertificateRequest](t)(pki.ParseRequest(must[[]byte](t)(pki.CreateRequest(rand.Reader, tmpl, key))))
}

// direct issues without the service.
func (d *caDesk) direct(t testing.TB, profile, subject string, key crypto.Signer) *pki.Certificate {
	t.Helper()
	return must[*pki.Certificate](t)(d.IssueRequest(t.Context(), profile, ca.Request{CSR: newCSR(t, subject, key), Actor: "test"}))
}

// client is one with a certificate or, with a nil key, without.
func (d *caDesk) client(cert *pki.Certificate, key crypto.Signer) *http.Client {
	c := &tls.Config{RootCAs: d.roots, MinVersion: tls.VersionTLS13}
	if cert != nil {
		c.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c}, Timeout: 20 * time.Second}
}

// call sends a request and returns status and body; in is JSON, or octets.
func (d *caDesk) call(t testing.TB, c *http.Client, method, path string, in any, header ...string) (int, []byte) {
	t.Helper()
	body, raw := in.([]byte)
	if !raw && in != nil {
		body = must[[]byte](t)(json.Marshal(in))
	}
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), method, d.url+path, bytes.NewReader(body)))
	req.Header.Set("Content-Type", "application/json")
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	resp := must[*http.Response](t)(c.Do(req))
	defer resp.Body.Close()
	out := must[[]byte](t)(io.ReadAll(resp.Body))
	checkDescribed(t, req, resp, out)
	return resp.StatusCode, out
}

// signerInfo signs a text.
func (p caPerson) signerInfo(t testing.TB, text []byte) *cms.SignerInfo {
	t.Helper()
	id := alg.HashForKey(p.cert.PublicKey)
	digests, _, err := cms.Digest(bytes.NewReader(text), id)
	if err != nil {
		t.Fatal(err)
	}
	return must[*cms.SignerInfo](t)(cms.BuildSigner(rand.Reader, cms.SignerRequest{
		Key: p.key, Certificate: p.cert, Digest: must[[]byte](t)(digests.Sum(id)), SigningTime: time.Now(),
	}))
}

// sign makes a detached CMS over a text.
func (p caPerson) sign(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, cms.Message{}, []*cms.SignerInfo{p.signerInfo(t, text)}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// challenge asks for a text to sign.
func (d *caDesk) askChallenge(t testing.TB, name string) string {
	t.Helper()
	code, body := d.call(t, d.client(nil, nil), "POST", "/api/v1/challenge", map[string]string{"operator": name})
	var out struct{ Challenge string }
	if err := json.Unmarshal(body, &out); err != nil || code != 200 {
		t.Fatalf("challenge: %d %s", code, body)
	}
	return out.Challenge
}

func (d *caDesk) answerChallenge(t testing.TB, text string, signature []byte) (int, string) {
	t.Helper()
	code, body := d.call(t, d.client(nil, nil), "POST", "/api/v1/session", map[string]any{"challenge": text, "signature": signature})
	var out struct{ Token string }
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("session: %d %s", code, body)
	}
	return code, out.Token
}

// login opens a session with the GOST key.
func (d *caDesk) login(t testing.TB, name string) string {
	t.Helper()
	text := d.askChallenge(t, name)
	code, token := d.answerChallenge(t, text, d.people[name].sign(t, []byte(text)))
	if code != 201 || token == "" {
		t.Fatalf("%s: %d", name, code)
	}
	return token
}

// as calls with a session.
func (d *caDesk) as(t testing.TB, token, method, path string, in any) (int, []byte) {
	t.Helper()
	return d.call(t, d.client(nil, nil), method, path, in, "Authorization", "Bearer "+token)
}

// lastRefusal is the reason of the last record, which must be a refusal.
func (d *caDesk) lastRefusal(t testing.TB) string {
	t.Helper()
	var last journal.Record
	err := d.Ledger().View(t.Context(), func(tx ca.ReadTx) error {
		for node := range must[map[string]journal.Head](t)(tx.Heads()) {
			for r, err := range tx.Journal(node, 0) {
				if err != nil {
					return err
				}
				last = r
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.Event != "refused" {
		return "(" + last.Event + ")"
	}
	var out struct {
		Data map[string]struct{ Text string }
	}
	if err := json.Unmarshal(must[[]byte](t)(json.Marshal(last)), &out); err != nil {
		t.Fatal(err)
	}
	return out.Data["reason"].Text
}

func hashed(t testing.TB, password string) []byte {
	t.Helper()
	return must[[]byte](t)(bcrypt.GenerateFromPassword([]byte(password), 10))
}
