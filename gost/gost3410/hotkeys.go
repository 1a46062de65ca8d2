package gost3410

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// Bounds of the tables kept for keys that verify often: at most hotKeys of
// them, from 16 KiB (Weierstrass, 256 bits) to 48 KiB (Edwards, 512 bits), so
// 3 MiB in all.
const (
	hotKeys = 64
	// hotUses is after how many verifications under a key its table is made: it
	// costs what four verifications save.
	hotUses = 5
	// hotPace is how many verifications lie between two new tables when the
	// cache is full. Whoever sends many keys can make others' tables give way
	// once in as many verifications, and a table gives way only if it was the
	// one unused for the longest time.
	hotPace = 64
	// hotSlots is how many counters of uses there are.
	hotSlots = 1024
)

// hotKey is a public key without the name of its curve, so that the key of one
// CA is found again after it was parsed again.
type hotKey struct {
	domain domain
	x, y   field.Scalar
}

func hotKeyOf(k *PublicKey) hotKey { return hotKey{k.curve.set().domain, k.x, k.y} }

// hotTable is a table and when it was used last, in verifications.
type hotTable struct {
	verifier
	used atomic.Uint64
}

// hotCache keeps tables of public keys that are used often. It holds public
// data only, and its answer depends on the whole key: what is computed with a
// table of it is what is computed without.
type hotCache struct {
	seed   maphash.Seed
	clock  atomic.Uint64 // verifications so far
	tables atomic.Pointer[map[hotKey]*hotTable]
	// slots count the uses of keys without a table, each for one key at a time:
	// the hash's upper half, and the count. Another key's use takes one from
	// the count, so that many keys used once do not hide one that is used often.
	slots [hotSlots]atomic.Uint64

	mu   sync.Mutex // whoever makes a table
	last uint64     // when the last one was made
}

// hot is the process's cache.
var hot = newHotCache()

func newHotCache() *hotCache {
	c := &hotCache{seed: maphash.MakeSeed()}
	c.tables.Store(&map[hotKey]*hotTable{})
	return c
}

// find returns the table of a key, and nil if it has none. It counts as a use
// of the key, and the use that completes hotUses makes the table.
func (c *hotCache) find(k *PublicKey) verifier {
	id := hotKeyOf(k)
	now := c.clock.Add(1)
	if t := (*c.tables.Load())[id]; t != nil {
		t.used.Store(now)
		return t.verifier
	}
	if !c.count(id) || !c.mu.TryLock() {
		return nil
	}
	defer c.mu.Unlock()
	return c.add(id, k, now)
}

// slot returns the counter of a key, and the key's hash.
func (c *hotCache) slot(id hotKey) (counter *atomic.Uint64, hash uint64) {
	hash = maphash.Comparable(c.seed, id)
	return &c.slots[hash%hotSlots], hash
}

// count counts a use of a key and reports whether there were enough.
func (c *hotCache) count(id hotKey) bool {
	const low = 1<<32 - 1
	slot, hash := c.slot(id)
	old := slot.Load()
	next := old + 1
	switch {
	case old&low == 0:
		next = hash&^uint64(low) | 1
	case old&^uint64(low) != hash&^uint64(low):
		next = old - 1
	case old&low >= hotUses-1:
		next = old // until there is room for it
	}
	// If another goroutine was faster, this use is not counted.
	slot.CompareAndSwap(old, next)
	return next == old
}

// add makes the table of a key, if the cache has room or may make some. The
// map is replaced and not changed: readers take no lock.
func (c *hotCache) add(id hotKey, k *PublicKey, now uint64) verifier {
	tables := *c.tables.Load()
	if t := tables[id]; t != nil {
		return t.verifier
	}
	full := len(tables) >= hotKeys
	if full && now < c.last+hotPace { // a later use may have made the last one
		return nil
	}
	t := &hotTable{verifier: k.curve.group().prepareWide(&k.x, &k.y)}
	t.used.Store(now)
	tables = maps.Clone(tables)
	if full {
		delete(tables, oldest(tables))
	}
	tables[id] = t
	c.last = now
	c.tables.Store(&tables)
	return t.verifier
}

// oldest returns the key whose table was unused for the longest time.
func oldest(tables map[hotKey]*hotTable) (id hotKey) {
	least := ^uint64(0)
	for k, t := range tables {
		if used := t.used.Load(); used <= least {
			id, least = k, used
		}
	}
	return id
}
