//go:build bench

package bench_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// How many requests the jobs of an authority handle in a round.
const (
	bulkRequests     = 5000
	singleRequests   = 3
	ocspCertificates = 1000
	ocspRequests     = 4000
)

// caJobs are what an authority does: many certificates in one run, one to a
// process, with the authority's key under a password on both sides or, because
// OpenSSL derives keys from passwords slowly, on ours alone; and OCSP answers over connections of one request, which is all that
// openssl ocsp knows.
func caJobs() []job {
	return []job{
		{name: "ca issue --bulk", peer: "openssl ca, all in one process, the same key file", unit: "certificates", units: bulkRequests, prepare: prepareBulk},
		{name: "ca issue, one to a process", peer: "openssl x509 -req, the same key file", unit: "certificates", units: singleRequests, prepare: prepareSingle(true)},
		{name: "ca issue, one to a process; peer's key in the clear", peer: "openssl x509 -req", unit: "certificates", units: singleRequests, prepare: prepareSingle(false)},
		{name: "OCSP answers, each signed", peer: "openssl ocsp -index", unit: "answers", units: ocspRequests, prepare: prepareOCSP("0")},
		{name: "OCSP answers, kept", peer: "openssl ocsp -index", unit: "answers", units: ocspRequests, prepare: prepareOCSP("10m")},
	}
}

const caPassword = "Open-Sesame-42"

// caWorkshop has an authority of ours, its certificate and its key for OpenSSL,
// and requests, each of a key of its own.
type caWorkshop struct {
	*workshop
	ca       string // folder of ours, as it was founded
	root     string // its certificate as PEM
	rootKey  string // its key as PEM, under the password
	requests []string
	rounds   int
}

func newCAWorkshop(t *testing.T, n int) *caWorkshop {
	t.Helper()
	w := &caWorkshop{workshop: newWorkshop(t)}
	w.ca = filepath.Join(w.dir, "ca")
	w.own(t, "ca", "init", "--dir", w.ca, "--subject", "CN=Bench root,C=RU")
	w.root = w.pem(t, "root.pem", "CERTIFICATE", w.certificate(t, filepath.Join(w.ca, "ca.cer")).Raw)
	key, err := os.ReadFile(filepath.Join(w.ca, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	w.rootKey = w.pem(t, "root.key", "ENCRYPTED PRIVATE KEY", key)
	if err := os.Mkdir(filepath.Join(w.dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("CN=Иванов Иван %d,SN=Иванов,G=Иван,SNILS=11223344595,INN=500100732259,C=RU", i)
		der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: testpki.Name(t, name)}, testpki.Key(t, "gost2012-256", "cryptopro-a"))
		if err != nil {
			t.Fatal(err)
		}
		w.requests = append(w.requests, w.pem(t, fmt.Sprintf("in/%06d.csr", i), "CERTIFICATE REQUEST", der))
	}
	config := "\n[ca]\ndefault_ca = d\n[d]\ndatabase = " + w.dir + "/db\nrand_serial = yes\nnew_certs_dir = " + w.dir +
		"\ndefault_md = md_gost12_256\ndefault_days = 450\nunique_subject = no\npolicy = p\n[p]\ncommonName = supplied\n"
	engine, err := os.ReadFile(w.conf)
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, "ca.cnf", append(engine, config...))
	w.put(t, "db", nil)
	return w
}

func (w *caWorkshop) put(t *testing.T, name string, b []byte) string {
	t.Helper()
	name = filepath.Join(w.dir, name)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (w *caWorkshop) pem(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	return w.put(t, name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (w *caWorkshop) command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), w.program, args...)
	cmd.Env = append(os.Environ(), "GOSKLYUCH_HOME="+filepath.Join(w.dir, "home"), "GOSKLYUCH_PASSWORD="+caPassword, "GOSKLYUCH_NEW_PASSWORD="+caPassword)
	return cmd
}

func (w *caWorkshop) own(t *testing.T, args ...string) jobTime {
	t.Helper()
	_, took := timed(t, w.command(t, args...))
	return took
}

