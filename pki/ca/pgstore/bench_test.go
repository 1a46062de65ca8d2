//go:build linux

package pgstore_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
)

// BenchmarkIssue issues whole certificates (GOST R 34.10-2012, 256 bits),
// everything on the disk before it counts: into a file, into a database from
// one node and from three, and with a synchronous standby.
func BenchmarkIssue(b *testing.B) {
	x := newIssuing(b)
	b.Run("bbolt", func(b *testing.B) {
		l, err := boltstore.Open(b.Context(), filepath.Join(b.TempDir(), ca.LedgerFile))
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close() //nolint:errcheck // the figures are there
		x.found(b, l)
		x.bench(b, l)
	})
	server := postgres.Start(b)
	nodes := func(b *testing.B, name string, n int) {
		dsn := server.Database(b, name)
		var all []ca.Ledger
		var stores []*pgstore.Store
		for i := range n {
			l, err := pgstore.Open(b.Context(), dsn, pgstore.Options{Create: true, Node: fmt.Sprint("n", i)})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close() //nolint:errcheck // the figures are there
			all, stores = append(all, l), append(stores, l)
		}
		x.found(b, all[0])
		x.bench(b, all...)
		conflicts := uint64(0)
		for _, l := range stores {
			conflicts += l.Stats().Conflicts
		}
		b.ReportMetric(float64(conflicts)/float64(b.N), "conflicts/op")
	}
	round := 0
	for _, n := range []int{1, 3} {
		b.Run(fmt.Sprint("postgresql-nodes-", n), func(b *testing.B) {
			round++
			nodes(b, fmt.Sprint("b", round), n)
		})
	}
}

// found makes a ledger the authority's.
func (x *issuing) found(tb testing.TB, l ca.Ledger) {
	tb.Helper()
	if err := ca.Found(tb.Context(), l, x.config.Certificate, "test", time.Now()); err != nil {
		tb.Fatal(err)
	}
}

// bench lets each ledger's issuer work with as many goroutines as there are
// processors.
func (x *issuing) bench(b *testing.B, ledgers ...ca.Ledger) {
	b.Helper()
	var issuers []*ca.Issuer
	for _, l := range ledgers {
		i, err := x.issuer(b.Context(), l)
		if err != nil {
			b.Fatal(err)
		}
		issuers = append(issuers, i)
	}
	var next atomic.Int64
	b.SetParallelism(len(issuers))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		i := issuers[int(next.Add(1))%len(issuers)]
		for pb.Next() {
			if _, err := i.IssueRequest(b.Context(), "ocsp", ca.Request{CSR: x.request, Actor: "bench"}); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "certificates/s")
}
