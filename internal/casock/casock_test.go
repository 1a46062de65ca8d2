package casock_test

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

const citizenDN = "CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,SNILS=11223344595,INN=500100732259,C=RU"

// serving is an authority that serves in the same process.
type serving struct {
	issuer *ca.Issuer
	ledger ca.Ledger
	key    crypto.Signer
	path   string
	stop   func() error
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func serve(t *testing.T) *serving {
	t.Helper()
	dir := t.TempDir()
	key := must(alg.GenerateKey("gost2012-256", "cryptopro-a"))(t)
	cert := must(ca.NewRoot(key, ca.RootOptions{Subject: must(pki.ParseDN("CN=УЦ"))(t), Rules: sets.All(), MaxPathLen: 0}))(t)
	l := must(boltstore.Open(t.Context(), filepath.Join(dir, ca.LedgerFile)))(t)
	if err := ca.Found(t.Context(), l, cert, "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	issuer := must(ca.New(t.Context(), ca.Config{Certificate: cert, Key: key, Ledger: l, Rules: sets.All()}))(t)
	s := &serving{issuer: issuer, ledger: l, key: key, path: filepath.Join(dir, ca.SocketFile)}
	s.start(t)
	t.Cleanup(func() {
		if err := errors.Join(s.stop(), l.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *serving) start(t *testing.T) {
	t.Helper()
	server := must(casock.Listen(s.path, s.issuer))(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-done })
}

func (s *serving) dial(t *testing.T) *casock.Client {
	t.Helper()
	c := must(casock.Dial(t.Context(), s.path))(t)
	t.Cleanup(func() { _ = c.Close() }) // some tests close it themselves
	return c
}

func request(t *testing.T, dn string) ca.Request {
	t.Helper()
	key := must(alg.GenerateKey("gost2012-256", ""))(t)
	der := must(pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: must(pki.ParseDN(dn))(t)}, key))(t)
	return ca.Request{CSR: must(pki.ParseRequest(der))(t), Actor: "liar"}
}

// TestRevokeWhileServing: a command revokes through the socket, and the next
// OCSP answer says revoked.
func TestRevokeWhileServing(t *testing.T) {
	s := serve(t)
	c := s.dial(t)
	cert := must(c.IssueRequest(t.Context(), "citizen", request(t, citizenDN)))(t)
	if err := cert.CheckSignatureFrom(s.issuer.Certificate()); err != nil {
		t.Fatal(err)
	}
	responder := &ocsp.Responder{Issuer: s.issuer.Certificate(), Signer: s.key, Source: s.issuer}
	ask := func() ocsp.Single {
		t.Helper()
		q := must(ocsp.NewRequest(rand.Reader, cert, s.issuer.Certificate(), alg.Identifier{OID: oid.SHA1}, true))(t)
		r := must(ocsp.ParseResponse(responder.Respond(t.Context(), q.Raw)))(t)
		got, err := r.Check(ocsp.CheckOptions{Cert: cert, Issuer: s.issuer.Certificate(), Request: q, At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return got.Single
	}
	if got := ask(); got.Status != ocsp.Good {
		t.Fatalf("before: %+v", got)
	}
	serial := must(ca.SerialFrom(cert.SerialNumber))(t)
	e := must(c.Revoke(t.Context(), ca.Revocation{Serial: serial, Reason: ca.KeyCompromise}))(t)
	if e.Status != ca.Revoked || e.Reason != ca.KeyCompromise {
		t.Fatalf("%+v", e)
	}
	if got := ask(); got.Status != ocsp.Revoked || got.Reason != int(ca.KeyCompromise) || !got.RevokedAt.Equal(e.RevokedAt) {
		t.Fatalf("after: %+v", got)
	}
	crl := must(c.CRL(t.Context(), ""))(t)
	list := must(pki.ParseCRL(crl.DER))(t)
	if _, ok, err := list.Find(cert.SerialNumber); !ok || err != nil || crl.Number != 1 {
		t.Errorf("CRL %d: %v, %v", crl.Number, ok, err)
	}
}

// TestActor: the journal names the user that the kernel names, not what the
// client says.
func TestActor(t *testing.T) {
	s := serve(t)
	must(s.dial(t).IssueRequest(t.Context(), "citizen", request(t, citizenDN)))(t)
	err := s.ledger.View(t.Context(), func(tx ca.ReadTx) error {
		var last journal.Record
		for r, err := range tx.Journal(journal.DefaultNode, 0) {
			if err != nil {
				return err
			}
			last = r
		}
		if last.Event != "issue" || last.Actor == "liar" || last.Actor == "" {
			t.Errorf("%+v", last)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestErrors(t *testing.T) {
	s := serve(t)
	c := s.dial(t)
	cert := must(c.IssueRequest(t.Context(), "", request(t, citizenDN)))(t)
	serial := must(ca.SerialFrom(cert.SerialNumber))(t)
	r := ca.Revocation{Serial: serial, Reason: ca.Superseded}
	want := func(what string, err, sentinel error) {
		t.Helper()
		if !errors.Is(err, sentinel) {
			t.Errorf("%s: got %v, want %v", what, err, sentinel)
		}
	}
	_, err := c.Release(t.Context(), r)
	want("release", err, ca.ErrNotOnHold)
	must(c.Hold(t.Context(), r))(t)
	_, err = c.Hold(t.Context(), r)
	want("hold", err, ca.ErrOnHold)
	must(c.Release(t.Context(), r))(t)
	_, err = c.Revoke(t.Context(), ca.Revocation{Serial: serial, Reason: ca.CertificateHold})
	want("reason", err, ca.ErrReason)
	_, err = c.Revoke(t.Context(), ca.Revocation{Serial: serial, Reason: 7})
	want("no reason", err, ca.ErrReason)
	must(c.Revoke(t.Context(), r))(t)
	_, err = c.Revoke(t.Context(), r)
	want("revoke", err, ca.ErrRevoked)
	_, err = c.Hold(t.Context(), ca.Revocation{Serial: ca.Serial{1}})
	want("unknown", err, ca.ErrNotFound)
	_, err = c.IssueRequest(t.Context(), "none", request(t, citizenDN))
	want("profile", err, ca.ErrProfile)
	_, err = c.IssueRequest(t.Context(), "subca", request(t, "CN=УЦ"))
	want("path length", err, ca.ErrNotIssuer)
	var refused *ca.RequestError
	_, err = c.IssueRequest(t.Context(), "organization", request(t, citizenDN))
	if !errors.As(err, &refused) || refused.Field != "subject.O" {
		t.Errorf("refused request: %v", err)
	}
	if _, err = c.IssueRequest(t.Context(), "", ca.Request{}); err == nil {
		t.Error("no request")
	}
}

func TestListPages(t *testing.T) {
	s := serve(t)
	const n = 501 // more than a page
	err := s.ledger.Update(t.Context(), func(tx ca.Tx) error {
		for i := range n {
			e := ca.Entry{Status: ca.Valid}
			e.Serial[0], e.Serial[1] = byte(i>>8)+1, byte(i)
			if err := tx.Add(e, []byte{0x30, 0}); err != nil {
				return err
			}
		}
		_, err := tx.Append(journal.Entry{Time: time.Now(), Event: "test"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, err := range s.dial(t).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != n {
		t.Errorf("%d entries, want %d", got, n)
	}
	for range s.dial(t).List(t.Context(), ca.Revoked) {
		t.Error("a revoked one")
	}
}

func TestConcurrentClients(t *testing.T) {
	s := serve(t)
	var wg sync.WaitGroup
	q := request(t, citizenDN)
	for range 8 {
		c := s.dial(t)
		wg.Go(func() {
			if _, err := c.IssueRequest(t.Context(), "citizen", q); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := ca.VerifyJournal(t.Context(), s.ledger); err != nil {
		t.Error(err)
	}
}

// TestBadClients writes what is no request: each gets an error or is cut off,
// and the server goes on.
func TestBadClients(t *testing.T) {
	s := serve(t)
	for name, line := range map[string]string{
		"no JSON": "hello\n", "empty": "\n", "two": "{}{}\n", "unknown member": `{"v":1,"op":"crl","x":1}` + "\n",
		"version": `{"v":2,"op":"crl"}` + "\n", "operation": `{"v":1,"op":"exec"}` + "\n", "serial": `{"v":1,"op":"hold","serial":"zz"}` + "\n",
		"request": `{"v":1,"op":"issue","request":"MAA="}` + "\n", "huge": strings.Repeat("a", limits.SocketRequest+2) + "\n",
	} {
		conn := must(net.Dial("unix", s.path))(t)
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		go func() { _, _ = conn.Write([]byte(line)) }() // the server may hang up on a huge line
		b, err := bufio.NewReader(conn).ReadBytes('\n')
		var answer struct {
			Error struct{ Code string }
		}
		if err == nil {
			err = json.Unmarshal(b, &answer)
		}
		if err != nil || answer.Error.Code == "" {
			t.Errorf("%s: %s, %v", name, b, err)
		}
		_ = conn.Close()
	}
	half := must(net.Dial("unix", s.path))(t)
	if _, err := half.Write([]byte(`{"v":1,`)); err != nil {
		t.Fatal(err)
	}
	_ = half.Close()
	must(s.dial(t).CRL(t.Context(), ""))(t)
}

func TestSocketFile(t *testing.T) {
	s := serve(t)
	info := must(os.Lstat(s.path))(t)
	if info.Mode()&os.ModeSocket == 0 || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	c := s.dial(t)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CRL(t.Context(), ""); err == nil {
		t.Error("a stopped server answers")
	} else if _, again := c.CRL(t.Context(), ""); again == nil {
		t.Error("a broken connection answers")
	}
	_, err := casock.Dial(t.Context(), s.path)
	if !errors.Is(err, casock.ErrNotServing) {
		t.Errorf("after the end: %v", err)
	}
	// A socket that a killed process left.
	l := must(net.ListenUnix("unix", &net.UnixAddr{Name: s.path, Net: "unix"}))(t)
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := casock.Dial(t.Context(), s.path); !errors.Is(err, casock.ErrNotServing) {
		t.Errorf("a dead socket: %v", err)
	}
	s.start(t)
	must(s.dial(t).CRL(t.Context(), ""))(t)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := casock.Listen(s.path, s.issuer); err == nil {
		t.Error("a file is replaced")
	}
	if _, err := casock.Listen(filepath.Join(t.TempDir(), strings.Repeat("d", 100)), s.issuer); err == nil {
		t.Error("a path that is too long")
	}
}

func TestCancelledClient(t *testing.T) {
	s := serve(t)
	c := s.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.CRL(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