// fresh returns a copy of the authority that has issued nothing.
func (w *caWorkshop) fresh(t *testing.T) (dir, out string) {
	t.Helper()
	w.rounds++
	dir, out = fmt.Sprintf("%s%d", w.ca, w.rounds), filepath.Join(w.dir, fmt.Sprint("out", w.rounds))
	if err := os.CopyFS(dir, os.DirFS(w.ca)); err != nil {
		t.Fatal(err)
	}
	return dir, out
}

// wantCertificates checks that the work was done.
func wantCertificates(t *testing.T, pattern string, n int) {
	t.Helper()
	if files, err := filepath.Glob(pattern); err != nil || len(files) != n {
		t.Errorf("%d certificates of %d: %v", len(files), n, err)
	}
}

func prepareBulk(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	w := newCAWorkshop(t, bulkRequests)
	return func(t *testing.T) jobTime {
			dir, out := w.fresh(t)
			took := w.own(t, "ca", "issue", "--bulk", filepath.Join(w.dir, "in"), "--dir", dir, "--profile", "citizen", "--out", out)
			wantCertificates(t, filepath.Join(out, "*.cer"), bulkRequests)
			return took
		}, func(t *testing.T) jobTime {
			args := []string{"ca", "-batch", "-notext", "-config", filepath.Join(w.dir, "ca.cnf"), "-cert", w.root, "-keyfile", w.rootKey, "-passin", "pass:" + caPassword, "-infiles"}
			cmd := exec.CommandContext(t.Context(), "openssl", append(args, w.requests...)...)
			cmd.Env = append(os.Environ(), "OPENSSL_CONF="+w.conf)
			out, took := timed(t, cmd)
			if n := strings.Count(string(out), "BEGIN CERTIFICATE"); n != bulkRequests {
				t.Errorf("%d certificates of OpenSSL", n)
			}
			return took
		}
}

// prepareSingle has the peer open our authority's key file with its password
// each time, or a key that is not encrypted.
func prepareSingle(encrypted bool) func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	return func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
		w := newCAWorkshop(t, singleRequests)
		each := func(do func(i int) jobTime) (sum jobTime) {
			for i := range w.requests {
				took := do(i)
				sum.wall, sum.cpu = sum.wall+took.wall, sum.cpu+took.cpu
			}
			return sum
		}
		key := []string{"-CA", w.cert, "-CAkey", w.key}
		if encrypted {
			key = []string{"-CA", w.root, "-CAkey", w.rootKey, "-passin", "pass:" + caPassword}
		}
		return func(t *testing.T) jobTime {
				dir, _ := w.fresh(t)
				return each(func(i int) jobTime {
					return w.own(t, "ca", "issue", w.requests[i], "--dir", dir, "--profile", "citizen", "-o", filepath.Join(dir, fmt.Sprint(i, ".cer")))
				})
			}, func(t *testing.T) jobTime {
				return each(func(i int) jobTime {
					return w.openssl(t, append([]string{
						"x509", "-req", "-in", w.requests[i], "-days", "450", "-md_gost12_256", "-set_serial", fmt.Sprint(i + 1),
						"-out", filepath.Join(w.dir, "x509.pem"),
					}, key...)...)
				})
			}
	}
}

