//go:build linux

package pgstore_test

import (
	"bytes"
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// failoverEnv is how often the primary is killed; `make soak` sets 20.
const failoverEnv = "GOSKLYUCH_FAILOVER_ROUNDS"

// issuing is an authority that several nodes share.
type issuing struct {
	config  ca.Config // without the ledger
	request *pki.CertificateRequest
}

func newIssuing(t testing.TB) *issuing {
	t.Helper()
	generate := func(name, set string) (key ca.Config) {
		k, err := alg.GenerateKey(name, set)
		if err != nil {
			t.Fatal(err)
		}
		return ca.Config{Key: k}
	}
	c := generate("gost2012-256", "cryptopro-a")
	name, err := pki.ParseDN("CN=Cluster")
	if err != nil {
		t.Fatal(err)
	}
	c.Rules = sets.All()
	if c.Certificate, err = ca.NewRoot(c.Key, ca.RootOptions{Subject: name, Rules: c.Rules}); err != nil {
		t.Fatal(err)
	}
	client, err := pki.ParseDN("CN=Client")
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: client}, generate("gost2012-256", "cryptopro-a").Key)
	if err != nil {
		t.Fatal(err)
	}
	out := &issuing{config: c}
	if out.request, err = pki.ParseRequest(der); err != nil {
		t.Fatal(err)
	}
	return out
}

func (x *issuing) issuer(ctx context.Context, l ca.Ledger) (*ca.Issuer, error) {
	c := x.config
	c.Ledger = l
	return ca.New(ctx, c)
}

// acks is what the nodes were told.
type acks struct {
	mu      sync.Mutex
	issued  map[ca.Serial][]byte // DER
	revoked map[ca.Serial]ca.Entry
	crls    map[uint64]bool
	n       atomic.Int64 // how many, of all kinds
	errs    []error      // what a node was told that is no acknowledgement
	stats   pgstore.Stats
}

func (a *acks) keep(t *testing.T, f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
	a.n.Add(1)
	_ = t
}

// run is a node: it issues, revokes every third certificate and signs a CRL now
// and then until stop is closed. A request that fails is simply given up, as an
// operator's program would; the next one follows.
func (a *acks) run(t *testing.T, x *issuing, i *ca.Issuer, stop <-chan struct{}) {
	failed := func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.errs = append(a.errs, err)
	}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		c, err := i.IssueRequest(t.Context(), "ocsp", ca.Request{CSR: x.request, Actor: "node"})
		if err != nil {
			failed(err)
			continue
		}
		s, err := ca.SerialFrom(c.SerialNumber)
		if err != nil {
			t.Error(err)
			return
		}
		a.keep(t, func() {
			if a.issued[s] != nil {
				t.Errorf("%s was issued twice", s)
			}
			a.issued[s] = c.Raw
		})
		if n%3 == 0 {
			e, err := i.Revoke(t.Context(), ca.Revocation{Serial: s, Reason: ca.Superseded, Actor: "node"})
			if err != nil {
				failed(err)
				continue
			}
			a.keep(t, func() { a.revoked[s] = e })
		}
		if n%20 == 7 {
			e, err := i.CRL(t.Context(), "node")
			if err != nil {
				failed(err)
				continue
			}
			a.keep(t, func() {
				if a.crls[e.Number] {
					t.Errorf("CRL %d was signed twice", e.Number)
				}
				a.crls[e.Number] = true
			})
		}
	}
}

