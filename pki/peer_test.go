package pki_test

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// gostSets: how the peers name the parameter sets. certtool knows some only.
var gostSets = []struct {
	name, algorithm string
	opensslAlg, set string
	certtoolKey     string
	certtoolCurve   string // "": certtool does not know the set
}{
	{"cryptopro-a", "gost2012-256", "gost2012_256", "A", "gost12-256", "CryptoPro-A"},
	{"cryptopro-b", "gost2012-256", "gost2012_256", "B", "", ""},
	{"cryptopro-c", "gost2012-256", "gost2012_256", "C", "", ""},
	{"cryptopro-xcha", "gost2012-256", "gost2012_256", "XA", "gost12-256", "CryptoPro-XchA"},
	{"cryptopro-xchb", "gost2012-256", "gost2012_256", "XB", "", ""},
	{"tc26-256-a", "gost2012-256", "gost2012_256", "TCA", "", ""},
	{"tc26-256-b", "gost2012-256", "gost2012_256", "TCB", "gost12-256", "TC26-256-B"},
	{"tc26-256-c", "gost2012-256", "gost2012_256", "TCC", "", ""},
	{"tc26-256-d", "gost2012-256", "gost2012_256", "TCD", "", ""},
	{"tc26-512-a", "gost2012-512", "gost2012_512", "A", "gost12-512", "TC26-512-A"},
	{"tc26-512-b", "gost2012-512", "gost2012_512", "B", "", ""},
	{"tc26-512-c", "gost2012-512", "gost2012_512", "C", "", ""},
}

// checkTime lies inside the validity of the certificates of these tests.
const checkTime = "1893456000" // 2030-01-01

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// accepted runs openssl and reports whether it exits with 0. What crl and req
// say about a wrong signature goes by the text, since their exit code is 0.
func accepted(t *testing.T, args ...string) bool {
	t.Helper()
	r := peer.OpenSSL(t, peer.Run{Args: args})
	return r.Err == nil && !bytes.Contains([]byte(r.All()), []byte("verify failure")) && !bytes.Contains([]byte(r.All()), []byte("failed"))
}

// pemOf converts with the peer, so that the test has no armour of its own.
func pemOf(t *testing.T, kind, der string) string {
	t.Helper()
	out := der + ".pem"
	peer.MustOpenSSL(t, kind, "-inform", "DER", "-in", der, "-out", out)
	return out
}

// What we make, OpenSSL with gost-engine accepts, for every parameter set; the
// same with one bit of the signature changed it refuses.
func TestOpenSSLAcceptsOurs(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, k := range gostSets {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			key := newKey(t, k.algorithm, k.name)
			root, leaf, _ := issue(t, key)
			crl, err := pki.CreateCRL(rand.Reader, crlTemplate(t), root, key)
			if err != nil {
				t.Fatal(err)
			}
			req, err := pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: leaf.Subject, KeyUsage: leaf.KeyUsage}, key)
			if err != nil {
				t.Fatal(err)
			}
			ca := pemOf(t, "x509", write(t, dir, "root.der", root.Raw))
			for _, damaged := range []bool{false, true} {
				flip := func(der []byte) []byte {
					der = bytes.Clone(der)
					if damaged {
						der[len(der)-1] ^= 1
					}
					return der
				}
				crt := pemOf(t, "x509", write(t, dir, "leaf.der", flip(leaf.Raw)))
				if accepted(t, "verify", "-attime", checkTime, "-CAfile", ca, crt) == damaged {
					t.Errorf("certificate, damaged %v: openssl disagrees", damaged)
				}
				if accepted(t, "req", "-verify", "-noout", "-inform", "DER", "-in", write(t, dir, "q.der", flip(req))) == damaged {
					t.Errorf("request, damaged %v: openssl disagrees", damaged)
				}
				if accepted(t, "crl", "-noout", "-inform", "DER", "-CAfile", ca, "-in", write(t, dir, "l.der", flip(crl))) == damaged {
					t.Errorf("CRL, damaged %v: openssl disagrees", damaged)
				}
			}
		})
	}
}