// prepareOCSP starts both responders with the same delegated key. The processor
// time of a round is the responder's.
func prepareOCSP(kept string) func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	return func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
		w := newCAWorkshop(t, ocspCertificates)
		out := filepath.Join(w.dir, "issued")
		w.own(t, "ca", "issue", "--bulk", filepath.Join(w.dir, "in"), "--dir", w.ca, "--profile", "citizen", "--out", out)
		key := testpki.Key(t, "gost2012-256", "cryptopro-a")
		csr, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: testpki.Name(t, "CN=OCSP,C=RU")}, key)
		if err != nil {
			t.Fatal(err)
		}
		cer := filepath.Join(w.dir, "ocsp.cer")
		w.own(t, "ca", "issue", w.pem(t, "ocsp.csr", "CERTIFICATE REQUEST", csr), "--dir", w.ca, "--profile", "ocsp", "-o", cer)
		p8, err := alg.MarshalPKCS8(key)
		if err != nil {
			t.Fatal(err)
		}
		root, delegate := w.certificate(t, filepath.Join(w.ca, "ca.cer")), w.certificate(t, cer)
		keyFile, certFile := w.pem(t, "ocsp.key", "PRIVATE KEY", p8), w.pem(t, "ocsp.pem", "CERTIFICATE", delegate.Raw)
		both := w.put(t, "both.pem", append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}),
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: delegate.Raw})...))
		files, err := filepath.Glob(filepath.Join(out, "*.cer"))
		if err != nil || len(files) != ocspCertificates {
			t.Fatalf("%d certificates: %v", len(files), err)
		}
		var index strings.Builder
		var requests [][]byte
		for i, f := range files {
			c := w.certificate(t, f)
			fmt.Fprintf(&index, "V\t%s\t\t%s\tunknown\t/CN=%d\n", c.NotAfter.UTC().Format("060102150405Z"), strings.ToUpper(c.SerialHex()), i)
			r, err := ocsp.NewRequest(nil, c, root, ocsp.SHA1(), kept == "0")
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, r.Raw)
		}
		indexFile := w.put(t, "index.txt", []byte(index.String()))
		return func(t *testing.T) jobTime {
				cmd := w.command(t, "ca", "serve", "--dir", w.ca, "--listen", "127.0.0.1:0", "--ocsp-key", both, "--public-rate", "0", "--ocsp-cache", kept, "--json")
				return askOCSP(t, cmd, "/ocsp", requests, listening)
			}, func(t *testing.T) jobTime {
				address := freeAddress(t)
				_, port, _ := net.SplitHostPort(address)
				cmd := exec.CommandContext(t.Context(), "openssl", "ocsp", "-index", indexFile, "-CA", w.root, "-rsigner", certFile, "-rkey", keyFile,
					"-port", port, "-ndays", "1")
				cmd.Env = append(os.Environ(), "OPENSSL_CONF="+peer.ConfigFile(t))
				return askOCSP(t, cmd, "/", requests, func(*testing.T, io.Reader) string { return address })
			}
	}
}

func (w *caWorkshop) certificate(t *testing.T, file string) *pki.Certificate {
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

// listening reads the address that our service prints.
func listening(t *testing.T, out io.Reader) string {
	t.Helper()
	var doc struct{ Listen string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&doc); err != nil {
		t.Fatalf("the service does not say its address: %v", err)
	}
	return doc.Listen
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it is free again
	return l.Addr().String()
}

// askOCSP starts a responder, asks it ocspRequests times from eight clients at
// once, after as many questions as there are requests that do not count, and
// ends it.
func askOCSP(t *testing.T, cmd *exec.Cmd, path string, requests [][]byte, where func(*testing.T, io.Reader) string) (took jobTime) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }() //nolint:errcheck // it ends so
	address := where(t, out)
	for range 100 {
		if exchange(address, path, requests[0]) == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	ask := func(n int) {
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for i := next.Add(1); i <= int64(n); i = next.Add(1) {
					if err := exchange(address, path, requests[i%int64(len(requests))]); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	ask(len(requests))
	begin, used := time.Now(), processorOf(t, cmd.Process.Pid)
	ask(ocspRequests)
	return jobTime{wall: time.Since(begin), cpu: processorOf(t, cmd.Process.Pid) - used}
}

// exchange asks once, over a connection of its own.
func exchange(address, path string, body []byte) error {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // the answer is here
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n", path, len(body))
	if _, err := c.Write(append([]byte(head), body...)); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	_, response, _ := strings.Cut(string(answer), "\r\n\r\n")
	// OCSPResponse begins with responseStatus successful(0).
	if len(response) < 9 || !strings.Contains(response[:9], "\x0a\x01\x00") {
		return fmt.Errorf("an answer that is none: %.60q", answer)
	}
	return nil
}

// processorOf returns the processor time that a process has used (proc(5):
// fields 14 and 15 of stat, in ticks of 10 ms).
func processorOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
