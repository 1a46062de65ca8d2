package ca_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// crashEnv makes the test binary an authority that issues, revokes and lists
// in a loop in the directory it names, until it is killed.
const crashEnv = "GOSKLYUCH_CRASH_DIR"

// crashStepEnv is with which step the process begins, so that each kind of
// change is in time to be killed.
const crashStepEnv = "GOSKLYUCH_CRASH_STEP"

// roundsEnv is how often the crash test kills; `make soak` sets 200 or more.
const roundsEnv = "GOSKLYUCH_KILL_ROUNDS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	if dir := os.Getenv(bulkCrashEnv); dir != "" {
		if err := bulkChild(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashChild prints one line for everything that was acknowledged.
func crashChild(dir string) error {
	ctx := context.Background()
	d, err := ca.ReadDir(dir)
	if err != nil {
		return err
	}
	p8, err := os.ReadFile(filepath.Join(dir, "key.p8"))
	if err != nil {
		return err
	}
	key, err := alg.ParsePKCS8(p8)
	if err != nil {
		return err
	}
	der, err := os.ReadFile(filepath.Join(dir, "request.p10"))
	if err != nil {
		return err
	}
	request, err := pki.ParseRequest(der)
	if err != nil {
		return err
	}
	l, err := boltstore.Open(ctx, filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		return err
	}
	c, err := crashConfig(ca.Config{Certificate: d.Certificate, Key: key, Ledger: l, Settings: d.Settings})
	if err != nil {
		return err
	}
	i, err := ca.New(ctx, c)
	if err != nil {
		return err
	}
	desk, err := newCrashDesk(i, dir)
	if err != nil {
		return err
	}
	first, err := strconv.Atoi(os.Getenv(crashStepEnv))
	if err != nil {
		return err
	}
	for n := first; ; n++ {
		if err := desk.step(ctx, n, request); err != nil {
			return fmt.Errorf("step %d: %w", n, err)
		}
	}
}

// acknowledged is what the killed processes said they had done.
type acknowledged struct {
	issued, revoked []ca.Serial
	crl, heads      uint64
	desk            deskDone
}

// read takes the lines of one process. A last line that was cut off is no
// acknowledgement.
func (a *acknowledged) read(out []byte) error {
	for line := range strings.Lines(string(out)) {
		line, whole := strings.CutSuffix(line, "\n")
		what, arg, ok := strings.Cut(line, " ")
		if !whole {
			continue
		}
		if !ok || what == "error" {
			return errors.New(line)
		}
		if number := map[string]*uint64{"crl": &a.crl, "heads": &a.heads}[what]; number != nil {
			n, err := strconv.ParseUint(arg, 10, 64)
			// Heads that are signed with nothing new are the last ones again.
			if again := what == "heads" && n == *number; err != nil || n <= *number && !again {
				return fmt.Errorf("%s number %s after %d", what, arg, *number)
			}
			*number = n
			continue
		}
		if ok, err := a.desk.read(what, arg); err != nil || ok {
			if err != nil {
				return err
			}
			continue
		}
		s, err := ca.ParseSerial(arg)
		if err != nil {
			return err
		}
		if what == "issued" {
			a.issued = append(a.issued, s)
		} else {
			a.revoked = append(a.revoked, s)
		}
	}
	return nil
}

// TestCrash kills an authority at random moments with SIGKILL and checks each
// time that everything it had acknowledged is on its ledger, that the journal
// is whole and agrees with the state, and that CRL numbers rise.
func TestCrash(t *testing.T) {
	rounds := 20
	if text := os.Getenv(roundsEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", roundsEnv, err)
		}
		rounds = n
	}
	dir := crashDir(t)
	addDesk(t, dir)
	var all acknowledged
	var head journal.Head
	for round := range rounds {
		out := killOne(t, dir, round, round%5 == 4)
		before := acknowledged{crl: all.crl, heads: all.heads}
		if err := before.read(out); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		all.issued, all.revoked = append(all.issued, before.issued...), append(all.revoked, before.revoked...)
		all.crl, all.heads = before.crl, before.heads
		all.desk.submitted, all.desk.approved = append(all.desk.submitted, before.desk.submitted...), append(all.desk.approved, before.desk.approved...)
		all.desk.erased = append(all.desk.erased, before.desk.erased...)
		checked := before
		if round == rounds-1 {
			checked, head = all, journal.Head{} // everything, from the first record
		}
		head = checkLedger(t, dir, checked, head)
	}
	d := all.desk
	if len(all.issued) < rounds/2 || len(all.revoked) == 0 || all.crl == 0 || all.heads == 0 || len(d.submitted) == 0 || len(d.erased) == 0 {
		t.Errorf("too little was done to say anything: %d, %d, %d, %d, %d, %d", len(all.issued), len(all.revoked), all.crl, all.heads, len(d.submitted), len(d.erased))
	}
	t.Logf("killed %d times; %d certificates, %d revocations, %d submissions, %d approvals, %d erasures were acknowledged, with lists up to number %d and signed heads up to %d, and all are on the ledger; %d journal records",
		rounds, len(all.issued), len(all.revoked), len(d.submitted), len(d.approved), len(d.erased), all.crl, all.heads, head.Seq)
}

