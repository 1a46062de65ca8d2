package ca_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// writeKey puts a private key into a PEM file.
func writeKey(t testing.TB, dir string, p person) string {
	t.Helper()
	der, err := alg.MarshalPKCS8(p.key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, p.name+".key")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenSSLApproval: OpenSSL verifies an approval of ours and refuses it over
// another statement; one that OpenSSL signed counts, and not for another text.
func TestOpenSSLApproval(t *testing.T) {
	d := newDesk(t, twoPeople())
	e := d.submit(t, "citizen", "submitter")
	dir := t.TempDir()
	a := d.sign(t, d.Statement(e, ca.DecisionApprove, "anna", ca.RoleApprover), "anna")
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := write(t, dir, "root.pem", "CERTIFICATE", d.cert.Raw)
	verify := func(text, sig []byte) error {
		return peer.OpenSSL(t, peer.Run{Args: []string{
			"cms", "-verify", "-binary", "-inform", "DER", "-in", file("s.sig", sig), "-content", file("s.txt", text),
			"-CAfile", root, "-purpose", "any", "-out", os.DevNull,
		}}).Err
	}
	if err := verify(a.Statement, a.Signature); err != nil {
		t.Errorf("OpenSSL refuses our approval: %v", err)
	}
	other := d.Statement(e, ca.DecisionReject, "anna", ca.RoleApprover).Text()
	if verify(other, a.Signature) == nil {
		t.Error("OpenSSL takes our signature for another statement")
	}
	text := d.Statement(e, ca.DecisionApprove, "boris", ca.RoleApprover).Text()
	sig := peer.MustOpenSSL(t, "cms", "-sign", "-binary", "-outform", "DER", "-in", file("b.txt", text), "-md", "md_gost12_256",
		"-signer", write(t, dir, "boris.pem", "CERTIFICATE", d.people["boris"].cert.Raw), "-inkey", writeKey(t, dir, d.people["boris"]))
	if _, err := d.Decide(t.Context(), e.ID, d.Statement(e, ca.DecisionReject, "boris", ca.RoleApprover).Text(), sig, "test"); err == nil {
		t.Error("OpenSSL's signature counts for another statement")
	}
	if _, err := d.Decide(t.Context(), e.ID, text, sig, "test"); err != nil {
		t.Errorf("OpenSSL's approval is refused: %v", err)
	}
	if _, err := d.Decide(t.Context(), e.ID, a.Statement, a.Signature, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.IssueApproved(t.Context(), e.ID, "test"); err != nil {
		t.Error(err)
	}
}

// TestOpenSSLRenewal takes a renewal that OpenSSL signed, and lets OpenSSL
// verify ours.
func TestOpenSSLRenewal(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	p := person{name: "holder", key: generate(t, "gost2012-256", "")}
	p.cert = root.issue(t, "citizen", citizenDN, p.key)
	request := csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})
	dir := t.TempDir()
	in := filepath.Join(dir, "request.der")
	if err := os.WriteFile(in, request.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	message := peer.MustOpenSSL(t, "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", in, "-md", "md_gost12_256",
		"-signer", write(t, dir, "holder.pem", "CERTIFICATE", p.cert.Raw), "-inkey", writeKey(t, dir, p))
	if _, err := root.renew(t, message, "citizen"); err != nil {
		t.Errorf("OpenSSL's renewal is refused: %v", err)
	}
	ours, err := ca.SignRenewal(nil, request, p.cert, p.key, root.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "ours.p7m")
	for _, bad := range []bool{false, true} {
		m := slices.Clone(ours)
		if bad {
			m[len(m)-3] ^= 1
		}
		if err := os.WriteFile(file, m, 0o600); err != nil {
			t.Fatal(err)
		}
		res := peer.OpenSSL(t, peer.Run{Args: []string{
			"cms", "-verify", "-binary", "-inform", "DER", "-in", file, "-CAfile", write(t, dir, "root.pem", "CERTIFICATE", root.cert.Raw), "-purpose", "any",
		}})
		if (res.Err != nil) != bad || !bad && string(res.Stdout) != string(request.Raw) {
			t.Errorf("corrupted %v: %v", bad, res.Err)
		}
	}
}

// bulkEnv is how many certificates BenchmarkOpenSSL lets us issue; `make soak`
// takes 20,000.
const bulkEnv = "GOSKLYUCH_BULK_CERTIFICATES"

// BenchmarkOpenSSL issues 4,000 certificates by Bulk, on the disk with every
// rule checked, and in the same run lets OpenSSL with gost-engine sign requests
// of the same kind: one to a process (x509 -req, ca) and a thousand (ca).
func BenchmarkOpenSSL(b *testing.B) {
	ours, single, batch := 4000, 50, 1000
	if text := os.Getenv(bulkEnv); text != "" {
		var err error
		if ours, err = strconv.Atoi(text); err != nil || ours < batch {
			b.Fatalf("%s: %q", bulkEnv, text)
		}
	}
	items := bulkItems(b, ours)
	o := newOpenSSLCA(b, items[:batch])
	for b.Loop() {
		x509 := o.rate(b, single, func(n int) {
			peer.MustOpenSSL(b, "x509", "-req", "-in", o.requests[n], "-CA", o.cert, "-CAkey", o.key, "-days", "450", "-md_gost12_256",
				"-set_serial", fmt.Sprint(n+1), "-out", filepath.Join(o.dir, "out.pem"))
		})
		one := o.rate(b, single, func(n int) { o.issue(b, o.requests[n]) })
		start, used := time.Now(), childProcessors()
		o.issue(b, o.requests...)
		many := float64(batch) / time.Since(start).Seconds()
		theirs := (childProcessors() - used) / time.Duration(batch)
		root := newRoot(b, generate(b, "gost2012-256", "cryptopro-a"), 0)
		start, used = time.Now(), processors()
		if err := root.Bulk(b.Context(), slices.Values(items), "test", func(r ca.BulkResult) error { return r.Err }); err != nil {
			b.Fatal(err)
		}
		own := float64(ours) / time.Since(start).Seconds()
		// What one costs in processor time does not depend on who else works.
		b.ReportMetric(float64((processors()-used).Microseconds())/float64(ours), "µs-processor/certificate")
		b.ReportMetric(float64(theirs.Microseconds()), "µs-processor/openssl-ca-batch")
		for name, theirs := range map[string]float64{"x509-req": x509, "openssl-ca": one, "openssl-ca-batch": many} {
			b.ReportMetric(theirs, name+"/s")
			b.ReportMetric(own/theirs, "times-"+name)
		}
		b.ReportMetric(own, "certificates/s")
	}
}

// An openSSLCA is an authority of OpenSSL in a folder.
type openSSLCA struct {
	dir, cert, key, config string
	requests               []string
}

func newOpenSSLCA(b *testing.B, items []ca.BulkItem) *openSSLCA {
	b.Helper()
	o := &openSSLCA{dir: b.TempDir()}
	root := newRoot(b, generate(b, "gost2012-256", "cryptopro-a"), 0)
	o.cert, o.key = write(b, o.dir, "ca.pem", "CERTIFICATE", root.cert.Raw), writeKey(b, o.dir, person{name: "ca", key: root.key})
	for i, item := range items {
		o.requests = append(o.requests, write(b, o.dir, fmt.Sprintf("%d.csr", i), "CERTIFICATE REQUEST", item.CSR))
	}
	engine, err := os.ReadFile(peer.ConfigFile(b))
	if err != nil {
		b.Fatal(err)
	}
	o.config = filepath.Join(o.dir, "ca.cnf")
	text := string(engine) + "\n[ca]\ndefault_ca = d\n[d]\ndatabase = " + o.dir + "/db\nrand_serial = yes\nnew_certs_dir = " + o.dir +
		"\ndefault_md = md_gost12_256\ndefault_days = 450\nunique_subject = no\npolicy = p\n[p]\ncommonName = supplied\n"
	writeFiles(b, o.dir, map[string][]byte{"ca.cnf": []byte(text), "db": nil})
	return o
}

// issue signs requests in one process.
func (o *openSSLCA) issue(b *testing.B, requests ...string) {
	b.Helper()
	args := []string{"ca", "-batch", "-notext", "-config", o.config, "-cert", o.cert, "-keyfile", o.key, "-infiles"}
	peer.MustOpenSSL(b, append(args, requests...)...)
}

// rate is how often a second something is done.
func (*openSSLCA) rate(b *testing.B, n int, do func(int)) float64 {
	b.Helper()
	start := time.Now()
	for i := range n {
		do(i)
	}
	return float64(n) / time.Since(start).Seconds()
}