// check compares what was acknowledged with the ledger, and the ledger with its
// journal.
func (a *acks) check(t *testing.T, l ca.Ledger) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := ca.VerifyJournal(t.Context(), l); err != nil {
		t.Error(err)
	}
	err := l.View(t.Context(), func(tx ca.ReadTx) error {
		for s, der := range a.issued {
			if got, err := tx.Certificate(s); err != nil || !bytes.Equal(got, der) {
				t.Errorf("the acknowledged certificate %s: %x, %v", s, got, err)
			}
		}
		for s, want := range a.revoked {
			if e, err := tx.Entry(s); err != nil || e.Status != ca.Revoked || !e.RevokedAt.Equal(want.RevokedAt) {
				t.Errorf("the acknowledged revocation %s: %+v, %v", s, e, err)
			}
		}
		onRecord := map[string]int{}
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		crls := map[string]bool{}
		for node := range heads {
			for r, err := range tx.Journal(node, 0) {
				if err != nil {
					return err
				}
				switch r.Event {
				case "issue":
					onRecord[r.Subject]++
				case "crl":
					if crls[r.Subject] {
						t.Errorf("CRL %s is on record twice", r.Subject)
					}
					crls[r.Subject] = true
				}
			}
		}
		for n := range a.crls {
			if !crls[strconv.FormatUint(n, 10)] {
				t.Errorf("the acknowledged CRL %d is not on record", n)
			}
		}
		n := 0
		for e, err := range tx.Entries(ca.Serial{}) {
			if err != nil {
				return err
			}
			if onRecord[e.Serial.String()] != 1 {
				t.Errorf("%s is on the ledger once and %d times on record", e.Serial, onRecord[e.Serial.String()])
			}
			n++
		}
		if n != len(onRecord) {
			t.Errorf("%d certificates on the ledger, %d on record", n, len(onRecord))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// follow makes a synchronous standby of s and waits until it is one.
func follow(t *testing.T, s *postgres.Server, name string) *postgres.Server {
	t.Helper()
	standby := s.Standby(t, name)
	s.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '"+name+"'")
	s.SQL(t, "postgres", "SELECT pg_reload_conf()")
	for range 600 {
		if s.SQL(t, "postgres", "SELECT sync_state FROM pg_stat_replication WHERE application_name = '"+name+"'") == "sync" {
			return standby
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the standby does not follow:\n%s\n%s", s.Log(), standby.Log())
	return nil
}

// TestFailover kills the primary with SIGKILL while three nodes issue, revoke
// and sign lists, promotes the synchronous standby, and lets the nodes go on.
// Whatever was acknowledged before and after is on the promoted database, once.
func TestFailover(t *testing.T) {
	rounds := 2
	if text := os.Getenv(failoverEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", failoverEnv, err)
		}
		rounds = n
	}
	x := newIssuing(t)
	primary := postgres.Start(t, "synchronous_commit = remote_apply", "fsync = off", "full_page_writes = off")
	primary.Database(t, "ca")
	a := &acks{issued: map[ca.Serial][]byte{}, revoked: map[ca.Serial]ca.Entry{}, crls: map[uint64]bool{}}
	first := open(t, postgres.Address("ca", primary), "")
	if err := ca.Found(t.Context(), first, x.config.Certificate, "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	var outage []time.Duration
	for round := range rounds {
		standby := follow(t, primary, fmt.Sprint("standby", round))
		outage = append(outage, a.failover(t, x, primary, standby))
		l := open(t, postgres.Address("ca", standby), "")
		a.check(t, l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		primary = standby
	}
	told := map[string]int{}
	for _, err := range a.errs {
		text, _, _ := strings.Cut(err.Error(), " (")
		told[text[:min(len(text), 80)]]++
	}
	t.Logf("the primary was killed %d times under three nodes; acknowledged and found again: %d certificates, %d revocations, %d CRLs; "+
		"from the kill to the next acknowledgement: %v; errors that the nodes were told: %v; %+v", rounds, len(a.issued), len(a.revoked), len(a.crls), outage, told, a.stats)
}

// failover runs three nodes over a failover and returns how long nothing was
// acknowledged.
func (a *acks) failover(t *testing.T, x *issuing, primary, standby *postgres.Server) time.Duration {
	t.Helper()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var stores []*pgstore.Store
	for n := range 3 {
		l := open(t, postgres.Address("ca", primary, standby), fmt.Sprint("node", n))
		stores = append(stores, l)
		i, err := x.issuer(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // more than one request at a time
			wg.Go(func() { a.run(t, x, i, stop) })
		}
	}
	defer func() {
		close(stop)
		wg.Wait()
		for _, l := range stores {
			n := l.Stats()
			a.stats.Conflicts += n.Conflicts
			a.stats.Reconnects += n.Reconnects
			a.stats.Resolved += n.Resolved
			a.stats.Happened += n.Happened
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	a.more(t, 40)
	time.Sleep(time.Duration(mathrand.Int64N(int64(200 * time.Millisecond))))
	primary.Kill()
	begin := time.Now()
	standby.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = ''") // as whoever promotes does
	standby.Promote(t)
	a.more(t, 1)
	gap := time.Since(begin).Round(time.Millisecond)
	a.more(t, 40)
	return gap
}

// more waits until n more things are acknowledged.
func (a *acks) more(t *testing.T, n int64) {
	t.Helper()
	want := a.n.Load() + n
	for range 1500 {
		if a.n.Load() >= want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t.Fatalf("only %d of %d were acknowledged; errors: %v", a.n.Load(), want, a.errs)
}

// TestUnsynced: a commit whose wait for the standby was cut short is in the
// primary and may be lost with it. It is not acknowledged before the standby,
// or whoever may decide that there is none, has confirmed it.
func TestUnsynced(t *testing.T) {
	primary := postgres.Start(t, "synchronous_commit = remote_apply", "fsync = off")
	primary.Database(t, "ca")
	l := open(t, postgres.Address("ca", primary), "")
	defer l.Close() //nolint:errcheck // nothing is left to write
	standby := follow(t, primary, "standby")
	if err := l.Update(t.Context(), add(1)); err != nil {
		t.Fatal(err)
	}
	standby.Kill()
	done := make(chan error, 1)
	go func() { done <- l.Update(t.Context(), add(2)) }()
	waiting := func() string {
		return primary.SQL(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'gosklyuch'")
	}
	for _, end := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		for n := 0; waiting() == "0"; n++ {
			if n == 200 {
				t.Fatal("the commit does not wait for the standby")
			}
			time.Sleep(20 * time.Millisecond)
		}
		primary.SQL(t, "postgres", "SELECT "+end+"(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
		select {
		case err := <-done:
			t.Fatalf("after %s the change was answered with %v", end, err)
		case <-time.After(400 * time.Millisecond):
		}
	}
	primary.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
	primary.SQL(t, "postgres", "SELECT pg_reload_conf()")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Resolved != 1 || s.Happened != 1 {
		t.Errorf("%+v", s)
	}
	if got := primary.SQL(t, "ca", "SELECT count(*) FROM entry"); got != "2" {
		t.Errorf("%s entries", got)
	}
}

// TestSwitchover: the server to which all connections lead becomes one that
// takes no writes, and is still there. The node goes to the other one by itself,
// although its address does not say which to prefer, for writing and reading.
func TestSwitchover(t *testing.T) {
	primary := postgres.Start(t, "synchronous_commit = remote_apply", "fsync = off")
	primary.Database(t, "ca")
	standby := follow(t, primary, "standby")
	address := strings.Replace(postgres.Address("ca", standby, primary), "target_session_attrs=read-write", "target_session_attrs=any", 1)
	l := open(t, address, "") // the standby stands first, and is passed over
	defer l.Close()           //nolint:errcheck // nothing is left to write
	if err := l.Update(t.Context(), add(1)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 { // more than one connection
		wg.Go(func() {
			err := l.View(t.Context(), func(tx ca.ReadTx) error { _, err := tx.Entry(serial(1)); return err })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	standby.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
	standby.Promote(t)
	primary.SQL(t, "postgres", "ALTER SYSTEM SET default_transaction_read_only = on; ")
	primary.SQL(t, "postgres", "SELECT pg_reload_conf()")
	for primary.SQL(t, "postgres", "SHOW default_transaction_read_only") != "on" {
		time.Sleep(20 * time.Millisecond)
	}
	if err := l.Update(t.Context(), add(2)); err != nil {
		t.Fatal(err)
	}
	if got := standby.SQL(t, "ca", "SELECT count(*) FROM entry"); got != "2" {
		t.Errorf("the new primary has %s entries", got)
	}
	err := l.View(t.Context(), func(tx ca.ReadTx) error { _, err := tx.Entry(serial(2)); return err })
	if err != nil {
		t.Error(err)
	}
}