// crashDir makes the directory of an authority.
func crashDir(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "ca")
	key := generate(t, "ecdsa-p256", "")
	cert, err := ca.NewRoot(key, ca.RootOptions{Subject: dn(t, "CN=Crash"), Rules: sets.All()})
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.WriteDir(dir, &ca.Dir{Certificate: cert}); err != nil {
		t.Fatal(err)
	}
	p8, err := alg.MarshalPKCS8(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string][]byte{
		"key.p8":      p8,
		"request.p10": csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, "CN=Client")}).Raw,
	})
	l, err := boltstore.Open(t.Context(), filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ca.Found(t.Context(), l, cert, "test", time.Now()), l.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// killOne starts an authority, waits for its first acknowledgement unless it is
// to be killed early, kills it up to 40 ms later and returns what it wrote.
func killOne(t *testing.T, dir string, step int, early bool) []byte {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), crashEnv+"="+dir, crashStepEnv+"="+strconv.Itoa(step))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	var first []byte
	if !early {
		if first, err = in.ReadBytes('\n'); err != nil {
			t.Fatalf("the process ended by itself: %v", err)
		}
	}
	time.Sleep(time.Duration(mathrand.Int64N(int64(40 * time.Millisecond))))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the process ended by itself")
	}
	return bytes.Join([][]byte{first, rest}, nil)
}

// checkLedger checks what was acknowledged and the part of the journal behind
// from; it returns the journal's end.
func checkLedger(t *testing.T, dir string, want acknowledged, from journal.Head) journal.Head {
	t.Helper()
	l, err := boltstore.Open(t.Context(), filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var head journal.Head
	err = l.View(t.Context(), func(tx ca.ReadTx) error {
		for _, s := range want.issued {
			if _, err := tx.Entry(s); err != nil {
				return fmt.Errorf("issued %s: %w", s, err)
			}
			if _, err := tx.Certificate(s); err != nil {
				return fmt.Errorf("certificate %s: %w", s, err)
			}
		}
		for _, s := range want.revoked {
			if e, err := tx.Entry(s); err != nil || e.Status != ca.Revoked {
				return fmt.Errorf("revoked %s: %+v, %w", s, e, err)
			}
		}
		if err := want.desk.check(tx); err != nil {
			return err
		}
		if last, err := tx.LastCRL(); err == nil && last.Number < want.crl || err != nil && want.crl > 0 {
			return fmt.Errorf("last CRL %d, acknowledged %d, %w", last.Number, want.crl, err)
		}
		if last, err := tx.LastSignedHeads(); err == nil && last.Number < want.heads || err != nil && want.heads > 0 {
			return fmt.Errorf("last signed heads %d, acknowledged %d, %w", last.Number, want.heads, err)
		}
		known, err := tx.Heads()
		if err != nil {
			return err
		}
		from.Node = journal.DefaultNode
		head, err = journal.VerifyFrom(from, tx.Journal(from.Node, from.Seq), known[from.Node])
		if err != nil {
			return err
		}
		return journalAgrees(tx, from)
	})
	if err != nil {
		t.Fatal(err)
	}
	if from.Seq == 0 {
		if _, err := ca.VerifyJournal(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	return head
}

// journalAgrees compares the records behind from with the state: what one
// says, the other has.
func journalAgrees(tx ca.ReadTx, from journal.Head) error {
	issued, crl := 0, ""
	for r, err := range tx.Journal(from.Node, from.Seq) {
		if err != nil {
			return err
		}
		if r.Event == "crl" {
			crl = r.Subject
			continue
		}
		if r.Event != "issue" && r.Event != "revoke" {
			continue
		}
		s, err := ca.ParseSerial(r.Subject)
		if err != nil {
			return err
		}
		e, err := tx.Entry(s)
		if err != nil || r.Event == "revoke" && e.Status != ca.Revoked {
			return fmt.Errorf("record %d says %s %s; the state is %q, %w", r.Seq, r.Event, s, e.Status, err)
		}
		if r.Event == "issue" {
			issued++
		}
	}
	if last, err := tx.LastCRL(); crl != "" && (err != nil || strconv.FormatUint(last.Number, 10) != crl) {
		return fmt.Errorf("the journal's last CRL is %s, the state's %d", crl, last.Number)
	}
	if from.Seq > 0 {
		return nil
	}
	n := 0
	for _, err := range tx.Entries(ca.Serial{}) {
		if err != nil {
			return err
		}
		n++
	}
	if n != issued {
		return fmt.Errorf("%d certificates in the state, %d in the journal", n, issued)
	}
	return nil
}
