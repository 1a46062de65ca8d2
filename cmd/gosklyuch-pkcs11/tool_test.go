//go:build cgo && unix

package main_test

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// tool runs pkcs11-tool on a folder of keys.
type tool struct {
	t   *testing.T
	dir string
}

func newTool(t *testing.T) *tool {
	t.Helper()
	return &tool{t, filepath.Join(t.TempDir(), "keys")}
}

func (x *tool) try(args ...string) (string, error) {
	x.t.Helper()
	res := peer.PKCS11Tool(x.t, peer.Run{
		Args: append([]string{"--module", needLibrary(x.t)}, args...),
		Env:  []string{"GOSKLYUCH_PKCS11_KEYS=" + x.dir},
	})
	return res.All(), res.Err
}

func (x *tool) run(args ...string) string {
	x.t.Helper()
	out, err := x.try(args...)
	if err != nil {
		x.t.Fatalf("pkcs11-tool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (x *tool) user(args ...string) string {
	x.t.Helper()
	return x.run(append([]string{"--token-label", "t1", "--login", "--pin", userPIN}, args...)...)
}

func (x *tool) initialize() {
	x.t.Helper()
	x.run("--init-token", "--slot-index", "0", "--label", "t1", "--so-pin", soPIN)
	x.run("--token-label", "t1", "--login", "--login-type", "so", "--so-pin", soPIN, "--init-pin", "--pin", userPIN)
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// spki reads the public key of an object through another client, for OpenSSL:
// pkcs11-tool 0.23 cannot print GOST keys.
func (x *tool) spki(id byte) []byte {
	x.t.Helper()
	ctx := startIn(x.t, x.dir, "")
	defer func() { check(x.t, ctx.Finalize()) }()
	s := session(x.t, ctx)
	check(x.t, ctx.FindObjectsInit(s, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte{id}),
	}))
	found, _, err := ctx.FindObjects(s, 1)
	check(x.t, err)
	if len(found) != 1 {
		x.t.Fatalf("no public key %d", id)
	}
	const publicKeyInfo = 0x129
	a, err := ctx.GetAttributeValue(s, found[0], []*pkcs11.Attribute{pkcs11.NewAttribute(publicKeyInfo, nil)})
	check(x.t, err)
	return a[0].Value
}

func (x *tool) pub(id byte) string {
	x.t.Helper()
	return write(x.t, "pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: x.spki(id)}))
}

// Every GOST key type that pkcs11-tool knows: it makes the key and signs, it
// verifies itself, and so does OpenSSL.
func TestToolKeyTypes(t *testing.T) {
	peer.NeedOpenSSL(t)
	x := newTool(t)
	x.initialize()
	message := []byte("a message\n")
	file := write(t, "message", message)
	sum256, sum512 := streebog.Sum256(message), streebog.Sum512(message)
	for i, kind := range []string{
		"GOSTR3410:A", "GOSTR3410-2001:B", "GOSTR3410-2001:C",
		"GOSTR3410-2012-256:A", "GOSTR3410-2012-256:B", "GOSTR3410-2012-256:C", "GOSTR3410-2012-256:D",
		"GOSTR3410-2012-512:A", "GOSTR3410-2012-512:B", "GOSTR3410-2012-512:C",
	} {
		id := byte(i + 1)
		hex := fmt.Sprintf("%02x", id)
		x.user("--keypairgen", "--key-type", kind, "--id", hex, "--label", kind)
		raw, with, md, digest := "GOSTR3410", "GOSTR3410-WITH-GOSTR3411-12-256", "md_gost12_256", sum256[:]
		if strings.Contains(kind, "-512") {
			raw, with, md, digest = "0xD4321006", "GOSTR3410-WITH-GOSTR3411-12-512", "md_gost12_512", sum512[:]
		}
		pub := x.pub(id)
		sig := filepath.Join(t.TempDir(), "sig")
		x.user("--sign", "--mechanism", raw, "--id", hex, "--input-file", write(t, "digest", digest), "--output-file", sig)
		verifyOpenSSL(t, md, pub, sig, file)
		if !strings.Contains(kind, "2012") {
			continue // a key of GOST R 34.10-2001 does not go with Streebog
		}
		x.user("--sign", "--mechanism", with, "--id", hex, "--input-file", file, "--output-file", sig)
		verifyOpenSSL(t, md, pub, sig, file)
		if out := x.user("--verify", "--mechanism", with, "--id", hex, "--input-file", file, "--signature-file", sig); !strings.Contains(out, "Signature is valid") {
			t.Errorf("%s: %s", kind, out)
		}
		if out := x.user("--verify", "--mechanism", with, "--id", hex, "--input-file", sig, "--signature-file", sig); !strings.Contains(out, "Invalid signature") {
			t.Errorf("%s, another message: %s", kind, out)
		}
	}
	if out := x.user("--list-objects"); strings.Count(out, "Private Key Object") != 10 || strings.Count(out, "Public Key Object") != 10 {
		t.Errorf("%s", out)
	}
	if out := x.user("--test"); !strings.Contains(out, "No errors") {
		t.Errorf("--test: %s", out)
	}
}

func verifyOpenSSL(t *testing.T, md, pub, sig, file string) {
	t.Helper()
	out := peer.MustOpenSSL(t, "dgst", "-"+md, "-verify", pub, "-signature", sig, file)
	if !bytes.Contains(out, []byte("Verified OK")) {
		t.Errorf("OpenSSL: %s", out)
	}
	bad, err := os.ReadFile(sig)
	check(t, err)
	bad[7] ^= 1
	res := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-" + md, "-verify", pub, "-signature", write(t, "bad", bad), file}})
	if res.Err == nil {
		t.Error("OpenSSL verifies a changed signature")
	}
}

// Slots, mechanisms, digests, random octets, certificates, data, PINs and
// deletion, in the calls that pkcs11-tool makes.
func TestToolObjects(t *testing.T) {
	x := newTool(t)
	if out := x.run("--list-slots"); !strings.Contains(out, "uninitialized") {
		t.Errorf("%s", out)
	}
	x.initialize()
	if out := x.run("--list-token-slots"); !strings.Contains(out, "t1") || !strings.Contains(out, "PIN initialized") {
		t.Errorf("%s", out)
	}
	out := x.run("--list-mechanisms", "--token-label", "t1")
	for _, name := range []string{
		"GOSTR3410-KEY-PAIR-GEN", "GOSTR3410-512-KEY-PAIR-GEN", "GOSTR3410-12-DERIVE", "GOSTR3411-12-256", "GOSTR3411-12-512",
	} {
		if !strings.Contains(out, name) {
			t.Errorf("no %s in\n%s", name, out)
		}
	}
	file, got := write(t, "message", []byte("message\n")), filepath.Join(t.TempDir(), "out")
	x.run("--token-label", "t1", "--hash", "--mechanism", "GOSTR3411-12-512", "--input-file", file, "--output-file", got)
	if sum := streebog.Sum512([]byte("message\n")); !bytes.Equal(read(t, got), sum[:]) {
		t.Error("the digest differs")
	}
	x.run("--token-label", "t1", "--generate-random", "48", "--output-file", got)
	if len(read(t, got)) != 48 {
		t.Error("random octets")
	}

	x.user("--keypairgen", "--key-type", "GOSTR3410-2012-256:A", "--id", "01", "--label", "k")
	cert := certificate(t, x.spki(1))
	x.user("--write-object", write(t, "c.der", cert), "--type", "cert", "--id", "01", "--label", "c")
	x.run("--token-label", "t1", "--read-object", "--type", "cert", "--id", "01", "--output-file", got)
	if !bytes.Equal(read(t, got), cert) {
		t.Error("the certificate differs")
	}
	x.user("--write-object", file, "--type", "data", "--label", "blob", "--application-label", "gost", "--application-id", "1.2.643.7.1", "--private")
	if out := x.run("--token-label", "t1", "--list-objects"); strings.Contains(out, "blob") || strings.Contains(out, "Private Key") {
		t.Errorf("private objects show without login: %s", out)
	}
	x.user("--read-object", "--type", "data", "--label", "blob", "--output-file", got)
	if string(read(t, got)) != "message\n" {
		t.Error("the data differs")
	}
	for _, kind := range []string{"data", "cert", "pubkey", "privkey"} {
		args := []string{"--delete-object", "--type", kind, "--id", "01"}
		if kind == "data" {
			args = []string{"--delete-object", "--type", kind, "--label", "blob"}
		}
		x.user(args...)
	}
	if out := x.user("--list-objects"); strings.Contains(out, "Object") {
		t.Errorf("left over: %s", out)
	}
	x.user("--change-pin", "--new-pin", "another-PIN")
	if out, err := x.try("--token-label", "t1", "--login", "--pin", userPIN, "--list-objects"); err == nil || !strings.Contains(out, "CKR_PIN_INCORRECT") {
		t.Errorf("the old PIN: %s", out)
	}
	x.run("--token-label", "t1", "--login", "--pin", "another-PIN", "--list-objects")
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	return b
}

// certificate has a test authority certify a public key.
func certificate(t testing.TB, spki []byte) []byte {
	t.Helper()
	pub, err := alg.ParsePublicKey(spki)
	check(t, err)
	ca, err := alg.GenerateKey("gost2012-256", "")
	check(t, err)
	name, err := pki.ParseDN("CN=Token test")
	check(t, err)
	caDER, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), BasicConstraints: true, IsCA: true,
	}, nil, ca.Public(), ca)
	check(t, err)
	issuer, err := pki.ParseCertificate(caDER)
	check(t, err)
	der, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(2), Subject: name, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}, issuer, pub, ca)
	check(t, err)
	return der
}

// Through p11-kit, as GnuTLS and most desktop programs load modules, the token
// and a certificate are seen.
func TestP11Kit(t *testing.T) {
	peer.NeedCerttool(t) // p11tool is of the same package
	x := newTool(t)
	x.initialize()
	x.user("--keypairgen", "--key-type", "GOSTR3410-2012-256:B", "--id", "01", "--label", "signing key")
	x.user("--write-object", write(t, "c.der", certificate(t, x.spki(1))), "--type", "cert", "--id", "01", "--label", "mine")
	for _, tt := range []struct{ arg, want string }{
		{"--list-tokens", "token=t1"},
		{"--list-all-certs", "object=mine;type=cert"},
	} {
		args := []string{"--batch", "--provider", needLibrary(t), tt.arg}
		if tt.arg == "--list-all-certs" {
			args = append(args, "pkcs11:token=t1")
		}
		cmd := exec.CommandContext(t.Context(), "p11tool", args...)
		cmd.Env = append(os.Environ(), "GOSKLYUCH_PKCS11_KEYS="+x.dir)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("p11tool %s: %v\n%s", tt.arg, err, out)
		}
	}
}
