//go:build linux

package ca_test

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
)

// TestRace lets a hundred people do the same thing at the same moment, on both
// ledgers: one of them wins, the others are refused, and there is one certificate.
func TestRace(t *testing.T) {
	t.Run("bbolt", func(t *testing.T) {
		l, err := boltstore.Open(t.Context(), filepath.Join(t.TempDir(), ca.LedgerFile))
		if err != nil {
			t.Fatal(err)
		}
		race(t, l, 100)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		postgres.Need(t)
		s := postgres.Start(t, "fsync = off")
		l, err := pgstore.Open(t.Context(), s.Database(t, "race"), pgstore.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		race(t, l, 100)
	})
}

// crowd calls f n times at once; it counts the winners and fails for every error
// that is not one of the expected.
func crowd(t *testing.T, what string, n int, f func() error, refusals ...error) (won int) {
	t.Helper()
	var winners atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			err := f()
			if err == nil {
				winners.Add(1)
				return
			}
			for _, r := range refusals {
				if errors.Is(err, r) {
					return
				}
			}
			t.Errorf("%s: %v", what, err)
		})
	}
	close(start)
	wg.Wait()
	return int(winners.Load())
}

func race(t *testing.T, l ca.Ledger, n int) {
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	if err := ca.Found(t.Context(), l, root.cert, "test", root.clock.now()); err != nil {
		t.Fatal(err)
	}
	d := &desk{authority: &authority{cert: root.cert, key: root.key, ledger: l, clock: root.clock}, people: make(map[string]person)}
	d.use(t, append(ca.Profiles(), twoPeople())...)
	d.hire(t, "clerk", ca.RoleOperator)
	d.hire(t, "anna", ca.RoleApprover)
	d.hire(t, "boris", ca.RoleApprover)
	before := count(t, d.authority)

	s := ca.Submission{Profile: "citizen", Request: ca.Request{CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)}), Actor: "test"}}
	st, err := d.SubmissionStatement(t.Context(), s, "clerk")
	if err != nil {
		t.Fatal(err)
	}
	signed := d.sign(t, st, "clerk")
	s.Statement, s.Signature = signed.Statement, signed.Signature
	if won := crowd(t, "submit", n, func() error { _, err := d.Submit(t.Context(), s); return err }, ca.ErrRequestExists); won != 1 {
		t.Errorf("handed in %d times", won)
	}
	e, err := d.Request(t.Context(), ca.RequestID(s.CSR))
	if err != nil || e.Version != 1 {
		t.Fatalf("version %d, %v", e.Version, err)
	}
	var turn atomic.Int32
	approvals := []ca.Approval{
		d.sign(t, d.Statement(e, ca.DecisionApprove, "anna", ca.RoleApprover), "anna"),
		d.sign(t, d.Statement(e, ca.DecisionApprove, "boris", ca.RoleApprover), "boris"),
	}
	won := crowd(t, "approve", n, func() error {
		a := approvals[turn.Add(1)%2]
		_, err := d.Decide(t.Context(), e.ID, a.Statement, a.Signature, "test")
		return err
	}, ca.ErrReplayed, ca.ErrState)
	if e, err = d.Request(t.Context(), e.ID); err != nil || won != 2 || e.State != ca.Approved || len(e.Approvals) != 2 || e.Version != 3 {
		t.Fatalf("%d approvals: %s, %d on record, version %d, %v", won, e.State, len(e.Approvals), e.Version, err)
	}
	// ErrVersion: somebody else's certificate came first.
	won = crowd(t, "issue", n, func() error { _, err := d.IssueApproved(t.Context(), e.ID, "test"); return err }, ca.ErrState, ca.ErrVersion)
	if e, err = d.Request(t.Context(), e.ID); err != nil || won != 1 || e.State != ca.Issued {
		t.Errorf("issued %d times: %s, %v", won, e.State, err)
	}
	if got := count(t, d.authority) - before; got != 1 {
		t.Errorf("%d certificates", got)
	}
}
