package tsp

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// tsaConfig is read by -config beside the configuration that loads the engine,
// so it must not load it again.
const tsaConfig = `[tsa]
default_tsa = c
[c]
serial = DIR/serial
default_policy = 1.2.3.4.1
digests = md_gost12_256, md_gost12_512, sha256
accuracy = secs:1, millisecs:500
ordering = yes
signer_digest = DIGEST
ess_cert_id_alg = DIGEST
`

// TestWeReadOpenSSL: OpenSSL asks and answers, we accept both; with one bit of
// the signature changed, or for other data, we refuse, and so does OpenSSL.
func TestWeReadOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, k := range []struct{ kind, set, digest string }{
		{"gost2012-256", "cryptopro-a", "md_gost12_256"},
		{"gost2012-256", "tc26-256-a", "md_gost12_256"},
		{"gost2012-512", "tc26-512-c", "md_gost12_512"},
		{"ecdsa-p256", "", "sha256"},
	} {
		t.Run(strings.TrimSuffix(k.kind+" "+k.set, " "), func(t *testing.T) {
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			write := func(name string, data []byte) {
				if err := os.WriteFile(at(name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			key, cert := recipe{kind: k.kind, set: k.set, certificate: func(c *pki.CertificateTemplate) {
				c.NotBefore, c.NotAfter = time.Now().AddDate(0, 0, -1), time.Now().AddDate(0, 0, 30)
			}}.authority(t)
			p8, err := alg.MarshalPKCS8(key)
			if err != nil {
				t.Fatal(err)
			}
			write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}))
			write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
			write("data", stamped)
			write("serial", []byte("01\n"))
			write("tsa.cnf", []byte(strings.NewReplacer("DIR", dir, "DIGEST", k.digest).Replace(tsaConfig)))
			peer.MustOpenSSL(t, "ts", "-query", "-data", at("data"), "-"+k.digest, "-cert", "-out", at("q.tsq"))
			peer.MustOpenSSL(t, "ts", "-reply", "-config", at("tsa.cnf"), "-queryfile", at("q.tsq"), "-signer", at("tsa.pem"),
				"-inkey", at("key.pem"), "-out", at("r.tsr"))
			q, err := os.ReadFile(at("q.tsq"))
			if err != nil {
				t.Fatal(err)
			}
			der, err := os.ReadFile(at("r.tsr"))
			if err != nil {
				t.Fatal(err)
			}
			judge(t, q, der, cert)
			verify := func(name string) bool {
				return peer.OpenSSL(t, peer.Run{Args: []string{
					"ts", "-verify", "-queryfile", at("q.tsq"), "-in", at(name),
					"-CAfile", at("tsa.pem"),
				}}).Err == nil
			}
			if !verify("r.tsr") {
				t.Error("OpenSSL refuses its own response")
			}
			write("bad.tsr", flip(t, der))
			if verify("bad.tsr") {
				t.Error("OpenSSL accepts a corrupted response")
			}
		})
	}
}

// flip changes one bit of the token's signature.
func flip(t *testing.T, der []byte) []byte {
	t.Helper()
	r, err := ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(der)
	bad[bytes.LastIndex(der, r.Token.Signed.Signers[0].Signature)+9] ^= 1
	return bad
}

func judge(t *testing.T, query, der []byte, cert *pki.Certificate) {
	t.Helper()
	q, err := ParseRequest(query)
	if err != nil || !q.CertReq || q.Nonce == nil {
		t.Fatalf("request: %+v, %v", q, err)
	}
	r, err := ParseResponse(der)
	if err != nil || r.Token == nil {
		t.Fatalf("response: %v", err)
	}
	o := CheckOptions{Content: stamped, Nonce: q.Nonce}
	out, err := r.Token.Check(o)
	if err != nil {
		t.Fatal(err)
	}
	i := r.Token.Info
	if !out.TSA.Equal(cert) || i.Accuracy.Value != 1500*time.Millisecond || !i.Ordering || i.Policy != "1.2.3.4.1" {
		t.Errorf("%+v", i)
	}
	bad, err := ParseResponse(flip(t, der))
	if err != nil {
		t.Fatal(err)
	}
	_, err = bad.Token.Check(o)
	wantKind(t, err, KindSignature)
	o.Content = []byte("else")
	_, err = r.Token.Check(o)
	wantKind(t, err, KindImprint)
}

// TestOpenSSLReadsUs: OpenSSL accepts our responses to its requests and to
// ours, against the request and against the data, and refuses a changed one,
// other data and another request.
func TestOpenSSLReadsUs(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, k := range []struct{ kind, set, digest string }{
		{"gost2012-256", "cryptopro-a", "md_gost12_256"},
		{"gost2012-256", "cryptopro-xcha", "md_gost12_512"},
		{"gost2012-512", "tc26-512-a", "md_gost12_512"},
		{"ecdsa-p256", "", "md_gost12_256"},
	} {
		t.Run(strings.TrimSuffix(k.kind+" "+k.set, " "), func(t *testing.T) {
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			write := func(name string, data []byte) {
				t.Helper()
				if err := os.WriteFile(at(name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			now := time.Now()
			a, cert, _ := newAuthority(t, recipe{kind: k.kind, set: k.set, certificate: func(c *pki.CertificateTemplate) {
				c.NotBefore, c.NotAfter = now.AddDate(0, 0, -1).Truncate(time.Second), now.AddDate(0, 0, 30).Truncate(time.Second)
			}}, func(o *AuthorityOptions) {
				o.Accuracy, o.Ordering = 1500*time.Millisecond, true
				o.Clock = func() (time.Time, error) { return now, nil }
			})
			write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
			write("data", stamped)
			write("other", []byte("else"))
			answer := func(query, to string) []byte {
				t.Helper()
				q, err := os.ReadFile(at(query))
				if err != nil {
					t.Fatal(err)
				}
				out, err := a.Answer(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				write(to, out.DER)
				return out.DER
			}
			peer.MustOpenSSL(t, "ts", "-query", "-data", at("data"), "-"+k.digest, "-cert", "-out", at("theirs.tsq"))
			der := answer("theirs.tsq", "theirs.tsr")
			write("bad.tsr", flip(t, der))
			h := alg.Identifier{OID: oid.Streebog256}
			if k.digest == "md_gost12_512" {
				h.OID = oid.Streebog512
			}
			req, err := NewRequest(nil, h, hash(t, h, stamped), testPolicy)
			if err != nil {
				t.Fatal(err)
			}
			write("ours.tsq", req.Raw)
			answer("ours.tsq", "ours.tsr")
			for _, c := range []struct {
				args []string
				ok   bool
			}{
				{[]string{"-queryfile", at("theirs.tsq"), "-in", at("theirs.tsr")}, true},
				{[]string{"-data", at("data"), "-in", at("theirs.tsr")}, true},
				{[]string{"-queryfile", at("ours.tsq"), "-in", at("ours.tsr")}, true},
				{[]string{"-queryfile", at("ours.tsq"), "-in", at("theirs.tsr")}, false},
				{[]string{"-data", at("other"), "-in", at("theirs.tsr")}, false},
				{[]string{"-queryfile", at("theirs.tsq"), "-in", at("bad.tsr")}, false},
			} {
				out := peer.OpenSSL(t, peer.Run{Args: append([]string{"ts", "-verify", "-CAfile", at("tsa.pem")}, c.args...)})
				if (out.Err == nil) != c.ok {
					t.Errorf("%v: %v: %s", c.args, out.Err, out.Stderr)
				}
			}
		})
	}
}