// opensslFiles lets OpenSSL make a root, a request, a leaf and a CRL.
func opensslFiles(t *testing.T, dir, algorithm, set string) (root, req, leaf, crl []byte) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	peer.MustOpenSSL(t, "genpkey", "-algorithm", algorithm, "-pkeyopt", "paramset:"+set, "-out", at("ca.key"))
	peer.MustOpenSSL(t, "genpkey", "-algorithm", algorithm, "-pkeyopt", "paramset:"+set, "-out", at("leaf.key"))
	peer.MustOpenSSL(t, "req", "-new", "-x509", "-key", at("ca.key"), "-days", "365", "-subj", "/C=RU/CN=peer root", "-addext", "subjectKeyIdentifier=hash", "-addext", "basicConstraints=critical,CA:TRUE", "-outform", "DER", "-out", at("ca.der"))
	peer.MustOpenSSL(t, "x509", "-inform", "DER", "-in", at("ca.der"), "-out", at("ca.pem"))
	peer.MustOpenSSL(t, "req", "-new", "-key", at("leaf.key"), "-subj", "/C=RU/CN=peer leaf", "-addext", "keyUsage=critical,digitalSignature", "-outform", "PEM", "-out", at("q.pem"))
	peer.MustOpenSSL(t, "req", "-in", at("q.pem"), "-outform", "DER", "-out", at("q.der"))
	peer.MustOpenSSL(t, "x509", "-req", "-in", at("q.pem"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-set_serial", "0x1234", "-days", "100", "-outform", "DER", "-out", at("leaf.der"))
	write(t, dir, "index.txt", []byte("R\t491231235959Z\t260101000000Z,keyCompromise\t1234\tunknown\t/CN=peer leaf\n"))
	write(t, dir, "number", []byte("0A\n"))
	config := write(t, dir, "ca.cnf", []byte("openssl_conf = o\n[o]\nengines = e\n[e]\ngost = g\n[g]\nengine_id = gost\ndefault_algorithms = ALL\n"+
		"[ca]\ndefault_ca = d\n[d]\ndatabase = "+at("index.txt")+"\ncrlnumber = "+at("number")+"\ndefault_md = default\ndefault_crl_days = 30\ncrl_extensions = x\n[x]\nauthorityKeyIdentifier = keyid\n"))
	r := peer.OpenSSL(t, peer.Run{Args: []string{"ca", "-gencrl", "-config", config, "-cert", at("ca.pem"), "-keyfile", at("ca.key"), "-out", at("l.pem")}, Env: []string{"OPENSSL_CONF=" + config}})
	if r.Err != nil {
		t.Fatalf("openssl ca -gencrl: %v\n%s", r.Err, r.All())
	}
	peer.MustOpenSSL(t, "crl", "-in", at("l.pem"), "-outform", "DER", "-out", at("l.der"))
	return read(t, at("ca.der")), read(t, at("q.der")), read(t, at("leaf.der")), read(t, at("l.der"))
}

func read(t *testing.T, p string) []byte {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What OpenSSL makes, we parse and verify; changed, we refuse it.
func TestWeAcceptOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, k := range gostSets {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			checkTheirs(t, opensslFiles, k.opensslAlg, k.set)
		})
	}
}

type maker func(t *testing.T, dir, algorithm, set string) (root, req, leaf, crl []byte)

