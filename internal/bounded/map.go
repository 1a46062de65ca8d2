// Package bounded has a map that several goroutines use and that never grows
// beyond its bounds: what was not asked for lately is forgotten.
package bounded

import "sync"

// Map remembers values by key, up to two generations of a number of entries and
// a sum of their costs. A new value goes into the young generation; when that is
// full it becomes the old one, and the old one is dropped. A value that is found
// in the old generation moves to the young one. So what is used stays, at the
// price of no more than a lock, and one who floods the map with keys only makes
// it forget. Make it with New; it is safe for concurrent use.
type Map[K comparable, V any] struct {
	entries int
	cost    int64

	mu         sync.RWMutex
	young, old map[K]held[V]
	used       int64 // the costs in young
}

type held[V any] struct {
	value V
	cost  int64
}

// New returns a map whose generations hold so many entries, and entries that
// cost so much, each at most.
func New[K comparable, V any](entries int, cost int64) *Map[K, V] {
	return &Map[K, V]{entries: entries, cost: cost}
}

// Get returns the value that was put last with the key, if it is still there.
// A nil map has nothing.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	if m == nil {
		return value, false
	}
	m.mu.RLock()
	h, ok := m.young[key]
	if ok {
		m.mu.RUnlock()
		return h.value, true
	}
	h, ok = m.old[key]
	m.mu.RUnlock()
	if ok {
		m.renew(key)
	}
	return h.value, ok
}

// renew moves what the old generation has now to the young one, unless a newer
// value was put there meanwhile.
func (m *Map[K, V]) renew(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.young[key]; ok {
		return
	}
	if h, ok := m.old[key]; ok {
		m.put(key, h)
	}
}

// Put remembers a value of some cost, which is not negative; one that costs more
// than a generation may hold is not kept. A nil map keeps nothing.
func (m *Map[K, V]) Put(key K, value V, cost int64) {
	if m == nil || cost > m.cost {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, held[V]{value, cost})
}

// put is Put for a caller that holds the lock.
func (m *Map[K, V]) put(key K, h held[V]) {
	if was, ok := m.young[key]; ok {
		m.used -= was.cost
		delete(m.young, key)
	}
	if m.young == nil || len(m.young) >= m.entries || m.used+h.cost > m.cost {
		m.young, m.old, m.used = map[K]held[V]{}, m.young, 0
	}
	m.young[key] = h
	m.used += h.cost
}

// Len returns how many entries are held, those of both generations.
func (m *Map[K, V]) Len() int {
	if m == nil {
		return 0
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.young) + len(m.old)
}
