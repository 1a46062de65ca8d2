package ca_test

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// write puts DER into a PEM file and returns its name.
func write(t testing.TB, dir, name, label string, ders ...[]byte) string {
	t.Helper()
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})...)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenSSL lets OpenSSL judge a chain, a CRL and a revocation of ours, for
// several kinds of authority keys.
func TestOpenSSL(t *testing.T) {
	for _, set := range []string{"gost2012-256 cryptopro-a", "gost2012-256 tc26-256-a", "gost2012-512 tc26-512-a", "ecdsa-p256 ", "rsa-2048 "} {
		t.Run(set, func(t *testing.T) {
			name, params, _ := strings.Cut(set, " ")
			root := newRoot(t, generate(t, name, params), 0)
			sub := newSub(t, root, generate(t, name, params))
			good := sub.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", ""))
			bad := sub.issue(t, "organization", orgDN, generate(t, name, params))
			if _, err := sub.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, bad), Reason: ca.KeyCompromise}); err != nil {
				t.Fatal(err)
			}
			opensslChain(t, root, sub, good, bad)
		})
	}
}

func opensslChain(t *testing.T, root, sub *authority, good, bad *pki.Certificate) {
	dir := t.TempDir()
	crls := make([][]byte, 0, 2)
	for _, a := range []*authority{root, sub} {
		e, err := a.CRL(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		crls = append(crls, e.DER)
	}
	rootFile := write(t, dir, "root.pem", "CERTIFICATE", root.cert.Raw)
	subFile := write(t, dir, "sub.pem", "CERTIFICATE", sub.cert.Raw)
	crlFile := write(t, dir, "both.crl", "X509 CRL", crls...)
	args := []string{"verify", "-x509_strict", "-CAfile", rootFile, "-untrusted", subFile, "-CRLfile", crlFile, "-crl_check_all", "-purpose", "smimesign"}
	goodFile := write(t, dir, "good.pem", "CERTIFICATE", good.Raw)
	peer.MustOpenSSL(t, append(slices.Clone(args), goodFile)...)
	res := peer.OpenSSL(t, peer.Run{Args: append(slices.Clone(args), write(t, dir, "bad.pem", "CERTIFICATE", bad.Raw))})
	if res.Err == nil || !strings.Contains(res.All(), "certificate revoked") {
		t.Errorf("the revoked certificate: %s", res.All())
	}
	broken := slices.Clone(good.Raw)
	broken[len(broken)-1] ^= 1
	if res := peer.OpenSSL(t, peer.Run{Args: append(slices.Clone(args), write(t, dir, "broken.pem", "CERTIFICATE", broken))}); res.Err == nil {
		t.Errorf("a corrupted certificate: %s", res.All())
	}
	one := write(t, dir, "sub.crl", "X509 CRL", crls[1])
	res = peer.OpenSSL(t, peer.Run{Args: []string{"crl", "-in", one, "-CAfile", subFile, "-noout", "-text"}})
	if res.Err != nil || !strings.Contains(res.All(), "verify OK") || !strings.Contains(res.All(), "Key Compromise") {
		t.Errorf("crl: %v\n%s", res.Err, res.All())
	}
	corrupted := slices.Clone(crls[1])
	corrupted[len(corrupted)-1] ^= 1
	res = peer.OpenSSL(t, peer.Run{Args: []string{"crl", "-in", write(t, dir, "x.crl", "X509 CRL", corrupted), "-CAfile", subFile, "-noout"}})
	if !strings.Contains(res.All(), "verify failure") {
		t.Errorf("a corrupted CRL: %s", res.All())
	}
}

// TestCerttool does the same with GnuTLS on the sets that it knows.
func TestCerttool(t *testing.T) {
	for _, set := range []string{"cryptopro-a", "cryptopro-xcha"} {
		t.Run(set, func(t *testing.T) {
			root := newRoot(t, generate(t, "gost2012-256", set), 0)
			sub := newSub(t, root, generate(t, "gost2012-256", set))
			leaf := sub.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", set))
			dir := t.TempDir()
			rootFile := write(t, dir, "root.pem", "CERTIFICATE", root.cert.Raw)
			chain := write(t, dir, "chain.pem", "CERTIFICATE", leaf.Raw, sub.cert.Raw)
			verify := func(file string) peer.Result {
				return peer.Certtool(t, peer.Run{Args: []string{"--verify", "--verify-profile", "low", "--load-ca-certificate", rootFile, "--infile", file}})
			}
			if res := verify(chain); res.Err != nil || !strings.Contains(res.All(), "Chain verification output: Verified") {
				t.Errorf("%v\n%s", res.Err, res.All())
			}
			broken := slices.Clone(leaf.Raw)
			broken[len(broken)-1] ^= 1
			if res := verify(write(t, dir, "broken.pem", "CERTIFICATE", broken, sub.cert.Raw)); res.Err == nil {
				t.Errorf("a corrupted certificate: %s", res.All())
			}
			if _, err := sub.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, leaf), Reason: ca.Superseded}); err != nil {
				t.Fatal(err)
			}
			crl, err := sub.CRL(t.Context(), "test")
			if err != nil {
				t.Fatal(err)
			}
			res := peer.Certtool(t, peer.Run{Args: []string{
				"--verify-crl", "--load-ca-certificate", write(t, dir, "sub.pem", "CERTIFICATE", sub.cert.Raw),
				"--infile", write(t, dir, "sub.crl", "X509 CRL", crl.DER),
			}})
			if res.Err != nil || !strings.Contains(res.All(), "Verified") {
				t.Errorf("CRL: %v\n%s", res.Err, res.All())
			}
		})
	}
}

// TestOpenSSLRequest issues for requests that OpenSSL made.
func TestOpenSSLRequest(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	for _, set := range []string{"A", "XA", "TCA"} {
		dir := t.TempDir()
		key := filepath.Join(dir, "key.pem")
		peer.MustOpenSSL(t, "genpkey", "-algorithm", "gost2012_256", "-pkeyopt", "paramset:"+set, "-out", key)
		der := peer.MustOpenSSL(t, "req", "-new", "-key", key, "-outform", "DER", "-utf8",
			"-subj", "/C=RU/CN=Иванов Иван/SN=Иванов/GN=Иван/SNILS=11223344595/INN=500100732259")
		r, err := pki.ParseRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		c, err := root.IssueRequest(t.Context(), "citizen", ca.Request{CSR: r})
		if err != nil {
			t.Fatalf("%s: %v", set, err)
		}
		peer.MustOpenSSL(t, "verify", "-CAfile", write(t, dir, "root.pem", "CERTIFICATE", root.cert.Raw), write(t, dir, "c.pem", "CERTIFICATE", c.Raw))
	}
}
