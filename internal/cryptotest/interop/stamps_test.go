package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// TestTimeStampProtocol: Bouncy Castle asks and we answer, we ask and it
// answers; each accepts the other's answer and refuses it with one bit changed, or
// as the answer to another request.
func TestTimeStampProtocol(t *testing.T) {
	peer.NeedBouncyCastle(t)
	bc, err := startCastle(t.Context(), t.TempDir(), peer.JarDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bc.close() })
	dir := t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ask := func(args ...string) {
		t.Helper()
		if err := bc.ask(dir, args...); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}
	chain := testpki.NewChain(t)
	tmpl := testpki.Leaf(t, "CN=TSA")
	tmpl.ExtKeyUsage, tmpl.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	now := time.Now()
	tmpl.NotBefore, tmpl.NotAfter = now.AddDate(0, 0, -1).Truncate(time.Second), now.AddDate(0, 0, 30).Truncate(time.Second)
	s := &stamper{Entity: testpki.Issue(t, tmpl, chain.Sub)}
	authority, err := tsp.NewAuthority(tsp.AuthorityOptions{
		Certificate: s.Cert, Signer: s.Key, Policies: []oid.OID{"1.2.3"}, Serials: s, Accuracy: time.Second, Ordering: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	p8, err := alg.MarshalPKCS8(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	write("tsa.cer", s.Cert.Raw)
	write("tsa.p8", p8)
	doc := []byte("document\n")
	write("doc", doc)

	// It asks, we answer.
	ask("request-stamp", "doc", "theirs.tsq")
	ask("request-stamp", "doc", "other.tsq")
	ours, err := authority.Respond(t.Context(), read("theirs.tsq"))
	if err != nil {
		t.Fatal(err)
	}
	write("ours.tsr", ours)
	ask("verify-response", "theirs.tsq", "ours.tsr", "tsa.cer")
	if bc.ask(dir, "verify-response", "other.tsq", "ours.tsr", "tsa.cer") == nil {
		t.Error("Bouncy Castle takes our answer to another request")
	}
	bad := bytes.Clone(ours)
	bad[len(bad)-9] ^= 1
	write("bad.tsr", bad)
	if bc.ask(dir, "verify-response", "theirs.tsq", "bad.tsr", "tsa.cer") == nil {
		t.Error("Bouncy Castle takes our answer with one bit changed")
	}

	// We ask, it answers.
	sum := streebog.Sum256(doc)
	req, err := tsp.NewRequest(nil, alg.Identifier{OID: oid.Streebog256}, sum[:], "")
	if err != nil {
		t.Fatal(err)
	}
	write("ours.tsq", req.Raw)
	ask("answer-stamp", "ours.tsq", "tsa.cer", "tsa.p8", "theirs.tsr")
	check := func(der []byte, req *tsp.Request) error {
		resp, err := tsp.ParseResponse(der)
		if err != nil {
			return err
		}
		_, err = resp.Check(req)
		return err
	}
	theirs := read("theirs.tsr")
	if err := check(theirs, req); err != nil {
		t.Errorf("we refuse Bouncy Castle's answer: %v", err)
	}
	theirs[len(theirs)-9] ^= 1
	if check(theirs, req) == nil {
		t.Error("we take Bouncy Castle's answer with one bit changed")
	}
	other, err := tsp.ParseRequest(read("other.tsq"))
	if err != nil {
		t.Fatal(err)
	}
	if check(read("theirs.tsr"), other) == nil {
		t.Error("we take Bouncy Castle's answer to another request")
	}
}
