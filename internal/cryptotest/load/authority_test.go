//go:build linux

package load

import (
	"bufio"
	"crypto"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// password protects the authority's key.
const password = "Open-Sesame-42"

// An authority is a certification authority in a folder, made by the built
// program, with certificates of subscribers.
type authority struct {
	work, dir string
	root      *pki.Certificate
	leaves    []*pki.Certificate
}

// newAuthority makes one with n certificates.
func newAuthority(t testing.TB, n int) *authority {
	t.Helper()
	a := &authority{work: t.TempDir()}
	a.dir = filepath.Join(a.work, "ca")
	a.run(t, "ca", "init", "--dir", a.dir, "--subject", "CN=Load root,C=RU")
	a.root = readCertificate(t, filepath.Join(a.dir, "ca.cer"))
	in, out := filepath.Join(a.work, "in"), filepath.Join(a.work, "out")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	key := testpki.Key(t, "gost2012-256", "cryptopro-a")
	for i := range n {
		name := fmt.Sprintf("CN=Иванов Иван %d,SN=Иванов,G=Иван,SNILS=11223344595,INN=500100732259,C=RU", i)
		a.write(t, filepath.Join("in", fmt.Sprintf("%06d.csr", i)), newRequest(t, key, name))
	}
	a.run(t, "ca", "issue", "--bulk", in, "--dir", a.dir, "--profile", "citizen", "--out", out, "--summary", filepath.Join(a.work, "summary.jsonl"))
	files, err := filepath.Glob(filepath.Join(out, "*.cer"))
	if err != nil || len(files) != n {
		t.Fatalf("%d certificates of %d: %v", len(files), n, err)
	}
	for _, f := range files {
		a.leaves = append(a.leaves, readCertificate(t, f))
	}
	return a
}

func newRequest(t testing.TB, key crypto.Signer, name string) []byte {
	t.Helper()
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: testpki.Name(t, name)}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// service gives a service a key without a password and a certificate by a
// profile; it returns the names of the key, of the certificate, and of a file
// with both, all PEM.
func (a *authority) service(t testing.TB, profile string) (key, cert, both string) {
	t.Helper()
	k := testpki.Key(t, "gost2012-256", "cryptopro-a")
	csr := a.write(t, profile+".csr", newRequest(t, k, "CN="+strings.ToUpper(profile)+",C=RU"))
	cer := filepath.Join(a.work, profile+".cer")
	a.run(t, "ca", "issue", csr, "--dir", a.dir, "--profile", profile, "-o", cer)
	p8, err := alg.MarshalPKCS8(k)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8})
	certPEM := certificatePEM(readCertificate(t, cer))
	return a.write(t, profile+".key", keyPEM), a.write(t, profile+".pem", certPEM), a.write(t, profile+"-both.pem", slices.Concat(keyPEM, certPEM))
}

func certificatePEM(c *pki.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func readCertificate(t testing.TB, file string) *pki.Certificate {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	c, err := pki.ParseCertificate(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// write puts a file into the working folder.
func (a *authority) write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(a.work, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (a *authority) command(t testing.TB, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), program(t), args...)
	cmd.Env = append(os.Environ(), "GOSKLYUCH_HOME="+filepath.Join(a.work, "home"),
		"GOSKLYUCH_PASSWORD="+password, "GOSKLYUCH_NEW_PASSWORD="+password)
	return cmd
}

// run runs the program to its end.
func (a *authority) run(t testing.TB, args ...string) {
	t.Helper()
	if out, err := a.command(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("gosklyuch %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// serve starts a service that prints its address as JSON; stop it, or kill it.
func (a *authority) serve(t testing.TB, args ...string) (address string, cmd *exec.Cmd) {
	t.Helper()
	cmd = a.command(t, append(args, "--json")...)
	cmd.Stderr = nil // the log is one line for each answer: it goes nowhere, but it is written
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() }) //nolint:errcheck // mostly it has ended
	var doc struct{ Listen string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&doc); err != nil || doc.Listen == "" {
		t.Fatalf("%s does not say its address: %v", strings.Join(args[:2], " "), err)
	}
	return doc.Listen, cmd
}

// end stops a service as an operator does.
func end(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the service ended with %v", err)
		}
	case <-time.After(45 * time.Second):
		t.Error("the service does not stop")
	}
}
