//go:build linux

package load

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

const typeOCSP = "application/ocsp-request"

// TestOCSPLoad asks `ca serve` and `openssl ocsp -port` with gost-engine about
// the same certificates, with the same delegated key, one after the other, for
// $GOSKLYUCH_OCSP_SECONDS each (default 1; `make soak` takes 20): answers that
// are signed for each request, answers that are kept, and, because openssl has
// no persistent connections, both over connections of one request. The figures
// are printed and judged by nobody; a wrong answer fails.
func TestOCSPLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a long run")
	}
	peer.NeedOpenSSL(t)
	duration := time.Duration(number(t, "GOSKLYUCH_OCSP_SECONDS", 1)) * time.Second
	a := newAuthority(t, number(t, "GOSKLYUCH_OCSP_CERTIFICATES", 200))
	key, cert, both := a.service(t, "ocsp")
	responder := readCertificate(t, cert)
	plain, nonces := a.ocspRequests(t, false), a.ocspRequests(t, true)
	ask := func(address, path string, bodies [][]byte, keep bool) target {
		return target{
			address: address, path: path, contentType: typeOCSP, bodies: bodies, keep: keep,
			check: func(n int, answer []byte) error { return a.good(n, bodies[n], answer, responder) },
		}
	}
	run := func(name string, t1 target, clients, pid int) measure {
		t.Helper()
		m, err := press(t.Context(), t1, clients, duration, pid)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Logf("%s, %d clients: %s", name, clients, m)
		return m
	}

	service := []string{"ca", "serve", "--dir", a.dir, "--listen", "127.0.0.1:0", "--ocsp-key", both, "--public-rate", "0"}
	live, process := a.serve(t, append(service, "--ocsp-cache", "0")...)
	pid := process.Process.Pid
	run("signed for each request, one connection each", ask(live, "/ocsp", nonces, false), 8, pid)
	run("signed for each request", ask(live, "/ocsp", nonces, true), 8, pid)
	liveFew := run("the same again", ask(live, "/ocsp", nonces, false), 8, pid) // a warm program
	liveKept := run("the same again", ask(live, "/ocsp", nonces, true), 8, pid)
	run("signed for each request", ask(live, "/ocsp", nonces, true), 64, pid)
	end(t, process)

	cached, process := a.serve(t, append(service, "--ocsp-cache", "10m")...)
	pid = process.Process.Pid
	run("kept for ten minutes, the first time", ask(cached, "/ocsp", plain, true), 8, pid)
	cachedFew := run("kept, one connection each", ask(cached, "/ocsp", plain, false), 8, pid)
	cachedKept := run("kept", ask(cached, "/ocsp", plain, true), 8, pid)
	run("kept", ask(cached, "/ocsp", plain, true), 64, pid)
	end(t, process)

	address, process := a.opensslResponder(t, key, cert)
	theirs := run("openssl ocsp, one connection each", ask(address, "/", plain, false), 8, process.Process.Pid)
	run("openssl ocsp, one connection each", ask(address, "/", plain, false), 64, process.Process.Pid)
	if err := process.Process.Kill(); err != nil {
		t.Error(err)
	}
	t.Logf("times openssl ocsp: signed for each request %.1f over one connection each, %.1f over lasting ones; kept %.1f and %.1f",
		liveFew.rate()/theirs.rate(), liveKept.rate()/theirs.rate(), cachedFew.rate()/theirs.rate(), cachedKept.rate()/theirs.rate())
	t.Logf("processor time of the server, openssl against ours: %.1f and %.1f; %.1f and %.1f",
		theirs.server/liveFew.server, theirs.server/liveKept.server, theirs.server/cachedFew.server, theirs.server/cachedKept.server)
}

// ocspRequests makes one request for each certificate, by SHA-1.
func (a *authority) ocspRequests(t testing.TB, nonce bool) [][]byte {
	t.Helper()
	var out [][]byte
	for _, c := range a.leaves {
		req, err := ocsp.NewRequest(nil, c, a.root, alg.Identifier{OID: oid.SHA1}, nonce)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, req.Raw)
	}
	return out
}

// good looks at an answer: about the certificate, good, with the nonce. Every
// 64th is checked to the last signature; all would take the machine from the
// server.
func (a *authority) good(n int, request, answer []byte, responder *pki.Certificate) error {
	if n%64 != 0 {
		id := a.leaves[n].SerialNumber.Bytes()
		// OCSPResponse begins with responseStatus successful(0).
		if len(answer) < 9 || !bytes.Contains(answer[:9], []byte{0x0a, 1, 0}) || !bytes.Contains(answer, id) {
			return fmt.Errorf("an answer that is none: %x", answer)
		}
		return nil
	}
	req, err := ocsp.ParseRequest(request)
	if err != nil {
		return err
	}
	resp, err := ocsp.ParseResponse(answer)
	if err != nil {
		return err
	}
	got, err := resp.Check(ocsp.CheckOptions{Cert: a.leaves[n], Issuer: a.root, At: time.Now(), Request: req, Extra: []*pki.Certificate{responder}})
	if err != nil {
		return err
	}
	if got.Single.Status != ocsp.Good {
		return fmt.Errorf("the answer is %v", got.Single.Status)
	}
	return nil
}

// opensslResponder starts openssl with an index of the same certificates.
func (a *authority) opensslResponder(t testing.TB, key, cert string) (address string, cmd *exec.Cmd) {
	t.Helper()
	var index strings.Builder
	for i, c := range a.leaves {
		fmt.Fprintf(&index, "V\t%s\t\t%s\tunknown\t/CN=%d\n", c.NotAfter.UTC().Format("060102150405Z"), strings.ToUpper(c.SerialHex()), i)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	args := []string{
		"ocsp", "-index", a.write(t, "index.txt", []byte(index.String())), "-CA", a.write(t, "root.pem", certificatePEM(a.root)),
		"-rsigner", cert, "-rkey", key, "-port", port, "-ndays", "1",
	}
	cmd = exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+peer.ConfigFile(t))
	if cmd.Stderr, err = os.Create(filepath.Join(a.work, "openssl.log")); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() }) //nolint:errcheck // mostly it has ended
	// A connection without a request would hold it for ever: it is asked.
	first := target{address: address, path: "/", contentType: typeOCSP}.request(a.ocspRequests(t, false)[0])
	for range 200 {
		time.Sleep(50 * time.Millisecond)
		c, err := connect(address)
		if err != nil {
			continue
		}
		_, err = c.exchange(first)
		c.close()
		if err == nil {
			return address, cmd
		}
	}
	t.Fatal("openssl does not answer")
	return "", nil
}
