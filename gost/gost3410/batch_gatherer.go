package gost3410

import "sync"

// A Gatherer puts the checks of several goroutines together, so that a program
// that verifies many documents at once profits from VerifyBatch without
// collecting signatures itself. Make one with NewGatherer.
//
// Every goroutine that will call Verify repeatedly calls Join before and Leave
// after, deferred. A check waits until eight of its curve wait, or until no
// goroutine that joined is left to bring another one: there are no timers. A
// goroutine that waits for something else, a lock or the network, keeps the
// others waiting if it has joined; it must not wait for one of them.
type Gatherer struct {
	mu      sync.Mutex
	joined  int
	waiting int // checks in batches that have not started
	open    map[domain]*gathered
}

// gathered is a batch that fills.
type gathered struct {
	checks [lanes]Check
	valid  [lanes]bool
	n      int
	start  chan struct{} // closed when the batch is complete
	run    sync.Once
}

// NewGatherer returns a Gatherer that nobody has joined.
func NewGatherer() *Gatherer {
	return &Gatherer{open: make(map[domain]*gathered)}
}

// Join announces a goroutine that will call Verify.
func (g *Gatherer) Join() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.joined++
}

// Leave takes a Join back. Calls of Verify that only waited for this goroutine
// go on. Without a Join it does nothing.
func (g *Gatherer) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.joined = max(g.joined-1, 0)
	g.startAll()
}

// Verify reports what the function Verify does, after other goroutines have
// brought enough checks or none can bring any more. A goroutine that did not
// join may call it, too.
func (g *Gatherer) Verify(pub *PublicKey, digest, sig []byte) bool {
	if !pub.ok() || !hasLanes(pub.curve) {
		return Verify(pub, digest, sig)
	}
	b, i := g.add(Check{Key: pub, Digest: digest, Signature: sig})
	<-b.start
	if b.n < fewest {
		return Verify(pub, digest, sig) // each of the few on its own processor
	}
	// Whoever comes first computes, the others wait in Do.
	b.run.Do(func() { VerifyBatch(b.checks[:b.n], b.valid[:b.n]) })
	return b.valid[i]
}

// add puts a check into the open batch of its curve and starts what can start.
func (g *Gatherer) add(c Check) (b *gathered, i int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := c.Key.curve.set().domain
	b = g.open[d]
	if b == nil {
		b = &gathered{start: make(chan struct{})}
		g.open[d] = b
	}
	i = b.n
	b.checks[i] = c
	b.n++
	g.waiting++
	if b.n == lanes {
		g.begin(d, b)
	}
	g.startAll()
	return b, i
}

// begin starts a batch. Those who wait for it are at work again from now on.
func (g *Gatherer) begin(d domain, b *gathered) {
	delete(g.open, d)
	g.waiting -= b.n
	close(b.start)
}

// startAll starts every batch if all goroutines that joined wait. Calls from
// others only make it start earlier. Those of a batch that runs do not wait:
// they return, and then wait again or leave.
func (g *Gatherer) startAll() {
	if g.waiting < g.joined {
		return
	}
	for d, b := range g.open {
		g.begin(d, b)
	}
}
