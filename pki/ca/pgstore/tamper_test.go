//go:build linux

package pgstore_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// testTampered edits the journal and the state behind the ledger's back.
func testTampered(t *testing.T, d *databases) {
	for name, tt := range map[string]struct {
		sql  string
		kind journal.Kind
		seq  uint64
	}{
		"removed":   {"DELETE FROM journal WHERE seq = 2", journal.Removed, 2},
		"truncated": {"DELETE FROM journal WHERE seq = 4", journal.Truncated, 4},
		"changed":   {"UPDATE journal SET line = replace(line, 'issue', 'other') WHERE seq = 3", journal.Changed, 3},
		"moved":     {"UPDATE journal j SET line = (SELECT line FROM journal WHERE seq = 3) WHERE j.seq = 2", journal.Malformed, 2},
		"malformed": {"UPDATE journal SET line = '{' WHERE seq = 1", journal.Malformed, 1},
		"cut head":  {"DELETE FROM head", journal.Changed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := d.of(t, "tampered "+name)
			l := open(t, dsn, "")
			defer l.Close() //nolint:errcheck // read only from here
			for n := range 4 {
				if err := l.Update(t.Context(), add(n+1)); err != nil {
					t.Fatal(err)
				}
			}
			d.server.SQL(t, d.name("tampered "+name), tt.sql)
			_, err := ca.VerifyJournal(t.Context(), l)
			var damage *journal.DamageError
			if !errors.As(err, &damage) || damage.Kind != tt.kind || damage.Seq != tt.seq {
				t.Fatalf("got %v, want %s at %d", err, tt.kind, tt.seq)
			}
		})
	}
	t.Run("state", func(t *testing.T) {
		l := open(t, d.of(t, "tampered state"), "")
		defer l.Close() //nolint:errcheck // read only from here
		for n := range 2 {
			if err := l.Update(t.Context(), add(n+1)); err != nil {
				t.Fatal(err)
			}
		}
		d.server.SQL(t, d.name("tampered state"), `UPDATE entry e SET value = (SELECT min(value) FROM entry)`)
		err := l.View(t.Context(), func(tx ca.ReadTx) error {
			for _, err := range tx.Entries(ca.Serial{}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			t.Error("an entry in the place of another one is accepted")
		}
	})
}

// testRevokeRace: of several nodes that revoke the same certificate at the same
// time one succeeds.
func testRevokeRace(t *testing.T, d *databases) {
	dsn := d.of(t, "race")
	const certificates, nodes = 10, 3
	var won [certificates]atomic.Int32
	var wg sync.WaitGroup
	first := open(t, dsn, "n0")
	defer first.Close() //nolint:errcheck // all is done
	for n := range certificates {
		if err := first.Update(t.Context(), add(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	for range nodes {
		l := open(t, dsn, "")
		defer l.Close() //nolint:errcheck // all is done
		wg.Go(func() {
			for n := range certificates {
				err := l.Update(t.Context(), func(tx ca.Tx) error {
					e, err := tx.Entry(serial(n + 1))
					if err != nil {
						return err
					}
					if e.Status == ca.Revoked {
						return ca.ErrRevoked
					}
					e.Status, e.RevokedAt, e.Reason = ca.Revoked, day, ca.Superseded
					if err := tx.SetStatus(e); err != nil {
						return err
					}
					_, err = tx.Append(journal.Entry{Time: day, Event: "revoke", Subject: e.Serial.String()})
					return err
				})
				if err == nil {
					won[n].Add(1)
				} else if !errors.Is(err, ca.ErrRevoked) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := range won {
		if got := won[n].Load(); got != 1 {
			t.Errorf("certificate %d was revoked %d times", n, got)
		}
	}
}
