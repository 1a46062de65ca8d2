//go:build bench

package bench_test

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/sign"
)

var (
	documents = flag.Int("documents", 10_000, "documents of the verification job")
	signers   = flag.Int("signers", 100, "signers of the documents of the verification job")
)

// nameVerifyBatch begins the names of the jobs; the history keeps the first.
const nameVerifyBatch = "verify --batch"

// A verifyJob is a folder of small signed documents and what they are verified
// against.
type verifyJob struct {
	name  string // subfolder
	title string
	sub   bool // with an issuing authority between the root and the signers
	inner bool // attached: the document is inside its signature
}

var verifyJobs = []verifyJob{
	{"direct", "root, signer", false, false},
	{"chain", "root, authority, signer", true, false},
	{"attached", "root, signer; attached", false, true},
}

// verifyBatchJobs verifies many small documents with verify --batch and with
// CMS_verify of OpenSSL in one process for each core: the chain and the
// revocation lists are checked by both.
func verifyBatchJobs() (jobs []job) {
	for _, j := range verifyJobs {
		jobs = append(jobs, job{
			name: nameVerifyBatch + ": " + j.title, peer: "CMS_verify, a process a core", unit: "documents", units: float64(*documents), target: 3,
			prepare: func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
				peer.NeedOpenSSL(t)
				cms, program, conf, dir := compile(t, "peer_cms.c"), buildProgram(t), peer.ConfigFile(t), j.folder(t)
				return func(t *testing.T) jobTime { return j.gosklyuch(t, program, dir) },
					func(t *testing.T) jobTime { return j.openssl(t, cms, conf, dir) }
			},
		})
	}
	return jobs
}

// folder makes the documents, or finds them where an earlier run left them.
func (j verifyJob) folder(t *testing.T) string {
	t.Helper()
	root := *jobsFolder
	if root == "" {
		root = t.TempDir()
	}
	dir := filepath.Join(root, fmt.Sprintf("%s-%d-%d", j.name, *documents, *signers))
	if _, err := os.Stat(filepath.Join(dir, "list")); err != nil {
		j.make(t, dir)
	}
	return dir
}

// make writes the documents, the anchor and the lists.
func (j verifyJob) make(t *testing.T, dir string) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	issue := func(tmpl *pki.CertificateTemplate, by *testpki.Entity) *testpki.Entity {
		tmpl.NotBefore, tmpl.NotAfter = now.AddDate(0, -1, 0), now.AddDate(1, 0, 0)
		return testpki.Issue(t, tmpl, by)
	}
	root := issue(testpki.CA(t, "CN=Root,O=Test,C=RU"), nil)
	authority, chain := root, []*pki.Certificate(nil)
	lists := pemOf("X509 CRL", emptyList(t, root, now))
	if j.sub {
		authority = issue(testpki.CA(t, "CN=Authority,O=Test,C=RU"), root)
		chain = append(chain, authority.Cert)
		lists = append(lists, pemOf("X509 CRL", emptyList(t, authority, now))...)
	}
	write(t, filepath.Join(dir, "root.pem"), pemOf("CERTIFICATE", root.Cert.Raw))
	write(t, filepath.Join(dir, "lists.pem"), lists)
	people := make([]*testpki.Entity, *signers)
	for i := range people {
		people[i] = issue(testpki.Leaf(t, fmt.Sprintf("CN=Signer %d,O=Test,C=RU", i)), authority)
	}
	var list strings.Builder
	for i := range *documents {
		who := people[i%len(people)]
		name := filepath.Join(dir, "in", fmt.Sprintf("%03d", i/1000), fmt.Sprintf("%05d.txt", i))
		content := bytes.Repeat(fmt.Appendf(nil, "Document %d.\n", i), 80)
		s := sign.Signer{Key: who.Key, Cert: who.Cert, Chain: chain, Detached: !j.inner}
		var sig bytes.Buffer
		if err := s.Sign(t.Context(), &sig, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		if !j.inner {
			write(t, name, content)
			fmt.Fprintln(&list, name)
		}
		write(t, name+".sig", sig.Bytes())
		fmt.Fprintln(&list, name+".sig")
	}
	write(t, filepath.Join(dir, "list"), []byte(list.String())) // last: the folder is whole
}

func emptyList(t *testing.T, ca *testpki.Entity, now time.Time) []byte {
	t.Helper()
	entries := make([]pki.RevokedEntry, 50)
	for i := range entries {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
		if err != nil {
			t.Fatal(err)
		}
		entries[i] = pki.RevokedEntry{Serial: n.Add(n, big.NewInt(1)), At: now.AddDate(0, 0, -2), Reason: pki.ReasonSuperseded}
	}
	return testpki.CRL(t, ca, &pki.CRLTemplate{ThisUpdate: now.Add(-time.Hour), NextUpdate: now.AddDate(0, 0, 30), Entries: entries}).Raw
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// gosklyuch runs the program over the folder, once.
func (j verifyJob) gosklyuch(t *testing.T, program, dir string) jobTime {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "verify", "--batch", filepath.Join(dir, "in"), "--trust", filepath.Join(dir, "root.pem"),
		"--crl", filepath.Join(dir, "lists.pem"), "--offline", "--lang", "en")
	cmd.Env = append(os.Environ(), "GOSKLYUCH_HOME="+t.TempDir())
	out, took := timed(t, cmd)
	if want := fmt.Sprintf("\n  valid: %d\n", *documents); !bytes.Contains(out, []byte(want)) {
		t.Fatalf("not all documents are valid: %s", out[max(0, len(out)-500):])
	}
	return took
}

// openssl runs the peer over the list of the folder, a part for each processor.
func (j verifyJob) openssl(t *testing.T, program, conf, dir string) jobTime {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(dir, "list"))
	if err != nil {
		t.Fatal(err)
	}
	lines, step := strings.Split(strings.TrimSpace(string(list)), "\n"), 2
	form := "detached"
	if j.inner {
		step, form = 1, "attached"
	}
	parts := make([]strings.Builder, runtime.NumCPU())
	for i := 0; i+step <= len(lines); i += step {
		p := &parts[i/step%len(parts)]
		p.WriteString(strings.Join(lines[i:i+step], "\n") + "\n")
	}
	var wg sync.WaitGroup
	took := make([]jobTime, len(parts))
	begin := time.Now()
	for i := range parts {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), program, form, filepath.Join(dir, "root.pem"), filepath.Join(dir, "lists.pem"))
			cmd.Env, cmd.Stdin = append(os.Environ(), "OPENSSL_CONF="+conf), strings.NewReader(parts[i].String())
			_, took[i] = timed(t, cmd)
		})
	}
	wg.Wait()
	sum := jobTime{wall: time.Since(begin)}
	for _, p := range took {
		sum.cpu += p.cpu
	}
	return sum
}
