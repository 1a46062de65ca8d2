package ocsp

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// peerKeys are the key kinds that OpenSSL with gost-engine knows.
var peerKeys = []struct {
	kind, set string
	gnutls    bool // certtool 3.7 knows the set
}{
	{"gost2012-256", "cryptopro-a", true},
	{"gost2012-256", "cryptopro-b", false},
	{"gost2012-256", "cryptopro-c", false},
	{"gost2012-256", "cryptopro-xcha", true},
	{"gost2012-256", "cryptopro-xchb", false},
	{"gost2012-256", "tc26-256-a", false},
	{"gost2012-256", "tc26-256-b", true},
	{"gost2012-256", "tc26-256-c", false},
	{"gost2012-256", "tc26-256-d", false},
	{"gost2012-512", "tc26-512-a", true},
	{"gost2012-512", "tc26-512-b", false},
	{"gost2012-512", "tc26-512-c", false},
	{"ecdsa-p256", "", true},
	{"rsa-3072", "", true},
}

// files are the certificates and keys of a test PKI in a directory.
type files struct {
	t   *testing.T
	dir string
}

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

func (f files) write(name string, data []byte) string {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), data, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return f.path(name)
}

func (f files) pem(name, label string, der []byte) string {
	return f.write(name, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// export writes what openssl ocsp needs to know of p.
func export(t *testing.T, p testPKI) files {
	t.Helper()
	f := files{t, t.TempDir()}
	f.pem("ca.pem", "CERTIFICATE", p.ca.cert.Raw)
	f.pem("leaf.pem", "CERTIFICATE", p.leaf.cert.Raw)
	f.pem("ocsp.pem", "CERTIFICATE", p.delegate.cert.Raw)
	key, err := alg.MarshalPKCS8(p.delegate.key)
	if err != nil {
		t.Fatal(err)
	}
	f.pem("ocsp.key", "PRIVATE KEY", key)
	return f
}

// TestOpenSSLReadsOurs: OpenSSL asks, our responder answers, OpenSSL and
// ocsptool accept the answer and refuse it with one bit changed.
func TestOpenSSLReadsOurs(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, k := range peerKeys {
		t.Run(strings.TrimSuffix(k.kind+" "+k.set, " "), func(t *testing.T) {
			p := newTestPKI(t, k.kind, k.set, validNow)
			f := export(t, p)
			peer.MustOpenSSL(t, "ocsp", "-issuer", f.path("ca.pem"), "-cert", f.path("leaf.pem"), "-reqout", f.path("req.der"))
			req, err := os.ReadFile(f.path("req.der"))
			if err != nil {
				t.Fatal(err)
			}
			if parsed, err := ParseRequest(req); err != nil || len(parsed.Nonce) != 16 || !parsed.IDs[0].Matches(p.leaf.cert, p.ca.cert) {
				t.Fatalf("the request of OpenSSL: %+v, %v", parsed, err)
			}
			r := p.responder(good())
			r.Now = time.Now
			der := r.Respond(t.Context(), req)
			verify := func(name string, der []byte) string {
				return peer.OpenSSL(t, peer.Run{Args: []string{
					"ocsp", "-reqin", f.path("req.der"), "-respin", f.write(name, der),
					"-CAfile", f.path("ca.pem"), "-no-CApath", "-no-CAstore",
				}}).All()
			}
			if out := verify("resp.der", der); !strings.Contains(out, "Response verify OK") || strings.Contains(out, "Nonce") {
				t.Errorf("OpenSSL on our response: %s", out)
			}
			status := peer.OpenSSL(t, peer.Run{Args: []string{
				"ocsp", "-respin", f.path("resp.der"), "-issuer", f.path("ca.pem"),
				"-cert", f.path("leaf.pem"), "-no_nonce", "-CAfile", f.path("ca.pem"),
			}}).All()
			if !strings.Contains(status, "leaf.pem: good") {
				t.Errorf("OpenSSL on the status: %s", status)
			}
			resp, err := ParseResponse(der)
			if err != nil {
				t.Fatal(err)
			}
			bad := bytes.Clone(der)
			bad[bytes.Index(der, resp.Signature)+9] ^= 4
			if out := verify("bad.der", bad); !strings.Contains(out, "Response Verify Failure") {
				t.Errorf("OpenSSL accepts a corrupted response: %s", out)
			}
			if k.gnutls {
				ocsptool(t, f)
			}
		})
	}
}

// ocsptool runs GnuTLS on resp.der and bad.der.
func ocsptool(t *testing.T, f files) {
	t.Helper()
	for name, want := range map[string]bool{"resp.der": true, "bad.der": false} {
		res := peer.Ocsptool(t, peer.Run{Args: []string{
			"--verify-response", "--load-issuer", f.path("ca.pem"),
			"--load-trust", f.path("ca.pem"), "--infile", f.path(name),
		}})
		if got := res.Err == nil && strings.Contains(res.All(), "Success"); got != want {
			t.Errorf("ocsptool on %s: %v, want %v: %s", name, got, want, res.All())
		}
	}
}

// TestWeReadOpenSSL: we ask, OpenSSL answers from an index, and we find the
// status that the index has; with one bit changed we refuse.
func TestWeReadOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	index := map[string]struct {
		line string
		want Single
	}{
		"good":    {"V\t%s\t\t03\tunknown\t/CN=Test User\n", Single{Status: Good, Reason: NoReason}},
		"revoked": {"R\t%s\t260101120000Z,keyCompromise\t03\tunknown\t/CN=Test User\n", Single{Status: Revoked, Reason: 1}},
		"unknown": {"V\t%s\t\t04\tunknown\t/CN=Somebody\n", Single{Status: Unknown, Reason: NoReason}},
	}
	hashes := map[string]alg.Identifier{"sha1": SHA1(), "streebog256": Streebog256()}
	for _, k := range []struct{ kind, set string }{
		{"gost2012-256", "cryptopro-a"}, {"gost2012-256", "tc26-256-a"}, {"gost2012-512", "tc26-512-c"}, {"ecdsa-p256", ""},
	} {
		for state, line := range index {
			for hash, h := range hashes {
				t.Run(fmt.Sprint(k.kind, " ", k.set, " ", state, " ", hash), func(t *testing.T) {
					p := newTestPKI(t, k.kind, k.set, validNow)
					f := export(t, p)
					req, err := NewRequest(nil, p.leaf.cert, p.ca.cert, h, true)
					if err != nil {
						t.Fatal(err)
					}
					f.write("req.der", req.Raw)
					f.write("index.txt", fmt.Appendf(nil, line.line, time.Now().AddDate(0, 0, 30).UTC().Format("060102150405Z")))
					peer.MustOpenSSL(t, "ocsp", "-index", f.path("index.txt"), "-CA", f.path("ca.pem"), "-rsigner", f.path("ocsp.pem"),
						"-rkey", f.path("ocsp.key"), "-reqin", f.path("req.der"), "-respout", f.path("resp.der"), "-nmin", "10")
					der, err := os.ReadFile(f.path("resp.der"))
					if err != nil {
						t.Fatal(err)
					}
					judgeOpenSSL(t, p, req, der, line.want)
				})
			}
		}
	}
}

func judgeOpenSSL(t *testing.T, p testPKI, req *Request, der []byte, want Single) {
	t.Helper()
	r, err := ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	o := CheckOptions{Cert: p.leaf.cert, Issuer: p.ca.cert, Request: req, At: time.Now()}
	out, err := r.Check(o)
	if err != nil {
		t.Fatal(err)
	}
	if out.Single.Status != want.Status || out.Single.Reason != want.Reason || out.Nonce != "match" {
		t.Errorf("%v reason %d nonce %q, want %v reason %d", out.Single.Status, out.Single.Reason, out.Nonce, want.Status, want.Reason)
	}
	bad := bytes.Clone(der)
	bad[bytes.Index(der, r.RawTBS)+len(r.RawTBS)/2] ^= 1
	if r, err := ParseResponse(bad); err == nil {
		if _, err := r.Check(o); err == nil {
			t.Error("a corrupted response passed")
		}
	}
	r.Signature[3] ^= 1
	_, err = r.Check(o)
	wantKind(t, err, KindBadSignature)
}
