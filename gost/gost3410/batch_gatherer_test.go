package gost3410

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// run starts n goroutines that have joined, and waits for them.
func (g *Gatherer) run(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		g.Join()
		wg.Go(func() {
			defer g.Leave()
			f(i)
		})
	}
	wg.Wait()
}

// idle fails if a check or a goroutine is left over.
func (g *Gatherer) idle(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.joined != 0 || g.waiting != 0 || len(g.open) != 0 {
		t.Errorf("%d joined, %d wait, %d batches are open", g.joined, g.waiting, len(g.open))
	}
}

// Goroutines with different numbers of checks on several curves, some of them
// invalid, get the answers of Verify and come to an end.
func TestGatherer(t *testing.T) {
	eachLanes(t, func(t *testing.T) {
		var checks []Check
		for _, c := range []Curve{CryptoProA(), TC26A256(), CryptoProB(), TC26B256(), CryptoProTest()} {
			checks = append(checks, batchOf(t, c, 12)...)
		}
		want := make([]bool, len(checks))
		for i := range checks {
			if i%7 == 0 {
				spoil(&checks[i], i%waysToSpoil)
			}
			want[i] = Verify(checks[i].Key, checks[i].Digest, checks[i].Signature)
		}
		for _, n := range []int{1, 2, 7, 8, 9, 20} {
			g := NewGatherer()
			g.run(n, func(i int) {
				for j := range 5 * (i%3 + 1) {
					k := (11*i + 5*j) % len(checks)
					if got := g.Verify(checks[k].Key, checks[k].Digest, checks[k].Signature); got != want[k] {
						t.Errorf("check %d: %v, Verify says %v", k, got, want[k])
					}
				}
			})
			g.idle(t)
		}
	})
}

// A goroutine that joins and leaves without a check, stops early because its
// context ends, or panics lets the others go on.
func TestGathererLeavers(t *testing.T) {
	checks := batchOf(t, CryptoProA(), 1)
	verify := func(g *Gatherer) bool { return g.Verify(checks[0].Key, checks[0].Digest, checks[0].Signature) }
	for name, leave := range map[string]func(ctx context.Context){
		"nothing to do": func(context.Context) {},
		"context":       func(ctx context.Context) { <-ctx.Done() },
		"panic":         func(context.Context) { panic("a document that nobody expected") },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewGatherer()
			ctx, cancel := context.WithCancel(t.Context())
			var valid atomic.Int32
			g.run(9, func(i int) {
				defer func() { _ = recover() }()
				if i == 0 {
					cancel()
				}
				if i%3 == 1 {
					leave(ctx)
					return
				}
				for range 4 {
					if verify(g) {
						valid.Add(1)
					}
				}
			})
			if valid.Load() != 6*4 {
				t.Errorf("%d of 24 signatures are valid", valid.Load())
			}
			g.idle(t)
		})
	}
}

// Whoever did not join gets an answer, too: at once if nobody has joined,
// otherwise at the latest when the others have left.
func TestGathererStrangers(t *testing.T) {
	checks := batchOf(t, CryptoProA(), 3)
	g := NewGatherer()
	for _, c := range checks {
		if !g.Verify(c.Key, c.Digest, c.Signature) {
			t.Error("refused")
		}
	}
	g.Join()
	var wg sync.WaitGroup
	for _, c := range checks {
		wg.Go(func() {
			if !g.Verify(c.Key, c.Digest, c.Signature) {
				t.Error("refused")
			}
		})
	}
	g.Leave()
	wg.Wait()
	g.idle(t)
	g.Leave() // without a Join
	g.idle(t)
}