func checkTheirs(t *testing.T, produce maker, algorithm, set string) {
	t.Helper()
	rootDER, reqDER, leafDER, crlDER := produce(t, t.TempDir(), algorithm, set)
	root, leaf := mustCert(t, rootDER), mustCert(t, leafDER)
	q, err := pki.ParseRequest(reqDER)
	if err != nil {
		t.Fatal(err)
	}
	l := mustCRL(t, crlDER)
	for what, err := range map[string]error{
		"root": root.CheckSignatureFrom(root), "leaf": leaf.CheckSignatureFrom(root),
		"request": q.CheckSignature(), "crl": l.CheckSignatureFrom(root),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if pki.HasErrors(root.Findings) || pki.HasErrors(leaf.Findings) || pki.HasErrors(q.Findings) || pki.HasErrors(l.Findings) {
		t.Error("findings of severity Error in a peer's objects")
	}
	if leaf.Subject.Get(oid.CommonName) != "peer leaf" || !leaf.Subject.Equal(q.Subject) {
		t.Errorf("subject %s, asked for %s", leaf.Subject, q.Subject)
	}
	if e, found, err := l.Find(big.NewInt(0x1234)); err != nil || !found {
		t.Errorf("crl entry: %+v %v %v", e, found, err)
	}
	for _, der := range [][]byte{leafDER, reqDER, crlDER} {
		der[len(der)-1] ^= 1
	}
	q, err = pki.ParseRequest(reqDER)
	if err != nil {
		t.Fatal(err)
	}
	if mustCert(t, leafDER).CheckSignatureFrom(root) == nil || q.CheckSignature() == nil || mustCRL(t, crlDER).CheckSignatureFrom(root) == nil {
		t.Error("a changed signature is accepted")
	}
}

// certtoolRun runs certtool and reports whether it exits with 0 and does not
// say that something is not verified.
func certtoolRun(t *testing.T, args ...string) (ok bool, said string) {
	t.Helper()
	r := peer.Certtool(t, peer.Run{Args: args})
	return r.Err == nil && !strings.Contains(r.All(), "Not verified") && !strings.Contains(r.All(), "not trusted") &&
		!strings.Contains(r.All(), "FAILED"), r.All()
}

// certtool, for the sets that it knows: it verifies our chain, request and CRL
// and refuses them changed.
func TestCerttoolAcceptsOurs(t *testing.T) {
	peer.NeedCerttool(t)
	for _, k := range gostSets {
		if k.certtoolCurve == "" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			key := newKey(t, k.algorithm, k.name)
			root, leaf, _ := issue(t, key)
			tmpl := crlTemplate(t)
			tmpl.NextUpdate = notAfter // certtool checks against the clock
			crl, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
			if err != nil {
				t.Fatal(err)
			}
			req, err := pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: leaf.Subject}, key)
			if err != nil {
				t.Fatal(err)
			}
			ca := write(t, dir, "root.der", root.Raw)
			caPEM := write(t, dir, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
			for _, damaged := range []bool{false, true} {
				flip := func(der []byte) []byte {
					der = bytes.Clone(der)
					if damaged {
						der[len(der)-1] ^= 1
					}
					return der
				}
				crt := write(t, dir, "leaf.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: flip(leaf.Raw)}))
				for what, args := range map[string][]string{
					"certificate": {"--verify", "--verify-profile", "low", "--load-ca-certificate", caPEM, "--infile", crt},
					"request":     {"--crq-info", "--inder", "--infile", write(t, dir, "q.der", flip(req))},
					"CRL":         {"--verify-crl", "--inder", "--load-ca-certificate", ca, "--infile", write(t, dir, "l.der", flip(crl))},
				} {
					if ok, said := certtoolRun(t, args...); ok == damaged {
						t.Errorf("%s, damaged %v: certtool says\n%s", what, damaged, said)
					}
				}
			}
		})
	}
}

// certtoolFiles lets certtool make a root, a request, a leaf and a CRL.
func certtoolFiles(t *testing.T, dir, algorithm, curve string) (root, req, leaf, crl []byte) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		t.Helper()
		if ok, said := certtoolRun(t, args...); !ok {
			t.Fatalf("certtool %v:\n%s", args, said)
		}
	}
	caT := write(t, dir, "ca.tmpl", []byte("cn = peer root\ncountry = RU\nserial = 1\nca\ncert_signing_key\ncrl_signing_key\nexpiration_days = 400\n"))
	leafT := write(t, dir, "leaf.tmpl", []byte("cn = peer leaf\ncountry = RU\nserial = 0x1234\nsigning_key\nexpiration_days = 300\ncrl_number = 5\ncrl_next_update = 30\n"))
	run("--generate-privkey", "--key-type", algorithm, "--curve", curve, "--outfile", at("ca.key"))
	run("--generate-privkey", "--key-type", algorithm, "--curve", curve, "--outfile", at("leaf.key"))
	run("--generate-self-signed", "--load-privkey", at("ca.key"), "--template", caT, "--outfile", at("ca.pem"))
	run("--generate-request", "--load-privkey", at("leaf.key"), "--template", leafT, "--outfile", at("q.pem"))
	ca := []string{"--load-ca-certificate", at("ca.pem"), "--load-ca-privkey", at("ca.key"), "--template", leafT}
	run(append(ca, "--generate-certificate", "--load-request", at("q.pem"), "--outfile", at("leaf.pem"))...)
	run(append(ca, "--generate-crl", "--load-certificate", at("leaf.pem"), "--outfile", at("l.pem"))...)
	der := func(name string) []byte {
		b, _ := pem.Decode(read(t, at(name)))
		if b == nil {
			t.Fatalf("%s has no PEM", name)
		}
		return b.Bytes
	}
	return der("ca.pem"), der("q.pem"), der("leaf.pem"), der("l.pem")
}

// What certtool makes, we parse and verify; changed, we refuse it.
func TestWeAcceptCerttool(t *testing.T) {
	peer.NeedCerttool(t)
	for _, k := range gostSets {
		if k.certtoolCurve == "" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			checkTheirs(t, certtoolFiles, k.certtoolKey, k.certtoolCurve)
		})
	}
}
