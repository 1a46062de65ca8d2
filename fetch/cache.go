package fetch

import (
	"context"
	"sync"
	"time"
)

// cache remembers evidence and failures in memory, and lets concurrent calls
// for one key share one request. What is oldest goes first.
type cache struct {
	max     int64
	mu      sync.Mutex
	size    int64
	entries map[string]*entry
	order   []string // keys by age, oldest first; keys that are gone are skipped
	flights map[string]chan struct{}
}

type entry struct {
	value   any
	err     error
	size    int64
	expires time.Time
}

// deadFor is how long a dead address is not asked again. Addresses in real
// certificates are often dead or reachable only inside the issuer's network.
const deadFor = time.Minute

func newCache(limit int64) *cache {
	return &cache{max: limit, entries: make(map[string]*entry), flights: make(map[string]chan struct{})}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size, c.order = 0, nil
	clear(c.entries)
}

// get returns what is remembered under key at now, or lets one caller at a
// time make it. A failure of the caller's own context is not remembered.
func (c *cache) get(ctx context.Context, key string, now func() time.Time, produce func() (any, int64, time.Time, error)) (any, error) {
	for {
		c.mu.Lock()
		if e := c.entries[key]; e != nil && now().Before(e.expires) {
			c.mu.Unlock()
			return e.value, e.err
		}
		flight := c.flights[key]
		if flight == nil {
			break // still locked
		}
		c.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	done := makeFlight(c, key)
	c.mu.Unlock()
	defer done()
	value, size, expires, err := produce()
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		size, expires = 0, now().Add(deadFor)
	}
	c.put(key, &entry{value: value, err: err, size: size + entryOverhead, expires: expires})
	return value, err
}

// entryOverhead is counted for an entry beside its evidence.
const entryOverhead = 1024

func makeFlight(c *cache, key string) func() {
	flight := make(chan struct{})
	c.flights[key] = flight
	return func() {
		c.mu.Lock()
		delete(c.flights, key)
		c.mu.Unlock()
		close(flight)
	}
}

func (c *cache) put(key string, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[key]; old != nil {
		c.drop(key, old)
	}
	if e.size > c.max {
		return
	}
	for c.size+e.size > c.max && len(c.order) > 0 {
		oldest := c.order[0]
		c.drop(oldest, c.entries[oldest])
	}
	c.entries[key] = e
	c.order = append(c.order, key)
	c.size += e.size
}

// drop removes an entry. The caller holds the lock.
func (c *cache) drop(key string, e *entry) {
	delete(c.entries, key)
	c.size -= e.size
	for i, k := range c.order {
		if k == key {
			c.order = append(c.order[:i], c.order[i+1:]...)
			return
		}
	}
}
