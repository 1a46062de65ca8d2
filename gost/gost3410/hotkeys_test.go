package gost3410

import (
	"sync"
	"sync/atomic"
	"testing"
)

// reparsed returns the key as another value.
func reparsed(t *testing.T, k *PublicKey) *PublicKey {
	t.Helper()
	pub, err := NewPublicKey(k.Curve(), k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func (c *hotCache) size() int { return len(*c.tables.Load()) }

// cacheFor returns a cache in which each key has a counter of its own. Where
// two share one they take uses from each other, and tables come later.
func cacheFor(t *testing.T, keys ...*PublicKey) *hotCache {
	t.Helper()
	for range 1000 {
		c, taken := newHotCache(), map[*atomic.Uint64]bool{}
		for _, k := range keys {
			slot, _ := c.slot(hotKeyOf(k))
			taken[slot] = true
		}
		if len(taken) == len(keys) {
			return c
		}
	}
	t.Fatal("the counters are not spread over the keys")
	return nil
}

func TestHotKeyIsFoundByValue(t *testing.T) {
	var keys []*PublicKey
	for _, curve := range distinctCurves() {
		keys = append(keys, mustGenerate(t, curve).PublicKey())
	}
	pub := mustGenerate(t, CryptoProA()).PublicKey()
	c := cacheFor(t, append(keys, pub)...)
	for _, pub := range keys {
		curve := pub.Curve()
		for i := range hotUses - 1 {
			if c.find(reparsed(t, pub)) != nil {
				t.Fatalf("%s: a table after %d uses", curve.Name(), i+1)
			}
		}
		made := c.find(pub)
		if made == nil {
			t.Fatalf("%s: no table after %d uses", curve.Name(), hotUses)
		}
		if again := c.find(reparsed(t, pub)); again != made {
			t.Errorf("%s: the key parsed again has another table", curve.Name())
		}
	}
	if c.size() != len(distinctCurves()) {
		t.Errorf("%d tables", c.size())
	}
	// Another identifier of the same curve is the same key, another point and
	// the same coordinates on another curve are not.
	for range hotUses {
		c.find(pub)
	}
	alias, err := NewPublicKey(TC26B256(), pub.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if c.find(alias) == nil {
		t.Error("the same point under another name of the curve has no table")
	}
	opposite := *pub
	r := readReferences(t)[CryptoProA().Name()]
	opposite.y = *scalarOf(r.p.Sub(r.p, bigOf(&pub.y)))
	other := *pub
	other.curve = CryptoProB()
	if c.find(&opposite) != nil || c.find(&other) != nil {
		t.Error("another key has this key's table")
	}
}

// TestHotKeyVerdicts checks that verdicts do not change when a key gets a
// table.
func TestHotKeyVerdicts(t *testing.T) {
	defer func(c *hotCache) { hot = c }(hot)
	EachImplementation(t, func(t *testing.T) {
		hot = newHotCache() // the process's may be full
		for _, curve := range distinctCurves() {
			key := mustGenerate(t, curve)
			digest := make([]byte, curve.Size())
			for i := range 3 * hotUses {
				digest[0] = byte(i)
				sig, err := key.Sign(nil, digest, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !Verify(key.PublicKey(), digest, sig) {
					t.Fatalf("%s: signature %d refused", curve.Name(), i)
				}
				sig[i] ^= 1
				if Verify(key.PublicKey(), digest, sig) {
					t.Fatalf("%s: changed signature %d accepted", curve.Name(), i)
				}
			}
			if hot.find(key.PublicKey()) == nil {
				t.Errorf("%s: no table was made", curve.Name())
			}
		}
	})
}

// heat uses a key until it has a table, or as often as allowed.
func heat(c *hotCache, k *PublicKey, uses int) bool {
	for range uses {
		if c.find(k) != nil {
			return true
		}
	}
	return false
}

// TestHotKeysShareACounter uses two keys that have one counter in turn: neither
// hides the other for ever, and a key used alone gets its table.
func TestHotKeysShareACounter(t *testing.T) {
	c := newHotCache()
	a := mustGenerate(t, CryptoProA()).PublicKey()
	slot, _ := c.slot(hotKeyOf(a))
	b := *a
	for other := (*atomic.Uint64)(nil); other != slot; b.x[0]++ { // not a point: nothing may be computed with it
		next := b
		next.x[0]++
		other, _ = c.slot(hotKeyOf(&next))
	}
	for range 10 * hotUses {
		if c.find(a) != nil || c.find(&b) != nil {
			t.Fatal("a table although the uses cancel")
		}
	}
	if !heat(c, a, 2*hotUses) {
		t.Error("no table for a key used alone")
	}
}

func TestHotKeysGiveWay(t *testing.T) {
	c := newHotCache()
	keys := make([]*PublicKey, hotKeys+1)
	for i := range keys {
		keys[i] = mustGenerate(t, CryptoProA()).PublicKey()
	}
	for i, k := range keys[:hotKeys] {
		if !heat(c, k, 3*hotUses) {
			t.Fatalf("key %d has no table", i)
		}
	}
	c.find(keys[0]) // now key 1 is the one unused for the longest time
	late := keys[hotKeys]
	c.last = c.clock.Load()
	if heat(c, late, hotPace/2) {
		t.Error("a table was made at once in a full cache")
	}
	if !heat(c, late, 2*hotPace) {
		t.Error("a key used often enough got no table")
	}
	tables := *c.tables.Load()
	if len(tables) != hotKeys {
		t.Errorf("%d tables", len(tables))
	}
	for i, k := range keys {
		if _, kept := tables[hotKeyOf(k)]; kept == (i == 1) {
			t.Errorf("key %d: kept = %v", i, kept)
		}
	}
	// Whoever waited while another goroutine made the table takes that one.
	made := tables[hotKeyOf(late)].verifier
	if again := c.add(hotKeyOf(late), late, c.clock.Load()+hotPace); again != made || len(*c.tables.Load()) != len(tables) {
		t.Error("the table was made a second time")
	}
}

// TestHotKeysFlood sends keys used once between the uses of a good one: it
// gets its table and keeps it, and there are no others. Then keys that are each
// used often, in turn.
func TestHotKeysFlood(t *testing.T) {
	c := newHotCache()
	good := mustGenerate(t, CryptoProA()).PublicKey()
	flood := func(i int) *PublicKey { // not points of the curve: nothing may be computed with them
		k := *good
		k.x[0], k.x[1] = uint64(i)*0x9e3779b97f4a7c15, uint64(i)
		return &k
	}
	for i := range 20000 {
		if c.find(flood(i)) != nil {
			t.Fatal("a key used once has a table")
		}
		if i%8 == 0 {
			c.find(good)
		}
	}
	if c.size() != 1 || c.find(good) == nil {
		t.Errorf("%d tables, want one", c.size())
	}
	made := 0
	for i := range 40 * hotKeys {
		k := flood(1<<20 + i%(4*hotKeys)) // four times as many as there is room for
		for range hotUses {
			before := *c.tables.Load()
			c.find(k)
			if after := *c.tables.Load(); len(after) > hotKeys {
				t.Fatalf("%d tables", len(after))
			} else if _, had := before[hotKeyOf(k)]; !had && after[hotKeyOf(k)] != nil {
				made++
			}
		}
		if c.find(good) == nil {
			t.Fatal("the good key's table gave way")
		}
	}
	if most := hotKeys + int(c.clock.Load())/hotPace; made > most {
		t.Errorf("%d tables were made, at most %d were expected", made, most)
	}
}

func TestHotKeysConcurrently(t *testing.T) {
	c := newHotCache()
	keys := make([]*PublicKey, 2*hotKeys)
	for i := range keys {
		keys[i] = mustGenerate(t, CryptoProA()).PublicKey()
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 30 * hotUses {
				k := keys[(i*7+g*16)%len(keys)]
				for range hotUses {
					if v := c.find(k); v == nil {
						continue
					} else if (*v.(*cpAWide))[0][0] != cpASet(&k.x, &k.y) {
						t.Errorf("goroutine %d: the table of another key", g)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if n := c.size(); n == 0 || n > hotKeys {
		t.Errorf("%d tables", n)
	}
}
