package cli

import (
	"runtime"
	"runtime/debug"
)

const (
	// batchGarbage is how much garbage a batch may leave lying, in octets, and
	// batchGCPercent the most that it is let grow in proportion to what is held.
	// What is held while small documents are verified is so little that collecting
	// after as much garbage, Go's default, takes a fifth of the time.
	batchGarbage   = 32 << 20
	batchGCPercent = 400
	// goGCPercent is Go's default.
	goGCPercent = 100
)

// relaxGC lets garbage lie a while where little memory is held, and returns what
// undoes it. A setting of the environment (GOGC) is left alone.
func relaxGC() (restore func()) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	percent := batchGCPercent
	if held := m.HeapAlloc; held > 0 {
		percent = int(min(batchGCPercent, max(goGCPercent, batchGarbage*100/held)))
	}
	before := debug.SetGCPercent(percent)
	if before != goGCPercent {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}
