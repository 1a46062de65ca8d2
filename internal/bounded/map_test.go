package bounded_test

import (
	"sync"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/bounded"
)

// TestMap: what is used stays, what is not is forgotten, and neither the number
// of entries nor their costs grow beyond two generations.
func TestMap(t *testing.T) {
	m := bounded.New[int, string](10, 1000)
	if _, ok := m.Get(1); ok {
		t.Error("an empty map has a value")
	}
	m.Put(-1, "used", 1)
	m.Put(-2, "idle", 1)
	for i := range 100 {
		m.Put(i, "flood", 1)
		if v, ok := m.Get(-1); !ok || v != "used" {
			t.Fatalf("%d: what is used was forgotten", i)
		}
		if v, ok := m.Get(i); !ok || v != "flood" {
			t.Fatalf("%d: what was just put is not there", i)
		}
		if n := m.Len(); n > 20 {
			t.Fatalf("%d entries", n)
		}
	}
	if _, ok := m.Get(-2); ok {
		t.Error("what was not used is still there")
	}
}

// TestMapCost: values are dropped by their cost too, and a new value of a key
// takes the place of the old one.
func TestMapCost(t *testing.T) {
	m := bounded.New[string, int](100, 1000)
	m.Put("large", 1, 1001)
	if _, ok := m.Get("large"); ok {
		t.Error("a value that costs more than all was kept")
	}
	for i := range 50 {
		m.Put("same", i, 900)
		if v, _ := m.Get("same"); v != i {
			t.Fatalf("%d, want %d", v, i)
		}
	}
	m.Put("a", 1, 900)
	m.Put("b", 1, 900)
	m.Put("c", 1, 900)
	if _, ok := m.Get("a"); ok || m.Len() != 2 {
		t.Errorf("%d values of 900 are held", m.Len())
	}
	var none *bounded.Map[string, int]
	none.Put("a", 1, 1)
	if _, ok := none.Get("a"); ok || none.Len() != 0 {
		t.Error("a nil map has a value")
	}
}

// TestMapTogether: several goroutines find what they put, or nothing.
func TestMapTogether(t *testing.T) {
	m := bounded.New[int, int](50, 1<<20)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				k := (i*7 + g) % 200
				if v, ok := m.Get(k); ok && v != k {
					t.Errorf("%d for %d", v, k)
				}
				m.Put(k, k, 1)
			}
		})
	}
	wg.Wait()
	if m.Len() > 100 {
		t.Errorf("%d entries", m.Len())
	}
}

// TestMapNewest: whoever looks a value up, and so renews it, does not bring an
// older one back.
func TestMapNewest(t *testing.T) {
	m := bounded.New[int, int](2, 1<<20)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					m.Get(0)
				}
			}
		})
	}
	for i := range 100_000 {
		m.Put(0, i, 1)
		if v, ok := m.Get(0); ok && v != i {
			t.Errorf("%d, and %d was put last", v, i)
			break
		}
		m.Put(-1-i, 0, 1) // so that 0 becomes old
		m.Put(-1-i/2, 0, 1)
	}
	close(stop)
	wg.Wait()
}
